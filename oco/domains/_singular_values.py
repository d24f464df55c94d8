"""Singular values clipped at a bound, and the derivative of the clipped part."""

from __future__ import annotations

import numpy as np

from oco.decomposition import thin_svd
from oco.types import Array


class ClippedSingularValues:
    """A matrix split in two: ``value``, its projection on ``{|X|_op <= radius}``, and the remainder ``rest``.

    The derivative of the rest is diagonal in the singular vectors. It multiplies the symmetric part of a direction by
    ``even``, the skew part by ``odd``, and the part outside the singular vectors of the longer side by ``outer``, all
    between zero and one.
    """

    def __init__(self, matrix: Array, radius: float) -> None:
        self._left, sizes, self._right = thin_svd(matrix)
        self.excess: Array = np.maximum(sizes - radius, 0.0)
        self.value: Array = (self._left * np.minimum(sizes, radius)) @ self._right
        self.rest: Array = (self._left * self.excess) @ self._right
        difference = sizes[:, None] - sizes[None, :]
        apart = difference != 0.0
        above = np.broadcast_to((sizes > radius)[:, None], apart.shape).astype(np.float64)
        self.even: Array = np.divide(
            self.excess[:, None] - self.excess[None, :], difference, where=apart, out=above.copy()
        )
        total = sizes[:, None] + sizes[None, :]
        self.odd: Array = np.divide(
            self.excess[:, None] + self.excess[None, :], total, where=total > 0.0, out=np.zeros_like(total)
        )
        self.outer: Array = np.divide(self.excess, sizes, where=sizes > 0.0, out=np.zeros_like(sizes))

    def rest_slope(self, direction: Array) -> Array:
        """The derivative of the rest in ``direction``, ``(m, n)`` or a stack ``(j, m, n)``."""
        return self.multiplied(direction, self.even, self.odd, self.outer)

    def multiplied(self, direction: Array, even: Array, odd: Array, outer: Array) -> Array:
        """``direction``, ``(m, n)`` or ``(j, m, n)``, with its three parts multiplied by the numbers given."""
        left, right = self._left, self._right
        inner = left.T @ direction @ right.T
        flipped = np.swapaxes(inner, -1, -2)
        mixed = even * (inner + flipped) / 2 + odd * (inner - flipped) / 2
        # One of the two rests is zero: singular vectors fill the shorter side.
        rest_right = left.T @ direction - inner @ right
        rest_left = direction @ right.T - left @ inner
        result: Array = left @ mixed @ right
        result += left @ (outer[:, None] * rest_right) + (rest_left * outer[None, :]) @ right
        return result
