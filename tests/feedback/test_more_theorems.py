"""Theorems of Polyak's step, aProx, ridge regression, SON on the slab, EXP3, the one-point bandit and optimistic FD."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.environments import Bandit, ExpertAdvice, GeneralizedLinear, Hinted, LeastSquares, LinearLosses, SpectrumLinear
from oco.errors import ConfigError
from oco.learners import (
    AProx,
    Exp3,
    OnePointBandit,
    OnlineRidge,
    OptimisticFDAdaGrad,
    PolyakOGD,
    SlabFDSON,
    SlabSON,
)
from oco.learners.base import Problem
from oco.losses import Absolute, Logistic, RowLoss, Squared
from oco.regret.bounds import Observed


def observed(domain: Any, rounds: int, **facts: Any) -> Observed:
    return Observed(rounds, domain, facts.pop("squares", 0.0), np.zeros(1), facts.pop("largest", 0.0), None, **facts)


# Polyak's step and the truncated model.


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**16), rounds=st.integers(1, 80), loss=st.sampled_from(["squared", "absolute", "hinge"]))
def test_under_interpolation_polyak_steps_come_nearer_in_every_round_and_keep_both_inequalities(
    seed: int, rounds: int, loss: str
) -> None:
    generator = np.random.default_rng(seed)
    rows, best = generator.standard_normal((rounds, 3)), 0.3 * generator.standard_normal(3)
    best /= max(1.0, float(np.linalg.norm(best)))
    targets = rows @ best if loss != "hinge" else np.sign(rows @ best)
    if loss == "hinge":
        rows *= 1.0001 * np.abs(1.0 / (rows @ best))[:, None]  # margins of 1 and more
    learner, domain = PolyakOGD(), oco.Ball(radius=1.0, dimension=3)
    learner.start(Problem(domain, rounds))
    scalar = oco.losses.scalar_loss(loss)
    total, squares, distance = 0.0, 0.0, float(np.linalg.norm(best))
    for row, target in zip(rows, targets, strict=True):
        one = RowLoss(scalar, row, target)
        total += one.value(learner.prediction)
        squares += float(np.sum(one.gradient(learner.prediction) ** 2))
        learner.update(one)
        nearer = float(np.linalg.norm(learner.prediction - best))
        assert nearer <= distance + 1e-12
        distance = nearer
    assert learner.state.squares <= float(best @ best) * (1.0 + 1e-9) + 1e-12
    bound = learner.bound(observed(domain, rounds, squares=squares))
    assert bound is not None
    assert total <= bound.value + 1e-9
    assert "attain the infimum in every round" in bound.violations[0]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 80), schedule=st.sampled_from(["sqrt", "constant"]),
    rate=st.sampled_from([None, 0.1, 100.0]), loss=st.sampled_from(["squared", "absolute", "hinge", "logistic"]),
)  # fmt: skip
def test_the_truncated_model_keeps_the_bound_of_its_gaps_at_every_rate(
    seed: int, rounds: int, schedule: Any, rate: float | None, loss: str
) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((rounds, 3)) * 10.0 ** generator.uniform(-1.0, 1.0)
    targets = np.sign(generator.standard_normal(rounds))
    game = GeneralizedLinear(rows, targets, loss=loss, domain=oco.Ball(radius=1.0))
    record = oco.play(game, AProx(learning_rate=rate, schedule=schedule), seed=seed)
    assert not record.violations
    bounds = record.curves["bound"]
    room = 1e-6 * (1.0 + np.abs(bounds)) + record.scalars["comparator_gap"]  # type: ignore[operator]
    assert (record.curves["regret_upper"] <= bounds + room).all()


def test_of_losses_that_may_fall_below_the_infimum_no_bound_is_valid() -> None:
    game = LinearLosses(np.ones((20, 2)), domain=oco.Ball(radius=1.0))
    record = oco.play(game, AProx())
    assert "losses are known to be at least 0" in record.violations[0]
    assert oco.play(GeneralizedLinear(np.ones((20, 2)), np.ones(20), loss="squared", domain=oco.Ball(radius=1.0)),
                    AProx(infimum=1.0)).violations  # fmt: skip


def test_a_large_rate_makes_polyak_steps_and_a_small_one_gradient_steps() -> None:
    generator = np.random.default_rng(0)
    rows, domain = generator.standard_normal((40, 3)), oco.Ball(radius=1.0, dimension=3)
    long, short, polyak = AProx(learning_rate=1e9), AProx(learning_rate=1e-3, schedule="constant"), PolyakOGD()
    point = np.zeros(3)
    for learner in (long, short, polyak):
        learner.start(Problem(domain, 40))
    for row in rows:
        loss = RowLoss(Absolute(), row, 5.0)
        point = domain.project(point - 1e-3 * loss.gradient(point))
        for learner in (long, short, polyak):
            learner.update(loss)
        np.testing.assert_allclose(long.prediction, polyak.prediction, atol=1e-12)
        np.testing.assert_allclose(short.prediction, point, atol=1e-12)


# Ridge regression.


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16), size=st.integers(1, 5), rounds=st.integers(1, 60), ridge=st.sampled_from([1e-2, 1.0])
)
def test_ridge_regression_has_its_identity(seed: int, size: int, rounds: int, ridge: float) -> None:
    """``sum (y - p)^2 (1 - a' A_t^{-1} a) = min_u sum (y - <a, u>)^2 + ridge |u|^2`` on the whole space."""
    generator = np.random.default_rng(seed)
    rows, labels = generator.standard_normal((rounds, size)), generator.uniform(-2.0, 2.0, rounds)
    learner, domain = OnlineRidge(ridge), oco.Unbounded(size)
    learner.start(Problem(domain, rounds, loss=Squared()))
    loss, matrix = 0.0, ridge * np.eye(size)
    moments = np.zeros(size)
    for row, label in zip(rows, labels, strict=True):
        np.testing.assert_allclose(learner.prediction, np.linalg.solve(matrix, moments), atol=1e-8)
        loss += 0.5 * float(row @ learner.prediction - label) ** 2
        learner.update(RowLoss(Squared(), row, label))
        matrix, moments = matrix + np.outer(row, row), moments + label * row
    best = np.linalg.solve(matrix, moments)
    least = 0.5 * float(np.sum((rows @ best - labels) ** 2)) + 0.5 * ridge * float(best @ best)
    assert loss - 0.5 * learner.state.root_errors**2 == pytest.approx(least, rel=1e-8, abs=1e-10)
    bound = learner.bound(observed(domain, rounds, comparator_distance=float(np.linalg.norm(best))))
    assert bound is not None
    fitted = 0.5 * float(np.sum((rows @ best - labels) ** 2))
    assert loss - fitted == pytest.approx(bound.value, rel=1e-7, abs=1e-9)
    assert bound.value <= bound.variants["from the largest error"] * (1.0 + 1e-9)


def test_ridge_regression_on_a_ball_keeps_its_bound_and_refuses_other_losses() -> None:
    generator = np.random.default_rng(4)
    rows = generator.standard_normal((300, 4))
    game = LeastSquares(rows, np.sign(rows[:, 0] + generator.standard_normal(300)), domain=oco.Ball(radius=0.3))
    record = oco.play(game, OnlineRidge(ridge=0.1))
    assert record.bound is not None
    assert record.regret.upper <= record.bound.value
    with pytest.raises(ConfigError, match="OnlineRidge plays squared losses, got the linear loss"):
        oco.play(LinearLosses(rows), OnlineRidge())


# SON on the slab.


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 80), ridge=st.sampled_from([1e-3, 1.0]),
    exponent=st.sampled_from([0.0, 0.5]), stretched=st.booleans(), rank=st.sampled_from([None, 1, 2, 9]),
)  # fmt: skip
def test_son_on_the_slab_keeps_its_bound_against_points_of_all_slabs(
    seed: int, rounds: int, ridge: float, exponent: float, stretched: bool, rank: int | None
) -> None:
    """Absolute losses with labels from a u of all slabs and with others, on rows of any scale: no ball is given."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((rounds, 3)) * (np.array([1e3, 1.0, 1e-3]) if stretched else 1.0)
    comparator = generator.standard_normal(3) / (np.array([1e3, 1.0, 1e-3]) if stretched else 1.0)
    comparator /= max(1.0, float(np.max(np.abs(rows @ comparator))))
    labels = np.where(generator.random(rounds) < 0.7, rows @ comparator, generator.uniform(-2.0, 2.0, rounds))
    options: dict[str, Any] = {"ridge": ridge, "exponent": exponent}
    learner: Any = SlabSON(**options) if rank is None else SlabFDSON(rank=rank, **options)
    domain = oco.Unbounded(3)
    learner.start(Problem(domain, rounds))
    loss, squares = 0.0, 0.0
    for row, label in zip(rows, labels, strict=True):
        learner.observe(row)
        assert abs(float(row @ learner.prediction)) <= 1.0 + 1e-6
        one = RowLoss(Absolute(), row, label)
        loss += one.value(learner.prediction) - one.value(comparator)
        gradient = one.gradient(learner.prediction)
        squares += float(gradient @ gradient)
        learner.update(gradient)
    bound = learner.bound(
        observed(domain, rounds, squares=squares, comparator_distance=float(np.linalg.norm(comparator)))
    )
    assert bound is not None
    assert loss <= bound.value * (1.0 + 1e-6) + 1e-6
    assert "slab of every row" in bound.violations[0]


def test_the_slab_is_what_a_ball_is_not_where_features_are_stretched() -> None:
    """Rows of scales 100 and 1/100, labels ``sign(a_1 + a_2)`` in units of each: the good u is long, and no ball of the
    size of one holds it. SON in such a ball is stuck with the first feature; the slab does not notice the scales."""
    generator = np.random.default_rng(7)
    plain = generator.standard_normal((3000, 2))
    labels = np.sign(plain @ np.ones(2))
    rows = plain * np.array([100.0, 0.01])
    options: dict[str, Any] = {"comparator": False, "spectrum": False}
    scaled = GeneralizedLinear(rows, labels, loss=Logistic(), order="file")
    in_ball = GeneralizedLinear(rows, labels, loss=Logistic(), order="file", domain=oco.Ball(radius=1.0))
    slab = oco.play(scaled, SlabSON(prediction_bound=5.0, ridge=1e-6), **options)
    ball = oco.play(in_ball, oco.learners.SON(ridge=1e-6), **options)
    unscaled = oco.play(
        GeneralizedLinear(plain, labels, loss=Logistic(), order="file"), SlabSON(prediction_bound=5.0, ridge=1e-6),
        **options,
    )  # fmt: skip
    assert slab.cumulative_loss < 0.6 * ball.cumulative_loss
    assert slab.cumulative_loss == pytest.approx(unscaled.cumulative_loss, rel=0.02)


def test_a_sketch_of_full_rank_is_son_on_the_slab_and_a_smaller_one_is_the_sketch_of_the_paper() -> None:
    """The metric of rank 2 is that of Frequent Directions on the weighted gradients, by dense arithmetic."""
    generator = np.random.default_rng(9)
    rows, labels = generator.standard_normal((200, 4)), np.sign(generator.standard_normal(200))
    game = GeneralizedLinear(rows, labels, loss=Logistic(), order="file")
    options: dict[str, Any] = {"comparator": False, "spectrum": False}
    exact = oco.play(game, SlabSON(), **options)
    full = oco.play(game, SlabFDSON(rank=4), **options)
    np.testing.assert_allclose(full.player.prediction, exact.player.prediction, rtol=1e-8)  # type: ignore[union-attr]
    learner, sketch = SlabFDSON(rank=2), oco.learners.plain.FrequentDirections(4, 2)
    learner.start(Problem(oco.Unbounded(4), 200))
    for index, (row, label) in enumerate(zip(rows, labels, strict=True), start=1):
        before = learner.state.point.copy()
        learner.observe(row)
        outside = float(row @ before)
        metric = np.eye(4) + sketch.covariance()
        along = np.linalg.solve(metric, row)
        moved = before - (outside - np.clip(outside, -1.0, 1.0)) / (row @ along) * along
        np.testing.assert_allclose(learner.prediction, moved, atol=1e-9)
        gradient = RowLoss(Logistic(), row, label).gradient(learner.prediction)
        sketch.update(gradient * index**-0.25)
        learner.update(gradient)
        expected = moved - np.linalg.solve(np.eye(4) + sketch.covariance(), gradient)
        np.testing.assert_allclose(learner.prediction, expected, atol=1e-9)
    assert learner.escaped_mass == pytest.approx(sketch.escaped_mass, rel=1e-9)


def test_the_slab_is_for_the_whole_space() -> None:
    with pytest.raises(ConfigError, match="needs the unbounded domain, got Ball.*; play SON there"):
        oco.play(LinearLosses(np.ones((3, 2)), domain=oco.Ball(radius=1.0)), SlabSON())


# Arms.


def test_exp3_keeps_its_bound_on_average_and_exp3_ix_with_high_probability() -> None:
    game = Bandit(ExpertAdvice(6, 600, gap=0.25, problem_seed=3))
    regrets = [
        oco.play(game, Exp3(implicit_exploration=0.0), learner_seed=seed, spectrum=False).regret.upper
        for seed in range(6)
    ]
    rate = np.sqrt(2.0 * np.log(6.0) / (6.0 * 600))
    bound = np.log(6.0) / rate + 0.5 * rate * 6.0 * 600
    assert bound == pytest.approx(np.sqrt(2.0 * 6.0 * 600 * np.log(6.0)))
    assert 0.1 * bound <= np.mean(regrets) <= bound
    for seed in range(4):
        record = oco.play(game, Exp3(), learner_seed=seed, spectrum=False)
        assert isinstance(record.player, Exp3)
        assert record.bound is None
        assert record.regret.upper <= record.player.bound_with_probability(600, failure=0.01)


def test_estimated_losses_are_right_on_average() -> None:
    """Over many draws the importance-weighted estimate of every arm's loss is the loss itself."""
    estimates = []
    for seed in range(4000):
        learner = Exp3(learning_rate=1.0, implicit_exploration=0.0)
        learner.start(Problem(oco.Simplex(dimension=3), 10, seed=seed))
        learner.state.losses = np.array([0.0, 0.5, 1.0])
        learner._draw()
        before = learner.state.losses.copy()
        losses = np.array([0.2, 0.9, 0.6])
        learner.update(np.array([losses @ learner.prediction]))
        estimates.append(learner.state.losses - before)
    np.testing.assert_allclose(np.mean(estimates, axis=0), [0.2, 0.9, 0.6], atol=0.06)


