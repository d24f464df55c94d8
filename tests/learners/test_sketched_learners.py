"""Every learner on a Frequent Directions sketch against one plain definition, and against the exact learners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oco
from oco.domains import Ball, Dense, Simplex, Unbounded
from oco.domains.base import Domain
from oco.learners import (
    FDSON,
    FTFSL,
    FTSL,
    OGD,
    RFDSON,
    SON,
    AdaFD,
    AdaFFD,
    AdaptiveFDAdaGrad,
    FDAdaGrad,
    FullMatrixAdaGrad,
    PrimalDualAdaFD,
    PrimalDualDiagonalAdaGrad,
    PrimalDualFullMatrixAdaGrad,
)
from oco.learners.base import Learner
from oco.types import Array

from .streams import play, spectrum_stream

SIZE, RANK = 7, 3
ROWS = spectrum_stream(SIZE, 120, 1.0, 3)
DOMAINS = [Unbounded(SIZE), Ball(0.4, dimension=SIZE), Ball(0.4, center=0.2 * np.ones(SIZE)), Simplex(dimension=SIZE)]


def definition(
    domain: Domain,
    rows: Array,
    *,
    rank: int,
    rate: float,
    power: float = 0.5,
    outer: float = 0.0,
    inner: float = 0.0,
    compensation: float = 0.0,
    averaging: bool = False,
    weight: Callable[[int], float] = lambda t: 1.0,
    room: int | None = None,
    decay: float = 1.0,
    projection: float = 0.0,
) -> Array:
    """``H = outer I + (Gbar + (inner + compensation rho) I)^power``, an eigen-decomposition of d x d every round."""
    size = rows.shape[1]
    room = rank if room is None else room
    sketch, rho, total = np.zeros((size, size)), 0.0, np.zeros(size)
    x = domain.start
    points = [x]
    for t, g in enumerate(rows, start=1):
        values, vectors = np.linalg.eigh(decay * sketch + weight(t) * np.outer(g, g))
        values = np.where(values > 1e-13 * values[-1], values, 0.0)[::-1]
        vectors = vectors[:, ::-1]
        rho *= decay
        if np.count_nonzero(values) > room:
            rho += values[rank]
            values = np.where(np.arange(size) < rank, values - values[rank], 0.0)
        sketch = (vectors * values) @ vectors.T
        metric = outer + (values + inner + compensation * rho) ** power
        inverse = np.where(metric > 0.0, 1.0 / np.where(metric > 0.0, metric, 1.0), 0.0)
        total = total + g
        move = total if averaging else g
        x = (domain.start if averaging else x) - rate * vectors @ (inverse * (vectors.T @ move))
        if domain.bounded:
            x = domain.project_in(x, Dense(vectors, np.sqrt(metric**2 + projection)))
        points.append(x)
    return np.array(points)


CASES: dict[str, tuple[Learner, dict[str, Any]]] = {
    "AdaFD": (AdaFD(RANK, 0.5, 0.2), {"outer": 0.2}),
    "AdaFFD": (AdaFFD(2, 0.5, 0.2), {"outer": 0.2, "rank": 2, "room": 4}),
    "PrimalDualAdaFD": (PrimalDualAdaFD(RANK, 0.5, 0.2), {"outer": 0.2, "averaging": True}),
    "FTSL": (FTSL(RANK, 0.5, 0.2), {"outer": 0.2, "averaging": True, "compensation": 1.0}),
    "FTFSL": (FTFSL(2, 0.5, 0.2), {"outer": 0.2, "averaging": True, "compensation": 1.0, "rank": 2, "room": 4}),
    "FDSON": (
        FDSON(RANK, learning_rate=0.3, ridge=0.4, curvature=0.1),
        {"power": 1.0, "inner": 0.4, "rate": 1.0, "weight": lambda t: 0.1 + 1.0 / (0.3 * np.sqrt(t))},
    ),
    "RFDSON": (
        RFDSON(RANK, learning_rate=0.3, ridge=0.4),
        {"power": 1.0, "inner": 0.4, "rate": 1.0, "compensation": 0.5, "weight": lambda t: 1.0 / (0.3 * t)},
    ),
    "RFD0": (
        RFDSON(RANK, learning_rate=0.3, ridge=0.0),
        {"power": 1.0, "rate": 1.0, "compensation": 0.5, "weight": lambda t: 1.0 / (0.3 * t)},
    ),
    "half": (FDAdaGrad(RANK, 0.5, compensation="half"), {"compensation": 0.5}),
    "none": (FDAdaGrad(RANK, 0.5, 0.3, compensation="none"), {"inner": 0.3}),
    "none, pseudo-inverse": (FDAdaGrad(RANK, 0.5, compensation="none"), {}),
    "decay": (FDAdaGrad(RANK, 0.5, decay=0.9), {"compensation": 1.0, "decay": 0.9}),
    "projection": (FDAdaGrad(RANK, 0.5, projection_delta=1.0), {"compensation": 1.0, "projection": 1.0}),
}


@pytest.mark.parametrize("buffer", [None, 0, 1])
@pytest.mark.parametrize("domain", DOMAINS, ids=["unbounded", "ball", "ball off centre", "simplex"])
@pytest.mark.parametrize("name", CASES)
def test_rounds_are_the_definition_s(name: str, domain: Domain, buffer: int | None) -> None:
    learner, keywords = CASES[name]
    learner = type(learner)(**(learner.hyperparameters() | {"buffer": buffer}))
    expected = definition(domain, ROWS, **({"rank": RANK, "rate": 0.5} | keywords))
    np.testing.assert_allclose(play(learner, domain, ROWS), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("domain", DOMAINS[:3])
def test_what_puts_everything_back_is_exact_at_one_direction_less_than_all(domain: Domain) -> None:
    exact = play(PrimalDualFullMatrixAdaGrad(0.5, 0.2), domain, ROWS)
    for learner in (FTSL(SIZE - 1, 0.5, 0.2), FTSL(SIZE, 0.5, 0.2), FTFSL(SIZE - 1, 0.5, 0.2)):
        np.testing.assert_allclose(play(learner, domain, ROWS), exact, rtol=1e-7, atol=1e-8)
    exact = play(FullMatrixAdaGrad(0.5), domain, ROWS)
    np.testing.assert_allclose(play(FDAdaGrad(SIZE - 1, 0.5), domain, ROWS), exact, rtol=1e-7, atol=1e-8)
    half = play(FDAdaGrad(SIZE - 1, 0.5, compensation="half"), domain, ROWS)
    assert np.abs(half - exact).max() > 1e-3


@pytest.mark.parametrize("domain", DOMAINS[:3])
@pytest.mark.parametrize("rank", [SIZE, 50])
def test_the_others_are_exact_at_full_rank(domain: Domain, rank: int) -> None:
    for exponent in (0.0, 0.5, 1.0):
        exact = play(SON(0.3, 0.4, 0.1, exponent), domain, ROWS)
        for sketched in (FDSON(rank, 0.3, 0.4, 0.1, exponent), RFDSON(rank, 0.3, 0.4, 0.1, exponent)):
            np.testing.assert_allclose(play(sketched, domain, ROWS), exact, rtol=1e-7, atol=1e-8)
    dual = play(PrimalDualFullMatrixAdaGrad(0.5, 0.2), domain, ROWS)
    np.testing.assert_allclose(play(PrimalDualAdaFD(rank, 0.5, 0.2), domain, ROWS), dual, rtol=1e-7, atol=1e-8)
    mirror = play(AdaFD(rank, 0.5, 0.2), domain, ROWS)
    np.testing.assert_allclose(play(AdaFFD(rank, 0.5, 0.2), domain, ROWS), mirror, atol=1e-12)
    for compensation in ("half", "none"):
        sketched = play(FDAdaGrad(rank, 0.5, compensation=compensation), domain, ROWS)
        np.testing.assert_allclose(sketched, play(FullMatrixAdaGrad(0.5), domain, ROWS), atol=1e-12)


def test_mirror_descent_is_primal_dual_in_a_fixed_metric() -> None:
    """Unconstrained, with a metric that gradients hardly change: all are gradient descent with step 0.01."""
    large = 1e10
    descent = play(OGD(0.01, "constant"), Unbounded(SIZE), ROWS)
    for learner in (
        AdaFD(RANK, 0.01 * large, large),
        PrimalDualAdaFD(RANK, 0.01 * large, large),
        FTSL(RANK, 0.01 * large, large),
        PrimalDualDiagonalAdaGrad(0.01 * large, large),
        PrimalDualFullMatrixAdaGrad(0.01 * large, large),
    ):
        np.testing.assert_allclose(play(learner, Unbounded(SIZE), ROWS), descent, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("scale", [2.0**-400, 2.0**400])
def test_learners_without_a_unit_do_not_see_the_scale_of_gradients(scale: float) -> None:
    """AdaGrad's step is scale free; what adds a constant to the metric is so if that is scaled too."""
    for make in (
        lambda s: FDAdaGrad(RANK, 0.5),
        lambda s: AdaptiveFDAdaGrad(0.5, tolerance=0.5),
        lambda s: FDAdaGrad(RANK, 0.5, compensation="half"),
        lambda s: FDAdaGrad(RANK, 0.5, decay=0.9),
        lambda s: AdaFD(RANK, 0.5, 0.2 * s),
        lambda s: FTSL(RANK, 0.5, 0.2 * s),
    ):
        for domain in DOMAINS[:3]:
            plain = play(make(1.0), domain, ROWS)
            np.testing.assert_allclose(play(make(scale), domain, scale * ROWS), plain, rtol=1e-9, atol=1e-10)


