"""S-Shampoo and its one-sided form: identities with the exact learners, Theorem 5, exponential weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.domains import Ball, FrobeniusBall, Unbounded
from oco.domains.base import Domain
from oco.learners import OneSidedShampoo, Problem, Shampoo, SketchedOneSidedShampoo, SketchedShampoo
from oco.regret.bounds import Observed
from oco.types import Array

from .streams import adversaries, play, play_linear

GAMES = [Unbounded((5, 3)), FrobeniusBall(0.4, shape=(5, 3)), FrobeniusBall(0.4, center=0.1 * np.ones((5, 3)))]


def gradients(shape: tuple[int, int], rounds: int, seed: int) -> Array:
    generator = np.random.default_rng(seed)
    left = generator.standard_normal((rounds, shape[0], 1)) * np.arange(1, shape[0] + 1)[:, None] ** -1.0
    return left @ generator.standard_normal((rounds, 1, shape[1])) + 0.2 * generator.standard_normal((rounds, *shape))


@pytest.mark.parametrize("domain", GAMES)
@pytest.mark.parametrize("rank", [4, 5, 50])
@pytest.mark.parametrize("delta", [0.0, 0.1])
def test_full_rank_sketches_are_shampoo(domain: Domain, rank: int, delta: float) -> None:
    """At k = max(m, n) - 1 everything that escapes is put back, and beyond nothing escapes."""
    stream = gradients((5, 3), 200, 0)
    np.testing.assert_allclose(
        play(SketchedShampoo(rank=rank, learning_rate=0.3, delta=delta), domain, stream),
        play(Shampoo(learning_rate=0.3, delta=delta), domain, stream),
        rtol=1e-7,
        atol=1e-8,
    )
    np.testing.assert_allclose(
        play(SketchedOneSidedShampoo(rank=rank, learning_rate=0.3, delta=delta), domain, stream),
        play(OneSidedShampoo(learning_rate=0.3, delta=delta), domain, stream),
        rtol=1e-7,
        atol=1e-8,
    )


def test_algorithm_3_written_out() -> None:
    """Dense eigen-decompositions of ``beta2 Gbar + G G'`` on both sides, with the escaped mass decayed by beta2."""
    stream, rank, beta2, delta, eta = gradients((5, 4), 80, 1), 2, 0.9, 0.05, 0.3
    points = play(SketchedShampoo(rank=rank, learning_rate=eta, delta=delta, decay=beta2), Unbounded((5, 4)), stream)
    x = np.zeros((5, 4))
    sketches, tails = [np.zeros((5, 5)), np.zeros((4, 4))], [0.0, 0.0]
    for t, g in enumerate(stream, start=1):
        roots = []
        for i, increment in enumerate((g @ g.T, g.T @ g)):
            values, vectors = np.linalg.eigh(beta2 * sketches[i] + increment)
            rho = values[-rank - 1]
            sketches[i] = (vectors * np.maximum(values - rho, 0.0)) @ vectors.T
            tails[i] = beta2 * tails[i] + rho
            values, vectors = np.linalg.eigh(sketches[i] + (tails[i] + delta) * np.eye(len(values)))
            roots.append((vectors * values**-0.25) @ vectors.T)
        x = x - eta * roots[0] @ g @ roots[1]
        np.testing.assert_allclose(points[t], x, rtol=1e-8, atol=1e-9)


def test_diagonal_gradients_keep_the_point_diagonal() -> None:
    stream = np.array([np.diag(row) for row in np.random.default_rng(2).standard_normal((50, 4))])
    for learner in (SketchedShampoo(rank=2, learning_rate=0.3), SketchedShampoo(rank=2, learning_rate=0.3, decay=0.9)):
        points = play(learner, FrobeniusBall(1.0, shape=(4, 4)), stream)
        assert np.abs(points * (1.0 - np.eye(4))).max() < 1e-12


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    rank=st.integers(1, 6),
    rounds=st.integers(1, 80),
    delta=st.sampled_from([0.0, 1e-2]),
    stream=st.sampled_from(list(adversaries((2,), 1, 0))),
)
def test_theorem_5(seed: int, rows: int, columns: int, rank: int, rounds: int, delta: float, stream: str) -> None:
    """Regret <= the bound from the sketches <= Theorem 5, with both covariances known exactly."""
    domain = FrobeniusBall(1.0, shape=(rows, columns))
    left, right = np.zeros((rows, rows)), np.zeros((columns, columns))
    for learner in (SketchedShampoo(rank=rank, delta=delta), SketchedOneSidedShampoo(rank=rank, delta=delta)):
        left[:], right[:] = 0.0, 0.0

        def collect(_: int, gradient: Array) -> None:
            left[:] += gradient @ gradient.T
            right[:] += gradient.T @ gradient

        reveal = adversaries((rows, columns), rounds, seed)[stream]
        regret, bound, observed = play_linear(learner, domain, reveal, rounds, collect)
        extra = {"left_eigenvalues": np.linalg.eigvalsh(left), "right_eigenvalues": np.linalg.eigvalsh(right)}
        bound = learner.bound(
            Observed(
                rounds,
                domain,
                observed.gradient_squares,
                observed.coordinate_squares,
                observed.largest_gradient,
                extra=extra,
            )
        )
        assert bound is not None
        assert bound.valid
        (theorem,) = bound.variants.values()
        assert regret <= bound.value * (1.0 + 1e-9) + 1e-9
        assert bound.value <= theorem * (1.0 + 1e-6) + 1e-9


def test_no_bound_is_claimed_with_exponential_weights_or_without_a_diameter() -> None:
    for domain, decay in ((FrobeniusBall(1.0, shape=(2, 2)), 0.9), (Unbounded((2, 2)), 1.0)):
        observed = Observed(1, domain, 1.0, np.ones(4), 1.0)
        for learner in (
            SketchedShampoo(rank=1, learning_rate=1.0, decay=decay),
            SketchedOneSidedShampoo(rank=1, learning_rate=1.0, decay=decay),
        ):
            learner.start(Problem(domain, 3))
            learner.update(np.ones((2, 2)))
            assert learner.bound(observed) is None


def test_matrices_are_vectors_to_a_vector_learner() -> None:
    """A learner that plays any array plays ``vec(X)``, row by row."""
    from oco.learners import SON, CoinBetting, PrimalDualFullMatrixAdaGrad

    stream = gradients((3, 2), 40, 3)
    for learner in (SON(), PrimalDualFullMatrixAdaGrad(ridge=0.1), CoinBetting(gradient_bound=9.0)):
        matrices = play(learner, FrobeniusBall(0.5, shape=(3, 2)), stream)
        vectors = play(learner, Ball(0.5, dimension=6), stream.reshape(40, 6))
        np.testing.assert_allclose(matrices.reshape(41, 6), vectors, atol=1e-12)
