"""The norms that learners project in: ``|x|_H^2 = x' H x`` with a structured positive semidefinite H."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from oco.types import Array


@dataclass(frozen=True)
class ScaledIdentity:
    """``H = scale I``."""

    scale: float

    def apply(self, vector: Array) -> Array:
        """``H vector``."""
        product: Array = self.scale * vector
        return product


@dataclass(frozen=True)
class Diagonal:
    """``H = diag(weights)`` with weights ``(d,)`` >= 0."""

    weights: Array

    def apply(self, vector: Array) -> Array:
        """``H vector``."""
        product: Array = self.weights * vector
        return product


@dataclass(frozen=True)
class LowRankPlusScaledIdentity:
    """``H = V diag(values) V' + complement (I - V V')``, V ``(d, k)`` with orthonormal columns.

    Attributes
    ----------
    basis
        V, ``(d, k)``.
    values
        ``(k,)``, the eigenvalues of H in the span of V, all >= 0.
    complement
        The eigenvalue of H on the orthogonal complement of V, >= 0.
    """

    basis: Array
    values: Array
    complement: float

    def apply(self, vector: Array) -> Array:
        """``H vector`` in O(dk)."""
        coordinates = self.basis.T @ vector
        product: Array = self.complement * vector + self.basis @ ((self.values - self.complement) * coordinates)
        return product


@dataclass(frozen=True)
class Dense:
    """A full matrix ``H = V diag(values) V'``, given by its eigenvectors ``(d, d)`` and eigenvalues ``(d,)`` >= 0."""

    basis: Array
    values: Array

    @classmethod
    def from_matrix(cls, matrix: Array) -> Dense:
        """The metric of a symmetric positive semidefinite ``matrix`` ``(d, d)``."""
        values, basis = np.linalg.eigh(matrix)
        # What rounding leaves of a zero eigenvalue would otherwise count as a direction that matters.
        threshold = len(values) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
        return cls(basis, np.where(values > threshold, values, 0.0))

    def apply(self, vector: Array) -> Array:
        """``H vector``."""
        coordinates = self.basis.T @ vector
        product: Array = self.basis @ (self.values * coordinates.T).T
        return product


@dataclass(frozen=True)
class Kronecker:
    """``H X = L X R`` on matrices X ``(m, n)``, that is ``L (x) R`` on their rows laid end to end.

    Only balls and unbounded domains project in it. L ``(m, m)`` and R ``(n, n)`` are given by their spectra.
    """

    left: Dense
    right: Dense

    def apply(self, vector: Array) -> Array:
        """``L X R`` for ``X`` ``(m, n)``."""
        left_product: Array = self.left.apply(vector)
        product: Array = self.right.apply(left_product.T).T
        return product


Metric: TypeAlias = ScaledIdentity | Diagonal | LowRankPlusScaledIdentity | Dense | Kronecker
"""Any of the norms above. On a matrix domain all but `Kronecker` act on the matrix's rows laid end to end."""
