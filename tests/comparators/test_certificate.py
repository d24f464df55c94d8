"""The certificate itself: a wrong point or a wrong dual must widen it, and no dual may break it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.comparators import best_fixed_point
from oco.comparators.certificate import FAR, Certifier, bounded_part, held_back, too_near
from oco.comparators.objective import ScalarLink
from oco.comparators.objectives import RowObjective
from oco.comparators.rows import RowMatrix
from oco.domains import Ball, Box, Domain, HalfSpace, Simplex, Unbounded
from oco.losses import SCALAR_LOSSES, RowBlock, scalar_loss

NAMES = sorted(set(SCALAR_LOSSES) - {"logarithmic", "linear"})


def certifier(name: str, domain: Domain, seed: int = 0) -> tuple[Certifier, RowBlock]:
    generator = np.random.default_rng(seed)
    scalar = scalar_loss(name)
    rows, targets = generator.standard_normal((50, 4)), generator.standard_normal(50)
    targets = np.sign(targets) if scalar.binary else targets
    objective = RowObjective(ScalarLink(scalar, targets), RowMatrix(rows, 50, 4))
    return Certifier(objective, domain, 1e-6), RowBlock(scalar, rows, targets)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_point_widens_the_interval_by_what_it_is_worse(name: str) -> None:
    domain = Ball(1.0, dimension=4)
    judge, block = certifier(name, domain)
    best = best_fixed_point(block, domain)
    wrong = domain.project(best.point + np.array([0.5, -0.5, 0.5, 0.5]))
    reached, slopes = judge.offer_point(wrong, block.rows @ wrong)
    judge.offer_dual(slopes)
    assert not judge.tight
    assert judge.upper >= best.value.lower
    assert judge.lower <= best.value.upper
    assert judge.gap >= reached - best.value.upper
    assert judge.gap > 100.0 * best.gap


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10_000), st.floats(0.01, 3.0))
def test_no_dual_whatever_proves_too_much(name: str, seed: int, size: float) -> None:
    generator = np.random.default_rng(seed)
    domain = [Ball(1.0, dimension=4), Box(-1.0, 0.5, dimension=4), Simplex(1.0, dimension=4)][seed % 3]
    judge, block = certifier(name, domain, seed)
    slopes = judge.objective.link.clip(size * generator.standard_normal(50))
    bound = judge.offer_dual(slopes)
    points = [domain.project(generator.standard_normal(4)) for _ in range(20)]
    for point in [*points, best_fixed_point(block, domain).point]:
        total = float(block.scalar.values_and_derivatives(block.rows @ point, block.targets)[0].sum())
        assert bound <= total + 1e-12 * abs(total)


@pytest.mark.parametrize("name", NAMES)
def test_the_interval_holds_the_value_of_a_very_accurate_solve(name: str) -> None:
    domain = Box(-0.4, 0.4, dimension=4)
    _, block = certifier(name, domain)
    loose = best_fixed_point(block, domain, tolerance=1e-3)
    exact = best_fixed_point(block, domain, tolerance=1e-12 if np.isfinite(block.scalar.smoothness) else 1e-8)
    assert loose.value.lower <= exact.value.upper
    assert exact.value.lower <= loose.value.upper
    assert loose.value.lower <= exact.value.middle <= loose.value.upper


@pytest.mark.parametrize("units", range(6))
def test_an_upper_bound_never_rises(units: int) -> None:
    """Of two points whose losses differ by less than the allowance for rounding, the better one is kept."""
    judge, _ = certifier("squared", Ball(1.0, dimension=4))
    values, slopes = np.full(50, 1.0), np.zeros(50)
    judge.offer_point(np.zeros(4), np.zeros(50), (values, slopes))
    before = judge.upper
    assert before > 50.0  # with the allowance
    other = np.full(4, 0.1)
    judge.offer_point(other, np.zeros(50), (values * (1.0 + units * 2.0**-52), slopes))
    assert judge.upper == before
    np.testing.assert_array_equal(judge.point, np.zeros(4))
    judge.offer_point(other, np.zeros(50), (values * (1.0 - 2.0**-50), slopes))
    assert judge.upper < before
    np.testing.assert_array_equal(judge.point, other)


def test_the_upper_bound_allows_for_the_rounding_of_margins() -> None:
    """``A x`` may be off by eps |A|_F |x|, which changes the loss by up to |slopes| times as much."""
    values, slopes, point = np.full(50, 1.0), np.full(50, 1e6), np.full(4, 0.3)
    uppers = []
    for part in (np.zeros(50), slopes):
        judge, block = certifier("squared", Ball(1.0, dimension=4))
        judge.offer_point(point, np.zeros(50), (values, part))
        uppers.append(judge.upper)
    error = 2.0**-52 * np.linalg.norm(block.rows) * np.linalg.norm(point)
    assert uppers[1] - uppers[0] >= error * np.linalg.norm(slopes)


def test_a_dual_out_of_range_proves_nothing() -> None:
    judge, _ = certifier("hinge", Ball(1.0, dimension=4))
    assert judge.offer_dual(np.full(50, 2.0)) == -np.inf
    assert judge.certificate == "losses are non-negative"
    assert judge.lower == 0.0


def test_a_certificate_without_reach_is_given_up() -> None:
    judge, block = certifier("squared", Unbounded(4))
    judge.offer_point(np.zeros(4), np.zeros(50))
    judge.lower, judge.certificate, judge._reach = 1e9, "Fenchel dual", 1.0
    judge.upper = np.inf
    judge.offer_point(np.full(4, 0.1), block.rows @ np.full(4, 0.1))
    assert judge.lower == 0.0


def test_the_bounded_part_of_a_direction() -> None:
    direction = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(bounded_part(Unbounded(3), direction), np.zeros(3))
    orthant = Box(0.0, np.inf, dimension=3)
    np.testing.assert_allclose(bounded_part(orthant, direction), [0.0, -2.0, 0.0], atol=1e-9)
    normal = np.array([1.0, 1.0, 0.0])
    np.testing.assert_allclose(bounded_part(HalfSpace(normal, 1.0), 2.0 * normal), 2.0 * normal, atol=1e-8)
    assert np.linalg.norm(bounded_part(HalfSpace(normal, 1.0), -normal)) <= 1e-8


def test_a_better_point_of_a_bounded_domain_keeps_the_lower_bound() -> None:
    domain = Ball(1.0, dimension=4)
    judge, block = certifier("squared", domain)
    best = best_fixed_point(block, domain)
    _, slopes = judge.offer_point(np.zeros(4), np.zeros(50))
    judge.offer_dual(judge.objective.link.evaluate(block.rows @ best.point)[1])
    proved = judge.lower
    assert proved > 0.0
    judge.offer_point(best.point, block.rows @ best.point)
    assert judge.lower == proved
    assert judge.tight


def test_what_an_unbounded_direction_leaves_open_covers_the_error_of_the_pull():
    # Of -pull = (-1, 2) the half-line x_1 >= 1 holds back the first part, whose support is -1. Nothing holds back the
    # second, and the true pull may differ by ``error``.
    domain, pull, error = Box([1.0, -np.inf], np.inf), np.array([1.0, -2.0]), np.array([0.3, 0.4])
    support, off, missed = held_back(domain, None, pull, error)
    assert support == pytest.approx(-1.0, rel=1e-9)
    assert off == 0.0
    assert 2.0 + 0.5 <= missed <= 1.02 * (2.0 + 0.5)


@pytest.mark.parametrize("size", [0.0, 1.0, 1e3])
def test_a_reach_is_too_near_below_a_tenth_of_that_which_is_promised(size):
    point = np.array([0.6, 0.8]) * size
    promised = FAR * (1.0 + size)
    assert not too_near(promised, point)
    assert not too_near(0.11 * promised, point)
    assert too_near(0.09 * promised, point)
