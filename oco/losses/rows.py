"""Generalized linear losses: ``f_t(x) = phi(<a_t, x>, y_t)``, one at a time and as blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from scipy import sparse

from oco.compile import kernel
from oco.losses.base import Loss
from oco.losses.margin import ScalarLoss
from oco.memory import process_memory
from oco.types import Array

Rows: TypeAlias = "Array | sparse.csr_array"
"""Feature rows ``(n, d)``: a dense C-contiguous array or a CSR array."""

HELD_SHARE = 0.125
"""Rows of a stream that take up to this part of the memory are read once by what needs them again and again; larger
ones in every pass."""
PIECE_ROWS, PIECE_FLOATS = 4096, 2**21
"""Most rows, and of dense ones most floats, that are read at once from a stream that may be larger than memory."""


class Blocks(Protocol):
    """Rounds that are known ahead and read in blocks, again in every pass."""

    def block(self, start: int, stop: int) -> RowBlock:
        """Rounds ``start`` to ``stop - 1``."""


class RowLoss(Loss):
    """``f(x) = phi(<row, x>, target)`` for one dense row ``(d,)``; gradient ``phi'(<row, x>, target) row``."""

    def __init__(self, scalar: ScalarLoss, row: Array, target: float) -> None:
        self.scalar = scalar
        self.row = row
        self.target = float(target)

    def value(self, point: Array) -> float:
        """``phi(<row, point>, target)``."""
        return self.scalar.at(float(self.row @ point), self.target)[0]

    def gradient(self, point: Array) -> Array:
        """``phi'(<row, point>, target) row``."""
        gradient: Array = self.scalar.at(float(self.row @ point), self.target)[1] * self.row
        return gradient


@dataclass(frozen=True)
class RowBlock:
    """Consecutive rounds ``start, start + 1, ...`` of a stream of generalized linear losses, known ahead.

    Attributes
    ----------
    scalar
        The loss phi of the margin.
    rows
        ``(n, d)`` dense C-contiguous float64, or CSR with sorted indices: row i is round ``start + i``.
    targets
        ``(n,)`` float64.
    """

    scalar: ScalarLoss
    rows: Rows
    targets: Array

    def __len__(self) -> int:
        """Number of rounds in the block."""
        return int(self.targets.size)

    @property
    def sparse(self) -> bool:
        """Whether the rows are CSR."""
        return not isinstance(self.rows, np.ndarray)


@dataclass
class BlockOutcome:
    """What happened in the rounds of a block.

    Attributes
    ----------
    margins, losses, slopes
        ``(n,)`` each: ``<a_t, x_t>``, ``phi`` and ``phi'`` there; the gradient of a round is its slope times its row.
    form
        Which form of the algorithm ran ("block-ahead", "online", ...), for the record.
    stopped
        Index in the block of the first round whose loss or slope was not finite, before which the state was left; -1
        where all rounds were played.
    """

    margins: Array
    losses: Array
    slopes: Array
    form: str
    stopped: int = -1


def rows_at_once(dimension: int, sparse: bool) -> int:
    """How many rows to read from a stream at once."""
    return PIECE_ROWS if sparse else max(1, min(PIECE_ROWS, PIECE_FLOATS // dimension))


def may_be_held(stream: Blocks, count: int) -> bool:
    """Whether the first ``count`` rows of a stream, as its first ones are, take at most `HELD_SHARE` of the memory."""
    largest = HELD_SHARE / 8.0 * process_memory()
    first: Any = stream.block(0, 1)
    if first.sparse:
        first = stream.block(0, min(count, PIECE_ROWS))
        return bool(1.5 * first.rows.nnz / len(first) * count <= largest)
    return bool(count * first.rows.shape[1] <= largest)


def dense_row(rows: Rows, index: int) -> Array:
    """Row ``index`` as a dense vector."""
    if isinstance(rows, np.ndarray):
        whole: Array = rows[index]
        return whole
    anyrows: Any = rows
    row = np.zeros(rows.shape[1])
    begin, end = anyrows.indptr[index], anyrows.indptr[index + 1]
    row[anyrows.indices[begin:end]] = anyrows.data[begin:end]
    return row


def squared_lengths(rows: Rows) -> Array:
    """``|a_i|_2^2`` of every row."""
    if isinstance(rows, np.ndarray):
        lengths: Array = np.einsum("ij,ij->i", rows, rows)
        return lengths
    compressed: Any = rows
    squares: Array = np.empty(rows.shape[0])
    _sparse_squared_lengths(compressed.data, compressed.indptr, squares)
    return squares


@kernel
def _sparse_squared_lengths(data: Array, indptr: Array, squares: Array) -> None:
    for row in range(squares.size):
        square = 0.0
        for entry in range(indptr[row], indptr[row + 1]):
            square += data[entry] * data[entry]
        squares[row] = square
