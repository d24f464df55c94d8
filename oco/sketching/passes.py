"""Passes over rows of directions: sums and corrections. Sums are taken in any order only here and in `products`."""

from __future__ import annotations

from oco.compile import kernel
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
def add_multiple(vector: Array, factor: float, out: Array) -> None:
    """``out += factor vector``."""
    for j in range(0, out.size, WIDTH):
        store(out, j, load(out, j) + factor * load(vector, j))


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
