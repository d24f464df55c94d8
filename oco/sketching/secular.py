"""Eigen-decomposition of ``diag(poles) + z z'`` by the secular equation, to high relative accuracy.

The eigenvalues are the roots of ``f(x) = 1 + sum_i z_i^2 / (poles_i - x)``, one between each two neighbouring poles and
one above them all. `WIDTH` roots are found together, each as a distance to its nearest pole, by rational interpolation
of third order; eigenvectors come from the corrected z of Gu and Eisenstat (SIAM J. Matrix Anal. Appl. 15, 1994), so
that they are orthogonal to machine precision however close the roots are. Nothing here may be reassociated.
"""

from __future__ import annotations

from typing import Any

from oco.compile import MATRIX, VECTOR, WHOLE, kernel, separate_kernel
from oco.lanes import WIDTH, anywhere, first, load, spread, sqrt, store, where
from oco.types import Array

POLE, SQUARE, POLE_ABOVE, SQUARE_ABOVE, GAP, ORIGIN, DISTANCE, CORRECTED, ROWS = range(9)
"""Rows of the work array; ``ROWS`` is their number. A pole, its ``z^2``, both of the pole above and the gap to it; a
root's nearest pole and its distance from there; the corrected z."""
FOURS = 4
"""Poles are worked off in fours, for one division each; the work array has room for as many after the last one."""
POLE_SEPARATION = 8.0 * 2.0**-52
"""Neighbouring poles are moved apart to this relative distance: an error of a few units in the last place."""
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
def _find(at: int, count: int, work: Array) -> int:
    """The roots from number ``at`` on, `WIDTH` of them; returns the number of steps.

    First where each is: evaluate at the middle of its interval, and count from the pole of the half that it is in. The
    first guess solves the equation with the two nearest poles kept and all others frozen at the middle.

    A step goes to the zero of ``c + p / (low pole - x) + q / (high pole - x)``, which has f, f' and f'' in common with
    the secular function. Brackets are kept; a step that leaves its bracket becomes a bisection, or no step where it is
    round-off.
    """
    poles, squares = work[POLE], work[SQUARE]
    pole, near = load(poles, at), load(squares, at)
    other, far = load(work[POLE_ABOVE], at), load(work[SQUARE_ABOVE], at)
    width = load(work[GAP], at)
    half = 0.5 * width
    middle, _, _ = _evaluate(count, poles, squares, pole, half)
    rest = middle + near / half - far / half
    top = first(1 - at)  # the largest root has no pole above it: the two nearest are both below
    early = middle >= 0.0
    lower = top | early
    origin = where(lower, pole, other)
    below = where(lower, 0.0, pole - other)
    above = where(lower, other - pole, 0.0)
    side = where(top, -1.0, 1.0)
    low = where(early, 0.0, where(top, 0.98 * half, -1.02 * half))
    high = where(early, 1.02 * half, where(top, 2.0 * width, 0.0))
    a = near + far + where(lower, rest * width, -(rest * width))
    b = where(lower, near * width, -(far * width))
    discriminant = sqrt(abs(a * a - 4.0 * b * rest))
    plain = a <= 0.0
    guess = where(plain, a - discriminant, 2.0 * b) / where(plain, 2.0 * rest, a + discriminant)
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
        discriminant = side * sqrt(abs(a * a - 4.0 * b * c))
        plain = side * a <= 0.0
        step = where(plain, a - discriminant, 2.0 * b) / where(plain, 2.0 * c, a + discriminant)
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
    poles, origins, distances, corrected = work[POLE], work[ORIGIN], work[DISTANCE], work[CORRECTED]
    for root in range(count, count + FOURS - 1):  # counts for nothing
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
    poles, corrected = work[POLE], work[CORRECTED]
    whole = count - count % FOURS
    for at in range(0, count, WIDTH):
        origin, distance = load(work[ORIGIN], at), load(work[DISTANCE], at)
        store(roots, at, origin + distance)
        square = spread(0.0)
        for i in range(0, whole, FOURS):
            x0, x1, x2, x3 = _inverses(
                distance - (poles[i] - origin),
                distance - (poles[i + 1] - origin),
                distance - (poles[i + 2] - origin),
                distance - (poles[i + 3] - origin),
            )
            x0, x1, x2, x3 = corrected[i] * x0, corrected[i + 1] * x1, corrected[i + 2] * x2, corrected[i + 3] * x3
            store(vectors[i], at, x0)
            store(vectors[i + 1], at, x1)
            store(vectors[i + 2], at, x2)
            store(vectors[i + 3], at, x3)
            square += (x0 * x0 + x1 * x1) + (x2 * x2 + x3 * x3)
        for i in range(whole, count):
            x0 = corrected[i] / (distance - (poles[i] - origin))
            store(vectors[i], at, x0)
            square += x0 * x0
        store(weights, at, 1.0 / sqrt(square))


@kernel
def _lay_out(count: int, poles: Array, z: Array, total: float, work: Array) -> None:
    """Poles, squares and gaps into the work array, and three poles far below that weigh nothing."""
    for i in range(count):
        work[POLE, i] = poles[i]
        work[SQUARE, i] = max(z[i] * z[i], WEIGHT_FLOOR * total)
    for i in range(count, count + FOURS - 1):
        work[POLE, i] = -(poles[0] + total)
        work[SQUARE, i] = 0.0
    work[POLE_ABOVE, 0] = poles[1]
    work[SQUARE_ABOVE, 0] = 0.0
    work[GAP, 0] = total
    for i in range(1, count):
        work[POLE_ABOVE, i] = work[POLE, i - 1]
        work[SQUARE_ABOVE, i] = work[SQUARE, i - 1]
        work[GAP, i] = work[POLE, i - 1] - work[POLE, i]


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
    for i in range(count - 2, -1, -1):
        poles[i] = max(poles[i], poles[i + 1] * (1.0 + POLE_SEPARATION))
    if count == 1:
        roots[0] = poles[0] + total
        vectors[0, 0] = 1.0 / z[0]
        weights[0] = abs(z[0])
        return 0
    _lay_out(count, poles, z, total, work)
    steps = 0
    for at in range(0, count, WIDTH):
        steps = max(steps, _find(at, count, work))
    _correct(count, z, work)
    _vectors(count, roots, vectors, weights, work)
    return steps
