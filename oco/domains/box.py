"""Boxes: lower and upper bounds on each coordinate, which may be infinite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from oco.domains._polyhedra import project_on_polyhedron
from oco.domains._vectors import norm_of
from oco.domains.base import Domain
from oco.errors import DomainError
from oco.metrics import Metric, as_metric
from oco.numbers import real_numbers
from oco.types import Array, Shape

if TYPE_CHECKING:
    from oco.domains._region import Region


class Box(Domain):
    """Points between two bounds: ``{x : lower <= x <= upper}`` in each coordinate.

    Parameters
    ----------
    lower, upper
        Numbers or arrays, ``lower <= upper``; ``-inf`` and ``inf`` leave a side open.
    dimension
        ``d`` where both bounds are numbers. Without it the shape is left to `with_shape`.

    Notes
    -----
    In a diagonal metric the projection is the Euclidean one, O(d). In a low-rank or dense metric it is found by
    Newton's method in the k numbers that couple the coordinates, at O(dk^2) a step and in typical games 2 to 6 steps.
    If the metric is singular or its condition number exceeds 1e9, an active-set method finishes the work.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Box
    >>> Box(0.0, 1.0, dimension=3).project(np.array([-1.0, 0.5, 7.0]))
    array([0. , 0.5, 1. ])
    >>> Box(0.0, np.inf).with_shape((2,)).bounded
    False
    """

    name = "box"

    def __init__(self, lower: ArrayLike = -1.0, upper: ArrayLike = 1.0, dimension: int | Shape | None = None) -> None:
        low, high = (
            np.array(real_numbers(bound, f"the {side} bound of Box"), dtype=np.float64)
            for side, bound in (("lower", lower), ("upper", upper))
        )
        if not (np.all(low <= high) and np.all(low < np.inf) and np.all(high > -np.inf)):
            raise DomainError("The bounds of Box must satisfy lower <= upper, with lower < inf and upper > -inf")
        shape = np.broadcast_shapes(low.shape, high.shape)
        self._shape = self._size_given(dimension)
        if shape != () and self._shape not in (None, shape):
            raise DomainError(f"Box got dimension {dimension} and bounds of shape {shape}")
        self._lower, self._upper = low, high
        if shape != () or self._shape is not None:
            shape = shape or self._shape or ()
            self._check_shape(shape)
            self._shape = shape
            self._lower, self._upper = (np.broadcast_to(bound, shape) for bound in (low, high))

    def with_shape(self, shape: Shape) -> Self:
        """The box for decisions of ``shape``: itself where that is its shape, a copy where its bounds are numbers."""
        box = super().with_shape(shape)
        if box is not self:
            box._lower, box._upper = (np.broadcast_to(bound, box.shape) for bound in (self._lower, self._upper))
        return box

    def keywords(self) -> dict[str, Any]:
        """The constructor's keywords; a bound is one number where all its entries are equal."""
        bounds = {"lower": self._lower, "upper": self._upper}
        equal = {key: float(bound.flat[0]) for key, bound in bounds.items() if np.all(bound == bound.flat[0])}
        return super().keywords() | equal

    @property
    def start(self) -> Array:
        """The middle; in a coordinate with an open side, the number closest to zero."""
        origin = np.zeros(self.shape)
        closed = np.isfinite(self._lower) & np.isfinite(self._upper)
        if closed.all():
            inside: Array = self._lower / 2 + self._upper / 2
            return inside
        middle = np.where(closed, self._lower, 0.0) / 2 + np.where(closed, self._upper, 0.0) / 2
        return np.where(closed, middle, np.clip(origin, self._lower, self._upper))

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether no bound is passed by more than ``tolerance`` times the widest side (one, if all are open)."""
        point = self._checked(point)
        if tolerance >= 0.0 and (point >= self._lower).all() and (point <= self._upper).all():
            return True
        widths = self._upper - self._lower
        slack = tolerance * float(np.max(widths[np.isfinite(widths)], initial=0.0) or 1.0)
        return bool(np.all(point >= self._lower - slack) and np.all(point <= self._upper + slack))

    def project(self, point: Array) -> Array:
        """Euclidean projection: each coordinate clipped, in O(d)."""
        return np.clip(self._checked(point), self._lower, self._upper)

    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the norm of ``metric``; see the notes of the class for the method and the cost."""
        clipped = self.project(point)
        point = self._checked(point)
        if np.array_equal(clipped, point):
            return clipped
        metric = as_metric(metric, self.shape)
        if metric.isotropic or metric.diagonal is not None:
            return clipped
        lower, upper = (np.ascontiguousarray(bound).ravel() for bound in (self._lower, self._upper))
        return project_on_polyhedron(self, "box", point, metric, lower, upper, 0.0)

    def as_region(self) -> Region | None:
        """The bounds; None for a subclass, which may project elsewhere."""
        from oco.domains._region import box

        return box(self._lower, self._upper) if type(self) is Box and self._shape is not None else None

    def support(self, direction: Array) -> float:
        """``sum_i max(lower_i g_i, upper_i g_i)``."""
        direction = self._checked(direction)
        bound = np.where(direction > 0.0, self._upper, self._lower)
        moved = direction != 0.0  # an infinite bound times zero would be NaN
        return float(np.sum(direction[moved] * bound[moved]))

    def maximizer(self, direction: Array) -> Array:
        """The corner that ``direction`` points to, and the start's coordinate where the direction is zero."""
        direction = self._checked(direction)
        corner = np.where(direction > 0.0, self._upper, np.where(direction < 0.0, self._lower, self.start))
        if not np.isfinite(corner).all():
            raise DomainError("Box has no farthest point in a direction in which it is unbounded")
        return corner

    def diameter(self, norm: str = "l2") -> float:
        """The norm of ``upper - lower``; in the spectral norm that bounds the diameter from above."""
        self.shape  # noqa: B018 - raises where the shape is not known
        return _norm_or_infinity(self._upper - self._lower, norm)

    def radius(self, norm: str = "l2") -> float:
        """The norm of the farthest corner; in the spectral norm an upper bound."""
        self.shape  # noqa: B018 - raises where the shape is not known
        return _norm_or_infinity(np.maximum(np.abs(self._lower), np.abs(self._upper)), norm)


def _norm_or_infinity(sides: Array, norm: str) -> float:
    """`norm_of` for sides that may be infinite."""
    finite = np.isfinite(sides)
    length = norm_of(np.where(finite, sides, 0.0), norm)
    return length if finite.all() else float("inf")
