"""The sliding window against the covariance of the newest gradients, computed anew in every round."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.domains import Ball, Unbounded
from oco.learners import FDAdaGrad, Problem, WindowedFDAdaGrad
from oco.types import Array

from .streams import play, spectrum_stream


def newest(gradients: Array, t: int, window: int, blocks: int) -> Array:
    """The gradients that blocks of ``window // blocks`` rounds keep after ``t`` rounds."""
    length = window // blocks
    begun = -(-t // length)
    return gradients[max(0, (begun - blocks) * length) : t]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**16), size=st.integers(1, 6), rank=st.integers(1, 7), window=st.integers(1, 12),
    blocks=st.integers(1, 4),
)  # fmt: skip
def test_the_sketches_enclose_the_covariance_of_the_window(
    seed: int, size: int, rank: int, window: int, blocks: int
) -> None:
    """``sum Gbar <= G <= sum Gbar + rho I``, with equality where the rank is full, in every round."""
    blocks = min(blocks, window)
    gradients = spectrum_stream(size, 30, 1.0, seed)
    learner = WindowedFDAdaGrad(rank, window, blocks, learning_rate=1.0)
    learner.start(Problem(Ball(dimension=size), 30))
    for t, gradient in enumerate(gradients, start=1):
        learner.update(gradient)
        kept = newest(gradients, t, window, blocks)
        assert min(t, (blocks - 1) * (window // blocks) + 1) <= len(kept) <= window
        covariance = kept.T @ kept
        scale = 1e-10 * float(np.trace(covariance))
        rows = learner.state.rows.reshape(-1, size)
        below = np.linalg.eigvalsh(covariance - rows.T @ rows)
        assert below[0] >= -scale
        assert below[-1] <= learner.escaped_mass + scale
        if rank >= size:
            assert learner.escaped_mass <= scale


@pytest.mark.parametrize("delta", [0.0, 0.3])
def test_with_full_rank_it_is_adagrad_on_the_exact_window(delta: float) -> None:
    """Steps with the root of the covariance of the newest six gradients, which is decomposed anew in every round."""
    gradients = np.random.default_rng(0).standard_normal((40, 3))
    learner = WindowedFDAdaGrad(3, window=6, blocks=6, learning_rate=0.1, delta=delta)
    points = play(learner, Unbounded(3), gradients)
    point = np.zeros(3)
    for t, gradient in enumerate(gradients, start=1):
        kept = gradients[max(0, t - 6) : t]
        values, vectors = np.linalg.eigh(kept.T @ kept)
        used = values > 1e-12 * values[-1]
        roots = np.sqrt(values[used] + delta)
        own = vectors[:, used]
        step = own @ (own.T @ gradient / roots)
        if delta > 0.0:
            step += (gradient - own @ (own.T @ gradient)) / math.sqrt(delta)
        point = point - 0.1 * step
        np.testing.assert_allclose(points[t], point, atol=1e-9)


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("rank", [1, 2, 9])
def test_a_window_that_is_never_full_is_fd_adagrad(rank: int, blocks: int) -> None:
    gradients = spectrum_stream(5, 30, 0.7, 3)
    domain = Ball(radius=0.8, dimension=5)
    windowed = play(WindowedFDAdaGrad(rank, window=30 * blocks, blocks=blocks, delta=0.1), domain, gradients)
    np.testing.assert_allclose(windowed, play(FDAdaGrad(rank=rank, delta=0.1), domain, gradients), atol=1e-7)


def test_after_long_gradients_it_moves_on_and_fd_adagrad_hardly_does() -> None:
    """A hundred long gradients, then short ones: the window forgets the long ones and steps by the whole rate again."""
    gradients = np.concatenate([np.full((100, 1), 100.0) * (-1.0) ** np.arange(100)[:, None], np.ones((20, 1))])
    windowed = play(WindowedFDAdaGrad(1, window=4, learning_rate=1.0), Unbounded(1), gradients)
    whole = play(FDAdaGrad(rank=1, learning_rate=1.0), Unbounded(1), gradients)
    assert windowed[104, 0] - windowed[-1, 0] == pytest.approx(16 * 0.5)
    assert whole[104, 0] - whole[-1, 0] < 0.05
