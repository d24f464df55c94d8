"""Every kind of regret that a record has, under its own name, against its definition."""

from __future__ import annotations

import numpy as np
import pytest

import oco
from oco.comparators import best_fixed_point
from oco.domains import Ball, Box, FrobeniusBall, Unbounded
from oco.losses import RowBlock
from oco.regret import linearized_regret


def regression(domain: oco.domains.Domain, rounds: int = 60) -> oco.environments.GeneralizedLinear:
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((rounds, 4))
    targets = rows @ generator.standard_normal(4) + generator.standard_normal(rounds)
    return oco.environments.GeneralizedLinear(rows, targets, loss=oco.losses.Absolute(), domain=domain)


class Watched(oco.learners.OGD):
    """Gradient descent that keeps points and gradients, and is played round by round."""

    def start(self, problem: oco.Problem) -> None:
        super().start(problem)
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def update(self, gradient: np.ndarray) -> None:
        self.seen.append((self.prediction.copy(), gradient.copy()))
        super().update(gradient)

    def play_block(self, block: RowBlock) -> None:
        return None


@pytest.mark.parametrize("domain", [Ball(1.5), Box(-0.5, 0.7)])
def test_linearised_regret_is_that_of_the_gradients_and_above_static_regret(domain: oco.domains.Domain) -> None:
    learner = Watched()
    record = oco.play(regression(domain), learner, seed=2)
    assert isinstance(record.player, Watched)
    points, gradients = (np.array(one) for one in zip(*record.player.seen, strict=True))
    for t, found in zip(record.curves["round"].astype(int), record.curves["regret_linearised"], strict=True):
        played = float(np.einsum("ti,ti->", points[:t], gradients[:t]))
        assert found == pytest.approx(linearized_regret(played, gradients[:t].sum(axis=0), domain.with_shape((4,))))
    assert np.all(record.curves["regret_linearised"] >= record.curves["regret_lower"])
    compiled = oco.play(regression(domain), oco.learners.OGD(), seed=2)
    assert isinstance(domain, Box) or "round by round" not in str(compiled.scalars["form"])
    np.testing.assert_allclose(compiled.curves["regret_linearised"], record.curves["regret_linearised"], rtol=1e-9)


def test_linearised_regret_of_linear_losses_is_static_regret() -> None:
    game = oco.environments.SpectrumLinear(dimension=5, horizon=100, domain=Ball(1.0))
    curves = oco.play(game, oco.AdaGradNorm()).curves
    assert np.all(curves["regret_linearised"] <= curves["regret_upper"] + 1e-9)
    assert np.all(curves["regret_linearised"] >= curves["regret_lower"] - 1e-9)


def test_linearised_regret_is_infinite_on_the_whole_space() -> None:
    record = oco.play(regression(Unbounded(4)), oco.OGD(learning_rate=0.05))
    assert np.all(np.isinf(record.curves["regret_linearised"]))
    assert np.isfinite(record.regret.upper)


def test_dynamic_regret_is_against_the_path_that_the_game_knows() -> None:
    game = oco.environments.DriftingQuadratic(3, 200, motion={"name": "switches", "period": 50}, noise=0.2)
    record = oco.play(game, oco.OGD(), seed=4)
    stream = game.fresh(4)
    path = game.comparators(0, 200)
    moving = np.cumsum([stream.loss_at(t).value(path[t]) for t in range(200)])
    rounds = record.curves["round"].astype(int)
    expected = record.curves["cumulative_loss"] - moving[rounds - 1]
    np.testing.assert_allclose(record.curves["regret_dynamic"], expected, rtol=1e-12)
    # A moving comparator can only be better than a fixed one of the same kind: noise aside, it is here.
    assert record.curves["regret_dynamic"][-1] > record.regret.upper
    fixed = oco.play(oco.environments.SpectrumLinear(dimension=3, horizon=50, domain=Ball(1.0)), oco.AdaGradNorm())
    assert np.isnan(fixed.curves["regret_dynamic"]).all()


def test_both_static_curves_agree_at_the_end_and_nowhere_else_by_accident() -> None:
    record = oco.play(regression(Ball(1.5)), oco.OGD(), seed=2)
    assert record.curves["regret_final"][-1] in record.regret
    assert np.all(record.curves["regret_final"] <= record.curves["regret_upper"] + 1e-9)
    assert np.any(record.curves["regret_final"] < record.curves["regret_lower"] - 1.0)


def test_coin_betting_states_its_bound_against_the_comparator_that_was_found() -> None:
    game = regression(Unbounded(4), rounds=500)
    best = best_fixed_point(game.fresh(1).block(0, 500), Unbounded(4))
    longest = float(np.linalg.norm(game.fresh(1).block(0, 500).rows, axis=1).max())
    record = oco.play(game, oco.CoinBetting(gradient_bound=longest), seed=1)
    assert record.bound is not None
    assert record.bound.valid
    distance, slope, wealth = (constant.value for constant in record.bound.constants)
    assert [constant.origin for constant in record.bound.constants] == ["observed", "given", "given"]
    assert distance == pytest.approx(np.linalg.norm(best.point), rel=1e-2)
    assert (slope, wealth) == (longest, 1.0)
    logarithm = np.log1p(24.0 * (500.0 * distance) ** 2)
    assert record.bound.value == pytest.approx(longest * (distance * np.sqrt(500.0 * logarithm) + 1.0))
    assert np.all(record.curves["regret_lower"] <= record.curves["bound"])
    assert oco.play(game, oco.CoinBetting(gradient_bound=longest), seed=1, comparator=False).bound is None


