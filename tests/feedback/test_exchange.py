"""The rules of the exchange: what is shown when, what is suffered, what is rejected, and what a record adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oco
from oco.environments import Bandit, Delayed, Hinted, LeastSquares, LinearLosses, SpectrumLinear, WithConstraint
from oco.errors import ConfigError, ProtocolError
from oco.learners.base import Constrained
from oco.needs import CONSTRAINT, HINT, ONE_VALUE, ROW, TWO_VALUES, WHOLE_LOSS
from oco.types import Array

ROWS = np.arange(1.0, 25.0).reshape(12, 2)


class Watcher(oco.Learner):
    """Plays the origin, and keeps what it is shown in the order in which it is."""

    def start(self, problem: oco.Problem) -> None:
        self.state = {"point": problem.domain.start}
        self.seen: list[Any] = []

    def observe(self, context: Array) -> None:
        self.seen.append(("before", context))

    def update(self, gradient: Any) -> None:
        self.seen.append(("after", gradient))


def watching(*needs: str) -> Watcher:
    return type("Watching", (Watcher,), {"needs": needs})()  # type: ignore[no-any-return]


def seen(game: Any, *needs: str, **options: Any) -> list[Any]:
    record = oco.play(game, watching(*needs), comparator=False, spectrum=False, **options)
    assert isinstance(record.player, Watcher)
    return record.player.seen


def linear() -> LinearLosses:
    return LinearLosses(ROWS, domain=oco.Ball(radius=1.0), order="file")


def test_rows_are_shown_before_their_gradients() -> None:
    shown = seen(linear(), ROW)
    assert [when for when, _ in shown] == ["before", "after"] * 12
    np.testing.assert_array_equal([what for _, what in shown[::2]], ROWS)
    np.testing.assert_array_equal([what for _, what in shown[1::2]], ROWS)


def test_whole_losses_values_and_constraints_are_what_they_say() -> None:
    game = LeastSquares(ROWS, np.arange(12.0), domain=oco.Ball(radius=1.0), order="file")
    losses = [what for _, what in seen(game, WHOLE_LOSS)]
    np.testing.assert_array_equal([loss.value(np.zeros(2)) for loss in losses], 0.5 * np.arange(12.0) ** 2)
    values = [what for _, what in seen(Bandit(game), ONE_VALUE)]
    np.testing.assert_array_equal(values, 0.5 * np.arange(12.0)[:, None] ** 2)
    both = [what for _, what in seen(WithConstraint(linear(), game, limit=2.0), CONSTRAINT)]
    assert all(isinstance(one, Constrained) for one in both)
    np.testing.assert_array_equal([one.gradient for one in both], ROWS)
    np.testing.assert_array_equal([one.violation for one in both], 0.5 * np.arange(12.0) ** 2 - 2.0)
    np.testing.assert_array_equal([one.constraint_gradient for one in both], -np.arange(12.0)[:, None] * ROWS)


def test_feedback_arrives_after_its_delay_in_the_order_of_its_rounds() -> None:
    """Delays 2, 0, 1, 0: gradient 1 comes with gradient 3 in round 4 of every four, gradients of the end never."""
    game = Delayed(LinearLosses(np.arange(1.0, 9.0)[:, None], domain=oco.Ball(radius=1.0), order="file"), [2, 0, 1, 0])
    arrived = [float(what[0]) for _, what in seen(game)]
    assert arrived == [2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0, 8.0]
    late = Delayed(linear(), delay=5)
    np.testing.assert_array_equal([what for _, what in seen(late)], ROWS[:7])
    assert (late.total_delay(12), late.total_delay(3), late.total_delay(1)) == (7 * 5 + 4 + 3 + 2 + 1, 2 + 1, 0)


def test_the_last_hint_is_the_last_gradient_that_was_shown_not_one_that_is_on_its_way() -> None:
    hints = [what for when, what in seen(Hinted(linear()), HINT) if when == "before"]
    np.testing.assert_array_equal(hints, [np.zeros(2), *ROWS[:-1]])
    hints = [what for when, what in seen(Delayed(Hinted(linear()), 3), HINT) if when == "before"]
    np.testing.assert_array_equal(hints, [*[np.zeros(2)] * 4, *ROWS[:8]])


def test_a_hint_of_the_future_is_the_coming_gradient_with_noise_of_the_given_size() -> None:
    hints = [what for when, what in seen(Hinted(linear(), "future+noise"), HINT) if when == "before"]
    np.testing.assert_array_equal(hints, ROWS)
    rows = np.zeros((4000, 3))
    noisy = Hinted(LinearLosses(rows), "future+noise", noise=0.5)
    noise = np.array([what for when, what in seen(noisy, HINT) if when == "before"])
    assert np.mean(np.sum(noise**2, axis=1)) == pytest.approx(0.25, rel=0.05)


class Pair(Watcher):
    """Plays ``(1, 0)`` and ``(-1, 0)``."""

    needs = (TWO_VALUES,)

    @property
    def queries(self) -> tuple[Array, Array]:
        return np.array([1.0, 0.0]), np.array([-1.0, 0.0])


def test_the_loss_of_two_points_is_their_mean_not_that_of_their_middle() -> None:
    game = LeastSquares(ROWS, np.zeros(12), domain=oco.Ball(radius=1.0), order="file")
    record = oco.play(Bandit(game, points=2), Pair())
    assert record.cumulative_loss == pytest.approx(0.5 * np.sum(ROWS[:, 0] ** 2))
    assert record.regret.lower > 0.0  # the middle, the origin, would have none
    np.testing.assert_array_equal(record.player.seen[0][1], [0.5, 0.5])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("game", "learner", "sentence"),
    [
        (linear(), oco.learners.OptimisticOGD(), "OptimisticOGD needs a hint .*; wrap the environment: .*Hinted"),
        (Bandit(linear()), oco.OGD(), "OGD needs gradients, and the environment gives one value .* Bandit"),
        (Bandit(linear()), oco.learners.TwoPointBandit(), "TwoPointBandit needs two values .*; give Bandit points=2"),
        (Delayed(linear(), 1), oco.learners.TwoPointBandit(), "needs feedback in the round .* without Delayed"),
        (linear(), oco.learners.PrimalDualOGD(), "PrimalDualOGD needs a constraint.*WithConstraint"),
        (oco.environments.MatrixRegression((2, 3), 9), oco.learners.ImplicitOGD(), "ImplicitOGD needs proximal steps"),
        (linear(), oco.learners.VovkAzouryWarmuth(), "VovkAzouryWarmuth plays squared losses, got the linear loss"),
    ],
)  # fmt: skip
def test_what_an_environment_does_not_give_is_said_before_round_one(
    game: Any, learner: oco.Learner, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        oco.play(game, learner)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Delayed(linear(), delay=-1), "delays must be whole numbers of 0 or more, got -1"),
        (lambda: Delayed(linear(), delay=[1, 0.5]), r"delays must be whole numbers .*, got \[1, 0.5\]"),
        (lambda: Delayed(linear(), delay="sometimes"), 'delay must be a number of rounds, "geometric" or a list'),
        (lambda: Delayed(linear(), delay=[]), "delay must be"),
        (lambda: Delayed(linear(), "geometric", mean=-1.0), "mean of geometric delays"),
        (lambda: Bandit(linear(), points=3), "points of Bandit must be 1 or 2, got 3"),
        (lambda: Hinted(linear(), hint="first"), 'hint must be "last" or "future'),
        (lambda: Hinted(linear(), noise=np.nan), "noise of a hint"),
        (lambda: Hinted(oco.environments.AdaptiveBallLowerBound(3, 9), "future+noise"), "losses that are known ahead"),
        (lambda: WithConstraint(linear(), LinearLosses(ROWS[:3])), r"needs decisions of shape \(2,\) and 12 rounds"),
        (lambda: WithConstraint(linear(), 3.0), "the constraint is given as an environment"),
        (lambda: WithConstraint(linear(), linear(), limit=np.inf), "limit of a constraint"),
        (lambda: Delayed(oco.OGD(), 1), "Delayed wraps an environment with domain, horizon"),
        (lambda: Bandit(LinearLosses), "Bandit wraps an environment"),
    ],
)
def test_wrong_arguments_of_wrappers_are_refused_in_one_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        make()


def test_a_learner_that_asks_for_a_context_must_take_it() -> None:
    class Deaf(oco.learners.Learner):
        needs = (ROW,)

        def start(self, problem: oco.Problem) -> None:
            self.state = {"point": problem.domain.start}

        def update(self, gradient: Array) -> None: ...

    with pytest.raises(ProtocolError, match=r"Deaf needs to see something before play, so it must define observe"):
        oco.play(linear(), Deaf())


def test_the_violation_of_a_constraint_and_its_positive_part_are_summed_for_every_learner() -> None:
    """At the origin the constraint ``<a_t, x> - limit`` of the limits' mean is minus the limit."""
    values = np.where(np.arange(12) % 2 == 0, 1.0, -3.0)
    constraint = LeastSquares(np.zeros((12, 2)), np.sqrt(2.0 * (values + 3.0)), order="file")
    record = oco.play(WithConstraint(linear(), constraint, limit=3.0), Watcher(), comparator=False)
    assert record.scalars["violation"] == pytest.approx(-12.0)
    assert record.scalars["positive_violation"] == pytest.approx(6.0)
    assert {"violation", "positive_violation"} <= set(record.curves)
    assert "violation" not in oco.play(linear(), Watcher(), comparator=False).scalars


