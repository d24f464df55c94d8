"""Regret never exceeds the bound that a learner states, on random and adversarial linear losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.domains import Ball, FrobeniusBall, Simplex
from oco.domains.base import Domain
from oco.learners import ENTRIES, LEARNERS, OnlineNewtonStep, Problem
from oco.regret.bounds import Observed
from oco.regret.covariance import GradientCovariance
from oco.types import Array

from .streams import adversaries, play_linear

STREAMS = list(adversaries((2,), 1, 0))

BOUNDED = [
    pytest.param(name, dict(keywords), id="-".join([name, *(f"{k}={v}" for k, v in keywords.items())]))
    for name, entry in ENTRIES.items()
    for keywords in entry.examples
]


@pytest.mark.parametrize(("name", "keywords"), BOUNDED)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    size=st.integers(1, 7),
    rounds=st.integers(1, 80),
    radius=st.sampled_from([0.1, 1.0, 10.0]),
    stream=st.sampled_from(STREAMS),
)
def test_regret_stays_below_the_bound(
    name: str, keywords: dict[str, Any], seed: int, size: int, rounds: int, radius: float, stream: str
) -> None:
    domain: Domain
    if ENTRIES[name].decision == "matrix":
        domain = FrobeniusBall(radius, shape=(size, 1 + seed % 4))
    elif ENTRIES[name].decision == "simplex":
        domain = Simplex(radius, dimension=size)
    else:
        domain = Ball(radius, dimension=size)
    learner = LEARNERS[name](**keywords)
    if name == "online_newton_step":
        return  # its losses are not linear; test_online_newton_step_on_exp_concave_losses
    reveal = adversaries(domain.shape, rounds, seed)[stream]
    regret, bound, _ = play_linear(learner, domain, reveal, rounds, gradient_bound=1e6, seed=seed)
    if bound is not None and bound.valid:
        assert regret <= bound.value * (1.0 + 1e-9) + 1e-9
        for value in bound.variants.values():
            assert regret <= value * (1.0 + 1e-9) + 1e-9


def least_squares_on_unit_ball(rows: Array, targets: Array) -> float:
    """``min sum (a'x - y)^2 / 2`` over ``|x| <= 1``, by bisection on the multiplier of the constraint."""
    values, vectors = np.linalg.eigh(rows.T @ rows)
    pull = vectors.T @ rows.T @ targets
    low, high = 0.0, 2.0 * float(np.linalg.norm(pull)) + 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        inside = np.linalg.norm(pull / (values + middle)) <= 1.0
        low, high = (low, middle) if inside else (middle, high)
    point = vectors @ (pull / (values + high))
    return 0.5 * float(np.sum((rows @ point - targets) ** 2))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), size=st.integers(1, 6), rounds=st.integers(1, 200))
def test_online_newton_step_on_exp_concave_losses(seed: int, size: int, rounds: int) -> None:
    """Squared losses on a ball: with |a| <= 1, |y| <= 1, radius 1, they are 1/(2*2^2)-exp-concave, gradients <= 2."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((rounds, size))
    rows /= np.maximum(1.0, np.linalg.norm(rows, axis=1))[:, None]
    targets = np.clip(rows @ generator.standard_normal(size) + 0.1 * generator.standard_normal(rounds), -1.0, 1.0)
    domain = Ball(1.0, dimension=size)
    learner = OnlineNewtonStep()
    learner.start(Problem(domain, rounds, gradient_bound=2.0, exp_concavity=0.25))
    covariance, loss = GradientCovariance(size), 0.0
    for row, target in zip(rows, targets, strict=True):
        error = float(row @ learner.prediction) - target
        loss += 0.5 * error**2
        covariance.add(error * row)
        learner.update(error * row)
    observed = Observed(
        rounds, domain, covariance.trace, covariance.coordinate_squares, covariance.largest_gradient, None, 1.0
    )
    bound = learner.bound(observed)
    assert bound is not None
    assert bound.valid
    regret = loss - least_squares_on_unit_ball(rows, targets)
    assert regret <= bound.variants["observed log-determinant"] * (1.0 + 1e-9)
    assert bound.variants["observed log-determinant"] <= bound.value * (1.0 + 1e-9)
