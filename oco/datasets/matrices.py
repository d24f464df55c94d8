"""Convert users' arrays to checked rows: float64, finite, C-contiguous or canonical CSR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oco.errors import DataError
from oco.numbers import MOST_COLUMNS, canonical_csr, real_numbers
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
    """Return ``values`` as a C-contiguous float64 array; the error names what was found instead of real numbers."""
    return np.ascontiguousarray(real_numbers(values, what), dtype=np.float64)


def check_finite(values: np.ndarray[Any, Any], what: str, first_row: int = 0) -> None:
    """Raise an error at the first entry that is NaN or infinite, with its row and column."""
    if np.isfinite(values).all():
        return
    place = np.argwhere(~np.isfinite(values))[0]
    where = f"row {first_row + int(place[0])}" + (f", column {int(place[1])}" if values.ndim == 2 else "")
    raise DataError(f"{what} must be finite, got {values[tuple(place)]} in {where}")


def check_csr(
    data: Array, indices: Any, indptr: Any, shape: tuple[int, ...], where: str, *, by_columns: bool = False
) -> scipy.sparse.csr_array:
    """Assemble a CSR matrix from CSR (or, ``by_columns``, CSC) parts; inconsistent parts raise `DataError`."""
    import scipy.sparse

    if len(shape) != 2 or min(shape) < 1:
        raise DataError(f"{where}: shape must be (n, d) with n and d at least 1, got {shape}")
    if max(shape) > MOST_COLUMNS:
        raise DataError(f"{where}: shape must be at most {MOST_COLUMNS:,} both ways, got {shape}")
    length, width = (shape[1], shape[0]) if by_columns else shape
    fault = _csr_fault(data, indices, indptr, length, width)
    if fault:
        raise DataError(f"{where}: the parts do not form a {'CSC' if by_columns else 'CSR'} matrix ({fault})")
    kind: Any = scipy.sparse.csc_array if by_columns else scipy.sparse.csr_array
    rows = kind((data, indices.astype(np.int32), indptr.astype(np.int64)), shape=shape).tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    checked: scipy.sparse.csr_array = rows
    return checked


def _csr_fault(data: Any, indices: Any, indptr: Any, length: int, width: int) -> str | None:
    # Checked before SciPy sees them, because it wraps indices that overflow and drops entries past the last offset.
    if (data.ndim, indices.ndim, indptr.ndim) != (1, 1, 1):
        return f"data, indices and indptr must be vectors, got shapes {data.shape}, {indices.shape}, {indptr.shape}"
    if len(indptr) != length + 1:
        return f"indptr must have {length + 1:,} entries, got {len(indptr):,}"
    if len(data) != len(indices):
        return f"data and indices must have one length, got {len(data):,} and {len(indices):,}"
    if indptr[0] != 0 or int(indptr[-1]) != len(data) or (indptr[1:] < indptr[:-1]).any():
        return f"indptr must ascend from 0 to {len(data):,}"
    if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= width):
        return f"indices must be in 0..{width - 1}, got {int(indices.min())}..{int(indices.max())}"
    return None


def _check_sparse(rows: Any, where: str) -> Rows:
    if len(rows.shape) != 2 or 0 in rows.shape:
        raise DataError(f"{where}: rows must have shape (n, d) with n and d at least 1, got {rows.shape}")
    converted: Any = canonical_csr(rows, f"{where}: rows")
    if converted.dtype != np.float64:
        converted = converted.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(converted.data))
    if bad.size:
        row = int(np.searchsorted(converted.indptr, bad[0], side="right")) - 1
        column = int(converted.indices[bad[0]])
        value = converted.data[bad[0]]
        raise DataError(f"{where}: rows must be finite, got {value} in row {row}, column {column}")
    checked: Rows = converted
    return checked
