"""Observes the points played: their running mean, those at the checkpoints, and their loss on a held-out stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from oco.environments.held_out import HeldOutLoss
from oco.tracking.observer import Columns, Curves, Game, Observer, Scalars
from oco.types import Array


@dataclass
class PlayedPoints:
    """What is kept of the points so far.

    Attributes
    ----------
    rounds
        Number of points in ``total``.
    total
        ``x_1 + ... + x_t``; None if the mean was not asked for.
    iterates
        ``x_{t+1}`` at the checkpoints t so far; empty if they were not asked for.
    """

    rounds: int
    total: Array | None
    iterates: list[Array] = field(default_factory=list)


class PointObserver(Observer):
    """The last point, the mean of all points, and the points at checkpoints. Costs O(d) a round for the mean.

    Parameters
    ----------
    average
        Whether to sum all points; `add` must then be given every one of them.
    keep_iterates
        Whether to keep the points at checkpoints.
    held_out
        The losses on which the last point and the mean are evaluated at checkpoints, or None.
    """

    state: PlayedPoints

    def __init__(self, game: Game, average: bool, keep_iterates: bool, held_out: HeldOutLoss | None) -> None:
        self._game = game
        self.averages = average or held_out is not None
        self._keep_iterates = keep_iterates
        self._held_out = held_out
        self.state = PlayedPoints(0, np.zeros(game.problem.domain.shape) if self.averages else None)

    def add(self, point: Array) -> None:
        """Add the point of one round."""
        if self.state.total is not None:
            self.state.total += point
            self.state.rounds += 1

    def observe_round(self, loss: Any, value: float, gradient: Array, point: Array) -> None:
        """Add the point of one round."""
        self.add(point)

    def checkpoint(self, round_index: int) -> Columns:
        """Keep the last point, and evaluate it and the mean on the held-out losses."""
        if self._keep_iterates:
            self.state.iterates.append(self.last)
        if self._held_out is None or self.average is None:
            return {}
        with self._game.clock.timed("evaluate"):
            return {"held_out_average": self._held_out(self.average), "held_out_last": self._held_out(self.last)}

    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """The held-out losses at the end of the game."""
        return {}, {name: float(curves[name][-1]) for name in ("held_out_average", "held_out_last") if name in curves}

    @property
    def last(self) -> Array:
        """``x_{t+1}``, a copy."""
        point: Array = np.array(self._game.player.prediction, dtype=np.float64)
        return point

    @property
    def average(self) -> Array | None:
        """``(x_1 + ... + x_t) / t``; None if it was not asked for."""
        return None if self.state.total is None else self.state.total / self.state.rounds

    @property
    def iterates(self) -> Array | None:
        """``(checkpoints, *shape)``; None if they were not asked for."""
        return np.array(self.state.iterates) if self._keep_iterates else None
