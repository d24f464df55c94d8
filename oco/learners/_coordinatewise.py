"""Rounds of diagonal AdaGrad: ``x_i <- x_i - rate g_i / sqrt(delta + sum_s g_{s,i}^2)``, projected in that norm."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oco.compile import MATRIX, VECTOR, WHOLE, kernel, rows_of, separate_kernel
from oco.domains._shrinkage import ball_multiplier
from oco.lanes import WIDTH, inverse_sqrt, load, multiply_add, spread, store, total
from oco.learners._records import Stream
from oco.learners._settled import REFUSED, outcome_of
from oco.losses.scalar import evaluate
from oco.sketching.numerics import OUTGROWN, power_of_two
from oco.sketching.passes import dot, square_norm
from oco.types import Array

LEAST, LARGEST = 5e-324, 1e300
"""Limits of what is added to sums before their root: a coordinate without weight has no gradient either."""
SURELY_FITS = 1e6
"""A gradient with a sum of absolute values up to this many units needs no other unit: `OUTGROWN` is more."""
FAR = 1e100
"""Points longer than this are projected in units of their length."""
ROUNDS, UNIT = range(2)
"""Places in ``numbers``: rounds, and the unit of gradients (a power of two) in whose square the sums are kept."""

RULE = np.dtype((np.record, [("rate", np.float64), ("delta", np.float64), ("radius", np.float64)]))
"""The learning rate, what is added to the sums of squares, and the radius of the ball (infinite for none)."""

Rule: TypeAlias = NDArray[np.record]
"""An array of one `RULE`, which kernels take faster than a tuple."""


@kernel
def fit_unit(row: Array, slope: float, sums: Array, numbers: Array) -> bool:
    """Make the unit suit the gradient ``slope * row``; False where it is not finite."""
    largest = 0.0
    for j in range(row.size):
        size = abs(slope * row[j])
        if not size <= largest:
            largest = size
            if not np.isfinite(size):
                return False
    if largest > OUTGROWN * numbers[UNIT]:
        unit = power_of_two(largest)
        shrink = (numbers[UNIT] / unit) ** 2
        for j in range(sums.size):
            sums[j] *= shrink
        numbers[UNIT] = unit
    return True


@kernel
def largest_of(point: Array) -> float:
    """``max_j |point_j|``."""
    largest = 0.0
    for j in range(point.size):
        largest = max(largest, abs(point[j]))
    return largest


@kernel
def project_on_ball(point: Array, sums: Array, ridge: float, radius: float, work: Array) -> None:
    """``x <- H (H + mu)^{-1} x`` with ``H = diag(sqrt(sums + ridge))``, onto the sphere; O(d) a Newton step."""
    size = 1.0
    if not square_norm(point) <= FAR * FAR:  # in units of the point: mu is the same
        size = power_of_two(largest_of(point))
    for j in range(point.size):
        work[0, j] = np.sqrt(sums[j] + ridge)
        work[1, j] = (point[j] / size) ** 2
    multiplier, free = ball_multiplier(work[0], work[1], 0.0, 0.0, radius / size)
    for j in range(point.size):
        value = work[0, j]
        point[j] *= value / (value + multiplier) if value > 0.0 else free


@kernel
def diagonal_round(
    row: Array, slope: float, point: Array, sums: Array, numbers: Array, rule: Rule, work: Array
) -> bool:
    """One round with the gradient ``slope * row``; False, with nothing changed, where it is not finite."""
    factor = slope / numbers[UNIT] if numbers[UNIT] > 0.0 else np.inf
    square = factor * factor * square_norm(row)
    if not square <= OUTGROWN:
        if not fit_unit(row, slope, sums, numbers):
            return False
        factor = slope / numbers[UNIT] if numbers[UNIT] > 0.0 else 0.0
    numbers[ROUNDS] += 1.0
    if factor == 0.0:
        return True
    ridge = rule[0].delta / numbers[UNIT] ** 2
    for j in range(row.size):
        part = factor * row[j]
        total = sums[j] + part * part
        sums[j] = total
        total += ridge
        point[j] -= rule[0].rate * part / np.sqrt(total if total > 0.0 else 1.0)
    if rule[0].radius < np.inf and not square_norm(point) <= rule[0].radius * rule[0].radius:
        project_on_ball(point, sums, ridge, rule[0].radius, work)
    return True


@separate_kernel(WHOLE(VECTOR, VECTOR, VECTOR, VECTOR, rows_of(RULE), MATRIX), from_python=True)
def diagonal_online(gradient: Array, point: Array, sums: Array, numbers: Array, rule: Rule, work: Array) -> int:
    """`diagonal_round` for Python, which learns what became of it."""
    if not diagonal_round(gradient, 1.0, point, sums, numbers, rule, work):
        return REFUSED
    return outcome_of(point, rule[0].radius)


@kernel
def descend(
    row: Array, factor: float, rate: float, ridge: float, point: Array, sums: Array, following: Array
) -> tuple[float, float, float]:
    """Take a step in one pass with ``|point|_2^2``, ``<following, point>`` and ``|following|_1`` after it."""
    square, product, size = spread(0.0), spread(0.0), spread(0.0)
    if not ridge >= LEAST:
        ridge = LEAST
    elif ridge > LARGEST:
        ridge = LARGEST
    for j in range(0, point.size, WIDTH):
        part, coming = factor * load(row, j), load(following, j)
        summed = multiply_add(part, part, load(sums, j))
        store(sums, j, summed)
        moved = multiply_add(-rate * part, inverse_sqrt(summed + ridge), load(point, j))
        store(point, j, moved)
        square = multiply_add(moved, moved, square)
        product = multiply_add(coming, moved, product)
        size += abs(coming)
    return total(square), total(product), total(size)


@kernel
def diagonal_dense(stream: Stream, point: Array, sums: Array, numbers: Array, rule: Rule, work: Array) -> int:
    """All rounds of a block of dense rows; the first that was not finite, else -1.

    The pass that moves the point takes its product with the next row too.
    """
    rows, outcome, last = stream.dense, stream.outcome, stream.targets.size - 1
    rate, delta, radius = float(rule[0].rate), float(rule[0].delta), float(rule[0].radius)
    _, product, size = descend(rows[0], 0.0, rate, delta, point, sums, rows[0])
    inverse = 1.0 / numbers[UNIT] if numbers[UNIT] > 0.0 else np.inf  # exact: the unit is a power of two
    ridge = delta * inverse * inverse if delta > 0.0 else 0.0
    for i in range(last + 1):
        margin = product + stream.offsets[i]
        loss, slope = evaluate(stream.code, stream.parameter, margin, stream.targets[i])
        outcome[0, i] = margin
        outcome[1, i] = loss
        outcome[2, i] = slope
        if not np.isfinite(margin + loss + slope):
            return i
        factor = slope * inverse
        if not abs(factor) * size <= SURELY_FITS:
            if not fit_unit(rows[i], slope, sums, numbers):
                return i
            inverse = 1.0 / numbers[UNIT] if numbers[UNIT] > 0.0 else np.inf
            ridge = delta * inverse * inverse if delta > 0.0 else 0.0
            factor = slope / numbers[UNIT] if numbers[UNIT] > 0.0 else 0.0
        numbers[ROUNDS] += 1.0
        following = rows[min(i + 1, last)]
        square, product, size = descend(rows[i], factor, rate, ridge, point, sums, following)
        if factor != 0.0 and radius < np.inf and not square <= radius * radius:
            project_on_ball(point, sums, ridge, radius, work)
            product = dot(following, point)
    return -1


@kernel
def diagonal_sparse(stream: Stream, point: Array, sums: Array, numbers: Array, rule: Rule, work: Array) -> int:
    """`diagonal_dense` for CSR rows in O(nnz) a round, O(d) in those that leave the ball."""
    data, indices, indptr, outcome = stream.data, stream.indices, stream.indptr, stream.outcome
    rate, delta, radius = rule[0].rate, rule[0].delta, rule[0].radius
    norm_square = square_norm(point)
    for i in range(stream.targets.size):
        begin, end = indptr[i], indptr[i + 1]
        margin = stream.offsets[i]
        for place in range(begin, end):
            margin += data[place] * point[indices[place]]
        loss, slope = evaluate(stream.code, stream.parameter, margin, stream.targets[i])
        outcome[0, i] = margin
        outcome[1, i] = loss
        outcome[2, i] = slope
        if not np.isfinite(margin + loss + slope) or not fit_unit(data[begin:end], slope, sums, numbers):
            return i
        numbers[ROUNDS] += 1.0
        if slope == 0.0 or numbers[UNIT] == 0.0:
            continue
        factor = slope / numbers[UNIT]
        ridge = delta / numbers[UNIT] ** 2
        overflow = 0.0
        for place in range(begin, end):
            j = indices[place]
            part = factor * data[place]
            sums[j] += part * part
            total = sums[j] + ridge
            old = point[j]
            new = old - rate * part / np.sqrt(total if total > 0.0 else 1.0)
            point[j] = new
            norm_square += (new - old) * (new + old)
            overflow += 0.0 * new
        if overflow != 0.0:  # not a number: an entry is not finite any more
            return i
        if radius < np.inf and not norm_square <= radius * radius:
            project_on_ball(point, sums, ridge, radius, work)
            norm_square = square_norm(point)
    return -1
