"""Compiled Newton method for projections in a metric ``c I + W W'`` on boxes, simplices and l1 balls.

The projection of y solves ``x = P(y - W w)`` with ``c w = W'(x - y)``, P the Euclidean projection: the k numbers in w
couple the coordinates, and without them the problem is separable. They minimize the convex, piecewise quadratic

    psi(w) = c |w|^2 / 2 - min_x { |x - y|^2 / 2 + <W w, x - y> },

whose gradient is ``c w - W'(x - y)`` and whose Hessian is ``c I + W' P' W``, k by k. Newton steps with an exact line
search (O(d) each, no pass over W) end after finitely many in exact arithmetic.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oco.compile import allocating_kernel, fast_kernel
from oco.types import Array

BOX, SIMPLEX, L1_BALL = 0, 1, 2

DIRECT = 1e-3
"""Shift below which Newton's method gets `DIRECT_STEPS` steps before it starts from a larger shift."""
DIRECT_STEPS = 8


@allocating_kernel
def project_box(z: Array, lower: Array, upper: Array, x: Array, free: Array) -> None:
    """Clip ``z`` into ``x``; ``free`` is 1 where strictly between the bounds."""
    for i in range(z.shape[0]):
        if z[i] <= lower[i]:
            x[i] = lower[i]
            free[i] = 0.0
        elif z[i] >= upper[i]:
            x[i] = upper[i]
            free[i] = 0.0
        else:
            x[i] = z[i]
            free[i] = 1.0


@allocating_kernel
def project_sum(z: Array, total: float, signed: bool, x: Array, free: Array) -> bool:
    """Project ``z`` on the simplex ``{x >= 0, sum x = total}``, or where ``signed`` on the ball ``|x|_1 <= total``.

    ``free`` is the sign of the coordinates that are not zero. Returns whether the sum is held at ``total``.
    """
    d = z.shape[0]
    largest = -np.inf
    absolute = 0.0
    for i in range(d):
        size = abs(z[i]) if signed else z[i]
        absolute += size
        if size > largest:
            largest = size
    if signed and absolute <= total:
        for i in range(d):
            x[i] = z[i]
            free[i] = 1.0
        return False
    # Newton on sum max(a - threshold, 0) = total climbs from the left; sizes are taken relative to the largest, so
    # that the sum is right to rounding of total and not of z.
    threshold = -total
    while True:
        excess = -total
        count = 0
        for i in range(d):
            size = (abs(z[i]) if signed else z[i]) - largest
            if size > threshold:
                excess += size
                count += 1
        following = excess / count
        if following <= threshold:
            break
        threshold = following
    for i in range(d):
        size = (abs(z[i]) if signed else z[i]) - largest - threshold
        if size > 0.0:
            free[i] = -1.0 if signed and z[i] < 0.0 else 1.0
            x[i] = size * free[i]
        else:
            free[i] = 0.0
            x[i] = 0.0
    return True


class Region(NamedTuple):
    """The set to project on, and the point."""

    kind: int
    y: Array
    lower: Array
    upper: Array
    total: float


class Place(NamedTuple):
    """Work arrays ``(d,)``: the point to project, its projection, and which coordinates are free there."""

    z: Array
    x: Array
    free: Array


class Step(NamedTuple):
    """A step in w, the change of z that it causes, and the derivative of psi along it at its start."""

    step: Array
    moved: Array
    descent: float


@allocating_kernel
def _project(region: Region, z: Array, place: Place) -> bool:
    """Project ``z`` into ``place``; whether the sum is held at the total."""
    if region.kind == BOX:
        project_box(z, region.lower, region.upper, place.x, place.free)
        return False
    return project_sum(z, region.total, region.kind == L1_BALL, place.x, place.free)


@allocating_kernel
def _curvature(weights: Array, shift: float, free: Array, held: bool) -> Array:
    """``shift I + W' P' W``: the Gram matrix of the free rows, centered where their signed sum is held."""
    d, k = weights.shape
    count = 0
    for i in range(d):
        if free[i] != 0.0:
            count += 1
    rows = np.empty((count, k))
    mean = np.zeros(k)
    at = 0
    for i in range(d):
        if free[i] != 0.0:
            for a in range(k):
                rows[at, a] = weights[i, a]
                mean[a] += free[i] * weights[i, a]
            at += 1
    gram: Array = np.dot(rows.T, rows)
    for a in range(k):
        if held and count > 0:
            for b in range(k):
                gram[a, b] -= mean[a] * mean[b] / count
        gram[a, a] += shift
    return gram


