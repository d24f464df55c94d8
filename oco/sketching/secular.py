"""Eigen-decomposition of ``diag(poles) + z z'`` by the secular equation, to high relative accuracy.

The eigenvalues are the roots of ``f(x) = 1 + sum_i z_i^2 / (poles_i - x)``, one between each two neighbouring poles and
one above them all. All roots are found together (they are the inner, vectorised index of every loop), each as a
distance to its nearest pole, by rational interpolation of third order; eigenvectors come from the corrected z of Gu
and Eisenstat (SIAM J. Matrix Anal. Appl. 15, 1994), so that they are orthogonal to machine precision however close the
roots are. Nothing here may be reassociated.
"""

from __future__ import annotations

import numpy as np

from oco.compile import MATRIX, NONE, VECTOR, WHOLE, kernel, separate_kernel
from oco.types import Array

(
    SQUARES,
    F,
    SLOPE,
    CURVATURE,
    ORIGIN,
    OFFSET,
    LOW,
    HIGH,
    BELOW,
    ABOVE,
    SIDE,
    FINISHED,
    ROOT,
    START,
    DISTANCE,
    NUMERATOR,
    DENOMINATOR,
    CORRECTED,
    ROWS,
) = range(19)
"""Rows of the work array; ``ROWS`` is their number. Those from ``F`` to ``ROOT`` belong to the roots still sought."""
POLE_SEPARATION = 8.0 * 2.0**-52
"""Neighbouring poles are moved apart to this relative distance: an error of a few units in the last place."""
WEIGHT_FLOOR = 1e-60
"""Smallest ``z_i^2 / |z|^2``: below it a direction is untouched by the update to any precision."""
CONVERGED = 1e-5
"""A step this small against the distance to the poles was the last: the next one would be its cube."""
MOST_STEPS = 80
"""Two or three are usual, ten are rare; bisection alone would need 60."""


@kernel
def _evaluate(active: int, count: int, poles: Array, work: Array) -> None:
    """f, f' and f''/2 at ``origin + offset`` of the roots still sought; one division for four poles."""
    for lane in range(active):
        work[F, lane] = 1.0
        work[SLOPE, lane] = 0.0
        work[CURVATURE, lane] = 0.0
    i = 0
    while i + 4 <= count:
        p0, p1, p2, p3 = poles[i], poles[i + 1], poles[i + 2], poles[i + 3]
        s0, s1, s2, s3 = work[SQUARES, i], work[SQUARES, i + 1], work[SQUARES, i + 2], work[SQUARES, i + 3]
        for lane in range(active):
            origin = work[ORIGIN, lane]
            offset = work[OFFSET, lane]
            x0 = (p0 - origin) - offset
            x1 = (p1 - origin) - offset
            x2 = (p2 - origin) - offset
            x3 = (p3 - origin) - offset
            x01 = x0 * x1
            x23 = x2 * x3
            inverse = 1.0 / (x01 * x23)
            inverse01 = inverse * x23
            inverse23 = inverse * x01
            x0, x1, x2, x3 = inverse01 * x1, inverse01 * x0, inverse23 * x3, inverse23 * x2
            t0, t1, t2, t3 = s0 * x0, s1 * x1, s2 * x2, s3 * x3
            work[F, lane] += (t0 + t1) + (t2 + t3)
            t0, t1, t2, t3 = t0 * x0, t1 * x1, t2 * x2, t3 * x3
            work[SLOPE, lane] += (t0 + t1) + (t2 + t3)
            work[CURVATURE, lane] += (t0 * x0 + t1 * x1) + (t2 * x2 + t3 * x3)
        i += 4
    while i < count:
        pole = poles[i]
        square = work[SQUARES, i]
        for lane in range(active):
            inverse = 1.0 / ((pole - work[ORIGIN, lane]) - work[OFFSET, lane])
            term = square * inverse
            work[F, lane] += term
            term *= inverse
            work[SLOPE, lane] += term
            work[CURVATURE, lane] += term * inverse
        i += 1


