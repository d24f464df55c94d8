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
from oco.plugins import Registry
from oco.types import Array

_TINY = float(np.finfo(np.float64).tiny)
_BELOW_ONE = float(np.nextafter(1.0, 0.0))

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
    if code == HINGE or code == SQUARED_HINGE:  # noqa: SIM109 - a tuple does not compile to plain branches
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
    """A convex loss ``phi(p, y)`` of a margin p and a target y; the subclasses are the losses of the field.

    A loss of one's own gives a ``name`` and `values_and_derivatives`. It is played round by round rather than by
    compiled loops, and without `dual_range` and the conjugate comparators are found by cuts, which is slower.
    """

    code: ClassVar[int] = -1
    """The branch of `evaluate` that computes it; -1 for a loss that is not compiled."""
    name: ClassVar[str]
    binary: ClassVar[bool] = False
    """Whether targets must be -1 or +1."""
    infimum: ClassVar[float] = 0.0
    """A lower bound on the loss of any margin; minus infinity where there is none."""

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
        if self.code < 0:
            raise NotImplementedError(f"{type(self).__name__} must define values_and_derivatives")
        margins = np.ascontiguousarray(margins, dtype=np.float64)
        values, derivatives = np.empty_like(margins), np.empty_like(margins)
        evaluate_all(self.code, self.parameter, margins, np.ascontiguousarray(targets, float), values, derivatives)
        return values, derivatives

    def at(self, margin: float, target: float) -> tuple[float, float]:
        """``phi`` and ``phi'`` at one margin."""
        if self.code >= 0:
            return evaluate(self.code, self.parameter, margin, target)
        values, derivatives = self.values_and_derivatives(np.array([margin]), np.array([target]))
        return float(values[0]), float(derivatives[0])

    @property
    def has_conjugate(self) -> bool:
        """Whether `dual_range` is given, hence the conjugate that the comparators of rows rest on."""
        return type(self).dual_range is not ScalarLoss.dual_range

    def curvature(self, margins: Array, targets: Array) -> Array:
        """``phi''`` for arrays of margins and targets ``(n,)``; one of its one-sided values where phi' bends.

        Raises
        ------
        TypeError
            For a loss whose derivative jumps (`kinks` describes it).
        """
        raise TypeError(f"the {self.name} loss has no second derivative")

    def kinks(self, targets: Array) -> tuple[Array, Array, Array] | None:
        """``(kink, low, high)``, each ``(n,)``, where ``phi(p) = max(low (p - kink), high (p - kink))``; else None."""
        return None

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """Ends ``(low, high)``, each ``(n,)``, of the closed interval outside which the conjugate is infinite."""
        raise NotImplementedError

    def conjugate(self, dual: Array, targets: Array) -> Array:
        """Fenchel conjugate ``phi*(a, y) = sup_p a p - phi(p, y)`` for arrays ``(n,)``; infinite outside `dual_range`.

        With it ``phi(p, y) >= a p - phi*(a, y)`` for every p, an equality where ``a = phi'(p, y)``: what certificates
        of comparators rest on.
        """
        low, high = self.dual_range(targets)
        inside = (dual >= low) & (dual <= high)
        return np.where(inside, self._conjugate(np.clip(dual, low, high), targets), np.inf)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        """The conjugate of duals that lie in range."""
        raise NotImplementedError


@dataclass(frozen=True)
class Linear(ScalarLoss):
    """``phi(p) = p``: the row itself is the gradient."""

    code = LINEAR
    name = "linear"
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

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """1 and 1: one slope only."""
        return np.ones_like(targets), np.ones_like(targets)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return np.zeros_like(dual)


@dataclass(frozen=True)
class Squared(ScalarLoss):
    """``phi(p, y) = (p - y)^2 / 2``."""

    code = SQUARED
    name = "squared"

    @property
    def smoothness(self) -> float:
        """1."""
        return 1.0

    def curvature(self, margins: Array, targets: Array) -> Array:
        """1."""
        return np.ones_like(margins)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """All numbers."""
        return np.full_like(targets, -np.inf), np.full_like(targets, np.inf)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets + 0.5 * dual * dual


