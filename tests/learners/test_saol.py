"""Strongly adaptive learning: the regret on every interval, its covering intervals, and what they cost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.domains import Ball, Simplex
from oco.learners import OGD, SAOL, FDAdaGrad, Hedge, Problem
from oco.regret.bounds import Observed

from .streams import adversaries, play


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 60), schedule=st.sampled_from(["constant", "sqrt"]),
    stream=st.sampled_from(["smooth", "alternating", "uphill", "against", "repeated", "often zero", "switching"]),
)  # fmt: skip
def test_the_regret_on_every_interval_is_below_its_bound(seed: int, rounds: int, schedule: str, stream: str) -> None:
    """All ``T (T + 1) / 2`` intervals, against the best point of the ball for each."""
    domain = Ball(1.0, center=np.array([0.5, -0.3]))
    adversary = adversaries((2,), rounds, seed)["one-sided" if stream == "switching" else stream]
    learner = SAOL(OGD(schedule=schedule))  # type: ignore[arg-type]
    learner.start(Problem(domain, rounds, gradient_bound=adversary.longest))
    played, gradients = np.zeros(rounds), np.zeros((rounds, 2))
    for t in range(rounds):
        gradients[t] = adversary(t, learner.prediction)
        if stream == "switching":
            gradients[t] *= (-1.0) ** (t // 11)
        played[t] = gradients[t] @ learner.prediction
        learner.update(gradients[t])
    observed = Observed(rounds, domain, float(np.sum(gradients**2)), np.zeros(2), adversary.longest)
    for start in range(rounds):
        for stop in range(start + 1, rounds + 1):
            total = gradients[start:stop].sum(axis=0)
            bound = learner.interval_bound(observed, start, stop)
            assert bound is not None
            assert bound.valid
            regret = float(played[start:stop].sum()) + domain.support(-total)
            assert regret <= bound.value * (1.0 + 1e-9)


def test_every_interval_is_covered_once_by_at_most_two_intervals_of_each_length() -> None:
    learner = SAOL()
    learner.start(Problem(Ball(dimension=1), 70, gradient_bound=1.0))
    for first in range(1, 71):
        for last in range(first, 71):
            pieces = list(learner._cover(first, last))
            assert [t for start, k in pieces for t in range(start, start + 2**k)] == list(range(first, last + 1))
            assert all(start % 2**k == 0 for start, k in pieces)
            lengths = [k for _, k in pieces]
            assert all(lengths.count(k) <= 2 for k in lengths)


def test_the_bound_is_of_the_order_of_the_root_of_an_interval_wherever_it_lies() -> None:
    learner, rounds = SAOL(), 4096
    domain = Ball(1.0, dimension=2)
    learner.start(Problem(domain, rounds, gradient_bound=1.0))
    observed = Observed(rounds, domain, 0.0, np.zeros(2), 1.0)
    for length in (4, 64, 1024):
        for start in (0, 1001, rounds - length):
            bound = learner.interval_bound(observed, start, start + length)
            assert bound is not None
            # Two times sum_k 2^{k/2} of (D G for the base and 2 ln(2q) + 2 for the weights), where rates are 2^{-k/2}.
            series = 2.0 / (1.0 - math.sqrt(0.5)) * math.sqrt(length)
            assert bound.value <= 2.0 * series * (1.0 + 2.0 * math.log(2.0 * rounds) + 1.0)


def test_hedge_does_not_recover_after_a_switch_and_its_copies_do() -> None:
    """The good vertex changes half way. On the second half Hedge plays the old one, and has regret for most rounds."""
    losses = np.tile([0.0, 1.0], (2000, 1))
    losses[1000:] = [1.0, 0.0]
    regrets = []
    for learner in (SAOL(Hedge()), Hedge()):
        points = play(learner, Simplex(dimension=2), losses, gradient_bound=1.0)[:-1]
        regrets.append(float(np.sum(losses[1000:] * points[1000:])))
    assert regrets[0] < 0.5 * regrets[1]
    assert regrets[1] > 900.0


@pytest.mark.parametrize("base", [OGD(), FDAdaGrad(rank=1)])
def test_the_copies_are_the_base_started_with_their_intervals(base: OGD | FDAdaGrad) -> None:
    """In the rounds 8 to 11 the copy of length 4 has seen the gradients since round 8 only, as a learner of its own."""
    domain = Ball(dimension=3)
    gradients = np.random.default_rng(1).standard_normal((12, 3))
    learner = SAOL(base)
    learner.start(Problem(domain, 12, gradient_bound=4.0))
    alone = base.fresh()
    for t, gradient in enumerate(gradients, start=1):
        if t == 8:
            alone.start(Problem(domain, 4, gradient_bound=4.0))
        if 8 <= t < 12:
            learner._experts[2].state = learner.state.experts[2]
            np.testing.assert_array_equal(learner._experts[2].prediction, alone.prediction)
            alone.update(gradient)
        learner.update(gradient)


def test_all_weights_together_are_the_number_of_intervals_that_have_begun() -> None:
    """The identity that the bound rests on; weights of intervals that are over are kept here."""
    learner, rounds = SAOL(), 40
    learner.start(Problem(Ball(dimension=2), rounds, gradient_bound=1.0))
    ended, begun = 0.0, 1
    for t in range(1, rounds + 1):
        point = learner.prediction
        gradient = np.array([math.cos(t), math.sin(t * t)]) / math.sqrt(2.0)
        before, active = learner.state.weights.copy(), learner._active
        copies = []
        for k in range(active):
            learner._experts[k].state = learner.state.experts[k]
            copies.append(learner._experts[k].prediction.copy())
        ahead = np.array([float(gradient @ (point - copy)) for copy in copies]) / 2.0
        after = before[:active] * (1.0 + learner._rates[:active] * ahead)
        learner.update(gradient)
        fresh = [k for k in range(learner._active) if (t + 1) % 2**k == 0]
        ended += sum(float(after[k]) for k in fresh if k < active)
        assert ended + float(after.sum()) - sum(float(after[k]) for k in fresh if k < active) == pytest.approx(begun)
        begun += len(fresh)
