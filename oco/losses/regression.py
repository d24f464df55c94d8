"""Losses of a margin with a real target, or with none: the compiled function, then a class for each branch of it.

To add a loss, add a code, a branch of `evaluate_regression`, a class, and the name in `__all__`.
"""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import dataclass

import numpy as np

from oco.compile import kernel
from oco.errors import ConfigError
from oco.losses.margin import ScalarLoss
from oco.types import Array

__all__ = ["Absolute", "Huber", "Linear", "Logarithmic", "Quantile", "Squared"]

LINEAR, SQUARED, ABSOLUTE, QUANTILE, HUBER, LOGARITHMIC = range(6)


@kernel
def evaluate_regression(code: int, parameter: float, margin: float, target: float) -> tuple[float, float]:
    """Value of the loss ``code`` at ``margin`` and a subgradient there with respect to the margin."""
    if code == LINEAR:
        return margin, 1.0
    if code == LOGARITHMIC:
        if margin <= 0.0:
            return np.inf, np.nan
        return -math.log(margin), -1.0 / margin
    error = margin - target
    if code == SQUARED:
        return 0.5 * error * error, error
    if code == ABSOLUTE:
        return abs(error), np.sign(error)
    if code == QUANTILE:
        if error > 0.0:
            return (1.0 - parameter) * error, 1.0 - parameter
        return -parameter * error, -parameter if error < 0.0 else 0.0
    if abs(error) <= parameter:  # HUBER
        return 0.5 * error * error, error
    return parameter * (abs(error) - 0.5 * parameter), parameter * np.sign(error)


@kernel
def evaluate_regressions(
    code: int, parameter: float, margins: Array, targets: Array, values: Array, derivatives: Array
) -> None:
    """`evaluate_regression` for every entry of ``margins``, written into ``values`` and ``derivatives``."""
    for i in range(margins.size):
        values[i], derivatives[i] = evaluate_regression(code, parameter, margins[i], targets[i])


class _RegressionLoss(ScalarLoss, ABC):
    """A branch of `evaluate_regression`."""

    compiled = staticmethod(evaluate_regression)
    compiled_loop = staticmethod(evaluate_regressions)


@dataclass(frozen=True)
class Linear(_RegressionLoss):
    """``phi(p) = p``: the row itself is the gradient."""

    code = LINEAR
    name = "linear"
    linear = True
    takes_target = False
    infimum = -math.inf

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0

    @property
    def smoothness(self) -> float:
        """0: the derivative is constant."""
        return 0.0

    def curvature(self, margins: Array, targets: Array) -> Array:
        """0."""
        return np.zeros_like(margins)

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """1."""
        return 1.0

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """1 and 1: one slope only."""
        return np.ones_like(targets), np.ones_like(targets)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return np.zeros_like(dual)


@dataclass(frozen=True)
class Squared(_RegressionLoss):
    """``phi(p, y) = (p - y)^2 / 2``."""

    code = SQUARED
    name = "squared"

    @property
    def smoothness(self) -> float:
        """1."""
        return 1.0

    def exp_concavity(self, reach: Array, targets: Array) -> float:
        """``1 / (reach + |y|)^2``, for the largest ``reach + |y|``."""
        furthest = float(np.max(reach + np.abs(targets)))
        return 1.0 / (furthest * furthest) if furthest > 0.0 else math.inf

    def curvature(self, margins: Array, targets: Array) -> Array:
        """1."""
        return np.ones_like(margins)

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """``(p - y) / (1 + weight)``."""
        return (margin - target) / (1.0 + weight)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """All numbers."""
        return np.full_like(targets, -np.inf), np.full_like(targets, np.inf)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets + 0.5 * dual * dual


@dataclass(frozen=True)
class Absolute(_RegressionLoss):
    """``phi(p, y) = |p - y|``."""

    code = ABSOLUTE
    name = "absolute"

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0

    def kinks(self, targets: Array) -> tuple[Array, Array, Array]:
        """The target, -1 and 1."""
        return targets, np.full_like(targets, -1.0), np.ones_like(targets)

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """``(p - y) / weight``, at most 1 in size."""
        return _clipped(margin - target, weight, -1.0, 1.0)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """-1 and 1."""
        return np.full_like(targets, -1.0), np.ones_like(targets)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets


