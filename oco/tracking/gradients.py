"""Observes the gradients: their covariance, its spectrum, and the tail mass outside the top directions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import linalg

from oco.environments.row_stream import RowStream
from oco.errors import NumericsError
from oco.learners.base import effective_rank
from oco.losses.rows import RowBlock, squared_lengths
from oco.regret.covariance import DENSE_DIMENSION, GradientCovariance
from oco.regret.row_spectrum import gradient_spectrum
from oco.regret.spectrum import Spectrum
from oco.tracking.observer import Columns, Curves, Game, Observer, Scalars
from oco.types import Array

KEPT_EIGENVALUES = 256
"""Most eigenvalues of a spectrum that a record keeps."""

KEPT_SPECTRA = 5
"""Most checkpoints whose spectrum a record keeps."""

LARGE_TOP = 32
"""Eigenvalues computed if d is too large for all of them; twice the learner's rank if that is more."""


@dataclass
class GradientState:
    """Statistics of the gradients so far.

    Attributes
    ----------
    rounds
        Number of gradients observed.
    slopes
        ``(T,)`` slopes of all rounds, if d is large and the stream can produce its rows again; else None.
    sides
        ``sum G G'`` and ``sum G' G`` of matrix games, for learners whose bounds need them; else None.
    spectra
        Top eigenvalues of the covariance, by checkpoint.
    """

    rounds: int
    slopes: Array | None
    sides: tuple[Array, Array] | None
    spectra: dict[int, Array] = field(default_factory=dict)


class GradientObserver(Observer):
    """The gradient covariance and, if requested, its spectrum.

    Costs O(d) a round (O(nnz) for sparse rows) without the spectrum.
    """

    state: GradientState

    def __init__(self, game: Game, wants_spectrum: bool) -> None:
        self._game = game
        self._wants_spectrum = wants_spectrum
        domain = game.problem.domain
        self.rank = effective_rank(game.player, domain)
        self._by_operator = wants_spectrum and domain.dimension > DENSE_DIMENSION and isinstance(game.stream, RowStream)
        self._top = min(max(2 * (self.rank or 0), LARGE_TOP), domain.dimension)
        self.covariance = GradientCovariance(domain.dimension, wants_spectrum, 0 if self._by_operator else self._top)
        sides = None
        if wants_spectrum and game.player.bound_needs_sides and len(domain.shape) == 2:
            rows, columns = domain.shape
            sides = np.zeros((rows, rows)), np.zeros((columns, columns))
        self.state = GradientState(0, np.zeros(game.problem.horizon) if self._by_operator else None, sides)
        kept = np.linspace(0, len(game.rounds) - 1, min(KEPT_SPECTRA, len(game.rounds)))
        self._spectrum_rounds = {int(game.rounds[int(np.rint(index))]) for index in kept}
        self.spectrum: Spectrum | None = None

    def observe_block(self, block: RowBlock, margins: Array, losses: Array, slopes: Array) -> None:
        """Add the gradients ``slopes[i] * rows[i]``."""
        before = self.state.rounds
        try:
            self.covariance.add_rows(block.rows, slopes)
        except NumericsError:
            _refuse_overflow(before + _first_overflow(block, slopes) + 1)
        if self.state.slopes is not None:
            self.state.slopes[before : before + len(block)] = slopes
        self.state.rounds += len(block)

    def observe_round(self, loss: Any, value: float, gradient: Array, point: Array) -> None:
        """Add one gradient."""
        if self.state.slopes is not None:
            self.state.slopes[self.state.rounds] = loss.scalar.at(float(loss.row @ point), loss.target)[1]
        self.state.rounds += 1
        if self.state.sides is not None:
            self.state.sides[0][:] += gradient @ gradient.T
            self.state.sides[1][:] += gradient.T @ gradient
        try:
            self.covariance.add(gradient.ravel())
        except NumericsError:
            _refuse_overflow(self.state.rounds)

    def checkpoint(self, round_index: int) -> Columns:
        """The trace of the covariance, its spectrum, and the mass outside the top directions."""
        with self._game.clock.timed("spectrum"):
            self.spectrum = self._spectrum_after(round_index)
        columns = {
            "gradient_squares": self.covariance.trace,
            "escaped_mass": self._game.player.escaped_mass,
            "tail_mass": np.nan,
            "trace_root_lower": np.nan,
            "trace_root_upper": np.nan,
        }
        if self.spectrum is not None:
            if round_index in self._spectrum_rounds:
                self.state.spectra[round_index] = self.spectrum.top[:KEPT_EIGENVALUES]
            root = self.spectrum.trace_root()
            columns |= {"trace_root_lower": root.lower, "trace_root_upper": root.upper}
            if self.rank is not None and (self.spectrum.complete or self.spectrum.top.size >= self.rank):
                columns["tail_mass"] = self.spectrum.tail_mass(self.rank)
        return columns

    @property
    def skipped_spectrum(self) -> bool:
        """Whether this checkpoint was skipped because the spectrum is computed only at a few of them."""
        return self._by_operator and self.spectrum is None

    def sides(self) -> dict[str, Any]:
        """Eigenvalues of ``sum G G'`` and ``sum G' G`` of matrix games, for the learners whose bounds need them."""
        if self.state.sides is None:
            return {}
        left, right = (linalg.eigvalsh(side) for side in self.state.sides)
        return {"left_eigenvalues": left, "right_eigenvalues": right}

    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """Rank, final masses, and the largest gradient norm."""
        return {}, {
            "rank": self.rank,
            "escaped_mass": float(curves["escaped_mass"][-1]),
            "tail_mass": float(curves["tail_mass"][-1]),
            "largest_gradient": self.covariance.largest_gradient,
        }

    def kept_spectra(self) -> tuple[Array, Array]:
        """The checkpoints whose spectrum was kept, and their eigenvalues as rows, padded with NaN."""
        rounds = sorted(self.state.spectra)
        spectra = [self.state.spectra[when] for when in rounds]
        stacked = np.full((len(spectra), max((spectrum.size for spectrum in spectra), default=0)), np.nan)
        for row, spectrum in zip(stacked, spectra, strict=True):
            row[: spectrum.size] = spectrum
        return np.array(rounds, dtype=np.float64), stacked

    def snapshot(self) -> Any:
        """The state and the covariance."""
        return {"state": super().snapshot(), "covariance": self.covariance.snapshot()}

    def restore(self, snapshot: Any) -> None:
        """Restore the state and the covariance."""
        super().restore(snapshot["state"])
        self.covariance.restore(snapshot["covariance"])

    def _spectrum_after(self, round_index: int) -> Spectrum | None:
        """The spectrum of the stored covariance; in large dimensions by operator, and only at a few checkpoints."""
        if not self._wants_spectrum:
            return None
        if self.state.slopes is None:
            return self.covariance.spectrum()
        if round_index not in self._spectrum_rounds:
            return None
        return gradient_spectrum(self._game.stream, self.state.slopes[:round_index], self._top)


def _first_overflow(block: RowBlock, slopes: Array) -> int:
    """The first round of a block whose squared gradient is not finite; the last if only their sum overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = (np.abs(slopes) * np.sqrt(squared_lengths(block.rows))) ** 2
    beyond = np.flatnonzero(~np.isfinite(lengths))
    return int(beyond[0]) if beyond.size else len(block) - 1


def _refuse_overflow(round_index: int) -> None:
    raise NumericsError(
        f"round {round_index}: the sum of squared gradients overflows; gradients may have entries up to about 1e150, "
        "so put rows, targets or losses on a smaller scale"
    ) from None
