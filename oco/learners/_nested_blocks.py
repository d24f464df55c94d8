"""Long blocks of CSR rows in many dimensions: short blocks, of which all but the last leave the basis as it is.

Writing a block back costs ``d k^2``, so blocks should be long; a round rotates k directions in as many coordinates as
there are directions and rows, so blocks should be short. Here a short block is played as in
`oco.learners._block_ahead`, but its outcome is kept as weights (`oco.learners._nested_coordinates`). The basis is
written at the end of the long block.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oco.compile import FLAG, REAL, WHOLE, kernel, separate_kernel, several
from oco.learners._block_ahead import Block, nearly_singular, play_in_coordinates, weigh
from oco.learners._block_coordinates import factorize, in_rows, substitute
from oco.learners._nested_coordinates import NEST, Nest, fold, largest_weight, multiply_rows, open_block, write_out
from oco.learners._records import MOVING, RECIPE, STREAM, Moving, Packed, Stream
from oco.learners._sketched_rounds import play_rounds
from oco.sketching.basis import set_identity
from oco.sketching.numerics import PIVOT, POLISH_EVERY
from oco.sketching.passes import clear, move, project
from oco.sketching.products import inner_products, polish
from oco.sketching.records import SKETCH, Scratch, Sketch, matrix_in

LARGEST_WEIGHT = 1.0 / PIVOT
"""Square of the length of a direction's weights at which a long block ends: a pivot amplifies round-off as much."""

LONG = 128
"""Blocks of CSR rows for which `oco.learners._block_ahead.block_length` is less than this are not nested."""


@separate_kernel(several(WHOLE, WHOLE, FLAG, REAL, FLAG)(WHOLE, WHOLE, WHOLE, REAL, STREAM, SKETCH, RECIPE, NEST))
def play_short(
    begin: int, at: int, count: int, scale: float, stream: Stream, sketch: Sketch, recipe: Packed, nest: Nest
) -> tuple[int, int, bool, float, bool]:
    """Up to ``count`` rounds from row ``at`` of the long block on.

    ``scale`` is the factor of the point at the beginning. Returns the rows that it took, and what
    `oco.learners._block_ahead.play_in_coordinates` does. It takes fewer than ``count`` where a pivot is too small.
    """
    head, room = sketch.header[0], nest.room
    rank, before = int(head.rank), int(head.used)
    wide = before + at
    inner, spare = matrix_in(room.inner, count, count), matrix_in(room.spare, count, count)
    written, cross = matrix_in(room.written, count, room.directions.shape[1]), matrix_in(room.cross, count, rank)
    products, directions = matrix_in(nest.products, count, wide), matrix_in(nest.weights, rank, wide)
    norms = nest.lengths[at:]
    multiply_rows(begin, at, before, stream, nest, products, inner)
    inner_products(products, directions, False, cross)
    count = factorize(count, norms, cross, inner, written, spare)
    if count == 0:
        return 0, 0, False, 1.0, False

    first, now = room.coordinates[0], room.coordinates[1]
    clear(first)
    move(nest.along, first[:rank])
    beyond = first[rank:]
    project(products, count, nest.moved[:wide], beyond)
    if recipe[0].radius < np.inf:
        for i in range(count):
            beyond[i] += scale * nest.base[at + i]
    substitute(rank, count, written, first)
    move(first, now)
    set_identity(room.directions, rank)
    small = Sketch(sketch.basis, room.directions, sketch.header, sketch.values, sketch.known)
    block = Block(written, norms, now, now)
    played, halted, shrunk, moved = play_in_coordinates(begin + at, count, stream, block, small, recipe, room.scratch)

    made = int(head.rank)
    project(room.directions, made, now, nest.along)
    weights = matrix_in(room.weights, rank + count, made + 1)
    weigh(made, shrunk, first, block, room.directions, weights)
    in_rows(rank, count, cross, inner, weights, room.buffer)
    fold(shrunk, weights, directions, nest)
    return count, played, halted, shrunk, moved


@separate_kernel(several(WHOLE, FLAG, FLAG)(WHOLE, WHOLE, STREAM, MOVING, SKETCH, RECIPE, NEST))
def play_long_block(
    begin: int, count: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, nest: Nest
) -> tuple[int, bool, bool]:
    """Up to ``count`` rounds, for any orthonormal basis that spans the eigenvectors.

    Returns how many were played, whether the next one cannot be, and whether its pivot was too small. It plays fewer
    than ``count`` without either if weights have become large or the preconditioner nearly singular.
    """
    head, room = sketch.header[0], nest.room
    before, short = int(head.used), room.directions.shape[1] - sketch.values.size
    open_block(begin, count, stream, moving, sketch, recipe, nest)
    at, done, scale, moved, halted, stuck = 0, 0, 1.0, False, False, False
    while at < count and not (halted or stuck or nearly_singular(sketch, recipe)):
        few = min(short, count - at)
        usable, played, halted, shrunk, changed = play_short(begin, at, few, scale, stream, sketch, recipe, nest)
        at, done, scale, moved = at + usable, done + played, scale * shrunk, moved or changed
        stuck = usable < few and not halted
        if largest_weight(matrix_in(nest.weights, int(head.rank), before + at), before, nest.lengths) > LARGEST_WEIGHT:
            break
    if not recipe[0].radius < np.inf:
        move(nest.offsets, stream.offsets[begin : begin + count])
    if not moved:
        return done, halted, stuck
    made = int(head.rank)
    write_out(at, scale, moving, sketch, nest)
    head.used = made
    head.compressions += 1.0
    if head.compressions % POLISH_EVERY == 0:
        polish(sketch.basis, made, matrix_in(room.scratch.square, made, made), room.buffer)
    return done, halted, stuck


@kernel
def play_long_stream(
    begin: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch, nest: Nest
) -> tuple[int, int]:
    """`oco.learners._block_ahead.play_stream` in long blocks."""
    rounds, length, row = stream.targets.size, nest.base.size, nest.room.row[: sketch.basis.shape[1]]
    at, online, patience = begin, 0, 1
    while at < rounds:
        alone = max(sketch.values.size - int(sketch.header[0].rank), 1)  # in which something may escape
        if not nearly_singular(sketch, recipe):
            count = min(length, rounds - at)
            played, halted, stuck = play_long_block(at, count, stream, moving, sketch, recipe, nest)
            at += played
            if halted:
                return at, online
            if not stuck:
                continue
            alone = patience = min(2 * patience, length) if played == 0 else 1
        alone = min(alone, rounds - at)
        stopped = play_rounds(at, at + alone, stream, row, moving, sketch, recipe, scratch)
        if stopped >= 0:
            return stopped, online
        at, online = at + alone, online + alone
    return -1, online


def long_blocks(dimension: int, rank: int, nonzeros: float) -> tuple[int, int]:
    """Rounds of a long block, near where the cost of writing it meets that of the rounds; and of a short one.

    In units of a fused product and sum, a block is written in about ``d k (k + 25)``, memory included. A round among n
    rows costs ``n (3 nonzeros + 2 k) / 2``: products with the other rows, weights, and products with these.
    """
    best = np.sqrt(2.0 * dimension * rank * (rank + 25.0) / (3.0 * nonzeros + 2.0 * rank))
    return int(2.0 ** np.clip(np.round(np.log2(best)), 7.0, 12.0)), 16 + rank // 2


def most_nonzeros(indptr: np.ndarray[Any, Any], length: int) -> int:
    """The most nonzeros of ``length`` rows that follow each other, or of all rows if there are fewer."""
    length = min(length, indptr.size - 1)
    return int(np.max(indptr[length:] - indptr[: indptr.size - length]))
