"""The step of every learner that is preconditioned by a sketch, in the sketch's coordinates.

With eigenpairs (lam_i, v_i) and escaped mass rho, all of them use one family of preconditioners::

    H = outer I + (Gbar + alpha I)^power,     alpha = inner + compensation * rho

and step from x (mirror descent) or from the sum of all gradients (dual averaging)::

    y = x - rate * H^{-1} g          or          y = -rate * H^{-1} sum_s g_s

followed by the projection on a ball in the norm of H. What differs is a row of `parameters`:

    ============  ======  =====  =====  ============  =========  ====================
    learner       power   outer  inner  compensation  averaging  sketched vector
    ============  ======  =====  =====  ============  =========  ====================
    FD-AdaGrad    1/2     0      delta  1             no         g
    Ada-FD        1/2     delta  0      0             no         g
    FD-SON        1       0      delta  0             no         sqrt(sigma + eta_t) g
    RFD-SON       1       0      delta  1/2           no         sqrt(sigma + eta_t) g
    FTSL          1/2     delta  0      1             yes        g
    ============  ======  =====  =====  ============  =========  ====================

``H^{-1}`` is the pseudo-inverse: where the complement's eigenvalue is zero, so is the step there.
"""

from __future__ import annotations

import math

import numpy as np

from oco.compile import FLAG, MATRIX, REAL, VECTOR, WHOLE, kernel, separate_kernel
from oco.domains._shrinkage import ball_multiplier
from oco.sketching.kernels import absorb
from oco.sketching.numerics import INSIDE_SPAN
from oco.sketching.passes import clear, combine, dot, project, square_norm
from oco.sketching.state import (
    ANCHOR_SQUARE,
    COORDINATES,
    ESCAPED,
    HEADER,
    MADE,
    METRIC,
    POLES,
    PRODUCTS,
    RANK,
    ROOTS,
    SQUARES,
    STEP,
    UNIT,
    WEIGHTS,
)
from oco.types import Array

(
    POWER, OUTER, INNER, COMPENSATION, RATE, RADIUS, AVERAGING, CURVATURE, WEIGHT_SCALE, WEIGHT_EXPONENT, DECAY, KEEP,
    TOLERANCE, PROJECTION,
) = range(14)  # fmt: skip
"""Places in ``parameters``. Curvature and the next two give the weight ``sqrt(sigma + scale t^-exponent)`` of sketched
vectors; the past is weighed by decay; a shrink keeps the first ``keep`` directions (0: all but the last), and happens
only within a tolerance >= 0; ``projection`` is added to H^2 in the norm of the projection."""

SMALLEST_UNIT = 1e-140
"""Units above this have squares that are normal numbers."""


def parameters(
    *,
    rate: float,
    power: float = 0.5,
    outer: float = 0.0,
    inner: float = 0.0,
    compensation: float = 1.0,
    radius: float = math.inf,
    curvature: float = 1.0,
    weight_scale: float = 0.0,
    weight_exponent: float = 0.0,
    decay: float = 1.0,
    keep: int = 0,
    tolerance: float = -1.0,
    projection: float = 0.0,
) -> Array:
    """The numbers that make a learner of the family; by default FD-AdaGrad on an unbounded domain."""
    return np.array(
        [
            power, outer, inner, compensation, rate, radius, 0.0, curvature, weight_scale, weight_exponent, decay,
            keep, tolerance, projection,
        ],
        dtype=np.float64,
    )  # fmt: skip


@kernel
def weight_of_round(parameters: Array, round_index: float) -> float:
    """``c_t = sqrt(sigma + scale t^-exponent)``, by which gradients are multiplied before they are sketched."""
    if parameters[WEIGHT_SCALE] == 0.0:
        return math.sqrt(parameters[CURVATURE])
    return math.sqrt(parameters[CURVATURE] + parameters[WEIGHT_SCALE] * round_index ** -parameters[WEIGHT_EXPONENT])


@kernel
def preconditioner(values: Array, rank: int, escaped: float, unit: float, parameters: Array, metric: Array) -> float:
    """Eigenvalues of H along the sketch, into ``metric``; returns the one on the complement."""
    alpha = parameters[COMPENSATION] * escaped
    inner = parameters[INNER]
    outer = parameters[OUTER]
    square = unit * unit
    if inner > 0.0 and unit > SMALLEST_UNIT:  # else the square may vanish, and inner is all there is
        alpha += inner / square
        inner = 0.0
    if parameters[POWER] == 0.5:
        for i in range(rank):
            root = unit * np.sqrt(values[i] + alpha)
            metric[i] = outer + (root if inner == 0.0 else np.sqrt(root * root + inner))
        root = unit * np.sqrt(alpha)
        return float(outer + (root if inner == 0.0 else np.sqrt(root * root + inner)))
    for i in range(rank):
        metric[i] = outer + (square * (values[i] + alpha) + inner)
    return float(outer + (square * alpha + inner))


@kernel
def absorb_by(
    parameters: Array, active: int, directions: Array, numbers: Array, lines: Array, work: Array, capacity: int,
    dimension: int,
) -> int:  # fmt: skip
    """`absorb` as the learner's parameters have it."""
    keep = int(parameters[KEEP]) if parameters[KEEP] > 0.0 else capacity
    return absorb(
        active, directions, numbers, lines, work, capacity, parameters[DECAY], keep, parameters[TOLERANCE], dimension
    )


