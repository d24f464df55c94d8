"""The Euclidean ball, for vectors and for matrices (Frobenius norm)."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from oco.domains._vectors import euclidean_norm, largest_norm_in_unit_ball, norm_of
from oco.domains.base import Domain
from oco.errors import DomainError
from oco.metrics import Metric, as_metric
from oco.numbers import real_numbers
from oco.types import Array, Shape


class EuclideanBall(Domain):
    """Points within ``radius`` of ``center`` in the l2 norm; base class of the balls of vectors and of matrices.

    In the metric H the projection of y is ``c + H (H + mu I)^{-1} (y - c)`` with the ``mu >= 0`` that puts it on the
    sphere, or y itself where y is inside. One multiplier is found on the spectrum of H.
    """

    def __init__(self, radius: float, center: ArrayLike | None, dimension: int | Shape | None) -> None:
        if not (np.isfinite(radius) and radius > 0):
            raise DomainError(f"The radius of {type(self).__name__} must be positive and finite, got {radius}")
        self._radius = float(radius)
        self._center: Array | None = None
        self._shape = self._size_given(dimension)
        if center is not None:
            middle = np.array(real_numbers(center, f"the center of {type(self).__name__}"), dtype=np.float64)
            self._check_shape(middle.shape)
            if self._shape not in (None, middle.shape):
                raise DomainError(
                    f"{type(self).__name__} got dimension {dimension} and a center of shape {middle.shape}"
                )
            if not np.isfinite(middle).all():
                raise DomainError(f"The center of {type(self).__name__} has an entry that is not finite")
            self._center = middle
            self._shape = middle.shape

    @abstractmethod
    def as_ball(self) -> tuple[Array, float] | None:
        """Center and radius; None for a subclass, which may project elsewhere."""

    @property
    def start(self) -> Array:
        """The center."""
        return np.zeros(self.shape) if self._center is None else self._center.copy()

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether ``|point - center|_2 <= (1 + tolerance) radius``."""
        return euclidean_norm(self._checked(point) - self.start) <= self._radius * (1.0 + tolerance)

    def project(self, point: Array) -> Array:
        """Euclidean projection: ``center + min(1, radius / |y - center|) (y - center)``, in O(d)."""
        point = self._checked(point)
        offset = point if self._center is None else point - self._center
        length = euclidean_norm(offset)
        if length <= self._radius:
            return point.copy()
        offset = offset * (self._radius / length)
        return offset if self._center is None else self._center + offset

    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the norm of ``metric``; see the notes of the class for the formula and the cost."""
        point = self._checked(point)
        offset = point if self._center is None else point - self._center
        if euclidean_norm(offset) <= self._radius:
            return point.copy()
        shrunk = _shrink(offset, as_metric(metric, self.shape), self._radius)
        return shrunk if self._center is None else self._center + shrunk

    def support(self, direction: Array) -> float:
        """``<direction, center> + radius |direction|_2``."""
        direction = self._checked(direction)
        reach = self._radius * euclidean_norm(direction)
        return reach if self._center is None else reach + float(np.vdot(direction, self._center))

    def maximizer(self, direction: Array) -> Array:
        """``center + radius direction / |direction|_2``; the center for a zero direction."""
        direction = self._checked(direction)
        length = euclidean_norm(direction)
        return self.start if length == 0.0 else self.start + self._radius * (direction / length)

    def diameter(self, norm: str = "l2") -> float:
        """``2 radius`` in l2, linf and spectral norm, ``2 radius sqrt(d)`` in l1."""
        return 2.0 * self._radius * (1.0 if norm == "l2" else largest_norm_in_unit_ball(self.shape, norm))

    def radius(self, norm: str = "l2") -> float:
        """The norm of the center plus half the diameter, which is attained."""
        center_norm = 0.0 if self._center is None else norm_of(self._center, norm)
        return center_norm + 0.5 * self.diameter(norm)


class Ball(EuclideanBall):
    """Points within ``radius`` of ``center`` in the l2 norm: ``{x : |x - center|_2 <= radius}``.

    Parameters
    ----------
    radius
        Positive and finite.
    center
        The middle, which also gives the shape; the origin where not given.
    dimension
        ``d`` for vectors of length d, or a shape ``(m, n)``. Without it and without ``center`` it is left to
        `with_shape`.

    Notes
    -----
    In the metric H the projection of y is ``c + H (H + mu I)^{-1} (y - c)`` with the ``mu >= 0`` that puts it on the
    sphere, or y itself where y is inside. One multiplier is found on the spectrum of H, so the cost is O(d) for a
    diagonal metric, O(dk) for a low-rank one, O(d^2) for a dense one and O(mn(m + n)) for a Kronecker one.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Ball
    >>> Ball(radius=5.0, dimension=2).project(np.array([6.0, 8.0]))
    array([3., 4.])
    >>> Ball(radius=5.0).with_shape((30,)).diameter("l2")
    10.0
    """

    name = "ball"

    def __init__(
        self, radius: float = 1.0, center: ArrayLike | None = None, dimension: int | Shape | None = None
    ) -> None:
        super().__init__(radius, center, dimension)

    def as_ball(self) -> tuple[Array, float] | None:
        """Center and radius; None for a subclass, which may project elsewhere."""
        return (self.start, self._radius) if type(self) is Ball else None


class FrobeniusBall(EuclideanBall):
    """Matrices within ``radius`` of ``center`` in the Frobenius norm.

    Parameters
    ----------
    radius
        Positive and finite.
    center
        The middle ``(m, n)``; the zero matrix where not given.
    shape
        ``(m, n)``; left to `with_shape` where neither this nor ``center`` is given.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import FrobeniusBall
    >>> FrobeniusBall(radius=5.0, shape=(2, 2)).project(np.array([[6.0, 0.0], [0.0, 8.0]]))
    array([[3., 0.],
           [0., 4.]])
    """

    name = "frobenius_ball"
    axes = (2,)

    def __init__(self, radius: float = 1.0, center: ArrayLike | None = None, shape: Shape | None = None) -> None:
        super().__init__(radius, center, None)
        if shape is not None:
            self._shape = self.with_shape(shape).shape

    def as_ball(self) -> tuple[Array, float] | None:
        """Center and radius; None for a subclass, which may project elsewhere."""
        return (self.start, self._radius) if type(self) is FrobeniusBall else None


def _shrink(offset: Array, metric: Metric, radius: float) -> Array:
    """The x of ``{|x|_2 <= radius}`` closest in ``metric`` to ``offset``, which lies outside."""
    from oco.domains._shrinkage import ball_multiplier  # compiled: the first use loads the compiler

    # In units of the offset, so that squares neither overflow nor vanish.
    size = euclidean_norm(offset)
    values, sizes, combined = metric.parts(offset / size)
    multiplier, free_scale = ball_multiplier(values, sizes**2, 0.0, 0.0, radius / size)
    factors = np.where(values > 0.0, values / np.where(values > 0.0, values + multiplier, 1.0), free_scale)
    return combined(factors) * size