@dataclass(frozen=True)
class Quantile(_RegressionLoss):
    """Pinball loss ``phi(p, y) = tau (y - p)`` below the target and ``(1 - tau) (p - y)`` above it, 0 < tau < 1."""

    tau: float = 0.5
    code = QUANTILE
    name = "quantile"

    def __post_init__(self) -> None:
        if not 0.0 < self.tau < 1.0:
            raise ConfigError(f"tau of the quantile loss must lie strictly between 0 and 1, got {self.tau!r}")

    @property
    def parameter(self) -> float:
        """Tau."""
        return self.tau

    @property
    def lipschitz(self) -> float:
        """The larger of tau and 1 - tau."""
        return max(self.tau, 1.0 - self.tau)

    def kinks(self, targets: Array) -> tuple[Array, Array, Array]:
        """The target, -tau and 1 - tau."""
        return targets, *self.dual_range(targets)

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """``(p - y) / weight``, between -tau and 1 - tau."""
        return _clipped(margin - target, weight, -self.tau, 1.0 - self.tau)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """-tau and 1 - tau."""
        return np.full_like(targets, -self.tau), np.full_like(targets, 1.0 - self.tau)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets


@dataclass(frozen=True)
class Huber(_RegressionLoss):
    """``(p - y)^2 / 2`` within ``delta`` of the target, ``delta (|p - y| - delta / 2)`` beyond, delta > 0."""

    delta: float = 1.0
    code = HUBER
    name = "huber"

    def __post_init__(self) -> None:
        if not (self.delta > 0.0 and math.isfinite(self.delta)):
            raise ConfigError(f"delta of the Huber loss must be a positive number, got {self.delta!r}")

    @property
    def parameter(self) -> float:
        """Delta."""
        return self.delta

    @property
    def lipschitz(self) -> float:
        """Delta."""
        return self.delta

    @property
    def smoothness(self) -> float:
        """1."""
        return 1.0

    def curvature(self, margins: Array, targets: Array) -> Array:
        """1 within delta of the target, else 0."""
        return np.where(np.abs(margins - targets) <= self.delta, 1.0, 0.0)

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """``(p - y) / (1 + weight)``, at most delta in size."""
        return min(max((margin - target) / (1.0 + weight), -self.delta), self.delta)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """-delta and delta."""
        return np.full_like(targets, -self.delta), np.full_like(targets, self.delta)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets + 0.5 * dual * dual


@dataclass(frozen=True)
class Logarithmic(_RegressionLoss):
    """``phi(p) = -log p`` for p > 0: the log loss of portfolio selection."""

    code = LOGARITHMIC
    name = "logarithmic"
    takes_target = False
    infimum = -math.inf

    def largest_slopes(self, reach: Array, targets: Array) -> Array:
        """Infinite: the derivative has a pole at 0."""
        return np.full_like(reach, np.inf)

    def exp_concavity(self, reach: Array, targets: Array) -> float:
        """1, since ``phi'' = phi'^2``."""
        return 1.0

    def curvature(self, margins: Array, targets: Array) -> Array:
        """``1 / p^2``."""
        return 1.0 / (margins * margins)

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """``-2 / (p + sqrt(p^2 + 4 weight))``."""
        return -2.0 / (margin + math.sqrt(margin * margin + 4.0 * weight))

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """Negative slopes; at 0 the conjugate is infinite too."""
        return np.full_like(targets, -np.inf), np.zeros_like(targets)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        with np.errstate(divide="ignore"):
            conjugate: Array = -1.0 - np.log(-dual)
        return conjugate


def _clipped(error: float, weight: float, low: float, high: float) -> float:
    """``error / weight`` between ``low`` and ``high``, also for a weight of zero."""
    if error >= weight * high:
        return high if error > 0.0 else 0.0
    return max(error / weight, low) if weight > 0.0 else low
