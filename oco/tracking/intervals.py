"""Observes every loss of a game, for the regret on intervals of rounds (strongly adaptive regret)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oco.environments.hindsight import least_between
from oco.losses.rows import RowBlock
from oco.regret.interval import Interval
from oco.regret.quantities import IntervalRegret, interval_regret
from oco.tracking.comparator import ComparatorObserver
from oco.tracking.losses import LossObserver
from oco.tracking.observer import Curves, Game, Observer, Scalars
from oco.types import Array


@dataclass
class EveryLoss:
    """``f_t(x_t)`` of the first ``rounds`` rounds."""

    values: Array
    rounds: int


class IntervalObserver(Observer):
    """Keeps T numbers, and finds a comparator for each dyadic interval of at least ``shortest`` rounds."""

    state: EveryLoss

    def __init__(self, game: Game, losses: LossObserver, comparator: ComparatorObserver, shortest: int) -> None:
        self._game = game
        self._losses = losses
        self._comparator = comparator
        self._shortest = shortest
        self.state = EveryLoss(np.zeros(game.problem.horizon), 0)
        self.regret: tuple[IntervalRegret, ...] = ()

    def observe_block(self, block: RowBlock, margins: Array, losses: Array, slopes: Array) -> None:
        """Keep the losses of consecutive rounds."""
        self.state.values[self.state.rounds : self.state.rounds + len(block)] = losses
        self.state.rounds += len(block)

    def observe_round(self, loss: Any, value: float, gradient: Array, point: Array) -> None:
        """Keep one loss."""
        self.state.values[self.state.rounds] = value
        self.state.rounds += 1

    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """The regret on dyadic intervals, with the whole game's allowance for rounding, and the largest of it."""
        with self._game.clock.timed("intervals"):
            played = self.state.values[: self.state.rounds]
            self.regret = tuple(interval_regret(played, self._best_between, self._shortest))
        worst = max(self.regret, key=lambda one: one.regret.upper, default=None)
        regret = Interval(np.nan, np.nan) if worst is None else worst.regret
        return {}, {"interval_regret_lower": regret.lower, "interval_regret_upper": regret.upper}

    def _best_between(self, start: int, stop: int) -> Interval:
        """The certified minimum of the losses of rounds ``start`` to ``stop - 1``, widened by the sums' error bound."""
        domain, losses = self._game.problem.domain, self._comparator.losses
        value = least_between(self._game.stream, domain, start, stop, losses)
        rounding = self._losses.rounding(self.state.rounds)
        return Interval(value.lower - rounding, value.upper + rounding, value.within)
