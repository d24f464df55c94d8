"""The regret tracker: it watches a game and knows, at checkpoints, where it stands."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg

from oco.environments.row_stream import RowStream
from oco.errors import ConfigError, NumericsError
from oco.learners.base import Learner, Problem, effective_rank, state_bytes, state_floats
from oco.losses.rows import RowBlock, squared_lengths
from oco.plugins import registered_name
from oco.record import Record
from oco.regret.bounds import Bound, Observed, within_scales
from oco.regret.covariance import DENSE_DIMENSION, GradientCovariance
from oco.regret.interval import Interval
from oco.regret.quantities import IntervalRegret, interval_regret, linearised_regret
from oco.regret.row_spectrum import gradient_spectrum
from oco.regret.spectrum import Spectrum
from oco.snapshot import SnapshotError, capture, restore
from oco.types import Array

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve

RECORDED_LOSSES = 20_000
"""Most losses that are kept to find a comparator for an environment that cannot tell its own."""


KEPT_EIGENVALUES = 256
"""Most eigenvalues of a spectrum that a record keeps."""

KEPT_SPECTRA = 5
"""Most checkpoints whose spectrum a record keeps."""


LARGE_TOP = 32
"""Eigenvalues that are followed where d is too large for all; twice the learner's rank if that is more."""

_UNIT = float(np.finfo(np.float64).eps)

_OBSERVED = (
    "_cumulative_loss",
    "_loss_size",
    "_played",
    "_gradient_sum",
    "_each",
    "_mistakes",
    "_largest_point",
    "_peak_floats",
    "_spectra",
    "_slopes",
    "_seen",
    "_forms",
    "_rows",
    "_violations",
    "timings",
)
"""Attributes that change during a game, but the covariance."""


