"""Half-spaces and slabs: bounds on one linear function of the decision."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from oco.domains._vectors import euclidean_norm, unknown_norm
from oco.domains.base import Domain, require_inside
from oco.errors import DomainError
from oco.metrics import Metric, ScaledIdentity, as_metric
from oco.numbers import real_numbers
from oco.types import Array

if TYPE_CHECKING:
    from oco.domains._region import Region

PASSES = 12
"""Most corrections of a projection; each reduces the distance by a factor of about 1e15."""
PARALLEL = 1e-12
"""Relative size below which a direction's component orthogonal to the normal counts as rounding."""


class _Band(Domain, ABC):
    """``{x : lower <= <normal, x> <= upper}``; base class of half-spaces and slabs."""

    @abstractmethod
    def __init__(self, normal: ArrayLike, lower: float, upper: float) -> None:
        self._normal = np.array(real_numbers(normal, f"the normal of {type(self).__name__}"), dtype=np.float64)
        self._check_shape(self._normal.shape)
        if not (np.isfinite(self._normal).all() and np.any(self._normal)):
            raise DomainError(f"The normal of {type(self).__name__} must be finite and not zero")
        if np.isnan(lower) or np.isnan(upper):
            raise DomainError(f"The bound of {type(self).__name__} must be a number, got nan")
        self._shape = self._normal.shape
        self._length = euclidean_norm(self._normal)
        self._unit = self._normal / self._length
        # Everything below is in terms of the unit normal.
        self._lower, self._upper = lower / self._length, upper / self._length

    @property
    def start(self) -> Array:
        """The point closest to the origin."""
        return float(np.clip(0.0, self._lower, self._upper)) * self._unit

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether the bounds are exceeded by at most ``tolerance`` times the larger of the bound and the point."""
        point = self._checked(point)
        height = float(np.vdot(self._unit, point))
        bounds = [abs(bound) for bound in (self._lower, self._upper) if np.isfinite(bound)]
        slack = tolerance * max(euclidean_norm(point), *bounds, 0.0)
        return self._lower - slack <= height <= self._upper + slack

    def project(self, point: Array) -> Array:
        """Euclidean projection: the point moved along the normal onto the bound that it violates, in O(d)."""
        return self.project_in(point, ScaledIdentity(1.0))

    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the norm of ``metric``: along ``H^{-1} normal`` onto the violated bound.

        O(d) for a diagonal metric, O(dk) for a low-rank one, O(d^2) for a dense and O(mn(m + n)) for a Kronecker one.
        Where H is singular and the normal is not in its range, the move is along the normal's part in the null space.
        """
        point = self._checked(point)
        height = float(np.vdot(self._unit, point))
        excess = height - float(np.clip(height, self._lower, self._upper))
        if excess == 0.0:
            return point.copy()
        along = as_metric(metric, self.shape).inverse_direction(self._unit.ravel()).reshape(self.shape)
        along = along / np.max(np.abs(along))
        projected: Array = point - along * (excess / float(np.vdot(self._unit, along)))
        for _ in range(PASSES):
            # The second pass removes the rounding of a long move; a distant point needs more passes.
            height = float(np.vdot(self._unit, projected))
            excess = height - float(np.clip(height, self._lower, self._upper))
            projected -= along * (excess / float(np.vdot(self._unit, along)))
            if abs(excess) <= PARALLEL * euclidean_norm(projected):
                break
        return require_inside(self, projected)

    def as_region(self) -> Region | None:
        """The unit normal and the bounds; None for a subclass, which may project elsewhere."""
        from oco.domains._region import BAND, products

        if type(self) not in (HalfSpace, Slab):
            return None
        return products(BAND, self._unit.reshape(1, -1), np.array([self._lower]), np.array([self._upper]))

    def support(self, direction: Array) -> float:
        """The bound times the direction's length where the direction is along the normal; infinite elsewhere."""
        direction = self._checked(direction)
        along = float(np.vdot(self._unit, direction))
        if not np.any(direction):
            return 0.0
        if euclidean_norm(direction - along * self._unit) > PARALLEL * euclidean_norm(direction):
            return float("inf")
        return along * (self._upper if along > 0.0 else self._lower)

    def maximizer(self, direction: Array) -> Array:
        """The point of the bound closest to the origin; `DomainError` if the domain is unbounded that way."""
        reach = self.support(direction)
        if not np.isfinite(reach):
            raise DomainError(f"{type(self).__name__} has no farthest point in a direction in which it is unbounded")
        along = float(np.vdot(self._unit, direction))
        if along == 0.0:
            return self.start
        return (self._upper if along > 0.0 else self._lower) * self._unit

    def diameter(self, norm: str = "l2") -> float:
        """The width in one dimension, infinity in more."""
        if norm not in ("l1", "l2", "linf", "spectral"):
            raise unknown_norm(norm)
        return self._upper - self._lower if self.dimension == 1 else float("inf")

    def radius(self, norm: str = "l2") -> float:
        """The larger bound in one dimension, infinity in more."""
        self.diameter(norm)
        return max(abs(self._lower), abs(self._upper)) if self.dimension == 1 else float("inf")


class HalfSpace(_Band):
    """One linear inequality: ``{x : <normal, x> <= bound}``.

    Parameters
    ----------
    normal
        ``(d,)`` or ``(m, n)``, not zero.
    bound
        Finite.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import HalfSpace
    >>> HalfSpace(np.array([1.0, 1.0]), 1.0).project(np.array([1.0, 2.0]))
    array([0., 1.])
    """

    name = "half_space"

    def __init__(self, normal: ArrayLike, bound: float = 0.0) -> None:
        super().__init__(normal, -np.inf, float(bound))
        self._bound = float(bound)
        if not np.isfinite(bound):
            raise DomainError(f"The bound of HalfSpace must be finite, got {bound}")


class Slab(_Band):
    """Decisions whose prediction on one row is bounded: ``{w : |<w, row>| <= bound}``.

    The set on which Sketched Online Newton plays against the next row a: the projection of u in the norm of A is
    ``u - tau(<u, a>) / (a' A^{-1} a) A^{-1} a`` with ``tau(z) = sign(z) max(|z| - bound, 0)``.

    Parameters
    ----------
    row
        ``(d,)``, not zero.
    bound
        Nonnegative and finite.

    References
    ----------
    Luo, Agarwal, Cesa-Bianchi and Langford, "Efficient second order online learning by sketching", NeurIPS 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Diagonal, Slab
    >>> Slab(np.array([1.0, 1.0]), 1.0).project_in(np.array([2.0, 2.0]), Diagonal(np.array([1.0, 2.0])))
    array([0., 1.])
    """

    name = "slab"

    def __init__(self, row: ArrayLike, bound: float = 1.0) -> None:
        if not (np.isfinite(bound) and bound >= 0):
            raise DomainError(f"The bound of Slab must be nonnegative and finite, got {bound}")
        super().__init__(row, -float(bound), float(bound))
        self._row, self._bound = self._normal, float(bound)