def test_ada_fd_runs_into_the_trap_of_observation_2() -> None:
    """Gradients uniform over r = 4 axes, k = 1: mass escapes in a constant fraction of rounds, and the bound pays."""
    rounds = np.array([500, 2000, 8000])
    roots, values = [], []
    for horizon in rounds:
        rows = np.eye(4)[np.random.default_rng(0).integers(4, size=horizon)]
        learner = AdaFD(rank=1)
        learner.start(oco.Problem(Ball(1.0, dimension=4), int(horizon)))
        for row in rows:
            learner.update(row)
        roots.append(learner.state.sketch.escaped_roots)
        trace = 4 * np.sqrt(horizon / 4)
        values.append(2.0 * np.sqrt(roots[-1] * trace))
    np.testing.assert_allclose(np.diff(np.log(roots)) / np.diff(np.log(rounds)), 1.0, atol=0.1)
    np.testing.assert_allclose(np.diff(np.log(values)) / np.diff(np.log(rounds)), 0.75, atol=0.05)


@pytest.mark.parametrize("domain", [Unbounded(60), Ball(0.4, dimension=60)], ids=["unbounded", "ball"])
@pytest.mark.parametrize("name", CASES)
def test_a_stream_of_rows_is_its_rounds(name: str, domain: Domain) -> None:
    """In a dimension in which the compiled loop over rows plays blocks of them."""
    rows = spectrum_stream(60, 300, 1.0, 5)
    learner, _ = CASES[name]
    learner.start(oco.Problem(domain, len(rows)))
    outcome = learner.play_block(oco.losses.RowBlock(oco.losses.Linear(), rows, np.zeros(len(rows))))
    assert outcome is not None
    points = play(learner.fresh(), domain, rows)
    np.testing.assert_allclose(outcome.margins, np.sum(points[:-1] * rows, axis=1), rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(learner.prediction, points[-1], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("size", [1e-156, 1e-140, 1e-30])
def test_a_gradient_that_all_but_vanishes_leaves_no_trace(size: float) -> None:
    """Slopes of a logistic loss can be 1e-156: their squares are not normal numbers, nor what they make."""
    rows = spectrum_stream(60, 200, 1.0, 5)
    rows[1::2] *= size
    for learner in (AdaFD(RANK, 0.5, 0.2, buffer=30), FDAdaGrad(RANK, 0.5, buffer=30)):
        expected = play(learner.fresh(), Unbounded(60), rows[::2])
        np.testing.assert_allclose(play(learner, Unbounded(60), rows)[::2], expected, rtol=1e-9, atol=1e-10)
        learner.start(oco.Problem(Unbounded(60), len(rows)))
        outcome = learner.play_block(oco.losses.RowBlock(oco.losses.Linear(), rows, np.zeros(len(rows))))
        assert outcome is not None
        np.testing.assert_allclose(learner.prediction, expected[-1], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("buffer", [0, None])
def test_ties_leave_nothing_of_an_eigenvalue(rank: int, buffer: int | None) -> None:
    """Gradients along axes make the sketch integer arithmetic: what a shrink leaves of a tie is zero, not round-off.

    Ada-FD takes the root of what is left, so that 3e-15 would move its points by 1e-7.
    """
    size, rounds, generator = 8, 400, np.random.default_rng(rank)
    rows = np.zeros((rounds, size))
    rows[np.arange(rounds), generator.integers(0, size, rounds)] = generator.choice([-1.0, 1.0], rounds)
    rows[::5] *= 3.0
    rows[::17] = 0.0
    learner = oco.AdaFD(rank=rank, learning_rate=0.7, ridge=0.05, buffer=buffer)
    learner.start(oco.Problem(Unbounded(size), rounds))
    point, kept, escaped = np.zeros(size), [0] * size, 0
    for row in rows:
        learner.update(row)
        kept = [value + int(entry) ** 2 for value, entry in zip(kept, row, strict=True)]
        cut = sorted(kept, reverse=True)[rank]
        kept, escaped = [max(value - cut, 0) for value in kept], escaped + cut
        point = point - 0.7 * row / (0.05 + np.sqrt(kept))
        np.testing.assert_allclose(learner.prediction, point, rtol=0.0, atol=1e-12)
    sketch = learner.state.sketch
    assert sketch.rank == np.count_nonzero(kept)
    np.testing.assert_allclose(sketch.eigenvalues, sorted(filter(None, kept), reverse=True), rtol=1e-12)
    assert learner.escaped_mass == pytest.approx(escaped, rel=1e-13)
