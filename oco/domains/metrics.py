"""The norms that learners project in: ``|x|_H^2 = x' H x`` with a structured positive semidefinite H."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from oco.errors import DomainError
from oco.types import Array


@dataclass(frozen=True)
class ScaledIdentity:
    """``H = scale I``."""

    scale: float

    def apply(self, vector: Array) -> Array:
        """``H vector``."""
        product: Array = self.scale * vector
        return product

    @property
    def largest(self) -> float:
        """The largest eigenvalue of H."""
        return self.scale


@dataclass(frozen=True)
class Diagonal:
    """``H = diag(weights)`` with weights >= 0, ``(d,)`` or of the shape of a matrix decision."""

    weights: Array

    def apply(self, vector: Array) -> Array:
        """``H vector``, of the shape of ``vector``."""
        product: Array = self.weights.ravel() * vector.ravel()
        return product.reshape(vector.shape)

    @property
    def largest(self) -> float:
        """The largest eigenvalue of H."""
        return float(self.weights.max())


@dataclass(frozen=True)
class LowRankPlusScaledIdentity:
    """``H = V diag(values) V' + complement (I - V V')``, V ``(d, k)`` with orthonormal columns.

    Attributes
    ----------
    basis
        V, ``(d, k)``.
    values
        ``(k,)``, the eigenvalues of H in the span of V, all >= 0. Projections cost O(dk) and small multiples of it
        where none is below ``complement``, as in every sketch; else as much as with a dense metric.
    complement
        The eigenvalue of H on the orthogonal complement of V, >= 0.
    """

    basis: Array
    values: Array
    complement: float

    def apply(self, vector: Array) -> Array:
        """``H vector`` in O(dk), or H times each column of a matrix."""
        coordinates = self.basis.T @ vector
        above = self.values - self.complement
        product: Array = self.complement * vector + self.basis @ (above * coordinates.T).T
        return product

    @property
    def largest(self) -> float:
        """The largest eigenvalue of H."""
        if self.basis.shape[0] == self.basis.shape[1]:
            return float(self.values.max())
        return max(float(self.values.max(initial=0.0)), self.complement)


@dataclass(frozen=True)
class Dense:
    """A full matrix ``H = V diag(values) V'``, given by its eigenvectors ``(d, d)`` and eigenvalues ``(d,)`` >= 0."""

    basis: Array
    values: Array

    @classmethod
    def from_matrix(cls, matrix: Array) -> Dense:
        """The metric of a symmetric positive semidefinite ``matrix`` ``(d, d)``."""
        if not np.isfinite(matrix).all():  # LAPACK may never return from it
            raise DomainError("The matrix of a metric has an entry that is not finite")
        values, basis = np.linalg.eigh(matrix)
        # What rounding leaves of a zero eigenvalue would otherwise count as a direction that matters.
        threshold = len(values) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
        return cls(basis, np.where(values > threshold, values, 0.0))

    def apply(self, vector: Array) -> Array:
        """``H vector``, or H times each column of a matrix."""
        coordinates = self.basis.T @ vector
        product: Array = self.basis @ (self.values * coordinates.T).T
        return product

    @property
    def largest(self) -> float:
        """The largest eigenvalue of H."""
        return float(self.values.max())


@dataclass(frozen=True)
class Kronecker:
    """``H X = L X R`` on matrices X ``(m, n)``, that is ``L (x) R`` on their rows laid end to end.

    L ``(m, m)`` and R ``(n, n)`` are spectra. `Ball`, `FrobeniusBall` and `Unbounded` project in it as it is; other
    domains of matrices form the metric ``(mn, mn)``, for at most 1,500 entries.
    """

    left: Dense
    right: Dense

    def apply(self, vector: Array) -> Array:
        """``L X R`` for ``X`` ``(m, n)``."""
        left_product: Array = self.left.apply(vector)
        product: Array = self.right.apply(left_product.T).T
        return product

    @property
    def largest(self) -> float:
        """The largest eigenvalue of H."""
        return self.left.largest * self.right.largest


Metric: TypeAlias = ScaledIdentity | Diagonal | LowRankPlusScaledIdentity | Dense | Kronecker
"""Any of the norms above. On a matrix domain all but `Kronecker` act on the matrix's rows laid end to end."""
