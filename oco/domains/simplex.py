"""The probability simplex, scaled."""

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


class Simplex(Domain):
    """Nonnegative vectors of a given sum: ``{x >= 0, sum_i x_i = scale}``.

    Parameters
    ----------
    scale
        The sum, positive and finite; one for probabilities.
    dimension
        ``d``; left to `with_shape` where not given.

    Notes
    -----
    The projection is ``max(y_i - theta / w_i, 0)`` in a diagonal metric with weights w (one for the Euclidean norm),
    with theta from one sort: O(d log d). Low-rank and dense metrics are as for `Box`.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Simplex
    >>> Simplex(dimension=3).project(np.array([0.9, 0.5, -2.0]))
    array([0.7, 0.3, 0. ])
    """

    name = "simplex"
    axes = (1,)

    def __init__(self, scale: float = 1.0, dimension: int | None = None) -> None:
        if not (np.isfinite(scale) and scale > 0):
            raise DomainError(f"The scale of Simplex must be positive and finite, got {scale}")
        self._scale = float(scale)
        self._shape = self._size_given(dimension)

    @property
    def start(self) -> Array:
        """The middle, ``scale / d`` in each coordinate."""
        return np.full(self.shape, self._scale / self.dimension)

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether no coordinate is below zero, nor the sum off, by more than ``tolerance * scale``."""
        point = self._checked(point)
        slack = tolerance * self._scale
        return bool(point.min() >= -slack and abs(point.sum() - self._scale) <= slack)

    def project(self, point: Array) -> Array:
        """Euclidean projection: ``max(y_i - theta, 0)``, in O(d log d)."""
        point = self._checked(point)
        shifted = point - point.max()
        projected: Array = np.maximum(shifted - sum_threshold(shifted, self._scale), 0.0)
        return projected

    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the norm of ``metric``; see the notes of the class for the method and the cost."""
        point = self._checked(point)
        metric = as_metric(metric, self.shape)
        if metric.isotropic or self.dimension == 1:
            return self.project(point)
        if metric.diagonal is not None:
            return weighted_simplex(point, metric.diagonal, self._scale)
        if point.min() >= 0.0 and point.sum() == self._scale:
            return point.copy()
        nothing = np.zeros(0)
        return project_on_polyhedron(self, "simplex", point, metric, nothing, nothing, self._scale)

    def as_region(self) -> Region | None:
        """The sum; None for a subclass, which may project elsewhere."""
        from oco.domains._region import SIMPLEX, sums

        return sums(SIMPLEX, self._scale) if type(self) is Simplex else None

    def support(self, direction: Array) -> float:
        """``scale max_i g_i``."""
        return self._scale * float(self._checked(direction).max())

    def maximizer(self, direction: Array) -> Array:
        """The vertex of the largest coordinate; the first one in case of a tie."""
        corner = np.zeros(self.shape)
        corner[np.argmax(self._checked(direction))] = self._scale
        return corner

    def diameter(self, norm: str = "l2") -> float:
        """The distance of two corners: ``2 scale`` in l1, ``sqrt(2) scale`` in l2, ``scale`` in linf; 0 for d = 1."""
        factors = {"l1": 2.0, "l2": float(np.sqrt(2.0)), "linf": 1.0}
        if norm not in factors:
            raise unknown_norm(norm)
        return factors[norm] * self._scale if self.dimension > 1 else 0.0

    def radius(self, norm: str = "l2") -> float:
        """``scale``, in each norm."""
        if norm not in ("l1", "l2", "linf"):
            raise unknown_norm(norm)
        return self._scale
