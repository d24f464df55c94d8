"""Many rounds over rows that are known ahead, wholly in small coordinates.

Every gradient of a generalized linear loss is a multiple of its row. So the next n rows and the sketch's eigenvectors
span all that the next n rounds need: margins, gradients, the sketch and the point are played in the coordinates of
`oco.learners._block_coordinates`, and written back after n rounds with one matrix product.

Forming a Gram matrix squares the condition number: a row whose pivot is too small is played by `play_round` instead,
and so is every row while the preconditioner is a pseudo-inverse, or nearly one: there a residual of rounding size
decides whether a direction is new, and a step along it is long.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oco.compile import FLAG, MATRIX, VECTOR, WHOLE, kernel, part_of_kernel, record, separate_kernel, several
from oco.learners._block_coordinates import coordinates_of, factorize, gram, in_rows, write_back
from oco.learners._preconditioner import absorb_by, step_in_coordinates, weight_of_round
from oco.learners._records import MOVING, RECIPE, STREAM, Moving, Packed, Stream
from oco.learners._sketched_rounds import play_rounds
from oco.losses.scalar import evaluate
from oco.sketching.basis import compress, set_identity
from oco.sketching.numerics import OUTGROWN, POLISH_EVERY, VANISHING
from oco.sketching.passes import CHUNK, clear, dot, move, project, square_norm
from oco.sketching.products import polish
from oco.sketching.records import COORDINATES, SCRATCH, SKETCH, STEP, Scratch, Sketch, matrix_in
from oco.sketching.sparse_rows import ROWS_AT_ONCE
from oco.sketching.units import fade, scale_into, set_unit
from oco.types import Array

SINGULAR = 1e-10
"""A multiple alpha of I that is below this part of the largest eigenvalue does not bound the inverse: see above."""


class Room(NamedTuple):
    """Scratch memory for blocks of up to ``n`` rows beside ``k`` directions; nothing in it is carried over.

    ``row`` is for rows of a CSR matrix that are written out, ``directions`` and ``scratch`` are for the sketch in small
    coordinates, ``coordinates`` are four vectors of them, and the others have room for matrices, flat.
    """

    row: Array
    directions: Array
    scratch: Scratch
    coordinates: Array
    inner: Array
    spare: Array
    written: Array
    cross: Array
    weights: Array
    buffer: Array

    @classmethod
    def empty(cls, rank: int, length: int, dimension: int) -> Room:
        """Room for blocks of ``length`` rows; a length of 0 is for rounds that are played one by one."""
        size = rank + length
        if length == 0:
            none = np.zeros(0)
            scratch = Scratch.empty(0, 0, 0)
            return cls(np.zeros(dimension), np.zeros((0, 0)), scratch, np.zeros((4, 0)), *(none,) * 6)
        return cls(
            row=np.zeros(ROWS_AT_ONCE * dimension),
            directions=np.zeros((rank + 1, size)),
            scratch=Scratch.empty(rank + 1, size, 0),
            coordinates=np.zeros((4, size)),
            inner=np.zeros(length * length),
            spare=np.zeros(length * length),
            written=np.zeros(length * size),
            cross=np.zeros(length * rank),
            weights=np.zeros((rank + 2) * size),
            buffer=np.zeros((rank + 2) * max(min(CHUNK, dimension), rank)),
        )


ROOM = record(Room, VECTOR, MATRIX, SCRATCH, MATRIX, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR)


class Block(NamedTuple):
    """The coordinates of a block's rows, one a row, the norms squared of the rows, and the coordinates that move.

    ``now`` are those of the anchor, and ``at`` those of the point, which are the same unless gradients are summed.
    """

    written: Array
    norms: Array
    now: Array
    at: Array


@part_of_kernel
def play_in_coordinates(
    begin: int, count: int, stream: Stream, block: Block, small: Sketch, recipe: Packed, scratch: Scratch
) -> tuple[int, bool, float, bool]:
    """The rounds of a block: how many were played, whether the next cannot be, the anchor's factor, whether it moved.

    ``small`` is the sketch with its directions in small coordinates.
    """
    head, outcome = small.header[0], stream.outcome
    vector, step, now, at = scratch.lines[COORDINATES], scratch.lines[STEP], block.now, block.at
    rank = int(head.rank)
    played, scale, moved = 0, 1.0, False
    for i in range(begin, begin + count):
        row, norm = block.written[i - begin], block.norms[i - begin]
        margin = dot(row, at) + stream.offsets[i]
        loss, slope = evaluate(stream.code, stream.parameter, margin, stream.targets[i])
        outcome[0, i] = margin
        outcome[1, i] = loss
        outcome[2, i] = slope
        length = abs(slope) * np.sqrt(norm)
        if not np.isfinite(margin + loss + slope + length):
            return played, True, scale, moved
        weight = weight_of_round(recipe, head.rounds + 1.0)
        if weight * length <= VANISHING * head.unit:
            fade(small, recipe[0].decay)
        else:
            if not weight * length <= OUTGROWN * head.unit:
                set_unit(weight * length, small)
            scale_into(vector, row, slope * weight / head.unit)
            spanned = absorb_by(recipe, rank + i - begin + 1, small, scratch)
            if spanned < 0:
                return played, True, scale, moved
            shrunk = step_in_coordinates(spanned, weight, now, small, recipe, scratch.lines, False)
            for j in range(at.size):
                at[j] = shrunk * now[j] + step[j]
            scale = shrunk if recipe[0].averaging else scale * shrunk
            moved = True
        head.rounds += 1.0
        played += 1
    return played, False, scale, moved


@part_of_kernel
def weigh(made: int, scale: float, first: Array, block: Block, directions: Array, weights: Array) -> None:
    """The outcome of a block as weights on E, one combination a column: see `write_back`.

    ``first`` are the anchor's coordinates before the block.
    """
    for j in range(weights.shape[0]):
        for i in range(made):
            weights[j, i] = directions[i, j]
        weights[j, made] = block.at[j] - scale * first[j]
        if weights.shape[1] > made + 1:
            weights[j, made + 1] = block.now[j] - first[j]


@separate_kernel(several(WHOLE, FLAG)(WHOLE, WHOLE, STREAM, MOVING, SKETCH, RECIPE, ROOM))
def play_block(
    begin: int, count: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, room: Room
) -> tuple[int, bool]:
    """Up to ``count`` rounds in small coordinates, for a basis that is the eigenvectors.

    Returns how many were played, and whether the next one cannot be: it is not finite, or a shrink would exceed the
    learner's tolerance. Where fewer than ``count`` were played without that, the next one's pivot was too small.
    """
    head = sketch.header[0]
    rank, size = int(head.rank), room.directions.shape[1]
    known = sketch.basis[:rank]
    inner, spare = matrix_in(room.inner, count, count), matrix_in(room.spare, count, count)
    written, cross = matrix_in(room.written, count, size), matrix_in(room.cross, count, rank)
    norms = room.coordinates[3]
    gram(begin, count, stream, room.row, known, cross, inner)
    for i in range(count):
        norms[i] = inner[i, i]
    count = factorize(count, norms, cross, inner, written, spare)
    if count == 0:
        return 0, False
    first, now = room.coordinates[0], room.coordinates[1]  # of the anchor, at the start and now
    at = room.coordinates[2] if recipe[0].averaging else now  # of the point
    coordinates_of(begin, count, stream, moving.anchor, known, written, first)
    head.anchor_square = square_norm(moving.anchor)
    move(first, now)
    if recipe[0].averaging:
        coordinates_of(begin, count, stream, moving.point, known, written, at)
    set_identity(room.directions, rank)
    small = Sketch(sketch.basis, room.directions, sketch.header, sketch.values, sketch.known)
    block = Block(written, norms, now, at)
    played, halted, scale, moved = play_in_coordinates(begin, count, stream, block, small, recipe, room.scratch)
    if not moved:
        return played, halted

    made = int(head.rank)
    if sketch.known.size > 0:
        clear(sketch.known)
        project(room.directions, made, now, sketch.known)
    weights = matrix_in(room.weights, rank + count, made + (2 if recipe[0].averaging else 1))
    weigh(made, scale, first, block, room.directions, weights)
    in_rows(rank, count, cross, inner, weights, room.buffer)
    write_back(begin, count, stream, moving, scale, sketch, weights, room.buffer)
    head.used = made
    head.compressions += 1.0
    if head.compressions % POLISH_EVERY == 0:
        polish(sketch.basis, made, matrix_in(room.scratch.square, made, made), room.buffer)
    return played, halted


@part_of_kernel
def nearly_singular(sketch: Sketch, recipe: Packed) -> bool:
    """Whether next to nothing is added to the sketch before it is inverted."""
    if recipe[0].outer > 0.0:
        return False
    head = sketch.header[0]
    square = head.unit * head.unit
    alpha = recipe[0].inner + square * recipe[0].compensation * head.escaped
    return bool(alpha <= SINGULAR * square * sketch.values[0])


@kernel
def play_stream(
    begin: int, length: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch,
    room: Room,
) -> tuple[int, int]:  # fmt: skip
    """The rounds of a stream of rows from ``begin`` on, in blocks; round by round where the basis is the identity.

    Returns the first round that could not be played (see `play_round`), else -1; and how many `play_round` played.
    """
    rounds, capacity = stream.targets.size, sketch.values.size
    row = room.row[: sketch.basis.shape[1]]
    if sketch.basis.shape[0] == 0:
        return play_rounds(begin, rounds, stream, row, moving, sketch, recipe, scratch), 0
    compress(sketch, scratch)
    online = 0
    patience = 1
    at = begin
    while at < rounds:
        if nearly_singular(sketch, recipe):
            until = min(at + capacity, rounds)
        else:
            count = min(length, rounds - at)
            played, halted = play_block(at, count, stream, moving, sketch, recipe, room)
            at += played
            set_identity(sketch.directions, int(sketch.header[0].rank))
            if halted:
                return at, online
            if played == count:
                continue
            patience = min(2 * patience, length) if played == 0 else 1
            until = min(at + patience, rounds)
        stopped = play_rounds(at, until, stream, row, moving, sketch, recipe, scratch)
        if stopped >= 0:
            return stopped, online
        clear(row)
        online += until - at
        at = until
        compress(sketch, scratch)
    return -1, online


def block_length(dimension: int, rank: int, nonzeros: float | None) -> int:
    """Rounds to play between two write-backs, about where their cost meets that of the rounds.

    Of dense rows (``nonzeros`` is None), a multiple of the four that `inner_products` takes together. A round among n
    CSR rows costs n times their ``nonzeros`` and n times a few k more, for the Gram matrix and what is n wide, and its
    share of a write-back is d k / n: the minimum is flat, and a power of two near it will do.
    """
    if nonzeros is None:
        return min((12 + rank // 2) // 4 * 4, 96)
    best = 2.0 * np.sqrt(dimension * rank / (nonzeros + 4.0 * rank))
    return int(2.0 ** np.clip(np.round(np.log2(best)), 4.0, 10.0))
