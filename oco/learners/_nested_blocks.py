"""Long blocks of CSR rows in many dimensions: short blocks, of which all but the last leave the basis as it is.

Writing a block back costs ``d k^2``, so blocks should be long; a round rotates k directions in as many coordinates as
there are directions and rows, so blocks should be short. Here the outcome of a short block, the new directions and the
point, is kept as weights on ``[Q; A]``: the directions Q at the beginning of the long block, and its rows A so far. The
next short block needs the products of its rows with the directions and the point, which follow from those of its rows
with Q and A. The basis is written with one matrix product at the end of the long block.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from oco.compile import FLAG, MATRIX, NONE, REAL, VECTOR, WHOLE, kernel, part_of_kernel, record, separate_kernel, several
from oco.learners._block_ahead import ROOM, Block, Room, nearly_singular, play_in_coordinates, weigh
from oco.learners._block_coordinates import factorize, in_rows, put, substitute
from oco.learners._records import MOVING, RECIPE, STREAM, Moving, Packed, Stream
from oco.learners._sketched_rounds import play_rounds
from oco.sketching.basis import set_identity
from oco.sketching.numerics import PIVOT, POLISH_EVERY
from oco.sketching.passes import CHUNK, clear, dot, move, project, square_norm
from oco.sketching.products import inner_products, polish, weighted_sums
from oco.sketching.records import SCRATCH, SKETCH, Scratch, Sketch, matrix_in
from oco.sketching.sparse_columns import (
    COLUMNS,
    Columns,
    add_columns,
    column_products,
    products_with_rows,
    sort_by_column,
)
from oco.types import Array

LARGEST_WEIGHT = 1.0 / PIVOT
"""Square of the length of a direction's weights at which a long block ends: a pivot amplifies round-off as much."""


LONG = 128
"""Blocks of CSR rows for which `oco.learners._block_ahead.block_length` is less than this are not nested."""


class Nest(NamedTuple):
    """Scratch memory for long blocks of up to n rows beside k directions, played m rows at a time.

    ``cross`` has the products of the rows with Q, ``base`` those with the point at the beginning, ``lengths`` the rows'
    squared norms; ``weights`` are those of the directions on ``[Q; A]`` and ``moved`` those of the point, ``along`` are
    its coordinates along the directions. ``offsets`` keeps the stream's. Matrices are flat.
    """

    columns: Columns
    cross: Array
    base: Array
    offsets: Array
    lengths: Array
    line: Array
    products: Array
    weights: Array
    spare: Array
    moved: Array
    along: Array

    @classmethod
    def empty(cls, rank: int, rows: int, short: int, length: int, dimension: int, nonzeros: int) -> Self:
        """Room for ``length`` rows of ``nonzeros`` together, in blocks of ``short``, beside a basis of ``rows``."""
        size = rows + length
        return cls(
            columns=Columns.empty(dimension, nonzeros),
            cross=np.zeros(length * rows),
            base=np.zeros(length),
            offsets=np.zeros(length),
            lengths=np.zeros(length),
            line=np.zeros(length),
            products=np.zeros(short * size),
            weights=np.zeros((rank + 1) * size),
            spare=np.zeros((rank + 1) * size),
            moved=np.zeros(size),
            along=np.zeros(rank),
        )


NEST = record(Nest, COLUMNS, *(VECTOR,) * 10)


@part_of_kernel
def multiply_rows(begin: int, at: int, before: int, stream: Stream, nest: Nest, products: Array, inner: Array) -> None:
    """Products of the rows of a short block with Q and the rows before ``at``; their own, upper triangle, to inner."""
    cross = matrix_in(nest.cross, nest.base.size, before)
    for i in range(products.shape[0]):
        products_with_rows(at + i, begin, stream.data, stream.indices, stream.indptr, nest.columns, nest.line)
        move(cross[at + i], products[i, :before])
        move(nest.line, products[i, before:])
        for j in range(i + 1):
            inner[j, i] = nest.line[at + j]
        nest.lengths[at + i] = inner[i, i]


