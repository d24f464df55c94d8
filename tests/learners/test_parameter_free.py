"""Parameter-free learners in a matrix norm: the steps of the proof in docs/parameter_free.md, and its statement."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import Ball, Box, Unbounded
from oco.domains.base import Domain
from oco.learners import AdaGradNorm, Learner, ParameterFreeFD, ParameterFreeFullMatrix
from oco.learners._betting import COSTS, FRACTIONS, conjugate, potential, slope
from oco.regret.bounds import Observed
from oco.types import Array

from .streams import adversaries, play, play_linear, spectrum_stream

STREAMS = sorted(adversaries((2,), 1, 0))
DOMAINS: dict[str, Callable[[int], Domain]] = {
    "ball": lambda size: Ball(0.7, dimension=size),
    "ball off centre": lambda size: Ball(2.0, center=np.linspace(-1.0, 2.0, size)),
    "box": lambda size: Box(-0.4, 1.5, dimension=size),
    "unbounded": Unbounded,
}


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), size=st.integers(1, 4), exponent=st.floats(-3.0, 0.7),
    squares=st.sampled_from([0.0, 0.3, 5.0, 400.0, 1e5]), length=st.sampled_from([1.0, 0.9, 0.1, 1e-4]),
)  # fmt: skip
def test_no_outcome_makes_the_potential_grow_by_more_than_the_bet_wins(
    seed: int, size: int, exponent: float, squares: float, length: float
) -> None:
    """Step 2 of the proof, for vectors: ``F_{V + |c|^2}(|s + c|) <= F_V(|s|) + F_V'(|s|) <c, s> / |s|``."""
    generator = np.random.default_rng(seed)
    total = generator.standard_normal(size)
    total *= 10.0**exponent * math.sqrt(1.0 + squares) / np.linalg.norm(total)
    outcome = generator.standard_normal(size)
    if generator.random() < 0.3:
        outcome = -total
    outcome *= length / np.linalg.norm(outcome)
    z = float(np.linalg.norm(total))
    after = potential(float(np.linalg.norm(total + outcome)), squares + length**2)
    won = potential(z, squares) + slope(z, squares) * float(outcome @ total) / z
    assert after <= won + 1e-9 * (1.0 + abs(won) + slope(z, squares) * z)


def test_the_cost_of_a_fraction_is_the_least_possible() -> None:
    """Equality for the largest loss: ``1 - beta = exp(-beta - psi(beta))``, so that no smaller psi would do."""
    np.testing.assert_allclose(np.exp(-FRACTIONS - COSTS), 1.0 - FRACTIONS, rtol=1e-15)


@settings(max_examples=40, deadline=None)
@given(distance=st.floats(1e-6, 1e6), squares=st.sampled_from([0.0, 1.0, 100.0, 1e6]))
def test_the_conjugate_is_the_maximum(distance: float, squares: float) -> None:
    value = conjugate(distance, squares)
    low, high = 0.0, 1.0
    while distance * high - potential(high, squares) > -1.0:
        high *= 2.0
    for _ in range(6):  # the function is concave: zoom in
        grid = np.linspace(low, high, 101)
        values = np.array([distance * z - potential(z, squares) for z in grid])
        best = int(np.argmax(values))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 100)]
    assert value == pytest.approx(values.max(), rel=1e-9, abs=1e-9)
    for fraction, cost in zip(FRACTIONS[:30], COSTS[:30], strict=True):
        single = distance / fraction * (math.log(4.0 * distance / math.log(2.0)) - 1.0 + cost * squares)
        shares = 0.5 * math.log(2.0) * float(np.sum(1.0 / FRACTIONS * -np.expm1(-COSTS * squares)))
        gone = 0.5 * math.log(2.0) / fraction * math.exp(-cost * squares)
        assert value <= single + shares + gone + 1e-9 * abs(value)


def norm_of(learner: Learner, vector: Array) -> float:
    metric = learner.metric()  # type: ignore[attr-defined]
    return math.sqrt(float(vector @ metric.apply(vector)))


