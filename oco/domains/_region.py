"""Domains as compiled loops take them, and the Euclidean projections on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oco.compile import MATRIX, REAL, VECTOR, WHOLE, fast_kernel, kernel, record
from oco.types import Array

BOX, SIMPLEX, L1_BALL, BAND, SLICE = range(5)
"""Kinds of regions. A band bounds one linear function of the point, a slice fixes several."""

LOWER, FREE, UPPER, NEGATIVE = 0.0, 1.0, 3.0, -1.0
"""What a face says of a coordinate: at its lower bound (or zero), free, at its upper bound, free and negative."""


class Region(NamedTuple):
    """A domain of vectors in plain arrays; those that its kind does not need are empty.

    Attributes
    ----------
    kind
        One of the constants above.
    lower, upper
        ``(d,)``, the bounds of a box.
    total
        The sum of a simplex, the radius of an l1 ball.
    rows
        ``(r, d)``, the orthonormal rows whose products with the point a band bounds or a slice fixes.
    lows, highs
        ``(r,)``, the least and the largest of these products; equal for a slice.
    """

    kind: int
    lower: Array
    upper: Array
    total: float
    rows: Array
    lows: Array
    highs: Array


REGION = record(Region, WHOLE, VECTOR, VECTOR, REAL, MATRIX, VECTOR, VECTOR)


def box(lower: Array, upper: Array) -> Region:
    """The region of a box."""
    low, high = (np.array(bound, dtype=np.float64).ravel() for bound in (lower, upper))
    return Region(BOX, low, high, 0.0, np.zeros((0, 0)), np.zeros(0), np.zeros(0))


def sums(kind: int, total: float) -> Region:
    """The region of a simplex or an l1 ball."""
    return Region(kind, np.zeros(0), np.zeros(0), float(total), np.zeros((0, 0)), np.zeros(0), np.zeros(0))


def products(kind: int, rows: Array, lows: Array, highs: Array) -> Region:
    """The region of a band or a slice."""
    low, high = (np.array(bound, dtype=np.float64) for bound in (lows, highs))
    return Region(kind, np.zeros(0), np.zeros(0), 0.0, np.array(rows, dtype=np.float64), low, high)


@kernel
def project_box(z: Array, lower: Array, upper: Array, x: Array, face: Array) -> None:
    """Clip ``z`` into ``x``."""
    for i in range(z.size):
        value = z[i]
        low, high = value <= lower[i], value >= upper[i]
        x[i] = lower[i] if low else (upper[i] if high else value)
        face[i] = LOWER if low else (UPPER if high else FREE)


@fast_kernel
def above(sizes: Array, threshold: float) -> tuple[float, float]:
    """The sum of what exceeds ``threshold``, and the number of entries that do."""
    total, count = 0.0, 0.0
    for i in range(sizes.size):
        more = sizes[i] > threshold
        total += sizes[i] if more else 0.0
        count += 1.0 if more else 0.0
    return total, count


@fast_kernel
def sum_of(values: Array) -> float:
    """The sum of all entries."""
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total


@fast_kernel
def size_of(values: Array) -> float:
    """The sum of all absolute values; not finite where an entry is not."""
    total = 0.0
    for i in range(values.size):
        total += abs(values[i])
    return total


@kernel
def largest_of(values: Array) -> float:
    """The largest entry."""
    largest = -np.inf
    for i in range(values.size):
        largest = max(largest, values[i])
    return largest


@kernel
def sum_threshold(sizes: Array, total: float) -> float:
    """The theta with ``sum_i max(sizes_i - theta, 0) = total``, for sizes whose largest is zero.

    Newton's method on this equation climbs from the left, and ends after finitely many steps.
    """
    threshold = -total
    while True:
        excess, count = above(sizes, threshold)
        following = (excess - total) / count
        if not following > threshold:
            return threshold
        threshold = following


@kernel
def project_sum(z: Array, total: float, signed: bool, x: Array, face: Array) -> bool:
    """Project ``z`` on the simplex ``{x >= 0, sum x = total}``, or where ``signed`` on the ball ``|x|_1 <= total``.

    Returns whether the sum is held at ``total``.
    """
    for i in range(z.size):
        x[i] = abs(z[i]) if signed else z[i]
    if signed and sum_of(x) <= total:
        for i in range(z.size):
            x[i] = z[i]
            face[i] = FREE
        return False
    # Sizes are taken relative to the largest, so that the sum is right to rounding of total and not of z.
    largest = largest_of(x)
    for i in range(z.size):
        x[i] -= largest
    threshold = sum_threshold(x, total)
    for i in range(z.size):
        size = x[i] - threshold
        sign = NEGATIVE if signed and z[i] < 0.0 else FREE
        face[i] = sign if size > 0.0 else LOWER
        x[i] = size * sign if size > 0.0 else 0.0
    return True


@kernel
def project_coordinates(region: Region, z: Array, x: Array, face: Array) -> bool:
    """Project ``z`` on a box, a simplex or an l1 ball; whether the sum is held at the total."""
    if region.kind == BOX:
        project_box(z, region.lower, region.upper, x, face)
        return False
    return project_sum(z, region.total, region.kind == L1_BALL, x, face)


@kernel
def face_of(region: Region, x: Array, face: Array) -> bool:
    """The face of a point of a box, a simplex or an l1 ball; whether it is one to start from."""
    if region.kind == BOX:
        for i in range(x.size):
            low, high = x[i] <= region.lower[i], x[i] >= region.upper[i]
            face[i] = LOWER if low else (UPPER if high else FREE)
        return True
    size = 0.0
    for i in range(x.size):
        size += abs(x[i])
        face[i] = FREE if x[i] > 0.0 else (NEGATIVE if x[i] < 0.0 else LOWER)
    return size > 0.5 * region.total


@kernel
def place_on_face(region: Region, y: Array, face: Array, x: Array) -> bool:
    """The Euclidean projection of ``y`` on the affine hull of ``face``; whether the sum is held at the total."""
    if region.kind == BOX:
        for i in range(y.size):
            bound = region.lower[i] if face[i] == LOWER else region.upper[i]
            x[i] = y[i] if face[i] == FREE else bound
        return False
    total, count = 0.0, 0.0
    for i in range(y.size):
        total += face[i] * y[i]
        count += abs(face[i])
    excess = (total - region.total) / count
    for i in range(y.size):
        x[i] = y[i] - face[i] * excess if face[i] != LOWER else 0.0
    return True


@kernel
def inside(region: Region, x: Array) -> bool:
    """Whether ``x`` is a point that the domain's `project_in` would leave alone; False where it is not finite."""
    size = 0.0
    if region.kind == BOX:
        fine = True
        for i in range(x.size):
            fine &= region.lower[i] <= x[i]
            fine &= x[i] <= region.upper[i]
            size += abs(x[i])
        return fine and size < np.inf
    if region.kind == SIMPLEX or region.kind == L1_BALL:
        least, total = np.inf, 0.0
        for i in range(x.size):
            least = min(least, x[i])
            total += x[i]
            size += abs(x[i])
        if region.kind == SIMPLEX:
            return least >= 0.0 and total == region.total
        return size <= region.total
    for i in range(x.size):
        size += abs(x[i])
    fine = size < np.inf
    for m in range(region.rows.shape[0]):
        product = 0.0
        for i in range(x.size):
            product += region.rows[m, i] * x[i]
        fine &= region.lows[m] <= product
        fine &= product <= region.highs[m]
    return fine
