"""The game's rules: order, shapes, copies, checkpoints, and what happens when numbers stop being numbers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import oco
from oco.checks.unchanged import contents
from oco.environments import Hinted, LeastSquares, LinearLosses, LogisticRegression, WithConstraint
from oco.errors import ConfigError, NumericsError, ProtocolError
from oco.learners import LEARNERS
from oco.learners.base import effective_rank
from oco.needs import CONSTRAINT, HINT
from oco.regret.checkpoints import checkpoint_rounds
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


def fitting(game: Any, needs: tuple[str, ...]) -> Any:
    """``game`` in the wrappers that give what a learner needs."""
    if HINT in needs:
        game = Hinted(game)
    if CONSTRAINT in needs:
        game = WithConstraint(game, game)
    return game


class Logged(Plain):
    """Keeps every point and gradient that it saw."""

    def start(self, problem: oco.Problem) -> None:
        super().start(problem)
        self.seen: list[tuple[Array, Array]] = []

    def update(self, gradient: Array) -> None:
        self.seen.append((self.prediction.copy(), gradient.copy()))
        super().update(gradient)


class Linear:
    """``<row, x>``."""

    def __init__(self, row: Array) -> None:
        self.row = row

    def value(self, point: Array) -> float:
        return float(self.row @ point)

    def gradient(self, point: Array) -> Array:
        return self.row


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
                self.round += 1
                return Linear(rows[self.round - 1])

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

    def test_the_environment_cannot_write_into_the_point(self) -> None:
        """It is the learner's own array: whoever is handed it may read it only."""
        rows, _ = rows_and_targets()
        seen: list[bool] = []

        class Writes:
            domain = oco.Ball(radius=1.0).with_shape((4,))
            horizon = 5

            def reveal(self, point: Array) -> object:
                seen.append(point.flags.writeable)
                with pytest.raises(ValueError, match="read-only"):
                    point[0] = 7.0
                return Linear(rows[len(seen) - 1])

        record = oco.play(Writes(), Logged(), comparator=False)
        assert seen == [False] * 5
        assert all(abs(point[0]) <= 1.0 for point, _ in record.player.seen)

    def test_a_row_stream_does_not_take_a_point_that_can_be_written(self) -> None:
        """A learner that keeps what it was asked for and writes into it later changes nothing that was played."""
        rows, targets = rows_and_targets()
        game = LeastSquares(rows, targets, domain=oco.Ball(radius=1.0), order="file")
        handed = []

        class Meddler(Plain):
            @property
            def prediction(self) -> Array:
                handed.append(self.state["point"].copy())
                return handed[-1]

            def update(self, gradient: Array) -> None:
                super().update(gradient)
                for point in handed:
                    point += 100.0

        meddled, honest = (oco.play(game, learner, comparator=False) for learner in (Meddler(), Plain()))
        assert len(handed) >= 50
        np.testing.assert_array_equal(meddled.curves["cumulative_loss"], honest.curves["cumulative_loss"])

    def test_an_object_with_reveal_alone_is_copied_too(self) -> None:
        """It has no `fresh`, so that the game copies it; two games against it are the same game."""
        rows, _ = rows_and_targets()

        class Counts:
            domain = oco.Ball(radius=1.0).with_shape((4,))
            horizon = 50

            def __init__(self) -> None:
                self.round = 0

            def reveal(self, point: Array) -> object:
                self.round += 1
                return Linear(rows[self.round - 1])

        game = Counts()
        first, again = (oco.play(game, Plain(), comparator=False) for _ in range(2))
        assert game.round == 0
        np.testing.assert_array_equal(first.curves["cumulative_loss"], again.curves["cumulative_loss"])

    def test_an_object_that_cannot_be_copied_is_refused_in_one_sentence(self) -> None:
        class Locked:
            domain = oco.Ball(radius=1.0).with_shape((4,))
            horizon = 5

            def __init__(self) -> None:
                self.lock = threading.Lock()

            def reveal(self, point: Array) -> object:
                raise AssertionError

        with pytest.raises(ConfigError, match=r"Locked cannot be copied for the game .* give it a method fresh"):
            oco.play(Locked(), Plain())

    @pytest.mark.parametrize("name", sorted(LEARNERS))
    def test_a_game_leaves_learner_and_environment_bit_equal(self, name: str) -> None:
        """Every attribute of both, before and after, with a learner that is new and with one that is refused."""
        matrix, simplex = (LEARNERS[name].decision == kind for kind in ("matrix", "simplex"))
        if LEARNERS[name].decision == "unbounded":
            domain: Any = oco.Unbounded(4)
        else:
            domain = (
                oco.Simplex(dimension=4) if simplex else oco.Ball(radius=1.0).with_shape((3, 2) if matrix else (4,))
            )
        if matrix:
            game = oco.environments.MatrixRegression((3, 2), 50, domain=domain)
        else:
            game = fitting(LeastSquares(*rows_and_targets(), domain=domain), LEARNERS[name].needs)
        _ = game.gradient_bound, game.gradient_entry_bound, game.exp_concavity, game.strong_convexity  # kept once known
        learner = LEARNERS[name](**LEARNERS[name].examples[0])
        before = dict(contents(learner)), dict(contents(game))
        played = oco.play(game, learner, seed=3, comparator=False).player
        assert (dict(contents(learner)), dict(contents(game))) == before
        before = dict(contents(played)), dict(contents(game))
        with pytest.raises(ConfigError, match="has a state already"):
            oco.play(game, played, seed=3, comparator=False)
        assert (dict(contents(played)), dict(contents(game))) == before

    @pytest.mark.parametrize("name", sorted(LEARNERS))
    def test_memory_is_known_where_the_learning_rate_is_not(self, name: str) -> None:
        """It depends on shapes alone: without a diameter, a gradient bound or anything else of the losses."""
        shape = (3, 2) if LEARNERS[name].decision == "matrix" else (5,)
        learner = LEARNERS[name](**LEARNERS[name].examples[0])
        before = dict(contents(learner))
        memory = learner.memory(oco.Problem(oco.Unbounded(shape), 10))
        assert memory is not None
        assert dict(contents(learner)) == before
        given = {"learning_rate": 0.5} if "learning_rate" in learner.hyperparameters() else {}
        given |= {"curvature": 0.5, "ridge": 1.0} if name == "online_newton_step" else {}
        given |= {"exploration": 0.1} if "exploration" in learner.hyperparameters() else {}
        started = LEARNERS[name](**(learner.hyperparameters() | given))
        domain = oco.Simplex(dimension=5) if LEARNERS[name].decision == "simplex" else oco.Unbounded(shape)
        if name.endswith(("_frank_wolfe", "metagrad")) or name in ("barrier_bandit", "ader", "saol", "faml"):
            # on no unbounded domain
            domain = oco.domains.SpectralBall(shape=shape) if name == "faml" else oco.Ball(dimension=5)
        started.start(oco.Problem(domain, 10, gradient_bound=1.0))
        assert memory.floats == oco.learners.state_floats(started.state)

    def test_a_learner_with_a_file_open_plays(self, tmp_path: Path) -> None:
        """What has no copy is shared; nothing else is."""

        class Writes(Plain):
            def __init__(self, step: float = 0.1) -> None:
                super().__init__(step)
                self.log = (tmp_path / "log").open("w")
                self.rounds: list[int] = []

            def update(self, gradient: Array) -> None:
                super().update(gradient)
                self.rounds.append(1)
                self.log.write("x")

        learner = Writes()
        oco.play(LeastSquares(*rows_and_targets()), learner, comparator=False)
        learner.log.close()
        assert learner.rounds == []
        assert (tmp_path / "log").read_text() == "x" * 50


