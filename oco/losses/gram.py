"""Weighted Gram matrices of rows, ``A' diag(w) A``: the Hessian of a sum of losses, the covariance of gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.compile import kernel
from oco.losses.rows import Rows
from oco.types import Array


def add_gram(total: Array, rows: Rows, weights: Array, room: Array | None = None) -> None:
    """Add the upper triangle of ``A' diag(weights) A`` to ``total``, in place; entries below the diagonal are unused.

    Parameters
    ----------
    total
        ``(d, d)``; an array in Fortran order is not copied.
    rows
        A, ``(n, d)``, dense or CSR with sorted indices.
    weights
        ``(n,)``, >= 0; rows of weight zero cost nothing.
    room
        ``(n, d)``, overwritten, for dense rows times their weights; None to allocate it.

    Notes
    -----
    Half the multiplications of a full product: ``n d^2 / 2`` dense, half the sum of squared row counts sparse.
    """
    if isinstance(rows, np.ndarray):
        used = np.flatnonzero(weights)
        if used.size == 0:
            return
        scaled = np.empty(rows.shape) if room is None else room
        if used.size < weights.size:
            scaled = scaled[: used.size]
            rows, weights = np.take(rows, used, axis=0, out=scaled, mode="clip"), weights[used]
        np.multiply(rows, np.sqrt(weights)[:, None], out=scaled)
        result = scipy.linalg.blas.dsyrk(1.0, scaled.T, 1.0, total, overwrite_c=True)
        if not np.shares_memory(result, total):
            total[:] = result
    else:
        compressed: Any = rows
        _add_sparse_gram(compressed.data, compressed.indices, compressed.indptr, weights, total)


def symmetric(upper: Array) -> Array:
    """The symmetric matrix with this upper triangle, written below the diagonal in place."""
    _mirror(upper)
    return upper


@kernel
def _mirror(matrix: Array) -> None:
    for column in range(matrix.shape[0]):
        for row in range(column):
            matrix[column, row] = matrix[row, column]


@kernel
def _add_sparse_gram(data: Array, indices: Array, indptr: Array, weights: Array, total: Array) -> None:
    # Unsigned indices, because the sign check of signed ones would take longer than the rest of the loop.
    for row in range(indptr.size - 1):
        if weights[row] == 0.0:
            continue
        begin, end = np.uintp(indptr[row]), np.uintp(indptr[row + 1])
        for right in range(begin, end):
            scaled = weights[row] * data[right]
            column = np.uintp(indices[right])
            for left in range(begin, right + np.uintp(1)):
                total[np.uintp(indices[left]), column] += scaled * data[left]
