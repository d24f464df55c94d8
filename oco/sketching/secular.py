"""Eigen-decomposition of ``diag(poles) + z z'`` by the secular equation, to high relative accuracy.

The eigenvalues are the roots of ``f(x) = 1 + sum_i z_i^2 / (poles_i - x)``, one between each two neighbouring poles and
one above them all. All roots are found together (they are the inner, vectorised index of every loop), each as a
distance to its nearest pole, by rational interpolation of third order; eigenvectors come from the corrected z of Gu
and Eisenstat (SIAM J. Matrix Anal. Appl. 15, 1994), so that they are orthogonal to machine precision however close the
roots are. Nothing here may be reassociated.
"""

from __future__ import annotations

import numpy as np

from oco.compile import kernel
from oco.types import Array

ROWS = 15
"""Rows of the work array that `rank_one_eigen` needs."""
POLE_SEPARATION = 8.0 * 2.0**-52
"""Neighbouring poles are moved apart to this relative distance: an error of a few units in the last place."""
WEIGHT_FLOOR = 1e-60
"""Smallest ``z_i^2 / |z|^2``: below it a direction is untouched by the update to any precision."""
MOST_ITERATIONS = 80
CONVERGED = 1e-5
"""A step this small against the distance to the poles was the last: the next one would be its cube."""


@kernel
def _evaluate(active: int, count: int, poles: Array, squares: Array, origin: Array, offset: Array, sums: Array) -> None:
    """f, f' and f''/2 at ``origin + offset`` for ``active`` roots, into rows 0 to 2 of ``sums``."""
    for root in range(active):
        sums[0, root] = 1.0
        sums[1, root] = 0.0
        sums[2, root] = 0.0
    for i in range(count):
        pole = poles[i]
        square = squares[i]
        for root in range(active):
            inverse = 1.0 / ((pole - origin[root]) - offset[root])
            term = square * inverse
            sums[0, root] += term
            term *= inverse
            sums[1, root] += term
            sums[2, root] += term * inverse


@kernel
def rank_one_eigen(
    count: int, poles: Array, z: Array, roots: Array, vectors: Array, weights: Array, work: Array
) -> int:
    """Eigenpairs of ``diag(poles[:count]) + z z'`` for falling poles > 0, the last of which may be 0.

    Fills ``roots`` (falling), ``vectors[i, j]`` (entry i of the j-th eigenvector, signed so that its product with z
    is positive) and ``weights[j]`` (that product). ``poles`` may be moved apart by a few units in the last place.
    """
    squares = work[0]
    origin = work[1]
    offset = work[2]
    low = work[3]
    high = work[4]
    gap = work[5]
    sums = work[6:9]
    numerator = work[9]
    denominator = work[10]
    corrected = work[11]
    order = work[12]
    near = work[13]
    distance = work[14]
    total = 0.0
    for i in range(count):
        squares[i] = z[i] * z[i]
        total += squares[i]
    for i in range(count):
        squares[i] = max(squares[i], WEIGHT_FLOOR * total)
    for i in range(count - 2, -1, -1):
        poles[i] = max(poles[i], poles[i + 1] * (1.0 + POLE_SEPARATION))
    if count == 1:
        roots[0] = poles[0] + total
        vectors[0, 0] = 1.0 if z[0] >= 0.0 else -1.0
        weights[0] = abs(z[0])
        return 0

    # Where each root is: evaluate at the middle of its interval, and count from the pole of the half that it is in.
    for root in range(count):
        origin[root] = poles[root]
        gap[root] = poles[root - 1] - poles[root] if root > 0 else total
        offset[root] = 0.5 * gap[root]
    _evaluate(count, count, poles, squares, origin, offset, sums)
    for root in range(count):
        width = gap[root]
        half = 0.5 * width
        below = squares[root]
        above = squares[root - 1] if root > 0 else 0.0
        rest = sums[0, root] + below / half - above / half
        if root == 0 or sums[0, root] >= 0.0:
            low[root] = 0.0 if sums[0, root] >= 0.0 else half
            high[root] = half if sums[0, root] >= 0.0 else 2.0 * width
            a = rest * width + below + above
            b = below * width
        else:
            origin[root] = poles[root - 1]
            low[root] = -half
            high[root] = 0.0
            a = below + above - rest * width
            b = -above * width
        discriminant = np.sqrt(abs(a * a - 4.0 * b * rest))
        guess = (a - discriminant) / (2.0 * rest) if a <= 0.0 else 2.0 * b / (a + discriminant)
        offset[root] = guess if low[root] < guess < high[root] else 0.5 * (low[root] + high[root])

    active = count
    for root in range(count):
        order[root] = root
        near[root] = origin[root]
    iterations = 0
    while active > 0 and iterations < MOST_ITERATIONS:
        iterations += 1
        _evaluate(active, count, poles, squares, near, offset, sums)
        unfinished = 0
        for lane in range(active):
            root = int(order[lane])
            f = sums[0, lane]
            slope = sums[1, lane]
            here = offset[lane]
            if f < 0.0:
                low[root] = here
            else:
                high[root] = here
            below = (poles[root] - near[lane]) - here
            above = (poles[root - 1 if root > 0 else 1] - near[lane]) - here
            product = below * above
            a = (below + above) * f - product * slope
            b = product * f
            c = f - (below + above) * slope + product * sums[2, lane]
            side = 1.0 if root > 0 else -1.0
            discriminant = side * np.sqrt(abs(a * a - 4.0 * b * c))
            step = (a - discriminant) / (2.0 * c) if side * a <= 0.0 else 2.0 * b / (a + discriminant)
            there = here + step
            done = abs(step) <= CONVERGED * min(abs(below), abs(above))
            if not low[root] <= there <= high[root] or there == 0.0:
                there = here if done else 0.5 * (low[root] + high[root])
            distance[root] = there
            if not done:
                order[unfinished] = root
                near[unfinished] = near[lane]
                offset[unfinished] = there
                unfinished += 1
        active = unfinished

    # The z for which these roots are exact, then the vectors (D - x)^-1 z.
    for i in range(count):
        corrected[i] = 1.0
        numerator[i] = 1.0
        denominator[i] = 1.0
    for root in range(count):
        start = origin[root]
        shift = distance[root]
        pole = poles[root]
        for i in range(count):
            numerator[i] *= shift - (poles[i] - start)
        for i in range(count):
            denominator[i] *= pole - poles[i] if i != root else 1.0
        if root % 4 == 3 or root == count - 1:
            for i in range(count):
                corrected[i] *= numerator[i] / denominator[i]
                numerator[i] = 1.0
                denominator[i] = 1.0
    for i in range(count):
        value = np.sqrt(abs(corrected[i]))
        corrected[i] = value if z[i] >= 0.0 else -value
    for root in range(count):
        sums[0, root] = 0.0
        roots[root] = origin[root] + distance[root]
    for i in range(count):
        pole = poles[i]
        value = corrected[i]
        for root in range(count):
            entry = value / (distance[root] - (pole - origin[root]))
            vectors[i, root] = entry
            sums[0, root] += entry * entry
    for root in range(count):
        weights[root] = 1.0 / np.sqrt(sums[0, root])
    for i in range(count):
        for root in range(count):
            vectors[i, root] *= weights[root]
    return iterations
