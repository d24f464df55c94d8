"""FAML: the norm that it smooths, the proof's steps, and that nothing is projected on a spectral ball."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import FrobeniusBall, SpectralBall
from oco.learners import FAML
from oco.types import Array

from .streams import adversaries, play_linear


def smoothed(outcomes: Array, left: Array) -> float:
    """``tr (S S' + L + I)^{1/2}`` as a nuclear norm of ``[S, L^{1/2}, I]``."""
    values, vectors = np.linalg.eigh(left)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return float(np.linalg.norm(np.hstack([outcomes, root, np.eye(len(left))]), "nuc"))


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (1, 4)])
def test_it_plays_the_gradient_of_the_smoothed_nuclear_norm(shape: tuple[int, int]) -> None:
    """Finite differences of the augmented matrix's nuclear norm."""
    generator = np.random.default_rng(0)
    learner = FAML(gradient_bound=5.0)
    learner.start(oco.Problem(SpectralBall(2.0, shape=shape), 9))
    for _ in range(6):
        learner.update(generator.standard_normal(shape))
    state, slope = learner.state, np.zeros(shape)
    for place in np.ndindex(shape):
        step = np.zeros(shape)
        step[place] = 1e-6
        slope[place] = smoothed(state.outcomes + step, state.left) - smoothed(state.outcomes - step, state.left)
    np.testing.assert_allclose(learner.prediction, -2.0 * slope / 2e-6, atol=1e-7)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**16), rows=st.integers(1, 4), columns=st.integers(1, 4), rounds=st.integers(1, 60),
    stream=st.sampled_from(sorted(adversaries((2, 2), 1, 0))), spectral=st.booleans(),
)  # fmt: skip
def test_the_theorem(seed: int, rows: int, columns: int, rounds: int, stream: str, spectral: bool) -> None:
    shape = (rows, columns)
    domain = SpectralBall(0.8, shape=shape) if spectral else FrobeniusBall(0.8, shape=shape)
    adversary, learner = adversaries(shape, rounds, seed)[stream], FAML()
    unit = adversary.longest or 1.0
    total = np.zeros(shape)

    def check(_: int, gradient: Array) -> None:
        total[:] += gradient / unit
        if spectral:
            assert np.linalg.norm(learner.prediction, 2) < 0.8
            np.testing.assert_allclose(learner.state.outcomes, total, atol=1e-9 * rounds)

    regret, bound, _ = play_linear(learner, domain, adversary, rounds, check, **adversary.facts)
    assert bound is not None
    assert bound.valid
    slack = smoothed(learner.state.outcomes, learner.state.left) - np.linalg.norm(learner.state.outcomes, "nuc")
    assert regret <= bound.value - 0.8 * unit * slack * spectral + 1e-9 * unit * rounds
    assert bound.value <= bound.variants["from the trace"] * (1.0 + 1e-9) + 1e-9 * unit


def test_on_a_line_it_is_a_scalar_rule() -> None:
    """``x = -q s / sqrt(s^2 + sum g^2 + Gamma^2)``."""
    learner = FAML(gradient_bound=2.0)
    learner.start(oco.Problem(SpectralBall(3.0, shape=(1, 1)), 9))
    for gradient in (1.0, -2.0, 0.5):
        learner.update(np.array([[gradient]]))
    assert learner.prediction[0, 0] == pytest.approx(1.5 / np.sqrt(0.25 + 5.25 + 4.0))
