"""Observes the losses: their sum and its error bound, the linearized regret, and classification mistakes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from oco.losses.rows import RowBlock, RowLoss
from oco.regret.quantities import linearized_regret
from oco.tracking.gradients import GradientObserver
from oco.tracking.observer import Columns, Curves, Game, Observer, Scalars
from oco.types import Array

_UNIT = float(np.finfo(np.float64).eps)


@dataclass
class LossSums:
    """Sums over the rounds so far.

    Attributes
    ----------
    cumulative
        ``sum f_t(x_t)``.
    size
        ``sum |f_t(x_t)|``.
    played
        ``sum <g_t, x_t>``.
    gradients
        ``(d,)``, ``sum g_t``.
    mistakes
        Number of misclassified rounds; None if targets are not classes.
    largest_point
        ``|x_t|_2``, the largest at the start and the checkpoints so far.
    """

    cumulative: float
    size: float
    played: float
    gradients: Array
    mistakes: int | None
    largest_point: float


class LossObserver(Observer):
    """The losses of the points played. Costs O(d) a round, O(nnz) for sparse rows."""

    state: LossSums

    def __init__(self, game: Game, gradients: GradientObserver) -> None:
        self._game = game
        self._gradients = gradients
        stream = game.stream
        mistakes = 0 if hasattr(stream, "loss") and stream.loss.binary else None
        self.state = LossSums(0.0, 0.0, 0.0, np.zeros(game.problem.domain.dimension), mistakes, self._length())

    def observe_block(self, block: RowBlock, margins: Array, losses: Array, slopes: Array) -> None:
        """Add the losses of consecutive rounds."""
        state = self.state
        state.cumulative += float(losses.sum())
        state.size += float(np.abs(losses).sum())
        state.played += float(slopes @ margins)
        state.gradients += block.rows.T @ slopes
        if state.mistakes is not None:
            state.mistakes += int(np.count_nonzero((margins > 0.0) != (block.targets > 0.0)))

    def observe_round(self, loss: Any, value: float, gradient: Array, point: Array) -> None:
        """Add one loss."""
        state = self.state
        state.cumulative += value
        state.size += abs(value)
        state.played += float(np.vdot(gradient, point))
        state.gradients += gradient.ravel()
        if state.mistakes is not None and isinstance(loss, RowLoss):
            state.mistakes += int((float(loss.row @ point) > 0.0) != (loss.target > 0.0))

    def checkpoint(self, round_index: int) -> Columns:
        """The sum of the losses, its error bound, the linearized regret and the mistakes."""
        state, domain = self.state, self._game.problem.domain
        state.largest_point = max(state.largest_point, self._length())
        return {
            "cumulative_loss": state.cumulative,
            "loss_rounding": self.rounding(round_index),
            "regret_linearised": linearized_regret(state.played, state.gradients.reshape(domain.shape), domain),
            "mistakes": np.nan if state.mistakes is None else state.mistakes,
        }

    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """The same quantities at the end of the game."""
        return {}, {
            "cumulative_loss": float(curves["cumulative_loss"][-1]),
            "regret_linearised": float(curves["regret_linearised"][-1]),
            "mistakes": self.state.mistakes,
        }

    def rounding(self, round_index: int) -> float:
        """An error bound for ``sum f_t(x_t)``, from the rounding of every loss, of every margin and of the sum."""
        domain = self._game.problem.domain
        radius = domain.radius("l2")
        reach = radius if np.isfinite(radius) else self.state.largest_point
        trace = self._gradients.covariance.trace
        margins = (domain.dimension + 8.0) * math.sqrt(round_index) * math.sqrt(trace)
        return _UNIT * ((round_index + 64.0) * self.state.size + margins * reach)

    def _length(self) -> float:
        return float(linalg.norm(self._game.player.prediction.ravel()))