class Tracker:
    """Cumulative loss, gradient covariance, bound and regret of one game, at the given rounds.

    Costs O(d) a round (O(nnz) for sparse rows) plus the covariance; what is done at checkpoints is timed by part.
    """

    def __init__(
        self,
        stream: Any,
        player: Learner,
        problem: Problem,
        rounds: Any,
        *,
        spectrum: bool,
        comparator: bool | ComparatorCurve,
        shortest_interval: int | None = None,
    ) -> None:
        self._stream = stream
        self._player = player
        self._problem = problem
        self._rounds = rounds
        self._comparator = comparator
        self._wants_spectrum = spectrum
        self._rank = effective_rank(player, problem.domain)
        dimension = problem.domain.dimension
        by_operator = spectrum and dimension > DENSE_DIMENSION and isinstance(stream, RowStream)
        self._slopes = np.zeros(problem.horizon) if by_operator else None
        self._top = min(max(2 * (self._rank or 0), LARGE_TOP), dimension)
        self._covariance = GradientCovariance(dimension, spectrum, 0 if by_operator else self._top)
        self._cumulative_loss = 0.0
        self._loss_size = 0.0  # sum of |f_t(x_t)|
        self._played = 0.0  # sum of <g_t, x_t>
        self._gradient_sum = np.zeros(dimension)
        self._sides: tuple[Array, Array] | None = None
        if spectrum and player.bound_needs_sides and len(problem.domain.shape) == 2:
            rows, columns = problem.domain.shape
            self._sides = np.zeros((rows, rows)), np.zeros((columns, columns))
        self._mistakes = 0 if hasattr(stream, "loss") and stream.loss.binary else None
        self._largest_point = float(linalg.norm(player.prediction.ravel()))
        self._peak_floats = state_floats(player.state)
        kept = np.linspace(0, len(rounds) - 1, min(KEPT_SPECTRA, len(rounds)))
        self._spectrum_rounds = {int(rounds[int(np.rint(index))]) for index in kept}
        self._spectra: dict[int, Array] = {}
        self._forms: dict[str, None] = {}
        self._seen = 0
        self._rows: dict[str, list[float]] = defaultdict(list)
        self._bound: Bound | None = None
        self._violations: dict[str, int] = {}
        self._shortest_interval = shortest_interval
        self._each = None if shortest_interval is None else np.zeros(problem.horizon)  # every f_t(x_t)
        self._losses: list[Any] | None = [] if self._must_record_losses() else None
        self._curve: ComparatorCurve | None = None
        self.timings: dict[str, float] = defaultdict(float)

    def observe_block(self, block: RowBlock, margins: Array, losses: Array, slopes: Array, form: str) -> None:
        """Take in consecutive rounds of a stream of rows."""
        with self._timed("observe"):
            self._cumulative_loss += float(losses.sum())
            self._loss_size += float(np.abs(losses).sum())
            self._played += float(slopes @ margins)
            self._gradient_sum += block.rows.T @ slopes
            if self._mistakes is not None:
                self._mistakes += int(np.count_nonzero((margins > 0.0) != (block.targets > 0.0)))
            self._covariance.add_rows(block.rows, slopes)
            if self._each is not None:
                self._each[self._seen : self._seen + len(block)] = losses
            if self._slopes is not None:
                self._slopes[self._seen : self._seen + len(block)] = slopes
            self._seen += len(block)
            self._forms[form] = None
        if not math.isfinite(self._covariance.trace):
            _refuse_overflow(self._seen - len(block) + _first_overflow(block, slopes) + 1)

    def observe_round(self, loss: Any, value: float, gradient: Array) -> None:
        """Take in one round."""
        with self._timed("observe"):
            self._cumulative_loss += value
            self._loss_size += abs(value)
            if self._each is not None:
                self._each[self._seen] = value
            self._seen += 1
            self._played += float(np.vdot(gradient, self._player.prediction))
            self._gradient_sum += gradient.ravel()
            if self._sides is not None:
                self._sides[0][:] += gradient @ gradient.T
                self._sides[1][:] += gradient.T @ gradient
            self._covariance.add(gradient.ravel())
            self._forms["round by round"] = None
            if self._losses is not None:
                self._losses.append(loss)
        if not math.isfinite(self._covariance.largest_gradient):
            _refuse_overflow(self._seen)

    def checkpoint(self, round_index: int) -> None:
        """Write down where the game stands after ``round_index`` rounds."""
        self._largest_point = max(self._largest_point, float(linalg.norm(self._player.prediction.ravel())))
        self._peak_floats = max(self._peak_floats, state_floats(self._player.state))
        with self._timed("spectrum"):
            spectrum = self._spectrum(round_index) if self._wants_spectrum else None
        observed = Observed(
            rounds=round_index,
            domain=self._problem.domain,
            gradient_squares=self._covariance.trace,
            coordinate_squares=self._covariance.coordinate_squares,
            largest_gradient=self._covariance.largest_gradient,
            spectrum=spectrum,
            largest_point=self._largest_point,
            comparator_distance=self._comparator_distance(round_index),
            extra=self._side_spectra(),
        )
        with self._timed("bound"):
            known = spectrum is not None or self._slopes is None
            self._bound = self._stated_bound(observed) if known else None
        row: dict[str, float] = {
            "round": round_index,
            "cumulative_loss": self._cumulative_loss,
            "loss_rounding": self._rounding(round_index),
            "regret_linearised": self._linearised(),
            "gradient_squares": observed.gradient_squares,
            "bound": np.nan if self._bound is None else self._bound.value,
            "bound_holds": np.nan if self._bound is None else self._bound.valid,
            "escaped_mass": getattr(self._player, "escaped_mass", np.nan),
            "tail_mass": np.nan,
            "trace_root_lower": np.nan,
            "trace_root_upper": np.nan,
            "state_floats": state_floats(self._player.state),
            "mistakes": np.nan if self._mistakes is None else self._mistakes,
        }
        if spectrum is not None:
            if round_index in self._spectrum_rounds:
                self._spectra[round_index] = spectrum.top[:KEPT_EIGENVALUES]
            root = spectrum.trace_root()
            row |= {"trace_root_lower": root.lower, "trace_root_upper": root.upper}
            if self._rank is not None and (spectrum.complete or spectrum.top.size >= self._rank):
                row["tail_mass"] = spectrum.tail_mass(self._rank)
        if self._bound is not None:
            row |= {f"bound: {name}": value for name, value in self._bound.variants.items()}
            for statement in self._bound.violations:
                self._violations.setdefault(statement, round_index)
        for key, value in row.items():
            self._rows[key].append(float(value))

    def _stated_bound(self, observed: Observed) -> Bound | None:
        """The learner's bound; None where its number is beyond what can be represented."""
        try:
            with np.errstate(all="ignore"):
                bound = within_scales(self._player.bound(observed), observed)
        except ArithmeticError:
            return None
        return bound if bound is None or math.isfinite(bound.value) else None

    def _spectrum(self, round_index: int) -> Spectrum | None:
        """Of the covariance that is kept; in large dimensions by operator, and at a few checkpoints only."""
        if self._slopes is None:
            return self._covariance.spectrum()
        if round_index not in self._spectrum_rounds:
            return None
        return gradient_spectrum(self._stream, self._slopes[:round_index], self._top)

    def _rounding(self, round_index: int) -> float:
        """How far off ``sum f_t(x_t)`` may be: the roundings of every loss, of every margin and of the sum."""
        radius = self._problem.domain.radius("l2")
        reach = radius if np.isfinite(radius) else self._largest_point
        margins = (self._problem.domain.dimension + 8.0) * math.sqrt(round_index) * math.sqrt(self._covariance.trace)
        return _UNIT * ((round_index + 64.0) * self._loss_size + margins * reach)

    def _linearised(self) -> float:
        domain = self._problem.domain
        return linearised_regret(self._played, self._gradient_sum.reshape(domain.shape), domain)

    def _side_spectra(self) -> dict[str, Any]:
        """Eigenvalues of ``sum G G'`` and ``sum G' G`` of matrix games, for the learners whose bounds need them."""
        if self._sides is None:
            return {}
        left, right = (linalg.eigvalsh(side) for side in self._sides)
        return {"left_eigenvalues": left, "right_eigenvalues": right}

    def _comparator_distance(self, round_index: int) -> float:
        """``|u_t - x_1|`` on an unbounded domain, where u_t does not depend on what is played; else NaN."""
        domain = self._problem.domain
        known_ahead = isinstance(self._stream, RowStream) or not isinstance(self._comparator, bool)
        if domain.bounded or not known_ahead:
            return math.nan
        with self._timed("comparator"):
            curve = self._find_comparator()
        points = {} if curve is None else {one.rounds: one.point for one in curve}
        return float(linalg.norm(points[round_index] - domain.start)) if round_index in points else math.nan

    def snapshot(self) -> dict[str, Any]:
        """What was observed so far, as plain values."""
        if self._losses is not None:
            raise SnapshotError("losses that are any Python objects cannot be kept in a snapshot")
        observed: dict[str, Any] = capture(
            {name: vars(self)[name] for name in _OBSERVED} | {"covariance": vars(self._covariance)}
        )
        return observed

    def restore(self, snapshot: dict[str, Any]) -> int:
        """Take back what `snapshot` gave; returns the number of checkpoints in it."""
        for name in _OBSERVED:
            setattr(self, name, restore(vars(self)[name], snapshot[name]))
        vars(self._covariance).update(restore(dict(vars(self._covariance)), snapshot["covariance"]))
        return len(self._rows["round"])

    def record(self, *, environment: dict[str, Any], seed: int) -> Record:
        """Compute the regret against the comparator, the final numbers and the timings."""
        curves = {key: np.asarray(values) for key, values in self._rows.items()}
        with self._timed("comparator"):
            comparator = self._find_comparator()
        loss = curves["cumulative_loss"]
        missing = np.full(loss.shape, np.nan)
        lower, upper = (missing, missing) if comparator is None else (comparator.lower, comparator.upper)
        final = missing if comparator is None else comparator.final
        curves |= {
            "comparator_lower": lower,
            "comparator_upper": upper,
            "comparator_within": missing if comparator is None else comparator.within,
            "regret_lower": loss - upper - curves["loss_rounding"],
            "regret_upper": loss - lower + curves["loss_rounding"],
            "regret_final": loss - final,
            "regret_dynamic": loss - self._path_losses(),
        }
        memory = self._player.memory(self._problem)
        scalars: dict[str, float | int | str | bool | None] = {
            "rounds": int(curves["round"][-1]),
            "horizon": self._problem.horizon,
            "dimension": self._problem.domain.dimension,
            "cumulative_loss": float(loss[-1]),
            "regret_lower": float(curves["regret_lower"][-1]),
            "regret_upper": float(curves["regret_upper"][-1]),
            "regret_linearised": float(curves["regret_linearised"][-1]),
            "regret_dynamic": float(curves["regret_dynamic"][-1]),
            "comparator_gap": float(upper[-1] - lower[-1]),
            "comparator_within": None if comparator is None else float(comparator.within[-1]),
            "comparator_certificate": None if comparator is None else comparator.certificate,
            "comparator_tight": None if comparator is None else comparator.tight,
            "comparator_note": None if comparator is None else "; ".join(comparator.notes) or None,
            "bound": None if self._bound is None else self._bound.value,
            "bound_theorem": None if self._bound is None else self._bound.theorem,
            "bound_valid": None if self._bound is None else not self._violations,
            "rank": self._rank,
            "escaped_mass": float(curves["escaped_mass"][-1]),
            "tail_mass": float(curves["tail_mass"][-1]),
            "largest_gradient": self._covariance.largest_gradient,
            "mistakes": self._mistakes,
            "state_floats": state_floats(self._player.state),
            "state_bytes": state_bytes(self._player.state),
            "peak_state_floats": self._peak_floats,
            "memory_formula": None if memory is None else memory.formula,
            "memory_floats": None if memory is None else memory.floats,
            "form": ", ".join(self._forms),
        }
        learner = {"name": registered_name(type(self._player))} | self._player.hyperparameters()
        return Record(
            environment=environment,
            learner=learner,
            seed=seed,
            curves=curves,
            scalars=scalars,
            timings=dict(self.timings),
            spectrum_rounds=np.array(sorted(self._spectra), dtype=np.float64),
            spectra=_stacked([self._spectra[when] for when in sorted(self._spectra)]),
            bound=self._bound,
            violations=tuple(f"{what} (first seen at round {when})" for what, when in self._violations.items()),
            player=self._player,
            intervals=self._intervals(),
        )

    def _must_record_losses(self) -> bool:
        own = getattr(type(self._stream), "comparator_curve", None)
        from oco.environments.base import Environment

        knows = own is not None and own is not Environment.comparator_curve
        return self._comparator is True and not knows and self._problem.horizon <= RECORDED_LOSSES

    def _find_comparator(self) -> ComparatorCurve | None:
        if self._comparator is False:
            return None
        if self._comparator is not True:
            return self._comparator
        if self._losses is not None:
            from oco.comparators import anytime_of

            return anytime_of(self._losses, self._problem.domain, self._rounds)
        if self._curve is None and hasattr(self._stream, "comparator_curve"):
            self._curve = self._stream.comparator_curve(self._rounds)
        return self._curve

    def _intervals(self) -> tuple[IntervalRegret, ...]:
        """Regret on dyadic intervals, rounding allowed for as in the regret of the whole game."""
        if self._each is None or self._shortest_interval is None:
            return ()
        with self._timed("intervals"):
            found = interval_regret(self._each[: self._seen], self._best_between, self._shortest_interval)
        return tuple(found)

    def _best_between(self, start: int, stop: int) -> Interval:
        """The certified minimum of the losses of rounds ``start`` to ``stop - 1``, widened by what sums may be off."""
        from oco.comparators import best_fixed_point, best_fixed_point_of

        domain, stream = self._problem.domain, self._stream
        if hasattr(stream, "block") and (not isinstance(stream, RowStream) or stream.loss.has_conjugate):
            value = best_fixed_point(stream.block(start, stop), domain).value
        elif self._losses is not None:
            value = best_fixed_point_of(self._losses[start:stop], domain).value
        elif hasattr(stream, "loss_at"):
            value = best_fixed_point_of([stream.loss_at(t) for t in range(start, stop)], domain).value
        else:
            raise ConfigError(f"the regret on intervals needs the losses of any rounds, which {stream!r} does not give")
        rounding = self._rounding(self._seen)
        return Interval(value.lower - rounding, value.upper + rounding, value.within)

    def _path_losses(self) -> Array:
        """``sum_{s<=t} f_s(u_s)`` at the checkpoints for the path that the environment knows; NaN without one."""
        with self._timed("comparator"):
            if self._comparator is False or not hasattr(self._stream, "comparator_losses"):
                return np.full(len(self._rows["round"]), np.nan)
            losses: Array = self._stream.comparator_losses(self._rounds)
            return losses

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timings[part] += time.perf_counter() - began


def _first_overflow(block: RowBlock, slopes: Array) -> int:
    """The round of a block whose squared gradient is not finite; the last where only their sum is not."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = (np.abs(slopes) * np.sqrt(squared_lengths(block.rows))) ** 2
    beyond = np.flatnonzero(~np.isfinite(lengths))
    return int(beyond[0]) if beyond.size else len(block) - 1


def _refuse_overflow(round_index: int) -> None:
    raise NumericsError(
        f"round {round_index}: the sum of squared gradients overflows; gradients may have entries up to about 1e150, "
        "so put rows, targets or losses on a smaller scale"
    )


def _stacked(spectra: list[Array]) -> Array:
    """Spectra as rows; NaN where one knows fewer eigenvalues than another."""
    stacked = np.full((len(spectra), max((spectrum.size for spectrum in spectra), default=0)), np.nan)
    for row, spectrum in zip(stacked, spectra, strict=True):
        row[: spectrum.size] = spectrum
    return stacked
