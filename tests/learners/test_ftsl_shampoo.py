"""FTSL-Shampoo against dense algebra, and the steps of its bound."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import FrobeniusBall, SpectralBall, Unbounded
from oco.learners import FTSLShampoo
from oco.types import Array

from .streams import adversaries, play_linear


def power(matrix: Array, exponent: float) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    result: Array = (vectors * values**exponent) @ vectors.T
    return result


def kronecker(gradients: Array, gradient_bound: float) -> Array:
    """``L^{1/4} (x) R^{1/4}`` with ``Gamma^2 I`` on both sides."""
    rows, columns = gradients.shape[1:]
    left = gradient_bound**2 * np.eye(rows) + np.einsum("tij,tkj->ik", gradients, gradients)
    right = gradient_bound**2 * np.eye(columns) + np.einsum("tji,tjk->ik", gradients, gradients)
    return np.kron(power(left, 0.25), power(right, 0.25))


@pytest.mark.parametrize("where", ["unbounded", "Frobenius ball", "spectral ball"])
def test_at_full_rank_it_is_primal_dual_shampoo(where: str) -> None:
    """The minimum of its definition, by an outside solver on the Kronecker product written out."""
    domains: dict[str, oco.Domain] = {
        "unbounded": Unbounded((3, 2)), "Frobenius ball": FrobeniusBall(0.5, shape=(3, 2)),
        "spectral ball": SpectralBall(0.4, shape=(3, 2)),
    }  # fmt: skip
    gradients = np.random.default_rng(0).standard_normal((8, 3, 2))
    learner = FTSLShampoo(rank=3, learning_rate=0.7, gradient_bound=4.0)
    learner.start(oco.Problem(domains[where], 8))
    for gradient in gradients:
        learner.update(gradient)
    metric = kronecker(gradients, 4.0)
    point = cvxpy.Variable((3, 2))
    cost = 0.7 * cvxpy.sum(cvxpy.multiply(gradients.sum(axis=0), point))
    cost += 0.5 * cvxpy.sum_squares(np.linalg.cholesky(metric).T @ cvxpy.vec(point, order="C"))
    inside = {
        "unbounded": [], "Frobenius ball": [cvxpy.norm(point, "fro") <= 0.5],
        "spectral ball": [cvxpy.sigma_max(point) <= 0.4],
    }  # fmt: skip
    cvxpy.Problem(cvxpy.Minimize(cost), inside[where]).solve(solver="CLARABEL")
    np.testing.assert_allclose(learner.prediction, point.value, atol=2e-5)
    assert (where == "unbounded") == bool(np.linalg.norm(learner.prediction) > 0.6)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16), rows=st.integers(1, 4), columns=st.integers(1, 4), rank=st.integers(1, 4),
    rounds=st.integers(1, 60), stream=st.sampled_from(sorted(adversaries((2, 2), 1, 0))),
)  # fmt: skip
def test_the_steps_of_the_proof(seed: int, rows: int, columns: int, rank: int, rounds: int, stream: str) -> None:
    """``r H_{t-1}^2 >= sum_{s <= t} g g'``, H increases, and both bounds are in order and hold."""
    shape = (rows, columns)
    domain, adversary = FrobeniusBall(0.8, shape=shape), adversaries(shape, rounds, seed)[stream]
    learner, size = FTSLShampoo(rank), rows * columns
    exact, before, unit = np.zeros((size, size)), np.eye(size), adversary.longest or 1.0

    def norm() -> Array:
        left, right = (side.metric(1.0).power(0.25).dense() for side in (learner.state.left, learner.state.right))
        return np.kron((left.basis * left.values) @ left.basis.T, (right.basis * right.values) @ right.basis.T)

    def check(_: int, gradient: Array) -> None:
        exact[:] += np.outer(gradient.ravel(), gradient.ravel()) / unit**2
        assert np.linalg.eigvalsh(min(shape) * before @ before - exact)[0] >= -1e-9 * (1.0 + np.trace(exact))
        now = norm()
        assert np.linalg.eigvalsh(now - before)[0] >= -1e-9 * (1.0 + np.trace(exact))
        before[:] = now

    regret, bound, _ = play_linear(learner, domain, adversary, rounds, check, **adversary.facts)
    assert bound is not None
    assert bound.valid
    assert regret <= bound.value * (1.0 + 1e-9) + 1e-12
    assert bound.value <= bound.variants["from the traces"] * (1.0 + 1e-9)


def test_the_first_round_by_hand() -> None:
    """G = diag(3, 0) with Gamma = 3: both sides are 9 diag(2, 1), so the step is ``eta 3 / sqrt(18)``."""
    learner = FTSLShampoo(rank=2, learning_rate=0.5, gradient_bound=3.0)
    learner.start(oco.Problem(Unbounded((2, 2)), 9))
    learner.update(np.diag([3.0, 0.0]))
    np.testing.assert_allclose(learner.prediction, np.diag([-1.5 / np.sqrt(18.0), 0.0]), atol=1e-15)
    assert learner.state.squares == pytest.approx(1.0)