@part_of_kernel
def fold(shrunk: float, weights: Array, directions: Array, nest: Nest) -> None:
    """From ``weights`` on the directions and the short block's rows to weights on ``[Q; A]``, in ``nest``."""
    rank, wide = directions.shape
    made, count = weights.shape[1] - 1, weights.shape[0] - rank
    sums = matrix_in(nest.spare, made + 1, wide)
    weighted_sums(weights, directions, directions[:0], 0, sums)
    new = matrix_in(nest.weights, made, wide + count)
    for i in range(made):
        move(sums[i], new[i, :wide])
        for j in range(count):
            new[i, wide + j] = weights[rank + j, i]
    for j in range(wide):
        nest.moved[j] = shrunk * nest.moved[j] + sums[made, j]
    for j in range(count):
        nest.moved[wide + j] = weights[rank + j, made]


@separate_kernel(several(WHOLE, WHOLE, FLAG, REAL, FLAG)(WHOLE, WHOLE, WHOLE, WHOLE, REAL, STREAM, SKETCH, RECIPE, ROOM, NEST))
def play_short(
    begin: int, at: int, count: int, before: int, scale: float, stream: Stream, sketch: Sketch, recipe: Packed,
    room: Room, nest: Nest,
) -> tuple[int, int, bool, float, bool]:  # fmt: skip
    """Up to ``count`` rounds from row ``at`` of the long block on, beside ``before`` directions Q.

    ``scale`` is the factor of the point at the beginning. Returns the rows that it took, and what
    `oco.learners._block_ahead.play_in_coordinates` does. It takes fewer than ``count`` where a pivot is too small.
    """
    head = sketch.header[0]
    rank, wide = int(head.rank), before + at
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


@part_of_kernel
def open_block(
    begin: int, count: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, nest: Nest
) -> None:
    """Products of ``count`` rows from ``begin`` on with Q and the point; the directions' weights.

    On a ball the point is followed itself. Elsewhere its motion is, and what the rows had with it before is an offset.
    """
    head = sketch.header[0]
    rank, before = int(head.rank), int(head.used)
    sort_by_column(begin, count, stream.data, stream.indices, stream.indptr, nest.columns)
    cross = matrix_in(nest.cross, nest.base.size, before)
    column_products(nest.columns, sketch.basis, moving.anchor, cross, nest.base)
    head.anchor_square = square_norm(moving.anchor)
    weights = matrix_in(nest.weights, rank, before)
    for i in range(rank):
        move(sketch.directions[i], weights[i])
    clear(nest.moved)
    clear(nest.along)
    if recipe[0].radius < np.inf:
        project(sketch.directions, rank, sketch.known[:before], nest.along)
    else:
        for i in range(count):
            nest.offsets[i] = stream.offsets[begin + i]
            stream.offsets[begin + i] += nest.base[i]


@part_of_kernel
def largest_weight(directions: Array, before: int, lengths: Array) -> float:
    """The largest square of the length of a direction's weights, those on rows times the rows' lengths."""
    largest = 0.0
    for i in range(directions.shape[0]):
        square = square_norm(directions[i, :before])
        for j in range(before, directions.shape[1]):
            square += lengths[j - before] * directions[i, j] * directions[i, j]
        largest = max(largest, square)
    return largest


@separate_kernel(NONE(WHOLE, WHOLE, REAL, MOVING, SKETCH, NEST, VECTOR))
def write_out(
    before: int, played: int, scale: float, moving: Moving, sketch: Sketch, nest: Nest, buffer: Array
) -> None:
    """The basis and the point from their weights on ``[Q; A]``, in place, a few columns at a time."""
    basis, made, wide = sketch.basis, int(sketch.header[0].rank), before + played
    clear(sketch.known)
    directions = matrix_in(nest.weights, made, wide)
    weights = matrix_in(nest.spare, before + nest.base.size, made + 1)
    for j in range(weights.shape[0]):
        clear(weights[j])
    for j in range(wide):
        for i in range(made):
            weights[j, i] = directions[i, j]
        weights[j, made] = nest.moved[j]
    for start in range(0, basis.shape[1], CHUNK):
        new = matrix_in(buffer, made + 1, min(CHUNK, basis.shape[1] - start))
        weighted_sums(weights, basis[:before], basis[:0], start, new)
        add_columns(start, nest.columns, weights, before, new)
        put(new, made, start, scale, basis, moving)
        for i in range(min(made, sketch.known.size)):
            sketch.known[i] += dot(new[i], moving.point[start : start + new.shape[1]])


