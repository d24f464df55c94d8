"""What learners with compiled rounds share: gradients and blocks of rows as kernels take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oco.errors import NumericsError, ProtocolError
from oco.learners.base import Learner
from oco.losses.rows import BlockOutcome, RowBlock
from oco.types import Array, Shape

_FLOAT64 = np.dtype(np.float64)


def flat_gradient(gradient: Any, shape: Shape) -> Array:
    """The gradient as a contiguous float64 vector; `ProtocolError` where it has another shape than the decision."""
    if (
        type(gradient) is not np.ndarray
        or gradient.dtype is not _FLOAT64  # there is one object for it; to compare with a type takes ten times as long
        or gradient.shape != shape
        or not gradient.flags.carray
    ):
        try:
            gradient = writable(np.ascontiguousarray(gradient, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ProtocolError(f"the gradient must be an array of numbers of shape {shape}: {error}") from None
        if gradient.shape != shape:
            raise ProtocolError(f"the gradient must have shape {shape} like the decision, got {gradient.shape}")
    flat: Array = gradient if len(shape) == 1 else gradient.ravel()
    return flat


class _Memory:
    """A buffer that reports itself as writable."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.__array_interface__["data"][0], False)}


def writable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A view of ``array`` that is marked writable, for kernels that only read it.

    Numba compiles a kernel again for read-only arrays, such as rows that are mapped from a file.
    """
    return array if array.flags.writeable or array.size == 0 else np.asarray(_Memory(array))


_NO_ROWS = np.zeros((0, 0))
_NO_DATA = np.zeros(0)
_NO_INDICES = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True)
class BlockArrays:
    """The arrays of a `RowBlock` as kernels take them: dense rows or the three arrays of CSR, the others empty."""

    dense: Array
    data: Array
    indices: np.ndarray[Any, Any]
    indptr: np.ndarray[Any, Any]
    targets: Array
    offsets: Array
    outcome: Array

    @classmethod
    def of(cls, block: RowBlock, center: Array | None) -> BlockArrays:
        """Views of ``block``; ``center`` is what the learner's point is measured from, None for the origin."""
        rows: Any = block.rows
        offsets = np.zeros(len(block)) if center is None else np.asarray(rows @ center)
        outcome = np.empty((3, len(block)))
        targets = writable(np.ascontiguousarray(block.targets, dtype=np.float64))
        if isinstance(rows, np.ndarray):
            dense = writable(np.ascontiguousarray(rows, dtype=np.float64))
            return cls(dense, _NO_DATA, _NO_INDICES, _NO_INDICES, targets, offsets, outcome)
        data = writable(np.ascontiguousarray(rows.data, dtype=np.float64))
        indices, indptr = (writable(np.ascontiguousarray(part, dtype=np.int32)) for part in (rows.indices, rows.indptr))
        return cls(_NO_ROWS, data, indices, indptr, targets, offsets, outcome)

    def finite_at(self, index: int) -> bool:
        """Whether the loss, the slope and the gradient of round ``index`` are finite."""
        row = self.dense[index] if self.dense.shape[0] else self.data[self.indptr[index] : self.indptr[index + 1]]
        return bool(np.isfinite(self.outcome[:, index]).all() and np.isfinite(self.outcome[2, index] * row).all())

    def outcome_of(self, form: str, stopped: int) -> BlockOutcome:
        """What the kernels wrote, as the game wants it."""
        margins, losses, slopes = self.outcome
        return BlockOutcome(margins, losses, slopes, form, stopped)


def refuse(learner: Learner, round_index: int, gradient: Array) -> NumericsError:
    """The error for a gradient that kernels cannot take."""
    place = int(np.flatnonzero(~np.isfinite(gradient))[0]) if not np.all(np.isfinite(gradient)) else -1
    where = f"entry {place} is {gradient[place]}" if place >= 0 else "its length or its weight overflows"
    return NumericsError(
        f"round {round_index}: {learner!r} was shown a gradient that is not finite ({where}); its state is unchanged"
    )