def test_switching_cost_is_the_length_of_the_path_played() -> None:
    game = SpectrumLinear(3, 60, domain=oco.Ball(radius=1.0))

    class Path(oco.Learner):
        def start(self, problem: oco.Problem) -> None:
            self.domain = problem.domain
            self.state = {"point": problem.domain.start}
            self.path = [problem.domain.start]

        def update(self, gradient: Array) -> None:
            self.state["point"] = self.domain.project(self.state["point"] - 0.1 * gradient)
            self.path.append(self.state["point"])

    record = oco.play(game, Path(), switching_cost=True, comparator=False)
    moves = np.linalg.norm(np.diff(record.player.path[:-1], axis=0), axis=1)  # type: ignore[union-attr]
    assert record.scalars["switching_cost"] == pytest.approx(moves.sum(), rel=1e-12)
    assert "switching_cost" not in oco.play(game, Path(), comparator=False).scalars


def test_regret_with_a_constraint_is_against_the_best_feasible_point_where_the_feasible_set_is_known() -> None:
    """``-<1, x>`` on the unit ball with ``x_1 <= 0``: the best feasible point is (0, 1)."""
    losses = LinearLosses(-np.ones((40, 2)), domain=oco.Ball(radius=1.0))
    half = LinearLosses(np.tile([1.0, 0.0], (40, 1)))
    feasible = oco.domains.BallBox(radius=1.0, lower=[-2.0, -2.0], upper=[0.0, 2.0])
    loose = oco.play(WithConstraint(losses, half), oco.learners.PrimalDualOGD())
    tight = oco.play(WithConstraint(losses, half, feasible=feasible), oco.learners.PrimalDualOGD())
    assert tight.cumulative_loss - tight.regret.upper == pytest.approx(-40.0, rel=1e-6)
    assert loose.cumulative_loss - loose.regret.upper == pytest.approx(-40.0 * np.sqrt(2.0), rel=1e-6)
    assert loose.violations
    assert not tight.violations


