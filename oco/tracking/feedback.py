"""Observes what games with other feedback than gradients add: violated constraints, missing feedback, moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oco.tracking.observer import Columns, Curves, Game, Observer, Scalars
from oco.types import Array

_UNIT = float(np.finfo(np.float64).eps)


@dataclass
class FeedbackSums:
    """Sums over the rounds so far.

    Attributes
    ----------
    violation
        ``sum c_t(x_t)``.
    positive_violation
        ``sum max(0, c_t(x_t))``.
    size
        ``sum |c_t(x_t)|`` and the lengths of what cancels in it: bounds the rounding of both sums.
    switching_cost
        ``sum |x_t - x_{t-1}|_2``.
    point
        The point played last; empty before the first round.
    """

    violation: float
    positive_violation: float
    size: float
    switching_cost: float
    point: Array


class FeedbackObserver(Observer):
    """The violation of a constraint, if there is one; the total delay, if there is any; the moves, on request."""

    state: FeedbackSums

    def __init__(self, game: Game, switching_cost: bool) -> None:
        self._game = game
        self._constrained = hasattr(game.stream, "reveal_constraint")
        self._delayed = hasattr(game.stream, "total_delay")
        self.switches = switching_cost
        self.state = FeedbackSums(0.0, 0.0, 0.0, 0.0, np.zeros(0))

    @property
    def active(self) -> bool:
        """Whether this game has anything to observe."""
        return self._constrained or self._delayed or self.switches

    def observe_constraint(self, value: float, slope: float) -> None:
        """Add the constraint's value at the point played; ``slope`` is its gradient's norm times the point's."""
        self.state.violation += value
        self.state.positive_violation += max(value, 0.0)
        self.state.size += abs(value) + slope + abs(float(getattr(self._game.stream, "limit", 0.0)))

    def observe_round(self, loss: Any, value: float, gradient: Array, point: Array) -> None:
        """Add the distance from the last point, if it is wanted."""
        self.add(point)

    def add(self, point: Array) -> None:
        """Add the distance from the last point, if it is wanted."""
        if self.switches:
            if self.state.point.size:
                self.state.switching_cost += float(np.linalg.norm(point - self.state.point))
            self.state.point = point.copy()

    def total_delay(self, rounds: int) -> int:
        """``sum_s min(d_s, rounds - s)``; 0 without delays."""
        return int(self._game.stream.total_delay(rounds)) if self._delayed else 0

    def checkpoint(self, round_index: int) -> Columns:
        """The sums that this game has."""
        columns: Columns = {}
        if self._constrained:
            rounding = (round_index + self._game.problem.domain.dimension + 64.0) * _UNIT * self.state.size
            columns |= {"violation": self.state.violation, "positive_violation": self.state.positive_violation}
            columns["violation_rounding"] = rounding
        if self._delayed:
            columns["total_delay"] = self.total_delay(round_index)
        if self.switches:
            columns["switching_cost"] = self.state.switching_cost
        return columns

    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """The same sums at the end of the game."""
        names = ("violation", "positive_violation", "violation_rounding", "total_delay", "switching_cost")
        return {}, {name: float(curves[name][-1]) for name in names if name in curves}
