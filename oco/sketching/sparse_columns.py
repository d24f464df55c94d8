"""Rows of a CSR matrix sorted by column: their products with long vectors and with each other, touching only nonzeros.

Columns are taken in order, so that a vector of length d is read from its beginning to its end; the rows themselves
would jump about in it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from oco.compile import INDICES, MATRIX, NONE, VECTOR, WHOLE, kernel, record, separate_kernel
from oco.lanes import WIDTH, load, spread, store
from oco.sketching.passes import clear
from oco.types import Array


class Columns(NamedTuple):
    """Nonzeros ``starts[j] .. starts[j + 1]`` are those of column j, in rising ``rows``, which count from 0.

    ``few`` has room for `WIDTH` numbers.
    """

    starts: np.ndarray[Any, Any]
    rows: np.ndarray[Any, Any]
    values: Array
    few: Array

    @classmethod
    def empty(cls, dimension: int, nonzeros: int) -> Columns:
        """Room for ``nonzeros`` in ``dimension`` columns."""
        starts, rows = (np.zeros(size, dtype=np.int32) for size in (dimension + 1, nonzeros))
        return cls(starts, rows, np.zeros(nonzeros), np.zeros(WIDTH))


COLUMNS = record(Columns, INDICES, INDICES, VECTOR, VECTOR)


@separate_kernel(NONE(WHOLE, WHOLE, VECTOR, INDICES, INDICES, COLUMNS))
def sort_by_column(
    begin: int, count: int, data: Array, indices: np.ndarray[Any, Any], indptr: np.ndarray[Any, Any], columns: Columns
) -> None:
    """Fill ``columns`` with ``count`` rows from ``begin`` on, by counting."""
    starts = columns.starts
    for j in range(starts.size):
        starts[j] = 0
    for place in range(indptr[begin], indptr[begin + count]):
        starts[indices[place] + 1] += 1
    before = 0
    for j in range(1, starts.size):
        inside = starts[j]
        starts[j] = before
        before += inside
    for i in range(count):
        for place in range(indptr[begin + i], indptr[begin + i + 1]):
            j = indices[place] + 1
            to = starts[j]
            columns.rows[to] = i
            columns.values[to] = data[place]
            starts[j] = to + 1  # in the end where column j - 1 ends, which is where column j starts


@separate_kernel(NONE(COLUMNS, MATRIX, VECTOR, MATRIX, VECTOR))
def column_products(columns: Columns, basis: Array, vector: Array, cross: Array, out: Array) -> None:
    """``cross = A basis'`` for the first ``cross.shape[1]`` rows of the basis, and ``out = A vector``."""
    starts, few, rank = columns.starts, columns.few, cross.shape[1]
    clear(out)
    for j in range(vector.size):
        for place in range(starts[j], starts[j + 1]):
            out[columns.rows[place]] += columns.values[place] * vector[j]
    for i in range(cross.shape[0]):
        clear(cross[i])
    for first in range(0, rank, WIDTH):
        for j in range(vector.size):
            if starts[j] == starts[j + 1]:
                continue
            for m in range(min(WIDTH, rank - first)):
                few[m] = basis[first + m, j]
            entries = load(few, 0)
            for place in range(starts[j], starts[j + 1]):
                row = cross[columns.rows[place]]
                store(row, first, load(row, first) + columns.values[place] * entries)


@kernel
def products_with_rows(
    index: int, begin: int, data: Array, indices: np.ndarray[Any, Any], indptr: np.ndarray[Any, Any], columns: Columns,
    out: Array,
) -> None:  # fmt: skip
    """``out[i]``, up to ``i = index``: products of row ``begin + index`` with the rows in ``columns``, itself last."""
    clear(out[: index + 1])
    for place in range(indptr[begin + index], indptr[begin + index + 1]):
        value, j = data[place], indices[place]
        for other in range(columns.starts[j], columns.starts[j + 1]):
            row = columns.rows[other]
            if row > index:
                break
            out[row] += value * columns.values[other]


@kernel
def add_columns(start: int, columns: Columns, weights: Array, before: int, out: Array) -> None:
    """``out += weights[before:]' A[:, start:]``, as many columns as ``out`` has."""
    few = columns.few
    for j in range(out.shape[1]):
        begin, end = columns.starts[start + j], columns.starts[start + j + 1]
        if begin == end:
            continue
        for first in range(0, out.shape[0], WIDTH):
            sums = spread(0.0)
            for place in range(begin, end):
                sums += columns.values[place] * load(weights[before + columns.rows[place]], first)
            store(few, 0, sums)
            for m in range(min(WIDTH, out.shape[0] - first)):
                out[first + m, j] += few[m]
