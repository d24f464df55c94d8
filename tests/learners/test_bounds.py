"""Regret never exceeds the bound: linear losses on a ball, where the best fixed point is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import Ball
from oco.learners.base import Problem
from oco.regret import Observed, Spectrum

DIMENSION = 5


def observed_of(domain, gradients, spectrum=True):
    values = np.linalg.eigvalsh(gradients.T @ gradients)[::-1].clip(0.0)
    return Observed(
        rounds=len(gradients),
        domain=domain,
        gradient_squares=float(np.sum(gradients**2)),
        coordinate_squares=np.sum(gradients**2, axis=0),
        largest_gradient=float(np.linalg.norm(gradients, axis=1).max()),
        spectrum=Spectrum(DIMENSION, values, float(np.sum(gradients**2))) if spectrum else None,
    )


def play_linear(learner, domain, gradients):
    """Regret of ``learner`` against the best point of the ball for the losses ``<g_t, x>``."""
    learner.start(Problem(domain, len(gradients), gradient_bound=float(np.linalg.norm(gradients, axis=1).max()) or 1.0))
    loss = 0.0
    for gradient in gradients:
        loss += float(gradient @ learner.prediction)
        learner.update(gradient)
    return loss + domain.support(-gradients.sum(axis=0))


def adversarial(rng, rounds, domain, learner):
    """Gradients that point along the learner's own point: what was played was always wrong."""
    learner.start(Problem(domain, rounds, gradient_bound=2.0))
    gradients = []
    for _ in range(rounds):
        offset = learner.prediction - domain.start
        gradient = offset + 0.3 * rng.standard_normal(DIMENSION)
        gradient /= max(np.linalg.norm(gradient), 1.0)
        gradients.append(gradient)
        learner.update(gradient)
    return np.array(gradients)


def learners():
    rates = st.sampled_from([None, 0.05, 3.0])
    ranks = st.integers(1, DIMENSION + 1)
    return st.one_of(
        st.builds(oco.FDAdaGrad, rank=ranks, learning_rate=rates, delta=st.sampled_from([0.0, 0.5])),
        st.builds(oco.FullMatrixAdaGrad, learning_rate=rates, delta=st.sampled_from([0.0, 0.5])),
        st.builds(oco.DiagonalAdaGrad, learning_rate=rates, delta=st.sampled_from([0.0, 0.5])),
        st.builds(oco.AdaGradNorm, learning_rate=rates),
        st.builds(oco.OGD, learning_rate=rates, schedule=st.sampled_from(["sqrt", "constant"])),
    )


@settings(max_examples=200, deadline=None)
@given(
    learner=learners(),
    seed=st.integers(0, 10**6),
    rounds=st.integers(1, 60),
    kind=st.sampled_from(["random", "low rank", "coordinates", "adversarial"]),
    center=st.sampled_from([0.0, 3.0]),
)
def test_regret_is_below_the_bound(learner, seed, rounds, kind, center):
    rng = np.random.default_rng(seed)
    domain = Ball(radius=1.5, center=np.full(DIMENSION, center))
    if kind == "adversarial":
        gradients = adversarial(rng, rounds, domain, learner.fresh())
    elif kind == "coordinates":
        gradients = np.eye(DIMENSION)[rng.integers(0, DIMENSION, rounds)]
    else:
        width = 2 if kind == "low rank" else DIMENSION
        gradients = rng.standard_normal((rounds, width)) @ rng.standard_normal((width, DIMENSION))
    regret = play_linear(learner, domain, gradients)
    bound = learner.bound(observed_of(domain, gradients))
    assert bound.valid
    assert regret <= bound.value * (1.0 + 1e-9)
    for name, value in bound.variants.items():
        assert regret <= value * (1.0 + 1e-9), name


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_theorems_constants(rank):
    """At eta = D / sqrt(2): D (sqrt(2) tr G^1/2 + d sqrt(Omega / 2)), and Corollary 4 below it."""
    rng = np.random.default_rng(0)
    domain = Ball(radius=1.0, dimension=DIMENSION)
    gradients = rng.standard_normal((50, DIMENSION)) * np.logspace(0, -2, DIMENSION)
    learner = oco.FDAdaGrad(rank=rank)
    play_linear(learner, domain, gradients)
    bound = learner.bound(observed_of(domain, gradients))
    values = np.linalg.eigvalsh(gradients.T @ gradients)[::-1]
    omega = min(values[j:].sum() / (rank + 1 - j) for j in range(rank + 1))
    root = np.sqrt(values).sum()
    assert bound.value == pytest.approx(2.0 * (np.sqrt(2.0) * root + DIMENSION * np.sqrt(omega / 2.0)), rel=1e-10)
    corollary = 2.0 * (np.sqrt(2.0) * root + np.sqrt(DIMENSION * (DIMENSION - rank - 1) * omega / 2.0))
    assert bound.variants["Corollary 4"] == pytest.approx(corollary, rel=1e-10)
    assert bound.variants["a posteriori"] <= bound.variants["Corollary 4 with the escaped mass"] * (1 + 1e-12)
    assert bound.variants["Corollary 4 with the escaped mass"] <= bound.variants["Corollary 4"] * (1 + 1e-12)
    without = learner.bound(observed_of(domain, gradients, spectrum=False))
    assert without.value >= bound.value * (1 - 1e-12)