@kernel
def remove_spanned(directions: Array, rank: int, point: Array, coordinates: Array, lines: Array) -> float:
    """Into line ``POLES`` what ``point`` has beyond the directions, zero where that is rounding; its square."""
    beyond, again = lines[POLES], lines[ROOTS]
    for j in range(point.size):
        beyond[j] = point[j]
    for _ in range(2):
        project(directions, rank, beyond, again)
        combine(directions, rank, again, -1.0, beyond)
    square = square_norm(beyond)
    if square <= INSIDE_SPAN * INSIDE_SPAN * (square_norm(coordinates[:rank]) + square):
        clear(beyond)
        return 0.0
    return square


@separate_kernel(REAL(WHOLE, REAL, MATRIX, VECTOR, VECTOR, VECTOR, MATRIX, WHOLE, FLAG))
def step_in_coordinates(
    count: int, weight: float, directions: Array, point: Array, numbers: Array, parameters: Array, lines: Array,
    capacity: int, identity: bool,
) -> float:  # fmt: skip
    """The next point as ``scale * anchor + sum_j STEP[j] basis_j``, after `absorb` returned ``count``.

    The anchor is the point (mirror descent) or the sum of gradients (dual averaging, the new gradient included);
    ``point`` holds its coordinates in the basis, without the new gradient. Fills line ``STEP``, returns the scale,
    which is NaN where the preconditioner overflows. ``identity`` says that the basis is that of the space.
    """
    metric = lines[METRIC]
    brought = lines[PRODUCTS]
    made = lines[MADE]
    step = lines[STEP]
    weights = lines[WEIGHTS]
    rank = int(numbers[RANK])
    unit = numbers[UNIT]
    radius = parameters[RADIUS]
    rate = parameters[RATE]
    averaging = parameters[AVERAGING] != 0.0
    rest = preconditioner(numbers[HEADER : HEADER + capacity], rank, numbers[ESCAPED], unit, parameters, metric)
    if not np.isfinite(rest + (metric[0] if rank > 0 else 0.0)):
        return np.nan
    length = unit / weight  # of the gradient whose coordinates along the directions are the weights
    clear(step)
    scale = 1.0

    # y: coordinates ``made`` along what is kept, square ``outside`` beyond; ``brought`` is what the scaled anchor has
    # along what is kept and ``along`` what is to be added there.
    if averaging:
        complete = rank == directions.shape[1]  # no complement: nothing of the anchor itself is left
        scale = -rate / rest if rest > 0.0 and not complete else 0.0
        coordinates = lines[COORDINATES]
        numbers[ANCHOR_SQUARE] += length * (2.0 * dot(point, coordinates) + length * square_norm(coordinates))
        for j in range(point.size):
            point[j] += length * coordinates[j]
        project(directions, rank, point, brought)
        if identity:
            # What the anchor has beyond, itself: it may be far less than a difference of squares can tell.
            outside = remove_spanned(directions, rank, point, brought, lines)
            for i in range(rank):
                made[i] = -rate / metric[i] * brought[i]
                brought[i] = 0.0
        else:
            outside = numbers[ANCHOR_SQUARE]
            for i in range(rank):
                outside -= brought[i] * brought[i]
                made[i] = -rate / metric[i] * brought[i]
                brought[i] *= scale
        outside = outside * scale * scale
        count = rank
    else:
        for i in range(count):
            stretch = metric[i] if i < rank else rest
            made[i] = -rate * length * weights[i] / stretch if stretch > 0.0 else 0.0
        if radius == np.inf:
            combine(directions, count, made, 1.0, step)
            return 1.0
        project(directions, count, point, brought)
        outside = numbers[ANCHOR_SQUARE]
        for i in range(count):
            outside += made[i] * (made[i] + 2.0 * brought[i])
            if i < rank:
                made[i] += brought[i]
                outside -= made[i] * made[i]
    outside = max(outside, 0.0)

    multiplier, shrunk = 0.0, 1.0
    if radius < np.inf:
        if parameters[PROJECTION] > 0.0:
            rest = np.sqrt(rest * rest + parameters[PROJECTION])
            for i in range(rank):
                metric[i] = np.sqrt(metric[i] * metric[i] + parameters[PROJECTION])
        squares = lines[SQUARES]
        for i in range(rank):
            squares[i] = made[i] * made[i]
        multiplier, shrunk = ball_multiplier(metric[:rank], squares[:rank], rest, outside, radius)
    square = shrunk * shrunk * outside
    for i in range(rank):
        made[i] *= metric[i] / (metric[i] + multiplier)
        square += made[i] * made[i]
        made[i] -= shrunk * brought[i]
    for i in range(rank, count):
        made[i] *= shrunk
    combine(directions, count, made, 1.0, step)
    if not averaging:
        numbers[ANCHOR_SQUARE] = square
    elif identity:
        beyond = lines[POLES]
        for j in range(step.size):
            step[j] += shrunk * scale * beyond[j]
        return 0.0
    return shrunk * scale
