"""MetaGrad for unknown gradient bounds: its definition in dense algebra, its unit, its theorem with every constant."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import Ball, Box, Dense
from oco.learners import LipschitzAdaptiveMetaGrad
from oco.learners.lipschitz_adaptive_metagrad import most_awake
from oco.types import Array

from .streams import adversaries, play, play_linear, spectrum_stream

STREAMS = sorted(adversaries((2,), 1, 0))


class Definition:
    """The rounds in the units of the gradients, every expert in a dictionary under its exponent."""

    def __init__(self, domain: oco.Domain) -> None:
        self.domain, self.diameter = domain, domain.diameter()
        self.covariance = np.zeros((domain.dimension, domain.dimension))
        self.largest = self.sum = 0.0  # B, S
        self.experts: dict[int, Array] = {}
        self.weights: dict[int, float] = {}
        self.woken_at: dict[int, int] = {}
        self.round = 0
        self.point = domain.start

    def update(self, row: Array) -> Array:
        """The clipped gradient, after a round that revealed ``row``."""
        self.round += 1
        b = self.diameter * float(np.linalg.norm(row))
        before = self.largest
        self.largest = max(before, b)
        clipped = row * (before / self.largest if self.largest else 0.0)
        self.sum += min(b, before)
        self.covariance = self.covariance + np.outer(clipped, clipped)
        total = sum(self.weights.values())
        for i, expert in self.experts.items():
            rate = 2.0**i
            gain = rate * float(clipped @ (self.point - expert))
            assert abs(gain) <= 0.5 + 1e-12
            self.weights[i] *= math.exp(gain - gain**2)
            matrix = np.eye(row.size) / self.diameter**2 + 2.0 * rate**2 * self.covariance
            target = expert - np.linalg.solve(matrix, rate * (1.0 - 2.0 * gain) * clipped)
            self.experts[i] = self.domain.project_in(target, Dense.from_matrix(matrix))
        grown = total / (sum(self.weights.values()) or 1.0)
        assert grown >= 1.0 - 1e-12 or not self.weights  # the product inequality
        self.weights = {i: grown * weight for i, weight in self.weights.items()}
        if self.largest > 0.0:
            self._wake()
        if self.experts:
            shares = {i: weight * 2.0**i for i, weight in self.weights.items()}
            average = sum(share * self.experts[i] for i, share in shares.items()) / sum(shares.values())
            self.point = np.asarray(average)
        else:
            self.point = self.domain.start
        return clipped

    def _wake(self) -> None:
        awake = [i for i in range(-80, 80) if 0.5 / (self.sum + self.largest) <= 2.0**i <= 0.5 / self.largest]
        for i in awake:
            self.woken_at.setdefault(i, self.round)
        self.experts = {i: self.experts.get(i, self.domain.start) for i in awake}
        self.weights = {i: self.weights.get(i, 1.0) for i in awake}


@pytest.mark.parametrize(
    "domain", [Ball(0.3, dimension=4), Ball(1.0, center=np.arange(4.0)), Box(0.2, 1.0, dimension=4)]
)
@pytest.mark.parametrize("growth", [1.0, 1.15])
def test_rounds_are_the_definition_s(domain: oco.Domain, growth: float) -> None:
    rows = spectrum_stream(4, 60, 1.0, 5) * growth ** np.arange(60)[:, None]
    definition = Definition(domain)
    expected = [definition.point]
    for row in rows:
        definition.update(row)
        expected.append(definition.point)
    for rank in (None, 4, 9):
        learner = LipschitzAdaptiveMetaGrad(rank)
        np.testing.assert_allclose(play(learner, domain, rows), expected, atol=1e-7)
        assert learner.state.woken == len(definition.woken_at)
        assert learner.state.awake == len(definition.experts)
    assert len(definition.woken_at) > 3


@pytest.mark.parametrize("rank", [None, 2])
@pytest.mark.parametrize("power", [-300, -7, 11, 300])
def test_the_unit_of_gradients_does_not_matter(rank: int | None, power: int) -> None:
    """The grid has powers of two, so another power of two as a unit changes no bit."""
    rows = spectrum_stream(3, 40, 1.0, 2) * 1.1 ** np.arange(40)[:, None]
    domain = Ball(1.0, dimension=3)
    plain, scaled = (play(LipschitzAdaptiveMetaGrad(rank), domain, unit * rows) for unit in (1.0, 2.0**power))
    np.testing.assert_array_equal(plain, scaled)


def test_rounds_by_hand() -> None:
    """On [-1/2, 1/2]: after g = 1 the rate 1/2 is awake, after another S = 1 and 1/4 wakes at 0.

    The first expert then steps to ``-(1/2) / (1 + 2/4) = -1/3``. A third gradient of 4 is clipped to 1, after which
    ``B = 4`` and ``S = 2``: both rates are over ``1 / (2 B) = 1/8``, and 1/8 wakes, at the start.
    """
    learner = LipschitzAdaptiveMetaGrad()
    points = play(learner, Ball(0.5, dimension=1), np.array([[1.0], [1.0], [4.0]]))
    # weights 1 and 1, rates 1/2 and 1/4
    np.testing.assert_allclose(points.ravel(), [0.0, 0.0, -(1.0 / 3.0) * (2.0 / 3.0), 0.0], atol=1e-14)
    state = learner.state
    assert (state.awake, state.woken, state.highest, state.longest) == (1, 3, -3, 4.0)
    assert state.clipped_sum == pytest.approx(2.0 / 4.0)
    assert most_awake(3) == 2


def test_a_gradient_that_outgrows_all_before_costs_one_round() -> None:
    """Regret against it is D |g| at most, and the game goes on as if it had begun there."""
    domain = Ball(0.5, dimension=2)
    small, large = 1e-6 * spectrum_stream(2, 30, 0.0, 1), 1e6 * spectrum_stream(2, 50, 0.0, 2)
    jump = 1e7 * np.array([[1.0, 0.0]])
    whole = play(LipschitzAdaptiveMetaGrad(), domain, np.concatenate([small, jump, large]))
    alone = play(LipschitzAdaptiveMetaGrad(), domain, np.concatenate([jump, large]))
    np.testing.assert_allclose(whole[31:], alone[1:], atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    rank=st.sampled_from([None, 1, 2]), seed=st.integers(0, 2**16), size=st.integers(1, 5),
    rounds=st.integers(1, 120), stream=st.sampled_from(STREAMS), box=st.booleans(),
)  # fmt: skip
def test_the_theorem_for_every_comparator_and_rate(
    rank: int | None, seed: int, size: int, rounds: int, stream: str, box: bool
) -> None:
    """With V as it was, for every rate that is awake, in every round; the clipped regret too, without B."""
    domain: oco.Domain = Box(-0.4, 0.4, dimension=size) if box else Ball(0.7, dimension=size)
    adversary = adversaries((size,), rounds, seed)[stream]
    learner = LipschitzAdaptiveMetaGrad(rank)
    played: list[tuple[Array, Array, Array]] = []
    longest = 0.0

    def reveal(t: int, point: Array) -> Array:
        nonlocal longest
        gradient = adversary(t, point)
        before, longest = longest, max(longest, float(np.linalg.norm(gradient)))
        played.append((point.copy(), gradient, gradient * (before / longest if longest else 0.0)))
        return gradient

    play_linear(learner, domain, reveal, rounds, **adversary.facts)
    points, rows, clipped = (np.array(part) for part in zip(*played, strict=True))
    state, diameter = learner.state, domain.diameter()
    largest, squares = diameter * longest, longest**2
    clipped_sum = diameter * float(np.linalg.norm(clipped, axis=1).sum())
    assert largest * state.clipped_sum == pytest.approx(clipped_sum, rel=1e-9, abs=1e-300)
    slack = 1e-9 * (longest or 1.0)
    generator = np.random.default_rng(seed)
    for wished in (-100.0 * rows.sum(axis=0), generator.standard_normal(size), np.zeros(size)):
        u = domain.project(wished)
        regret, terms = float(np.sum(rows * (points - u))), np.sum(clipped * (points - u), axis=1)
        assert regret <= float(terms.sum()) + largest + slack
        assert float(terms.sum()) <= clipped_sum + slack
        for n in range(state.awake):
            rate = 2.0 ** (state.highest - n)
            assert 0.5 / (clipped_sum + largest) * (1.0 - 1e-9) <= rate <= 0.5 / largest * (1.0 + 1e-9)
            scaled = 2.0 * (rate * diameter) ** 2 * squares
            mass = min(state.sketch.eigenvalues.size + 1, size) * scaled * state.sketch.escaped_mass
            spread = float(np.sum(np.log1p(scaled * state.sketch.eigenvalues)))
            complexity = 0.75 + math.log(state.woken) + 0.5 * float(u @ u) / diameter**2 + spread + mass
            assert float(terms.sum()) <= rate * float(np.sum(terms**2)) + complexity / rate + slack


def test_it_needs_no_more_than_a_diameter() -> None:
    """MetaGrad with the largest gradient told in advance is not far ahead where gradients grow a thousandfold."""
    rows = spectrum_stream(3, 400, 0.5, 3) * np.linspace(0.001, 1.0, 400)[:, None]
    game = oco.environments.LinearLosses(rows, domain=Ball(1.0))
    record = oco.play(game, LipschitzAdaptiveMetaGrad())
    told = oco.play(game, oco.learners.MetaGrad(gradient_bound=float(np.linalg.norm(rows, axis=1).max())))
    assert record.bound is not None
    assert record.bound.valid
    assert record.regret.upper <= record.bound.value
    assert record.regret.upper <= 2.0 * told.regret.upper


def test_drawn_facts_of_the_grid() -> None:
    """As many rates are awake as powers of two fit between B and S + B, at most ``floor(log2 T) + 1``."""
    learner: Any = LipschitzAdaptiveMetaGrad()
    learner.start(oco.Problem(Ball(0.5, dimension=1), horizon=64))
    counts = []
    for _ in range(64):
        learner.update(np.array([1.0]))
        counts.append(learner.state.awake)
    assert counts == [math.floor(math.log2(t)) + 1 for t in range(1, 65)]
    assert most_awake(64) == counts[-1]
