"""Diagonal metrics: one weight for each coordinate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.metrics.base import Metric, Parts, coupled, powers
from oco.types import Array


@dataclass(frozen=True)
class Diagonal(Metric):
    """``H = diag(weights)`` with weights >= 0, ``(d,)`` or of the shape of a matrix decision.

    Examples
    --------
    >>> import numpy as np
    >>> Diagonal(np.array([1.0, 4.0])).power(0.5).apply(np.ones(2))
    array([1., 2.])
    """

    weights: Array

    def apply(self, vector: Array) -> Array:
        """``H vector``, of the shape of ``vector``, or H times each column of ``(d, j)``."""
        flat = self.weights.ravel()
        if vector.size == flat.size:
            product: Array = flat * vector.ravel()
            return product.reshape(vector.shape)
        return flat[:, None] * vector

    @property
    def largest(self) -> float:
        """The largest weight."""
        return float(self.weights.max())

    @property
    def diagonal(self) -> Array:
        """The weights."""
        return self.weights

    def power(self, exponent: float) -> Diagonal:
        """The weights to a power; zeros stay zero."""
        return Diagonal(powers(self.weights, exponent))

    def null_part(self, columns: Array) -> Array:
        """The coordinates without weight."""
        part: Array = (self.weights.ravel() == 0.0)[:, None] * columns
        return part

    def parts(self, point: Array) -> Parts:
        """The coordinates."""
        return Parts(self.weights.ravel(), point.ravel(), lambda factors: point * factors.reshape(point.shape))

    def coupling(self, dimension: int) -> tuple[float, Array]:
        """Unit vectors, one for each weight above the smallest."""
        values = self.weights.ravel() / self.largest
        return coupled(values, np.eye(values.size), float(values.min()))