@separate_kernel(several(WHOLE, FLAG, FLAG)(WHOLE, WHOLE, STREAM, MOVING, SKETCH, RECIPE, ROOM, NEST))
def play_long_block(
    begin: int, count: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, room: Room, nest: Nest
) -> tuple[int, bool, bool]:
    """Up to ``count`` rounds, for a basis that is the eigenvectors.

    Returns how many were played, whether the next one cannot be, and whether its pivot was too small. It plays fewer
    than ``count`` without either if weights have become large or the preconditioner nearly singular.
    """
    head = sketch.header[0]
    before, short = int(head.used), room.directions.shape[1] - sketch.values.size
    open_block(begin, count, stream, moving, sketch, recipe, nest)
    at, done, scale, moved, halted, stuck = 0, 0, 1.0, False, False, False
    while at < count and not (halted or stuck or nearly_singular(sketch, recipe)):
        few = min(short, count - at)
        usable, played, halted, shrunk, changed = play_short(
            begin, at, few, before, scale, stream, sketch, recipe, room, nest
        )
        at, done, scale, moved = at + usable, done + played, scale * shrunk, moved or changed
        stuck = usable < few and not halted
        if largest_weight(matrix_in(nest.weights, int(head.rank), before + at), before, nest.lengths) > LARGEST_WEIGHT:
            break
    if not recipe[0].radius < np.inf:
        move(nest.offsets, stream.offsets[begin : begin + count])
    if not moved:
        return done, halted, stuck
    made = int(head.rank)
    write_out(before, at, scale, moving, sketch, nest, room.buffer)
    set_identity(sketch.directions, made)
    head.used = made
    head.compressions += 1.0
    if head.compressions % POLISH_EVERY == 0:
        polish(sketch.basis, made, matrix_in(room.scratch.square, made, made), room.buffer)
    return done, halted, stuck


@kernel
def play_long_stream(
    begin: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch, room: Room,
    nest: Nest,
) -> tuple[int, int]:  # fmt: skip
    """`oco.learners._block_ahead.play_stream` in long blocks."""
    rounds, length, row = stream.targets.size, nest.base.size, room.row[: sketch.basis.shape[1]]
    at, online, patience = begin, 0, 1
    while at < rounds:
        alone = sketch.values.size
        if not nearly_singular(sketch, recipe):
            count = min(length, rounds - at)
            played, halted, stuck = play_long_block(at, count, stream, moving, sketch, recipe, room, nest)
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
        clear(row)
        at, online = at + alone, online + alone
    return -1, online


def long_block_length(dimension: int, rank: int, nonzeros: float) -> int:
    """Rounds to play between two write-backs, near where their cost meets that of the rounds.

    In units of a fused product and sum, a write-back is ``d k (k + 25)``, memory included, and a round among n rows
    ``n (3 nonzeros + 2 k) / 2`` for products with the other rows, for weights, and for products with those.
    """
    best = np.sqrt(2.0 * dimension * rank * (rank + 25.0) / (3.0 * nonzeros + 2.0 * rank))
    return int(2.0 ** np.clip(np.round(np.log2(best)), 7.0, 12.0))


def most_nonzeros(indptr: np.ndarray[Any, Any], length: int) -> int:
    """The most nonzeros of ``length`` rows that follow each other, or of all rows if there are fewer."""
    length = min(length, indptr.size - 1)
    return int(np.max(indptr[length:] - indptr[: indptr.size - length]))
