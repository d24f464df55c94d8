"""At every scale that docs/numerics.md names a point is finite and in the domain, or one sentence says why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from domains.domain_cases import vector_domains
from scipy import sparse

import oco
from learners.extreme_games import draw, play
from oco.domains import FrobeniusBall, L1Ball, Simplex, Unbounded
from oco.domains.base import Domain
from oco.errors import NumericsError, ProtocolError
from oco.learners import LEARNERS, Learner, Problem
from oco.types import Array

DUAL_AVERAGING: dict[str, dict[str, Any]] = {
    "ftsl": {"rank": 3, "learning_rate": 1.0, "ridge": 1.0},
    "ftfsl": {"rank": 3, "learning_rate": 1.0, "ridge": 1.0},
    "primal_dual_full_matrix_adagrad": {"ridge": 1.0},
    "primal_dual_ada_fd": {"rank": 2, "ridge": 1.0},
}


def check(seed: int) -> None:
    """One drawn game: points stay in the domain, and what is promised is not refused."""
    game = draw(seed)
    try:
        outcome = play(game)
    except Exception as error:
        raise AssertionError(f"seed {seed}: {game}") from error
    assert outcome == "played" or not game.promised, f"seed {seed}: {game}: {outcome}"


@pytest.mark.parametrize("block", range(9))
def test_drawn_games(block: int) -> None:
    for seed in range(30 * block, 30 * (block + 1)):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_drawn_games(block: int) -> None:
    for seed in range(10_000 + 100 * block, 10_000 + 100 * (block + 1)):
        check(seed)


@pytest.mark.parametrize("scale", [1e20, 1e30, 1e100, 1e150])
@pytest.mark.parametrize("name", list(DUAL_AVERAGING))
def test_a_repeated_row_is_followed_to_the_best_corner(name: str, scale: float) -> None:
    """The best corner of a repeated linear loss is known, so the regret is; every learner here ends in that corner."""
    for seed in range(4):
        row = np.random.default_rng(seed).standard_normal(3)
        game_rows = scale * np.tile(row, (20, 1))
        for domain in (Simplex(), L1Ball(radius=1.0)):
            record = oco.play(
                oco.environments.LinearLosses(game_rows, domain=domain), LEARNERS[name](**DUAL_AVERAGING[name])
            )
            placed = domain.with_shape((3,))
            best = -20.0 * scale * placed.support(-row)
            assert placed.contains(record.player.prediction)
            regret = record.cumulative_loss - best
            assert regret >= -1e-9 * scale
            assert record.regret.lower <= regret * (1.0 + 1e-6) + 1e-6 * scale
            np.testing.assert_allclose(record.player.prediction, placed.maximizer(-row), rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", [1e150, 1e155, 1e160])
@pytest.mark.parametrize("name", ["ogd", "adagrad_norm", "diagonal_adagrad"])
@pytest.mark.parametrize("rows_are_sparse", [False, True])
def test_an_endless_step_ends_on_the_sphere_opposite_the_gradient(
    name: str, rate: float, rows_are_sparse: bool
) -> None:
    """The point is forgotten in such a step: with H = diag|g| the diagonal step is -sign(g), projected in H's norm."""
    generator = np.random.default_rng(3)
    row, domain = generator.standard_normal((1, 6)), oco.Ball(radius=2.0, dimension=6)
    learner = LEARNERS[name](learning_rate=rate)
    rows: Any = sparse.csr_matrix(row) if rows_are_sparse else row
    game = oco.environments.LogisticRegression(rows, np.array([1.0]), domain=domain)
    played = oco.play(game, learner, comparator=False, spectrum=False).player.prediction
    alone = LEARNERS[name](learning_rate=rate)
    alone.start(Problem(domain, horizon=1, gradient_bound=10.0))
    alone.update(-0.5 * row[0])
    # For the diagonal step y = rate sign(row) is far away, so x = H y / mu: along |g| sign(g), the gradient itself.
    expected = 2.0 * row[0] / np.linalg.norm(row[0])
    np.testing.assert_allclose(played, expected, rtol=1e-12)
    np.testing.assert_allclose(alone.prediction, expected, rtol=1e-12)


@pytest.mark.parametrize("domain", [oco.Ball(radius=10.0, dimension=2), Unbounded(2)])
def test_a_far_smaller_part_of_the_gradient_sum_is_kept(domain: Domain) -> None:
    """Gradients 1e14 e_1 and e_2: e_2 is no direction of the sketch (1e-28 of the largest), so the ridge weighs it.

    H = diag(ridge + 1e14, ridge), hence the leader is (-1e14 / (ridge + 1e14), -1 / ridge), and it lies in the ball.
    """
    learner = LEARNERS["ftsl"](rank=2, learning_rate=1.0, ridge=0.2)
    learner.start(Problem(domain, horizon=2, gradient_bound=1e14))
    learner.update(np.array([1e14, 0.0]))
    learner.update(np.array([0.0, 1.0]))
    np.testing.assert_allclose(learner.prediction, [-1e14 / (0.2 + 1e14), -5.0], rtol=1e-13)


