"""The singular value decomposition of a matrix, also where LAPACK's faster driver does not converge."""

from __future__ import annotations

import numpy as np

from oco.types import Array


def thin_svd(matrix: Array) -> tuple[Array, Array, Array]:
    """Return ``U`` (m, r), descending singular values (r,) and ``V'`` (r, n) with r = min(m, n), so that U s V' = A.

    Raises
    ------
    numpy.linalg.LinAlgError
        For entries that are not finite.

    Notes
    -----
    LAPACK's divide and conquer, which is several times as fast, fails on some finite matrices whose rows differ by many
    powers of ten; the QR iteration takes those.
    """
    try:
        left, singular, right = np.linalg.svd(matrix, full_matrices=False)
    except np.linalg.LinAlgError:
        if not np.isfinite(matrix).all():
            raise
        from scipy.linalg import svd

        left, singular, right = svd(matrix, full_matrices=False, lapack_driver="gesvd")
    return left, singular, right
