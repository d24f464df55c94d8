"""The base class of losses ``phi(p, y)`` of a margin ``p = <a, x>``, from which generalized linear losses are made."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oco.types import Array


@dataclass(frozen=True)
class ScalarLoss(ABC):
    """A convex loss ``phi(p, y)`` of a margin p and a target y; the subclasses are the losses of the field.

    A custom loss defines a ``name`` and `values_and_derivatives`. It is played round by round rather than by compiled
    loops, and without `dual_range` and the conjugate its comparators are found by numerical ones, which is slower.
    Every other member is a constant of the loss, and its default is always valid; override the constants you know.
    """

    code: ClassVar[int] = -1
    """The loss's branch in the compiled function; -1 for a loss that is not compiled."""
    compiled: ClassVar[Callable[..., tuple[float, float]]]
    """``(code, parameter, margin, target) -> (phi, phi')``, compiled, for a loss with a code."""
    compiled_loop: ClassVar[Callable[..., None]]
    """``(code, parameter, margins, targets, values, derivatives)``: `compiled` for every entry, into the last two."""
    name: ClassVar[str]
    binary: ClassVar[bool] = False
    """Whether targets must be -1 or +1."""
    takes_target: ClassVar[bool] = True
    """Whether phi depends on the target, which must then be given."""
    linear: ClassVar[bool] = False
    """Whether ``phi(p, y) = p``."""
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

    def largest_slopes(self, reach: Array, targets: Array) -> Array:
        """Largest ``|phi'(p, y)|`` over ``|p| <= reach`` for every finite reach and target ``(n,)``.

        By default the larger one at the two endpoints, since the derivative of a convex function increases.
        """
        ends = [np.abs(self.values_and_derivatives(side * reach, targets)[1]) for side in (-1.0, 1.0)]
        return np.maximum(*ends)

    def exp_concavity(self, reach: Array, targets: Array) -> float:
        """Largest alpha with ``phi'' >= alpha phi'^2`` over all margins ``|p| <= reach`` and targets ``(n,)``.

        0 if there is none, and by default; a reach may be infinite.
        """
        return 0.0

    def recedes(self, change: Array, targets: Array, slack: float) -> bool:
        """Whether this change of margins ``(n,)``, repeated forever, raises no loss and lowers one toward an infimum
        that is not attained; then no margins attain the infimum of the sum.

        ``slack`` is how far a margin may move in the wrong direction, relative to the largest change. False by default.
        """
        return False

    def values_and_derivatives(self, margins: Array, targets: Array) -> tuple[Array, Array]:
        """``phi`` and ``phi'`` for arrays of margins and targets of one shape ``(n,)``."""
        if self.code < 0:
            raise NotImplementedError(f"{type(self).__name__} must define values_and_derivatives")
        margins = np.ascontiguousarray(margins, dtype=np.float64)
        targets = np.ascontiguousarray(targets, dtype=np.float64)
        values, derivatives = np.empty_like(margins), np.empty_like(margins)
        self.compiled_loop(self.code, self.parameter, margins, targets, values, derivatives)
        return values, derivatives

    def at(self, margin: float, target: float) -> tuple[float, float]:
        """``phi`` and ``phi'`` at one margin."""
        if self.code >= 0:
            return self.compiled(self.code, self.parameter, margin, target)
        values, derivatives = self.values_and_derivatives(np.array([margin]), np.array([target]))
        return float(values[0]), float(derivatives[0])

    def proximal_slope(self, margin: float, target: float, weight: float) -> float:
        """``phi'(q, y)`` at the q that minimizes ``phi(q, y) + (q - p)^2 / (2 weight)`` for the margin p.

        It is the s with ``s in phi'(p - weight s)``, and lies between 0 and ``phi'(p)``. An optional hook: by default
        it is found by bisection to the last bit, with some 60 values of phi.
        """
        _, slope = self.at(margin, target)
        low, high = min(slope, 0.0), max(slope, 0.0)
        while low < (middle := 0.5 * (low + high)) < high:
            if self.at(margin - weight * middle, target)[1] > middle:
                low = middle
            else:
                high = middle
        return high if slope > 0.0 else low

    @property
    def has_conjugate(self) -> bool:
        """Whether `dual_range` is defined, and with it the conjugate that certificates need."""
        return type(self).dual_range is not ScalarLoss.dual_range

    def curvature(self, margins: Array, targets: Array) -> Array:
        """``phi''`` for arrays of margins and targets ``(n,)``; a one-sided value where phi' has a kink.

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
        """Bounds ``(low, high)``, each ``(n,)``, of the closed interval outside which the conjugate is infinite."""
        raise NotImplementedError

    def conjugate(self, dual: Array, targets: Array) -> Array:
        """Fenchel conjugate ``phi*(a, y) = sup_p a p - phi(p, y)`` for arrays ``(n,)``; infinite outside `dual_range`.

        For every p, ``phi(p, y) >= a p - phi*(a, y)``, with equality if ``a = phi'(p, y)``. The certificates of
        comparators rest on this inequality.
        """
        low, high = self.dual_range(targets)
        inside = (dual >= low) & (dual <= high)
        return np.where(inside, self._conjugate(np.clip(dual, low, high), targets), np.inf)

    def _conjugate(self, dual: Array, targets: Array) -> Array:
        """The conjugate of duals in `dual_range`: an optional hook, given together with that."""
        raise NotImplementedError
