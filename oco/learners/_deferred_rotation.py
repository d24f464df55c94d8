"""Rounds at full rank whose eigenvectors are rotated once for many of them.

With all d eigenvectors kept, a round changes their coordinates only: ``V <- V C`` with an orthogonal C from the secular
equation, a product of order d^3. Over rows that are known ahead, n rounds need no V: the rows and the point are carried
along in the coordinates of the current eigenvectors, ``O(n d^2)`` a round. Afterwards the product U of the n rotations
follows from what it does. With ``Lambda`` and ``M`` the eigenvalues before and after, and Z the gradients, one a row ::

    (Lambda + Z' Z) U = U M,   so   U_ij = (Z_i . Y_j) / (mu_j - lambda_i),   Y = Z U,

where columns of Z and Y hold the gradients' coordinates before and after, which are known. One product ``V U`` is left.

Where rounding would show in the quotient, the rounds are played again one by one (`oco.learners._block_rotation`).
"""

from __future__ import annotations

import math

from oco.compile import WHOLE, kernel, part_of_kernel, separate_kernel
from oco.learners._block_rotation import DEFERRING, LEFT, LENGTH, VALUES, Deferring, carry, column, find_turned
from oco.learners._preconditioner import step_in_coordinates, weight_of_round
from oco.learners._records import MOVING, RECIPE, STREAM, Moving, Packed, Recipe, Stream
from oco.learners._sketched_rounds import play_rounds, write_row
from oco.losses.scalar import evaluate
from oco.sketching.numerics import NEGLIGIBLE, OUTGROWN, POLISH_EVERY, VANISHING, ZERO_EIGENVALUE
from oco.sketching.passes import clear, combine, dot, move
from oco.sketching.products import inner_products, polish, weighted_sums
from oco.sketching.records import COORDINATES, POLES, ROOTS, SCRATCH, SKETCH, STEP, WEIGHTS, Scratch, Sketch, matrix_in
from oco.sketching.secular import rank_one_eigen
from oco.sketching.state import SketchState
from oco.sketching.units import scale_into

SMALLEST = 48
"""In fewer dimensions the rotations are not what a round's time is spent on."""
PATIENCE = 512
"""Most rounds that are played one by one before another block is tried."""


def may_defer(sketch: SketchState, recipe: Recipe) -> bool:
    """Whether nothing can escape, d is large enough, and steps are taken from the point."""
    full = sketch.basis.shape[0] == 0 and sketch.capacity == sketch.dimension >= SMALLEST
    return full and recipe.decay == 1.0 and not recipe.averaging


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