@dataclass(frozen=True)
class Absolute(ScalarLoss):
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

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """-1 and 1."""
        return np.full_like(targets, -1.0), np.ones_like(targets)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets


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

    def kinks(self, targets: Array) -> tuple[Array, Array, Array]:
        """The target, where ``y p = 1``; slopes between -y and 0."""
        return targets, *self.dual_range(targets)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """``-1 <= y a <= 0``."""
        return np.minimum(-targets, 0.0), np.maximum(-targets, 0.0)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets


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

    def curvature(self, margins: Array, targets: Array) -> Array:
        """2 while the margin falls short, else 0."""
        return np.where(targets * margins < 1.0, 2.0, 0.0)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """``y a <= 0``."""
        return np.where(targets > 0.0, -np.inf, 0.0), np.where(targets > 0.0, 0.0, np.inf)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets + 0.25 * dual * dual


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

    def values_and_derivatives(self, margins: Array, targets: Array) -> tuple[Array, Array]:
        """As `evaluate`, by NumPy's exponential of whole arrays, which is several times as fast."""
        scores = targets * margins
        small = np.exp(-np.abs(scores))
        values = np.log1p(small) - np.minimum(scores, 0.0)
        return values, -targets * np.where(scores > 0.0, small, 1.0) / (1.0 + small)

    def curvature(self, margins: Array, targets: Array) -> Array:
        """``s (1 - s)`` with ``s = 1 / (1 + exp(-p))``."""
        small = np.exp(-np.abs(margins))
        curvature: Array = small / (1.0 + small) ** 2
        return curvature

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """``-1 <= y a <= 0``."""
        return np.minimum(-targets, 0.0), np.maximum(-targets, 0.0)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        probability = np.clip(-dual * targets, 0.0, 1.0)
        entropy: Array = probability * np.log(np.maximum(probability, _TINY))
        entropy += (1.0 - probability) * np.log1p(-np.minimum(probability, _BELOW_ONE))
        return entropy


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

    def kinks(self, targets: Array) -> tuple[Array, Array, Array]:
        """The target, -tau and 1 - tau."""
        return targets, *self.dual_range(targets)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """-tau and 1 - tau."""
        return np.full_like(targets, -self.tau), np.full_like(targets, 1.0 - self.tau)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets


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

    def curvature(self, margins: Array, targets: Array) -> Array:
        """1 within delta of the target, else 0."""
        return np.where(np.abs(margins - targets) <= self.delta, 1.0, 0.0)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """-delta and delta."""
        return np.full_like(targets, -self.delta), np.full_like(targets, self.delta)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        return dual * targets + 0.5 * dual * dual


@dataclass(frozen=True)
class Logarithmic(ScalarLoss):
    """``phi(p) = -log p`` for p > 0: the log loss of portfolio selection."""

    code = LOGARITHMIC
    name = "logarithmic"
    infimum = -math.inf

    def curvature(self, margins: Array, targets: Array) -> Array:
        """``1 / p^2``."""
        return 1.0 / (margins * margins)

    def dual_range(self, targets: Array) -> tuple[Array, Array]:
        """Negative slopes; at 0 the conjugate is infinite too."""
        return np.full_like(targets, -np.inf), np.zeros_like(targets)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        with np.errstate(divide="ignore"):
            conjugate: Array = -1.0 - np.log(-dual)
        return conjugate


SCALAR_LOSSES: Registry[ScalarLoss] = Registry(
    "loss",
    "oco.losses",
    ScalarLoss,
    {
        family.name: family
        for family in (Linear, Squared, Absolute, Hinge, SquaredHinge, Logistic, Quantile, Huber, Logarithmic)
    },
)
"""Every scalar loss by the name that configs use, those of other packages too."""


def scalar_loss(name: str | ScalarLoss, **parameters: float) -> ScalarLoss:
    """The scalar loss called ``name`` in configs, with its hyper-parameter (``tau``, ``delta``) if it has one.

    A loss is returned as it is.

    Examples
    --------
    >>> scalar_loss("quantile", tau=0.9).tau
    0.9
    """
    if isinstance(name, ScalarLoss):
        return name
    if not isinstance(name, str) or name not in SCALAR_LOSSES:
        allowed = ", ".join(sorted(SCALAR_LOSSES))
        raise ConfigError(f"loss must be one of {allowed}, or an oco.losses.ScalarLoss, got {name!r}")
    family = SCALAR_LOSSES[name]
    try:
        return family(**parameters)
    except TypeError:
        raise ConfigError(f"the {name} loss does not take {', '.join(sorted(parameters))}") from None
