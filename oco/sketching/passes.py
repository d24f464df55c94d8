"""Passes over rows of directions: products, sums and corrections. Sums are taken in any order here, and only here."""

from __future__ import annotations

import numpy as np

from oco.compile import MATRIX, NONE, VECTOR, WHOLE, allocating_kernel, kernel, separate_kernel
from oco.lanes import WIDTH, load, spread, store, total
from oco.types import Array

CHUNK = 272
"""Columns that are worked on together, so that what is written stays in the cache. (Not a power of two, at which rows
would share the same few places of the cache.)"""


@kernel
def clear(vector: Array, begin: int = 0) -> None:
    """Zeros from entry ``begin`` on. (A slice that is assigned to compiles the text of its error message too.)"""
    for j in range(begin, vector.size):
        vector[j] = 0.0


@kernel
def move(vector: Array, out: Array) -> None:
    """``out = vector``."""
    for j in range(out.size):
        out[j] = vector[j]


@kernel
def square_norm(vector: Array) -> float:
    """``|vector|^2``."""
    return dot(vector, vector)


@kernel
def dot(left: Array, right: Array) -> float:
    """``<left, right>``."""
    even, odd = spread(0.0), spread(0.0)
    for j in range(0, left.size, 2 * WIDTH):
        even += load(left, j) * load(right, j)
        odd += load(left, j + WIDTH) * load(right, j + WIDTH)
    return total(even + odd)


@kernel
def project(rows: Array, count: int, vector: Array, out: Array) -> None:
    """``out[i] = <rows[i], vector>`` for the first ``count`` rows, four at a time.

    A vector that is shorter than the rows is zero from its end on.
    """
    i = 0
    while i + 4 <= count:
        first, second, third, fourth = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
        for j in range(0, vector.size, WIDTH):
            values = load(vector, j)
            first += load(rows[i], j) * values
            second += load(rows[i + 1], j) * values
            third += load(rows[i + 2], j) * values
            fourth += load(rows[i + 3], j) * values
        out[i] = total(first)
        out[i + 1] = total(second)
        out[i + 2] = total(third)
        out[i + 3] = total(fourth)
        i += 4
    while i < count:
        first = spread(0.0)
        for j in range(0, vector.size, WIDTH):
            first += load(rows[i], j) * load(vector, j)
        out[i] = total(first)
        i += 1


@kernel
def combine(rows: Array, count: int, coefficients: Array, sign: float, out: Array) -> None:
    """``out += sign sum_i coefficients[i] rows[i]`` over the first ``count`` rows."""
    for j in range(0, out.size, 2 * WIDTH):
        left, right = load(out, j), load(out, j + WIDTH)
        for i in range(count):
            coefficient = sign * coefficients[i]
            left += coefficient * load(rows[i], j)
            right += coefficient * load(rows[i], j + WIDTH)
        store(out, j, left)
        store(out, j + WIDTH, right)


@kernel
def combine_and_remove(
    rows: Array, count: int, coefficients: Array, out: Array, parts: Array, remainder: Array
) -> None:
    """`combine` into ``out`` and ``remainder -= sum_i parts[i] rows[i]``, reading every row once."""
    for j in range(0, out.size, 2 * WIDTH):
        left, right = load(out, j), load(out, j + WIDTH)
        left_rest, right_rest = load(remainder, j), load(remainder, j + WIDTH)
        for i in range(count):
            left_row, right_row = load(rows[i], j), load(rows[i], j + WIDTH)
            left += coefficients[i] * left_row
            right += coefficients[i] * right_row
            left_rest -= parts[i] * left_row
            right_rest -= parts[i] * right_row
        store(out, j, left)
        store(out, j + WIDTH, right)
        store(remainder, j, left_rest)
        store(remainder, j + WIDTH, right_rest)


@allocating_kernel
def product(left: Array, right: Array, out: Array) -> None:
    """``out = left right`` by the BLAS, for contiguous arrays."""
    np.dot(left, right, out)


@kernel
def multiply(matrix: Array, rows: Array, out: Array) -> None:
    """``out = matrix rows``, as many columns as ``out`` has.

    Four rows and `WIDTH` columns of it at a time, in registers: for matrices that fit into the cache faster than the
    BLAS, for small ones four times as fast.
    """
    made, inner = matrix.shape
    i = 0
    while i < made:
        if made < 4:
            for j in range(0, out.shape[1], WIDTH):
                first = spread(0.0)
                for m in range(inner):
                    first += matrix[i, m] * load(rows[m], j)
                store(out[i], j, first)
            i += 1
            continue
        i = min(i, made - 4)  # the last four may overlap those before
        for j in range(0, out.shape[1], WIDTH):
            first, second, third, fourth = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
            for m in range(inner):
                values = load(rows[m], j)
                first += matrix[i, m] * values
                second += matrix[i + 1, m] * values
                third += matrix[i + 2, m] * values
                fourth += matrix[i + 3, m] * values
            store(out[i], j, first)
            store(out[i + 1], j, second)
            store(out[i + 2], j, third)
            store(out[i + 3], j, fourth)
        i += 4


@separate_kernel(NONE(MATRIX, MATRIX, VECTOR))
def replace_rows(matrix: Array, rows: Array, buffer: Array) -> None:
    """``rows[:n] = matrix rows[:m]`` for ``matrix`` ``(n, m)``, chunk by chunk through ``buffer`` (flat)."""
    made, count = matrix.shape
    length = rows.shape[1]
    for start in range(0, length, CHUNK):
        wide = min(CHUNK, length - start)
        old = buffer[: count * wide].reshape((count, wide))
        new = buffer[count * wide : (count + made) * wide].reshape((made, wide))
        for i in range(count):
            move(rows[i, start : start + wide], old[i])
        multiply(matrix, old, new)
        for i in range(made):
            move(new[i], rows[i, start : start + wide])


@separate_kernel(NONE(MATRIX, WHOLE, MATRIX, VECTOR))
def polish(rows: Array, count: int, matrix: Array, buffer: Array) -> None:
    """One Newton-Schulz step towards orthonormal rows: ``rows <- (3 I - rows rows') rows / 2``.

    An error of size e in the rows' orthonormality becomes one of size e^2.
    """
    for i in range(count):
        for j in range(i + 1):
            product = -0.5 * dot(rows[i], rows[j])
            matrix[i, j] = product
            matrix[j, i] = product
        matrix[i, i] += 1.5
    replace_rows(matrix, rows, buffer)