def test_exp3_counts_losses_out_of_range_and_takes_any_range() -> None:
    rows = np.random.default_rng(0).uniform(-3.0, 1.0, (200, 3))
    game = LinearLosses(rows, domain=oco.Simplex(scale=2.0), order="file")
    inside = oco.play(game, Exp3(low=-3.0, high=1.0, implicit_exploration=0.0))
    outside = oco.play(game, Exp3(implicit_exploration=0.0))
    assert not any("range" in violation for violation in inside.violations)
    assert any("no loss was out of range" in violation for violation in outside.violations)
    for wrong in ({"low": 1.0}, {"high": np.inf}):
        with pytest.raises(ConfigError, match="low and high of Exp3"):
            Exp3(**wrong)
    with pytest.raises(ConfigError, match="Exp3 plays on the simplex, got Ball"):
        oco.play(SpectrumLinear(3, 20), Exp3())


# One value.


def test_the_one_point_estimate_is_the_gradient_of_the_smoothed_loss_on_average() -> None:
    """On a linear loss that is the gradient itself."""
    slope, estimates = np.array([1.0, -2.0, 0.5]), []
    for seed in range(20_000):
        learner = OnePointBandit(learning_rate=1.0, exploration=0.4)
        learner.start(Problem(oco.Unbounded(3), 10, seed=seed))
        drawn = learner.state.direction
        estimates.append(3.0 / 0.4 * float(slope @ learner.prediction) * drawn)
    np.testing.assert_allclose(np.mean(estimates, axis=0), slope, atol=0.1)


