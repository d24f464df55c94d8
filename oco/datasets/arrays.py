"""Data sets from objects in memory: NumPy and SciPy arrays, pandas frames, iterators of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from oco.datasets.compact import Compact, make_csr
from oco.datasets.dataset import Dataset
from oco.datasets.fingerprint import ContentHash
from oco.datasets.labels import Labels, split_text_labels
from oco.datasets.matrices import check_numbers, check_rows, check_targets
from oco.datasets.options import WORDS_HINT, check_column_names, check_switches
from oco.datasets.preparation import Preparation
from oco.datasets.scaling import Scaling, ScalingKind
from oco.errors import DataError
from oco.numbers import MOST_COLUMNS, real_numbers
from oco.types import Array

if TYPE_CHECKING:
    import pandas as pd


def from_arrays(
    rows: Any,
    targets: Any,
    *,
    name: str = "arrays",
    intercept: bool = False,
    scaling: ScalingKind | Scaling = "none",
    labels: Labels = None,
) -> Dataset:
    """Make a data set of arrays; arrays that already have the right form are not copied.

    Parameters
    ----------
    rows : array-like or SciPy sparse matrix, shape (n, d)
        Real, finite numbers; any sparse format becomes CSR.
    targets : array-like, shape (n,)
        Labels or regression targets.
    name : str, default="arrays"
        Name in messages.
    intercept, scaling, labels
        As in `load`.

    Raises
    ------
    DataError
        If shapes or types are wrong or an entry is not finite, with its row and column.

    Examples
    --------
    >>> data = from_arrays([[3.0, 4.0], [0.0, 2.0]], [0, 1], scaling="unit-rows", labels="binary")
    >>> data.rows, data.targets
    (array([[0.6, 0.8],
           [0. , 1. ]]), array([-1.,  1.]))
    """
    check_switches(intercept=intercept)
    matrix = check_rows(rows, name)
    values = check_targets(targets, int(matrix.shape[0]), name)
    content = ContentHash()
    content.add(matrix, values)
    compact = Compact(matrix, values, content.hexdigest(int(matrix.shape[1])))
    fitted = scaling if isinstance(scaling, Scaling) else Scaling.fit([matrix], scaling)
    classes = np.unique(values) if labels is not None else None
    preparation = Preparation(fitted, intercept, labels, classes, name)
    prepared, mapped = preparation.apply(compact.rows, compact.targets)
    n_rows, dimension = prepared.shape
    return Dataset(name, prepared, mapped, preparation.checksum(compact.content, n_rows, dimension))


def from_frame(
    frame: pd.DataFrame,
    target: str | int = -1,
    *,
    name: str = "frame",
    intercept: bool = False,
    scaling: ScalingKind | Scaling = "none",
    labels: Labels = None,
) -> Dataset:
    """Make a data set of a pandas frame of numeric columns.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per row; no missing values.
    target : str or int, default=-1
        Label, or position, of the column of targets.
    name, intercept, scaling, labels
        As in `from_arrays`; a map from words applies where the target column holds words.

    Raises
    ------
    DataError
        If there is no such column, or one is not numeric.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, 1.0], "class": ["no", "yes"]})
    >>> from_frame(frame, "class", labels={"no": -1, "yes": 1}).targets
    array([-1.,  1.])
    """
    columns = list(frame.columns)
    check_column_names([str(column) for column in columns], name)
    if target in columns:
        position = columns.index(target)
    elif isinstance(target, int) and -len(columns) <= target < len(columns):
        position = target % len(columns)
    else:
        raise DataError(
            f"{name}: target must be one of the columns {', '.join(map(str, columns[:20]))}; got {target!r}"
        )
    wanted: Any = frame.iloc[:, position]
    holds_numbers = getattr(wanted.dtype, "kind", "O") in "biuf"
    text_labels, labels = (None, labels) if holds_numbers else split_text_labels(labels, digits_are_words=True)
    if text_labels is not None:
        unknown = [value for value in wanted if not (isinstance(value, str) and value in text_labels)]
        if unknown:
            raise DataError(f"{name}: labels must map every class; {unknown[0]!r} is missing")
        wanted = np.array([text_labels[value] for value in wanted], dtype=np.float64)
    elif getattr(wanted.dtype, "name", "") == "category":
        wanted = np.asarray(wanted)  # categories are labels, and are used in place of their codes
    elif not holds_numbers:
        raise DataError(
            f"{name}: column {columns[position]!r} must hold real numbers, got dtype {wanted.dtype}; {WORDS_HINT}"
        )
    features = [place for place in range(len(columns)) if place != position]
    rows, values = frame.iloc[:, features], real_numbers(wanted, f"{name}: column {columns[position]!r}")
    return from_arrays(rows, values, name=name, intercept=intercept, scaling=scaling, labels=labels)


def from_iterator(
    iterator: Iterable[tuple[Any, float]],
    *,
    n_features: int | None = None,
    max_rows: int | None = None,
    name: str = "iterator",
    intercept: bool = False,
    scaling: ScalingKind | Scaling = "none",
    labels: Labels = None,
) -> Dataset:
    """Make a data set of pairs ``(row, target)``.

    Parameters
    ----------
    iterator : iterable of pairs
        Each row is a vector of d numbers, or a map from column (from 0) to value for sparse rows.
    n_features : int, optional
        Number of columns; needed for maps whose last columns may be missing.
    max_rows : int, optional
        Take at most this many rows; required for an infinite iterator.
    name, intercept, scaling, labels
        As in `from_arrays`.

    Raises
    ------
    DataError
        If a row has another length or kind than the first, or an entry that is not a finite number.

    Examples
    --------
    >>> data = from_iterator([({0: 1.0, 4: 2.0}, 1.0), ({2: 3.0}, -1.0)], n_features=6)
    >>> data.rows.shape, data.rows.nnz
    ((2, 6), 3)
    """
    check_switches(intercept=intercept)
    given: list[Any] = []
    targets: list[float] = []
    for number, pair in enumerate(islice(iterator, max_rows)):
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise DataError(f"{name}: item {number} must be a pair (row, target), got {type(pair).__name__}")
        row, target = pair
        if given and isinstance(row, Mapping) != isinstance(given[0], Mapping):
            raise DataError(f"{name}: row {number} must be of the same kind as row 0, got {type(row).__name__}")
        # Each row is copied at once, because an iterator may reuse its buffer.
        given.append(dict(row) if isinstance(row, Mapping) else check_numbers(row, f"{name}: row {number}").copy())
        targets.append(_target(target, f"{name}: target {number}"))
    if not given:
        raise DataError(f"{name}: yielded no rows")
    make = _sparse_rows if isinstance(given[0], dict) else _dense_rows
    rows = make(given, n_features, name)
    return from_arrays(rows, targets, name=name, intercept=intercept, scaling=scaling, labels=labels)


def _target(target: Any, what: str) -> float:
    if isinstance(target, (int, float)):
        return target
    value = check_numbers(target, what)
    if value.size != 1:
        raise DataError(f"{what} must be one number, got shape {value.shape}")
    return float(value.item())


def _dense_rows(vectors: list[Array], n_features: int | None, name: str) -> Any:
    width = n_features or (vectors[0].shape[0] if vectors[0].ndim == 1 else 0)
    for number, vector in enumerate(vectors):
        if vector.shape != (width,):
            raise DataError(f"{name}: row {number} must have shape ({width},), got {vector.shape}")
    return np.stack(vectors)


def _sparse_rows(maps: list[dict[Any, Any]], n_features: int | None, name: str) -> Any:
    indices: list[int] = []
    values: list[Any] = []
    indptr = [0]
    most = n_features or MOST_COLUMNS
    for number, row in enumerate(maps):
        for column in row:
            if isinstance(column, bool) or not isinstance(column, (int, np.integer)) or not 0 <= column < most:
                raise DataError(f"{name}: row {number} must have integer columns in 0..{most - 1}, got {column!r}")
        for column, value in sorted(row.items()):
            indices.append(int(column))
            values.append(value)
        indptr.append(len(indices))
    width = n_features or max(indices, default=0) + 1
    data = check_numbers(values, f"{name}: rows") if values else np.empty(0)
    if data.ndim != 1:
        raise DataError(f"{name}: rows must map columns to numbers, got values of shape {data.shape[1:]}")
    return make_csr(data, np.array(indices, dtype=np.int32), np.array(indptr), width)
