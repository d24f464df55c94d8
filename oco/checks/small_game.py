"""A short game that shows a learner of any kind what it needs, with a second version that differs in the rest."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

import numpy as np

from oco.domains.base import Domain
from oco.losses.base import Loss
from oco.losses.rows import RowLoss
from oco.losses.scalar import Squared
from oco.needs import CONSTRAINT, GAME, GRADIENT, PROMPT, ROW, WHOLE_LOSS, feedback_of
from oco.types import Array

CUT = 6
"""The first round (from 0) whose loss differs in the other version of a game."""


@dataclasses.dataclass(frozen=True)
class Tilt(Loss):
    """``<slope, x> + shift``, which states ``factor`` times its gradient."""

    slope: Array
    shift: float = 0.0
    factor: float = 1.0

    def value(self, point: Array) -> float:
        """``<slope, point> + shift``."""
        return float(np.vdot(self.slope, point)) + self.shift

    def gradient(self, point: Array) -> Array:
        """``factor slope``."""
        return self.factor * self.slope


class SmallGame:
    """Twelve rounds on any domain, with every constant that a learner may need, that keep the points played.

    Parameters
    ----------
    domain
        Where decisions must lie.
    needs
        What the learner needs: whole losses and rows are those of squared losses, everything else of linear ones.
    other
        Whether this is the other version: up to round `CUT` it shows learners of these needs the same, and everything
        else differs.
    delay
        By how many rounds feedback is late.
    """

    horizon = 12
    exp_concavity = 0.1
    strong_convexity = 0.1

    def __init__(self, domain: Domain, needs: tuple[str, ...], other: bool = False, delay: int = 0) -> None:
        self.domain = domain
        self.needs = needs
        self.other = other
        self.delays = np.full(self.horizon, delay)
        vectors = np.random.default_rng(17).standard_normal((self.horizon, *domain.shape))
        self.rows, self.slopes = vectors, vectors.copy()
        self.targets, self.limits = np.ones(self.horizon), np.full(self.horizon, 0.1)
        if other:
            self.slopes[CUT:] *= -5.0
            self.targets[CUT:] = -3.0
            self.limits[CUT:] = -0.5
        self.gradient_bound = 5.0 * float(np.linalg.norm(vectors.reshape(self.horizon, -1), axis=1).max())
        self.gradient_entry_bound = 5.0 * float(np.abs(vectors).max())
        self.gives = tuple(word for word in GAME if word != PROMPT or delay == 0)
        if CONSTRAINT in needs:
            self.reveal_constraint, self.feasible = self._constraint, None
        self.points: list[Array] = []
        self.round = 0

    def fresh(self, seed: int) -> Self:
        """The game itself, so that the points can be read after it."""
        return self

    def total_delay(self, rounds: int) -> int:
        """``sum min(d_t, rounds - t)``."""
        return int(np.minimum(self.delays[:rounds], rounds - 1 - np.arange(rounds)).sum())

    def row(self, round_index: int) -> Array:
        """The row of a round, the same in both versions."""
        row: Array = self.rows[round_index].copy()
        return row

    def hint_of(self, round_index: int, point: Array, gradient: Array) -> Array:
        """A hint that says nothing of what differs."""
        hint: Array = 0.5 * self.rows[round_index]
        return hint

    def reveal(self, point: Array) -> Any:
        """The loss of this round."""
        self.round += 1
        self.points.append(np.array(point))
        return self.loss_at(self.round - 1)

    def loss_at(self, index: int) -> Any:
        """The loss of any round (from 0)."""
        if ROW in self.needs or WHOLE_LOSS in self.needs:
            return RowLoss(Squared(), self.rows[index].copy(), self.targets[index])
        if feedback_of(self.needs) == GRADIENT:
            return Tilt(self.slopes[index], shift=float(self.other))
        return Tilt(self.slopes[index], factor=3.0 if self.other else 1.0)

    def _constraint(self, point: Array) -> Tilt:
        """``x_1 <= limit``."""
        normal = np.zeros(self.domain.shape)
        normal.flat[0] = 1.0
        return Tilt(normal, shift=-float(self.limits[self.round - 1]))
