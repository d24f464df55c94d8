"""Observes the regret against the best fixed point, or against a moving comparator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg

from oco.environments.hindsight import best_fixed_points, known_ahead
from oco.environments.row_stream import RowStream
from oco.environments.wrapper import innermost
from oco.errors import ConfigError
from oco.snapshot import SnapshotError
from oco.tracking.observer import Curves, Game, Observer, Scalars
from oco.types import Array

if TYPE_CHECKING:
    from oco.comparators import Comparator, ComparatorCurve

RECORDED_LOSSES = 20_000
"""Most losses that are recorded to find a comparator if the environment does not provide one."""


class ComparatorObserver(Observer):
    """Finds the comparator of a game, and the regret against it.

    If the environment knows its comparator, that one is used. Otherwise up to `RECORDED_LOSSES` losses are recorded
    and passed to a solver.

    Parameters
    ----------
    wanted
        Whether to find a comparator, or a comparator found before.
    tolerance, seconds, progress
        As for `oco.comparators.anytime`.
    """

    def __init__(
        self,
        game: Game,
        wanted: bool | ComparatorCurve,
        tolerance: float | None = None,
        seconds: float | None = None,
        progress: bool = False,
    ) -> None:
        if not isinstance(wanted, bool) and not np.array_equal(wanted.rounds, game.rounds):
            raise ConfigError(
                f"comparator is a curve of {len(wanted)} rounds up to {wanted.rounds[-1]:.0f}, the game has other "
                f"checkpoints: {len(game.rounds)} rounds up to {game.rounds[-1]}"
            )
        self._game = game
        self._wanted = wanted
        self._options: dict[str, Any] = {"tolerance": tolerance, "seconds": seconds, "progress": progress}
        self._losses: list[Any] | None = [] if self._must_record_losses() else None
        self._curve: ComparatorCurve | None = None
        self.point: Array | None = None
        """The best fixed point of all rounds that was found; None before `finish`, and without one."""
        self.fixed: Comparator | None = None
        """The same with its certificate."""

    @property
    def losses(self) -> list[Any] | None:
        """Every loss so far; None if losses are not recorded."""
        return self._losses

    def observe_round(self, loss: Any, value: float, gradient: Array, point: Array) -> None:
        """Record the loss if a solver will need it."""
        if self._losses is not None:
            self._losses.append(loss)

    def distance(self, round_index: int) -> float:
        """``|u_t - x_1|`` if the domain is unbounded and u_t does not depend on the points played; else NaN."""
        domain = self._game.problem.domain
        best = None if domain.bounded else self.best(round_index)
        return math.nan if best is None else float(linalg.norm(best - domain.start))

    def best(self, round_index: int) -> Array | None:
        """u_t if it does not depend on the points played; else None."""
        if not (isinstance(innermost(self._game.stream), RowStream) or not isinstance(self._wanted, bool)):
            return None
        with self._game.clock.timed("comparator"):
            curve = self._found()
        points = {} if curve is None else {one.rounds: one.point for one in curve}
        return np.reshape(points[round_index], self._game.problem.domain.shape) if round_index in points else None

    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """Find the comparator; regret as an interval, against the last comparator, and against a moving one."""
        with self._game.clock.timed("comparator"):
            found = self._found()
        if found is not None:
            self.fixed = found[-1]
            self.point = np.reshape(found.point, self._game.problem.domain.shape)
        loss, rounding = curves["cumulative_loss"], curves["loss_rounding"]
        missing = np.full(loss.shape, np.nan)
        lower, upper = (missing, missing) if found is None else (found.lower, found.upper)
        more: Curves = {
            "comparator_lower": lower,
            "comparator_upper": upper,
            "comparator_within": missing if found is None else found.within,
            "regret_lower": loss - upper - rounding,
            "regret_upper": loss - lower + rounding,
            "regret_final": loss - (missing if found is None else found.final),
            "regret_dynamic": loss - self._path_losses(loss.size),
        }
        scalars: Scalars = {name: float(more[name][-1]) for name in ("regret_lower", "regret_upper", "regret_dynamic")}
        scalars |= {
            "comparator_gap": float(upper[-1] - lower[-1]),
            "comparator_within": None if found is None else float(found.within[-1]),
            "comparator_certificate": None if found is None else found.certificate,
            "comparator_tight": None if found is None else found.tight,
            "comparator_note": None if found is None else "; ".join(found.notes) or None,
        }
        return more, scalars

    def snapshot(self) -> Any:
        """Nothing, because the comparator is found again after a restore."""
        if self._losses is not None:
            raise SnapshotError("recorded losses are arbitrary Python objects, which a snapshot cannot store")
        return super().snapshot()

    def _must_record_losses(self) -> bool:
        short = self._game.problem.horizon <= RECORDED_LOSSES
        return self._wanted is True and not known_ahead(self._game.stream) and short

    def _found(self) -> ComparatorCurve | None:
        if isinstance(self._wanted, bool):
            return self._solved() if self._wanted else None
        return self._wanted

    def _solved(self) -> ComparatorCurve | None:
        game = self._game
        if self._curve is None or self._losses is not None:
            domain = getattr(game.stream, "comparator_domain", game.problem.domain)
            self._curve = best_fixed_points(game.stream, domain, game.rounds, self._losses, **self._options)
        return self._curve

    def _path_losses(self, checkpoints: int) -> Array:
        """``sum_{s<=t} f_s(u_s)`` at the checkpoints for the environment's moving comparator; NaN without one."""
        stream = self._game.stream
        with self._game.clock.timed("comparator"):
            if self._wanted is False or not hasattr(stream, "comparator_losses"):
                return np.full(checkpoints, np.nan)
            losses: Array = stream.comparator_losses(self._game.rounds)
            return losses
