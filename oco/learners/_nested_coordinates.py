"""Weights on a basis and on rows of a CSR matrix, in which long blocks are played before the basis is written.

Every direction of the sketch, and the motion of the point, is ``W [Q; A]``: Q the rows of the basis at the beginning of
the long block, A its rows. What a short block needs are products of its rows with these, and they follow from those
with Q, found for the whole block at once, and those with the rows before.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from oco.compile import NONE, REAL, VECTOR, WHOLE, part_of_kernel, record, separate_kernel
from oco.learners._block_ahead import ROOM, Room
from oco.learners._block_coordinates import put
from oco.learners._records import MOVING, Moving, Packed, Stream
from oco.sketching.basis import set_identity
from oco.sketching.passes import CHUNK, add_multiple, clear, dot, move, project, square_norm
from oco.sketching.products import weighted_sums
from oco.sketching.records import SKETCH, Sketch, matrix_in
from oco.sketching.sparse_columns import (
    COLUMNS,
    Columns,
    add_columns,
    column_products,
    products_with_rows,
    sort_by_column,
)
from oco.types import Array

SUMS = 6
"""Rows of the basis that are written together."""


class Nest(NamedTuple):
    """Scratch memory for long blocks of up to n rows beside k directions, played m rows at a time.

    ``cross`` has the products of the rows with Q, ``base`` those with the point at the beginning, ``lengths`` the rows'
    squared norms; ``weights`` are those of the directions on ``[Q; A]`` and ``moved`` those of the point, ``along`` are
    its coordinates along the directions. ``offsets`` keeps the stream's. Matrices are flat.
    """

    room: Room
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
            room=Room.empty(rank, short, dimension),
            columns=Columns.empty(dimension, nonzeros),
            cross=np.zeros(length * rows),
            base=np.zeros(length),
            offsets=np.zeros(length),
            lengths=np.zeros(length),
            line=np.zeros(length),
            products=np.zeros(max(short, rank) * size),
            weights=np.zeros((rank + 1) * size),
            spare=np.zeros((rank + 1) * size),
            moved=np.zeros(size),
            along=np.zeros(rank),
        )


NEST = record(Nest, ROOM, COLUMNS, *(VECTOR,) * 10)


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


@part_of_kernel
def make_triangular(weights: Array, directions: Array, vector: Array) -> None:
    """Turn ``weights`` ``(m, n)`` so that row i has none after column ``n - m + i``, by Householder's reflections.

    The turn back is the upper left corner of ``directions``. ``vector`` has room for m numbers.
    """
    made, before = weights.shape
    set_identity(directions, made)
    for i in range(made - 1, max(0, made - before) - 1, -1):
        last = before - made + i
        reflected = vector[: i + 1]
        for m in range(i + 1):
            reflected[m] = weights[m, last]
        length = np.sqrt(square_norm(reflected))
        reflected[i] += length if reflected[i] >= 0.0 else -length
        square = square_norm(reflected)
        if square == 0.0:
            continue
        for j in range(last + 1):
            along = 0.0
            for m in range(i + 1):
                along += reflected[m] * weights[m, j]
            for m in range(i + 1):
                weights[m, j] -= 2.0 * along / square * reflected[m]
        for m in range(made):
            row = directions[m, : i + 1]
            add_multiple(reflected, -2.0 * dot(row, reflected) / square, row)


@separate_kernel(NONE(WHOLE, REAL, MOVING, SKETCH, NEST))
def write_out(played: int, scale: float, moving: Moving, sketch: Sketch, nest: Nest) -> None:
    """A new basis for the directions, and the point, from their weights on ``[Q; A]``, a few columns at a time.

    Any orthonormal basis of the directions' span will do: this one has triangular weights on Q, for half of the
    products. Coordinates of the point in it are those that the sketch follows, if it follows any.
    """
    basis, made, before = sketch.basis, int(sketch.header[0].rank), int(sketch.header[0].used)
    wide = before + played
    directions, turned = matrix_in(nest.weights, made, wide), matrix_in(nest.spare, made, wide)
    corner = matrix_in(nest.products, made, before)
    for i in range(made):
        move(directions[i], corner[i])
    make_triangular(corner, sketch.directions, nest.along)
    weighted_sums(sketch.directions, directions, directions[:0], 0, turned)
    weights = matrix_in(nest.weights, before + nest.base.size, made + 1)
    for j in range(weights.shape[0]):
        clear(weights[j])
    for j in range(wide):
        for i in range(made):
            weights[j, i] = turned[i, j]
        weights[j, made] = nest.moved[j]
    clear(sketch.known)
    for start in range(0, basis.shape[1], CHUNK):
        new = matrix_in(nest.room.buffer, made + 1, min(CHUNK, basis.shape[1] - start))
        for end in range(made + 1, 0, -SUMS):
            few = slice(max(end - SUMS, 0), end)
            reach = before if end > made else max(before - made + end, 0)
            weighted_sums(weights[:, few], basis[:reach], basis[:0], start, new[few])
        add_columns(start, nest.columns, weights, before, new)
        put(new, made, start, scale, basis, moving)
        for i in range(min(made, sketch.known.size)):
            sketch.known[i] += dot(new[i], moving.point[start : start + new.shape[1]])