@pytest.mark.parametrize("growth", [1e30, 1e100, 1e200, 1e280])
@pytest.mark.parametrize("name", ["fd_adagrad", "full_matrix_adagrad"])
def test_a_gradient_that_outgrows_all_before_is_the_only_one(name: str, growth: float) -> None:
    """What came before is below rounding, so one AdaGrad step is taken from where the learner stands: -rate g / |g|."""
    first, second = np.array([3.0, 4.0, 0.0]), np.array([0.0, 5.0, 12.0])
    learner = LEARNERS[name](learning_rate=0.5, **({"rank": 2} if name == "fd_adagrad" else {}))
    learner.start(Problem(Unbounded(3), horizon=2))
    learner.update(1e-140 * first)
    learner.update(1e-140 * growth * second)
    np.testing.assert_allclose(learner.prediction, -0.5 * (first / 5.0 + second / 13.0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("unit", [1e-150, 1e-100, 1e100, 1e150])
@pytest.mark.parametrize(
    "name", ["adagrad_norm", "diagonal_adagrad", "full_matrix_adagrad", "fd_adagrad", "ada_lr", "amsgrad"]
)
def test_the_unit_of_gradients_does_not_matter_without_delta(name: str, unit: float) -> None:
    generator = np.random.default_rng(8)
    rows = generator.standard_normal((30, 4))
    keywords: dict[str, Any] = {"fd_adagrad": {"rank": 2}, "ada_lr": {"rank": 2, "ridge": 0.0}}.get(name, {})
    for place, domain in vector_domains(4, generator).items():
        points = []
        for size in (1.0, unit):
            learner = LEARNERS[name](learning_rate=0.3, **keywords)
            learner.start(Problem(domain, horizon=30))
            for row in rows:
                learner.update(size * row)
            points.append(learner.prediction.copy())
        np.testing.assert_allclose(points[1], points[0], rtol=0, atol=1e-6, err_msg=place)


def taking(learner: Learner, gradients: Array) -> Iterator[Array]:
    """The points after each gradient."""
    for gradient in gradients:
        learner.update(gradient)
        yield learner.prediction.copy()


def test_a_state_that_overflows_is_an_error_of_its_round() -> None:
    """Gradients from 1e50 to 1e250: squares leave float64 at 1e154, and no singular value decomposition is begun."""
    rows = np.random.default_rng(0).standard_normal((40, 5)) * np.logspace(50, 250, 40)[:, None]
    for name, keywords in (("shampoo", {}), ("one_sided_shampoo", {}), ("sketched_shampoo", {"rank": 5})):
        learner = LEARNERS[name](**keywords)
        learner.start(Problem(FrobeniusBall(radius=1.0, shape=(5, 1)), horizon=40))
        points: list[Array] = []
        with pytest.raises(NumericsError) as caught:
            points.extend(taking(learner, rows.reshape(-1, 5, 1)))
        taken = len(points)
        assert np.isfinite(points).all()
        assert f"round {taken + 1}:" in str(caught.value)
        assert type(learner).__name__ in str(caught.value)
        assert np.abs(rows[taken - 1]).max() < 1e154


class RoundByRound(oco.OGD):
    """OGD without its compiled loop."""

    def play_block(self, block: Any) -> None:
        return None


@pytest.mark.parametrize("rows_are_sparse", [False, True])
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("last", [False, True])
def test_the_round_that_lost_the_point_is_named(rows_are_sparse: bool, compiled: bool, last: bool) -> None:
    """Steps of 1e300 along one row: the seventh gradient of 1e10 leaves the numbers; later rows do not touch it."""
    rows = np.zeros((7 if last else 12, 3))
    rows[:, 0] = 1.0
    rows[6] = [0.0, 1e10, 0.0]
    game = oco.environments.LinearLosses(rows, domain=Unbounded(3), order="file")
    if rows_are_sparse:
        game = oco.environments.SupportVector(
            sparse.csr_matrix(-rows), np.ones(len(rows)), domain=Unbounded(3), order="file"
        )
    learner: Learner = (oco.OGD if compiled else RoundByRound)(learning_rate=1e300, schedule="constant")
    with pytest.raises(NumericsError, match=r"round 7: .*OGD|round 7: .*RoundByRound"):
        oco.play(game, learner, comparator=False, spectrum=False)


def test_gradients_beyond_the_documented_range_are_refused_in_one_sentence() -> None:
    generator = np.random.default_rng(0)
    rows, targets = generator.standard_normal((40, 3)), np.sign(generator.standard_normal(40))
    for spectrum in (True, False):
        for place in (rows, sparse.csr_matrix(rows)):
            game = oco.environments.LogisticRegression(1e160 * place, targets, domain=oco.Ball(radius=1.0))
            with pytest.raises(NumericsError, match="round 1: .*1e150"):
                oco.play(game, oco.OGD(learning_rate=1.0), comparator=False, spectrum=spectrum)


@pytest.mark.parametrize("name", ["ogd", "fd_adagrad", "adam", "diagonal_adagrad"])
def test_what_is_no_gradient_is_refused_in_one_sentence(name: str) -> None:
    learner = LEARNERS[name](**({"rank": 1} if name == "fd_adagrad" else {}), learning_rate=0.1)
    learner.start(Problem(oco.Ball(radius=1.0, dimension=3), horizon=5))
    bad: list[tuple[Any, type[Exception]]] = [
        ("words", ProtocolError),
        ([[1.0], [2.0, 3.0]], ProtocolError),
        (np.ones(2), ProtocolError),
        (np.float64(1.0), ProtocolError),
        ([1.0, np.nan, 0.0], NumericsError),
        ([1.0, np.inf, 0.0], NumericsError),
    ]
    learner.update(np.array([1.0, 0.0, 0.0]))
    before = learner.prediction.copy()
    for gradient, error in bad:
        with pytest.raises(error) as caught:
            learner.update(gradient)
        assert "\n" not in str(caught.value)
        if error is NumericsError:
            assert "round 2" in str(caught.value)
    np.testing.assert_array_equal(learner.prediction, before)
