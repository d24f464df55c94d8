"""The multiplier of a projection on a ball in another norm, compiled."""

from __future__ import annotations

import numpy as np

from oco.compile import REAL, VECTOR, separate_kernel, several
from oco.lanes import WIDTH, add_products, load, spread, sqrt, store, where
from oco.types import Array

MOST_ITERATIONS = 200
"""Newton needs 3 to 10 steps; many more only for eigenvalues a hundred powers of ten apart."""
SMALLEST = 1e-300
"""Least eigenvalue above zero, in units of the largest."""


@separate_kernel(several(REAL, REAL)(VECTOR, VECTOR, REAL, REAL, REAL), from_python=True)
def ball_multiplier(
    values: Array, squares: Array, complement_value: float, complement_square: float, radius: float
) -> tuple[float, float]:
    """The mu >= 0 for which ``x = H (H + mu I)^{-1} y`` has norm ``radius``, and the factor of y's complement.

    Parameters
    ----------
    values
        ``(k,)``, eigenvalues h_i of H, all >= 0.
    squares
        ``(k,)``, squared coordinates of y along their eigenvectors; overwritten.
    complement_value, complement_square
        The eigenvalue h_0 of H on the orthogonal complement of those eigenvectors, and y's squared norm there.
    radius
        Radius of the ball.

    Returns
    -------
    (mu, complement_scale)
        Coordinate i of y is to be multiplied by ``h_i / (h_i + mu)`` and the complement by ``complement_scale``, both
        one where y is inside. A zero h_i takes the complement's factor, the limit of ``h / (h + mu)`` as both fall to
        zero. Directions in the null space of H are shrunk first, and only as far as necessary.

    Notes
    -----
    Newton's method on ``1 / radius - 1 / |x|``, which is convex and falling in mu, climbs from below to the root and
    never overshoots. The norm of x is the radius to about 1e-15.
    """
    weighed = 0.0
    free = 0.0
    for i in range(values.size):
        if values[i] > 0.0:
            weighed += squares[i]
        else:
            free += squares[i]
    if complement_value > 0.0:
        weighed += complement_square
    else:
        free += complement_square
    room = radius * radius - weighed
    if free <= room:
        return 0.0, 1.0
    if room >= 0.0 and free > 0.0:
        return 0.0, np.sqrt(room / free)
    # In units of the largest eigenvalue, so that nothing overflows. Below the starting shift, one coordinate alone
    # would already exceed the radius.
    largest = complement_value
    for i in range(values.size):
        largest = max(largest, values[i])
    roots = squares
    for at in range(0, values.size, WIDTH):
        store(roots, at, sqrt(load(squares, at)) / radius)
    rest, beyond = complement_value / largest, np.sqrt(complement_square) / radius
    multiplier = max(0.0, rest * (beyond - 1.0))
    for i in range(values.size):
        multiplier = max(multiplier, values[i] / largest * (roots[i] - 1.0))
    for _ in range(MOST_ITERATIONS):
        total = 0.0
        slope = 0.0
        for at in range(0, values.size, WIDTH):
            weighs = load(values, at) > 0.0
            value = load(values, at) / largest
            value = where(value < SMALLEST, SMALLEST, value)
            part = where(weighs, value / (value + multiplier) * load(roots, at), 0.0)
            total = add_products(total, part * part, spread(1.0))
            slope = add_products(slope, part * part, (1.0 + multiplier) / (value + multiplier))
        if rest > 0.0:
            part_beyond = rest / (rest + multiplier) * beyond
            total += part_beyond * part_beyond
            slope += part_beyond * part_beyond * ((1.0 + multiplier) / (rest + multiplier))
        step = (np.sqrt(total) - 1.0) * (total / slope) * (1.0 + multiplier)
        multiplier += step
        if not step > 1e-15 * multiplier:
            break
    return multiplier * largest, rest / (rest + multiplier) if rest > 0.0 else 0.0
