"""The spectrum of ``G = A' diag(c^2) A``, the gradient covariance of rows A with slopes c, by operator where large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from scipy import linalg, sparse

from oco.errors import NumericsError
from oco.losses.rows import RowBlock, Rows
from oco.regret.spectrum import Spectrum
from oco.types import Array

EXACT_SIZE = 1024
"""Up to this many rows or coordinates the smaller Gram matrix is formed and all eigenvalues are found."""
TOP = 64
"""Eigenvalues that are found by default where the matrix is not formed."""


KRYLOV_STEPS = 10
"""Most products with G in the block Krylov method: each is two passes over the rows for all vectors at once."""
KRYLOV_FLOATS = 2**25
"""Floats that its basis may take, hence fewer steps in very large dimensions."""
_PIECE = 4096


class Blocks(Protocol):
    """Rows that are read in blocks, again in every pass."""

    def block(self, start: int, stop: int) -> RowBlock:
        """Rows ``start`` to ``stop - 1``."""


def gradient_spectrum(rows: Rows | Blocks, slopes: Array, top: int | None = None) -> Spectrum:
    """The spectrum of ``G = sum_i (c_i a_i)(c_i a_i)'``, the covariance of the gradients ``c_i a_i``.

    Parameters
    ----------
    rows
        A, ``(n, d)``, dense or CSR, or a stream whose ``block(start, stop)`` gives them; never made dense, and of a
        stream never more than a block is held.
    slopes
        c, ``(n,)``: ``phi'`` at the points that were played.
    top
        How many eigenvalues are needed; all where not given and min(n, d) is at most `EXACT_SIZE`, else `TOP`.

    Returns
    -------
    Spectrum
        All eigenvalues (slack 0), or the top ones as Ritz values with the slack that their residual leaves.

    Raises
    ------
    NumericsError
        If a slope is not finite.

    Notes
    -----
    Exact: ``O(n d min(n, d))`` for a Gram matrix and ``O(min(n, d)^3)`` for its eigenvalues. By operator: block Lanczos
    from a random start, at most `KRYLOV_STEPS` products with G in two passes over the rows each, no matrix of size
    d x d. Ritz values never exceed the eigenvalues that they stand for; the slack is the norm of the residual
    ``G V - V diag(theta)``, within which each stands for an eigenvalue. That none in between was missed holds with
    probability one over the random start.

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
        values = np.maximum(linalg.eigvalsh(pieces.small_gram())[::-1], 0.0)
        return Spectrum(dimension, np.concatenate([values, np.zeros(dimension - small)]), pieces.trace)
    wanted = min(TOP if top is None else top, small - 1)
    basis, applied = _krylov(pieces, wanted)
    product = basis.T @ applied
    values, turn = linalg.eigh(0.5 * (product + product.T))
    values, turn = values[::-1][:wanted], turn[:, ::-1][:, :wanted]
    residual = applied @ turn - (basis @ turn) * values
    slack = float(linalg.norm(residual, 2)) + 1e-15 * dimension**0.5 * float(values[0])
    return Spectrum(dimension, np.maximum(values, 0.0), pieces.trace, slack)


def _krylov(pieces: _Pieces, width: int) -> tuple[Array, Array]:
    """Orthonormal basis Q of the block Krylov space of G from ``width`` random vectors, and ``G Q``."""
    dimension = pieces.shape[1]
    steps = int(np.clip(KRYLOV_FLOATS // (dimension * width), 2, KRYLOV_STEPS))
    steps = min(steps, max(1, min(pieces.shape) // width))
    block: Array = np.linalg.qr(np.random.default_rng(0).standard_normal((dimension, width)))[0]
    blocks, images = [block], [pieces.apply(block)]
    for _ in range(steps - 1):
        block = images[-1]
        for _ in range(2):  # projected out twice: once leaves what cancellation hid
            for known in blocks:
                block = block - known @ (known.T @ block)
            block = np.linalg.qr(block)[0]
        blocks.append(block)
        images.append(pieces.apply(block))
    return np.hstack(blocks), np.hstack(images)


class _Pieces:
    """``G = A' diag(c^2) A`` as an operator over pieces of the rows A."""

    def __init__(self, rows: Rows | Blocks, slopes: Array) -> None:
        self._rows: Any = rows
        self._slopes = slopes
        first = next(iter(self._scaled()))
        self.shape = (slopes.size, int(first.shape[1]))
        self.trace = 0.0
        for piece in self._scaled():
            numbers = piece if isinstance(piece, np.ndarray) else piece.data
            self.trace += float((numbers * numbers).sum())

    def _scaled(self) -> Iterator[Any]:
        step = _PIECE if hasattr(self._rows, "block") else max(1, self._slopes.size)
        for start in range(0, max(1, self._slopes.size), step):
            stop = min(start + step, self._slopes.size)
            rows = self._rows.block(start, stop).rows if hasattr(self._rows, "block") else self._rows[start:stop]
            slopes = self._slopes[start:stop]
            yield rows * slopes[:, None] if isinstance(rows, np.ndarray) else sparse.diags_array(slopes) @ rows

    def apply(self, vectors: Array) -> Array:
        """``G vectors``."""
        total: Array = np.zeros(vectors.shape)
        for piece in self._scaled():
            total += piece.T @ (piece @ vectors)
        return total

    def small_gram(self) -> Array:
        """``G``, or the Gram matrix of the scaled rows where these are fewer than the coordinates."""
        count, dimension = self.shape
        if dimension <= count:
            return np.asarray(sum(_dense(piece.T @ piece) for piece in self._scaled()))
        pieces = list(self._scaled())
        stacked: Any = np.vstack(pieces) if isinstance(pieces[0], np.ndarray) else sparse.vstack(pieces)
        return _dense(stacked @ stacked.T)


def _dense(matrix: Any) -> Array:
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())
