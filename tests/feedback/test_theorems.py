"""The theorem of every learner of another feedback, on its own feedback, with its own constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.environments import Delayed, Hinted, LeastSquares, LinearLosses, SpectrumLinear, WithConstraint
from oco.learners import (
    DelayedOGD,
    ImplicitOGD,
    OptimisticOGD,
    PrimalDualOGD,
    TwoPointBandit,
    VovkAzouryWarmuth,
)
from oco.learners.base import Constrained, Problem
from oco.losses import RowLoss, Squared
from oco.regret.bounds import Observed
from oco.types import Array


def observed(domain: Any, rounds: int, **facts: Any) -> Observed:
    return Observed(rounds, domain, facts.pop("squares", 0.0), np.zeros(1), facts.pop("largest", 0.0), None, **facts)


# The Vovk-Azoury-Warmuth forecaster.


def forecasts(rows: Array, label: Any, ridge: float, domain: Any) -> tuple[float, Array, VovkAzouryWarmuth]:
    """Total loss, labels and the forecaster; ``label(prediction)`` may look at the prediction, as an adversary does."""
    learner = VovkAzouryWarmuth(ridge)
    learner.start(Problem(domain, len(rows), loss=Squared()))
    loss, labels = 0.0, []
    for row in rows:
        learner.observe(row)
        prediction = float(row @ learner.prediction)
        labels.append(label(prediction))
        learner.update(RowLoss(Squared(), row, labels[-1]))
        loss += 0.5 * (prediction - labels[-1]) ** 2
    return loss, np.array(labels), learner


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16), size=st.integers(1, 5), rounds=st.integers(1, 60),
    ridge=st.sampled_from([1e-3, 1.0, 30.0]), kind=st.sampled_from(["away", "coin", "sign", "late"]),
)  # fmt: skip
def test_the_forecaster_keeps_its_bound_against_every_comparator_on_adversarial_labels(
    seed: int, size: int, rounds: int, ridge: float, kind: str
) -> None:
    """Against the u that minimizes ``loss(u) + ridge / 2 |u|^2``, in closed form, which is the worst one."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((rounds, size)) * 10.0 ** generator.uniform(-2.0, 2.0)
    signs = iter(generator.choice([-1.0, 1.0], size=rounds))
    label = {
        "away": lambda p: -1.0 if p > 0.0 else 1.0,
        "coin": lambda p: next(signs),
        "sign": lambda p: 1.0,
        "late": lambda p: 0.0 if next(signs) > 0.0 else 1.0,
    }[kind]
    loss, labels, learner = forecasts(rows, label, ridge, oco.Unbounded(size))
    matrix = ridge * np.eye(size) + rows.T @ rows
    best = np.linalg.solve(matrix, rows.T @ labels)
    least = 0.5 * float(np.sum((rows @ best - labels) ** 2)) + 0.5 * ridge * float(best @ best)
    growth = np.linalg.slogdet(matrix / ridge)[1]
    assert loss - least <= 0.5 * growth * (1.0 + 1e-9) + 1e-9
    bound = learner.bound(observed(oco.Unbounded(size), rounds, comparator_distance=float(np.linalg.norm(best))))
    assert bound is not None
    largest = float(np.max(np.abs(labels)))
    assert bound.value == pytest.approx(0.5 * ridge * best @ best + 0.5 * largest**2 * growth, rel=1e-6)
    rounding = 1e-15 * size * largest**2  # of the logarithm of a determinant near one
    assert bound.variants["from the trace of A_T"] >= bound.value * (1.0 - 1e-12) - rounding


def test_the_bound_of_the_forecaster_is_nearly_attained() -> None:
    """One row of length one and labels away from the prediction: the regret grows like half the logarithm."""
    rows = np.ones((4000, 1))
    signs = iter(np.random.default_rng(0).choice([-1.0, 1.0], size=4000))
    loss, labels, learner = forecasts(rows, lambda p: next(signs), 1.0, oco.Unbounded(1))
    best = labels.sum() / 4000.0
    regret = loss - 0.5 * np.sum((labels - best) ** 2)
    bound = learner.bound(observed(oco.Unbounded(1), 4000, comparator_distance=abs(best)))
    assert bound is not None
    assert 0.4 * bound.value <= regret <= bound.value