@kernel
def _guess(count: int, poles: Array, total: float, work: Array) -> None:
    """Where each root is: evaluate at the middle of its interval, and count from the pole of the half that it is in.

    The first guess solves the equation with the two nearest poles kept and all others frozen at the middle.
    """
    for root in range(count):
        width = poles[root - 1] - poles[root] if root > 0 else total
        work[ORIGIN, root] = poles[root]
        work[HIGH, root] = width
        work[OFFSET, root] = 0.5 * width
        work[SIDE, root] = 1.0
        work[ROOT, root] = root
    work[SIDE, 0] = -1.0
    _evaluate(count, count, poles, work)
    for root in range(count):
        width = work[HIGH, root]
        half = 0.5 * width
        middle = work[F, root]
        near = work[SQUARES, root]
        far = work[SQUARES, root - 1] if root > 0 else 0.0
        rest = middle + near / half - far / half
        lower = root == 0 or middle >= 0.0
        other = poles[root - 1] if root > 0 else poles[1]
        if lower:
            low = 0.0 if middle >= 0.0 else 0.98 * half
            high = 1.02 * half if middle >= 0.0 else 2.0 * width
            work[BELOW, root] = 0.0
            work[ABOVE, root] = other - poles[root]
            a = rest * width + near + far
            b = near * width
        else:
            low, high = -1.02 * half, 0.0
            work[ORIGIN, root] = other
            work[BELOW, root] = poles[root] - other
            work[ABOVE, root] = 0.0
            a = near + far - rest * width
            b = -far * width
        discriminant = np.sqrt(abs(a * a - 4.0 * b * rest))
        guess = (a - discriminant) / (2.0 * rest) if a <= 0.0 else 2.0 * b / (a + discriminant)
        work[LOW, root] = low
        work[HIGH, root] = high
        work[OFFSET, root] = guess if low < guess < high else 0.5 * (low + high)
        work[START, root] = work[ORIGIN, root]


@kernel
def _step(active: int, work: Array) -> None:
    """One step of every root still sought, to the zero of ``c + p / (low pole - x) + q / (high pole - x)``.

    The interpolant has f, f' and f'' in common with the secular function. Brackets are kept; a step that leaves its
    bracket becomes a bisection, or no step where it is round-off.
    """
    for lane in range(active):
        f = work[F, lane]
        slope = work[SLOPE, lane]
        here = work[OFFSET, lane]
        low = here if f < 0.0 else work[LOW, lane]
        high = here if f >= 0.0 else work[HIGH, lane]
        below = work[BELOW, lane] - here
        above = work[ABOVE, lane] - here
        side = work[SIDE, lane]
        product = below * above
        a = (below + above) * f - product * slope
        b = product * f
        c = f - (below + above) * slope + product * work[CURVATURE, lane]
        discriminant = side * np.sqrt(abs(a * a - 4.0 * b * c))
        plain = side * a <= 0.0
        step = (a - discriminant if plain else 2.0 * b) / (2.0 * c if plain else a + discriminant)
        there = here + step
        finished = abs(step) <= CONVERGED * min(abs(below), abs(above))
        instead = here if finished else 0.5 * (low + high)
        work[OFFSET, lane] = there if low <= there and there <= high and there != 0.0 else instead
        work[LOW, lane] = low
        work[HIGH, lane] = high
        work[FINISHED, lane] = 1.0 if finished else 0.0


@kernel
def _retire(active: int, work: Array) -> int:
    """Note the roots that are found, and move the others together; returns how many those are."""
    unfinished = 0
    for lane in range(active):
        work[DISTANCE, int(work[ROOT, lane])] = work[OFFSET, lane]
        if work[FINISHED, lane] == 0.0:
            if unfinished < lane:
                work[ORIGIN, unfinished] = work[ORIGIN, lane]
                work[OFFSET, unfinished] = work[OFFSET, lane]
                work[LOW, unfinished] = work[LOW, lane]
                work[HIGH, unfinished] = work[HIGH, lane]
                work[BELOW, unfinished] = work[BELOW, lane]
                work[ABOVE, unfinished] = work[ABOVE, lane]
                work[SIDE, unfinished] = work[SIDE, lane]
                work[ROOT, unfinished] = work[ROOT, lane]
            unfinished += 1
    return unfinished