def test_matrix_games_give_the_sketched_shampoos_both_sides() -> None:
    game = oco.environments.MatrixCompletion((4, 6), 80, domain=FrobeniusBall(2.0))
    for learner, variant in (
        (oco.learners.SketchedShampoo(rank=2), "Theorem 5"),
        (oco.learners.SketchedOneSidedShampoo(rank=2), "with Omega_L"),
    ):
        record = oco.play(game, learner, seed=0)
        assert record.bound is not None
        bound = record.curves[f"bound: {variant}"]
        assert np.all(record.curves["regret_upper"] <= bound)
        # What the sketch certifies is below what the theorem promises from the whole spectrum.
        assert np.all(record.curves["bound"] <= bound * (1.0 + 1e-9))
        whole = oco.play(game, type(learner)(rank=6), seed=0)
        assert whole.bound is not None
        assert whole.bound.value == pytest.approx(whole.curves[f"bound: {variant}"][-1])  # nothing escapes: equal
    assert "bound: Theorem 5" not in oco.play(game, oco.AdaGradNorm()).curves


def by_definition(game: oco.environments.GeneralizedLinear, learner: oco.Learner, start: int, stop: int) -> float:
    """Loss on the rounds ``start + 1 .. stop`` less that of a best point of these rounds, nearly."""
    stream = game.fresh(3)
    player, lost = learner.fresh(), 0.0
    player.start(oco.Problem(stream.domain, stream.horizon, gradient_bound=stream.gradient_bound))
    for t in range(stop):
        loss = stream.reveal(player.prediction)
        lost += loss.value(player.prediction) if t >= start else 0.0
        player.update(loss.gradient(player.prediction))
    return lost - best_fixed_point(game.fresh(3).block(start, stop), stream.domain).value.middle


def test_regret_on_dyadic_intervals_is_certified_and_the_longest_is_the_static_one() -> None:
    game = regression(Ball(1.5), rounds=64)
    record = oco.play(game, oco.OGD(), seed=3, shortest_interval=16)
    assert [(one.start, one.stop) for one in record.intervals] == [
        *((start, start + 16) for start in range(0, 64, 16)),
        (0, 32),
        (32, 64),
        (0, 64),
    ]
    for one in record.intervals:
        assert one.regret.lower <= one.regret.upper
        assert one.regret.middle == pytest.approx(by_definition(game, oco.OGD(), one.start, one.stop), abs=0.02)
    assert record.intervals[-1].regret.lower == pytest.approx(record.regret.lower, abs=0.02)
    assert oco.play(game, oco.OGD(), seed=3).intervals == ()
    with pytest.raises(oco.errors.ConfigError, match="shortest_interval must be a length in 1..64, got 0"):
        oco.play(game, oco.OGD(), shortest_interval=0)


def test_regret_on_intervals_of_drawn_and_of_revealed_losses() -> None:
    drawn = oco.environments.DriftingQuadratic(2, 32, motion={"name": "switches", "period": 8})
    record = oco.play(drawn, oco.OGD(), shortest_interval=8)
    # The optimum stands still for 8 rounds, where regret is against it; over all rounds a fixed point is worse.
    for one in record.intervals[:4]:
        assert one.regret.upper >= 0.0
    assert sum(one.regret.middle for one in record.intervals[:4]) > record.intervals[-1].regret.middle
    labels = np.arange(24) % 3
    classes = oco.environments.MultinomialRegression(np.eye(24)[:, :4], labels, domain=FrobeniusBall(1.0))
    record = oco.play(classes, oco.OGD(), shortest_interval=12)
    assert [one.length for one in record.intervals] == [16]
    assert record.intervals[0].regret.width <= 1e-4

    class Opponent(oco.environments.Environment):
        """It knows its best fixed point, and tells no loss but this round's."""

        domain, horizon = Ball(1.0, dimension=2), 8

        def restart(self, seed: int) -> None:
            pass

        def reveal(self, point: np.ndarray) -> oco.losses.RowLoss:
            return oco.losses.RowLoss(oco.losses.Linear(), np.ones(2), 0.0)

        def comparator_curve(self, rounds: np.ndarray) -> None:
            return None

    with pytest.raises(oco.errors.ConfigError, match="needs the losses of any rounds"):
        oco.play(Opponent(), oco.OGD(0.1), shortest_interval=4)


def test_the_spectrum_of_many_classes_is_that_of_the_gradients() -> None:
    """Above the dimension of dense covariances, where rows of the data are not the gradients."""
    generator = np.random.default_rng(0)
    rows, labels = generator.standard_normal((40, 300)), generator.integers(0, 4, 40)
    game = oco.environments.MultinomialRegression(rows, labels, domain=FrobeniusBall(1.0))
    record = oco.play(game, oco.OGD(), checkpoints=[40], comparator=False)
    curves = record.curves
    assert curves["trace_root_lower"][0] >= np.sqrt(curves["gradient_squares"][0]) * (1.0 - 1e-12)
    assert curves["trace_root_upper"][0] > curves["trace_root_lower"][0]
    assert record.spectra[0, 0] > 0.01 * curves["gradient_squares"][0]


def test_the_old_name_of_the_shortest_interval_warns_and_works() -> None:
    game = oco.environments.SpectrumLinear(3, 32)
    with pytest.warns(
        DeprecationWarning, match=r"play\(intervals=...\) is now play\(shortest_interval=...\)"
    ) as caught:
        old = oco.play(game, oco.OGD(), intervals=16)
    assert caught[0].filename == __file__
    assert old.intervals == oco.play(game, oco.OGD(), shortest_interval=16).intervals
    with (
        pytest.warns(DeprecationWarning, match="shortest_interval"),
        pytest.raises(oco.errors.ConfigError, match="both given"),
    ):
        oco.play(game, oco.OGD(), intervals=16, shortest_interval=16)
