"""All of R^d: no constraint."""

from __future__ import annotations

import numpy as np

from oco.domains._vectors import norm_of
from oco.domains.base import Domain
from oco.errors import DomainError
from oco.metrics import Metric
from oco.types import Array, Shape


class Unbounded(Domain):
    """The whole space: every projection is the point itself, and every diameter is infinite.

    Parameters
    ----------
    dimension
        ``d`` for vectors of length d, or a shape ``(m, n)``; left to `with_shape` where not given.

    Examples
    --------
    >>> from oco.domains import Unbounded
    >>> Unbounded(3).start
    array([0., 0., 0.])
    >>> Unbounded(3).bounded
    False
    """

    name = "unbounded"

    def __init__(self, dimension: int | Shape | None = None) -> None:
        self._shape = self._size_given(dimension)

    @property
    def start(self) -> Array:
        """The origin."""
        return np.zeros(self.shape)

    def as_ball(self) -> tuple[Array, float] | None:
        """The origin and an infinite radius; None for a subclass, which may project."""
        return (self.start, float("inf")) if type(self) is Unbounded else None

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """True for a finite point of the right shape."""
        self._checked(point)
        return True

    def project(self, point: Array) -> Array:
        """A copy of ``point``."""
        return self._checked(point).copy()

    def project_in(self, point: Array, metric: Metric) -> Array:
        """A copy of ``point``."""
        return self._checked(point).copy()

    def support(self, direction: Array) -> float:
        """Infinity, or zero for the zero direction."""
        return float("inf") if np.any(self._checked(direction)) else 0.0

    def maximizer(self, direction: Array) -> Array:
        """The origin for the zero direction; `DomainError` for any other."""
        if np.any(self._checked(direction)):
            raise DomainError("Unbounded has no farthest point in a direction that is not zero")
        return self.start

    def diameter(self, norm: str = "l2") -> float:
        """Infinity."""
        if norm != "l2":
            norm_of(np.zeros(self.shape), norm)
        return float("inf")

    def radius(self, norm: str = "l2") -> float:
        """Infinity."""
        return self.diameter(norm)
