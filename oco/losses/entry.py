"""The loss of one entry of a matrix."""

from __future__ import annotations

import numpy as np

from oco.losses.base import Loss
from oco.losses.margin import ScalarLoss
from oco.types import Array, Shape


class EntryLoss(Loss):
    """``f(X) = phi(X_ij, y)`` of one entry of a matrix of a shape; the gradient is zero except in that entry."""

    def __init__(self, scalar: ScalarLoss, shape: Shape, entry: tuple[int, int], target: float) -> None:
        self.scalar = scalar
        self.shape = shape
        self.entry = entry
        self.target = target

    def value(self, point: Array) -> float:
        """``phi(X_ij, y)``."""
        return self.scalar.at(float(point[self.entry]), self.target)[0]

    def gradient(self, point: Array) -> Array:
        """``phi'(X_ij, y)`` in place ``ij``."""
        gradient = np.zeros_like(point)
        margin = float(point[self.entry])
        gradient[self.entry] = self.scalar.at(margin, self.target)[1]
        return gradient
