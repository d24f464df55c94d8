"""Coordinates for a block of rows and a sketch: the Gram matrix, its Cholesky factor, and the way back to vectors.

The rows A of a block and the sketch's eigenvectors Q have the Gram matrix ``[I C'; C A A']``, whose Cholesky factor ::

    [ I  0 ]      row i of [C R] holds the coordinates of row i of A in the orthonormal basis
    [ C  R ]      E = [Q; R^{-1} (A - C Q)], which is never formed

gives coordinates for everything. The way back is ``E' w = Q' (w_Q - C' v) + A' v`` with ``R' v = w_A``. Passes over the
basis become matrix products; with CSR rows only their nonzeros are touched.
"""

from __future__ import annotations

import numpy as np

from oco.compile import MATRIX, NONE, REAL, VECTOR, WHOLE, part_of_kernel, separate_kernel
from oco.learners._records import MOVING, STREAM, Moving, Stream
from oco.sketching.numerics import PIVOT
from oco.sketching.passes import CHUNK, add_multiple, clear, combine, dot, move, project
from oco.sketching.products import inner_products, weighted_sums
from oco.sketching.records import SKETCH, Sketch, matrix_in
from oco.sketching.sparse_rows import sparse_gram, sparse_products
from oco.types import Array

LARGEST_SQUARE = 1e100
"""Rows whose square is above this, or below its inverse, are left to `play_round`, which scales them."""

PANEL = 12
"""Rows of a Cholesky factor that are found together, from those before them in one product."""


@separate_kernel(NONE(WHOLE, WHOLE, STREAM, VECTOR, MATRIX, MATRIX, MATRIX))
def gram(begin: int, count: int, stream: Stream, room: Array, known: Array, cross: Array, inner: Array) -> None:
    """``cross = A Q'`` and the upper triangle of ``inner = A A'`` for ``count`` rows from ``begin`` on.

    ``known`` are the rows of Q; ``room`` is for CSR rows, see `sparse_gram`.
    """
    if stream.dense.shape[0] > 0:
        rows = stream.dense[begin : begin + count]
        inner_products(rows, known, False, cross)
        inner_products(rows, rows, True, inner)
        return
    for i in range(count):
        sparse_products(begin + i, stream.data, stream.indices, stream.indptr, known, known.shape[0], cross[i])
    sparse_gram(begin, count, stream.data, stream.indices, stream.indptr, room, inner)


@separate_kernel(WHOLE(WHOLE, VECTOR, MATRIX, MATRIX, MATRIX, MATRIX))
def factorize(count: int, norms: Array, cross: Array, inner: Array, written: Array, spare: Array) -> int:
    """R with ``R R' = inner - cross cross'``: its transpose into the upper triangle of ``inner``, ``[C R]`` written.

    ``norms`` has the squared norms of the rows, the diagonal of ``inner``. Returns the number of rows before the first
    whose pivot is too small. A zero row is none: its pivot is set to 1.
    """
    rank = cross.shape[1]
    if rank > 0:
        inner_products(cross, cross, True, spare)
        for i in range(count):
            add_multiple(spare[i, i:], -1.0, inner[i, i:])
    usable = count
    start = 0
    while start < usable:
        stop = min(start + PANEL, count)
        wide = count - start
        explained = matrix_in(spare.reshape(spare.size), stop - start, wide)
        weighted_sums(inner[:start, start:stop], inner[:start], inner[:0], start, explained)
        for i in range(start, stop):
            add_multiple(explained[i - start, i - start :], -1.0, inner[i, i:])
        for i in range(start, stop):
            if norms[i] == 0.0:
                inner[i, i] = 1.0
                continue
            pivot = inner[i, i]
            if not (1.0 / LARGEST_SQUARE < norms[i] < LARGEST_SQUARE and pivot > PIVOT * norms[i]):
                usable = i
                break
            inner[i, i] = np.sqrt(pivot)
            for j in range(i + 1, count):
                inner[i, j] /= inner[i, i]
            for m in range(i + 1, stop):
                add_multiple(inner[i, m:], -inner[i, m], inner[m, m:])
        start = stop
    for i in range(usable):
        move(cross[i], written[i, :rank])
        for j in range(i + 1):
            written[i, rank + j] = inner[j, i]
        clear(written[i], rank + i + 1)
    return usable


