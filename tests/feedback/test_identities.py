"""Rules that change nothing change no bit: no delay, hints that nobody reads, a constraint of zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oco
from oco.environments import Delayed, Hinted, LeastSquares, LinearLosses, SpectrumLinear, WithConstraint
from oco.learners.base import Constrained
from oco.needs import CONSTRAINT, WHOLE_LOSS
from oco.types import Array

ROWS = np.random.default_rng(0).standard_normal((300, 4))
DOMAIN = oco.Ball(radius=1.0)
LEARNERS = (oco.OGD(), oco.FDAdaGrad(rank=2), oco.DiagonalAdaGrad(), oco.learners.SON(), oco.learners.CoinBetting())


class Steps(oco.Learner):
    """Projected gradient steps of a fixed size, in NumPy."""

    def start(self, problem: oco.Problem) -> None:
        self.domain = problem.domain
        self.state = {"point": problem.domain.start}

    def update(self, gradient: Array) -> None:
        self.state["point"] = self.domain.project(self.state["point"] - 0.1 * gradient)


class StepsOfLosses(Steps):
    """The same, which takes the gradient of the whole loss itself."""

    needs = (WHOLE_LOSS,)

    def update(self, loss: Any) -> None:
        super().update(loss.gradient(self.prediction))


class StepsOfBoth(Steps):
    """The same, which is shown a constraint and ignores it."""

    needs = (CONSTRAINT,)

    def update(self, feedback: Constrained) -> None:
        super().update(feedback.gradient)


def games() -> dict[str, Any]:
    return {
        "rows": LeastSquares(ROWS, ROWS[:, 0] ** 2, domain=DOMAIN),
        "quadratics": oco.environments.DriftingQuadratic(4, 300, domain=DOMAIN),
    }


CURVES = ("cumulative_loss", "regret_upper", "regret_lower", "gradient_squares", "regret_linearised")


def same(one: oco.Record, other: oco.Record, rounding: float = 0.0) -> None:
    """Equal points to the last bit, and equal sums, whose terms another form may add in another order."""
    np.testing.assert_array_equal(one.player.prediction, other.player.prediction)  # type: ignore[union-attr]
    for name in CURVES:
        np.testing.assert_allclose(one.curves[name], other.curves[name], rtol=rounding, atol=rounding, err_msg=name)


def zero_constraint(game: Any) -> Any:
    return WithConstraint(game, LinearLosses(np.zeros((300, 4))))


@pytest.mark.parametrize("learner", [Steps(), *LEARNERS], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("kind", list(games()))
def test_a_delay_of_zero_is_no_delay_and_a_hint_that_is_not_read_is_none(kind: str, learner: oco.Learner) -> None:
    """Compiled loops included, which then play the environment inside."""
    game = games()[kind]
    plain = oco.play(game, learner, seed=3)
    for wrapped in (Delayed(game, delay=0), Hinted(game), Delayed(Hinted(game), delay=[0, 0])):
        same(plain, oco.play(wrapped, learner, seed=3))


@pytest.mark.parametrize("kind", list(games()))
def test_the_exchange_plays_as_the_game_without_it(kind: str) -> None:
    """Round by round, on request of the switching cost, with the rows of a data set and without."""
    same(oco.play(games()[kind], Steps()), oco.play(games()[kind], Steps(), switching_cost=True), 1e-11)


@pytest.mark.parametrize("learner", [StepsOfLosses(), StepsOfBoth()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("kind", list(games()))
def test_what_is_shown_besides_the_gradient_changes_nothing(kind: str, learner: oco.Learner) -> None:
    game = games()[kind]
    plain = oco.play(game, Steps(), seed=1)
    same(plain, oco.play(zero_constraint(game), learner, seed=1), 1e-11)


def test_a_constraint_of_zero_is_none() -> None:
    """Of the learner of constraints the multiplier stays zero, and its points are those of gradient descent."""
    game = games()["rows"]
    record = oco.play(zero_constraint(game), oco.learners.PrimalDualOGD(learning_rate=0.1), seed=1)
    same(record, oco.play(game, Steps(), seed=1), 1e-11)
    assert record.player is not None
    assert record.player.state.multiplier == 0.0
    assert record.scalars["violation"] == record.scalars["positive_violation"] == 0.0


def test_implicit_steps_of_linear_losses_are_gradient_steps() -> None:
    game = LinearLosses(ROWS, domain=DOMAIN)
    implicit = oco.play(game, oco.learners.ImplicitOGD(learning_rate=0.1, schedule="constant"), seed=2)
    same(implicit, oco.play(game, Steps(), seed=2), 1e-11)


def test_delayed_steps_without_delays_are_gradient_steps() -> None:
    game = SpectrumLinear(4, 300, domain=DOMAIN)
    same(oco.play(game, oco.learners.DelayedOGD(learning_rate=0.1)), oco.play(game, Steps()))


def test_a_hint_of_zero_is_gradient_descent_with_the_step_of_the_moment() -> None:
    """The learner that is never shown a hint plays the point of its base."""
    learner = oco.learners.OptimisticOGD(learning_rate=0.3, error_bound=2.0)
    learner.start(oco.Problem(oco.Ball(1.0, dimension=4), 300))
    point, squares = np.zeros(4), 0.0
    for row in ROWS:
        learner.observe(np.zeros(4))
        np.testing.assert_allclose(learner.prediction, point, rtol=1e-13, atol=1e-15)
        learner.update(row)
        point = oco.Ball(1.0, dimension=4).project(point - 0.3 / np.sqrt(4.0 + squares) * row)
        squares += float(row @ row)
