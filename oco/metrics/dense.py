"""Full matrices, by their eigenvectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.errors import DomainError
from oco.metrics.base import Metric, Parts, coupled, powers, without_rounding
from oco.types import Array


@dataclass(frozen=True)
class Dense(Metric):
    """A full matrix ``H = V diag(values) V'``, given by its eigenvectors ``(d, d)`` and eigenvalues ``(d,)`` >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> root = Dense.from_matrix(np.array([[2.0, 2.0], [2.0, 2.0]])).power(0.5)
    >>> root.apply(np.array([1.0, 1.0])).round(12), round(root.trace, 12)
    (array([2., 2.]), 2.0)
    """

    basis: Array
    values: Array

    @classmethod
    def from_matrix(cls, matrix: Array) -> Dense:
        """The metric of a symmetric positive semidefinite ``matrix`` ``(d, d)``."""
        if not np.isfinite(matrix).all():  # LAPACK may never return from such a matrix
            raise DomainError("The matrix of a metric has an entry that is not finite")
        values, basis = np.linalg.eigh(matrix)
        # Otherwise the rounding error of a zero eigenvalue would count as a direction of H.
        threshold = len(values) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
        return cls(basis, np.where(values > threshold, values, 0.0))

    def apply(self, vector: Array) -> Array:
        """``H vector``, or H times each column of ``(d, j)``."""
        if vector.shape[0] != len(self.values):
            return self.apply(vector.ravel()).reshape(vector.shape)
        coordinates = self.basis.T @ vector
        product: Array = self.basis @ (self.values * coordinates.T).T
        return product

    @property
    def largest(self) -> float:
        """The largest eigenvalue of H."""
        return float(self.values.max())

    @property
    def trace(self) -> float:
        """The sum of the eigenvalues."""
        return float(np.sum(self.values))

    def power(self, exponent: float) -> Dense:
        """The eigenvalues to a power; zeros stay zero."""
        return Dense(self.basis, powers(self.values, exponent))

    def null_part(self, columns: Array) -> Array:
        """The part along eigenvectors of value zero."""
        null = self.basis[:, self.values == 0.0]
        part: Array = null @ (null.T @ columns)
        return without_rounding(part, columns)

    def parts(self, point: Array) -> Parts:
        """The coordinates along the eigenvectors."""
        coordinates = self.basis.T @ point.ravel()

        def combined(factors: Array) -> Array:
            total: Array = self.basis @ (factors * coordinates)
            return total.reshape(point.shape)

        return Parts(self.values, coordinates, combined)

    def coupling(self, dimension: int) -> tuple[float, Array]:
        """The eigenvectors above the smallest eigenvalue."""
        values = self.values / self.largest
        return coupled(values, self.basis, float(values.min()))
