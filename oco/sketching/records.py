"""A sketch and its scratch memory as the kernels take them: named tuples of arrays."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oco.compile import MATRIX, VECTOR, record, rows_of, view_kernel
from oco.sketching.passes import CHUNK
from oco.sketching.secular import FOURS
from oco.sketching.secular import ROWS as SECULAR_ROWS
from oco.types import Array

HEADER = np.dtype(
    (
        np.record,
        [
            ("rank", np.float64),  # directions that are kept now
            ("used", np.float64),  # rows of the basis in use
            ("escaped", np.float64),  # escaped mass, in units squared
            ("unit", np.float64),  # a power of two, 0 before the first gradient
            ("rounds", np.float64),
            ("compressions", np.float64),
            ("anchor_square", np.float64),  # squared norm of a learner's anchor
            ("escaped_roots", np.float64),  # sum of the square roots of what escaped, in units
        ],
    )
)
"""The first numbers of a sketch, by name. All are floats, so that a sketch's numbers are one plain array."""

HEADER_SIZE = HEADER.itemsize // 8

Header: TypeAlias = NDArray[np.record]


class Sketch(NamedTuple):
    """The arrays of a `SketchState`, its numbers as three views of them.

    ``header`` is an array of one `HEADER`, ``values`` are the eigenvalues in units squared, ``(k,)``, and ``known`` the
    coordinates of a learner's anchor in the basis, empty where there is no basis or no learner that needs them.
    """

    basis: Array
    directions: Array
    header: Header
    values: Array
    known: Array


SKETCH = record(Sketch, MATRIX, MATRIX, rows_of(HEADER), VECTOR, VECTOR)

COORDINATES, STEP, PRODUCTS, POLES, ROOTS, WEIGHTS, METRIC, SQUARES, MADE, LINES = range(10)
"""Lines of the scratch memory; ``LINES`` is their number."""


class Scratch(NamedTuple):
    """Scratch memory of the kernels; nothing in it is carried from round to round.

    ``lines`` are vectors of coordinates, ``secular`` is for the secular equation, ``square`` has room for a matrix
    ``(k + 1, k + 1)``, ``buffer`` for the outcome of a matrix product, and ``vector`` is of length d.
    """

    lines: Array
    secular: Array
    square: Array
    buffer: Array
    vector: Array

    @classmethod
    def empty(cls, rows: int, size: int, dimension: int) -> Scratch:
        """Scratch for ``directions`` ``(rows, size)`` in dimension d."""
        return cls(
            lines=np.zeros((LINES, size)),
            secular=np.zeros((SECULAR_ROWS, rows + FOURS)),
            square=np.zeros(rows * rows),
            buffer=np.zeros(rows * max(size, min(CHUNK, dimension))),
            vector=np.zeros(dimension),
        )


SCRATCH = record(Scratch, MATRIX, MATRIX, VECTOR, VECTOR, VECTOR)


@view_kernel
def matrix_in(room: Array, rows: int, columns: int) -> Array:
    """A matrix ``(rows, columns)`` at the beginning of ``room``."""
    return room[: rows * columns].reshape((rows, columns))
