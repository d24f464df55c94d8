"""The points that a record keeps: last, averaged, best, at checkpoints; and their loss on held-out streams."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import oco
from oco.environments import LeastSquares, LinearLosses
from oco.errors import ConfigError
from oco.types import Array

ROWS = np.random.default_rng(0).standard_normal((120, 4))
TARGETS = ROWS @ np.array([1.0, -0.5, 0.2, 0.0]) + np.random.default_rng(1).standard_normal(120)


class Watched(oco.Learner):
    """Descent with a fixed step, round by round, that keeps every point it plays."""

    def start(self, problem: oco.Problem) -> None:
        self.domain = problem.domain
        self.state = {"point": problem.domain.start}
        self.points: list[Array] = []

    def update(self, gradient: Array) -> None:
        self.points.append(self.state["point"].copy())
        self.state["point"] = self.domain.project(self.state["point"] - 0.1 * gradient)


def squares(**options: Any) -> LeastSquares:
    return LeastSquares(ROWS, TARGETS, domain=oco.Ball(radius=1.0), **options)


def test_points_of_a_learner_that_keeps_them_all() -> None:
    record = oco.play(squares(), Watched(), checkpoints=[1, 7, 50], average=True, keep_iterates=True)
    player: Any = record.player
    points = np.array([*player.points, player.prediction])
    np.testing.assert_array_equal(record.last_point, points[-1])
    np.testing.assert_allclose(record.averaged_point, points[:-1].mean(axis=0), rtol=0, atol=1e-14)
    np.testing.assert_array_equal(record.iterates, points[[1, 7, 50, 120]])


@pytest.mark.parametrize("learner", [oco.FDAdaGrad(rank=2), oco.OGD(), oco.DiagonalAdaGrad(), oco.FTSL(rank=2)])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_mean_of_a_compiled_learner_is_that_of_its_updates(learner: oco.Learner, sparse: bool) -> None:
    """And the game is the one that is played in blocks where nobody asks for the mean."""
    from scipy.sparse import csr_array

    game = LeastSquares(csr_array(ROWS) if sparse else ROWS, TARGETS, domain=oco.Ball(radius=1.0), order="file")
    record, in_blocks = oco.play(game, learner, average=True), oco.play(game, learner)
    assert in_blocks.scalars["form"] != "round by round"
    assert in_blocks.averaged_point is None
    assert in_blocks.iterates is None
    assert record.state_floats == in_blocks.state_floats
    player = learner.fresh()
    player.start(oco.Problem.of(game))
    total = np.zeros(4)
    for row, target in zip(ROWS, TARGETS, strict=True):
        total += player.prediction
        player.update((row @ player.prediction - target) * row)
    np.testing.assert_allclose(record.averaged_point, total / 120, rtol=1e-9)
    np.testing.assert_allclose(record.last_point, in_blocks.last_point, rtol=1e-7)
    np.testing.assert_allclose(record.cumulative_loss, in_blocks.cumulative_loss, rtol=1e-9)


def test_points_of_matrices_have_their_shape() -> None:
    game = oco.environments.MatrixRegression((3, 2), 30)
    record = oco.play(game, oco.OGD(), checkpoints=3, average=True, keep_iterates=True)
    for point in (record.last_point, record.averaged_point, record.best_point):
        assert point is not None
        assert point.shape == (3, 2)
    assert record.iterates is not None
    assert record.iterates.shape == (3, 3, 2)


def test_the_best_fixed_point_has_the_comparator_s_loss() -> None:
    """Least squares in the interior of the ball: the point solves the normal equations."""
    game = LeastSquares(ROWS, TARGETS, domain=oco.Ball(radius=100.0))
    record = oco.play(game, oco.AdaGradNorm())
    np.testing.assert_allclose(record.best_point, np.linalg.lstsq(ROWS, TARGETS)[0], rtol=1e-6)
    assert oco.play(game, oco.AdaGradNorm(), comparator=False).best_point is None


def test_held_out_loss_of_linear_losses_is_that_of_their_mean() -> None:
    held_out = LinearLosses(np.array([[1.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, -4.0]]), domain=oco.Ball(radius=1.0))
    record = oco.play(squares(), Watched(), checkpoints=[5, 60], keep_iterates=True, evaluate=held_out)
    points = np.array(record.player.points)  # type: ignore[union-attr]
    mean = np.array([2.0, 1.0, 0.0, -2.0])
    averages = np.cumsum(points, axis=0)[[4, 59, 119]] / np.array([[5], [60], [120]])
    np.testing.assert_allclose(record.curves["held_out_average"], averages @ mean, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(record.curves["held_out_last"], record.iterates @ mean, rtol=1e-12, atol=1e-14)
    assert record.scalars["held_out_average"] == record.curves["held_out_average"][-1]
    assert "evaluate" in record.timings


def test_held_out_matrix_regression_is_the_mean_of_its_losses() -> None:
    """An environment whose rounds are no rows, evaluated round by round on a stream of its own seed."""
    game = oco.environments.MatrixRegression((3, 2), 40)
    record = oco.play(game, oco.OGD(), checkpoints=1, evaluate=game)
    from oco.environments.held_out import HELD_OUT_SEED

    stream = game.fresh(HELD_OUT_SEED)
    losses = [stream.loss_at(index).value(record.last_point) for index in range(40)]
    assert record.scalars["held_out_last"] == pytest.approx(np.mean(losses), rel=1e-12)


def test_online_to_batch_over_every_sample() -> None:
    """E f(mean of x_1..x_T) - f* <= E regret / T, with both expectations computed over all 3^4 samples.

    f is the mean of three losses, and a sample is four of them, drawn with replacement.
    """
    rows, targets = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]), np.array([1.0, 0.3, -0.7])
    domain = oco.Ball(radius=1.0)
    whole = LeastSquares(rows, targets, domain=domain)
    best = oco.play(whole, oco.OGD()).curves["comparator_lower"][-1] / 3
    excess, regret = [], []
    for sample in itertools.product(range(3), repeat=4):
        game = LeastSquares(rows[list(sample)], targets[list(sample)], domain=domain, order="file")
        record = oco.play(game, oco.OGD(), checkpoints=1, spectrum=False, evaluate=whole)
        excess.append(record.scalars["held_out_average"] - best)  # type: ignore[operator]
        regret.append(record.regret.upper)
    assert 0.0 < np.mean(excess) <= np.mean(regret) / 4
    assert np.mean(excess) > 0.05 * np.mean(regret) / 4  # the bound is no empty statement here


def test_losses_that_look_at_the_points_cannot_be_held_out() -> None:
    adversary = oco.environments.AdaptiveBallLowerBound(4, 120)
    with pytest.raises(ConfigError, match="evaluate takes an environment that declares its losses"):
        oco.play(squares(), oco.OGD(), evaluate=adversary)


def test_held_out_losses_take_points_of_the_game() -> None:
    other = LinearLosses(np.eye(3), domain=oco.Ball(radius=1.0))
    with pytest.raises(ConfigError, match=r"of shape \(4,\), those of the game, got losses of points of shape \(3,\)"):
        oco.play(squares(), oco.OGD(), evaluate=other)
