"""A point so far away that rounding spoils its projection is projected from a nearer point of the same direction."""

import numpy as np
import pytest

from oco.domains import Ball, BallBox, ScaledIdentity
from oco.domains.certificate import first_certified


@pytest.mark.parametrize("good_below", [1e13, 1e10, 1e6])
def test_nearer_points_lie_in_the_direction_of_the_far_one(good_below):
    domain = Ball(2.0, center=[1.0, -1.0, 0.5])
    unit = np.array([2.0, -1.0, 2.0]) / 3.0
    point = domain.start + 1e14 * unit

    def solve(target):
        if np.linalg.norm(target - domain.start) <= good_below:
            return domain.project(target)
        raise FloatingPointError

    projected = first_certified(domain, point, ScaledIdentity(3.0), solve)
    np.testing.assert_allclose(projected, domain.start + 2.0 * unit, rtol=1e-6)


def test_radius_of_a_ball_and_a_box_with_one_center_is_exact():
    # The largest |x_1| + |x_2| with |x| <= 3 and |x_2| <= 0.3 is at x_2 = 0.3.
    domain = BallBox(3.0, lower=[-3.0, -0.3], upper=[3.0, 0.3])
    assert domain.radius("l1") == pytest.approx(3.0 * (np.sqrt(0.99) + 0.1), rel=1e-9)
    assert domain.diameter("l1") == pytest.approx(6.0 * (np.sqrt(0.99) + 0.1), rel=1e-9)
    assert domain.radius("l2") == pytest.approx(3.0, rel=1e-9)
    assert domain.radius("linf") == pytest.approx(3.0, rel=1e-9)
