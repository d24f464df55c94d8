"""Matrix-free preconditioning: rounds by hand, a plain definition, and its theorem."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import Ball, Box, Unbounded
from oco.learners import MatrixFree
from oco.learners.matrix_free import NEWTON_RATE
from oco.regret.bounds import Observed
from oco.types import Array

from .streams import adversaries, play, play_linear, spectrum_stream

STREAMS = sorted(adversaries((2,), 1, 0))


def definition(rows: Array, wealth: float, inner_wealth: float) -> list[Array]:
    """Scalars in loops, on the whole space and for a gradient bound of 1: the authors' two layers."""
    d = rows.shape[1]
    fractions, wealths, curvatures = [0.0] * d, [inner_wealth] * d, [1.0] * d
    bets, points = [0.0] * d, [np.zeros(d)]
    for row in rows:
        lost = sum(float(row[i]) * bets[i] for i in range(d))
        wealth -= lost * wealth
        for i in range(d):
            z = 0.5 * float(row[i]) / (1.0 - lost)
            raw = fractions[i] * wealths[i]
            if (raw > 0.5 and z < 0.0) or (raw < -0.5 and z > 0.0):
                z = 0.0
            wealths[i] -= z * raw
            slope = z / (1.0 - z * fractions[i])
            curvatures[i] += slope**2
            fractions[i] = min(0.5, max(-0.5, fractions[i] - 2.0 / (2.0 - math.log(3.0)) * slope / curvatures[i]))
            bets[i] = min(0.5, max(-0.5, fractions[i] * wealths[i]))
        points.append(wealth * np.array(bets))
    return points


@pytest.mark.parametrize("stream", ["smooth", "axes", "one-sided", "often zero"])
def test_rounds_are_the_definition_s(stream: str) -> None:
    rows = np.array([adversaries((3,), 60, 1)[stream](t, np.zeros(3)) for t in range(60)])
    rows = rows / np.abs(rows).sum(axis=1).max()
    learner = MatrixFree(gradient_bound=1.0, initial_wealth=0.7, inner_wealth=0.3)
    np.testing.assert_allclose(play(learner, Unbounded(3), rows), definition(rows, 0.7, 0.3), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("domain", [Unbounded(4), Box(-0.2, 0.3, dimension=4)])
def test_the_order_and_the_signs_of_coordinates_do_not_matter(domain: oco.Domain) -> None:
    rows, order = spectrum_stream(4, 60, 1.0, 2), np.array([2, 0, 3, 1])
    one = play(MatrixFree(), domain, rows, gradient_bound=10.0)
    np.testing.assert_allclose(
        play(MatrixFree(), domain, rows[:, order], gradient_bound=10.0), one[:, order], atol=1e-12
    )
    if not domain.bounded:
        np.testing.assert_allclose(play(MatrixFree(), domain, -rows, gradient_bound=10.0), -one, atol=1e-12)


def test_in_one_dimension_it_is_a_bettor_on_a_bettor() -> None:
    """A coin that always falls the same way: bets grow until both fractions are 1/2, then 1.5 times a round."""
    points = play(MatrixFree(inner_wealth=1.0), Unbounded(1), -np.ones((30, 1)), gradient_bound=1.0)[:, 0]
    assert points[:4] == pytest.approx([0.0, 0.5, 0.75, 1.125])
    np.testing.assert_allclose(points[4:] / points[3:-1], 1.5)


def test_the_newton_rate_is_the_largest() -> None:
    """``f(b) - f(b') <= f'(b)(b - b') - (f'(b)(b - b'))^2 / (2 eta)`` on a grid, with equality at (1/2, -1/2)."""
    b, other = np.meshgrid(np.linspace(-0.5, 0.5, 201), np.linspace(-0.5, 0.5, 201))
    for z in (-1.0, -0.3, 0.6, 1.0):
        first = z / (1.0 - z * b) * (b - other)
        gap = first - first**2 / (2.0 * NEWTON_RATE) - (np.log1p(-z * other) - np.log1p(-z * b))
        assert gap.min() >= -1e-12
    first = 2.0
    assert first - first**2 / (2.0 * NEWTON_RATE) == pytest.approx(math.log(3.0))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16), size=st.integers(1, 5), rounds=st.integers(1, 120), stream=st.sampled_from(STREAMS),
    where=st.sampled_from(["unbounded", "ball", "box"]),
)  # fmt: skip
def test_the_theorem(seed: int, size: int, rounds: int, stream: str, where: str) -> None:
    """The regret against every u is at most its own bound, on the whole space too."""
    domains: dict[str, oco.Domain] = {
        "unbounded": Unbounded(size), "ball": Ball(0.7, dimension=size), "box": Box(0.3, 1.0, dimension=size)
    }  # fmt: skip
    domain, adversary = domains[where], adversaries((size,), rounds, seed)[stream]
    learner = MatrixFree(gradient_bound=math.sqrt(size) * (adversary.longest or 1.0))
    losses, rows = [0.0], []

    def reveal(t: int, point: Array) -> Array:
        gradient = adversary(t, point)
        losses[0] += float(gradient @ point)
        rows.append(gradient)
        return gradient

    _, bound, observed = play_linear(learner, domain, reveal, rounds)
    total = np.sum(rows, axis=0)
    generator = np.random.default_rng([seed, 1])  # not the numbers that the stream is made of
    for length in (0.0, 0.3, 3.0, 100.0):
        wished = generator.standard_normal(size) - 10.0 * total * generator.choice([0.0, 1.0])
        comparator = domain.start + length * wished / np.linalg.norm(wished)
        comparator = domain.project(comparator) if domain.bounded else comparator
        stated = learner.bound(Observed(**{**vars(observed), "comparator": comparator}))
        assert stated is not None
        assert stated.valid
        regret = losses[0] - float(total @ comparator)
        assert regret <= stated.value * (1.0 + 1e-9)
        assert bound is None or stated.value <= bound.value * (1.0 + 1e-9)
    assert (bound is None) == (not domain.bounded)


def test_rounds_cost_the_dimension_and_not_its_square() -> None:
    problem = oco.Problem(Ball(1.0, dimension=1000), 9, gradient_bound=1.0)
    memory = MatrixFree().memory(problem)
    assert memory.floats == 4003
