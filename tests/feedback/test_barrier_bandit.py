"""SCRiBLe on the ball: its estimates are unbiased, its points stay inside, its mean regret is below its bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.environments import Bandit, LinearLosses
from oco.errors import ConfigError
from oco.learners import BarrierBandit
from oco.learners.base import Problem
from oco.types import Array


def barrier_hessian(point: Array) -> Array:
    """Of ``-log(1 - |z|^2)``."""
    slack = 1.0 - float(point @ point)
    hessian: Array = 2.0 / slack * np.eye(point.size) + 4.0 / slack**2 * np.outer(point, point)
    return hessian


def at(size: int, seed: int, scale: float) -> BarrierBandit:
    """A learner whose estimates so far are random, up to very long ones."""
    learner = BarrierBandit(learning_rate=1.0, value_bound=1.0)
    learner.start(Problem(oco.Ball(1.0, dimension=size), 9))
    learner.state.estimates = scale * np.random.default_rng(seed).standard_normal(size)
    return learner


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 6), seed=st.integers(0, 2**16), scale=st.sampled_from([0.0, 0.1, 1.0, 30.0]))
def test_the_mean_over_all_ends_of_axes_is_the_gradient(size: int, seed: int, scale: float) -> None:
    """By enumeration, for affine losses too; the ends lie on the Dikin ellipsoid of the minimizer, and in the ball."""
    learner = at(size, seed, scale)
    generator = np.random.default_rng(seed + 1)
    slope, constant = generator.standard_normal(size), float(generator.standard_normal())
    total = learner.state.estimates
    ends = [learner.end(axis, sign) for axis in range(size) for sign in (1.0, -1.0)]
    center = np.mean([point for point, _ in ends], axis=0)
    # The center minimizes <total, z> - log(1 - |z|^2).
    np.testing.assert_allclose(total + 2.0 * center / (1.0 - center @ center), 0.0, atol=1e-9 * (1.0 + scale**2))
    hessian = barrier_hessian(center)
    for point, _ in ends:
        assert (point - center) @ hessian @ (point - center) == pytest.approx(1.0, rel=1e-8)
        assert np.linalg.norm(point) < 1.0
    mean = np.mean([(slope @ point + constant) * estimate for point, estimate in ends], axis=0)
    np.testing.assert_allclose(mean, slope, rtol=1e-9, atol=1e-9 * (1.0 + scale))
    for point, estimate in ends:  # the length in the dual local norm is d |f|, so that a step is eta d |f|
        value = slope @ point + constant
        length = np.sqrt(value * estimate @ np.linalg.solve(hessian, value * estimate))
        assert length == pytest.approx(size * abs(value), rel=1e-8)


@pytest.mark.parametrize("scale", [1e3, 1e9, 1e150])
def test_points_stay_inside_however_long_the_estimates_are(scale: float) -> None:
    learner = at(4, 2, scale)
    for axis in range(4):
        for sign in (1.0, -1.0):
            point, estimate = learner.end(axis, sign)
            assert np.linalg.norm(point) <= 1.0 + 1e-12
            assert np.isfinite(estimate).all()


def test_every_end_is_drawn_about_as_often() -> None:
    game = Bandit(LinearLosses(np.zeros((6000, 3)), domain=oco.Ball(2.0, center=[1.0, 0.0, 5.0])))
    learner = BarrierBandit(value_bound=1.0)
    record = oco.play(game, learner, comparator=False, spectrum=False, keep_iterates=True, checkpoints=range(1, 6001))
    assert record.iterates is not None
    offsets = (record.iterates - [1.0, 0.0, 5.0]) * np.sqrt(2.0) / 2.0  # signed unit vectors: all losses are zero
    assert np.abs(np.abs(offsets).max(axis=1) - 1.0).max() <= 1e-12
    counts = np.array([[(offsets[:, i] * sign > 0.5).sum() for sign in (1.0, -1.0)] for i in range(3)])
    assert counts.sum() == 6000
    assert np.abs(counts - 1000.0).max() <= 5.0 * np.sqrt(1000.0)


@pytest.mark.parametrize(("dimension", "kind", "draws"), [(2, "constant", 6), (6, "constant", 6), (3, "turning", 24)])
def test_mean_regret_over_seeds_is_below_the_mean_bound(dimension: int, kind: str, draws: int) -> None:
    """With a band of three standard errors; and it learns, where playing around the center would not."""
    rounds = 1500
    rows = np.zeros((rounds, dimension))
    rows[:, 0] = 0.5
    if kind == "turning":
        rows[rounds // 3 :, 0] *= -1.0
    game = Bandit(LinearLosses(rows, domain=oco.Ball(2.0), order="file"))
    regrets, bounds = [], []
    for seed in range(draws):
        record = oco.play(game, BarrierBandit(), learner_seed=seed, spectrum=False, checkpoints=[rounds])
        assert record.bound is not None
        assert len(record.violations) == 1
        assert "mean over the learner's draws" in record.violations[0]
        regrets.append(record.regret.upper)
        bounds.append(record.bound.value)
    band = 3.0 * float(np.std(np.subtract(regrets, bounds), ddof=1)) / np.sqrt(draws)
    assert np.mean(np.subtract(regrets, bounds)) + band <= 0.0
    # C = 1 and eta d C = sqrt(2 ln(1 + T) / T), so that lambda <= 0.0988 and omega(l) <= 0.54 l^2.
    theorem = dimension * np.sqrt(2.0 * rounds * np.log1p(rounds)) * (0.5 + 0.54) + 2.0
    assert max(bounds) <= theorem
    if kind == "constant":
        assert np.mean(regrets) <= 0.75 * rounds  # the center loses 1 a round to the best point


def test_other_domains_are_refused() -> None:
    for domain in (oco.Box(-1.0, 1.0, dimension=2), oco.Unbounded(2)):
        with pytest.raises(ConfigError, match="BarrierBandit plays on a Euclidean ball, got"):
            BarrierBandit(value_bound=1.0).start(Problem(domain, 9))
