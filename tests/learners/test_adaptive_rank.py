"""`AdaptiveFDAdaGrad`: full-matrix AdaGrad's bound up to a chosen factor, certified while it runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import Ball, Simplex, Unbounded
from oco.errors import ConfigError
from oco.learners import AdaptiveFDAdaGrad, FDAdaGrad, FullMatrixAdaGrad
from oco.learners._adaptive_rank import reached_tolerance
from oco.types import Array

from .streams import adversaries, play, play_linear, spectrum_stream


def trace_root(matrix: Array) -> float:
    return float(np.sum(np.sqrt(np.maximum(np.linalg.eigvalsh(matrix), 0.0))))


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    size=st.integers(1, 12),
    rounds=st.integers(1, 120),
    tolerance=st.sampled_from([0.0, 0.1, 0.5, 2.0]),
    buffer=st.sampled_from([None, 0, 2]),
    stream=st.sampled_from(list(adversaries((2,), 1, 0))),
)
def test_the_theorem(seed: int, size: int, rounds: int, tolerance: float, buffer: int | None, stream: str) -> None:
    """At every round: tolerance, sandwich, monotone preconditioner; at the end: sqrt(2) D (1 + eps/2) tr G^(1/2)."""
    domain = Ball(1.5, dimension=size)
    learner = AdaptiveFDAdaGrad(tolerance=tolerance, buffer=buffer)
    exact, before = np.zeros((size, size)), np.zeros((size, size))
    ranks = [1]

    def check(_: int, gradient: Array) -> None:
        exact[:] += np.outer(gradient, gradient)
        sketch = learner.state.sketch
        covariance = (sketch.eigenvectors.T * sketch.eigenvalues) @ sketch.eigenvectors
        compensated = covariance + sketch.escaped_mass * np.eye(size)
        small = 1e-9 * float(np.trace(exact))
        assert np.linalg.eigvalsh(exact - covariance)[0] >= -small
        assert np.linalg.eigvalsh(compensated - exact)[0] >= -small
        assert np.linalg.eigvalsh(compensated - before)[0] >= -small
        assert reached_tolerance(sketch) <= tolerance + 1e-7
        assert trace_root(compensated) <= (1.0 + tolerance) * trace_root(exact) * (1.0 + 1e-6)
        assert learner.current_rank >= ranks[-1]
        before[:] = compensated
        ranks.append(learner.current_rank)

    regret, bound, observed = play_linear(learner, domain, adversaries((size,), rounds, seed)[stream], rounds, check)
    assert ranks[-1] <= size
    assert bound is not None
    assert observed.spectrum is not None
    # The bound takes the upper end of tr G^(1/2). Its eigenvalues and those here are each within `off` of the true,
    # so that end is at least the trace of (G - off)^(1/2) and at most that of (G + 3 off)^(1/2).
    off, values = observed.spectrum.rounding, np.maximum(np.linalg.eigvalsh(exact), 0.0)
    assert off <= (rounds + 1 + 8 * size + 8) * np.finfo(float).eps * float(np.trace(exact)) * (1.0 + 1e-9)
    factor = np.sqrt(2.0) * 3.0 * (1.0 + max(tolerance, reached_tolerance(learner.state.sketch)) / 2.0)
    low, high = (factor * float(np.sum(np.sqrt(np.maximum(values + shift, 0.0)))) for shift in (-off, 3.0 * off))
    assert low * (1.0 - 1e-12) <= bound.value <= high * (1.0 + 1e-12)
    assert regret <= bound.value
    assert regret <= bound.variants["with the tolerance reached"] * (1.0 + 1e-9) <= bound.value * (1.0 + 1e-6)


@pytest.mark.parametrize("domain", [Unbounded(9), Ball(0.4, dimension=9), Simplex(dimension=9)])
@pytest.mark.parametrize("buffer", [None, 0, 3])
def test_without_tolerance_it_is_full_matrix_adagrad(domain: oco.Domain, buffer: int | None) -> None:
    """Nothing may escape, so the rank rises to that of the stream: 6 of 9 here."""
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((60, 6)) @ generator.standard_normal((6, 9))
    learner = AdaptiveFDAdaGrad(tolerance=0.0, learning_rate=0.5, buffer=buffer)
    points = play(learner, domain, rows)
    assert learner.current_rank == 6
    np.testing.assert_allclose(points, play(FullMatrixAdaGrad(learning_rate=0.5), domain, rows), atol=1e-8)


@pytest.mark.parametrize("domain", [Unbounded(9), Ball(0.4, dimension=9), Ball(0.4, center=np.arange(9.0))])
def test_with_any_tolerance_it_is_rank_one(domain: oco.Domain) -> None:
    rows = spectrum_stream(9, 80, 1.0, 1)
    adaptive = play(AdaptiveFDAdaGrad(tolerance=1e12, learning_rate=0.5), domain, rows)
    np.testing.assert_allclose(adaptive, play(FDAdaGrad(rank=1, learning_rate=0.5), domain, rows), atol=1e-12)


@pytest.mark.parametrize("tolerance", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("domain", [Unbounded(12), Ball(0.4, dimension=12)])
def test_rounds_are_the_definition_s(domain: oco.Domain, tolerance: float) -> None:
    """Dense eigen-decompositions, with the rule in full: shrink only if the trace stays within the tolerance."""
    rows = spectrum_stream(12, 150, 1.5, 4)
    learner = AdaptiveFDAdaGrad(tolerance=tolerance, learning_rate=0.7)
    points = play(learner, domain, rows)
    sketch, rho, rank, x = np.zeros((12, 12)), 0.0, 1, np.zeros(12)
    for t, g in enumerate(rows, start=1):
        values, vectors = np.linalg.eigh(sketch + np.outer(g, g))
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        while values[min(rank, 11)] > 1e-12 * values[0] and rank < 12:
            shrunk = np.append(values[:rank] - values[rank], np.zeros(12 - rank))
            after = rho + values[rank]
            if np.sum(np.sqrt(shrunk + after)) <= (1.0 + tolerance) * np.sum(np.sqrt(shrunk)):
                values, rho = shrunk, after
                break
            rank += 1
        sketch = (vectors * values) @ vectors.T
        metric = np.sqrt(values * (values > 1e-12 * values[0]) + rho)
        step = np.array([1.0 / h if h > 0.0 else 0.0 for h in metric])
        x = x - 0.7 * vectors @ (step * (vectors.T @ g))
        if domain.bounded:
            x = domain.project_in(x, oco.domains.Dense(vectors, metric))
        np.testing.assert_allclose(points[t], x, rtol=1e-6, atol=1e-7)
    assert learner.current_rank == rank
    assert 1 < rank < 12


def test_the_largest_rank_ends_the_guarantee_at_the_factor_reached() -> None:
    rows = spectrum_stream(10, 400, 0.2, 2)
    domain = Ball(1.0, dimension=10)
    free = AdaptiveFDAdaGrad(tolerance=0.2)
    held = AdaptiveFDAdaGrad(tolerance=0.2, max_rank=3)
    _, free_bound, _ = play_linear(free, domain, lambda t, _: rows[t], 400)
    regret, bound, _ = play_linear(held, domain, lambda t, _: rows[t], 400)
    assert free_bound is not None
    assert bound is not None
    assert free.current_rank > held.current_rank == 3
    assert reached_tolerance(held.state.sketch) > 0.2
    constants = {constant.name: constant.value for constant in bound.constants}
    assert constants["tolerance reached"] == reached_tolerance(held.state.sketch)
    assert bound.value == pytest.approx(bound.variants["with the tolerance reached"])
    assert bound.value > free_bound.value
    assert regret <= bound.value
    assert oco.learners.state_floats(held.state) < oco.learners.state_floats(free.state)


def test_the_record_shows_the_floats_that_were_held() -> None:
    game = oco.environments.IllConditionedRegression(dimension=16, horizon=400)
    record = oco.play(game, AdaptiveFDAdaGrad(tolerance=0.5), comparator=False)
    floats = record.curves["state_floats"]
    assert np.all(np.diff(floats) >= 0)
    assert record.scalars["peak_state_floats"] == record.scalars["state_floats"] == floats[-1] > floats[0]
    assert floats[-1] == 16 * (record.player.current_rank + 2) + record.player.current_rank + 9


def test_what_the_bound_rests_on_cannot_be_given_up() -> None:
    for keywords in ({"compensation": "half"}, {"decay": 0.5}):
        with pytest.raises(ConfigError, match="rank='auto'"):
            FDAdaGrad(rank="auto", **keywords)


def test_the_former_spelling_warns_and_gives_the_same_learner() -> None:
    with pytest.warns(DeprecationWarning, match="now called AdaptiveFDAdaGrad"):
        former: Any = FDAdaGrad(rank="auto", delta=0.1, tolerance=0.5, max_rank=3, buffer=2)
    present = AdaptiveFDAdaGrad(delta=0.1, tolerance=0.5, max_rank=3, buffer=2)
    assert repr(former) == repr(present)
    assert type(former) is AdaptiveFDAdaGrad
    domain, rows = Ball(1.0, dimension=9), spectrum_stream(9, 50, 1.0, 1)
    assert np.array_equal(play(former, domain, rows), play(present, domain, rows))
