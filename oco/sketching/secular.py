"""Eigen-decomposition of ``diag(poles) + z z'`` by the secular equation, to high relative accuracy.

The eigenvalues are the roots of ``f(x) = 1 + sum_i z_i^2 / (poles_i - x)``, one between each two neighboring poles and
one above them all. `WIDTH` roots are found together, each as a distance to its nearest pole, by rational interpolation
of third order; eigenvectors come from the corrected z of Gu and Eisenstat (SIAM J. Matrix Anal. Appl. 15, 1994), so
that they are orthogonal to machine precision however close the roots are. Nothing here may be reassociated.
"""

from __future__ import annotations

from typing import Any

from oco.compile import MATRIX, VECTOR, WHOLE, kernel, separate_kernel
from oco.lanes import WIDTH, anywhere, first, load, spread, sqrt, store, where
from oco.types import Array

POLE, SQUARE, ORIGIN, DISTANCE, CORRECTED, ROWS = range(6)
"""Rows of the work array; ``ROWS`` is their number. Poles and their ``z^2``, each after what counts as above the first
one; of every root its nearest pole and the distance from there; the corrected z."""
FOURS = 4
"""Poles are worked off in fours, for one division each: up to three that weigh nothing follow the last one."""
POLE_SEPARATION = 8.0 * 2.0**-52
"""Neighboring poles are moved apart to this relative distance: an error of a few units in the last place."""
WEIGHT_FLOOR = 1e-60
"""Smallest ``z_i^2 / |z|^2``: below it a direction is untouched by the update to any precision."""
CONVERGED = 1e-5
"""A step this small against the distance to the poles was the last: the next one would be its cube."""
MOST_STEPS = 80
"""Two or three are usual, ten are rare; bisection alone would need 60."""


@kernel
def _inverses(x0: Any, x1: Any, x2: Any, x3: Any) -> tuple[Any, Any, Any, Any]:
    """The inverses of four, by one division."""
    x01 = x0 * x1
    x23 = x2 * x3
    inverse = 1.0 / (x01 * x23)
    inverse01 = inverse * x23
    inverse23 = inverse * x01
    return inverse01 * x1, inverse01 * x0, inverse23 * x3, inverse23 * x2


@kernel
def _evaluate(count: int, poles: Array, squares: Array, origin: Any, offset: Any) -> tuple[Any, Any, Any]:
    """f, f' and f''/2 at ``origin + offset``."""
    f, slope, curvature = spread(1.0), spread(0.0), spread(0.0)
    for i in range(0, count, FOURS):
        x0, x1, x2, x3 = _inverses(
            (poles[i] - origin) - offset,
            (poles[i + 1] - origin) - offset,
            (poles[i + 2] - origin) - offset,
            (poles[i + 3] - origin) - offset,
        )
        t0, t1, t2, t3 = squares[i] * x0, squares[i + 1] * x1, squares[i + 2] * x2, squares[i + 3] * x3
        f += (t0 + t1) + (t2 + t3)
        t0, t1, t2, t3 = t0 * x0, t1 * x1, t2 * x2, t3 * x3
        slope += (t0 + t1) + (t2 + t3)
        curvature += (t0 * x0 + t1 * x1) + (t2 * x2 + t3 * x3)
    return f, slope, curvature


@kernel
def _zero(a: Any, b: Any, c: Any, side: Any) -> Any:
    """The zero of ``c x^2 - a x + b`` that is sought: the smaller one for side 1, the larger one for -1."""
    discriminant = side * sqrt(abs(a * a - 4.0 * b * c))
    plain = side * a <= 0.0
    return where(plain, a - discriminant, 2.0 * b) / where(plain, 2.0 * c, a + discriminant)


