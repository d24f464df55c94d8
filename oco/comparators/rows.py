"""The rows of a sum of generalized linear losses, as the linear operator that solvers and certificates need."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from oco.compile import kernel
from oco.losses.gram import add_gram, symmetric
from oco.losses.rows import Blocks, RowBlock, Rows, may_be_held, rows_at_once, squared_lengths
from oco.losses.scalar import ScalarLoss
from oco.types import Array

_SUM_ROWS = 512
_WAYS = 4
"""Sums of one entry that a product with CSR rows keeps at a time."""
_UNIT = float(np.finfo(np.float64).eps)
_FINE_UNIT = float(np.finfo(np.longdouble).eps)
_LEAST = 2.0 * float(np.finfo(np.float64).smallest_subnormal)
"""Allowance for underflow in one product."""
_DENSE_FLOATS = 2**21


class RowStream(Blocks, Protocol):
    """Rounds that are known in advance: anything with a length and consecutive blocks of rows."""

    horizon: int


class RowMatrix:
    """The rows ``a_1 .. a_n`` as a matrix A ``(n, d)``: products, transposed products and weighted Gram matrices.

    Rows are dense, CSR, or read in blocks from a stream that is larger than memory. Nothing is made dense.
    """

    def __init__(self, source: Rows | RowStream, count: int, dimension: int, whole: RowMatrix | None = None) -> None:
        self._source = source
        self.count = count
        self.dimension = dimension
        some: Any = source
        self._sparse = _is_sparse(some) if self._whole() is not None else some.block(0, 1).sparse
        self._at_once = rows_at_once(dimension, self._sparse)
        self._summed = max(_SUM_ROWS, dimension // 8) if self._sparse else min(_SUM_ROWS, self._at_once)
        if whole is None:
            self.row_squares: Array = np.empty(count)
            stored = 0
            for start, rows in self._pieces():
                self.row_squares[start : start + rows.shape[0]] = squared_lengths(rows)
                stored += rows.nnz if self._sparse else rows.size
            self._stored = stored / count
        else:
            self.row_squares, self._stored = whole.row_squares[:count], whole._stored
        self.units: Array | None = None if whole is None else whole.units
        # An allowance for underflow in the squares is added, so that this is never too short.
        self.length = float(np.sqrt(self.row_squares.sum() + count * dimension * _LEAST))

    def prefix(self, count: int) -> RowMatrix:
        """The first ``count`` rows, without a copy."""
        if count == self.count:
            return self
        source: Any = self._source
        if isinstance(source, np.ndarray):
            source = source[:count]
        elif _is_sparse(source):
            stop = source.indptr[count]
            parts = (source.data[:stop], source.indices[:stop], source.indptr[: count + 1])
            source = sparse.csr_array(parts, shape=(count, self.dimension), copy=False)
        return RowMatrix(source, count, self.dimension, self)

    def product(self, point: Array) -> Array:
        """Margins ``A point``: ``(n,)`` for ``(d,)``, ``(n, m)`` for ``(d, m)``."""
        whole: Any = self._whole()
        if self.units is not None:
            point = (point.T * self.units).T
        if whole is not None:
            return (
                _sparse_product(whole, point, False) if self._sparse and point.ndim == 1 else np.asarray(whole @ point)
            )
        return np.concatenate([np.asarray(rows @ point) for _, rows in self._pieces()])

    def transposed_product(self, weights: Array) -> Array:
        """``A' weights``: ``(d,)`` for ``(n,)``, ``(d, m)`` for ``(n, m)``; summed in pieces, see `sum_length`."""
        total: Array = np.zeros((*weights.shape[1:], self.dimension))
        partial: Array = np.empty((_WAYS if self.dimension <= 8 * self._summed else 1, self.dimension))
        for start, rows in self._pieces(self._summed):
            piece = weights[start : start + rows.shape[0]].T
            if isinstance(rows, np.ndarray):
                total += piece @ rows
            else:
                for some, sums in zip(np.atleast_2d(piece), np.atleast_2d(total), strict=True):
                    one = np.ascontiguousarray(some)
                    _add_sparse_product(rows.data, rows.indices, rows.indptr, one, self._summed, partial, sums)
        return total.T if self.units is None else (total * self.units).T

    @property
    def sum_length(self) -> int:
        """Most roundings that any entry of a product goes through; pieces make it far smaller than n."""
        return self._summed + _WAYS * (self.count // self._summed + 1) + self.dimension + 8

    def gram(self, weights: Array) -> Array:
        """``A' diag(weights) A`` ``(d, d)`` with weights >= 0; rows of weight zero cost nothing."""
        total: Array = np.zeros((self.dimension, self.dimension), order="F")
        for start, rows in self._pieces():
            add_gram(total, rows, weights[start : start + rows.shape[0]])
        whole = symmetric(total)
        return whole if self.units is None else whole * np.outer(self.units, self.units)

    def size_product(self, sizes: Array) -> Array:
        """``|A| sizes`` with absolute entries, for ``(d,)`` or ``(d, m)``, which bounds the errors of a product."""
        whole: Any = self._whole()
        if whole is not None and self._sparse and sizes.ndim == 1 and self.units is None:
            return _sparse_product(whole, sizes, True)
        return np.concatenate([np.asarray(abs(rows) @ sizes) for _, rows in self._parts()])

    def pull(self, weights: Array, fine: bool = False) -> tuple[Array, Array]:
        """``A' weights`` for ``(n,)`` or ``(n, m)``, and an error bound for each entry.

        ``fine`` sums in extended precision, at O(n d) for sparse rows too.
        """
        unit = 2.0 ** math.floor(math.log2(float(np.abs(weights).max(initial=0.0)) or 1.0))
        sizes: Array = np.zeros((*weights.shape[1:], self.dimension))  # in this unit, so that products do not vanish
        total = np.zeros(sizes.shape, dtype=np.longdouble)
        whole: Any = self._whole()
        if whole is not None and self._sparse and weights.ndim == 1 and not fine:
            _add_sparse_sizes(whole.data, whole.indices, whole.indptr, np.abs(weights / unit), sizes)
            underflow = np.where(sizes > 0.0, self.count * _LEAST, 0.0)
            rounding: Array = underflow + 1.01 * self.sum_length * _UNIT * sizes * unit
            return self.transposed_product(weights), rounding
        for start, rows in self._parts():
            part = weights[start : start + rows.shape[0]].T
            sizes += (abs(rows).T @ np.abs(part.T / unit)).T
            if fine:
                total += part.astype(np.longdouble) @ _dense(rows).astype(np.longdouble)
        error: Array = np.where(sizes > 0.0, self.count * _LEAST, 0.0)
        if fine:
            found: Array = total.astype(np.float64)
            error += 1.01 * ((self.count + 8) * _FINE_UNIT * sizes * unit + _UNIT * np.abs(found))
            return found.T, error.T
        return self.transposed_product(weights), (error + 1.01 * self.sum_length * _UNIT * sizes * unit).T

    def size_pull(self, weights: Array) -> Array:
        """``|A|' weights`` for weights >= 0, summed in the order of `pull`, a few units in the last place too large."""
        total: Array = np.zeros((*weights.shape[1:], self.dimension))
        for start, rows in self._parts():
            total += (abs(rows).T @ weights[start : start + rows.shape[0]]).T
        return 1.01 * total.T

    def gram_in(self, basis: Array, columns: Any, chosen: Any) -> Array:
        """``N' N`` ``(m, m)`` for N the chosen rows, some of their columns only, times a basis ``(columns, m)``."""
        total = np.zeros((basis.shape[1], basis.shape[1]))
        for start, rows in self._parts():
            mask = chosen[start : start + rows.shape[0]]
            if mask.any():
                turned = _dense(rows[mask])[:, columns] @ basis
                total += turned.T @ turned
        return total

    def size_sums(self) -> Array:
        """``sum_i |a_ij|`` of every column j."""
        sums: Array = np.zeros(self.dimension)
        for _, rows in self._parts():
            sums += np.ravel(abs(rows).sum(axis=0))
        return sums

    def square_sums(self, weights: Array) -> Array:
        """``sum_i w_i a_ij^2`` of every column j, the diagonal of `gram`."""
        sums: Array = np.zeros(self.dimension)
        for start, rows in self._parts():
            squares: Any = rows * rows if isinstance(rows, np.ndarray) else rows.multiply(rows)
            sums += np.ravel(squares.T @ weights[start : start + rows.shape[0]])
        return sums if self.units is None else sums * self.units**2

    def largest_entries(self) -> Array:
        """``max_i |a_ij|`` of every column j."""
        largest = np.zeros(self.dimension)
        for _, rows in self._parts():
            one: Any = abs(rows).max(axis=0)
            largest = np.maximum(largest, one if isinstance(one, np.ndarray) else one.toarray().ravel())
        return largest

    def in_units(self, units: Array) -> RowMatrix:
        """The rows times ``diag(units)``, without a copy of them; for powers of two nothing is rounded."""
        scaled = RowMatrix(self._source, self.count, self.dimension, self)
        scaled.units = units
        scaled.row_squares = np.concatenate([squared_lengths(_in_units(rows, units)) for _, rows in self._parts()])
        scaled.length = float(np.sqrt(scaled.row_squares.sum() + self.count * self.dimension * _LEAST))
        return scaled

    @property
    def gram_cost(self) -> float:
        """Multiplications of one `gram`."""
        return self.count * self._stored**2

    def _whole(self) -> Any:
        return self._source if isinstance(self._source, np.ndarray) or _is_sparse(self._source) else None

    def _parts(self) -> Iterator[tuple[int, Any]]:
        """Pieces that may be made dense one at a time."""
        step = max(1, _DENSE_FLOATS // self.dimension)
        for start, rows in self._pieces():
            for at in range(0, rows.shape[0], step):
                yield start + at, rows[at : at + step]

    def _pieces(self, length: int | None = None) -> Iterator[tuple[int, Any]]:
        source: Any = self._source
        if _is_sparse(source):
            yield 0, source
            return
        length = length or self._at_once
        for start in range(0, self.count, length):
            stop = min(start + length, self.count)
            yield start, source[start:stop] if isinstance(source, np.ndarray) else source.block(start, stop).rows


def read_rounds(losses: RowBlock | RowStream, rounds: int | None = None) -> tuple[ScalarLoss, RowMatrix, Array]:
    """The scalar loss, the rows and the targets of the first ``rounds`` rounds of a block or a stream."""
    if isinstance(losses, RowBlock):
        count = len(losses) if rounds is None else rounds
        matrix = RowMatrix(losses.rows, len(losses), losses.rows.shape[1])
        return losses.scalar, matrix.prefix(count), losses.targets[:count]
    count = losses.horizon if rounds is None else rounds
    first = losses.block(0, 1)
    dimension = first.rows.shape[1]
    if may_be_held(losses, count):
        block = losses.block(0, count)
        return block.scalar, RowMatrix(block.rows, count, dimension), block.targets
    step = rows_at_once(dimension, first.sparse)
    targets = np.concatenate([losses.block(at, min(at + step, count)).targets for at in range(0, count, step)])
    return first.scalar, RowMatrix(losses, count, dimension), targets


def _dense(rows: Any) -> Array:
    dense: Array = rows if isinstance(rows, np.ndarray) else rows.toarray()
    return dense


def _in_units(rows: Any, units: Array) -> Any:
    if isinstance(rows, np.ndarray):
        return rows * units
    scaled = rows.copy()
    scaled.data = rows.data * units[rows.indices]
    return scaled


def _is_sparse(source: Any) -> bool:
    return bool(sparse.issparse(source))


def _sparse_product(rows: Any, vector: Array, absolute: bool) -> Array:
    """``A vector`` or ``|A| vector`` of a CSR matrix."""
    out: Array = np.empty(rows.shape[0])
    _write_sparse_product(rows.data, rows.indices, rows.indptr, np.ascontiguousarray(vector), absolute, out)
    return out


@kernel
def _write_sparse_product(
    data: Array, indices: Array, indptr: Array, vector: Array, absolute: bool, out: Array
) -> None:
    for row in range(out.size):
        total = 0.0
        for entry in range(np.uintp(indptr[row]), np.uintp(indptr[row + 1])):
            value = abs(data[entry]) if absolute else data[entry]
            total += value * vector[np.uintp(indices[entry])]
        out[row] = total


@kernel
def _add_sparse_sizes(data: Array, indices: Array, indptr: Array, weights: Array, total: Array) -> None:
    """Add ``|A|' weights`` of a CSR matrix to ``total`` ``(d,)``."""
    for row in range(weights.size):
        for entry in range(np.uintp(indptr[row]), np.uintp(indptr[row + 1])):
            total[np.uintp(indices[entry])] += weights[row] * abs(data[entry])


@kernel
def _add_sparse_product(
    data: Array, indices: Array, indptr: Array, weights: Array, piece: int, partial: Array, total: Array
) -> None:
    """Add ``A' weights`` of a CSR matrix to ``total`` ``(d,)``.

    Every ``piece`` rows are summed in the rows of ``partial`` in turns: a sum that was just written is slow to read.
    """
    ways = partial.shape[0]
    for begin in range(0, weights.size, piece):
        partial[:] = 0.0
        for row in range(begin, min(begin + piece, weights.size)):
            sums = partial[np.uintp(row % ways)]
            for entry in range(np.uintp(indptr[row]), np.uintp(indptr[row + 1])):
                sums[np.uintp(indices[entry])] += weights[row] * data[entry]
        for way in range(ways):
            for column in range(total.size):
                total[column] += partial[way, column]
