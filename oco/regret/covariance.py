"""The gradient covariance ``G_t = sum_s g_s g_s'`` of a game, accumulated as cheaply as its spectrum allows."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.compile import kernel
from oco.errors import NumericsError
from oco.losses.gram import add_gram
from oco.losses.rows import Rows, dense_row
from oco.regret.spectrum import Spectrum, rounded_eigenvalues
from oco.sketching import FrequentDirections
from oco.snapshot import capture, restore
from oco.types import Array

DENSE_DIMENSION = 1024
"""Largest d for which the d x d covariance itself is kept."""

_BUFFER_ROWS = 64

_FEW = 0.75
"""While there are at most this many gradients for each dimension, the eigenvalues are found from their Gram matrix."""

_SAFE_SUM = 1e300
"""Sums of squares below this are far from overflow."""

_SMALL_SQUARE = 1e-290
"""Below this, terms of a squared norm may have underflowed."""


def _length(gradient: Array) -> float:
    """``|g|_2`` without underflow of squares."""
    largest = float(np.abs(gradient).max(initial=0.0))
    return largest * float(np.linalg.norm(gradient / largest)) if largest > 0.0 else 0.0


class GradientCovariance:
    """Sums of outer products of gradients: the diagonal always, the full matrix while d is small.

    Parameters
    ----------
    dimension
        d, number of coordinates of a (flattened) gradient.
    spectrum
        Whether eigenvalues will be requested; without them only O(d) numbers are kept.
    sketch_rank
        Where d is above `DENSE_DIMENSION`, the rank of a Frequent Directions sketch that is kept instead of the
        matrix (0 for none). Eigenvalue i then lies in ``[e_i, e_i + rho]``, with e_i the sketch's eigenvalue and rho
        its escaped mass. It costs O(d sketch_rank) a round.

    Examples
    --------
    >>> import numpy as np
    >>> covariance = GradientCovariance(2)
    >>> covariance.add(np.array([3.0, 4.0]))
    >>> covariance.trace, covariance.spectrum().top
    (25.0, array([25.,  0.]))
    """

    def __init__(self, dimension: int, spectrum: bool = True, sketch_rank: int = 0) -> None:
        self.dimension = dimension
        self.coordinate_squares: Array = np.zeros(dimension)
        self.largest_gradient = 0.0
        self._squares = 0.0  # about the trace, which costs O(d) to sum
        self._matrix: Array | None = None  # upper triangle
        if spectrum and dimension <= DENSE_DIMENSION:
            self._matrix = np.zeros((dimension, dimension), order="F")
        self._buffer = np.empty((_BUFFER_ROWS, dimension)) if self._matrix is not None else None
        self._buffered = 0
        self._room = np.empty(0)  # for products with the rows: new memory for every block would take as long as they do
        # The gradients that are not zero, while they are few: ``A A'`` has the eigenvalues of ``A'A`` but for zeros.
        self._few = None if self._matrix is None else np.zeros((int(_FEW * dimension), dimension))
        self._rank = 0  # gradients that are not zero: the covariance has no higher rank
        self._longest_sum = self._sums = 0  # together the most roundings that an entry of the matrix went through
        sketched = spectrum and self._matrix is None and sketch_rank > 0
        self._sketch = FrequentDirections(dimension, sketch_rank) if sketched else None

    @property
    def trace(self) -> float:
        """``sum_s |g_s|_2^2``."""
        return float(self.coordinate_squares.sum())

    def add(self, gradient: Array) -> None:
        """Add one gradient ``(d,)``; `NumericsError` where its square leaves the range of float64."""
        size = scipy.linalg.blas.dnrm2(gradient)  # which does not overflow
        if size * size + self._squares < _SAFE_SUM:
            squares = gradient * gradient
            self.coordinate_squares += squares
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                squares = gradient * gradient
                self.coordinate_squares += squares
            self._require_finite()
        square = float(np.add.reduce(squares))
        self._squares += square
        if square > 0.0 or gradient.any():
            self._remember(1)[:] = gradient
        length = math.sqrt(square) if square > _SMALL_SQUARE else _length(gradient)
        self.largest_gradient = max(self.largest_gradient, length)
        if self._buffer is not None:
            self._buffer[self._buffered] = gradient
            self._buffered += 1
            if self._buffered == _BUFFER_ROWS:
                self._flush()
        elif self._sketch is not None:
            self._sketch.update(gradient)

    def add_rows(self, rows: Rows, slopes: Array) -> None:
        """Add the gradients ``slopes[i] * rows[i]``."""
        with np.errstate(over="ignore", invalid="ignore"):
            weights = slopes * slopes
            if isinstance(rows, np.ndarray):
                squares = np.multiply(rows, rows, out=self._room_of(rows))
                self.coordinate_squares += weights @ squares
                lengths = squares.sum(axis=1) * weights
            else:
                compressed: Any = rows
                lengths = np.empty(weights.size)
                _add_sparse_squares(
                    compressed.data, compressed.indices, compressed.indptr, weights, self.coordinate_squares, lengths
                )
        self._require_finite()
        used = np.flatnonzero(slopes)
        for index, kept in zip(used, self._remember(used.size), strict=False):
            kept[:] = slopes[index] * dense_row(rows, int(index))
        self._squares += float(lengths.sum())
        square = float(lengths.max(initial=0.0))
        if square > _SMALL_SQUARE:
            self.largest_gradient = max(self.largest_gradient, math.sqrt(square))
        else:
            for index in np.flatnonzero(slopes):
                length = _length(slopes[index] * dense_row(rows, int(index)))
                self.largest_gradient = max(self.largest_gradient, length)
        if self._matrix is not None:
            self._add_gram(rows, weights)
        elif self._sketch is not None:
            for index in np.flatnonzero(slopes):
                self._sketch.update(slopes[index] * dense_row(rows, int(index)))

    def spectrum(self) -> Spectrum | None:
        """All eigenvalues in falling order, or those of the sketch with their slack; None where neither is kept."""
        if self._sketch is not None:
            return Spectrum(self.dimension, self._sketch.eigenvalues.copy(), self.trace, self._sketch.escaped_mass)
        if self._matrix is None:
            return None
        self._flush()
        rank = min(self._rank, self.dimension)
        if self._few is not None and rank > 0:
            values = _eigenvalues(scipy.linalg.blas.dsyrk(1.0, self._few[:rank].T, trans=1))
            top = np.zeros(self.dimension)
            top[:rank], rounding = rounded_eigenvalues(values, rank, self.dimension)
        else:
            top, rounding = rounded_eigenvalues(_eigenvalues(self._matrix), rank, self._longest_sum + self._sums)
        return Spectrum(self.dimension, top, self.trace, rounding=rounding, rank=rank)

    def snapshot(self) -> Any:
        """Everything that was accumulated, as plain values."""
        return capture({name: value for name, value in vars(self).items() if name != "_room"})

    def restore(self, snapshot: Any) -> None:
        """Restore a state from `snapshot`."""
        self._few = None  # not in snapshots of earlier versions
        vars(self).update(restore(dict(vars(self)), snapshot))
        self._squares = self.trace

    def _remember(self, count: int) -> Array:
        """Room for ``count`` more gradients that are not zero; none where they are many."""
        before, self._rank = self._rank, self._rank + count
        if self._few is None or self._rank > len(self._few):
            self._few = None
            return np.empty((0, self.dimension))
        return self._few[before : self._rank]

    def _flush(self) -> None:
        if self._matrix is not None and self._buffer is not None and self._buffered:
            self._add_gram(self._buffer[: self._buffered], np.ones(self._buffered))
            self._buffered = 0

    def _add_gram(self, rows: Rows, weights: Array) -> None:
        assert self._matrix is not None
        add_gram(self._matrix, rows, weights, self._room_of(rows) if isinstance(rows, np.ndarray) else None)
        self._longest_sum, self._sums = max(self._longest_sum, weights.size), self._sums + 1

    def _room_of(self, rows: Array) -> Array:
        """An array of this shape, which the next call overwrites."""
        if self._room.size < rows.size:
            self._room = np.empty(rows.size)
        room: Array = self._room[: rows.size].reshape(rows.shape)
        return room

    def _require_finite(self) -> None:
        if not np.isfinite(self.trace):
            raise NumericsError(
                "the squares of the gradients do not sum to a number of float64, whose largest is 1.8e308: gradients "
                "must stay below 1e150; scale the rows and targets of the game down"
            )


def _eigenvalues(upper: Array) -> Array:
    """Eigenvalues, rising, from the upper triangle: those of `scipy.linalg.eigvalsh`, without its checks and look-ups.

    In small games these take half as long as the eigenvalues, and every checkpoint of every game asks for them.
    """
    work, whole_work = _work_sizes(len(upper))
    values, _, _, _, failed = scipy.linalg.lapack.dsyevr(upper, compute_v=0, lower=0, lwork=work, liwork=whole_work)
    if failed:
        raise NumericsError("the eigenvalues of the gradient covariance were not found")
    rising: Array = values
    return rising


@lru_cache(maxsize=16)
def _work_sizes(dimension: int) -> tuple[int, int]:
    work, whole_work, _ = scipy.linalg.lapack.dsyevr_lwork(dimension, lower=0)
    return int(work), int(whole_work)


@kernel
def _add_sparse_squares(
    data: Array, indices: Array, indptr: Array, weights: Array, squares: Array, lengths: Array
) -> None:
    """Add ``weights[i] a_i^2`` to ``squares``, and write ``weights[i] |a_i|^2`` to ``lengths``."""
    for row in range(weights.size):
        length = 0.0
        for entry in range(indptr[row], indptr[row + 1]):
            square = weights[row] * data[entry] * data[entry]
            squares[indices[entry]] += square
            length += square
        lengths[row] = length