@fast_kernel
def _slope(shift: float, w: Array, step: Array, moved: Array, length: float, x: Array, y: Array) -> float:
    """Derivative of psi at ``w + length step`` along ``step``, where the projection is ``x``."""
    slope = 0.0
    for a in range(w.shape[0]):
        slope += shift * (w[a] + length * step[a]) * step[a]
    for i in range(x.shape[0]):
        slope -= moved[i] * (x[i] - y[i])
    return slope


@allocating_kernel
def _exact_length(region: Region, shift: float, w: Array, step: Step, place: Place, trial: Array) -> float:
    """The length along ``step`` that minimizes psi, by regula falsi on its piecewise linear slope."""
    length = 1.0
    low, high = 0.0, 1.0
    low_slope, high_slope = step.descent, 0.0
    for trials in range(60):
        for i in range(trial.shape[0]):
            trial[i] = place.z[i] - length * step.moved[i]
        _project(region, trial, place)
        slope = _slope(shift, w, step.step, step.moved, length, place.x, region.y)
        if abs(slope) <= 1e-3 * -step.descent or (length == 1.0 and slope < 0.0):
            break
        if slope < 0.0:
            low, low_slope = length, slope
        else:
            high, high_slope = length, slope
        # Regula falsi, with a bisection every third time. The slope is piecewise linear and increases with the length.
        length = 0.5 * (low + high)
        if trials % 3 != 2:
            length = low + (high - low) * low_slope / (low_slope - high_slope)
        if high - low <= 1e-16 * high:
            break
    return length


@allocating_kernel
def _same_face(free: Array, x: Array, free_before: Array, x_before: Array) -> bool:
    """Whether the same coordinates are held at the same bounds, in which case a full step was exact."""
    same = True
    for i in range(free.shape[0]):
        same = same and free[i] == free_before[i] and (free[i] != 0.0 or x[i] == x_before[i])
    return same


@allocating_kernel
def _newton_at(region: Region, weights: Array, shift: float, limit: int, w: Array) -> tuple[Array, int, bool]:
    """`coupled_newton` at one shift, starting from ``w``, which is overwritten with the solution."""
    y = region.y
    d, k = weights.shape
    place = Place(y.copy(), np.empty(d), np.empty(d))
    z, x, free = place.z, place.x, place.free
    if np.any(w):
        z -= np.dot(weights, w)
    trial = np.empty(d)
    held = _project(region, z, place)
    gradient = shift * w - np.dot(weights.T, x - y)
    # The metric's largest eigenvalue: no column of W is longer than one.
    largest = 1.0 + shift
    for iteration in range(limit):
        matrix = _curvature(weights, shift, free, held)
        for a in range(k):
            matrix[a, a] += 1e-15 * largest
        step = np.linalg.solve(matrix, -gradient)
        moved = np.dot(weights, step)
        descent = 0.0
        for a in range(k):
            descent += gradient[a] * step[a]
        if not descent < 0.0:
            return x, iteration, descent == 0.0
        pull = 0.0
        for i in range(d):
            pull += (x[i] - y[i]) ** 2
        if np.dot(gradient, gradient) <= 1e-30 * (largest * pull + shift * shift * np.dot(w, w)):
            return x, iteration, True
        free_before, x_before = free.copy(), x.copy()
        length = _exact_length(region, shift, w, Step(step, moved, descent), place, trial)
        for a in range(k):
            w[a] += length * step[a]
        z[:] = y - np.dot(weights, w)
        held = _project(region, z, place)
        gradient = shift * w - np.dot(weights.T, x - y)
        if length == 1.0 and _same_face(free, x, free_before, x_before):
            return x, iteration + 1, True
    return x, limit, False


@allocating_kernel
def coupled_newton(
    kind: int,
    y: Array,
    shift: float,
    weights: Array,
    lower: Array,
    upper: Array,
    total: float,
    limit: int,
) -> tuple[Array, int, bool]:
    """Project ``y`` in the metric ``shift I + W W'``: the point, the steps and whether the last one was exact.

    The largest eigenvalue of the metric must be about one. If Newton's method does not converge for a small
    shift, start from a larger one and reduce it, keeping w. If ``W'(x - y) = 0`` has a solution, w has a limit.
    """
    region = Region(kind, y, lower, upper, total)
    w = np.zeros(weights.shape[1])
    few = limit if shift >= DIRECT else DIRECT_STEPS
    x, steps, exact = _newton_at(region, weights, shift, few, w)
    if exact or shift >= DIRECT:
        return x, steps, exact
    w[:] = 0.0
    level = DIRECT
    x, more, exact = _newton_at(region, weights, level, limit, w)
    steps += more
    while level > shift:
        level = max(shift, level / 10.0)
        x, more, exact = _newton_at(region, weights, level, limit, w)
        steps += more
    return x, steps, exact
