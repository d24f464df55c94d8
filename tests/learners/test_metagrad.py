"""MetaGrad against its definition in dense algebra, its identities, and its theorem for every comparator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import Ball, Box, Dense
from oco.learners import CoordinateMetaGrad, MetaGrad
from oco.learners.metagrad import prior, rates_for
from oco.types import Array

from .streams import adversaries, play, play_linear, spectrum_stream

STREAMS = sorted(adversaries((2,), 1, 0))


def definition(domain: oco.Domain, rows: Array, gradient_bound: float) -> list[Array]:
    """Points of the full version, every expert with its own matrix: Algorithm 1 and 2 of the 2016 paper."""
    d, diameter = rows.shape[1], domain.diameter()
    rates = [2.0**-i / (5.0 * diameter * gradient_bound) for i in range(rates_for(len(rows)))]
    shares = [1.0 / ((i + 1.0) * (i + 2.0)) for i in range(len(rates))]
    matrices = [np.eye(d) / diameter**2 for _ in rates]
    experts = [domain.start for _ in rates]
    points = [domain.start]
    for row in rows:
        for i, rate in enumerate(rates):
            gap = float(row @ (points[-1] - experts[i]))
            shares[i] *= math.exp(rate * gap - (rate * gap) ** 2)
            matrices[i] = matrices[i] + 2.0 * rate**2 * np.outer(row, row)
            step = np.linalg.solve(matrices[i], rate * (1.0 - 2.0 * rate * gap) * row)
            experts[i] = domain.project_in(experts[i] - step, Dense.from_matrix(matrices[i]))
        weights = np.array(shares) * rates
        points.append(weights @ np.array(experts) / weights.sum())
    return points


@pytest.mark.parametrize(
    "domain", [Ball(0.3, dimension=4), Ball(1.0, center=np.arange(4.0)), Box(0.2, 1.0, dimension=4)]
)
def test_rounds_are_the_definition_s(domain: oco.Domain) -> None:
    rows = spectrum_stream(4, 60, 1.0, 5)
    longest = float(np.linalg.norm(rows, axis=1).max())
    expected = definition(domain, rows, longest)
    np.testing.assert_allclose(play(MetaGrad(), domain, rows, gradient_bound=longest), expected, atol=1e-7)
    for rank in (4, 9):
        np.testing.assert_allclose(play(MetaGrad(rank), domain, rows, gradient_bound=longest), expected, atol=1e-7)


@pytest.mark.parametrize("stream", ["smooth", "one-sided", "alternating", "uphill"])
def test_the_two_forms_agree_in_one_dimension(stream: str) -> None:
    domain, adversary = Ball(0.6, dimension=1), adversaries((1,), 80, 0)[stream]
    points: list[list[float]] = [[], []]
    for learner, kept in zip((MetaGrad(), CoordinateMetaGrad()), points, strict=True):
        learner.start(oco.Problem(domain, 80, **adversary.facts))  # type: ignore[arg-type]
        for t in range(80):
            kept.append(float(learner.prediction[0]))
            learner.update(adversary(t, learner.prediction))
    np.testing.assert_allclose(points[0], points[1], atol=1e-12)
    assert np.ptp(points[0]) > 0.01


def test_coordinates_do_not_see_each_other_on_a_cube() -> None:
    rows = spectrum_stream(3, 50, 0.5, 2)
    cube = play(CoordinateMetaGrad(), Box(-0.5, 0.5, dimension=3), rows, gradient_bound=10.0)
    for j in range(3):
        alone = play(CoordinateMetaGrad(), Ball(0.5, dimension=1), rows[:, [j]], gradient_bound=10.0)
        np.testing.assert_allclose(cube[:, [j]], alone, atol=1e-12)


def test_the_first_round_by_hand() -> None:
    """T = 1 has one rate, 1/5 with D = Gamma = 1: ``x = -(1/5) / (1 + 2/25)``, inside [-1/2, 1/2]."""
    assert rates_for(1) == 1
    assert prior(3) == pytest.approx([2.0 / 3.0, 2.0 / 9.0, 1.0 / 9.0])
    for learner in (MetaGrad(), CoordinateMetaGrad()):
        points = play(learner, Ball(0.5, dimension=1), np.ones((1, 1)), gradient_bound=1.0)
        assert points[1, 0] == pytest.approx(-0.2 / 1.08, rel=1e-14)


@settings(max_examples=60, deadline=None)
@given(
    make=st.sampled_from([MetaGrad, lambda: MetaGrad(1), lambda: MetaGrad(2), CoordinateMetaGrad]),
    seed=st.integers(0, 2**16), size=st.integers(1, 5), rounds=st.integers(1, 120), stream=st.sampled_from(STREAMS),
    box=st.booleans(),
)  # fmt: skip
def test_the_second_order_theorem(make: Any, seed: int, size: int, rounds: int, stream: str, box: bool) -> None:
    """``R(u) <= eta V^u + (ln(1/p) + ...) / eta`` with V as it was, for every rate and some u, sketched or not."""
    domain: oco.Domain = Box(-0.4, 0.4, dimension=size) if box else Ball(0.7, dimension=size)
    adversary = adversaries((size,), rounds, seed)[stream]
    learner = make()
    played: list[tuple[Array, Array]] = []

    def reveal(t: int, point: Array) -> Array:
        gradient = adversary(t, point)
        played.append((point.copy(), gradient))
        return gradient

    play_linear(learner, domain, reveal, rounds, **adversary.facts)
    points, rows = (np.array(part) for part in zip(*played, strict=True))
    longest = adversary.longest or 1.0
    coordinatewise = isinstance(learner, CoordinateMetaGrad)
    if coordinatewise and not box:
        return  # the reduction changes the gradients; test_every_bound has that case
    diameter = 0.8 if coordinatewise else domain.diameter()
    generator = np.random.default_rng(seed)
    for wished in (-100.0 * rows.sum(axis=0), generator.standard_normal(size), np.zeros(size)):
        u = domain.project(wished)
        regrets = rows * (points - u)
        terms = regrets if coordinatewise else regrets.sum(axis=1, keepdims=True)
        for i in range(rates_for(rounds)):
            rate = 2.0**-i / (5.0 * diameter * longest)
            scaled = 2.0 * (rate * diameter) ** 2
            share = prior(rates_for(rounds))[i]
            if coordinatewise:
                complexity = 0.5 * np.log1p(scaled * np.sum(rows**2, axis=0)) + 0.5 * (u / diameter) ** 2
            else:
                sketch = learner.state.sketch
                mass = min(sketch.eigenvalues.size + 1, size) * 0.5 * scaled * longest**2 * sketch.escaped_mass
                spread = 0.5 * float(np.sum(np.log1p(scaled * longest**2 * sketch.eigenvalues)))
                complexity = np.array([spread + mass + 0.5 * float(u @ u) / diameter**2])
            value = rate * np.sum(terms**2, axis=0) + (complexity - math.log(share)) / rate
            assert np.all(terms.sum(axis=0) <= value * (1.0 + 1e-9) + 1e-9 * longest)
