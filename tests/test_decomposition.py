"""The singular value decomposition that goes on where LAPACK's divide and conquer does not converge."""

from __future__ import annotations

import numpy as np
import pytest

import oco
from oco.decomposition import thin_svd
from oco.environments import LinearLosses, LogisticRegression
from oco.types import Array

ROWS = np.random.default_rng(3).standard_normal((40, 7)) * np.array([3.0, 2.0, 1.0, 0.5, 1e-3, 1e-6, 1e-9])


def never_converges(matrix: Array, **options: object) -> Array:
    raise np.linalg.LinAlgError("SVD did not converge")


def total_loss(learner: oco.Learner) -> float:
    game = LinearLosses(ROWS, domain=oco.Ball(radius=1.0))
    return float(oco.play(game, learner, comparator=False, spectrum=False).cumulative_loss)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
@pytest.mark.parametrize("converges", [True, False])
def test_it_is_a_decomposition(shape: tuple[int, int], converges: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(0).standard_normal(shape) * 10.0 ** -np.arange(0.0, 8.0 * shape[0], 8.0)[:, None]
    if not converges:
        monkeypatch.setattr(np.linalg, "svd", never_converges)
    left, singular, right = thin_svd(matrix)
    np.testing.assert_allclose(left * singular @ right, matrix, atol=1e-14)
    np.testing.assert_allclose(left.T @ left, np.eye(min(shape)), atol=1e-14)
    np.testing.assert_allclose(right @ right.T, np.eye(min(shape)), atol=1e-14)
    assert (np.diff(singular) <= 0.0).all()


def test_entries_that_are_not_finite_are_refused() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        thin_svd(np.full((2, 2), np.nan))


@pytest.mark.parametrize(
    "learner",
    [
        oco.learners.DyadicFDAdaGrad(error=1.0, learning_rate=0.1),
        oco.learners.DiagonalFDAdaGrad(rank=2, learning_rate=0.1),
        oco.learners.WindowedFDAdaGrad(rank=2, window=10, learning_rate=0.1),
        oco.learners.RadaGrad(rank=2, learning_rate=0.1),
        oco.learners.AdaLR(rank=2, learning_rate=0.1),
    ],
    ids=lambda learner: type(learner).__name__,
)
def test_learners_go_on_where_it_does_not_converge(learner: oco.Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = total_loss(learner)
    monkeypatch.setattr(np.linalg, "svd", never_converges)
    np.testing.assert_allclose(total_loss(learner), expected, rtol=1e-9)


@pytest.mark.data
def test_a_game_in_which_it_did_not_converge() -> None:
    """Round 718 of this game made a sketch of finite rows, down to 1e-50, that divide and conquer gave up on."""
    environment = LogisticRegression.load("a9a", domain=oco.Ball(radius=5.0), horizon=1000)
    learner = oco.learners.DyadicFDAdaGrad(error=1.0, learning_rate=0.158489319246)
    record = oco.play(environment, learner, seed=4)
    assert record.regret.lower <= record.regret.upper <= record.bound.value
