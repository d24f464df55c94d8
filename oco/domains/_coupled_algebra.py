"""Scratch memory and linear algebra of `oco.domains._coupled`, compiled."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from oco.compile import INDICES, MATRIX, VECTOR, fast_kernel, kernel, record
from oco.domains._region import LOWER, UPPER
from oco.types import Array

Z, X, FACE, TRIAL, MOVED, BEFORE, POINTS = range(7)
"""Lines of ``points``: the point to project, its projection and face, a trial point, a step, the face before it."""
W, GRADIENT, STEP, SMALL = range(4)
"""Lines of ``small``."""


class Work(NamedTuple):
    """Scratch memory for up to k rows of W.

    ``points`` is ``(POINTS, d)``, ``small`` ``(SMALL, k)``; ``matrix`` has room for ``(k, k)``, ``rows`` for k d.
    """

    points: Array
    small: Array
    matrix: Array
    rows: Array
    places: np.ndarray[Any, Any]

    @classmethod
    def empty(cls, rank: int, dimension: int) -> Work:
        """Memory for ``rank`` numbers w."""
        places = np.zeros(dimension, dtype=np.int32)
        small = np.zeros((SMALL, rank))
        return cls(np.zeros((POINTS, dimension)), small, np.zeros(rank * rank), np.zeros(rank * dimension), places)


WORK = record(Work, MATRIX, MATRIX, VECTOR, VECTOR, INDICES)


@fast_kernel
def product(left: Array, right: Array) -> float:
    """``<left, right>``."""
    total = 0.0
    for i in range(left.size):
        total += left[i] * right[i]
    return total


@fast_kernel
def four_products(left: Array, a: Array, b: Array, c: Array, d: Array) -> tuple[float, float, float, float]:
    """The products of ``left`` with four vectors, in one pass."""
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    for i in range(left.size):
        first += left[i] * a[i]
        second += left[i] * b[i]
        third += left[i] * c[i]
        fourth += left[i] * d[i]
    return first, second, third, fourth


@kernel
def products_with(rows: Array, vector: Array, out: Array) -> None:
    """``out[a] = <rows[a], vector>``; the last row is repeated where fewer than four are left."""
    last = rows.shape[0] - 1
    for a in range(0, rows.shape[0], 4):
        b, c, d = min(a + 1, last), min(a + 2, last), min(a + 3, last)
        out[a], out[b], out[c], out[d] = four_products(vector, rows[a], rows[b], rows[c], rows[d])


@kernel
def add_rows(rows: Array, factors: Array, sign: float, out: Array) -> None:
    """``out += sign sum_a factors[a] rows[a]``, four rows at a time."""
    count, a = rows.shape[0], 0
    while a + 4 <= count:
        f, g, h, j = sign * factors[a], sign * factors[a + 1], sign * factors[a + 2], sign * factors[a + 3]
        for i in range(out.size):
            out[i] += (f * rows[a, i] + g * rows[a + 1, i]) + (h * rows[a + 2, i] + j * rows[a + 3, i])
        a += 4
    while a < count:
        f = sign * factors[a]
        for i in range(out.size):
            out[i] += f * rows[a, i]
        a += 1


@kernel
def curvature(weights: Array, shift: float, held: bool, work: Work) -> None:
    """``shift I + W P' W'`` into ``matrix``: the Gram matrix of free columns, centered where their sum is held."""
    k, d = weights.shape
    face, places = work.points[FACE], work.places
    count = 0
    for i in range(d):
        if face[i] != LOWER and face[i] != UPPER:
            places[count] = i
            count += 1
    rows = work.rows[: k * count].reshape((k, count))
    for a in range(k):
        row, source = rows[a], weights[a]
        if held:
            mean = 0.0
            for c in range(count):
                row[c] = face[places[c]] * source[places[c]]
                mean += row[c]
            mean /= count
            for c in range(count):
                row[c] -= mean
        else:
            for c in range(count):
                row[c] = source[places[c]]
    matrix = work.matrix[: k * k].reshape((k, k))
    for a in range(k):
        products_with(rows[: a + 1], rows[a], matrix[a])
        matrix[a, a] += shift


@kernel
def solve_definite(matrix: Array, right: Array, out: Array) -> bool:
    """Solve with a positive definite ``matrix``, whose lower triangle is used up; False at a pivot not above zero."""
    k = right.size
    for a in range(k):
        out[a] = right[a]
        for b in range(a):
            value = matrix[a, b]
            for m in range(b):
                value -= matrix[a, m] * matrix[b, m]
            value *= matrix[b, b]
            matrix[a, b] = value
            out[a] -= value * out[b]
        pivot = matrix[a, a]
        for m in range(a):
            pivot -= matrix[a, m] * matrix[a, m]
        if not pivot > 0.0:
            return False
        matrix[a, a] = 1.0 / math.sqrt(pivot)  # the inverse of the factor's diagonal
        out[a] *= matrix[a, a]
    for a in range(k - 1, -1, -1):
        for m in range(a + 1, k):
            out[a] -= matrix[m, a] * out[m]
        out[a] *= matrix[a, a]
    return True