@settings(max_examples=40, deadline=None)
@given(
    where=st.sampled_from(sorted(DOMAINS)), seed=st.integers(0, 2**16), size=st.integers(1, 7),
    rank=st.integers(1, 8), rounds=st.integers(1, 100), stream=st.sampled_from(STREAMS),
    scale=st.sampled_from([None, 0.01, 10.0]),
)  # fmt: skip
def test_the_theorem(
    where: str, seed: int, size: int, rank: int, rounds: int, stream: str, scale: float | None
) -> None:
    """In every round H dominates; at the end the regret against every u is at most its own bound."""
    domain = DOMAINS[where](size)
    adversary = adversaries((size,), rounds, seed)[stream]
    bound_on_gradients = adversary.longest or 1.0
    learner = ParameterFreeFD(rank, bound_on_gradients, scale)
    covariance, before, losses = np.eye(size), np.eye(size), []

    def check(_: int, gradient: Array) -> None:
        covariance[:] += np.outer(gradient, gradient) / bound_on_gradients**2
        metric = learner.metric().power(2.0).dense()
        now = (metric.basis * metric.values) @ metric.basis.T
        assert np.linalg.eigvalsh(now - covariance)[0] >= -1e-9 * np.trace(covariance)
        assert np.linalg.eigvalsh(now - before)[0] >= -1e-9 * np.trace(covariance)
        beyond = covariance + learner.state.sketch.escaped_mass * np.eye(size)
        assert np.linalg.eigvalsh(beyond - now)[0] >= -1e-9 * np.trace(covariance)
        before[:] = now
        losses.append(gradient)

    domain_start = domain.start
    learner_loss = [0.0]

    def reveal(t: int, point: Array) -> Array:
        gradient = adversary(t, point)
        learner_loss[0] += float(gradient @ (point - domain_start))
        return gradient

    _, bound, observed = play_linear(learner, domain, reveal, rounds, check)
    rows = np.array(losses)
    values = np.maximum(np.linalg.eigvalsh(rows.T @ rows), 0.0)
    trace = float(np.sum(np.sqrt(values))) / bound_on_gradients
    assert learner.state.squares <= 2.0 * trace + 1e-6
    generator = np.random.default_rng([seed, 1])  # not the numbers that the stream is made of
    for length in (0.0, 0.1, 1.0, 30.0):
        wished = generator.standard_normal(size) - rows.sum(axis=0) * generator.choice([0.0, 1.0])
        target = domain_start + length * wished / np.linalg.norm(wished)
        comparator = target if not domain.bounded else domain.project(target)
        offset = comparator - domain_start
        regret = learner_loss[0] - float(rows.sum(axis=0) @ offset)
        shared = Observed(**{**vars(observed), "comparator": comparator})
        stated = learner.bound(shared)
        assert stated is not None
        assert stated.valid
        slack = 1e-9 * bound_on_gradients * (1.0 + np.linalg.norm(offset)) * rounds
        assert regret <= stated.value * (1.0 + 1e-9) + slack
        root = covariance - np.eye(size)
        spread, vectors = np.linalg.eigh(root)
        own = float(np.sum(np.sqrt(np.maximum(spread, 0.0)) * (vectors.T @ offset) ** 2))
        own += math.sqrt(1.0 + learner.state.sketch.escaped_mass) * float(offset @ offset)
        assert norm_of(learner, offset) ** 2 <= own * (1.0 + 1e-9) + 1e-12
        if bound is not None:
            assert stated.value <= bound.value * (1.0 + 1e-9)


@pytest.mark.parametrize("where", sorted(DOMAINS))
@pytest.mark.parametrize("rank", [6, 50])
def test_with_full_rank_it_is_the_full_matrix(where: str, rank: int) -> None:
    rows = spectrum_stream(6, 80, 1.0, 3)
    full = play(ParameterFreeFullMatrix(), DOMAINS[where](6), rows, gradient_bound=10.0)
    np.testing.assert_allclose(play(ParameterFreeFD(rank), DOMAINS[where](6), rows, gradient_bound=10.0), full)


def test_the_first_two_rounds_by_hand() -> None:
    """The first outcome is -1/2: V = 1/4, H = sqrt(1 + 1/4), z = 1/2 / sqrt(H); with ``a_i beta_i = ln(2) / 2``."""
    learner = ParameterFreeFD(1, gradient_bound=2.0, scale=3.0)
    learner.start(oco.Problem(Unbounded(1), 9))
    learner.update(np.array([1.0]))
    norm = math.sqrt(1.25)
    z = 0.5 / math.sqrt(norm)
    beta = [2.0 ** (-1.0 - i / 2.0) for i in range(40)]
    expected = [1.5 * math.log(2.0) * math.sinh(b * z) * math.exp((b + math.log(1.0 - b)) * 0.25) for b in beta]
    assert learner.prediction[0] == pytest.approx(-sum(expected) / math.sqrt(norm), rel=1e-12)
    learner.update(np.array([-1.0]))
    assert learner.prediction[0] == 0.0
    assert learner.state.squares == pytest.approx(0.25 + 0.25 / norm)


@pytest.mark.parametrize("factor", [1e-100, 1e-3, 7.0, 1e100])
def test_the_unit_of_gradients_does_not_matter(factor: float) -> None:
    rows = spectrum_stream(5, 60, 1.0, 0)
    one = play(ParameterFreeFD(2), Ball(0.5, dimension=5), rows, gradient_bound=10.0)
    np.testing.assert_allclose(
        play(ParameterFreeFD(2), Ball(0.5, dimension=5), factor * rows, gradient_bound=10.0 * factor), one, atol=1e-9
    )


def test_a_longer_gradient_is_clipped_and_voids_the_bound() -> None:
    rows = np.ones((4, 1))
    clipped = ParameterFreeFD(1, gradient_bound=0.5)
    points = play(clipped, Ball(1.0, dimension=1), rows)
    np.testing.assert_array_equal(points, play(ParameterFreeFD(1), Ball(1.0, dimension=1), rows, gradient_bound=1.0))
    _, bound, _ = play_linear(ParameterFreeFD(1, gradient_bound=0.5), Ball(1.0, dimension=1), lambda *_: rows[0], 4)
    assert bound is not None
    assert not bound.valid


GAMES = {
    "natural images": lambda: oco.environments.NaturalImages(7, 800),
    "ill-conditioned": lambda: oco.environments.IllConditionedRegression(
        dimension=32, horizon=800, smallest_scale=0.01, draws="signs"
    ),
}


@pytest.mark.parametrize("game", GAMES)
def test_its_bound_is_below_that_of_adagrad_norm_and_holds(game: str) -> None:
    """The one kind of bound that can be: Theorem 3 of Sketchy never is, since ``tr G^(1/2) >= sqrt(tr G)``."""
    norm = oco.play(GAMES[game](), AdaGradNorm())
    for learner in (ParameterFreeFD(16), ParameterFreeFullMatrix()):
        record = oco.play(GAMES[game](), learner)
        assert record.bound is not None
        assert record.bound.valid
        assert record.regret.upper <= record.bound.value
        assert record.bound.value < 0.5 * norm.bound.value
        assert record.bound.value < record.bound.variants["with 2 tr G^(1/2) for the squares"]
        held = record.curves["regret_upper"] <= record.curves["bound"]
        assert held.all()