class TestNames:
    def test_a_learner_without_a_name_is_recorded_by_its_class_in_snake_case(self) -> None:
        class LazyThing(Plain):
            pass

        assert (
            oco.play(LeastSquares(*rows_and_targets()), LazyThing(), comparator=False).learner["name"] == "lazy_thing"
        )

    def test_a_subclass_is_not_recorded_as_its_parent(self) -> None:
        class Faster(oco.OGD):
            pass

        record = oco.play(LeastSquares(*rows_and_targets()), Faster(learning_rate=0.1), comparator=False)
        assert record.learner["name"] == "faster"

    def test_every_built_in_learner_is_at_the_top(self) -> None:
        assert all(getattr(oco, learner.__name__) is learner for learner in LEARNERS.values())


class TestScales:
    @pytest.mark.parametrize("scale", [1e-100, 1e-149])
    def test_a_bound_holds_at_scales_whose_squares_are_numbers(self, scale: float) -> None:
        rows, _ = rows_and_targets()
        record = oco.play(LinearLosses(scale * rows, domain=oco.Ball(radius=1.0)), oco.AdaGradNorm())
        assert record.bound is not None
        assert record.bound.valid
        assert 0.0 < record.regret.upper <= record.bound.value

    @pytest.mark.parametrize("scale", [1e-163, 1e-200])
    def test_a_bound_on_squares_that_vanish_is_not_called_valid(self, scale: float) -> None:
        rows, _ = rows_and_targets()
        for learner in (oco.AdaGradNorm(), oco.DiagonalAdaGrad(), oco.OGD(learning_rate=1.0)):
            record = oco.play(LinearLosses(scale * rows, domain=oco.Ball(radius=1.0)), learner)
            assert record.bound is not None
            assert not record.bound.valid
            assert any("squares of shorter ones vanish" in violation for violation in record.violations)
            longest = float(np.linalg.norm(rows, axis=1).max()) * scale
            assert record.scalars["largest_gradient"] == pytest.approx(longest, rel=1e-12)

    def test_gradients_that_are_all_zero_have_a_bound_of_zero_that_holds(self) -> None:
        record = oco.play(LinearLosses(np.zeros((9, 4)), domain=oco.Ball(radius=1.0)), oco.AdaGradNorm())
        assert record.bound is not None
        assert (record.bound.value, record.bound.valid, record.regret.upper) == (0.0, True, 0.0)


