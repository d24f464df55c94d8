"""A low-rank metric plus a multiple of the identity, such as a sketch with its escaped mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.metrics.base import Metric, Parts, coupled, powers, without_rounding
from oco.metrics.dense import Dense
from oco.types import Array


@dataclass(frozen=True)
class LowRankPlusScaledIdentity(Metric):
    """``H = V diag(values) V' + complement (I - V V')``, V ``(d, k)`` with orthonormal columns.

    Attributes
    ----------
    basis
        V, ``(d, k)``.
    values
        ``(k,)``, the eigenvalues of H in the span of V, all >= 0. Projections cost a small multiple of O(dk) if none is
        below ``complement``, as in every sketch; else as much as with a dense metric.
    complement
        The eigenvalue of H on the orthogonal complement of V, >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> sketch = LowRankPlusScaledIdentity(np.eye(3)[:, :1], np.array([9.0]), 4.0)
    >>> sketch.power(0.5).apply(np.ones(3)), sketch.trace
    (array([3., 2., 2.]), 17.0)
    """

    basis: Array
    values: Array
    complement: float

    def apply(self, vector: Array) -> Array:
        """``H vector`` in O(dk), or H times each column of ``(d, j)``."""
        if vector.shape[0] != self.basis.shape[0]:
            return self.apply(vector.ravel()).reshape(vector.shape)
        coordinates = self.basis.T @ vector
        product: Array = self.basis @ (self.values * coordinates.T).T
        if self.basis.shape[1] < self.basis.shape[0]:
            # The part beyond the basis by itself: eigenvalues may be hundreds of powers of ten apart.
            product += self.complement * (vector - self.basis @ coordinates)
        return product

    @property
    def largest(self) -> float:
        """The largest eigenvalue of H."""
        if self.basis.shape[0] == self.basis.shape[1]:
            return float(self.values.max())
        return max(float(self.values.max(initial=0.0)), self.complement)

    @property
    def trace(self) -> float:
        """The sum of the eigenvalues."""
        dimension, rank = self.basis.shape
        return float(np.sum(self.values) + (dimension - rank) * self.complement)

    def power(self, exponent: float) -> LowRankPlusScaledIdentity:
        """The eigenvalues to a power; zeros stay zero."""
        complement = float(powers(np.array(self.complement), exponent))
        return LowRankPlusScaledIdentity(self.basis, powers(self.values, exponent), complement)

    def dense(self) -> Dense:
        """The same metric by a full set of eigenvectors, the complement's chosen by a QR decomposition."""
        dimension, rank = self.basis.shape
        basis = np.linalg.qr(self.basis, mode="complete")[0] if rank else np.eye(dimension)
        basis[:, :rank] = self.basis
        return Dense(basis, np.append(self.values, np.full(dimension - rank, self.complement)))

    def null_part(self, columns: Array) -> Array:
        """The part along eigenvectors of value zero, and outside the span of V if the complement's value is zero."""
        null = self.basis[:, self.values == 0.0]
        part: Array = null @ (null.T @ columns)
        if self.complement == 0.0:
            rest = columns - self.basis @ (self.basis.T @ columns)
            # A second pass, because cancellation leaves few correct digits in small remainders.
            part = part + rest - self.basis @ (self.basis.T @ rest)
        return without_rounding(part, columns)

    def parts(self, point: Array) -> Parts:
        """The coordinates along V, and the rest as one part."""
        flat = point.ravel()
        coordinates = self.basis.T @ flat
        rest = flat - self.basis @ coordinates

        def combined(factors: Array) -> Array:
            total: Array = self.basis @ (factors[:-1] * coordinates) + factors[-1] * rest
            return total.reshape(point.shape)

        sizes = np.append(coordinates, np.linalg.norm(rest))
        return Parts(np.append(self.values, self.complement), sizes, combined)

    def coupling(self, dimension: int) -> tuple[float, Array]:
        """The directions above the complement; all of them where one is below."""
        basis, values = self.basis, self.values / self.largest
        if basis.shape[1] == dimension:
            return coupled(values, basis, float(values.min()))
        shift = self.complement / self.largest
        if values.min(initial=np.inf) < shift:
            completed = np.linalg.qr(np.hstack([basis, np.eye(dimension)]))[0][:, basis.shape[1] :]
            basis = np.hstack([basis, completed])
            values = np.append(values, np.full(dimension - len(values), shift))
            shift = float(values.min())
        return coupled(values, basis, shift)
