"""Quadratic losses whose sums have a closed-form minimizer."""

from __future__ import annotations

import numpy as np

from oco.losses.base import Loss
from oco.types import Array


class TiltedQuadratic(Loss):
    """``f(x) = curvature / 2 |x - center|^2 + <slope, x>``; gradient ``curvature (x - center) + slope``."""

    def __init__(self, curvature: float, center: Array, slope: Array) -> None:
        self.curvature = curvature
        self.center = center
        self.slope = slope

    def value(self, point: Array) -> float:
        """``curvature / 2 |point - center|^2 + <slope, point>``."""
        offset = point - self.center
        return 0.5 * self.curvature * float(np.vdot(offset, offset)) + float(np.vdot(self.slope, point))

    def gradient(self, point: Array) -> Array:
        """``curvature (point - center) + slope``."""
        gradient: Array = self.curvature * (point - self.center) + self.slope
        return gradient

    def prox(self, point: Array, step: float) -> Array:
        """The x that minimizes ``f(x) + |x - point|^2 / (2 step)``."""
        weight = step * self.curvature
        moved: Array = (point + weight * self.center - step * self.slope) / (1.0 + weight)
        return moved


class MatrixResidual(Loss):
    """``f(X) = |X a - b|^2 / 2`` for matrices X ``(m, n)``; gradient ``(X a - b) a'``, of rank one."""

    def __init__(self, features: Array, targets: Array) -> None:
        self.features = features
        self.targets = targets

    def value(self, point: Array) -> float:
        """``|X a - b|^2 / 2``."""
        residual = point @ self.features - self.targets
        return 0.5 * float(residual @ residual)

    def gradient(self, point: Array) -> Array:
        """``(X a - b) a'``."""
        return np.outer(point @ self.features - self.targets, self.features)
