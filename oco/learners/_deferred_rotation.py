"""Rounds at full rank whose eigenvectors are rotated once for many of them.

With all d eigenvectors kept, a round changes their coordinates only: ``V <- V C`` with an orthogonal C from the secular
equation, a product of order d^3. Over rows that are known ahead, n rounds need no V: the rows and the point are carried
along in the coordinates of the current eigenvectors, ``O(n d^2)`` a round. Afterwards the product U of the n rotations
follows from what it does. With ``Lambda`` and ``M`` the eigenvalues before and after, and Z the gradients, one a row ::

    (Lambda + Z' Z) U = U M,   so   U_ij = (Z_i . Y_j) / (mu_j - lambda_i),   Y = Z U,

where columns of Z and Y hold the gradients' coordinates before and after, which are known. One product ``V U`` is left.

The quotient is off by rounding where the difference of two eigenvalues is small. Such columns of U are made orthogonal
to the others, and where an error is too large for that, the rounds are played again one by one.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from oco.compile import FLAG, MATRIX, NONE, VECTOR, WHOLE, kernel, part_of_kernel, record, separate_kernel
from oco.lanes import WIDTH, anywhere, first, load, spread, sqrt, store, where
from oco.learners._preconditioner import step_in_coordinates, weight_of_round
from oco.learners._records import MOVING, RECIPE, STREAM, Moving, Packed, Recipe, Stream
from oco.learners._sketched_rounds import play_rounds, write_row
from oco.losses.scalar import evaluate
from oco.sketching.numerics import NEGLIGIBLE, OUTGROWN, POLISH_EVERY, VANISHING, ZERO_EIGENVALUE
from oco.sketching.passes import add_multiple, clear, combine, dot, move, project, square_norm
from oco.sketching.products import inner_products, polish, weighted_sums
from oco.sketching.records import COORDINATES, POLES, ROOTS, SCRATCH, SKETCH, STEP, WEIGHTS, Scratch, Sketch, matrix_in
from oco.sketching.secular import rank_one_eigen
from oco.sketching.state import SketchState
from oco.sketching.units import scale_into
from oco.types import Array

LENGTH = 15
"""Rounds between two rotations of the eigenvectors: with the point, the sixteen columns of `carry`."""
SMALLEST = 48
"""In fewer dimensions the rotations are not what a round's time is spent on."""
PATIENCE = 512
"""Most rounds that are played one by one before another block is tried."""
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


def may_defer(sketch: SketchState, recipe: Recipe) -> bool:
    """Whether nothing can escape, d is large enough, and steps are taken from the point."""
    full = sketch.basis.shape[0] == 0 and sketch.capacity == sketch.dimension >= SMALLEST
    return full and recipe.decay == 1.0 and not recipe.averaging


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


@part_of_kernel
def enter(begin: int, stream: Stream, moving: Moving, sketch: Sketch, room: Deferring) -> None:
    """Coordinates of the rows from ``begin`` on, and of the point, along the eigenvectors."""
    count = room.carried.shape[1] - 1
    for i in range(count):
        if stream.dense.shape[0] > 0:
            move(stream.dense[begin + i], room.rows[i])
        else:
            write_row(begin + i, stream, room.rows[i])
    move(moving.point, room.rows[count])
    inner_products(sketch.directions, room.rows, False, room.carried)
    for i in range(count):
        column(room.carried, i, room.before[i])
    move(sketch.values, room.lines[VALUES])
    clear(room.factors)


@kernel
def column(matrix: Array, index: int, out: Array) -> None:
    """Column ``index`` of a matrix."""
    for j in range(out.size):
        out[j] = matrix[j, index]


