"""The optimality residual of `oco.domains.certificate`, compiled, for what `oco.domains._coupled` has found."""

from __future__ import annotations

import math

import numpy as np

from oco.compile import MATRIX, REAL, VECTOR, kernel, separate_kernel
from oco.domains._coupled_algebra import (
    BEFORE,
    GRADIENT,
    MOVED,
    STEP,
    TRIAL,
    WORK,
    Work,
    X,
    Z,
    add_rows,
    product,
    products_with,
)
from oco.domains._region import BOX, REGION, SIMPLEX, Region, project_box
from oco.domains.certificate import ROUNDING
from oco.types import Array

LARGEST, SMALLEST = 1e100, 1e-100
"""Sizes beyond these have squares that may overflow or vanish: the residual is infinite there."""


@kernel
def outside_sum(region: Region, x: Array) -> float:
    """The Euclidean distance of ``x``, a point of its hull, to its simplex or l1 ball."""
    total, count = 0.0, 0.0
    for i in range(x.size):
        total += abs(x[i])
        count += 1.0 if x[i] != 0.0 else 0.0
    excess = total - region.total
    if region.kind == SIMPLEX:
        excess = abs(excess)
    return max(excess, 0.0) / math.sqrt(max(count, 1.0))


@kernel
def gap_of_sum(region: Region, x: Array, normal: Array) -> float:
    """``max_z <normal, z - x>`` over a simplex or an l1 ball."""
    largest, own = -np.inf, 0.0
    for i in range(x.size):
        largest = max(largest, normal[i] if region.kind == SIMPLEX else abs(normal[i]))
    for i in range(x.size):
        # Term by term: a difference of the two sums would be known to fewer digits.
        own += abs(x[i]) * (largest - (normal[i] if x[i] >= 0.0 else -normal[i]))
    size = 0.0
    for i in range(x.size):
        size += abs(x[i])
    return own + largest * (region.total - size)


@kernel
def gap_of_box(region: Region, x: Array, normal: Array) -> float:
    """``max_z <normal, z - x>`` over a bounded box."""
    gap = 0.0
    for i in range(x.size):
        bound = region.upper[i] if normal[i] > 0.0 else region.lower[i]
        gap += normal[i] * (bound - x[i])
    return gap


@kernel
def gap_nearby(region: Region, x: Array, normal: Array, size: float, work: Work) -> float:
    """A bound on ``<normal, z - x>`` over the z of a box within ``size`` of x; see `_gap_nearby` there."""
    farther, nearest = work.points[Z], work.points[TRIAL]
    for i in range(x.size):
        farther[i] = x[i] + normal[i]
    project_box(farther, region.lower, region.upper, nearest, work.points[BEFORE])
    inner, square = 0.0, 0.0
    for i in range(x.size):
        moved = nearest[i] - x[i]
        inner += (normal[i] - moved) * moved
        square += moved * moved
    return inner + math.sqrt(square) * size


@kernel
def diameter_of(region: Region, dimension: int) -> float:
    """The l2 diameter of a box, a simplex or an l1 ball."""
    if region.kind == BOX:
        square = 0.0
        for i in range(dimension):
            square += (region.upper[i] - region.lower[i]) ** 2
        return math.sqrt(square)
    return region.total * (math.sqrt(2.0) if region.kind == SIMPLEX else 2.0)


@separate_kernel(REAL(REGION, VECTOR, REAL, MATRIX, WORK))
def coupled_residual(region: Region, y: Array, shift: float, weights: Array, work: Work) -> float:
    """`projection_residual` of line ``X`` as the projection of ``y`` in ``shift I + W'W``; infinite for odd scales."""
    x, offset, normal = work.points[X], work.points[TRIAL], work.points[MOVED]
    k = weights.shape[0]
    along, across = work.small[GRADIENT, :k], work.small[STEP, :k]
    own_size = math.sqrt(product(x, x))
    size = own_size + math.sqrt(product(y, y))
    diameter = diameter_of(region, x.size)
    if not (SMALLEST < size < LARGEST and diameter > SMALLEST):
        return np.inf
    for i in range(x.size):
        offset[i] = y[i] - x[i]
    products_with(weights, offset, along)
    products_with(weights, x, across)
    square = shift * product(offset, offset) + product(along, along)
    length = math.sqrt(shift * product(x, x) + product(across, across)) / size
    for i in range(x.size):
        normal[i] = shift * offset[i]
    add_rows(weights, along, 1.0, normal)
    if region.kind != BOX:
        gap = gap_of_sum(region, x, normal)
    elif diameter < np.inf:
        gap = gap_of_box(region, x, normal)
    else:
        gap = gap_nearby(region, x, normal, size, work)
    outside = 0.0 if region.kind == BOX else outside_sum(region, x)
    distance = math.sqrt(square) / size
    reach = diameter / size if diameter < np.inf else 1.0
    scale = distance * (distance + length) + ROUNDING * reach
    return max(max(gap, 0.0) / (size * size * scale), outside / min(size, diameter + own_size))