def test_the_forecaster_is_the_closed_form_on_a_domain_too() -> None:
    """Outside a ball it plays the point of the ball that is nearest in the norm of A_t: checked by its optimality."""
    generator = np.random.default_rng(3)
    rows, domain = generator.standard_normal((30, 3)), oco.Ball(radius=0.2, dimension=3)
    learner = VovkAzouryWarmuth(ridge=0.5)
    learner.start(Problem(domain, 30, loss=Squared()))
    matrix, moments, outside = 0.5 * np.eye(3), np.zeros(3), 0
    for row in rows:
        matrix += np.outer(row, row)
        learner.observe(row)
        free = np.linalg.solve(matrix, moments)
        if np.linalg.norm(free) <= 0.2:
            np.testing.assert_allclose(learner.prediction, free, atol=1e-9)
        else:
            outside += 1
            pull = matrix @ (free - learner.prediction)  # it points out of the ball, along the point
            np.testing.assert_allclose(pull, learner.prediction * (pull @ learner.prediction) / 0.04, atol=1e-6)
        learner.update(RowLoss(Squared(), row, float(np.sign(row[0]))))
        moments += np.sign(row[0]) * row
    assert outside >= 5
    game = LeastSquares(rows, np.sign(rows[:, 0]), domain=oco.Ball(radius=0.2), order="file")
    record = oco.play(game, VovkAzouryWarmuth(ridge=0.5))
    np.testing.assert_allclose(record.player.prediction, learner.prediction, rtol=1e-12)  # type: ignore[union-attr]
    assert record.regret.upper <= record.bound.value  # type: ignore[union-attr]


def test_regret_of_the_forecaster_is_certified_in_a_game_without_a_domain() -> None:
    generator = np.random.default_rng(1)
    rows = generator.standard_normal((500, 4))
    record = oco.play(LeastSquares(rows, np.clip(generator.standard_normal(500), -1.0, 1.0)), VovkAzouryWarmuth())
    assert record.bound is not None
    assert 0.0 < record.regret.upper <= record.bound.value
    assert not record.violations


# Hints.


@pytest.mark.parametrize("rounds", [100, 3_000])
def test_perfect_hints_give_a_constant_regret(rounds: int) -> None:
    """``D^2 E / (2 c)``, at most ``sqrt(2) D G`` with the theorem's rate, whatever the horizon."""
    game = SpectrumLinear(4, rounds, domain=oco.Ball(radius=1.0))
    record = oco.play(Hinted(game, "future+noise"), OptimisticOGD(), checkpoints=[rounds])
    assert record.regret.upper <= np.sqrt(2.0) * 2.0 * game.gradient_bound * (1.0 + 1e-9)
    assert record.bound is not None
    assert record.bound.value == pytest.approx(np.sqrt(2.0) * 2.0 * game.gradient_bound)


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_hints_with_noise_keep_the_bound_of_their_errors(noise: float) -> None:
    game = SpectrumLinear(4, 2000, domain=oco.Ball(radius=1.0))
    hinted = Hinted(game, "future+noise", noise=noise)
    record = oco.play(hinted, OptimisticOGD(error_bound=5.0 * noise))
    assert record.bound is not None
    assert record.bound.valid
    assert record.regret.upper <= record.bound.value
    errors = {one.name: one.value for one in record.bound.constants}["sum of squared errors of the hints"]
    assert errors == pytest.approx(2000 * noise**2, rel=0.1)


def test_a_hint_that_errs_by_more_than_the_bound_is_a_violation() -> None:
    game = Hinted(SpectrumLinear(4, 200, domain=oco.Ball(radius=1.0)), "last")
    assert oco.play(game, OptimisticOGD(error_bound=1e-3)).violations
    assert not oco.play(game, OptimisticOGD()).violations


