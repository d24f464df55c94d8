"""What a block of rounds at full rank does to coordinates, and the rotation of the eigenvectors that follows from it.

The formulas are in `oco.learners._deferred_rotation`. The quotient is off by rounding where the difference of two
eigenvalues is small. Such columns of U are made orthogonal to the others, and where an error is too large for that,
there is no U.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from oco.compile import FLAG, MATRIX, NONE, VECTOR, kernel, part_of_kernel, record, separate_kernel
from oco.lanes import WIDTH, anywhere, first, load, spread, sqrt, store, where
from oco.sketching.passes import add_multiple, clear, combine, move, project, square_norm
from oco.sketching.products import weighted_sums
from oco.types import Array

LENGTH = 15
"""Rounds between two rotations of the eigenvectors: with the point, the sixteen columns of `carry`."""
DOUBT = 512.0
"""A column of U with an entry that may be off by so many units of rounding (1e-13) is made orthogonal to the others."""
LEAST = 0.25
"""Entries of the diagonal follow from the others of their column where their square is at least this."""
WORST = 2.0**22
"""Where an entry may be off by this many (1e-9), the block is played again."""


class Deferring(NamedTuple):
    """Scratch memory for blocks of n rounds in dimension d; nothing in it is carried from block to block.

    ``rows`` are the rows and the point in space, ``carried`` ``(d, n + 1)`` their coordinates, one a column; ``before``
    and ``after`` ``(n, d)`` the gradients' at the start and the end of the block, ``factors`` what the rows were
    multiplied by; ``turned`` is U, ``identity`` that matrix, and ``lines`` are vectors.
    """

    rows: Array
    carried: Array
    before: Array
    after: Array
    turned: Array
    identity: Array
    factors: Array
    lines: Array

    @classmethod
    def empty(cls, dimension: int) -> Deferring:
        """Room for blocks of `LENGTH` rounds."""
        d, n = dimension, LENGTH
        return cls(
            rows=np.zeros((n + 1, d)),
            carried=np.zeros((d, n + 1)),
            before=np.zeros((n, d)),
            after=np.zeros((n, d)),
            turned=np.zeros((d, d)),
            identity=np.eye(d),
            factors=np.zeros(n),
            lines=np.zeros((5, d)),
        )


VALUES, LEFT, RIGHT, DOUBTFUL, REST = range(5)
"""Lines of `Deferring`: eigenvalues at the start; lengths of the columns of Z and Y; which columns of U are doubtful;
what the entries of each beside the diagonal leave of a squared norm of 1."""
DEFERRING = record(Deferring, MATRIX, MATRIX, MATRIX, MATRIX, MATRIX, MATRIX, VECTOR, MATRIX)


@kernel
def column(matrix: Array, index: int, out: Array) -> None:
    """Column ``index`` of a matrix."""
    for j in range(out.size):
        out[j] = matrix[j, index]


@kernel
def add_twelve(sums: Any, weights: Array, at: int, row: Any) -> Any:
    """``sums[i] + weights[at + i] row``."""
    return (
        sums[0] + weights[at] * row,
        sums[1] + weights[at + 1] * row,
        sums[2] + weights[at + 2] * row,
        sums[3] + weights[at + 3] * row,
        sums[4] + weights[at + 4] * row,
        sums[5] + weights[at + 5] * row,
        sums[6] + weights[at + 6] * row,
        sums[7] + weights[at + 7] * row,
        sums[8] + weights[at + 8] * row,
        sums[9] + weights[at + 9] * row,
        sums[10] + weights[at + 10] * row,
        sums[11] + weights[at + 11] * row,
    )


@separate_kernel(NONE(MATRIX, VECTOR, MATRIX, MATRIX))
def carry(vectors: Array, weights: Array, carried: Array, buffer: Array) -> None:
    """``carried <- diag(weights) vectors' carried``, as `rotate` does, for few columns: twelve sums at a time."""
    size = carried.shape[0]
    for j in range(0, carried.shape[1], WIDTH):
        for i in range(0, size, 12):
            at = min(i, size - 12)
            none = spread(0.0)
            sums = (none, none, none, none, none, none, none, none, none, none, none, none)
            for m in range(size):
                sums = add_twelve(sums, vectors[m], at, load(carried[m], j))
            for place in range(12):
                store(buffer[at + place], j, weights[at + place] * sums[place])
    for i in range(size):
        move(buffer[i], carried[i])


@separate_kernel(FLAG(VECTOR, DEFERRING))
def find_turned(values: Array, room: Deferring) -> bool:
    """U into ``room.turned``; False where too much of it would be rounding."""
    lines, before, after, turned = room.lines, room.before, room.after, room.turned
    size, largest = values.size, 0.0
    for i in range(room.factors.size):
        largest = max(largest, math.sqrt(square_norm(after[i])))
    for j in range(0, size, WIDTH):
        left, right = spread(0.0), spread(0.0)
        for i in range(room.factors.size):
            left += load(before[i], j) * load(before[i], j)
            right += load(after[i], j) * load(after[i], j)
        store(lines[LEFT], j, sqrt(left))
        store(lines[RIGHT], j, sqrt(right))
        store(lines[REST], j, spread(1.0))
    clear(lines[DOUBTFUL])
    weighted_sums(before, after, after[:0], 0, turned)
    for i in range(size):
        value, length, row = lines[VALUES, i], lines[LEFT, i], turned[i]
        for j in range(0, size, WIDTH):
            gap = load(values, j) - value
            entry = load(row, j) / gap
            store(row, j, entry)
            error = largest * (length + load(lines[RIGHT], j)) + abs(entry) * (load(values, j) + value)
            if anywhere(first(size - j) & ~(error <= WORST * abs(gap))):
                return False
            others = ~(first(i + 1 - j) & ~first(i - j))
            store(lines[DOUBTFUL], j, where(others & ~(error <= DOUBT * abs(gap)), 1.0, load(lines[DOUBTFUL], j)))
            store(lines[REST], j, load(lines[REST], j) - where(others, entry * entry, 0.0))
    for j in range(size):
        if lines[REST, j] >= LEAST:
            turned[j, j] = math.copysign(math.sqrt(lines[REST, j]), turned[j, j])
    for j in range(size):
        if lines[DOUBTFUL, j] > 0.0 or not lines[REST, j] >= LEAST:
            make_orthogonal(turned, j, room)
    return True


@part_of_kernel
def make_orthogonal(matrix: Array, index: int, room: Deferring) -> None:
    """Make column ``index`` of a square matrix orthogonal to the others, which are orthonormal."""
    vector, along, parts = room.lines[LEFT], room.lines[RIGHT], room.rows[0]
    column(matrix, index, vector)
    clear(along)
    combine(matrix, vector.size, vector, 1.0, along)
    along[index] = 0.0
    project(matrix, vector.size, along, parts)
    add_multiple(parts, -1.0, vector)
    length = math.sqrt(square_norm(vector))
    for i in range(vector.size):
        matrix[i, index] = vector[i] / length
