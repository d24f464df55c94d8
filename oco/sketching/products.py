"""Products of matrices whose rows are few and long: sums stay in registers, and rows in the cache, until they are done.

A block of rounds needs two kinds, inner products of rows and weighted sums of them, with the rows of the sketch and of
the data as they lie in memory. Tens of rows are too few for a BLAS, which copies its operands first; hundreds are not,
but are done as fast here. Sums are taken in any order.
"""

from __future__ import annotations

from typing import Any

from oco.compile import ANY_MATRIX, FLAG, MATRIX, NONE, VECTOR, WHOLE, fast_kernel, kernel, separate_kernel
from oco.lanes import WIDTH, load, spread, store
from oco.sketching.passes import CHUNK, clear, move
from oco.types import Array

IN_CACHE = 1 << 16
"""Numbers that inner products work on together: half a megabyte, part of a second-level cache."""
SHORTEST_CHUNK = 512
"""Columns that they work on together at least: with fewer, adding up the parts of a sum would show."""


@fast_kernel
def sixteen_products(a: Array, b: Array, c: Array, d: Array, w: Array, x: Array, y: Array, z: Array) -> Any:
    """Inner products of four vectors with four others, in one pass over all eight."""
    aw, ax, ay, az, bw, bx, by, bz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    cw, cx, cy, cz, dw, dx, dy, dz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for m in range(a.size):
        aw, ax, ay, az = aw + a[m] * w[m], ax + a[m] * x[m], ay + a[m] * y[m], az + a[m] * z[m]
        bw, bx, by, bz = bw + b[m] * w[m], bx + b[m] * x[m], by + b[m] * y[m], bz + b[m] * z[m]
        cw, cx, cy, cz = cw + c[m] * w[m], cx + c[m] * x[m], cy + c[m] * y[m], cz + c[m] * z[m]
        dw, dx, dy, dz = dw + d[m] * w[m], dx + d[m] * x[m], dy + d[m] * y[m], dz + d[m] * z[m]
    return aw, ax, ay, az, bw, bx, by, bz, cw, cx, cy, cz, dw, dx, dy, dz


@separate_kernel(NONE(MATRIX, MATRIX, FLAG, MATRIX))
def inner_products(left: Array, right: Array, upper: bool, out: Array) -> None:
    """``out = left right'``; where only its ``upper`` triangle is wanted, most of the rest is left out (zero).

    Sixteen at a time: four rows with four, of which the last is repeated where there are fewer.
    """
    count, others = out.shape
    length = left.shape[1]
    for i in range(count):
        clear(out[i])
    chunk = max(SHORTEST_CHUNK, IN_CACHE // max(count + others, 1))
    for start in range(0, length, chunk):
        stop = min(start + chunk, length)
        for i in range(0, count, 4):
            rows = min(4, count - i)
            a, b = left[i, start:stop], left[min(i + 1, count - 1), start:stop]
            c, d = left[min(i + 2, count - 1), start:stop], left[min(i + 3, count - 1), start:stop]
            for j in range(i if upper else 0, others, 4):
                columns = min(4, others - j)
                w, x = right[j, start:stop], right[min(j + 1, others - 1), start:stop]
                y, z = right[min(j + 2, others - 1), start:stop], right[min(j + 3, others - 1), start:stop]
                products = sixteen_products(a, b, c, d, w, x, y, z)
                for m in range(rows):
                    for n in range(columns):
                        out[i + m, j + n] += products[4 * m + n]


@kernel
def add_weighted(sums: Any, weights: Array, m: int, places: Any, row: Array, start: int) -> Any:
    """``sums[i] + weights[m, places[i]] row[start:]``, for six places and twice `WIDTH` columns."""
    here, there = load(row, start), load(row, start + WIDTH)
    first, second, third = weights[m, places[0]], weights[m, places[1]], weights[m, places[2]]
    fourth, fifth, sixth = weights[m, places[3]], weights[m, places[4]], weights[m, places[5]]
    return (
        (sums[0][0] + first * here, sums[0][1] + first * there),
        (sums[1][0] + second * here, sums[1][1] + second * there),
        (sums[2][0] + third * here, sums[2][1] + third * there),
        (sums[3][0] + fourth * here, sums[3][1] + fourth * there),
        (sums[4][0] + fifth * here, sums[4][1] + fifth * there),
        (sums[5][0] + sixth * here, sums[5][1] + sixth * there),
    )


@separate_kernel(NONE(ANY_MATRIX, MATRIX, MATRIX, WHOLE, MATRIX))
def weighted_sums(weights: Array, first: Array, second: Array, start: int, out: Array) -> None:
    """``out[i] = sum_m weights[m, i] rows[m, start:]`` for the rows of ``first`` and ``second``, as wide as ``out``.

    Six sums at a time, of which the last is repeated where there are fewer.
    """
    last = out.shape[0] - 1
    for j in range(0, out.shape[1], 2 * WIDTH):
        for i in range(0, out.shape[0], 6):
            places = (i, min(i + 1, last), min(i + 2, last), min(i + 3, last), min(i + 4, last), min(i + 5, last))
            none = spread(0.0), spread(0.0)
            sums = (none, none, none, none, none, none)
            for m in range(first.shape[0]):
                sums = add_weighted(sums, weights, m, places, first[m], start + j)
            for m in range(second.shape[0]):
                sums = add_weighted(sums, weights, first.shape[0] + m, places, second[m], start + j)
            for place in range(6):
                store(out[places[place]], j, sums[place][0])
                store(out[places[place]], j + WIDTH, sums[place][1])


@separate_kernel(NONE(ANY_MATRIX, MATRIX, VECTOR))
def replace_rows(weights: Array, rows: Array, buffer: Array) -> None:
    """``rows[:n] = weights' rows[:m]`` for ``weights`` ``(m, n)``, chunk by chunk through ``buffer`` (flat)."""
    count, made = weights.shape
    length = rows.shape[1]
    for start in range(0, length, CHUNK):
        wide = min(CHUNK, length - start)
        new = buffer[: made * wide].reshape((made, wide))
        weighted_sums(weights, rows[:count], rows[:0], start, new)
        for i in range(made):
            move(new[i], rows[i, start : start + wide])


@separate_kernel(NONE(MATRIX, WHOLE, MATRIX, VECTOR))
def polish(rows: Array, count: int, matrix: Array, buffer: Array) -> None:
    """One Newton-Schulz step toward orthonormal rows: ``rows <- (3 I - rows rows') rows / 2``.

    An error of size e in the rows' orthonormality becomes one of size e^2.
    """
    inner_products(rows[:count], rows[:count], True, matrix)
    for i in range(count):
        for j in range(i, count):
            value = (1.5 if i == j else 0.0) - 0.5 * matrix[i, j]
            matrix[i, j] = value
            matrix[j, i] = value
    replace_rows(matrix, rows, buffer)
