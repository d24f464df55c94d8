"""What the kernels of sketched learners take: the learner's recipe, the vectors that move, and a stream of rows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oco.compile import INDICES, MATRIX, REAL, VECTOR, WHOLE, record, rows_of
from oco.learners._common import writable
from oco.losses.rows import BlockOutcome, RowBlock
from oco.types import Array


class Recipe(NamedTuple):
    """What makes a learner of the family in `oco.learners._preconditioner`; by default it is FD-AdaGrad.

    Attributes
    ----------
    rate
        eta, by which steps are multiplied.
    root
        Whether ``Gbar + alpha I`` is taken to the power 1/2, else 1.
    outer, inner, compensation
        ``H = outer I + (Gbar + alpha I)^power`` with ``alpha = inner + compensation rho``.
    averaging
        Whether steps are taken from the sum of all gradients (dual averaging) rather than from the point.
    curvature, weight_scale, weight_exponent
        Gradients are multiplied by ``sqrt(curvature + weight_scale t^-weight_exponent)`` before they are sketched.
    decay
        Weight of the past in every update of the sketch.
    keep
        Directions that a shrink leaves; 0 for all but the last one.
    tolerance
        A shrink happens only where it raises the trace of H by at most this factor less 1; negative: always.
    projection
        Added to H^2 in the norm of the projection.
    radius
        Of the ball around the start that is projected on; infinite for none.
    """

    rate: float
    root: bool = True
    outer: float = 0.0
    inner: float = 0.0
    compensation: float = 1.0
    averaging: bool = False
    curvature: float = 1.0
    weight_scale: float = 0.0
    weight_exponent: float = 0.0
    decay: float = 1.0
    keep: int = 0
    tolerance: float = -1.0
    projection: float = 0.0
    radius: float = math.inf

    def packed(self) -> Packed:
        """The recipe as kernels take it: an array of one record, which costs nothing to pass."""
        return np.array([tuple(self)], dtype=_FIELDS)


_KINDS = dict.fromkeys(Recipe._fields, np.float64) | {"root": np.bool_, "averaging": np.bool_, "keep": np.int64}
_FIELDS = np.dtype((np.record, np.dtype(list(_KINDS.items()), align=True)))
RECIPE = rows_of(_FIELDS)

Packed: TypeAlias = NDArray[np.record]
"""A `Recipe` in an array: kernels read ``recipe[0].rate`` and so on."""


class Moving(NamedTuple):
    """The vectors that a round moves, both measured from the center of the ball.

    ``anchor`` is what steps are taken from: ``point`` itself, or the sum of all gradients of a learner that averages.
    """

    point: Array
    anchor: Array


MOVING = record(Moving, VECTOR, VECTOR)

_NO_ROWS = np.zeros((0, 0))
_NO_DATA = np.zeros(0)
_NO_INDICES = np.zeros(0, dtype=np.int32)


class Stream(NamedTuple):
    """A `RowBlock` as kernels take it: dense rows or the three arrays of CSR, the others empty; and the loss.

    ``outcome`` ``(3, n)`` takes margins, losses and slopes.
    """

    dense: Array
    data: Array
    indices: np.ndarray[Any, Any]
    indptr: np.ndarray[Any, Any]
    targets: Array
    offsets: Array
    outcome: Array
    code: int
    parameter: float

    @classmethod
    def of(cls, block: RowBlock, center: Array | None) -> Stream:
        """Views of ``block``; ``center`` is what the learner's point is measured from, None for the origin."""
        rows: Any = block.rows
        dense, data, indices, indptr = _NO_ROWS, _NO_DATA, _NO_INDICES, _NO_INDICES
        if isinstance(rows, np.ndarray):
            dense = writable(np.ascontiguousarray(rows, dtype=np.float64))
        else:
            data = writable(np.ascontiguousarray(rows.data, dtype=np.float64))
            indices = writable(np.ascontiguousarray(rows.indices, dtype=np.int32))
            indptr = writable(np.ascontiguousarray(rows.indptr, dtype=np.int32))
        return cls(
            dense,
            data,
            indices,
            indptr,
            targets=writable(np.ascontiguousarray(block.targets, dtype=np.float64)),
            offsets=np.zeros(len(block)) if center is None else np.asarray(rows @ center),
            outcome=np.empty((3, len(block))),
            code=block.scalar.code,
            parameter=float(block.scalar.parameter),
        )

    def gradient_at(self, index: int, dimension: int) -> Array:
        """The gradient of round ``index``, which was played."""
        gradient: Array = np.zeros(dimension)
        if self.dense.shape[0]:
            gradient[:] = self.dense[index]
        else:
            places = slice(self.indptr[index], self.indptr[index + 1])
            gradient[self.indices[places]] = self.data[places]
        gradient *= self.outcome[2, index]
        return gradient

    def finite_at(self, index: int) -> bool:
        """Whether the loss, the slope and the gradient of round ``index`` are finite."""
        row = self.dense[index] if self.dense.shape[0] else self.data[self.indptr[index] : self.indptr[index + 1]]
        return bool(np.isfinite(self.outcome[:, index]).all() and np.isfinite(self.outcome[2, index] * row).all())

    def played(self, form: str, stopped: int) -> BlockOutcome:
        """What the kernels wrote, as the game wants it."""
        margins, losses, slopes = self.outcome
        return BlockOutcome(margins, losses, slopes, form, stopped)


STREAM = record(Stream, MATRIX, VECTOR, INDICES, INDICES, VECTOR, VECTOR, MATRIX, WHOLE, REAL)
