"""Compiled Newton method for projections in a metric ``c I + W'W`` on boxes, simplices and l1 balls.

The projection of y solves ``x = P(y - W'w)`` with ``c w = W (x - y)``, P the Euclidean projection: the k numbers in w
couple the coordinates, and without them the problem is separable. They minimize the convex, piecewise quadratic

    psi(w) = c |w|^2 / 2 - min_x { |x - y|^2 / 2 + <W'w, x - y> },

whose gradient is ``c w - W (x - y)`` and whose Hessian is ``c I + W P' W'``, k by k. Newton steps with an exact line
search (O(d) each, no pass over W) end after finitely many in exact arithmetic. A guess of the face that the projection
lies on gives the first step: if the guess is right, that step is exact.
"""

from __future__ import annotations

import numpy as np

from oco.compile import FLAG, MATRIX, REAL, VECTOR, WHOLE, kernel, separate_kernel, several
from oco.domains._coupled_algebra import (
    BEFORE,
    FACE,
    GRADIENT,
    MOVED,
    STEP,
    TRIAL,
    WORK,
    W,
    Work,
    X,
    Z,
    add_rows,
    curvature,
    product,
    products_with,
    solve_definite,
)
from oco.domains._region import BOX, L1_BALL, REGION, SIMPLEX, Region, place_on_face, project_coordinates, sums
from oco.domains._region import box as box_region
from oco.types import Array

DIRECT = 1e-3
"""Shift below which Newton's method gets `DIRECT_STEPS` steps before it starts from a larger shift."""
DIRECT_STEPS = 8
EXACT = 1e-30
"""Square of a gradient, relative to what it is a difference of, that is rounding."""
RIDGE = 1e-15
"""Added to the Hessian, relative to its largest eigenvalue: its rounding."""


@kernel
def slope_along(shift: float, k: int, work: Work, length: float, y: Array) -> float:
    """Derivative of psi at ``w + length step`` along ``step``, where the projection is ``X``."""
    w, step, moved, x = work.small[W], work.small[STEP], work.points[MOVED], work.points[X]
    slope = 0.0
    for a in range(k):
        slope += shift * (w[a] + length * step[a]) * step[a]
    return slope - (product(moved, x) - product(moved, y))


@kernel
def exact_length(region: Region, y: Array, shift: float, k: int, descent: float, work: Work) -> tuple[float, bool]:
    """The length along the step that minimizes psi, by regula falsi on its piecewise linear slope.

    ``TRIAL`` becomes the point there, ``X`` and ``FACE`` its projection. Also returns whether the sum is held.
    """
    z, trial, moved = work.points[Z], work.points[TRIAL], work.points[MOVED]
    length, low, high = 1.0, 0.0, 1.0
    low_slope, high_slope = descent, 0.0
    trials = 0
    while True:
        for i in range(trial.size):
            trial[i] = z[i] - length * moved[i]
        held = project_coordinates(region, trial, work.points[X], work.points[FACE])
        slope = slope_along(shift, k, work, length, y)
        if abs(slope) <= 1e-3 * -descent or (length == 1.0 and slope < 0.0) or trials >= 60:
            return length, held
        if slope < 0.0:
            low, low_slope = length, slope
        else:
            high, high_slope = length, slope
        if high - low <= 1e-16 * high:
            return length, held
        # Regula falsi, with a bisection every third time. The slope is piecewise linear and increases with the length.
        length = 0.5 * (low + high)
        if trials % 3 != 2:
            length = low + (high - low) * low_slope / (low_slope - high_slope)
        trials += 1


@kernel
def same_face(face: Array, before: Array) -> bool:
    """Whether the same coordinates are held at the same bounds, in which case a full step was exact."""
    different = 0
    for i in range(face.size):
        different += face[i] != before[i]
    return different == 0


@kernel
def newton_step(y: Array, shift: float, weights: Array, held: bool, work: Work) -> tuple[float, bool]:
    """Fill ``GRADIENT`` and ``STEP``; the derivative of psi along the step, and whether the gradient is rounding.

    The derivative is NaN where the Hessian is not positive definite.
    """
    k = weights.shape[0]
    w, gradient, step = work.small[W, :k], work.small[GRADIENT, :k], work.small[STEP, :k]
    x, offset = work.points[X], work.points[TRIAL]
    for i in range(y.size):
        offset[i] = x[i] - y[i]
    products_with(weights, offset, gradient)
    for a in range(k):
        gradient[a] = shift * w[a] - gradient[a]
    largest = 1.0 + shift  # of the metric: no row of W is longer than one
    size = largest * product(offset, offset) + shift * shift * product(w, w)
    if product(gradient, gradient) <= EXACT * size:
        return 0.0, True
    curvature(weights, shift + RIDGE * largest, held, work)
    if not solve_definite(work.matrix[: k * k].reshape((k, k)), gradient, step):
        return np.nan, False
    for a in range(k):
        step[a] = -step[a]
    return product(gradient, step), False