class TestRanks:
    @pytest.mark.parametrize(("rank", "kept"), [(2, 2), (4, 4), (5, 4), (80, 4)])
    def test_a_rank_above_the_dimension_is_the_dimension_and_is_recorded_so(self, rank: int, kept: int) -> None:
        rows, targets = rows_and_targets()
        record = oco.play(LeastSquares(rows, targets, domain=oco.Ball(radius=1.0)), oco.FDAdaGrad(rank=rank))
        assert record.scalars["rank"] == kept
        assert record.player.state.sketch.capacity == kept

    def test_sides_of_matrices_have_the_longer_side_s(self) -> None:
        domain = oco.FrobeniusBall(shape=(3, 2))
        assert effective_rank(oco.SketchedShampoo(rank=50), domain) == 3
        assert effective_rank(oco.AdaFD(rank=50), domain) == 6
        assert effective_rank(oco.AdaptiveFDAdaGrad(), domain) is None
        assert effective_rank(oco.OGD(), domain) is None


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


class TestArguments:
    def test_swapped_arguments(self) -> None:
        game = LinearLosses(np.eye(3), domain=oco.Ball(radius=1.0))
        with pytest.raises(ConfigError, match="environment first and the learner second, got them the other way round"):
            oco.play(oco.OGD(), game)  # type: ignore[arg-type]

    def test_classes(self) -> None:
        game = LinearLosses(np.eye(3), domain=oco.Ball(radius=1.0))
        with pytest.raises(ConfigError, match="as the learner, got the class OGD; call it to make one"):
            oco.play(game, oco.OGD)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="as the environment, got the class LinearLosses; call it to make one"):
            oco.play(LinearLosses, oco.OGD())

    @pytest.mark.parametrize("given", [None, 3, "ogd", np.eye(3), object()])
    def test_what_is_neither(self, given: object) -> None:
        game = LinearLosses(np.eye(3), domain=oco.Ball(radius=1.0))
        with pytest.raises(ConfigError, match=f"an oco.Learner or of a subclass of it, got {type(given).__name__}"):
            oco.play(game, given)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=f"{type(given).__name__} has no domain and no horizon and no reveal"):
            oco.play(given, oco.OGD())

    def test_two_learners(self) -> None:
        with pytest.raises(ConfigError, match="OGD has no domain and no horizon and no reveal"):
            oco.play(oco.OGD(), oco.OGD())

    def test_a_record_is_no_learner(self) -> None:
        game = LinearLosses(np.eye(3), domain=oco.Ball(radius=1.0))
        record = oco.play(game, oco.OGD(), comparator=False)
        with pytest.raises(ConfigError, match="got Record"):
            oco.play(game, record)  # type: ignore[arg-type]

    def test_a_learner_that_has_played_is_refused_with_the_remedy(self) -> None:
        """It would not continue, as one may think, so it must be said what is wanted."""
        game = LinearLosses(np.eye(3), domain=oco.Ball(radius=1.0))
        first = oco.play(game, oco.OGD())
        with pytest.raises(ConfigError, match=r"this OGD has a state already; give learner.fresh\(\) to begin anew"):
            oco.play(game, first.player)
        assert first.player is not None
        assert oco.play(game, first.player.fresh()).cumulative_loss == first.cumulative_loss


class TestVerdict:
    """Of a record on its bound: the same as of `oco.regret.verdict` on the numbers that it holds."""

    def test_a_bound_that_holds_and_one_that_is_not_known(self) -> None:
        game = LinearLosses(rows_and_targets()[0], domain=oco.Ball(radius=1.0))
        assert oco.play(game, oco.AdaGradNorm()).verdict is oco.regret.Verdict.HOLDS
        assert oco.play(game, Plain(0.01)).verdict is oco.regret.Verdict.NO_BOUND
        assert oco.play(game, oco.AdaGradNorm(), comparator=False).verdict is oco.regret.Verdict.UNDECIDED

    def test_a_violated_assumption_is_no_pass(self) -> None:
        game = LinearLosses(1e-163 * rows_and_targets()[0], domain=oco.Ball(radius=1.0))
        assert oco.play(game, oco.AdaGradNorm()).verdict is oco.regret.Verdict.VIOLATED
