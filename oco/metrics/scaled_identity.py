"""Multiples of the Euclidean norm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.metrics.base import Metric, Parts, powers
from oco.types import Array


@dataclass(frozen=True)
class ScaledIdentity(Metric):
    """``H = scale I``.

    Examples
    --------
    >>> import numpy as np
    >>> ScaledIdentity(4.0).power(0.5).apply(np.ones(2))
    array([2., 2.])
    """

    scale: float

    def apply(self, vector: Array) -> Array:
        """``H vector``."""
        product: Array = self.scale * vector
        return product

    @property
    def largest(self) -> float:
        """The scale."""
        return self.scale

    @property
    def isotropic(self) -> bool:
        """True."""
        return True

    def power(self, exponent: float) -> ScaledIdentity:
        """``scale^exponent I``; zero stays zero."""
        return ScaledIdentity(float(powers(np.array(self.scale), exponent)))

    def null_part(self, columns: Array) -> Array:
        """Zero, or all of the columns where H is zero."""
        return np.zeros_like(columns) if self.scale > 0.0 else columns

    def parts(self, point: Array) -> Parts:
        """The point itself."""
        sizes: Array = np.array([np.linalg.norm(point)])
        return Parts(np.array([self.scale]), sizes, lambda factors: factors[0] * point)

    def coupling(self, dimension: int) -> tuple[float, Array]:
        """Nothing is coupled."""
        return 1.0, np.zeros((dimension, 0))
