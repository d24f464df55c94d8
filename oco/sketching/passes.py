"""Passes over rows of directions: products, sums and corrections. Sums may be reassociated here, and only here."""

from __future__ import annotations

import numpy as np

from oco.compile import fast_kernel, kernel
from oco.types import Array

CHUNK = 512
"""Columns that are worked on together, so that what is written stays in the cache."""
SMALL_PRODUCT = 512
"""Matrix products with fewer multiplications than this are done by a plain loop: calling BLAS costs more."""


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
def combine(rows: Array, count: int, coefficients: Array, sign: float, out: Array) -> None:
    """``out += sign sum_i coefficients[i] rows[i]`` over the first ``count`` rows."""
    length = rows.shape[1]
    for start in range(0, length, CHUNK):
        stop = min(start + CHUNK, length)
        i = 0
        while i + 4 <= count:
            first, second = sign * coefficients[i], sign * coefficients[i + 1]
            third, fourth = sign * coefficients[i + 2], sign * coefficients[i + 3]
            for j in range(start, stop):
                out[j] += (first * rows[i, j] + second * rows[i + 1, j]) + (
                    third * rows[i + 2, j] + fourth * rows[i + 3, j]
                )
            i += 4
        while i < count:
            first = sign * coefficients[i]
            for j in range(start, stop):
                out[j] += first * rows[i, j]
            i += 1


@fast_kernel
def combine_and_remove(
    rows: Array, count: int, coefficients: Array, out: Array, parts: Array, remainder: Array
) -> None:
    """`combine` into ``out`` and ``remainder -= sum_i parts[i] rows[i]``, reading every row once."""
    length = rows.shape[1]
    for start in range(0, length, CHUNK):
        stop = min(start + CHUNK, length)
        i = 0
        while i + 4 <= count:
            first, second, third, fourth = (
                coefficients[i],
                coefficients[i + 1],
                coefficients[i + 2],
                coefficients[i + 3],
            )
            part_1, part_2, part_3, part_4 = parts[i], parts[i + 1], parts[i + 2], parts[i + 3]
            for j in range(start, stop):
                a, b, c, d = rows[i, j], rows[i + 1, j], rows[i + 2, j], rows[i + 3, j]
                out[j] += (first * a + second * b) + (third * c + fourth * d)
                remainder[j] -= (part_1 * a + part_2 * b) + (part_3 * c + part_4 * d)
            i += 4
        while i < count:
            first = coefficients[i]
            part_1 = parts[i]
            for j in range(start, stop):
                out[j] += first * rows[i, j]
                remainder[j] -= part_1 * rows[i, j]
            i += 1


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


@kernel
def multiply(matrix: Array, rows: Array, out: Array) -> None:
    """``out = matrix rows`` for contiguous arrays."""
    if matrix.size * rows.shape[1] <= SMALL_PRODUCT:
        multiply_small(matrix, rows, out)
    else:
        np.dot(matrix, rows, out)


@kernel
def replace_rows(matrix: Array, rows: Array, buffer: Array) -> None:
    """``rows[:n] = matrix rows[:m]`` for ``matrix`` ``(n, m)``, chunk by chunk through ``buffer`` (flat)."""
    made, count = matrix.shape
    length = rows.shape[1]
    for start in range(0, length, CHUNK):
        wide = min(CHUNK, length - start)
        old = buffer[: count * wide].reshape((count, wide))
        new = buffer[count * wide : (count + made) * wide].reshape((made, wide))
        for i in range(count):
            for j in range(wide):
                old[i, j] = rows[i, start + j]
        multiply(matrix, old, new)
        for i in range(made):
            for j in range(wide):
                rows[i, start + j] = new[i, j]


@kernel
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
