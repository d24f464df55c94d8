"""Certificates of games with a constraint: the violation, its positive part, and the best point that keeps the sum."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.comparators import best_constrained_point
from oco.environments import Delayed, LeastSquares, LinearLosses, WithConstraint
from oco.errors import ConfigError
from oco.losses import Linear, RowBlock, Squared

GENERATOR = np.random.default_rng(4)
ROWS = GENERATOR.standard_normal((60, 3))


def linear(*rows: Any) -> RowBlock:
    return RowBlock(Linear(), np.array(rows, dtype=float), np.zeros(len(rows)))


@pytest.mark.parametrize("bound", [-0.9, -0.3, 0.0, 0.4])
def test_a_half_space_and_a_ball_have_a_closed_form(bound: float) -> None:
    """``min <g, x>`` on the unit ball with ``x_1 <= b``, where x_1 would be ``4/5`` without it."""
    slopes = np.array([-4.0, 1.0, 2.0, -2.0])
    best = best_constrained_point(linear(slopes), linear([1.0, 0.0, 0.0, 0.0]), oco.Ball(1.0, dimension=4), limit=bound)
    assert best is not None
    exact = -4.0 * bound - 3.0 * np.sqrt(1.0 - bound**2)
    assert best.tight
    assert best.value.lower <= exact + 1e-12
    assert best.value.upper >= exact - 1e-12
    assert best.value.width <= 1e-3 * abs(exact)
    assert best.point[0] <= bound


def test_a_constraint_that_the_best_point_keeps_changes_nothing_and_one_that_none_keeps_is_told() -> None:
    ball, slopes, first = oco.Ball(1.0, dimension=2), linear([3.0, 4.0]), linear([1.0, 0.0])
    loose = best_constrained_point(slopes, first, ball, limit=0.5)
    assert loose is not None
    assert loose.value.width < 1e-9
    assert -5.0 in loose.value
    assert best_constrained_point(slopes, first, ball, limit=-1.01) is None


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16), limit=st.floats(-0.3, 0.6), kind=st.sampled_from(["linear", "squared"]))
def test_no_point_of_a_grid_that_keeps_the_constraint_has_less_than_the_lower_bound(
    seed: int, limit: float, kind: str
) -> None:
    generator = np.random.default_rng(seed)
    rows, others = generator.standard_normal((2, 12, 2))
    targets = generator.standard_normal(12)
    losses = RowBlock(Linear() if kind == "linear" else Squared(), rows, targets)
    curved = RowBlock(Squared(), others, np.zeros(12))
    across = np.linspace(-1.0, 1.0, 81)
    grid = np.array([[x, y] for x in across for y in across])
    margins, violations = grid @ rows.T, 0.5 * np.sum((grid @ others.T) ** 2, axis=1) - 12.0 * limit
    values = margins.sum(axis=1) if kind == "linear" else 0.5 * np.sum((margins - targets) ** 2, axis=1)
    best = best_constrained_point(losses, curved, oco.Box(-1.0, 1.0, dimension=2), limit=limit)
    kept = violations <= 0.0
    if best is None:
        assert not kept.any()
        return
    assert np.all(values[kept] >= best.value.lower)
    if np.isfinite(best.value.upper):
        assert 0.5 * np.sum((others @ best.point) ** 2) - 12.0 * limit <= 0.0


def test_the_regret_against_points_that_keep_the_sum_is_that_against_the_feasible_set() -> None:
    """``-<1, x>`` on the unit ball with ``x_1 <= 0``: the best feasible point is (0, 1)."""
    losses = LinearLosses(-np.ones((40, 2)), domain=oco.Ball(radius=1.0))
    half = LinearLosses(np.tile([1.0, 0.0], (40, 1)))
    known = oco.domains.BallBox(radius=1.0, lower=[-2.0, -2.0], upper=[0.0, 2.0])
    learner = oco.learners.PrimalDualOGD()
    for wrap in (lambda game: game, lambda game: Delayed(game, 0)):
        by_sum = oco.play(wrap(WithConstraint(losses, half, feasible="sum")), learner)
        by_set = oco.play(wrap(WithConstraint(losses, half, feasible=known)), learner)
        for record in (by_sum, by_set):
            # Loss minus comparator at checkpoint t, whose best value is -t.
            best = record.cumulative_loss - record.regret.middle
            assert best == pytest.approx(-40.0, rel=1e-3)
        np.testing.assert_allclose(by_sum.curves["regret_upper"], by_set.curves["regret_upper"], atol=0.05)
        assert by_sum.violations  # the theorem is about points that keep every single constraint
        assert not by_set.violations


def test_a_prefix_that_no_point_keeps_has_no_regret() -> None:
    """``(x - 2)^2 / 2 <= 1/4`` in round 1, which no x of [-1, 1] keeps, and ``x^2 / 2 <= 1/4`` in the nine others.

    The sum over ten rounds is kept by x with ``(x - 2)^2 + 9 x^2 <= 5``, so from ``(4 - sqrt(56)) / 20`` on.
    """
    rows = np.ones((10, 1))
    constraint = LeastSquares(rows, np.array([2.0, *np.zeros(9)]), order="file")
    game = WithConstraint(LinearLosses(rows, domain=oco.Ball(1.0)), constraint, limit=0.25, feasible="sum")
    record = oco.play(game, oco.OGD(), checkpoints=[1, 10])
    assert np.isnan(record.curves["regret_upper"][0])
    best = record.cumulative_loss - record.regret.middle
    assert best == pytest.approx(10.0 * (4.0 - np.sqrt(56.0)) / 20.0, rel=2e-3)
    assert "keeps the constraint in rounds 1..1" in str(record.scalars["comparator_note"])


@pytest.mark.parametrize("limit", [0.0, 0.1, -0.7])
def test_the_sums_are_certified_against_exact_arithmetic(limit: float) -> None:
    """A learner that stays at one point: both sums as fractions, which have no rounding."""
    place = np.array([0.1, -0.7, 0.3])

    class Still(oco.Learner):
        def start(self, problem: oco.Problem) -> None:
            self.state = {"point": place}

        def update(self, gradient: Any) -> None:
            pass

    game = WithConstraint(LinearLosses(ROWS), LinearLosses(ROWS, order="file"), limit=limit)
    record = oco.play(game, Still(), comparator=False)
    excesses = [
        sum((Fraction(a) * Fraction(x) for a, x in zip(row, place, strict=True)), -Fraction(limit)) for row in ROWS
    ]
    for found, exact in (
        (record.violation, sum(excesses)), (record.positive_violation, sum(max(each, Fraction(0)) for each in excesses))
    ):  # fmt: skip
        assert found is not None
        assert Fraction(found.lower) <= exact <= Fraction(found.upper)
        assert 0.0 < found.width < 1e-11
    assert oco.play(LinearLosses(ROWS), oco.OGD(learning_rate=1.0), comparator=False).violation is None


def test_what_the_sum_needs_is_said() -> None:
    game = LinearLosses(ROWS, domain=oco.Ball(1.0))
    with pytest.raises(ConfigError, match='feasible must be a domain, "sum" or None'):
        WithConstraint(game, LinearLosses(ROWS), feasible="all")
    adversary = oco.environments.AdaptiveBallLowerBound(3, 60)
    for environment, constraint in ((LinearLosses(ROWS), game), (game, adversary)):
        with pytest.raises(ConfigError, match='feasible="sum" needs a bounded domain, and losses'):
            WithConstraint(environment, constraint, feasible="sum")
    spec = oco.spec.spec(WithConstraint(oco.environments.SpectrumLinear(3, 9, domain=oco.Ball(1.0)),
                                        oco.environments.SpectrumLinear(3, 9), feasible="sum"))  # fmt: skip
    assert oco.spec.from_spec(spec).feasible == "sum"


def test_a_wrapper_around_a_constraint_keeps_its_comparator() -> None:
    game = LinearLosses(ROWS, domain=oco.Ball(1.0))
    small = WithConstraint(game, LinearLosses(ROWS), feasible=oco.Ball(0.25))
    plain, late = (oco.play(played, oco.OGD()) for played in (small, Delayed(small, 2)))
    np.testing.assert_array_equal(plain.curves["comparator_upper"], late.curves["comparator_upper"])
    exact = -0.25 * np.linalg.norm(ROWS.sum(axis=0))
    assert late.curves["comparator_upper"][-1] == pytest.approx(exact, rel=1e-9)
