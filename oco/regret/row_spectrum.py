"""The spectrum of ``G = A' diag(c^2) A``, the gradient covariance of rows A with slopes c, by operator where large."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from oco.errors import NumericsError
from oco.losses.rows import Rows
from oco.regret.spectrum import Spectrum
from oco.types import Array

EXACT_SIZE = 1024
"""Up to this many rows or coordinates the smaller Gram matrix is formed and all eigenvalues are found."""
TOP = 64
"""Eigenvalues that are found by default where the matrix is not formed."""


def gradient_spectrum(rows: Rows, slopes: Array, top: int | None = None) -> Spectrum:
    """The spectrum of ``G = sum_i (c_i a_i)(c_i a_i)'``, the covariance of the gradients ``c_i a_i``.

    Parameters
    ----------
    rows
        A, ``(n, d)``, dense or CSR; never made dense.
    slopes
        c, ``(n,)``: ``phi'`` at the points that were played.
    top
        How many eigenvalues are needed; all where not given and min(n, d) is at most `EXACT_SIZE`, else `TOP`.

    Returns
    -------
    Spectrum
        All eigenvalues (slack 0), or the top ones as Ritz values.

    Raises
    ------
    NumericsError
        If a slope is not finite.

    Notes
    -----
    Exact: ``O(n d min(n, d))`` for a Gram matrix and ``O(min(n, d)^3)`` for its eigenvalues. By operator: Lanczos with
    implicit restarts, two passes over the rows per step, no matrix of size d x d. Ritz values never exceed the
    eigenvalues that they stand for; the slack is the norm of the residual ``G V - V diag(theta)``, within which each
    stands for an eigenvalue. That none in between was missed holds with probability one over the random start.

    Examples
    --------
    >>> import numpy as np
    >>> gradient_spectrum(np.diag([3.0, 1.0, 2.0]), np.array([1.0, -1.0, 2.0])).top
    array([16.,  9.,  1.])
    """
    if not np.isfinite(slopes).all():
        raise NumericsError("a slope that is not finite has no gradient covariance")
    count, dimension = rows.shape
    scaled: Any = rows * slopes[:, None] if isinstance(rows, np.ndarray) else sparse.diags_array(slopes) @ rows
    squares = scaled * scaled if isinstance(rows, np.ndarray) else scaled.multiply(scaled)
    trace = float(squares.sum())
    small = min(count, dimension)
    if small <= EXACT_SIZE or (top is not None and top >= small - 1):
        gram: Any = scaled.T @ scaled if dimension <= count else scaled @ scaled.T
        dense = np.asarray(gram if isinstance(gram, np.ndarray) else gram.toarray())
        values = np.maximum(linalg.eigvalsh(dense)[::-1], 0.0)
        return Spectrum(dimension, np.concatenate([values, np.zeros(dimension - small)]), trace)
    wanted = min(TOP if top is None else top, small - 1)
    operator: Any = LinearOperator(
        (dimension, dimension),
        matvec=lambda vector: scaled.T @ (scaled @ vector),
        matmat=lambda vectors: scaled.T @ (scaled @ vectors),
        dtype=np.float64,
    )
    start: Array = np.random.default_rng(0).standard_normal((dimension,))
    try:
        _, vectors = eigsh(operator, k=wanted, which="LA", v0=start, tol=1e-8)
    except ArpackNoConvergence as stopped:
        vectors = stopped.eigenvectors
    if vectors.shape[1] == 0:
        return Spectrum(dimension, np.zeros(0), trace)
    basis, _ = np.linalg.qr(vectors)
    image = scaled @ basis
    values, turn = linalg.eigh(image.T @ image)
    values, basis = np.maximum(values[::-1], 0.0), basis @ turn[:, ::-1]
    residual = operator.matmat(basis) - basis * values
    slack = float(linalg.norm(residual, 2)) + 1e-15 * dimension**0.5 * float(values[0])
    return Spectrum(dimension, values, trace, slack)
