"""Projections on slices and half-spaces in diagonal norms that give some coordinates no weight."""

from __future__ import annotations

import numpy as np
import pytest

from oco.compile import kernel
from oco.domains import AffineSlice, Diagonal, HalfSpace
from oco.learners._ground import Ground
from oco.learners._settled import PLAYED, SETTLED
from oco.learners._weightless import slide_freely

DIMENSION = 12


@kernel
def slide(point, weights, ground):
    return slide_freely(point, weights, ground)


def projected(domain, point, weights):
    """What the kernel makes of ``point``, and of its work."""
    out = point.copy()
    return out, slide(out, weights, Ground.of(domain, domain.as_region(), 0))


def equations(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, DIMENSION))


@pytest.mark.parametrize("free", [1, 2, 3, 7, DIMENSION])
@pytest.mark.parametrize("count", [1, 3, 6])
def test_the_projection_is_that_of_the_domain_however_many_coordinates_weigh_nothing(free, count):
    generator = np.random.default_rng(free)
    domain = AffineSlice(equations(count), np.ones(count))
    weights = np.r_[np.zeros(free), generator.uniform(0.1, 1.0, DIMENSION - free)]
    point = generator.standard_normal(DIMENSION)
    found, how = projected(domain, point, weights)
    assert how == SETTLED
    np.testing.assert_allclose(found, domain.project_in(point, Diagonal(weights)), rtol=0.0, atol=1e-11)


def test_it_is_nearest_in_the_weighed_coordinates_alone():
    """Whatever the free coordinates are, no other point of the slice is nearer: the gradient is a sum of equations."""
    rows, weights = equations(4), np.r_[np.zeros(2), np.linspace(0.2, 1.0, DIMENSION - 2)]
    point = np.linspace(-1.0, 1.0, DIMENSION)
    found, how = projected(AffineSlice(rows, np.ones(4)), point, weights)
    assert how == SETTLED
    np.testing.assert_allclose(rows @ found, 1.0, atol=1e-11)
    gradient = weights * (found - point)
    multipliers = np.linalg.lstsq(rows.T, gradient, rcond=None)[0]
    np.testing.assert_allclose(rows.T @ multipliers, gradient, atol=1e-11)
    assert np.linalg.norm(gradient) > 0.1


def test_equations_that_agree_on_the_free_coordinates_are_met_by_the_others():
    rows, free = equations(3), 4
    rows[1, :free] = rows[0, :free]
    rows[2, :free] = -2.0 * rows[0, :free]
    weights = np.r_[np.zeros(free), np.ones(DIMENSION - free)]
    point, domain = np.arange(DIMENSION, dtype=float), AffineSlice(rows, np.ones(3))
    found, how = projected(domain, point, weights)
    assert how == SETTLED
    np.testing.assert_allclose(found, domain.project_in(point, Diagonal(weights)), atol=1e-10)


def test_a_half_space_is_met_by_the_free_coordinates():
    normal = np.linspace(1.0, 2.0, DIMENSION)
    weights = np.r_[0.0, np.ones(DIMENSION - 1)]
    found, how = projected(HalfSpace(normal, -1.0), np.ones(DIMENSION), weights)
    assert how == SETTLED
    np.testing.assert_array_equal(found[1:], 1.0)
    assert normal @ found == pytest.approx(-1.0, abs=1e-11)


def test_a_rank_that_rounding_decides_is_left_to_the_domain():
    weights = np.r_[0.0, np.ones(DIMENSION - 1)]
    domain = AffineSlice(np.eye(DIMENSION)[1:3] + 1e-7 * np.eye(DIMENSION)[0], np.ones(2))
    point = np.zeros(DIMENSION)
    found, how = projected(domain, point, weights)
    assert how == PLAYED
    np.testing.assert_array_equal(found, point)
