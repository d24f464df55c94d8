"""The game's rules: order, shapes, copies, checkpoints, and what happens when numbers stop being numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import oco
from oco.environments import LeastSquares, LinearLosses, LogisticRegression
from oco.errors import ConfigError, NumericsError, ProtocolError
from oco.game import checkpoint_rounds
from oco.types import Array


class Plain(oco.Learner):
    """A stranger's learner: projected gradient steps of a fixed size, state in a dict."""

    def __init__(self, step: float = 0.1) -> None:
        self.step = step

    def start(self, problem: oco.Problem) -> None:
        self.domain = problem.domain
        self.state = {"point": problem.domain.start}

    def update(self, gradient: Array) -> None:
        self.state["point"] = self.domain.project(self.state["point"] - self.step * gradient)


class Logged(Plain):
    """Keeps every point and gradient that it saw."""

    def start(self, problem: oco.Problem) -> None:
        super().start(problem)
        self.seen: list[tuple[Array, Array]] = []

    def update(self, gradient: Array) -> None:
        self.seen.append((self.prediction.copy(), gradient.copy()))
        super().update(gradient)


def rows_and_targets(count: int = 50, dimension: int = 4, seed: int = 0) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((count, dimension)), generator.standard_normal(count)


class TestRecord:
    def test_cumulative_loss_is_the_sum_of_the_losses_at_the_points_played(self) -> None:
        rows, targets = rows_and_targets()
        game = LeastSquares(rows, targets, domain=oco.Ball(radius=1.0), order="file")
        record = oco.play(game, Logged(), comparator=False)
        points = np.array([point for point, _ in record.player.seen])
        expected = 0.5 * np.cumsum((np.einsum("ij,ij->i", rows, points) - targets) ** 2)
        at = record.curves["round"].astype(int) - 1
        np.testing.assert_allclose(record.curves["cumulative_loss"], expected[at], rtol=1e-12)

    def test_gradients_shown_are_those_of_the_revealed_losses(self) -> None:
        rows, targets = rows_and_targets()
        game = LeastSquares(rows, targets, order="file")
        record = oco.play(game, Logged(0.01), comparator=False)
        for (point, gradient), row, target in zip(record.player.seen, rows, targets, strict=True):
            np.testing.assert_allclose(gradient, (row @ point - target) * row, rtol=1e-12, atol=1e-15)

    def test_spectrum_and_trace_are_those_of_the_gradients_shown(self) -> None:
        rows, targets = rows_and_targets()
        record = oco.play(LeastSquares(rows, targets), Logged(), comparator=False)
        gradients = np.array([gradient for _, gradient in record.player.seen])
        covariance = gradients.T @ gradients
        root = np.sqrt(np.linalg.eigvalsh(covariance)).sum()
        assert record.curves["trace_root_lower"][-1] == pytest.approx(root, rel=1e-10)
        assert record.curves["gradient_squares"][-1] == pytest.approx(np.trace(covariance), rel=1e-12)

    def test_an_object_with_domain_horizon_and_reveal_is_an_environment(self) -> None:
        rows, _ = rows_and_targets()

        class Bare:
            domain = oco.Ball(radius=1.0).with_shape((4,))
            horizon = 50

            def __init__(self) -> None:
                self.round = 0

            def reveal(self, point: Array) -> object:
                row = rows[self.round]
                self.round += 1

                class Inner:
                    def value(self, x: Array) -> float:
                        return float(row @ x)

                    def gradient(self, x: Array) -> Array:
                        return row

                return Inner()

        bare = oco.play(Bare(), Plain(), comparator=False)
        known = oco.play(LinearLosses(rows, domain=oco.Ball(radius=1.0), order="file"), Plain(), comparator=False)
        np.testing.assert_allclose(bare.curves["cumulative_loss"], known.curves["cumulative_loss"], rtol=1e-12)

    def test_state_floats_are_counted_from_the_state(self) -> None:
        rows, targets = rows_and_targets()
        assert oco.play(LeastSquares(rows, targets), Plain(), comparator=False).state_floats == 4