# Delays.


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 80), rate=st.sampled_from([None, 0.01, 0.3, 3.0]),
    kind=st.sampled_from(["fixed", "geometric", "list", "adverse"]), away=st.booleans(),
)  # fmt: skip
def test_delayed_descent_keeps_its_bound_under_any_delays(
    seed: int, rounds: int, rate: float | None, kind: str, away: bool
) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((rounds, 3)) + (2.0 if away else 0.0)
    if kind == "adverse":  # the sign turns when the feedback of the last block has just arrived
        rows = np.where((np.arange(rounds) // 8 % 2 == 0)[:, None], 1.0, -1.0) * np.ones((rounds, 3))
    delay: Any = {
        "fixed": int(generator.integers(0, 20)),
        "geometric": "geometric",
        "list": generator.integers(0, 30, size=7).tolist(),
        "adverse": [7, 6, 5, 4, 3, 2, 1, 0],
    }[kind]
    game = Delayed(LinearLosses(rows, domain=oco.Ball(radius=1.0), order="file"), delay, mean=6.0)
    record = oco.play(game, DelayedOGD(learning_rate=rate), seed=seed)
    assert not record.violations
    assert (record.curves["regret_upper"] <= record.curves["bound"] * (1.0 + 1e-9)).all()


def test_the_total_delay_of_the_bound_counts_pairs_of_rounds() -> None:
    """Every round that is played while an earlier round's feedback is missing, by brute force."""
    generator = np.random.default_rng(5)
    delays = generator.integers(0, 9, size=40)
    game = Delayed(LinearLosses(np.ones((40, 1))), delays.tolist())
    for rounds in (1, 7, 40):
        pairs = sum(s < t <= s + delays[s] for s in range(rounds) for t in range(rounds))
        assert game.total_delay(rounds) == pairs


# Two values.


def bandit_regrets(rounds: int, dimension: int, draws: int) -> tuple[float, float, float]:
    """Mean regret on linear losses that drift, its standard error, and the mean bound."""
    generator = np.random.default_rng([rounds, dimension])
    rows = generator.standard_normal((rounds, dimension))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    rows[:, 0] += 0.1
    game = LinearLosses(rows, domain=oco.Ball(radius=1.0), order="file")
    records = [
        oco.play(game, TwoPointBandit(), learner_seed=seed, spectrum=False, checkpoints=[rounds])
        for seed in range(draws)
    ]
    regrets = np.array([record.regret.upper for record in records])
    bounds = np.array([record.curves["bound"][-1] for record in records])
    return float(regrets.mean()), float(regrets.std() / np.sqrt(draws)), float(np.nanmean(bounds))


@pytest.mark.parametrize(("rounds", "dimension"), [(1000, 2), (1000, 16), (2000, 4)])
def test_two_point_regret_is_of_the_order_of_its_rate(rounds: int, dimension: int) -> None:
    """``D G sqrt(d T)`` within a constant: not above it, and not below a fiftieth."""
    mean, error, _ = bandit_regrets(rounds, dimension, 6)
    rate = 2.0 * 1.1 * np.sqrt(dimension * rounds)
    assert mean - 3.0 * error <= rate + 5.0
    assert mean >= rate / 50.0


def test_the_squared_estimates_are_d_times_the_squared_gradients_on_average() -> None:
    """``E |g~|^2 = d |g|^2`` on linear losses, the fact behind the root of d."""
    game = LinearLosses(np.tile([3.0, 4.0, 0.0, 0.0, 0.0], (4000, 1)), domain=oco.Ball(radius=1.0))
    record = oco.play(game, TwoPointBandit(), comparator=False, spectrum=False)
    assert record.player is not None
    assert record.player.state.squares / 4000.0 == pytest.approx(5.0 * 25.0, rel=0.1)


def test_the_points_of_the_bandit_lie_in_the_domain_and_the_mean_regret_below_the_mean_bound() -> None:
    rows = np.random.default_rng(2).standard_normal((400, 3))
    game = LinearLosses(rows, domain=oco.Ball(radius=1.0), order="file")
    records = [oco.play(game, TwoPointBandit(exploration=0.1), learner_seed=seed) for seed in range(12)]
    gaps = [record.regret.upper - record.bound.value for record in records if record.bound is not None]
    assert len(gaps) == 12
    assert np.mean(gaps) <= 0.0
    assert all("mean over the learner's draws" in record.violations[0] for record in records)
    learner = TwoPointBandit(exploration=0.5)
    learner.start(Problem(oco.Ball(radius=1.0, dimension=3), 99, gradient_bound=1.0))
    for _ in range(50):
        assert all(np.linalg.norm(query) <= 1.0 + 1e-12 for query in learner.queries)
        learner.update(np.array([query[0] for query in learner.queries]) * 9.0)


# A constraint.


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 150), rate=st.sampled_from([None, 0.02, 0.5]),
    damping=st.sampled_from([None, 0.0, 1.0]), moving=st.booleans(),
)  # fmt: skip
def test_primal_dual_descent_keeps_both_bounds_against_feasible_points(
    seed: int, rounds: int, rate: float | None, damping: float | None, moving: bool
) -> None:
    """``c_t(x) = <a_t, x> - b_t`` with ``b_t >= 0``, so that the origin and much of the ball around it are feasible."""
    generator = np.random.default_rng(seed)
    slopes = generator.standard_normal((rounds, 2)) - 1.0
    normals = generator.uniform(0.0, 1.0, (rounds, 2)) if moving else np.tile([1.0, 0.5], (rounds, 1))
    limits = generator.uniform(0.0, 0.3, rounds) if moving else np.full(rounds, 0.1)
    domain = oco.Ball(radius=1.0, dimension=2)
    learner = PrimalDualOGD(learning_rate=rate, damping=damping)
    learner.start(Problem(domain, rounds, gradient_bound=float(np.linalg.norm(slopes, axis=1).max())))
    loss, violation = 0.0, 0.0
    for slope, normal, limit in zip(slopes, normals, limits, strict=True):
        point = learner.prediction
        loss += float(slope @ point)
        violation += float(normal @ point) - limit
        learner.update(Constrained(slope, float(normal @ point) - limit, normal))
    grid = generator.standard_normal((4000, 2))
    grid *= (generator.uniform(0.0, 1.0, 4000) ** 0.5 / np.linalg.norm(grid, axis=1))[:, None]
    feasible = np.vstack([np.zeros(2), grid[(grid @ normals.T <= limits).all(axis=1)]])
    facts = observed(domain, rounds, largest=float(np.linalg.norm(slopes, axis=1).max()))
    bound = learner.bound(facts)
    assert bound is not None
    assert loss - float((feasible @ slopes.sum(axis=0)).min()) <= bound.value + 1e-9
    assert violation <= learner.violation_bound(facts) + 1e-9


