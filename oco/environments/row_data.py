"""Validation of rows, their norms, and the constants of the losses that follow."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.errors import DataError
from oco.losses.rows import PIECE_FLOATS, Rows, rows_at_once, squared_lengths
from oco.losses.scalar import ScalarLoss
from oco.numbers import canonical_csr, real_numbers
from oco.types import Array

ROUNDING = 1.0 + 1e-12
"""Relative slack of a stated constant, so that rounding of a gradient's norm does not violate it."""


@runtime_checkable
class RowSource(Protocol):
    """Rows that need not be in memory; ``block(start, stop)`` returns rows and targets in the order of the file."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""

    @property
    def dimension(self) -> int:
        """Number of features."""

    def block(self, start: int, stop: int) -> tuple[Rows, Array]:
        """Rows ``start`` to ``stop - 1`` and their targets."""


def sound_rows(rows: Any) -> Any:
    """``rows`` as a numeric matrix without NaN, dense or CSR with sorted indices; copied only if necessary.

    The dtype is kept, so that a memory map of bytes stays a memory map.
    """
    if scipy.sparse.issparse(rows):
        matrix: Any = canonical_csr(rows, "rows")
        numbers = matrix.data
    else:
        matrix = numbers = real_numbers(rows, "rows")
    if matrix.ndim != 2 or min(matrix.shape) < 1:
        raise DataError(f"rows must be a matrix with at least one row and one column, got shape {matrix.shape}")
    step = rows_at_once(matrix.shape[1], sparse=False) if matrix is numbers else PIECE_FLOATS
    for start in range(0, numbers.shape[0], step):
        _refuse_not_finite("rows", numbers[start : start + step])
    return matrix


def sound_targets(loss: ScalarLoss, targets: Any, n_rows: int) -> Array:
    """``targets`` as ``(n,)`` floats, checked to be -1 or +1 if ``loss`` is for classes; zeros if it has no targets."""
    if targets is None:
        if loss.takes_target:
            raise DataError(f"the {loss.name} loss needs targets: give one for each of the {n_rows} rows")
        return np.zeros(n_rows)
    numbers = np.ascontiguousarray(real_numbers(targets, "targets"), dtype=np.float64)
    if numbers.shape != (n_rows,):
        raise DataError(f"targets must have shape ({n_rows},), one for each row, got {numbers.shape}")
    _refuse_not_finite("targets", numbers)
    if loss.binary and not np.isin(numbers, (-1.0, 1.0)).all():
        found = ", ".join(f"{value:g}" for value in np.unique(numbers)[:5])
        raise DataError(
            f"the {loss.name} loss needs targets -1 and +1, got {found}; load with labels='binary', or with "
            "labels=('one-vs-rest', c) for one class c of several"
        )
    return numbers


def float_rows(rows: Any) -> Rows:
    """A block of rows in the form that kernels expect: float64, C-contiguous or CSR."""
    if not isinstance(rows, np.ndarray):
        block: Rows = rows if rows.dtype == np.float64 else rows.astype(np.float64)
        return block
    return np.ascontiguousarray(rows, dtype=np.float64)


def stacked(blocks: list[Rows]) -> Any:
    """Blocks of rows, all dense or all CSR, stacked vertically."""
    some: Any = blocks
    if len(blocks) == 1:
        return some[0]
    if isinstance(blocks[0], np.ndarray):
        return np.vstack(some)
    stack: Any = scipy.sparse.vstack
    return stack(some, "csr")


def row_lengths(rows: Rows) -> Array:
    """``|a_i|_2`` of every row, ``(n,)``."""
    lengths: Array = np.sqrt(squared_lengths(rows))
    return lengths


def largest_entries(rows: Rows) -> Array:
    """``max_j |a_ij|`` of every row, ``(n,)``."""
    matrix: Any = rows
    sizes = abs(matrix).max(axis=1)
    return np.asarray(sizes if isinstance(sizes, np.ndarray) else sizes.toarray()).ravel()


def largest_entry(rows: Rows) -> float:
    """``max_ij |a_ij|``."""
    matrix: Any = rows
    return max(float(matrix.max()), -float(matrix.min()))


def unit_rows(rows: Array) -> Array:
    """Dense rows scaled to length 1."""
    units: Array = rows / row_lengths(rows)[:, None]
    return units


def largest_gradient(
    loss: ScalarLoss, lengths: Array, targets: Array, radius: float, sizes: Array | None = None
) -> float:
    """Largest ``|phi'(<a, x>, y)| |a|_2`` over the rows and all ``|x|_2 <= radius``; infinite if there is none.

    ``sizes`` are the rows' norms if the bound is wanted in another norm.
    """
    sizes = lengths if sizes is None else sizes
    longest = float(sizes.max())
    if longest == 0.0:
        return 0.0
    if not np.isfinite(radius):
        return loss.lipschitz * longest * ROUNDING
    rows = sizes > 0.0
    slopes = loss.largest_slopes(radius * lengths[rows], targets[rows])
    return float(np.max(slopes * sizes[rows])) * ROUNDING


def exp_concavity(loss: ScalarLoss, lengths: Array, targets: Array, radius: float) -> float:
    """Largest alpha with ``phi'' >= alpha phi'^2`` at all margins ``|p| <= radius |a|``; 0 if there is none."""
    reach = radius * lengths if np.isfinite(radius) else np.full_like(lengths, np.inf)
    return loss.exp_concavity(reach, targets)


def _refuse_not_finite(what: str, numbers: Any) -> None:
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise DataError(f"{what} must be finite numbers, got NaN or infinity")
