"""The step of every learner that is preconditioned by a sketch, in the sketch's coordinates.

With eigenpairs (lam_i, v_i) and escaped mass rho, all of them use one family of preconditioners::

    H = outer I + (Gbar + alpha I)^power,     alpha = inner + compensation * rho

and step from x (mirror descent) or from the sum of all gradients (dual averaging)::

    y = x - rate * H^{-1} g          or          y = -rate * H^{-1} sum_s g_s

followed by the projection on a ball in the norm of H. What differs is a `Recipe`:

    ============  ======  =====  =====  ============  =========  ====================
    learner       root    outer  inner  compensation  averaging  sketched vector
    ============  ======  =====  =====  ============  =========  ====================
    FD-AdaGrad    True    0      delta  1             no         g
    Ada-FD        True    ridge  0      0             no         g
    FD-SON        False   0      ridge  0             no         sqrt(sigma + eta_t) g
    RFD-SON       False   0      ridge  1/2           no         sqrt(sigma + eta_t) g
    FTSL          True    ridge  0      1             yes        g
    ============  ======  =====  =====  ============  =========  ====================

``H^{-1}`` is the pseudo-inverse: where the complement's eigenvalue is zero, so is the step there.
"""

from __future__ import annotations

import math

import numpy as np

from oco.compile import FLAG, MATRIX, REAL, VECTOR, WHOLE, kernel, part_of_kernel, separate_kernel
from oco.domains._shrinkage import ball_multiplier
from oco.learners._records import RECIPE, Packed
from oco.sketching.kernels import absorb
from oco.sketching.numerics import INSIDE_SPAN
from oco.sketching.passes import clear, combine, dot, project, square_norm
from oco.sketching.records import (
    COORDINATES,
    MADE,
    METRIC,
    POLES,
    PRODUCTS,
    ROOTS,
    SKETCH,
    SQUARES,
    STEP,
    WEIGHTS,
    Scratch,
    Sketch,
)
from oco.types import Array

SMALLEST_UNIT = 1e-140
"""Units above this have squares that are normal numbers."""


@part_of_kernel
def weight_of_round(recipe: Packed, round_index: float) -> float:
    """``c_t = sqrt(sigma + scale t^-exponent)``, by which gradients are multiplied before they are sketched."""
    if recipe[0].weight_scale == 0.0:
        return math.sqrt(recipe[0].curvature)
    return math.sqrt(recipe[0].curvature + recipe[0].weight_scale * round_index ** -recipe[0].weight_exponent)


@part_of_kernel
def preconditioner(sketch: Sketch, recipe: Packed, metric: Array) -> float:
    """Eigenvalues of H along the sketch, into ``metric``; returns the one on the complement."""
    head, values = sketch.header[0], sketch.values
    alpha = recipe[0].compensation * head.escaped
    inner = recipe[0].inner
    outer = recipe[0].outer
    unit = head.unit
    square = unit * unit
    if inner > 0.0 and unit > SMALLEST_UNIT:  # else the square may vanish, and inner is all there is
        alpha += inner / square
        inner = 0.0
    if recipe[0].root:
        for i in range(int(head.rank)):
            root = unit * np.sqrt(values[i] + alpha)
            metric[i] = outer + (root if inner == 0.0 else np.sqrt(root * root + inner))
        root = unit * np.sqrt(alpha)
        return float(outer + (root if inner == 0.0 else np.sqrt(root * root + inner)))
    for i in range(int(head.rank)):
        metric[i] = outer + (square * (values[i] + alpha) + inner)
    return float(outer + (square * alpha + inner))


@part_of_kernel
def absorb_by(recipe: Packed, active: int, sketch: Sketch, scratch: Scratch) -> int:
    """`absorb` as the learner's recipe has it."""
    keep = recipe[0].keep if recipe[0].keep > 0 else sketch.values.size
    return absorb(active, sketch, scratch, recipe[0].decay, keep, recipe[0].tolerance)


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


@part_of_kernel
def from_sum(
    length: float, scale: float, point: Array, sketch: Sketch, recipe: Packed, lines: Array, identity: bool
) -> float:
    """The step of dual averaging, ``y = -rate H^{-1} sum``: ``MADE`` along what is kept; its square beyond.

    Adds the new gradient to the sum. ``PRODUCTS`` becomes what ``scale`` times the sum has along what is kept.
    """
    head, directions, rank = sketch.header[0], sketch.directions, int(sketch.header[0].rank)
    metric, brought, made, coordinates = lines[METRIC], lines[PRODUCTS], lines[MADE], lines[COORDINATES]
    head.anchor_square += length * (2.0 * dot(point, coordinates) + length * square_norm(coordinates))
    for j in range(point.size):
        point[j] += length * coordinates[j]
    project(directions, rank, point, brought)
    if identity:
        # What the anchor has beyond, itself: it may be far less than a difference of squares can tell.
        outside = remove_spanned(directions, rank, point, brought, lines)
        for i in range(rank):
            made[i] = -recipe[0].rate / metric[i] * brought[i]
            brought[i] = 0.0
    else:
        outside = head.anchor_square
        for i in range(rank):
            outside -= brought[i] * brought[i]
            made[i] = -recipe[0].rate / metric[i] * brought[i]
            brought[i] *= scale
    return outside * scale * scale


