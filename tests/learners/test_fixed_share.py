"""Fixed share against every sequence of vertices with few switches, the best of which dynamic programming finds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.domains import Simplex
from oco.learners import FixedShare, Hedge, Problem
from oco.regret.bounds import Observed
from oco.types import Array

from .streams import play


def best_sequences(losses: Array, most: int) -> Array:
    """``(most + 1,)``: the least total loss of a sequence of vertices with at most so many switches."""
    rounds, size = losses.shape
    least = np.full((most + 1, size), math.inf)
    least[0] = 0.0
    for row in losses:
        switched = np.vstack([np.full(size, math.inf), np.repeat(least[:-1].min(axis=1, keepdims=True), size, axis=1)])
        least = np.minimum(least, switched) + row
    best: Array = np.minimum.accumulate(least.min(axis=1))
    return best


def test_dynamic_programming_finds_what_trying_all_sequences_finds() -> None:
    losses = np.random.default_rng(0).standard_normal((6, 3))
    totals: dict[int, float] = {}
    for sequence in itertools.product(range(3), repeat=6):
        switches = int(np.count_nonzero(np.diff(sequence)))
        totals[switches] = min(totals.get(switches, math.inf), float(losses[range(6), sequence].sum()))
    by_hand = np.minimum.accumulate([totals[m] for m in range(6)])
    np.testing.assert_allclose(best_sequences(losses, 5), by_hand, atol=1e-12)


def stream(kind: str, rounds: int, size: int, generator: np.random.Generator) -> Array:
    losses = generator.uniform(-1.0, 1.0, (rounds, size))
    if kind == "switching":  # one vertex at a time is good, and which one changes
        good = generator.integers(size, size=rounds // 7 + 1).repeat(7)[:rounds]
        losses = np.ones((rounds, size))
        losses[np.arange(rounds), good] = -1.0
    return losses


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 60), size=st.integers(1, 5), switches=st.integers(1, 6),
    keywords=st.sampled_from([{}, {"share": 0.3}, {"share": 0.95, "learning_rate": 2.0}, {"learning_rate": 0.1}]),
    scale=st.sampled_from([1.0, 3.0]), kind=st.sampled_from(["random", "switching", "against"]),
)  # fmt: skip
def test_the_tracking_bound_holds_against_every_sequence(
    seed: int, rounds: int, size: int, switches: int, keywords: dict[str, float], scale: float, kind: str
) -> None:
    losses = stream(kind, rounds, size, np.random.default_rng(seed))
    learner, domain = FixedShare(switches, **keywords), Simplex(scale, dimension=size)
    learner.start(Problem(domain, rounds, gradient_entry_bound=1.0))
    loss = 0.0
    for row in losses:
        if kind == "against":  # the coordinates with the most weight lose
            row[:] = np.where(learner.prediction >= np.median(learner.prediction), 1.0, -1.0)
        loss += float(row @ learner.prediction)
        learner.update(row)
    observed = Observed(rounds, domain, 0.0, np.zeros(size), 1.0)
    for count, best in enumerate(best_sequences(scale * losses, 8)):
        bound = learner.tracking_bound(observed, count)
        assert bound is not None
        assert bound.valid
        assert loss - best <= bound.value + 1e-9 * (1.0 + rounds)


def test_the_default_rate_gives_the_root_of_twice_the_surprise() -> None:
    """``sqrt(C T / 2) 2 G`` with C of m switches, on losses of the whole range; a third of it is needed."""
    rounds, size, switches = 400, 4, 3
    learner = FixedShare(switches)
    domain = Simplex(dimension=size)
    learner.start(Problem(domain, rounds, gradient_entry_bound=1.0))
    generator, loss, losses = np.random.default_rng(1), 0.0, np.zeros((rounds, size))
    for t in range(rounds):
        losses[t] = generator.choice([-1.0, 1.0], size=size)
        losses[t, :2] = [-1.0, 1.0]
        losses[t] = generator.permutation(losses[t])
        loss += float(losses[t] @ learner.prediction)
        learner.update(losses[t])
    share = switches / (rounds - 1)
    entropy = -share * math.log(share) - (1.0 - share) * math.log(1.0 - share)
    surprise = (switches + 1) * math.log(size) + (rounds - 1) * entropy
    bound = learner.tracking_bound(Observed(rounds, domain, 0.0, np.zeros(size), 1.0), switches)
    assert bound is not None
    assert bound.value == pytest.approx(math.sqrt(2.0 * surprise * rounds))
    regret = loss - best_sequences(losses, switches)[-1]
    assert bound.value / 3.0 <= regret <= bound.value


def test_it_follows_a_switch_and_hedge_does_not() -> None:
    """The good vertex changes half way: regret against one switch is small, and Hedge's grows with the rounds."""
    losses = np.tile([0.0, 1.0], (2000, 1))
    losses[1000:] = [1.0, 0.0]
    domain, facts = Simplex(dimension=2), {"gradient_entry_bound": 1.0, "horizon": 2000}
    totals = {}
    for learner in (FixedShare(), Hedge()):
        learner.start(Problem(domain, **facts))  # type: ignore[arg-type]
        totals[type(learner)] = 0.0
        for row in losses:
            totals[type(learner)] += float(row @ learner.prediction)
            learner.update(row)
    assert totals[FixedShare] < 150.0
    assert totals[Hedge] > 900.0


def test_without_a_share_it_is_hedge() -> None:
    losses = np.random.default_rng(2).standard_normal((50, 4))
    domain = Simplex(2.0, dimension=4)
    shared = play(FixedShare(share=1e-15, learning_rate=0.2), domain, losses)
    np.testing.assert_allclose(shared, play(Hedge(learning_rate=0.2), domain, losses), rtol=1e-11)


def test_the_weights_are_those_of_a_mixture_over_all_sequences() -> None:
    """The posterior over sequences with the prior of fixed share, summed by their last vertex."""
    rounds, size, share, rate = 5, 3, 0.3, 0.7
    losses = np.random.default_rng(3).standard_normal((rounds, size))
    point = play(FixedShare(share=share, learning_rate=rate), Simplex(dimension=size), losses)[-1]
    mixture = np.zeros(size)
    for sequence in itertools.product(range(size), repeat=rounds + 1):
        weight = 1.0 / size
        for last, following in itertools.pairwise(sequence):
            weight *= share / size + (1.0 - share) * (last == following)
        mixture[sequence[-1]] += weight * math.exp(-rate * float(losses[range(rounds), sequence[:-1]].sum()))
    np.testing.assert_allclose(point, mixture / mixture.sum(), rtol=1e-12)