@kernel
def _find(at: int, count: int, total: float, work: Array) -> int:
    """The roots from number ``at`` on, `WIDTH` of them; returns the number of steps.

    Evaluate at the middle of each interval to find the half with the root, and measure from the pole of that half. The
    first guess keeps that pole; all others become ``c + q / (other pole - x)`` with their value and slope there.

    A step goes to the zero of ``c + p / (low pole - x) + q / (high pole - x)``, which has f, f' and f'' in common with
    the secular function. Brackets are kept; a step that leaves its bracket becomes a bisection, or no step where it is
    round-off.
    """
    poles, squares = work[POLE, 1:], work[SQUARE, 1:]
    pole, near = load(poles, at), load(squares, at)
    other, far = load(work[POLE], at), load(work[SQUARE], at)
    top = first(1 - at)  # the largest root has no pole above it: the two nearest are both below
    width = where(top, total, other - pole)
    half = 0.5 * width
    middle, slope, _ = _evaluate(count, poles, squares, pole, half)
    early = middle >= 0.0
    lower = top | early
    origin = where(lower, pole, other)
    to_other = where(lower, other - pole, pole - other)
    weight = where(lower, near, far)
    at_middle = where(lower, half, -half)
    below = where(lower, 0.0, to_other)
    above = where(lower, to_other, 0.0)
    side = where(top, -1.0, 1.0)
    low = where(early, 0.0, where(top, 0.98 * half, -1.02 * half))
    high = where(early, 1.02 * half, where(top, 2.0 * width, 0.0))
    inverse = 1.0 / at_middle
    beyond = to_other - at_middle
    rest = (slope - weight * inverse * inverse) * beyond
    c = middle + weight * inverse - rest
    guess = _zero(c * to_other + weight + rest * beyond, weight * to_other, c, side)
    offset = where((low < guess) & (guess < high), guess, 0.5 * (low + high))

    sought = first(count - at)
    steps = 0
    while anywhere(sought) and steps < MOST_STEPS:
        f, slope, curvature = _evaluate(count, poles, squares, origin, offset)
        low = where(f < 0.0, offset, low)
        high = where(f >= 0.0, offset, high)
        to_below = below - offset
        to_above = above - offset
        product = to_below * to_above
        a = (to_below + to_above) * f - product * slope
        b = product * f
        c = f - (to_below + to_above) * slope + product * curvature
        step = _zero(a, b, c, side)
        there = offset + step
        to_below, to_above = abs(to_below), abs(to_above)
        finished = abs(step) <= CONVERGED * where(to_below < to_above, to_below, to_above)
        inside = (low <= there) & (there <= high) & ~(there == 0.0)
        there = where(inside, there, where(finished, offset, 0.5 * (low + high)))
        offset = where(sought, there, offset)
        sought = sought & ~finished
        steps += 1
    store(work[ORIGIN], at, origin)
    store(work[DISTANCE], at, offset)
    return steps


@kernel
def _correct(count: int, z: Array, work: Array) -> None:
    """The z for which the roots are exact."""
    poles, origins, distances, corrected = work[POLE, 1:], work[ORIGIN], work[DISTANCE], work[CORRECTED]
    for root in range(count, count + FOURS - 1):  # padding, without effect
        origins[root] = poles[root]
        distances[root] = 0.0
    for at in range(0, count, WIDTH):
        pole = load(poles, at)
        square = spread(1.0)
        for root in range(0, count, FOURS):
            o0, o1, o2, o3 = origins[root], origins[root + 1], origins[root + 2], origins[root + 3]
            t0, t1, t2, t3 = distances[root], distances[root + 1], distances[root + 2], distances[root + 3]
            above = ((t0 - (pole - o0)) * (t1 - (pole - o1))) * ((t2 - (pole - o2)) * (t3 - (pole - o3)))
            d0, d1, d2, d3 = poles[root] - pole, poles[root + 1] - pole, poles[root + 2] - pole, poles[root + 3] - pole
            d0, d1 = where(d0 == 0.0, 1.0, d0), where(d1 == 0.0, 1.0, d1)  # the pole itself
            d2, d3 = where(d2 == 0.0, 1.0, d2), where(d3 == 0.0, 1.0, d3)
            square *= above / ((d0 * d1) * (d2 * d3))
        size = sqrt(abs(square))
        store(corrected, at, where(load(z, at) >= 0.0, size, -size))


