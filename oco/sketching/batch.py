"""Frequent Directions with an increment of any rank at once: what a matrix gradient brings, or a buffer of vectors."""

from __future__ import annotations

import numpy as np

from oco.decomposition import thin_svd
from oco.errors import NumericsError
from oco.sketching.numerics import TIED
from oco.types import Array

LARGEST = 1e154
"""Singular values above this have squares that are not finite."""

ZERO_SINGULAR_VALUE = 1e-12
"""Singular values below this fraction of the largest are round-off, hence zero, and never counted as escaped."""


def shrink(
    eigenvalues: Array, eigenvectors: Array, rows: Array, rank: int, decay: float = 1.0
) -> tuple[Array, Array, float]:
    r"""One update ``Gbar <- decay Gbar + rows' rows`` of a rank-k sketch, all of ``rows`` at once.

    1. eigenpairs of ``decay Gbar + rows' rows`` through the singular values of the stacked roots;
    2. the (k + 1)-th eigenvalue is subtracted from those above it, and returned as escaped.

    Parameters
    ----------
    eigenvalues
        ``(r,)`` with r <= k, falling: of Gbar.
    eigenvectors
        ``(r, d)``, one a row.
    rows
        ``(n, d)``, finite.
    rank
        k, directions that are kept; with ``k >= d`` nothing ever escapes.
    decay
        beta in (0, 1], weight of the past. The caller's escaped mass decays by the same factor (not its root):
        ``rho <- decay rho + escaped`` keeps ``Gbar <= G <= Gbar + rho I``.

    Returns
    -------
    eigenvalues, eigenvectors, escaped
        Of the new sketch, positive eigenvalues only; and the eigenvalue that was subtracted.

    Notes
    -----
    Cost ``O(d (r + n) min(d, r + n))``. The trace loses at least ``(k + 1) escaped``, exactly that where n = 1.

    References
    ----------
    Feinberg, Chen, Sun, Anil, Hazan, "Sketchy", NeurIPS 2023, Algorithm 1 and Observation 6.

    Examples
    --------
    >>> import numpy as np
    >>> values, vectors, escaped = shrink(np.empty(0), np.empty((0, 3)), np.diag([3.0, 2.0, 1.0]), rank=2)
    >>> values, escaped
    (array([8., 3.]), 1.0)
    """
    stacked = np.concatenate([np.sqrt(decay * eigenvalues)[:, None] * eigenvectors, rows])
    if not np.isfinite(stacked).all():  # LAPACK may never return from it
        raise NumericsError("the sketch and its increment have an entry that is not finite")
    _, singular, right = thin_svd(stacked)
    if not singular[0] < LARGEST:
        raise NumericsError(f"the eigenvalues of the sketch overflow (a singular value is {singular[0]:.3g})")
    singular = singular[singular > ZERO_SINGULAR_VALUE * singular[0]]
    last = singular[rank] if singular.size > rank else 0.0
    # A difference of squares, written as a product: exact where the two are close, and free of overflow.
    kept = (singular[:rank] - last) * (singular[:rank] + last)
    kept = kept[kept > TIED * singular[: kept.size] ** 2]
    return kept, np.ascontiguousarray(right[: kept.size]), float(last**2)