def test_classical_constants():
    domain = Ball(radius=1.0, dimension=DIMENSION)
    gradients = np.random.default_rng(1).standard_normal((40, DIMENSION))
    seen = observed_of(domain, gradients)

    def value(learner):
        play_linear(learner, domain, gradients)
        return learner.bound(seen).value

    root = np.sqrt(np.linalg.eigvalsh(gradients.T @ gradients)).sum()
    assert value(oco.FullMatrixAdaGrad()) == pytest.approx(np.sqrt(2.0) * 2.0 * root, rel=1e-10)
    assert value(oco.AdaGradNorm()) == pytest.approx(np.sqrt(2.0) * 2.0 * np.linalg.norm(gradients))
    assert value(oco.DiagonalAdaGrad()) == pytest.approx(np.sqrt(2.0) * 2.0 * np.linalg.norm(gradients, axis=0).sum())
    largest = np.linalg.norm(gradients, axis=1).max()
    assert value(oco.OGD()) == pytest.approx(1.5 * largest * 2.0 * np.sqrt(40))


def test_strongly_convex_schedule():
    """f_t(x) = |x - c_t|^2 / 2: regret below (G^2 / 2)(1 + ln T), the best point being the mean."""
    rng = np.random.default_rng(2)
    domain = Ball(radius=4.0, dimension=DIMENSION)
    centers = rng.uniform(-1.0, 1.0, (200, DIMENSION))
    learner = oco.OGD(schedule="strongly_convex")
    learner.start(Problem(domain, 200, strong_convexity=1.0))
    loss, gradients = 0.0, []
    for center in centers:
        loss += 0.5 * float(np.sum((learner.prediction - center) ** 2))
        gradients.append(learner.prediction - center)
        learner.update(gradients[-1])
    regret = loss - 0.5 * float(np.sum((centers - centers.mean(axis=0)) ** 2))
    bound = learner.bound(observed_of(domain, np.array(gradients)))
    assert bound.valid
    assert regret <= bound.value
    short = oco.OGD(learning_rate=0.5, schedule="strongly_convex")
    short.start(Problem(domain, 200, strong_convexity=1.0))
    assert not short.bound(observed_of(domain, np.array(gradients))).valid


def test_no_bound_without_a_diameter():
    gradients = np.ones((3, DIMENSION))
    for learner in (
        oco.FDAdaGrad(rank=1, learning_rate=1.0),
        oco.FullMatrixAdaGrad(learning_rate=1.0),
        oco.DiagonalAdaGrad(learning_rate=1.0),
        oco.AdaGradNorm(learning_rate=1.0),
        oco.OGD(learning_rate=1.0),
    ):
        learner.start(Problem(oco.Unbounded(DIMENSION), 3))
        assert learner.bound(observed_of(oco.Unbounded(DIMENSION), gradients)) is None