@part_of_kernel
def from_point(count: int, point: Array, sketch: Sketch, lines: Array) -> float:
    """The square that a step of mirror descent (``MADE``) leaves beyond what is kept, for the projection.

    ``PRODUCTS`` becomes what the point has along the directions, which is added to ``MADE`` along what is kept.
    """
    head, rank = sketch.header[0], int(sketch.header[0].rank)
    brought, made = lines[PRODUCTS], lines[MADE]
    project(sketch.directions, count, point, brought)
    outside = head.anchor_square
    for i in range(count):
        outside += made[i] * (made[i] + 2.0 * brought[i])
        if i < rank:
            made[i] += brought[i]
            outside -= made[i] * made[i]
    return float(outside)


@part_of_kernel
def multiplier_of_ball(rest: float, outside: float, rank: int, recipe: Packed, lines: Array) -> tuple[float, float]:
    """The multiplier of the projection on the ball in the norm of ``METRIC``, and the factor of the complement."""
    if not recipe[0].radius < np.inf:
        return 0.0, 1.0
    metric, made, squares = lines[METRIC], lines[MADE], lines[SQUARES]
    if recipe[0].projection > 0.0:
        rest = np.sqrt(rest * rest + recipe[0].projection)
        for i in range(rank):
            metric[i] = np.sqrt(metric[i] * metric[i] + recipe[0].projection)
    for i in range(rank):
        squares[i] = made[i] * made[i]
    return ball_multiplier(metric[:rank], squares[:rank], rest, outside, float(recipe[0].radius))


@separate_kernel(REAL(WHOLE, REAL, VECTOR, SKETCH, RECIPE, MATRIX, FLAG))
def step_in_coordinates(
    count: int, weight: float, point: Array, sketch: Sketch, recipe: Packed, lines: Array, identity: bool
) -> float:
    """The next point as ``scale * anchor + sum_j STEP[j] basis_j``, after `absorb` returned ``count``.

    The anchor is the point (mirror descent) or the sum of gradients (dual averaging, the new gradient included);
    ``point`` holds its coordinates in the basis, without the new gradient. Fills line ``STEP``, returns the scale,
    which is NaN where the preconditioner overflows. ``identity`` says that the basis is that of the space.
    """
    head, directions, rank = sketch.header[0], sketch.directions, int(sketch.header[0].rank)
    metric, brought, made, step, weights = lines[METRIC], lines[PRODUCTS], lines[MADE], lines[STEP], lines[WEIGHTS]
    rest = preconditioner(sketch, recipe, metric)
    if not np.isfinite(rest + (metric[0] if rank > 0 else 0.0)):
        return np.nan
    length = head.unit / weight  # of the gradient whose coordinates along the directions are the weights
    clear(step)
    scale = 1.0

    # y: coordinates ``made`` along what is kept, square ``outside`` beyond; ``brought`` is what the scaled anchor has
    # along what is kept.
    if recipe[0].averaging:
        complete = rank == directions.shape[1]  # no complement: nothing of the anchor itself is left
        scale = -recipe[0].rate / rest if rest > 0.0 and not complete else 0.0
        outside = from_sum(length, scale, point, sketch, recipe, lines, identity)
        count = rank
    else:
        for i in range(count):
            stretch = metric[i] if i < rank else rest
            made[i] = -recipe[0].rate * length * weights[i] / stretch if stretch > 0.0 else 0.0
        if recipe[0].radius == np.inf:
            combine(directions, count, made, 1.0, step)
            return 1.0
        outside = from_point(count, point, sketch, lines)
    outside = max(outside, 0.0)

    multiplier, shrunk = multiplier_of_ball(rest, outside, rank, recipe, lines)
    square = shrunk * shrunk * outside
    for i in range(rank):
        made[i] *= metric[i] / (metric[i] + multiplier)
        square += made[i] * made[i]
        made[i] -= shrunk * brought[i]
    for i in range(rank, count):
        made[i] *= shrunk
    combine(directions, count, made, 1.0, step)
    if not recipe[0].averaging:
        head.anchor_square = square
    elif identity:
        beyond = lines[POLES]
        for j in range(step.size):
            step[j] += shrunk * scale * beyond[j]
        return 0.0
    return shrunk * scale
