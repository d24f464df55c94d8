"""The spectrum of ``G = A' diag(c^2) A``, the gradient covariance of rows A with slopes c, by operator where large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.errors import NumericsError
from oco.losses.gram import add_gram
from oco.losses.rows import Blocks, Rows, may_be_held, rows_at_once, squared_lengths
from oco.regret.spectrum import Spectrum, rounded_eigenvalues
from oco.types import Array

EXACT_SIZE = 1024
"""Up to this many rows or coordinates the smaller Gram matrix is formed and all eigenvalues are computed."""
TOP = 64
"""Eigenvalues computed by default if the matrix is not formed."""


KRYLOV_STEPS = 10
"""Most products with G in the block Krylov method: each is two passes over the rows for all vectors at once."""
KRYLOV_FLOATS = 2**25
"""Most floats in the Krylov basis, which limits the number of steps in very large dimensions."""
SLACK = 1e-8
"""Residual, relative to the largest eigenvalue, at which the block Krylov method stops."""


def gradient_spectrum(rows: Rows | Blocks, slopes: Array, top: int | None = None) -> Spectrum:
    """The spectrum of ``G = sum_i (c_i a_i)(c_i a_i)'``, the covariance of the gradients ``c_i a_i``.

    Parameters
    ----------
    rows
        A, ``(n, d)``, dense or CSR, or a stream whose ``block(start, stop)`` gives them; never made dense, and of a
        stream never more than an eighth of the memory is held.
    slopes
        c, ``(n,)``: ``phi'`` at the points that were played.
    top
        How many eigenvalues are needed; all where not given and min(n, d) is at most `EXACT_SIZE`, else `TOP`.

    Returns
    -------
    Spectrum
        All eigenvalues (slack 0, known up to ``rounding``), or the top ones as Ritz values whose residual is the slack.

    Raises
    ------
    NumericsError
        If a slope is not finite.

    Notes
    -----
    Exact: ``O(n d min(n, d))`` for a Gram matrix and ``O(min(n, d)^3)`` for its eigenvalues. By operator: block Lanczos
    from a random start, at most `KRYLOV_STEPS` products with G in two passes over the rows each, fewer where the
    residual is small before; no matrix of size d x d is formed. Ritz values never exceed the corresponding eigenvalues,
    and differ from them by at most the slack, the norm of the residual ``G V - V diag(theta)``. With probability one
    over the random start, no eigenvalue in between is missed.

    Examples
    --------
    >>> import numpy as np
    >>> gradient_spectrum(np.diag([3.0, 1.0, 2.0]), np.array([1.0, -1.0, 2.0])).top
    array([16.,  9.,  1.])
    """
    if not np.isfinite(slopes).all():
        raise NumericsError("a slope that is not finite has no gradient covariance")
    pieces = _Pieces(rows, slopes)
    count, dimension = pieces.shape
    small = min(count, dimension)
    if small <= EXACT_SIZE or (top is not None and top >= small - 1):
        known, rounding = rounded_eigenvalues(
            scipy.linalg.eigvalsh(pieces.small_gram(), lower=False), small, sum(pieces.shape)
        )
        padded = np.concatenate([known, np.zeros(dimension - small)])
        return Spectrum(dimension, padded, pieces.trace, rounding=rounding, rank=small)
    wanted = min(TOP if top is None else top, small - 1)
    basis: Array = np.empty((dimension, 0))
    images: Array = np.empty((dimension, 0))
    block: Array = np.random.default_rng(0).standard_normal((dimension, wanted))
    for _ in range(_most_steps(pieces.shape, wanted)):
        for _ in range(2):  # projected out twice, because cancellation leaves errors after the first time
            block = np.linalg.qr(block - basis @ (basis.T @ block))[0]
        basis, images = np.hstack([basis, block]), np.hstack([images, pieces.apply(block)])
        product = basis.T @ images
        values, turn = scipy.linalg.eigh(0.5 * (product + product.T))
        values, turn = values[::-1][:wanted], turn[:, ::-1][:, :wanted]
        residual = float(scipy.linalg.norm(images @ turn - (basis @ turn) * values, 2))
        if residual <= SLACK * float(values[0]):
            break
        block = images[:, -wanted:]
    slack = residual + 1e-15 * dimension**0.5 * float(values[0])
    return Spectrum(dimension, np.maximum(values, 0.0), pieces.trace, slack)


def _most_steps(shape: tuple[int, int], width: int) -> int:
    steps = int(np.clip(KRYLOV_FLOATS // (shape[1] * width), 2, KRYLOV_STEPS))
    return min(steps, max(1, min(shape) // width))


class _Pieces:
    """``G = A' diag(c^2) A`` as an operator over pieces of the rows A, which are read once if they fit in memory."""

    def __init__(self, rows: Rows | Blocks, slopes: Array) -> None:
        source: Any = rows
        self._weights: Array = slopes * slopes
        streamed = hasattr(source, "block")
        first = source.block(0, 1).rows if streamed else source
        self.shape = (slopes.size, int(first.shape[1]))
        if streamed and may_be_held(source, slopes.size):
            source, streamed = source.block(0, slopes.size).rows, False
        self._source: Any = source
        self._step = rows_at_once(self.shape[1], scipy.sparse.issparse(first)) if streamed else max(1, slopes.size)
        self.trace = sum(float(weights @ squared_lengths(piece)) for piece, weights in self._weighted())

    def _weighted(self) -> Iterator[tuple[Any, Array]]:
        count = self._weights.size
        for start in range(0, count, self._step):
            stop = min(start + self._step, count)
            rows = self._source.block(start, stop).rows if hasattr(self._source, "block") else self._source[start:stop]
            yield rows, self._weights[start:stop]

    def apply(self, vectors: Array) -> Array:
        """``G vectors``."""
        total: Array = np.zeros(vectors.shape)
        for piece, weights in self._weighted():
            product = piece @ vectors
            product *= weights[:, None]
            total += piece.T @ product
        return total

    def small_gram(self) -> Array:
        """The upper triangle of ``G``, or of the scaled rows' Gram matrix if there are fewer rows than coordinates."""
        count, dimension = self.shape
        if dimension <= count:
            total: Array = np.zeros((dimension, dimension), order="F")
            for piece, weights in self._weighted():
                add_gram(total, piece, weights)
            return total
        pieces = [piece for piece, _ in self._weighted()]
        stacked: Any = np.vstack(pieces) if isinstance(pieces[0], np.ndarray) else scipy.sparse.vstack(pieces)
        slopes = np.sqrt(self._weights)
        return slopes[:, None] * _dense(stacked @ stacked.T) * slopes


def _dense(matrix: Any) -> Array:
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())