def test_a_bound_on_prompt_feedback_counts_as_violated_when_feedback_is_late_and_that_of_delays_does_not() -> None:
    game = SpectrumLinear(3, 60, domain=oco.Ball(radius=1.0))
    assert "all feedback comes in its round (first seen" in oco.play(Delayed(game, 2), oco.OGD()).violations[0]
    assert oco.play(Delayed(game, 2), oco.learners.DelayedOGD()).violations == ()
    assert oco.play(Delayed(game, 0), oco.OGD()).violations == ()
    assert oco.play(Delayed(game, 2), oco.OGD()).scalars["total_delay"] == 58 * 2 + 1


def test_mistakes_and_spectra_of_rows_are_those_of_the_game_without_the_exchange() -> None:
    labels = np.where(ROWS[:, 0] > 10.0, 1.0, -1.0)
    game = oco.environments.LogisticRegression(ROWS / 10.0, labels, domain=oco.Ball(radius=1.0))
    one, other = (oco.play(game, oco.OGD(learning_rate=0.3), switching_cost=cost) for cost in (False, True))
    np.testing.assert_array_equal(one.curves["mistakes"], other.curves["mistakes"])
    np.testing.assert_allclose(one.curves["trace_root_upper"], other.curves["trace_root_upper"], rtol=1e-10)


def test_wrappers_are_built_from_plain_values_and_back() -> None:
    made = oco.environments.ENVIRONMENTS.build(
        {
            "kind": "delayed", "delay": "geometric", "mean": 2.0,
            "environment": {"kind": "bandit", "points": 2, "environment": {"kind": "expert_advice", "dimension": 3}},
        }
    )  # fmt: skip
    assert isinstance(made, Delayed)
    assert isinstance(made.environment, Bandit)
    again = oco.spec.from_spec(oco.spec.spec(made))
    assert oco.spec.spec(again) == oco.spec.spec(made)
    constrained = {
        "kind": "with_constraint", "limit": 0.5, "feasible": {"kind": "ball", "radius": 0.5},
        "environment": {"kind": "spectrum_linear", "dimension": 3, "horizon": 20},
        "constraint": {"kind": "spectrum_linear", "dimension": 3, "horizon": 30},
    }  # fmt: skip
    made = oco.spec.from_spec(constrained)
    assert made.feasible.shape == (3,)
    assert oco.spec.spec(oco.spec.from_spec(oco.spec.spec(made))) == oco.spec.spec(made)