def test_one_point_regret_is_below_its_bound_on_average_and_falls_behind_the_rounds() -> None:
    shares = []
    for rounds in (200, 2400):
        rows = np.random.default_rng(1).standard_normal((rounds, 2)) * 0.2 + np.array([0.6, 0.0])
        game = LinearLosses(rows, domain=oco.Ball(radius=1.0), order="file")
        records = [oco.play(game, OnePointBandit(), learner_seed=seed, spectrum=False) for seed in range(4)]
        bounds = [record.curves["bound"][-1] for record in records]
        regrets = [record.regret.upper for record in records]
        assert np.mean(regrets) <= np.mean(bounds)
        shares.append(np.mean(regrets) / rounds)
    assert shares[1] <= 0.8 * shares[0]


def test_the_points_of_the_one_point_bandit_lie_in_the_domain() -> None:
    learner = OnePointBandit(learning_rate=1.0, exploration=0.3)
    learner.start(Problem(oco.Ball(radius=1.0, dimension=3), 99, gradient_bound=1.0))
    for _ in range(50):
        assert np.linalg.norm(learner.prediction) <= 1.0 + 1e-12
        learner.update(np.array([9.0]))


# A sketch of the hints' errors.


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), rank=st.integers(1, 4), noise=st.sampled_from([0.0, 0.1, 1.0]), last=st.booleans())
def test_optimistic_fd_adagrad_keeps_its_bound(seed: int, rank: int, noise: float, last: bool) -> None:
    game = SpectrumLinear(4, 120, domain=oco.Ball(radius=1.0))
    hinted = Hinted(game, "last") if last else Hinted(game, "future+noise", noise=noise)
    record = oco.play(hinted, OptimisticFDAdaGrad(rank=rank), seed=seed)
    assert (record.curves["regret_upper"] <= record.curves["bound"] * (1.0 + 1e-9)).all()


