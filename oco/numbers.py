"""Convert users' numbers to arrays; masked, missing and rounded entries raise an error."""

from __future__ import annotations

from typing import Any

import numpy as np

from oco.errors import DataError

MOST_COLUMNS = 2**31 - 1
"""Indices of sparse rows are kept in 32 bits."""

_EXACT = 2**53

_HOLD_NUMBERS = ("csr", "csc", "coo", "bsr", "dia")
"""SciPy's formats whose ``data`` are numbers; those of the others are lists or a dictionary."""


def real_numbers(values: Any, what: str) -> np.ndarray[Any, Any]:
    """Return ``values`` as an array of numbers representable in float64, with their own dtype and without a copy.

    Parameters
    ----------
    values : array-like
        An array, nested lists, a pandas, Arrow or torch object, a buffer, whatever offers DLPack.
    what : str
        Name of the values, with which the message begins.

    Raises
    ------
    DataError
        If an entry is masked, missing in a pandas column, or an integer past 2^53 that float64 would round; or if
        ``values`` are not an array of real numbers.

    Examples
    --------
    >>> real_numbers(np.ma.masked_equal([1.0, 999.0], 999.0), "targets")
    Traceback (most recent call last):
    oco.errors.DataError: targets must not be masked; drop or fill the 1 masked entry first
    """
    masked = _count_masked(values)
    if masked:
        raise DataError(
            f"{what} must not be masked; drop or fill the {masked} masked {'entry' if masked == 1 else 'entries'} first"
        )
    try:
        array = _from_pandas(values, what) if _is_pandas(values) else np.asarray(from_dlpack(values))
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{what} must all have one length ({error})") from error
    except (TypeError, RuntimeError, OverflowError, NotImplementedError) as error:
        raise DataError(f"{what} must be an array of real numbers, got {type(values).__name__} ({error})") from error
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind not in "biuf":
        raise DataError(f"{what} must hold real numbers, got dtype {array.dtype}{_hint(array)}")
    if kind in "iu" and size == 8:
        _refuse_rounding(array, what)
    if kind == "f" and size > 8:
        with np.errstate(over="ignore"):  # an infinity raises an error later, with its position
            array = array.astype(np.float64)
    return array


def canonical_csr(rows: Any, what: str) -> Any:
    """Return a SciPy sparse matrix as CSR, sorted and without duplicates, in its own dtype, without changing the input.

    Raises
    ------
    DataError
        If entries are not real numbers (see `real_numbers`), or there are more columns than 32-bit indices reach.
    """
    import scipy.sparse

    if rows.shape[-1] > MOST_COLUMNS:
        raise DataError(f"{what} must have at most {MOST_COLUMNS:,} columns, got {rows.shape[-1]:,}")
    real_numbers(rows.data if rows.format in _HOLD_NUMBERS else rows.tocsr().data, what)
    with np.errstate(over="ignore"):  # an infinity raises an error later, with its position
        if rows.dtype.itemsize > 8 or (rows.dtype.kind in "iu" and not _is_canonical_csr(rows)):
            rows = rows.astype(np.float64)  # sums of repeated small integers would overflow
        kind: Any = scipy.sparse.csr_array
        matrix = kind(rows)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()  # it may share the caller's arrays
            matrix.sum_duplicates()
    return matrix


def _is_canonical_csr(rows: Any) -> bool:
    return rows.format == "csr" and bool(rows.has_canonical_format)


def _hint(array: np.ndarray[Any, Any]) -> str:
    if array.dtype.kind == "O" and array.size:
        return f" of {type(array.flat[0]).__name__}"
    return "; map words to numbers first" if array.dtype.kind in "UT" else ""


def _count_masked(values: Any) -> int:
    """Number of masked entries in a masked array, or in lists of masked arrays."""
    if isinstance(values, np.ma.MaskedArray):
        return int(np.ma.getmaskarray(values).sum()) if values.dtype.names is None else 0
    if isinstance(values, (list, tuple)):
        return sum(_count_masked(value) for value in values if isinstance(value, (list, tuple, np.ma.MaskedArray)))
    return 0


def from_dlpack(values: Any) -> Any:
    """A view of an array of another library, if DLPack is all that it offers."""
    if hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        return np.from_dlpack(values)
    return values


def _is_pandas(values: Any) -> bool:
    return type(values).__module__.partition(".")[0] == "pandas" and hasattr(values, "to_numpy")


def _from_pandas(values: Any, what: str) -> np.ndarray[Any, Any]:
    """A pandas frame or column as an array; columns of pandas' own dtypes may have missing values."""
    if hasattr(values, "columns"):
        columns = [(f" in column {name!r}", kind) for name, kind in zip(values.columns, values.dtypes, strict=True)]
    else:
        columns = [("", values.dtype)]
    for where, kind in columns:
        if getattr(kind, "kind", "O") not in "biuf":
            raise DataError(f"{what} must hold real numbers, got dtype {kind}{where}")
    if all(isinstance(kind, np.dtype) for _, kind in columns):
        return np.asarray(values)
    array: np.ndarray[Any, Any] = values.to_numpy(np.float64, na_value=np.nan)
    return array


def _refuse_rounding(integers: np.ndarray[Any, Any], what: str) -> None:
    if integers.size == 0 or (int(integers.min()) >= -_EXACT and int(integers.max()) <= _EXACT):
        return
    with np.errstate(invalid="ignore"):
        rounded = integers.astype(np.float64).astype(integers.dtype) != integers
    if rounded.any():
        raise DataError(f"{what} must be numbers that float64 holds exactly, got the integer {integers[rounded][0]}")
