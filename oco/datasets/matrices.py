"""Turn arrays that a user hands over into checked rows: float64, finite, C-contiguous or canonical CSR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oco.errors import DataError
from oco.types import Array

if TYPE_CHECKING:
    import scipy.sparse

    from oco.datasets.dataset import Rows


def check_rows(rows: Any, where: str) -> Rows:
    """Return ``rows`` as a float64 matrix, dense and C-contiguous or CSR with sorted indices, copied only if needed.

    Raises
    ------
    DataError
        If the shape, the type or a value is wrong; the message names the row and column.
    """
    if hasattr(rows, "tocsr"):
        return _check_sparse(rows, where)
    dense = check_numbers(rows, f"{where}: rows")
    if dense.ndim != 2 or 0 in dense.shape:
        raise DataError(f"{where}: rows must have shape (n, d) with n and d at least 1, got {dense.shape}")
    check_finite(dense, f"{where}: rows")
    return dense


def check_targets(targets: Any, n_rows: int, where: str) -> Array:
    """Return ``targets`` as a float64 vector with one finite entry per row."""
    values = check_numbers(targets, f"{where}: targets")
    if values.shape != (n_rows,):
        raise DataError(f"{where}: targets must have shape ({n_rows},), one per row, got {values.shape}")
    check_finite(values, f"{where}: targets")
    return values


def check_numbers(values: Any, what: str) -> Array:
    """Return ``values`` as a C-contiguous float64 array, or say which type was met instead of real numbers."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{what} must all have one length ({error})") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} must hold real numbers, got dtype {array.dtype}")
    return np.ascontiguousarray(array, dtype=np.float64)


def check_finite(values: np.ndarray[Any, Any], what: str, first_row: int = 0) -> None:
    """Raise at the first entry that is NaN or infinite, with its row and column."""
    if np.isfinite(values).all():
        return
    place = np.argwhere(~np.isfinite(values))[0]
    where = f"row {first_row + int(place[0])}" + (f", column {int(place[1])}" if values.ndim == 2 else "")
    raise DataError(f"{what} must be finite, got {values[tuple(place)]} in {where}")


def check_csr(data: Array, indices: Any, indptr: Any, shape: tuple[int, ...], where: str) -> scipy.sparse.csr_array:
    """Assemble a CSR matrix from parts of unknown origin, refusing parts that do not fit together."""
    import scipy.sparse

    if len(shape) != 2 or min(shape) < 1:
        raise DataError(f"{where}: shape must be (n, d) with n and d at least 1, got {shape}")
    try:
        rows = scipy.sparse.csr_array((data, indices, indptr), shape=shape)
        rows.check_format(full_check=True)
    except ValueError as error:
        raise DataError(f"{where}: the parts do not form a CSR matrix ({error})") from error
    rows.sum_duplicates()
    return rows


def _check_sparse(rows: Any, where: str) -> Rows:
    import scipy.sparse

    if rows.dtype.kind not in "biuf":
        raise DataError(f"{where}: rows must hold real numbers, got dtype {rows.dtype}")
    if len(rows.shape) != 2 or 0 in rows.shape:
        raise DataError(f"{where}: rows must have shape (n, d) with n and d at least 1, got {rows.shape}")
    converted = scipy.sparse.csr_array(rows, dtype=np.float64)
    if not converted.has_canonical_format:
        converted = converted.copy()  # it may share the caller's arrays
        converted.sum_duplicates()
    bad = np.flatnonzero(~np.isfinite(converted.data))
    if bad.size:
        row = int(np.searchsorted(converted.indptr, bad[0], side="right")) - 1
        column = int(converted.indices[bad[0]])
        value = converted.data[bad[0]]
        raise DataError(f"{where}: rows must be finite, got {value} in row {row}, column {column}")
    return converted
