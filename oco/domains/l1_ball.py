"""The l1 ball."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oco.domains._polyhedra import project_on_polyhedron
from oco.domains._thresholds import sum_threshold, weighted_simplex
from oco.domains._vectors import unknown_norm
from oco.domains.base import Domain
from oco.errors import DomainError
from oco.metrics import Metric, as_metric
from oco.types import Array

if TYPE_CHECKING:
    from oco.domains._region import Region


class L1Ball(Domain):
    """Vectors with a bounded sum of absolute values: ``{x : |x|_1 <= radius}``.

    Parameters
    ----------
    radius
        Positive and finite.
    dimension
        ``d``; left to `with_shape` where not given.

    Notes
    -----
    In a diagonal metric with weights w the projection of a point outside is soft thresholding,
    ``sign(y_i) max(|y_i| - theta / w_i, 0)``, with theta from one sort: O(d log d). Low-rank and dense metrics are as
    for `Box`.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import L1Ball
    >>> L1Ball(1.0, dimension=3).project(np.array([0.9, -0.5, 0.1]))
    array([ 0.7, -0.3,  0. ])
    """

    name = "l1_ball"
    axes = (1,)

    def __init__(self, radius: float = 1.0, dimension: int | None = None) -> None:
        if not (np.isfinite(radius) and radius > 0):
            raise DomainError(f"The radius of L1Ball must be positive and finite, got {radius}")
        self._radius = float(radius)
        self._shape = self._size_given(dimension)

    @property
    def start(self) -> Array:
        """The origin."""
        return np.zeros(self.shape)

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether ``|point|_1 <= (1 + tolerance) radius``."""
        return float(np.abs(self._checked(point)).sum()) <= self._radius * (1.0 + tolerance)

    def project(self, point: Array) -> Array:
        """Euclidean projection: ``sign(y_i) max(|y_i| - theta, 0)``, in O(d log d)."""
        point = self._checked(point)
        sizes = np.abs(point)
        if sizes.sum() <= self._radius:
            return point.copy()
        shifted = sizes - sizes.max()
        projected: Array = np.copysign(np.maximum(shifted - sum_threshold(shifted, self._radius), 0.0), point)
        return projected

    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the norm of ``metric``; see the notes of the class for the method and the cost."""
        point = self._checked(point)
        sizes = np.abs(point)
        if sizes.sum() <= self._radius:
            return point.copy()
        metric = as_metric(metric, self.shape)
        if metric.isotropic or self.dimension == 1:
            return self.project(point)
        if metric.diagonal is not None:
            return np.copysign(weighted_simplex(sizes, metric.diagonal, self._radius), point)
        nothing = np.zeros(0)
        return project_on_polyhedron(self, "l1_ball", point, metric, nothing, nothing, self._radius)

    def as_region(self) -> Region | None:
        """The radius; None for a subclass, which may project elsewhere."""
        from oco.domains._region import L1_BALL, sums

        return sums(L1_BALL, self._radius) if type(self) is L1Ball else None

    def support(self, direction: Array) -> float:
        """``radius |g|_inf``."""
        return self._radius * float(np.abs(self._checked(direction)).max())

    def maximizer(self, direction: Array) -> Array:
        """The vertex of the coordinate with the largest absolute value; the first one in case of a tie."""
        direction = self._checked(direction)
        index = np.argmax(np.abs(direction))
        corner = np.zeros(self.shape)
        corner[index] = np.copysign(self._radius, direction[index])
        return corner

    def diameter(self, norm: str = "l2") -> float:
        """``2 radius``, in each norm."""
        return 2.0 * self.radius(norm)

    def radius(self, norm: str = "l2") -> float:
        """``radius``, in each norm."""
        if norm not in ("l1", "l2", "linf"):
            raise unknown_norm(norm)
        return self._radius