def test_the_violation_falls_behind_the_rounds() -> None:
    """A learner that ignores the constraint violates it in proportion to T; the primal-dual one by ever less of it."""
    shares = []
    for rounds in (300, 3000):
        losses = LinearLosses(np.tile([-1.0, 0.0], (rounds, 1)), domain=oco.Ball(radius=1.0))
        half = LinearLosses(np.tile([1.0, 0.0], (rounds, 1)))
        game = WithConstraint(losses, half, limit=0.2)
        options: dict[str, Any] = {"comparator": False, "spectrum": False, "checkpoints": [rounds]}
        ignored = oco.play(game, oco.OGD(learning_rate=0.5), **options)
        kept = oco.play(game, PrimalDualOGD(), **options)
        assert float(ignored.scalars["violation"] or 0.0) >= 0.7 * rounds
        shares.append(float(kept.scalars["positive_violation"] or 0.0) / rounds)
    assert shares[1] <= 0.6 * shares[0]


# Whole losses.


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 80), schedule=st.sampled_from(["sqrt", "constant"]),
    rate=st.sampled_from([None, 0.1, 100.0]), loss=st.sampled_from(["squared", "absolute", "hinge", "logistic"]),
)  # fmt: skip
def test_implicit_steps_keep_the_bound_of_their_gaps(
    seed: int, rounds: int, schedule: Any, rate: float | None, loss: str
) -> None:
    """At every rate, also where gradient steps of that size would jump across the domain."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((rounds, 3)) * 10.0 ** generator.uniform(-1.0, 1.0)
    targets = np.sign(generator.standard_normal(rounds))
    game = oco.environments.GeneralizedLinear(rows, targets, loss=loss, domain=oco.Ball(radius=1.0))
    record = oco.play(game, ImplicitOGD(learning_rate=rate, schedule=schedule), seed=seed)
    bounds = record.curves["bound"]
    room = 1e-6 * (1.0 + np.abs(bounds)) + record.scalars["comparator_gap"]  # type: ignore[operator]
    assert (record.curves["regret_upper"] <= bounds + room).all()
    assert (bounds <= record.curves["bound: with gradients for gaps"] * (1.0 + 1e-9) + 1e-12).all()


def test_implicit_steps_do_not_overshoot() -> None:
    """A step as long as one likes reaches the row's target and stops; a gradient step does not stop."""
    rows = np.eye(3)[[0, 1, 2] * 20] * 5.0
    game = LeastSquares(rows, np.ones(60), order="file")
    record = oco.play(game, ImplicitOGD(learning_rate=1e6, schedule="constant"), comparator=False)
    np.testing.assert_allclose(record.player.prediction, 0.2, rtol=1e-5)  # type: ignore[union-attr]
    assert record.cumulative_loss == pytest.approx(1.5, rel=1e-4)


@pytest.mark.slow  # a hundred thousand rounds, one by one
def test_two_point_regret_has_its_rate_in_the_rounds_and_the_dimension() -> None:
    """Regret over ``D G sqrt(d T)`` stays within a factor of two for T from 1e3 to 1e5 and d from 2 to 32."""
    cases = [(1_000, 4, 8), (10_000, 4, 3), (100_000, 4, 2), (10_000, 2, 3), (10_000, 32, 3)]
    shares = [bandit_regrets(T, d, draws)[0] / (2.0 * np.sqrt(d * T)) for T, d, draws in cases]
    assert max(shares) <= 1.1  # G is 1.1 at most
    assert max(shares) <= 2.0 * min(shares)
