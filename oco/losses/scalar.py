"""Losses of a margin: ``phi(p, y)`` with ``p = <a, x>``, from which every generalized linear loss is made.

One compiled function, `evaluate`, is all that the kernels, the losses and the comparators use to compute a value and
a derivative; the classes give it names, hyper-parameters and the constants that bounds and comparators need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oco.compile import kernel
from oco.errors import ConfigError
from oco.types import Array

LINEAR, SQUARED, ABSOLUTE, HINGE, SQUARED_HINGE, LOGISTIC, QUANTILE, HUBER, LOGARITHMIC = range(9)


@kernel
def evaluate(code: int, parameter: float, margin: float, target: float) -> tuple[float, float]:
    """Value of the loss ``code`` at ``margin`` and a subgradient there with respect to the margin."""
    if code == LINEAR:
        return margin, 1.0
    if code == LOGISTIC:
        score = target * margin
        if score > 0.0:
            small = math.exp(-score)
            return math.log1p(small), -target * small / (1.0 + small)
        small = math.exp(score)
        return math.log1p(small) - score, -target / (1.0 + small)
    if code == HINGE or code == SQUARED_HINGE:
        shortfall = 1.0 - target * margin
        if shortfall <= 0.0:
            return 0.0, 0.0
        if code == HINGE:
            return shortfall, -target
        return shortfall * shortfall, -2.0 * target * shortfall
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
    if abs(error) <= parameter:
        return 0.5 * error * error, error
    return parameter * (abs(error) - 0.5 * parameter), parameter * np.sign(error)


@kernel
def evaluate_all(
    code: int, parameter: float, margins: Array, targets: Array, values: Array, derivatives: Array
) -> None:
    """`evaluate` for every entry of ``margins``, written into ``values`` and ``derivatives``."""
    for i in range(margins.size):
        values[i], derivatives[i] = evaluate(code, parameter, margins[i], targets[i])


@dataclass(frozen=True)
class ScalarLoss:
    """A convex loss ``phi(p, y)`` of a margin p and a target y; the subclasses are the losses of the field."""

    code: ClassVar[int]
    name: ClassVar[str]
    binary: ClassVar[bool] = False
    """Whether targets must be -1 or +1."""

    @property
    def parameter(self) -> float:
        """The one hyper-parameter that the compiled function takes (0 where the loss has none)."""
        return 0.0

    @property
    def lipschitz(self) -> float:
        """Largest ``|phi'|`` over all margins; infinite where there is none."""
        return math.inf

    @property
    def smoothness(self) -> float:
        """Largest ``phi''``; infinite where the derivative jumps."""
        return math.inf

    def values_and_derivatives(self, margins: Array, targets: Array) -> tuple[Array, Array]:
        """``phi`` and ``phi'`` for arrays of margins and targets of one shape ``(n,)``."""
        margins = np.ascontiguousarray(margins, dtype=np.float64)
        values, derivatives = np.empty_like(margins), np.empty_like(margins)
        evaluate_all(self.code, self.parameter, margins, np.ascontiguousarray(targets, float), values, derivatives)
        return values, derivatives


@dataclass(frozen=True)
class Linear(ScalarLoss):
    """``phi(p) = p``: the row itself is the gradient."""

    code = LINEAR
    name = "linear"

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0

    @property
    def smoothness(self) -> float:
        """0: the derivative is constant."""
        return 0.0


@dataclass(frozen=True)
class Squared(ScalarLoss):
    """``phi(p, y) = (p - y)^2 / 2``."""

    code = SQUARED
    name = "squared"

    @property
    def smoothness(self) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True)
class Absolute(ScalarLoss):
    """``phi(p, y) = |p - y|``."""

    code = ABSOLUTE
    name = "absolute"

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True)
class Hinge(ScalarLoss):
    """``phi(p, y) = max(0, 1 - y p)`` with y = -1 or +1."""

    code = HINGE
    name = "hinge"
    binary = True

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True)
class SquaredHinge(ScalarLoss):
    """``phi(p, y) = max(0, 1 - y p)^2`` with y = -1 or +1."""

    code = SQUARED_HINGE
    name = "squared_hinge"
    binary = True

    @property
    def smoothness(self) -> float:
        """2."""
        return 2.0


@dataclass(frozen=True)
class Logistic(ScalarLoss):
    """``phi(p, y) = log(1 + exp(-y p))`` with y = -1 or +1, in nats."""

    code = LOGISTIC
    name = "logistic"
    binary = True

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0

    @property
    def smoothness(self) -> float:
        """1/4."""
        return 0.25


@dataclass(frozen=True)
class Quantile(ScalarLoss):
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


@dataclass(frozen=True)
class Huber(ScalarLoss):
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


@dataclass(frozen=True)
class Logarithmic(ScalarLoss):
    """``phi(p) = -log p`` for p > 0: the log loss of portfolio selection."""

    code = LOGARITHMIC
    name = "logarithmic"


SCALAR_LOSSES: dict[str, type[ScalarLoss]] = {
    family.name: family
    for family in (Linear, Squared, Absolute, Hinge, SquaredHinge, Logistic, Quantile, Huber, Logarithmic)
}
"""Every scalar loss by the name that configs use."""


def scalar_loss(name: str, **parameters: float) -> ScalarLoss:
    """The scalar loss called ``name`` in configs, with its hyper-parameter (``tau``, ``delta``) if it has one."""
    if name not in SCALAR_LOSSES:
        allowed = ", ".join(sorted(SCALAR_LOSSES))
        raise ConfigError(f"loss must be one of {allowed}, got {name!r}")
    try:
        return SCALAR_LOSSES[name](**parameters)
    except TypeError:
        raise ConfigError(f"the {name} loss does not take {', '.join(sorted(parameters))}") from None
