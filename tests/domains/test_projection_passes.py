"""What a projection in a low-rank metric costs: passes over the sketch in games, and time against the dimension."""

import time

import numpy as np
import pytest
from domain_cases import random_basis

import oco
from oco.domains import Ball, Box, L1Ball, LowRankPlusScaledIdentity, Simplex, _polyhedra

RANK = 10


def games(domain):
    generator = np.random.default_rng(3)
    rows = (generator.random((2000, 150)) < 0.1) * generator.choice([1.0, 0.5, 2.0], 150)
    labels = np.where(rows @ generator.standard_normal(150) + generator.standard_normal(2000) > 0.0, 1.0, -1.0)
    yield oco.environments.SpectrumLinear(dimension=100, horizon=2000, exponent=1.0, domain=domain)
    yield oco.environments.IllConditionedRegression(dimension=60, horizon=2000, domain=domain)
    yield oco.environments.LogisticRegression(rows, labels, domain=domain)


@pytest.mark.parametrize("domain", [Box(-0.1, 0.1), Simplex(1.0), L1Ball(1.0)], ids=lambda domain: domain.name)
def test_passes_over_the_sketch_in_games(domain, monkeypatch):
    """At most 20 in all but a few rounds: the first, while nothing has escaped and the metric is singular."""
    steps = []
    newton = _polyhedra.newton_projection

    def counted(*arguments):
        projected, taken = newton(*arguments)
        steps.append(taken)
        return projected, taken

    monkeypatch.setattr(_polyhedra, "newton_projection", counted)
    monkeypatch.setattr(type(domain), "as_region", lambda domain: None)  # else no projection is made from Python
    for game in games(domain):
        steps.clear()
        oco.play(game, oco.FDAdaGrad(rank=RANK), seed=0, comparator=False)
        # One to form W, one for the first gradient, two for the certificate; each step one for the curvature, one for
        # what it moves, two for the next gradient.
        passes = 4 + 4 * np.array(steps)
        assert len(passes) >= 1000
        assert np.median(passes) <= 12
        assert np.mean(passes <= 20) >= 0.99
        assert passes[RANK + 5 :].max() <= 24


@pytest.mark.parametrize("domain", [Ball(1.0), Box(-0.01, 0.01), Simplex(1.0)], ids=lambda domain: domain.name)
def test_time_is_that_of_a_few_readings_of_the_sketch(domain):
    """At 160,000 x 10, where anything of order d^2 would take 16,000 readings."""
    generator = np.random.default_rng(4)
    metric = LowRankPlusScaledIdentity(random_basis(generator, 160_000, RANK), np.geomspace(30.0, 3.0, RANK), 1.0)
    placed = domain.with_shape((160_000,))
    point = placed.start + generator.standard_normal(160_000) / 400.0
    readings, projections = [], []
    for _ in range(8):
        start = time.perf_counter()
        metric.basis.T @ point
        middle = time.perf_counter()
        placed.project_in(point, metric)
        readings.append(middle - start)
        projections.append(time.perf_counter() - middle)
    assert min(projections) <= 2000 * min(readings)
