"""Losses of a margin with a label -1 or +1: the compiled function, then a class for each branch of it.

To add a loss, add a code, a branch of `evaluate_classification`, a class, and the name in `__all__`.
"""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import dataclass

import numpy as np

from oco.compile import kernel
from oco.losses.margin import ScalarLoss
from oco.types import Array

__all__ = ["Hinge", "Logistic", "SquaredHinge"]

FIRST_CODE = 100
"""The first of the codes of this file."""
HINGE, SQUARED_HINGE, LOGISTIC = range(FIRST_CODE, FIRST_CODE + 3)
NEWTON_STEPS = 100
"""Most steps towards the proximal point of the logistic loss; some five are enough, fifty if all are bisections."""
_TINY = float(np.finfo(np.float64).tiny)
_BELOW_ONE = float(np.nextafter(1.0, 0.0))


@kernel
def evaluate_classification(code: int, parameter: float, margin: float, target: float) -> tuple[float, float]:
    """Value of the loss ``code`` at ``margin`` and a subgradient there with respect to the margin."""
    score = target * margin
    if code == LOGISTIC:
        small = math.exp(-abs(score))  # without branches, which nobody could foresee
        loss = math.log1p(small) - (0.0 if score > 0.0 else score)
        return loss, -target * (small if score > 0.0 else 1.0) / (1.0 + small)
    shortfall = 1.0 - score
    if shortfall <= 0.0:
        return 0.0, 0.0
    if code == HINGE:
        return shortfall, -target
    return shortfall * shortfall, -2.0 * target * shortfall  # SQUARED_HINGE


@kernel
def evaluate_classifications(
    code: int, parameter: float, margins: Array, targets: Array, values: Array, derivatives: Array
) -> None:
    """`evaluate_classification` for every entry of ``margins``, written into ``values`` and ``derivatives``."""
    for i in range(margins.size):
        values[i], derivatives[i] = evaluate_classification(code, parameter, margins[i], targets[i])


class _ClassificationLoss(ScalarLoss, ABC):
    """A branch of `evaluate_classification`."""

    compiled = staticmethod(evaluate_classification)
    compiled_loop = staticmethod(evaluate_classifications)
    binary = True


@dataclass(frozen=True)
class Hinge(_ClassificationLoss):
    """``phi(p, y) = max(0, 1 - y p)`` with y = -1 or +1."""

    code = HINGE
    name = "hinge"

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0

    def kinks(self, targets: Array) -> tuple[Array, Array, Array]:
        """The target, where ``y p = 1``; slopes between -y and 0."""
        return targets, *self.dual_range(targets)

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """``-y (1 - y p) / weight``, between -y and 0."""
        short = 1.0 - target * margin
        if short <= 0.0:
            return 0.0
        return -target * (1.0 if short >= weight else short / weight)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """``-1 <= y a <= 0``."""
        return np.minimum(-targets, 0.0), np.maximum(-targets, 0.0)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets


@dataclass(frozen=True)
class SquaredHinge(_ClassificationLoss):
    """``phi(p, y) = max(0, 1 - y p)^2`` with y = -1 or +1."""

    code = SQUARED_HINGE
    name = "squared_hinge"

    @property
    def smoothness(self) -> float:
        """2."""
        return 2.0

    def exp_concavity(self, reach: Array, targets: Array) -> float:
        """``1 / (2 (1 + reach)^2)``, for the largest reach."""
        furthest = 1.0 + float(reach.max())
        return 0.5 / (furthest * furthest)

    def curvature(self, margins: Array, targets: Array) -> Array:
        """2 while the margin falls short, else 0."""
        return np.where(targets * margins < 1.0, 2.0, 0.0)

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """``-2 y (1 - y p) / (1 + 2 weight)`` while the margin falls short, else 0."""
        return -2.0 * target * max(1.0 - target * margin, 0.0) / (1.0 + 2.0 * weight)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """``y a <= 0``."""
        return np.where(targets > 0.0, -np.inf, 0.0), np.where(targets > 0.0, 0.0, np.inf)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets + 0.25 * dual * dual


@dataclass(frozen=True)
class Logistic(_ClassificationLoss):
    """``phi(p, y) = log(1 + exp(-y p))`` with y = -1 or +1, in nats."""

    code = LOGISTIC
    name = "logistic"

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0

    @property
    def smoothness(self) -> float:
        """1/4."""
        return 0.25

    def exp_concavity(self, reach: Array, targets: Array) -> float:
        """``exp(-reach)``, for the largest reach."""
        return float(np.exp(-reach.max()))

    def recedes(self, change: Array, targets: Array, slack: float) -> bool:
        """Whether scores grow by as much as they do in Newton steps that never end, and none falls."""
        rise = targets * change
        largest = float(rise.max(initial=0.0))
        return largest > 0.5 and float(rise.min(initial=0.0)) >= -slack * largest

    def values_and_derivatives(self, margins: Array, targets: Array) -> tuple[Array, Array]:
        """As the compiled function, by NumPy's exponential of whole arrays, which is several times as fast."""
        scores = targets * margins
        small = np.exp(-np.abs(scores))
        values = np.log1p(small) - np.minimum(scores, 0.0)
        return values, -targets * np.where(scores > 0.0, small, 1.0) / (1.0 + small)

    def curvature(self, margins: Array, targets: Array) -> Array:
        """``s (1 - s)`` with ``s = 1 / (1 + exp(-p))``."""
        small = np.exp(-np.abs(margins))
        curvature: Array = small / (1.0 + small) ** 2
        return curvature

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """By Newton's method on ``h = 1 / (1 + exp(y p + weight h))``, and bisection where it is slower than that."""
        score = target * margin
        low, high, step = 0.0, 1.0, 1.0
        chance = _chance(score)
        for _ in range(NEWTON_STEPS):
            there = _chance(score + weight * chance)
            low, high = (chance, high) if there > chance else (low, chance)
            before, step = step, (there - chance) / (1.0 + weight * there * (1.0 - there))
            if abs(step) > 0.5 * abs(before) or not low <= chance + step <= high:
                step = 0.5 * (low + high) - chance
            if chance + step == chance:
                break
            chance += step
        return -target * chance

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """``-1 <= y a <= 0``."""
        return np.minimum(-targets, 0.0), np.maximum(-targets, 0.0)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        probability = np.clip(-dual * targets, 0.0, 1.0)
        entropy: Array = probability * np.log(np.maximum(probability, _TINY))
        entropy += (1.0 - probability) * np.log1p(-np.minimum(probability, _BELOW_ONE))
        return entropy


def _chance(score: float) -> float:
    """``1 / (1 + exp(score))``, without overflow."""
    small = math.exp(-abs(score))
    return (small if score > 0.0 else 1.0) / (1.0 + small)
