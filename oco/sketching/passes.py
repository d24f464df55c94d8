"""Passes over rows of directions: products, sums and corrections. Sums may be reassociated here, and only here."""

from __future__ import annotations

import numpy as np

from oco.compile import MATRIX, NONE, VECTOR, WHOLE, allocating_kernel, fast_kernel, kernel, separate_kernel
from oco.types import Array

CHUNK = 512
"""Columns that are worked on together, so that what is written stays in the cache."""
SMALL_PRODUCT = 512
"""Matrix products with fewer multiplications than this are done by a plain loop: calling BLAS costs more."""


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


@fast_kernel
def square_norm(vector: Array) -> float:
    """``|vector|^2``."""
    total = 0.0
    for j in range(vector.size):
        total += vector[j] * vector[j]
    return total


@fast_kernel
def dot(left: Array, right: Array) -> float:
    """``<left, right>``."""
    total = 0.0
    for j in range(left.size):
        total += left[j] * right[j]
    return total


@fast_kernel
def project(rows: Array, count: int, vector: Array, out: Array) -> None:
    """``out[i] = <rows[i], vector>`` for the first ``count`` rows, four at a time."""
    length = rows.shape[1]
    i = 0
    while i + 4 <= count:
        first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
        for j in range(length):
            value = vector[j]
            first += rows[i, j] * value
            second += rows[i + 1, j] * value
            third += rows[i + 2, j] * value
            fourth += rows[i + 3, j] * value
        out[i] = first
        out[i + 1] = second
        out[i + 2] = third
        out[i + 3] = fourth
        i += 4
    while i < count:
        first = 0.0
        for j in range(length):
            first += rows[i, j] * vector[j]
        out[i] = first
        i += 1


@fast_kernel
def add_rows(rows: Array, begin: int, count: int, start: int, coefficients: Array, sign: float, out: Array) -> None:
    """``out += sign sum_i coefficients[i] rows[i, start:][: out.size]`` over the ``count`` rows from ``begin`` on.

    Four rows at a time, each a slice of its own: LLVM vectorises a loop that counts from zero over a few vectors.
    """
    i = begin
    while i + 4 <= begin + count:
        a, b = rows[i, start : start + out.size], rows[i + 1, start : start + out.size]
        c, d = rows[i + 2, start : start + out.size], rows[i + 3, start : start + out.size]
        first, second = sign * coefficients[i], sign * coefficients[i + 1]
        third, fourth = sign * coefficients[i + 2], sign * coefficients[i + 3]
        for j in range(out.size):
            out[j] += (first * a[j] + second * b[j]) + (third * c[j] + fourth * d[j])
        i += 4
    while i < begin + count:
        a = rows[i, start : start + out.size]
        first = sign * coefficients[i]
        for j in range(out.size):
            out[j] += first * a[j]
        i += 1


@fast_kernel
def combine(rows: Array, count: int, coefficients: Array, sign: float, out: Array) -> None:
    """``out += sign sum_i coefficients[i] rows[i]`` over the first ``count`` rows."""
    for start in range(0, out.size, CHUNK):
        add_rows(rows, 0, count, start, coefficients, sign, out[start : start + CHUNK])


@fast_kernel
def combine_and_remove(
    rows: Array, count: int, coefficients: Array, out: Array, parts: Array, remainder: Array
) -> None:
    """`combine` into ``out`` and ``remainder -= sum_i parts[i] rows[i]``, reading every row once from far away."""
    for start in range(0, out.size, CHUNK):
        for i in range(0, count, 4):
            few = min(4, count - i)
            add_rows(rows, i, few, start, coefficients, 1.0, out[start : start + CHUNK])
            add_rows(rows, i, few, start, parts, -1.0, remainder[start : start + CHUNK])


@fast_kernel
def multiply_small(matrix: Array, rows: Array, out: Array) -> None:
    """``out = matrix rows`` by plain loops, four rows of the sum at a time."""
    inner = matrix.shape[1]
    length = rows.shape[1]
    for i in range(matrix.shape[0]):
        for j in range(length):
            out[i, j] = 0.0
        m = 0
        while m + 4 <= inner:
            first, second, third, fourth = matrix[i, m], matrix[i, m + 1], matrix[i, m + 2], matrix[i, m + 3]
            for j in range(length):
                out[i, j] += (first * rows[m, j] + second * rows[m + 1, j]) + (
                    third * rows[m + 2, j] + fourth * rows[m + 3, j]
                )
            m += 4
        while m < inner:
            first = matrix[i, m]
            for j in range(length):
                out[i, j] += first * rows[m, j]
            m += 1


@allocating_kernel
def product(left: Array, right: Array, out: Array) -> None:
    """``out = left right`` by the BLAS, for contiguous arrays."""
    np.dot(left, right, out)


@kernel
def multiply(matrix: Array, rows: Array, out: Array) -> None:
    """``out = matrix rows`` for contiguous arrays."""
    if matrix.size * rows.shape[1] <= SMALL_PRODUCT:
        multiply_small(matrix, rows, out)
    else:
        product(matrix, rows, out)


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
