"""Dyadic blocks: the sandwich, the budget, and what they are at full rank and without a second block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import Ball, Unbounded
from oco.learners import DyadicFDAdaGrad, FDAdaGrad, FullMatrixAdaGrad, state_floats
from oco.types import Array

from .streams import adversaries, play, play_linear, spectrum_stream


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**16), size=st.integers(1, 8), rank=st.integers(1, 3), rounds=st.integers(1, 100),
    stream=st.sampled_from(sorted(adversaries((2,), 1, 0))), error=st.sampled_from([0.1, 3.0, 100.0]),
)  # fmt: skip
def test_the_theorem(seed: int, size: int, rank: int, rounds: int, stream: str, error: float) -> None:
    domain, learner = Ball(1.5, dimension=size), DyadicFDAdaGrad(error, rank)
    exact, before = np.zeros((size, size)), np.zeros((size, size))

    def check(_: int, gradient: Array) -> None:
        exact[:] += np.outer(gradient, gradient)
        metric = learner.metric().power(2.0).dense()
        now = (metric.basis * metric.values) @ metric.basis.T
        small = 1e-9 * float(np.trace(exact))
        assert np.linalg.eigvalsh(now - exact)[0] >= -small
        assert np.linalg.eigvalsh(now - before)[0] >= -small
        assert np.linalg.eigvalsh(exact + learner.escaped_mass * np.eye(size) - now)[0] >= -small
        assert learner.escaped_mass <= error * (1.0 + 1e-12)
        before[:] = now

    adversary = adversaries((size,), rounds, seed)[stream]
    regret, bound, observed = play_linear(learner, domain, adversary, rounds, check)
    assert bound is not None
    assert regret <= bound.variants["a posteriori"] * (1.0 + 1e-9)
    assert bound.variants["a posteriori"] <= bound.variants["with the escaped mass"] * (1.0 + 1e-6)
    assert bound.variants["with the escaped mass"] <= bound.value * (1.0 + 1e-9)


@pytest.mark.parametrize("domain", [Unbounded(5), Ball(0.4, dimension=5)])
@pytest.mark.parametrize(("error", "rank"), [(1e-9, 1), (1.0, 5), (1.0, 50)])
def test_without_room_for_error_it_is_full_matrix_adagrad(domain: oco.Domain, error: float, rank: int) -> None:
    rows = spectrum_stream(5, 60, 0.5, 1)
    full = play(FullMatrixAdaGrad(0.5), domain, rows)
    np.testing.assert_allclose(
        play(DyadicFDAdaGrad(error, rank, 0.5), domain, rows), full, atol=1e-4 if rank == 1 else 1e-8
    )


@pytest.mark.parametrize("domain", [Unbounded(6), Ball(0.4, dimension=6)])
def test_with_room_for_any_error_it_is_fd_adagrad(domain: oco.Domain) -> None:
    rows = spectrum_stream(6, 60, 0.5, 1)
    sketched = play(FDAdaGrad(2, 0.5), domain, rows)
    np.testing.assert_allclose(play(DyadicFDAdaGrad(1e9, 2, 0.5), domain, rows), sketched, atol=1e-7)


def test_blocks_by_hand() -> None:
    """Axes of size 1 and an error of 8: budgets 4, 2, 1, ...: the fifth shrink opens the block of two directions."""
    learner = DyadicFDAdaGrad(8.0, learning_rate=1.0)
    learner.start(oco.Problem(Unbounded(3), 99))
    seen = []
    for t in range(12):
        learner.update(np.eye(3)[t % 2])
        seen.append((learner.state.block, learner.escaped_mass, learner.current_rank))
    assert seen[7] == (0, 4.0, 1)
    assert seen[8] == (0, 4.0, 1)  # the direction has left the sketch, so that there is room for this one
    assert seen[9] == (1, 4.0, 3)
    assert seen[11] == (1, 4.0, 3)
    assert learner.memory(oco.Problem(Unbounded(3), 99)).floats == state_floats(learner.state)
