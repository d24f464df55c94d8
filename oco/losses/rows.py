"""Generalized linear losses: ``f_t(x) = phi(<a_t, x>, y_t)``, one at a time and as blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.compile import kernel
from oco.losses.base import Loss
from oco.losses.margin import ScalarLoss
from oco.memory import process_memory
from oco.types import Array

Rows: TypeAlias = "Array | scipy.sparse.csr_array"
"""Feature rows ``(n, d)``: a dense C-contiguous array or a CSR array."""

HELD_SHARE = 0.125
"""Solvers hold the rows of a stream in memory if they take at most this share of it, and otherwise read them again in
every pass."""
PIECE_ROWS, PIECE_FLOATS = 4096, 2**21
"""Most rows, and for dense rows most floats, read at once from a stream that may be larger than memory."""


class Blocks(Protocol):
    """Rounds that are known in advance and read in blocks, once per pass."""

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

    def prox(self, point: Array, step: float) -> Array:
        """The x that minimizes ``f(x) + |x - point|^2 / (2 step)``: ``point`` less a multiple of the row."""
        weight = step * float(self.row @ self.row)
        slope = self.scalar.proximal_slope(float(self.row @ point), self.target, weight)
        moved: Array = point - step * (slope * self.row)
        return moved


@dataclass(frozen=True)
class RowBlock:
    """Consecutive rounds ``start, start + 1, ...`` of a stream of generalized linear losses, known in advance.

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
    """The result of playing the rounds of a block.

    Attributes
    ----------
    margins, losses, slopes
        ``(n,)`` each: ``<a_t, x_t>``, ``phi`` and ``phi'`` there; the gradient of a round is its slope times its row.
    form
        Which form of the algorithm ran ("block-ahead", "online", ...), for the record.
    stopped
        Index in the block of the first round whose loss or slope was not finite; the state is that before this round.
        -1 if all rounds were played.
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
    """Whether ``count`` rows take at most `HELD_SHARE` of the memory, judging by the stream's first rows."""
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
