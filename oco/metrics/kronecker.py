"""Kronecker products: Shampoo's metric, one factor for the rows and one for the columns of a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.errors import DomainError
from oco.metrics.base import DENSE_LIMIT, Metric, Parts, without_rounding
from oco.metrics.dense import Dense
from oco.types import Array, Shape


@dataclass(frozen=True)
class Kronecker(Metric):
    """``H X = L X R`` on matrices X ``(m, n)``, that is ``L (x) R`` on their rows laid end to end.

    L ``(m, m)`` and R ``(n, n)`` are given by their eigendecompositions. Balls, half-spaces and slabs project in it
    directly; other domains of matrices form the metric ``(mn, mn)``, for at most 1,500 entries.

    Examples
    --------
    >>> import numpy as np
    >>> metric = Kronecker(Dense(np.eye(2), np.array([1.0, 4.0])), Dense(np.eye(2), np.array([9.0, 1.0])))
    >>> metric.power(0.5).apply(np.ones((2, 2)))
    array([[3., 1.],
           [6., 2.]])
    """

    left: Dense
    right: Dense

    @property
    def _shape(self) -> Shape:
        return len(self.left.values), len(self.right.values)

    def apply(self, vector: Array) -> Array:
        """``L X R`` for ``X`` ``(m, n)``, or for its rows laid end to end in each column of ``(mn, j)``."""
        if vector.shape == self._shape:
            left_product: Array = self.left.apply(vector)
            product: Array = self.right.apply(left_product.T).T
            return product
        matrices = vector.reshape(*self._shape, -1)
        columns = [self.apply(matrices[:, :, j]).ravel() for j in range(matrices.shape[2])]
        return np.stack(columns, axis=1).reshape(vector.shape)

    @property
    def largest(self) -> float:
        """The largest eigenvalue of H."""
        return self.left.largest * self.right.largest

    def power(self, exponent: float) -> Kronecker:
        """The powers of both factors."""
        return Kronecker(self.left.power(exponent), self.right.power(exponent))

    def null_part(self, columns: Array) -> Array:
        """The part in the null space of L or of R."""
        rows, width = self._shape
        matrices = columns.reshape(rows, width, -1)
        left, right = (side.basis[:, side.values == 0.0] for side in (self.left, self.right))
        part: Array = np.einsum("ia,la,ljc->ijc", left, left, matrices)
        part = part + np.einsum("ilc,la,ja->ijc", matrices - part, right, right)
        return without_rounding(part.reshape(columns.shape), columns)

    def parts(self, point: Array) -> Parts:
        """The entries of ``V_L' X V_R``."""
        left, right = self.left.basis, self.right.basis
        grid = left.T @ point @ right
        values = np.outer(self.left.values, self.right.values)

        def combined(factors: Array) -> Array:
            total: Array = left @ (factors.reshape(grid.shape) * grid) @ right.T
            return total

        return Parts(values.ravel(), grid.ravel(), combined)

    def coupling(self, dimension: int) -> tuple[float, Array]:
        """The coupling of `dense`, for at most `DENSE_LIMIT` entries."""
        return self.dense().coupling(dimension)

    def dense(self) -> Dense:
        """The same metric on the rows of a matrix laid end to end, for at most `DENSE_LIMIT` entries."""
        rows, columns = self._shape
        if rows * columns > DENSE_LIMIT:
            raise DomainError(
                "Only balls in the Frobenius norm, half-spaces, slabs and Unbounded project in a Kronecker metric of "
                f"more than {DENSE_LIMIT} entries, got {rows} x {columns}"
            )
        basis = np.einsum("ik,jl->ijkl", self.left.basis, self.right.basis).reshape(rows * columns, rows * columns)
        return Dense(basis, np.outer(self.left.values, self.right.values).ravel())