@kernel
def _vectors(count: int, roots: Array, vectors: Array, weights: Array, work: Array) -> None:
    """Eigenvectors ``(x - D)^{-1} z`` of the corrected z, and the inverses of their norms."""
    poles, corrected = work[POLE, 1:], work[CORRECTED]
    last = count - 1
    for at in range(0, count, WIDTH):
        origin, distance = load(work[ORIGIN], at), load(work[DISTANCE], at)
        store(roots, at, origin + distance)
        square = spread(0.0)
        for i in range(0, count, FOURS):
            x0, x1, x2, x3 = _inverses(
                distance - (poles[i] - origin),
                distance - (poles[i + 1] - origin),
                distance - (poles[i + 2] - origin),
                distance - (poles[i + 3] - origin),
            )
            x0, x1, x2, x3 = corrected[i] * x0, corrected[i + 1] * x1, corrected[i + 2] * x2, corrected[i + 3] * x3
            square += (x0 * x0 + x1 * x1) + (x2 * x2 + x3 * x3)
            store(vectors[min(i + 3, last)], at, x3)  # the last row is written last
            store(vectors[min(i + 2, last)], at, x2)
            store(vectors[min(i + 1, last)], at, x1)
            store(vectors[i], at, x0)
        store(weights, at, 1.0 / sqrt(square))


@kernel
def _separate(count: int, poles: Array) -> None:
    """Move neighboring poles apart where they are closer than `POLE_SEPARATION`."""
    for at in range(0, count - 1, WIDTH):
        close = load(poles, at) < (1.0 + POLE_SEPARATION) * load(poles[1:], at)
        if anywhere(close & first(count - 1 - at)):
            for i in range(count - 2, -1, -1):
                poles[i] = max(poles[i], poles[i + 1] * (1.0 + POLE_SEPARATION))
            return


@kernel
def _lay_out(count: int, poles: Array, z: Array, total: float, work: Array) -> None:
    """Poles and squares into the work array, and after them what weighs nothing, far below."""
    work[POLE, 0] = poles[1]
    work[SQUARE, 0] = 0.0
    for at in range(0, count, WIDTH):
        weight = load(z, at)
        square, floor = weight * weight, WEIGHT_FLOOR * total
        inside = first(count - at)
        store(work[POLE, 1:], at, where(inside, load(poles, at), -(poles[0] + total)))
        store(work[SQUARE, 1:], at, where(inside, where(square < floor, floor, square), 0.0))


@separate_kernel(WHOLE(WHOLE, VECTOR, VECTOR, VECTOR, MATRIX, VECTOR, MATRIX), from_python=True)
def rank_one_eigen(
    count: int, poles: Array, z: Array, roots: Array, vectors: Array, weights: Array, work: Array
) -> int:
    """Eigenpairs of ``diag(poles[:count]) + z z'`` for falling poles > 0, the last of which may be 0.

    Fills ``roots`` (falling), ``vectors[i, j]`` (entry i of the j-th eigenvector, whose product with z is 1) and
    ``weights[j]``, the inverse of its norm, hence z's coordinate along it (may be ``z`` itself). What is beyond
    ``count`` is overwritten. ``poles`` may be moved apart by a few units in the last place. ``work`` is
    ``(ROWS, count + FOURS)`` or wider. Returns the number of steps.
    """
    total = 0.0
    for i in range(count):
        total += z[i] * z[i]
    if count == 1:
        roots[0] = poles[0] + total
        vectors[0, 0] = 1.0 / z[0]
        weights[0] = abs(z[0])
        return 0
    _separate(count, poles)
    _lay_out(count, poles, z, total, work)
    steps = 0
    for at in range(0, count, WIDTH):
        steps = max(steps, _find(at, count, total, work))
    _correct(count, z, work)
    _vectors(count, roots, vectors, weights, work)
    return steps