@separate_kernel(WHOLE(WHOLE, STREAM, SKETCH, RECIPE, SCRATCH, DEFERRING))
def play_carried(begin: int, stream: Stream, sketch: Sketch, recipe: Packed, scratch: Scratch, room: Deferring) -> int:
    """Rounds from ``begin`` on in coordinates; how many were played before one that is for `play_round`."""
    head, values, lines, outcome = sketch.header[0], sketch.values, scratch.lines, stream.outcome
    carried, point, row, size = room.carried, scratch.vector, lines[COORDINATES], values.size
    small = Sketch(sketch.basis, room.identity, sketch.header, values, sketch.known)
    count = room.factors.size
    column(carried, count, point)
    for i in range(count):
        column(carried, i, row)
        at = begin + i
        margin = dot(row, point) + stream.offsets[at]
        loss, slope = evaluate(stream.code, stream.parameter, margin, stream.targets[at])
        outcome[0, at] = margin
        outcome[1, at] = loss
        outcome[2, at] = slope
        weight = weight_of_round(recipe, head.rounds + 1.0)
        factor = slope * weight / head.unit
        square = scale_into(row, row, factor)
        if not (math.isfinite(margin + loss + slope) and square <= OUTGROWN * OUTGROWN):
            return i
        if square > VANISHING * VANISHING:
            move(row, lines[WEIGHTS])
            if square >= NEGLIGIBLE * NEGLIGIBLE * values[0]:
                move(values, lines[POLES])
                vectors = matrix_in(scratch.square, size, size)
                weights, roots = lines[WEIGHTS], lines[ROOTS]
                rank_one_eigen(size, lines[POLES], weights, roots, vectors, weights, scratch.secular)
                if roots[size - 1] <= ZERO_EIGENVALUE * roots[0]:
                    return i
                room.factors[i] = factor
                move(roots, values)
                carry(vectors, weights, carried, matrix_in(scratch.buffer, size, count + 1))
                column(carried, count, point)
            scale = step_in_coordinates(size, weight, point, small, recipe, lines, True)
            for j in range(size):
                point[j] = scale * point[j] + lines[STEP][j]
                carried[j, count] = point[j]
        head.rounds += 1.0
    return count


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


@separate_kernel(WHOLE(WHOLE, STREAM, MOVING, SKETCH, RECIPE, SCRATCH, DEFERRING))
def play_deferred(
    begin: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch, room: Deferring
) -> int:
    """A block of rounds from ``begin`` on; how many were played before one that is for `play_round`.

    0 too, with nothing changed, where the rotation of the eigenvectors would not be exact to rounding.
    """
    head, values, directions, count = sketch.header[0], sketch.values, sketch.directions, room.factors.size
    rounds, anchor_square = head.rounds, head.anchor_square
    enter(begin, stream, moving, sketch, room)
    played = play_carried(begin, stream, sketch, recipe, scratch, room)
    for i in range(count):
        column(room.carried, i, room.after[i])
        for j in range(values.size):
            room.before[i, j] *= room.factors[i]
            room.after[i, j] *= room.factors[i]
    if not find_turned(values, room):
        move(room.lines[VALUES], values)
        head.rounds, head.anchor_square = rounds, anchor_square
        return 0
    rotated = matrix_in(scratch.buffer, values.size, values.size)
    weighted_sums(room.turned, directions, directions[:0], 0, rotated)
    for i in range(values.size):
        move(rotated[i], directions[i])
    compressions = head.compressions
    head.compressions += played
    if head.compressions // POLISH_EVERY > compressions // POLISH_EVERY:
        polish(directions, values.size, matrix_in(scratch.square, values.size, values.size), scratch.buffer)
    clear(moving.point)
    combine(directions, values.size, scratch.vector, 1.0, moving.point)
    return played


@kernel
def play_deferring(
    begin: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch, room: Deferring
) -> int:
    """The rounds of a stream of rows from ``begin`` on; the first that could not be played, else -1."""
    head, size, rounds = sketch.header[0], sketch.values.size, stream.targets.size
    at, patience = begin, LENGTH
    while at < rounds:
        if int(head.rank) == size and at + LENGTH <= rounds:
            played = play_deferred(at, stream, moving, sketch, recipe, scratch, room)
            at += played
            if played > 0:
                patience = LENGTH
                continue
        until = min(at + max(patience, size - int(head.rank)), rounds)
        patience = min(2 * patience, PATIENCE)
        stopped = play_rounds(at, until, stream, room.lines[LEFT], moving, sketch, recipe, scratch)
        if stopped >= 0:
            return stopped
        at = until
    return -1
