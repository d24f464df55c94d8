"""How far outside a point may lie and still count as inside is what each domain's ``contains`` states."""

import numpy as np
import pytest

from oco.domains import AffineSlice, Ball, BallBox, Box, HalfSpace, L1Ball, Simplex, Slab, SpectralBall

TOLERANCE = 1e-6
SIZES = (1e-3, 1.0, 1e3)


def edges(size):
    """Domain, a point on its boundary, a unit direction out of it, and the length that its tolerance is relative to."""
    yield Ball(size, dimension=2), [size, 0.0], [1.0, 0.0], size
    yield Box([0.0, -size], [size, 3.0 * size]), [size, 0.0], [1.0, 0.0], 4.0 * size
    yield Box([0.0, -size], [size, 3.0 * size]), [0.0, 3.0 * size], [0.0, 1.0], 4.0 * size
    yield Box(-np.inf, size, dimension=2), [size, 0.0], [1.0, 0.0], 1.0
    yield BallBox(3.0 * size, lower=-size, upper=size, dimension=2), [size, 0.0], [1.0, 0.0], 2.0 * size
    yield BallBox(size, lower=-3.0 * size, upper=3.0 * size, dimension=2), [size, 0.0], [1.0, 0.0], size
    yield L1Ball(size, dimension=2), [size, 0.0], [1.0, 0.0], size
    yield Simplex(size, 2), [size, 0.0], [0.5, 0.5], size
    yield Simplex(size, 2), [size, 0.0], [1.0, -1.0], size
    yield SpectralBall(size, (2, 2)), [[size, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]], size
    yield HalfSpace([0.0, 2.0], 2.0 * size), [0.0, size], [0.0, 1.0], size
    yield Slab([0.0, 2.0], 2.0 * size), [0.0, -size], [0.0, -1.0], size
    yield AffineSlice([[0.0, 1.0]], [size]), [0.0, size], [0.0, 1.0], size


@pytest.mark.parametrize("size", SIZES)
def test_a_point_may_be_outside_by_the_stated_tolerance_and_no_more(size):
    for domain, point, direction, length in edges(size):
        point, direction = np.array(point), np.array(direction)
        for share, inside in ((0.0, True), (0.9, True), (1.1, False)):
            moved = point + share * TOLERANCE * length * direction
            assert domain.contains(moved, TOLERANCE) == inside, (domain, share)