@pytest.mark.parametrize("rounds", [50, 2000])
def test_perfect_hints_leave_the_sketch_empty_and_the_regret_constant(rounds: int) -> None:
    game = SpectrumLinear(4, rounds, domain=oco.Ball(radius=1.0))
    record = oco.play(Hinted(game, "future+noise"), OptimisticFDAdaGrad(rank=2), spectrum=False)
    assert isinstance(record.player, OptimisticFDAdaGrad)
    assert not record.player.state.values.any()
    assert record.regret.upper <= np.sqrt(2.0) * 2.0 * 2.0 * game.gradient_bound * 4.0


def test_errors_in_one_direction_cost_one_direction() -> None:
    """Hints that err along an axis leave the metric of the others as it was: less than a metric of one number pays."""
    rows = np.random.default_rng(3).standard_normal((1500, 5))
    rows /= np.linalg.norm(rows, axis=1)[:, None]

    class Along(Hinted):
        name = "along"

        def hint_of(self, round_index: int, point: Any, gradient: Any) -> Any:
            return rows[round_index] - np.eye(5)[0] * np.sign(rows[round_index, 0])

    game = Along(LinearLosses(rows, domain=oco.Ball(radius=1.0), order="file"))
    sketched = oco.play(game, OptimisticFDAdaGrad(rank=1, error_bound=1.0), comparator=False)
    assert isinstance(sketched.player, OptimisticFDAdaGrad)
    assert sketched.player.state.values[0] == pytest.approx(1500.0)
    np.testing.assert_allclose(np.abs(sketched.player.state.basis[0]), np.eye(5)[0], atol=1e-9)
    assert sketched.player.state.escaped == pytest.approx(0.0, abs=1e-9)
