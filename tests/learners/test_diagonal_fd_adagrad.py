"""FD-AdaGrad with a diagonal tail: the steps of its proof, its identities, its definition in dense algebra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import Ball, Box, Dense, Unbounded
from oco.learners import DiagonalAdaGrad, DiagonalFDAdaGrad, FDAdaGrad, FullMatrixAdaGrad, plain
from oco.learners.diagonal_fd_adagrad import majorant
from oco.types import Array

from .streams import adversaries, play, play_linear, spectrum_stream

STREAMS = sorted(adversaries((2,), 1, 0))


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), size=st.integers(1, 9), rank=st.integers(1, 9),
    sharp=st.sampled_from([0.0, 2.0, 8.0]),
)  # fmt: skip
def test_the_majorant_dominates_every_projector(seed: int, size: int, rank: int, sharp: float) -> None:
    """On few coordinates, on all of them, and nearly on few; its trace is never above the identity's on the support."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((min(rank, size), size)) * np.exp(-sharp * generator.random(size))
    rows[:, 1:][:, generator.random(size - 1) < 0.3] = 0.0
    directions = np.linalg.svd(rows)[2][: np.linalg.matrix_rank(rows)]
    directions[np.abs(directions) < 1e-12] = 0.0
    projector = directions.T @ directions
    diagonal = majorant(np.diag(projector))
    assert np.linalg.eigvalsh(np.diag(diagonal) - projector)[0] >= -1e-9
    assert diagonal.sum() <= np.count_nonzero(np.diag(projector)) * (1.0 + 1e-12)
    assert not diagonal[np.diag(projector) == 0.0].any()


def test_the_majorant_is_tight_on_the_axes_and_better_than_the_identity_near_them() -> None:
    np.testing.assert_array_equal(majorant(np.array([0.0, 1.0, 0.0, 1.0])), [0.0, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(majorant(np.full(4, 0.25)), np.ones(4))
    near = majorant(np.append(1.0 - 4e-6, np.full(4, 1e-6)))
    assert near.sum() == pytest.approx((1.0 + np.sqrt(4e-6 * 4.0)) ** 2)
    assert near[0] == pytest.approx(1.004)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**16), size=st.integers(1, 8), rank=st.integers(1, 8), rounds=st.integers(1, 100),
    stream=st.sampled_from(STREAMS),
)  # fmt: skip
def test_the_theorem(seed: int, size: int, rank: int, rounds: int, stream: str) -> None:
    """In every round H^2 dominates G and what it was before; the bound is at most Theorem 3 with the escaped mass."""
    domain, adversary = Ball(1.5, dimension=size), adversaries((size,), rounds, seed)[stream]
    learner = DiagonalFDAdaGrad(rank)
    exact, before = np.zeros((size, size)), np.zeros((size, size))

    def check(_: int, gradient: Array) -> None:
        exact[:] += np.outer(gradient, gradient)
        state = learner.state
        now = (state.vectors.T * state.values) @ state.vectors + np.diag(state.tail)
        small = 1e-9 * float(np.trace(exact))
        assert np.linalg.eigvalsh(now - exact)[0] >= -small
        assert np.linalg.eigvalsh(now - before - np.outer(gradient, gradient))[0] >= -small
        assert state.tail.sum() <= size * state.escaped * (1.0 + 1e-12)
        assert np.sqrt(state.tail).sum() <= size * np.sqrt(state.escaped) * (1.0 + 1e-12)
        before[:] = now

    regret, bound, observed = play_linear(learner, domain, adversary, rounds, check)
    assert bound is not None
    assert observed.spectrum is not None
    root = observed.spectrum.trace_root().upper
    theorem_3 = 3.0 * (np.sqrt(2.0) * root + size * np.sqrt(learner.escaped_mass / 2.0))
    assert regret <= bound.value * (1.0 + 1e-9)
    assert bound.value <= bound.variants["with the roots of the tail"] * (1.0 + 1e-6)
    assert bound.variants["with the roots of the tail"] <= theorem_3 * (1.0 + 1e-9)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_along_the_axes_nothing_is_lost_at_any_rank(rank: int) -> None:
    generator = np.random.default_rng(0)
    rows = np.eye(6)[generator.integers(6, size=200)] * generator.standard_normal((200, 1))
    points = play(DiagonalFDAdaGrad(rank, 0.5), Unbounded(6), rows)
    np.testing.assert_allclose(points, play(DiagonalAdaGrad(learning_rate=0.5), Unbounded(6), rows), atol=1e-9)
    boxed = Box(-0.3, 0.4, dimension=6)
    full = play(FullMatrixAdaGrad(0.5), boxed, rows)
    np.testing.assert_allclose(play(DiagonalFDAdaGrad(rank, 0.5), boxed, rows), full, atol=1e-9)
    assert np.abs(play(FDAdaGrad(rank, 0.5), boxed, rows) - full).max() > 0.01


@pytest.mark.parametrize("domain", [Unbounded(5), Ball(0.4, dimension=5), Box(0.1, 1.0, dimension=5)])
def test_with_full_rank_it_is_full_matrix_adagrad(domain: oco.Domain) -> None:
    rows = spectrum_stream(5, 60, 1.0, 1)
    full = play(FullMatrixAdaGrad(0.5), domain, rows)
    np.testing.assert_allclose(play(DiagonalFDAdaGrad(5, 0.5), domain, rows), full, atol=1e-7)


@pytest.mark.parametrize("domain", [Unbounded(6), Ball(0.4, dimension=6)])
def test_rounds_are_the_definition_s(domain: oco.Domain) -> None:
    rows = spectrum_stream(6, 60, 1.0, 4)
    points = play(DiagonalFDAdaGrad(2, 0.5), domain, rows)
    sketch, tail, x = plain.FrequentDirections(6, 2), np.zeros(6), np.zeros(6)
    for t, row in enumerate(rows, start=1):
        before, mass = sketch.covariance(), sketch.escaped_mass
        sketch.update(row)
        lost = before + np.outer(row, row) - sketch.covariance()
        if sketch.escaped_mass > mass:
            tail += (sketch.escaped_mass - mass) * majorant(np.diag(lost) / (sketch.escaped_mass - mass))
        values, vectors = np.linalg.eigh(sketch.covariance() + np.diag(tail))
        used = values > 1e-13 * values[-1]
        root = np.sqrt(np.where(used, values, 0.0))
        x = x - 0.5 * vectors[:, used] @ (vectors[:, used].T @ row / root[used])
        x = domain.project_in(x, Dense(vectors, root)) if domain.bounded else x
        np.testing.assert_allclose(points[t], x, atol=1e-6)


def test_two_rounds_by_hand() -> None:
    """(2, 0, 0) then (0, 1, 1): ``rho = 2`` on the span of both; M is 1 on the first axis and on the plane's two."""
    learner = DiagonalFDAdaGrad(rank=1, learning_rate=1.0)
    points = play(learner, Unbounded(3), np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0]]))
    assert learner.escaped_mass == pytest.approx(2.0)
    np.testing.assert_allclose(learner.state.tail, [2.0, 2.0, 2.0])
    np.testing.assert_allclose(points[1], [-1.0, 0.0, 0.0])
    np.testing.assert_allclose(points[2], [-1.0, -1.0 / np.sqrt(2.0), -1.0 / np.sqrt(2.0)])