class TestCopies:
    def test_neither_the_learner_nor_the_environment_is_changed(self) -> None:
        rows, targets = rows_and_targets()
        game, learner = LeastSquares(rows, targets), Plain()
        before = game.block(0, 50).rows.copy()
        first = oco.play(game, learner, seed=3, comparator=False)
        again = oco.play(game, learner, seed=3, comparator=False)
        assert not hasattr(learner, "state")
        np.testing.assert_array_equal(game.block(0, 50).rows, before)
        np.testing.assert_array_equal(first.curves["cumulative_loss"], again.curves["cumulative_loss"])

    def test_seeds_draw_different_orders_of_the_same_rows(self) -> None:
        rows, targets = rows_and_targets()
        game = LeastSquares(rows, targets)
        one, two = (game.fresh(seed).block(0, 50).rows for seed in (1, 2))
        assert not np.array_equal(one, two)
        np.testing.assert_array_equal(np.sort(one, axis=0), np.sort(two, axis=0))

    def test_a_learner_cannot_write_into_the_point_that_the_loss_sees(self) -> None:
        class Meddler(Plain):
            def start(self, problem: oco.Problem) -> None:
                super().start(problem)
                self.handed: list[bool] = []

        class Watch(LinearLosses):
            def reveal(self, point: Array) -> object:
                assert not point.flags.writeable
                return super().reveal(point)

        rows, _ = rows_and_targets()
        oco.play(Watch(rows), Meddler(), comparator=False)


class TestRefusals:
    def test_a_point_of_the_wrong_shape_is_named_with_its_round(self) -> None:
        class Wrong(Plain):
            def update(self, gradient: Array) -> None:
                self.state["point"] = np.zeros(7)

        rows, targets = rows_and_targets()
        with pytest.raises(ProtocolError, match=r"round 2: Wrong must play an array of shape \(4,\), got \(7,\)"):
            oco.play(LeastSquares(rows, targets), Wrong(), comparator=False)

    @pytest.mark.parametrize("step", [1e6, 1e200])
    def test_divergence_stops_with_round_learner_and_cause(self, step: float) -> None:
        rows, targets = rows_and_targets(400)
        with pytest.raises(NumericsError, match=r"round \d+: .* at the point that Plain\(step=") as caught:
            oco.play(LeastSquares(rows, targets), Plain(step), comparator=False)
        assert "smaller learning rate" in str(caught.value)

    @pytest.mark.parametrize("checkpoints", [0, -3, [0, 5], [51]])
    def test_checkpoints_outside_the_game_are_refused(self, checkpoints: object) -> None:
        with pytest.raises(ConfigError, match="checkpoints must be"):
            checkpoint_rounds(checkpoints, 50)

    def test_labels_of_the_wrong_kind_are_refused(self) -> None:
        rows, _ = rows_and_targets()
        with pytest.raises(oco.errors.DataError, match=r"logistic loss needs targets -1 and \+1, got 0, 1"):
            LogisticRegression(rows, np.arange(50) % 2)


class TestCheckpoints:
    @pytest.mark.parametrize("horizon", [1, 2, 7, 1000])
    @pytest.mark.parametrize("checkpoints", [1, 5, 30])
    def test_they_rise_and_end_with_the_horizon(self, horizon: int, checkpoints: int) -> None:
        rounds = checkpoint_rounds(checkpoints, horizon)
        assert rounds[-1] == horizon
        assert rounds[0] >= 1
        assert (np.diff(rounds) > 0).all()

    def test_given_rounds_are_kept(self) -> None:
        assert checkpoint_rounds([10, 3], 12).tolist() == [3, 10, 12]


def test_a_state_larger_than_the_memory_is_refused_in_one_sentence() -> None:
    rows = sparse.csr_array((np.ones(3), ([0, 1, 2], [0, 5, 9_999_999])), shape=(3, 10_000_000))
    game = oco.environments.GeneralizedLinear(rows, np.ones(3), loss=oco.losses.Squared(), domain=oco.Ball(radius=1.0))
    with pytest.raises(ConfigError, match=r"^FullMatrixAdaGrad holds d\^2 .* this process may use .* GB; FDAda"):
        oco.play(game, oco.FullMatrixAdaGrad())