@separate_kernel(NONE(WHOLE, VECTOR, VECTOR, VECTOR, MATRIX, VECTOR, MATRIX))
def _vectors(count: int, poles: Array, z: Array, roots: Array, vectors: Array, weights: Array, work: Array) -> None:
    """Eigenvectors from the z for which the roots are exact: ``(x - D)^{-1} z``, and the inverses of their norms."""
    for i in range(count):
        work[CORRECTED, i] = 1.0
    root = 0
    while root + 4 <= count:
        s0, s1, s2, s3 = work[START, root], work[START, root + 1], work[START, root + 2], work[START, root + 3]
        t0, t1 = work[DISTANCE, root], work[DISTANCE, root + 1]
        t2, t3 = work[DISTANCE, root + 2], work[DISTANCE, root + 3]
        p0, p1, p2, p3 = poles[root], poles[root + 1], poles[root + 2], poles[root + 3]
        for i in range(count):
            pole = poles[i]
            above = ((t0 - (pole - s0)) * (t1 - (pole - s1))) * ((t2 - (pole - s2)) * (t3 - (pole - s3)))
            d0 = p0 - pole if i != root else 1.0
            d1 = p1 - pole if i != root + 1 else 1.0
            d2 = p2 - pole if i != root + 2 else 1.0
            d3 = p3 - pole if i != root + 3 else 1.0
            work[CORRECTED, i] *= above / ((d0 * d1) * (d2 * d3))
        root += 4
    while root < count:
        s0, t0, p0 = work[START, root], work[DISTANCE, root], poles[root]
        for i in range(count):
            pole = poles[i]
            work[CORRECTED, i] *= (t0 - (pole - s0)) / (p0 - pole if i != root else 1.0)
        root += 1
    for i in range(count):
        value = np.sqrt(abs(work[CORRECTED, i]))
        work[CORRECTED, i] = value if z[i] >= 0.0 else -value
    for root in range(count):
        work[F, root] = 0.0
        roots[root] = work[START, root] + work[DISTANCE, root]
    i = 0
    while i + 4 <= count:
        p0, p1, p2, p3 = poles[i], poles[i + 1], poles[i + 2], poles[i + 3]
        c0, c1 = work[CORRECTED, i], work[CORRECTED, i + 1]
        c2, c3 = work[CORRECTED, i + 2], work[CORRECTED, i + 3]
        for root in range(count):
            start = work[START, root]
            distance = work[DISTANCE, root]
            x0 = distance - (p0 - start)
            x1 = distance - (p1 - start)
            x2 = distance - (p2 - start)
            x3 = distance - (p3 - start)
            x01 = x0 * x1
            x23 = x2 * x3
            inverse = 1.0 / (x01 * x23)
            inverse01 = inverse * x23
            inverse23 = inverse * x01
            x0, x1, x2, x3 = c0 * (inverse01 * x1), c1 * (inverse01 * x0), c2 * (inverse23 * x3), c3 * (inverse23 * x2)
            vectors[i, root] = x0
            vectors[i + 1, root] = x1
            vectors[i + 2, root] = x2
            vectors[i + 3, root] = x3
            work[F, root] += (x0 * x0 + x1 * x1) + (x2 * x2 + x3 * x3)
        i += 4
    while i < count:
        pole = poles[i]
        value = work[CORRECTED, i]
        for root in range(count):
            entry = value / (work[DISTANCE, root] - (pole - work[START, root]))
            vectors[i, root] = entry
            work[F, root] += entry * entry
        i += 1
    for root in range(count):
        weights[root] = 1.0 / np.sqrt(work[F, root])


@separate_kernel(WHOLE(WHOLE, VECTOR, VECTOR, VECTOR, MATRIX, VECTOR, MATRIX), from_python=True)
def rank_one_eigen(
    count: int, poles: Array, z: Array, roots: Array, vectors: Array, weights: Array, work: Array
) -> int:
    """Eigenpairs of ``diag(poles[:count]) + z z'`` for falling poles > 0, the last of which may be 0.

    Fills ``roots`` (falling), ``vectors[i, j]`` (entry i of the j-th eigenvector, whose product with z is 1) and
    ``weights[j]``, the inverse of its norm, hence z's coordinate along it (may be ``z`` itself). ``poles`` may be moved
    apart by a few units in the last place. ``work`` is ``(ROWS, count)`` or wider. Returns the number of steps.
    """
    total = 0.0
    for i in range(count):
        work[SQUARES, i] = z[i] * z[i]
        total += work[SQUARES, i]
    for i in range(count):
        work[SQUARES, i] = max(work[SQUARES, i], WEIGHT_FLOOR * total)
    for i in range(count - 2, -1, -1):
        poles[i] = max(poles[i], poles[i + 1] * (1.0 + POLE_SEPARATION))
    if count == 1:
        roots[0] = poles[0] + total
        vectors[0, 0] = 1.0 / z[0]
        weights[0] = abs(z[0])
        return 0
    _guess(count, poles, total, work)
    active = count
    steps = 0
    while active > 0 and steps < MOST_STEPS:
        _evaluate(active, count, poles, work)
        _step(active, work)
        active = _retire(active, work)
        steps += 1
    _vectors(count, poles, z, roots, vectors, weights, work)
    return steps