@separate_kernel(NONE(WHOLE, WHOLE, STREAM, VECTOR, MATRIX, MATRIX, VECTOR))
def coordinates_of(
    begin: int, count: int, stream: Stream, vector: Array, known: Array, written: Array, out: Array
) -> None:
    """Coordinates of ``vector`` in E, by forward substitution; ``known`` are the rows of Q."""
    rank = known.shape[0]
    clear(out)
    project(known, rank, vector, out)
    beyond = out[rank:]
    if stream.dense.shape[0] > 0:
        project(stream.dense[begin : begin + count], count, vector, beyond)
    else:
        for i in range(count):
            for place in range(stream.indptr[begin + i], stream.indptr[begin + i + 1]):
                beyond[i] += stream.data[place] * vector[stream.indices[place]]
    substitute(rank, count, written, out)


@part_of_kernel
def substitute(rank: int, count: int, written: Array, out: Array) -> None:
    """From products with ``[Q; A]`` to coordinates in E, in place."""
    for i in range(count):
        place = rank + i
        out[place] = (out[place] - dot(written[i, :place], out[:place])) / written[i, place]


@separate_kernel(NONE(WHOLE, WHOLE, MATRIX, MATRIX, MATRIX, VECTOR))
def in_rows(rank: int, count: int, cross: Array, inner: Array, weights: Array, spare: Array) -> None:
    """From weights on E to weights on ``[Q; A]``, one combination a column, by back substitution."""
    beyond = weights[rank : rank + count]
    for i in range(count - 1, -1, -1):
        combine(beyond[i + 1 :], count - 1 - i, inner[i, i + 1 :], -1.0, beyond[i])
        for j in range(weights.shape[1]):
            beyond[i, j] /= inner[i, i]
    if rank > 0:
        product = matrix_in(spare, rank, weights.shape[1])
        weighted_sums(cross[:count], beyond, beyond[:0], 0, product)
        for i in range(rank):
            for j in range(weights.shape[1]):
                weights[i, j] -= product[i, j]


@part_of_kernel
def put(new: Array, made: int, start: int, scale: float, basis: Array, moving: Moving) -> None:
    """Columns from ``start`` on of the first ``made`` rows of the basis, and of the point, from the rows of ``new``."""
    wide = new.shape[1]
    for i in range(made):
        move(new[i], basis[i, start : start + wide])
    before, moved = moving.anchor[start : start + wide], new[made]
    after = moving.point[start : start + wide]
    for j in range(wide):
        after[j] = scale * before[j] + moved[j]


@separate_kernel(NONE(WHOLE, WHOLE, STREAM, MOVING, REAL, SKETCH, MATRIX, VECTOR))
def write_back(
    begin: int, count: int, stream: Stream, moving: Moving, scale: float, sketch: Sketch, weights: Array, buffer: Array
) -> None:
    """New rows of the basis, the point and the anchor as combinations (``weights``) of ``[Q; A]``, in place.

    Columns of ``weights``: as many directions as the sketch keeps, the point (on top of ``scale`` times the old
    anchor), and, if there is one more, what is added to the anchor.
    """
    basis, point, anchor = sketch.basis, moving.point, moving.anchor
    made, rank, outputs = int(sketch.header[0].rank), weights.shape[0] - count, weights.shape[1]
    averaging = outputs > made + 1
    for start in range(0, basis.shape[1], CHUNK):
        wide = min(CHUNK, basis.shape[1] - start)
        new = matrix_in(buffer, outputs, wide)
        weighted_sums(weights, basis[:rank], stream.dense[begin : begin + count], start, new)
        put(new, made, start, scale, basis, moving)
        if averaging:
            before, summed = anchor[start : start + wide], new[made + 1]
            for j in range(wide):
                before[j] += summed[j]
    if stream.dense.shape[0] > 0:
        return
    for i in range(count):
        for place in range(stream.indptr[begin + i], stream.indptr[begin + i + 1]):
            value = stream.data[place]
            j = stream.indices[place]
            for m in range(made):
                basis[m, j] += weights[rank + i, m] * value
            point[j] += weights[rank + i, made] * value
            if averaging:
                anchor[j] += weights[rank + i, made + 1] * value
