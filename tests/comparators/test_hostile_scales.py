"""A hunt for an interval that does not hold its value: losses x domains x scales, against exact points."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from exact_minimum import exact
from hostile_games import LOSSES, PLACES, SHAPES, HostileGame, hostile_game, norm_at_most
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.comparators import Comparator, best_fixed_point, certify

SIZES = st.sampled_from([-150, -140, -80, -20, -8, 0, 0, 0, 8, 20, 80, 140, 150])
SPREADS = st.sampled_from([0, 0, 4, 12])


def refute(game: HostileGame, found: Comparator, far: bool) -> None:
    """Fail where a point of the domain, within the radius of the interval, is better than the lower end."""
    reached = game.inside(exact(found.point))
    assert game.loss(reached) <= Decimal(found.value.upper)
    lower = Decimal(found.value.lower)
    assert not lower.is_nan()
    for point in game.candidates(found.point, far):
        assert not norm_at_most(point, found.value.within) or lower <= game.loss(point)


def try_one(name: str, where: str, shape: str, spread: int, size: int, seed: int, solve: bool) -> None:
    game = hostile_game(name, where, shape, spread, size, seed)
    if solve:
        refute(game, best_fixed_point(game.block, game.domain), far=True)
        return
    generator = np.random.default_rng(seed + 2)
    good = game.candidates(game.domain.start, far=False)[2 + seed % 3]
    point = game.domain.project(np.array([float(x) for x in good]))
    low, high = game.block.scalar.dual_range(game.block.targets)
    slopes = game.block.scalar.values_and_derivatives(game.block.rows @ point, game.block.targets)[1]
    dual = slopes * (1.0 + 10.0 ** generator.integers(-16, 1) * generator.standard_normal(slopes.size))
    dual = np.clip(dual, low, high) if seed % 3 else dual
    refute(game, certify(game.block, game.domain, point, dual=dual), far=True)


CASES = (st.sampled_from(PLACES), st.sampled_from(SHAPES), SPREADS, SIZES, st.integers(0, 2**32 - 8))


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(*CASES)
def test_no_point_is_better_than_the_lower_end_of_a_certificate(
    name: str, where: str, shape: str, spread: int, size: int, seed: int
) -> None:
    try_one(name, where, shape, spread, size, seed, solve=False)


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(*CASES)
def test_no_point_is_better_than_the_lower_end_of_a_solve(
    name: str, where: str, shape: str, spread: int, size: int, seed: int
) -> None:
    try_one(name, where, shape, spread, size, seed, solve=True)


HUNTED = 20_000
"""Cases of the long hunt, the same ones every time."""


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
def test_a_long_hunt_finds_no_point_that_is_better_than_a_lower_end(name: str) -> None:
    generator = np.random.default_rng(LOSSES.index(name))
    sizes, spreads = [-150, -140, -80, -20, -8, 0, 0, 0, 8, 20, 80, 140, 150], [0, 0, 4, 12]
    for case in range(HUNTED // len(LOSSES)):
        where, shape = (str(generator.choice(which)) for which in (PLACES, SHAPES))
        spread, size = int(generator.choice(spreads)), int(generator.choice(sizes))
        try_one(name, where, shape, spread, size, int(generator.integers(2**32 - 8)), solve=case % 100 == 0)


def test_logistic_losses_of_rows_as_large_as_measured_have_a_best_point() -> None:
    # Without scaling the margins reach thousands, and the curvature of the losses falls below 1e-150 of their slope.
    game = oco.environments.LogisticRegression.load("breast_cancer", horizon=50, domain=oco.Ball(radius=1.0))
    record = oco.play(game, oco.OGD(learning_rate=0.1))
    assert record.regret is not None
    assert record.best_point is not None
    assert np.linalg.norm(record.best_point) <= 1.0 + 1e-12
    assert record.regret.upper - record.regret.lower <= 1e-6 * record.cumulative_loss
    assert record.regret.upper <= record.cumulative_loss  # losses are not negative
