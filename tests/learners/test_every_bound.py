"""Regret never exceeds the bound that a learner states, on random and adversarial linear losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.domains import Ball, BallBox, Box, FrobeniusBall, L1Ball, Simplex
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


@pytest.mark.parametrize(("name", "keywords"), BOUNDED)
def test_constants_say_in_which_norm_they_are(name: str, keywords: dict[str, Any]) -> None:
    shape = (3, 2) if ENTRIES[name].decision == "matrix" else (6,)
    domain: Domain = Simplex(1.0, dimension=6) if ENTRIES[name].decision == "simplex" else Ball(1.0).with_shape(shape)
    reveal = adversaries(domain.shape, 20, 0)["smooth"]
    facts = {"gradient_bound": 1e6, "exp_concavity": 1e-3, "strong_convexity": 1e-3}
    _, bound, _ = play_linear(LEARNERS[name](**keywords), domain, reveal, 20, **facts)
    if bound is None:
        return
    assert bound.theorem
    assert np.isfinite(bound.value)
    for constant in bound.constants:
        lengths = ("diameter", "distance", "gradient bound", "largest gradient", "squared gradients", "convexity")
        if any(word in constant.name for word in lengths):
            assert "norm)" in constant.name, constant
        assert constant.origin in ("given", "domain", "observed")


OF_VECTORS = [
    case
    for case in BOUNDED
    # The losses of online Newton steps are not linear, and matrices have their own norm: see the other tests.
    if case.values[0] != "online_newton_step" and ENTRIES[str(case.values[0])].decision != "matrix"
]
VECTOR_DOMAINS = {
    "ball off centre": lambda radius, size: Ball(radius, center=np.linspace(-2.0, 3.0, size)),
    "box": lambda radius, size: Box(-radius * np.linspace(0.1, 1.0, size), radius * np.linspace(2.0, 0.3, size)),
    "box without the origin": lambda radius, size: Box(radius, 3.0 * radius, dimension=size),
    "simplex": lambda radius, size: Simplex(radius, dimension=size),
    "l1 ball": lambda radius, size: L1Ball(radius, dimension=size),
    "ball and box": lambda radius, size: BallBox(radius, lower=-0.3 * radius, upper=0.8 * radius, dimension=size),
}


@pytest.mark.parametrize(("name", "keywords"), OF_VECTORS)
@settings(max_examples=15, deadline=None)
@given(
    where=st.sampled_from(sorted(VECTOR_DOMAINS)),
    seed=st.integers(0, 2**16),
    size=st.integers(1, 6),
    rounds=st.integers(1, 60),
    radius=st.sampled_from([0.1, 1.0, 10.0]),
    stream=st.sampled_from(STREAMS),
)
def test_regret_stays_below_the_bound_on_constrained_domains(
    name: str,
    keywords: dict[str, Any],
    where: str,
    seed: int,
    size: int,
    rounds: int,
    radius: float,
    stream: str,
) -> None:
    """Projections are in the learner's own norm: the bound is quoted as valid, and regret stays below it."""
    domain = (
        Simplex(radius, dimension=size) if ENTRIES[name].decision == "simplex" else VECTOR_DOMAINS[where](radius, size)
    )
    learner = LEARNERS[name](**keywords)
    reveal = adversaries(domain.shape, rounds, seed)[stream]
    regret, bound, _ = play_linear(learner, domain, reveal, rounds, gradient_bound=1e6, seed=seed)
    if bound is not None and bound.valid:
        size_of_sum = 1e-9 * (1.0 + domain.radius() * rounds)
        assert regret <= bound.value * (1.0 + 1e-9) + size_of_sum
        for value in bound.variants.values():
            assert regret <= value * (1.0 + 1e-9) + size_of_sum


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
