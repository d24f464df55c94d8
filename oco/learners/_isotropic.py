"""Rounds of gradient descent with one step size for all coordinates: OGD and AdaGrad-norm.

``x <- P(x - eta_t g)`` with the Euclidean projection P on a ball (or none), and ``eta_t`` from a schedule.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oco.compile import VECTOR, WHOLE, kernel, rows_of, separate_kernel
from oco.lanes import WIDTH, load, spread, store, total
from oco.learners._records import Stream
from oco.learners._settled import REFUSED, outcome_of
from oco.losses.scalar import evaluate
from oco.sketching.numerics import power_of_two
from oco.sketching.passes import dot, square_norm
from oco.types import Array

ROUNDS, UNIT, SQUARES = range(3)
"""Places in ``numbers``: rounds, the unit of gradients (a power of two), the sum of squared norms in units squared."""
SQUARE_ROOT, CONSTANT, HARMONIC, ADAPTIVE = range(4)
"""Schedules: ``rate / sqrt(t)``, ``rate``, ``rate / t``, ``rate / sqrt(sum_s |g_s|^2)``."""
RULE = np.dtype((np.record, [("schedule", np.int64), ("rate", np.float64), ("radius", np.float64)]))
"""The schedule, its rate, and the radius of the ball (infinite for none)."""

Rule: TypeAlias = NDArray[np.record]
"""An array of one `RULE`, which costs nothing to pass."""

LARGE = 1e100
"""Squares below it can be added up and multiplied by a length without overflow."""
SMALL = 1e-100
"""Squares above it have lost no digits to underflow."""


@kernel
def norm_of(row: Array) -> float:
    """``|row|``, also where squares overflow or vanish; not finite where an entry is not."""
    square = square_norm(row)
    if SMALL < square < LARGE:
        return math.sqrt(square)
    largest = 0.0
    for j in range(row.size):
        size = abs(row[j])
        if not size <= largest:
            largest = size
            if not np.isfinite(size):
                return math.inf
    if largest == 0.0:
        return 0.0
    unit = power_of_two(largest)
    total = 0.0
    for j in range(row.size):
        total += (row[j] / unit) ** 2
    return unit * math.sqrt(total)


@kernel
def next_step(rule: Rule, length: float, numbers: Array) -> float:
    """``eta_t`` for a gradient of norm ``length``; counts the round."""
    schedule, rate = rule[0].schedule, float(rule[0].rate)
    numbers[ROUNDS] += 1.0
    if schedule == CONSTANT:
        return rate
    if schedule == SQUARE_ROOT:
        return rate / math.sqrt(numbers[ROUNDS])
    if schedule == HARMONIC:
        return rate / float(numbers[ROUNDS])
    if length == 0.0:
        return 0.0
    if not length <= LARGE * numbers[UNIT]:
        unit = power_of_two(length)
        numbers[SQUARES] *= (numbers[UNIT] / unit) ** 2
        numbers[UNIT] = unit
    numbers[SQUARES] += (length / numbers[UNIT]) ** 2
    return rate / (float(numbers[UNIT]) * math.sqrt(numbers[SQUARES]))


@kernel
def isotropic_round(row: Array, slope: float, point: Array, numbers: Array, rule: Rule) -> bool:
    """One round with the gradient ``slope * row``; False, with nothing changed, where it is not finite."""
    length = abs(slope) * norm_of(row)
    if not np.isfinite(length):
        return False
    factor, radius = -next_step(rule, length, numbers) * slope, rule[0].radius
    for j in range(row.size):
        point[j] += factor * row[j]
    if radius < np.inf:
        norm = norm_of(point)
        if norm > radius:
            shrink = radius / norm
            for j in range(row.size):
                point[j] *= shrink
    return True


@separate_kernel(WHOLE(VECTOR, VECTOR, VECTOR, rows_of(RULE)), from_python=True)
def isotropic_online(gradient: Array, point: Array, numbers: Array, rule: Rule) -> int:
    """`isotropic_round` for Python, which learns what became of it."""
    if not isotropic_round(gradient, 1.0, point, numbers, rule):
        return REFUSED
    return outcome_of(point, rule[0].radius)


@kernel
def descend(row: Array, factor: float, point: Array, following: Array) -> tuple[float, float, float]:
    """``point += factor row`` in one pass with ``|point|^2``, ``<following, point>`` and ``|following|^2`` after it."""
    square, product, length = spread(0.0), spread(0.0), spread(0.0)
    for j in range(0, point.size, WIDTH):
        moved, coming = load(point, j) + factor * load(row, j), load(following, j)
        store(point, j, moved)
        square += moved * moved
        product += coming * moved
        length += coming * coming
    return total(square), total(product), total(length)


@kernel
def isotropic_dense(stream: Stream, point: Array, numbers: Array, rule: Rule) -> int:
    """All rounds of a block of dense rows; the first that was not finite, else -1.

    The pass that moves the point takes its product with the next row too.
    """
    rows, outcome, radius = stream.dense, stream.outcome, float(rule[0].radius)
    product, length = dot(rows[0], point), square_norm(rows[0])
    for i in range(stream.targets.size):
        margin = product + stream.offsets[i]
        loss, slope = evaluate(stream.code, stream.parameter, margin, stream.targets[i])
        outcome[0, i] = margin
        outcome[1, i] = loss
        outcome[2, i] = slope
        step = abs(slope) * (math.sqrt(length) if SMALL < length < LARGE else norm_of(rows[i]))
        if not np.isfinite(margin + loss + slope + step):
            return i
        factor = -next_step(rule, step, numbers) * slope
        square, product, length = descend(rows[i], factor, point, rows[min(i + 1, stream.targets.size - 1)])
        if radius < np.inf and not SMALL < square <= min(LARGE, radius * radius):
            norm = norm_of(point)
            if norm > radius:
                shrink = radius / norm
                for j in range(point.size):
                    point[j] *= shrink
                product *= shrink
    return -1


@kernel
def isotropic_sparse(stream: Stream, point: Array, numbers: Array, rule: Rule) -> int:
    """`isotropic_dense` for CSR rows in O(nnz) a round: ``x = scale * point`` with the norm of x carried along."""
    data, indices, indptr, outcome = stream.data, stream.indices, stream.indptr, stream.outcome
    scale, radius = 1.0, rule[0].radius
    square = square_norm(point)
    stopped = -1
    for i in range(stream.targets.size):
        begin, end = indptr[i], indptr[i + 1]
        product = 0.0
        for place in range(begin, end):
            product += data[place] * point[indices[place]]
        product *= scale
        margin = product + stream.offsets[i]
        loss, slope = evaluate(stream.code, stream.parameter, margin, stream.targets[i])
        outcome[0, i] = margin
        outcome[1, i] = loss
        outcome[2, i] = slope
        length = abs(slope) * norm_of(data[begin:end])
        if not np.isfinite(margin + loss + slope + length):
            stopped = i
            break
        factor = -next_step(rule, length, numbers) * slope
        scaled = factor / scale
        overflow = 0.0
        for place in range(begin, end):
            point[indices[place]] += scaled * data[place]
            overflow += 0.0 * point[indices[place]]
        if overflow != 0.0:  # not a number: an entry is not finite any more
            stopped = i
            break
        if radius < np.inf:
            row_length = length / abs(slope) if slope != 0.0 else 0.0
            square += factor * (2.0 * product + factor * row_length * row_length)
            if not square <= LARGE * LARGE:
                # A step so long that its square overflows, or loses the point: O(d), once.
                norm = norm_of(point)
                for j in range(point.size):
                    point[j] *= radius / norm
                scale = 1.0
                square = square_norm(point)
            elif square > radius * radius:
                scale *= radius / math.sqrt(square)
                square = radius * radius
                if scale < SMALL:
                    for j in range(point.size):
                        point[j] *= scale
                    scale = 1.0
    if scale != 1.0:
        for j in range(point.size):
            point[j] *= scale
    return stopped
