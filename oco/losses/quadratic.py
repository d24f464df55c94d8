"""Quadratic forms: the simplest losses with any curvature in any direction."""

from __future__ import annotations

import numpy as np

from oco.errors import ConfigError
from oco.losses.base import Loss
from oco.numbers import real_numbers
from oco.types import Array


class QuadraticForm(Loss):
    """``f(x) = <x, Q x> / 2 + <b, x> + c`` with Q symmetric positive semidefinite; gradient ``Q x + b``.

    Parameters
    ----------
    matrix
        Q, ``(d, d)``; only its symmetric part counts.
    linear
        b, ``(d,)``; zero where not given.
    constant
        c.

    Raises
    ------
    ConfigError
        If the symmetric part of Q has an eigenvalue below -1e-12 of the largest, so that the loss is not convex.

    Notes
    -----
    A value or a gradient costs O(d^2).

    Examples
    --------
    >>> import numpy as np
    >>> loss = QuadraticForm(np.diag([2.0, 4.0]), np.array([1.0, 0.0]))
    >>> loss.value(np.array([1.0, 1.0])), loss.gradient(np.array([1.0, 1.0]))
    (4.0, array([3., 4.]))
    """

    def __init__(self, matrix: Array, linear: Array | None = None, constant: float = 0.0) -> None:
        matrix = np.asarray(real_numbers(matrix, "the matrix of a quadratic form"), dtype=np.float64)
        self.matrix: Array = 0.5 * (matrix + matrix.T)
        slope = np.zeros(matrix.shape[0]) if linear is None else real_numbers(linear, "the vector of a quadratic form")
        self.linear: Array = np.asarray(slope, dtype=np.float64)
        self.constant = float(constant)
        eigenvalues = np.linalg.eigvalsh(self.matrix)
        if eigenvalues[0] < -1e-12 * max(abs(float(eigenvalues[-1])), abs(float(eigenvalues[0]))):
            raise ConfigError(f"the matrix of a quadratic form must be positive semidefinite, got {eigenvalues[0]:.3g}")

    def value(self, point: Array) -> float:
        """``<x, Q x> / 2 + <b, x> + c``."""
        return float(0.5 * point @ self.matrix @ point + self.linear @ point) + self.constant

    def gradient(self, point: Array) -> Array:
        """``Q x + b``."""
        gradient: Array = self.matrix @ point + self.linear
        return gradient

    def prox(self, point: Array, step: float) -> Array:
        """The x that minimizes ``f(x) + |x - point|^2 / (2 step)``, in O(d^3)."""
        identity = np.eye(point.size)
        moved = np.linalg.solve(identity + step * self.matrix, point - step * self.linear)
        return np.asarray(moved, dtype=np.float64)
