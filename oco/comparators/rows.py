"""The rows of a sum of generalized linear losses, as the linear operator that solvers and certificates need."""

from __future__ import annotations

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


class RowStream(Blocks, Protocol):
    """Rounds that are known ahead: anything with a length and consecutive blocks of rows."""

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
        self.length = float(np.sqrt(self.row_squares.sum()))

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
        if whole is not None:
            return np.asarray(whole @ point)
        return np.concatenate([np.asarray(rows @ point) for _, rows in self._pieces()])

    def transposed_product(self, weights: Array) -> Array:
        """``A' weights``: ``(d,)`` for ``(n,)``, ``(d, m)`` for ``(n, m)``; summed in pieces, see `sum_length`."""
        total: Array = np.zeros((*weights.shape[1:], self.dimension))
        partial: Array = np.empty(self.dimension)
        for start, rows in self._pieces(self._summed):
            piece = weights[start : start + rows.shape[0]].T
            if isinstance(rows, np.ndarray):
                total += piece @ rows
            else:
                for some, sums in zip(np.atleast_2d(piece), np.atleast_2d(total), strict=True):
                    one = np.ascontiguousarray(some)
                    _add_sparse_product(rows.data, rows.indices, rows.indptr, one, self._summed, partial, sums)
        return total.T

    @property
    def sum_length(self) -> int:
        """Most roundings that any entry of a product goes through; pieces make it far smaller than n."""
        return self._summed + self.count // self._summed + self.dimension + 8

    def gram(self, weights: Array) -> Array:
        """``A' diag(weights) A`` ``(d, d)`` with weights >= 0; rows of weight zero cost nothing."""
        total: Array = np.zeros((self.dimension, self.dimension), order="F")
        for start, rows in self._pieces():
            add_gram(total, rows, weights[start : start + rows.shape[0]])
        return symmetric(total)

    @property
    def gram_cost(self) -> float:
        """Multiplications of one `gram`."""
        return self.count * self._stored**2

    def _whole(self) -> Any:
        return self._source if isinstance(self._source, np.ndarray) or _is_sparse(self._source) else None

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


def _is_sparse(source: Any) -> bool:
    return bool(sparse.issparse(source))


@kernel
def _add_sparse_product(
    data: Array, indices: Array, indptr: Array, weights: Array, piece: int, partial: Array, total: Array
) -> None:
    """Add ``A' weights`` of a CSR matrix to ``total`` ``(d,)``; every ``piece`` rows are summed in ``partial``."""
    for begin in range(0, weights.size, piece):
        partial[:] = 0.0
        for row in range(begin, min(begin + piece, weights.size)):
            for entry in range(indptr[row], indptr[row + 1]):
                partial[indices[entry]] += weights[row] * data[entry]
        for column in range(total.size):
            total[column] += partial[column]
