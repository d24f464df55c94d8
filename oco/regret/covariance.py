"""The gradient covariance ``G_t = sum_s g_s g_s'`` of a game, accumulated as cheaply as its spectrum allows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from oco.losses.rows import Rows
from oco.regret.spectrum import Spectrum
from oco.types import Array

DENSE_DIMENSION = 1024
"""Largest d for which the d x d covariance itself is kept."""

_BUFFER_ROWS = 64


class GradientCovariance:
    """Sums of outer products of gradients: the diagonal always, the full matrix while d is small.

    Parameters
    ----------
    dimension
        d, number of coordinates of a (flattened) gradient.
    spectrum
        Whether eigenvalues will be asked for; without them only O(d) numbers are kept.
    """

    def __init__(self, dimension: int, spectrum: bool = True) -> None:
        self.dimension = dimension
        self.coordinate_squares: Array = np.zeros(dimension)
        self.largest_gradient = 0.0
        self._matrix = np.zeros((dimension, dimension)) if spectrum and dimension <= DENSE_DIMENSION else None
        self._buffer = np.empty((_BUFFER_ROWS, dimension)) if self._matrix is not None else None
        self._buffered = 0

    @property
    def trace(self) -> float:
        """``sum_s |g_s|_2^2``."""
        return float(self.coordinate_squares.sum())

    def add(self, gradient: Array) -> None:
        """Add one gradient ``(d,)``."""
        squares = gradient * gradient
        self.coordinate_squares += squares
        self.largest_gradient = max(self.largest_gradient, float(np.sqrt(squares.sum())))
        if self._buffer is not None:
            self._buffer[self._buffered] = gradient
            self._buffered += 1
            if self._buffered == _BUFFER_ROWS:
                self._flush()

    def add_rows(self, rows: Rows, slopes: Array) -> None:
        """Add the gradients ``slopes[i] * rows[i]``."""
        squared_slopes = slopes * slopes
        squares: Any = rows * rows if isinstance(rows, np.ndarray) else rows.multiply(rows).tocsr()
        self.coordinate_squares += squares.T @ squared_slopes
        lengths = np.asarray(squares.sum(axis=1)).ravel() * squared_slopes
        self.largest_gradient = max(self.largest_gradient, float(np.sqrt(lengths.max(initial=0.0))))
        if self._matrix is not None:
            if isinstance(rows, np.ndarray):
                scaled = rows * slopes[:, None]
                self._matrix += scaled.T @ scaled
            else:
                sparse_scaled: Any = rows.multiply(slopes[:, None]).tocsr()
                self._matrix += (sparse_scaled.T @ sparse_scaled).toarray()

    def spectrum(self) -> Spectrum | None:
        """All eigenvalues in falling order; None where the matrix is not kept."""
        if self._matrix is None:
            return None
        self._flush()
        values = linalg.eigvalsh(self._matrix, check_finite=False)[::-1]
        return Spectrum(self.dimension, np.maximum(values, 0.0), self.trace)

    def _flush(self) -> None:
        if self._matrix is not None and self._buffer is not None and self._buffered:
            filled = self._buffer[: self._buffered]
            self._matrix += filled.T @ filled
            self._buffered = 0