@separate_kernel(several(WHOLE, FLAG)(REGION, VECTOR, REAL, MATRIX, WHOLE, FLAG, WORK), from_python=True)
def newton_at(
    region: Region, y: Array, shift: float, weights: Array, limit: int, guessed: bool, work: Work
) -> tuple[int, bool]:
    """Minimize psi: the projection of ``y`` into line ``X``. Returns the steps, and whether the last one was exact.

    Begins at the w of ``small``, or where ``guessed`` on the affine hull of the face in line ``FACE``. The largest
    eigenvalue of the metric must be about one.
    """
    points = work.points
    z, x, face, moved, before = points[Z], points[X], points[FACE], points[MOVED], points[BEFORE]
    k = weights.shape[0]
    w, step = work.small[W, :k], work.small[STEP, :k]
    for i in range(y.size):
        z[i] = y[i]
    if guessed:
        for a in range(w.size):
            w[a] = 0.0
        held = place_on_face(region, y, face, x)
    else:
        add_rows(weights, w, -1.0, z)
        held = project_coordinates(region, z, x, face)
    for iteration in range(limit):
        descent, exact = newton_step(y, shift, weights, held, work)
        if (exact or not descent < 0.0) and not (guessed and iteration == 0):
            return iteration, exact or descent == 0.0
        if exact:
            for a in range(w.size):
                step[a] = 0.0
        elif np.isnan(descent):
            return iteration, False
        for i in range(y.size):
            moved[i] = 0.0
            before[i] = face[i]
        add_rows(weights, step, 1.0, moved)
        length = 1.0
        if guessed and iteration == 0:
            for i in range(y.size):
                points[TRIAL, i] = z[i] - moved[i]
            held = project_coordinates(region, points[TRIAL], x, face)
        else:
            length, held = exact_length(region, y, shift, k, descent, work)
        for a in range(w.size):
            w[a] += length * step[a]
        for i in range(y.size):
            z[i] = points[TRIAL, i]
        if length == 1.0 and same_face(face, before):
            return iteration + 1, True
    return limit, False


@separate_kernel(several(WHOLE, FLAG)(REGION, VECTOR, REAL, MATRIX, WHOLE, WORK), from_python=True)
def newton_from_afar(
    region: Region, y: Array, shift: float, weights: Array, limit: int, work: Work
) -> tuple[int, bool]:
    """`newton_at` from w = 0; for a small shift from a larger one where that does not converge.

    If ``W (x - y) = 0`` has a solution, w has a limit as the shift falls to zero.
    """
    w = work.small[W]
    for a in range(w.size):
        w[a] = 0.0
    steps, exact = newton_at(region, y, shift, weights, limit if shift >= DIRECT else DIRECT_STEPS, False, work)
    if exact or shift >= DIRECT:
        return steps, exact
    for a in range(w.size):
        w[a] = 0.0
    level = 10.0 * DIRECT
    while level > shift:
        level = max(shift, level / 10.0)
        more, exact = newton_at(region, y, level, weights, limit, False, work)
        steps += more
    return steps, exact


def coupled_newton(
    kind: int, y: Array, shift: float, weights: Array, lower: Array, upper: Array, total: float, limit: int
) -> tuple[Array, int, bool]:
    """Project ``y`` in the metric ``shift I + W W'``, W ``(d, k)``: the point, the steps, whether the last was exact.

    The largest eigenvalue of the metric must be about one.
    """
    region = box_region(lower, upper) if kind == BOX else sums(kind, total)
    work = Work.empty(weights.shape[1], y.size)
    rows = np.ascontiguousarray(weights.T)
    steps, exact = newton_from_afar(region, np.ascontiguousarray(y), float(shift), rows, limit, work)
    return work.points[X], steps, exact


__all__ = ["BOX", "L1_BALL", "SIMPLEX", "Work", "coupled_newton", "newton_at"]
