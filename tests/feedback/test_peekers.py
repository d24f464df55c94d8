"""Learners that reach for what they are not shown, one of every feedback, and are caught."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oco
from oco.checks import CheckFailed
from oco.checks.learner import LEARNER_CHECKS
from oco.checks.peeking import check_sees_only_what_it_is_shown
from oco.environments import Hinted, LeastSquares
from oco.learners.base import Constrained, Problem
from oco.needs import CONSTRAINT, HINT, ONE_VALUE, PROMPT, ROW, TWO_VALUES, WHOLE_LOSS
from oco.types import Array

BALL = oco.Ball(radius=2.0, center=np.array([0.5, -0.3, 0.2, 0.1, -0.4]))


def locals_of_callers() -> dict[str, Any]:
    """Local variables of all functions below this one's caller, the nearest first: what no rule of Python protects."""
    found: dict[str, Any] = {}
    frame = sys._getframe(2)
    while frame is not None:
        found = frame.f_locals | found
        frame = frame.f_back  # type: ignore[assignment]
    return found


class Steps(oco.Learner):
    """Projected steps along ``direction(feedback)``, honest by default; ``peek`` is added to it."""

    peek: Callable[[dict[str, Any]], Any] | None = None

    def start(self, problem: Problem) -> None:
        self.domain = problem.domain
        self.state = {"point": problem.domain.start, "context": np.zeros(problem.domain.shape), "round": 0}

    def observe(self, context: Array) -> None:
        self.state["context"] = np.array(context)
        seen = 0.0 if type(self).peek is None else type(self).peek(locals_of_callers())
        shifted = self.state["point"] - 0.01 * (self.state["context"] + seen)
        self.state["point"] = self.domain.project(shifted)

    def direction(self, feedback: Any) -> Array:
        direction: Array = feedback
        return direction

    def update(self, feedback: Any) -> None:
        self.state["round"] += 1
        step = 0.02 * self.direction(feedback)
        if type(self).peek is not None and ROW not in self.needs and HINT not in self.needs:
            step = step + 0.01 * type(self).peek(locals_of_callers())
        self.state["point"] = self.domain.project(self.state["point"] - step)


class OfLosses(Steps):
    needs = (WHOLE_LOSS,)

    def direction(self, feedback: Any) -> Array:
        gradient: Array = feedback.gradient(self.prediction)
        return gradient


class OfOneValue(Steps):
    needs = (ONE_VALUE, PROMPT)

    def direction(self, feedback: Array) -> Array:
        return np.full(self.prediction.shape, feedback[0])


class OfTwoValues(OfOneValue):
    needs = (TWO_VALUES, PROMPT)

    @property
    def queries(self) -> tuple[Array, Array]:
        offset = 0.1 * np.eye(self.prediction.size)[0]
        inside = self.domain.start + 0.9 * (self.prediction - self.domain.start)
        return inside + offset, inside - offset

    def direction(self, feedback: Array) -> Array:
        return np.eye(self.prediction.size)[0] * (feedback[0] - feedback[1])


class OfRows(OfLosses):
    needs = (ROW, WHOLE_LOSS)


class OfHints(Steps):
    needs = (HINT, PROMPT)


class OfConstraints(Steps):
    needs = (CONSTRAINT,)

    def direction(self, feedback: Constrained) -> Array:
        return feedback.gradient + max(feedback.violation, 0.0) * feedback.constraint_gradient


HONEST = (Steps, OfLosses, OfOneValue, OfTwoValues, OfRows, OfHints, OfConstraints)


@pytest.mark.parametrize("kind", HONEST, ids=lambda kind: kind.__name__)
def test_honest_learners_of_every_feedback_pass_every_check(kind: type[Steps]) -> None:
    for check in LEARNER_CHECKS:
        if check.__name__ != "check_pickles":  # their class is not found by its name in another process
            check(kind(), BALL)


def game(found: dict[str, Any]) -> Any:
    """The environment that `oco.play` plays."""
    return found["stream"]


PEEKERS: dict[str, tuple[type[Steps], Callable[[dict[str, Any]], Any]]] = {
    "a value, with gradients": (Steps, lambda found: found["loss"].value(found["point"])),
    "the next gradient": (Steps, lambda found: game(found).slopes[min(game(found).round, 11)]),
    "the next loss, with whole losses": (OfLosses, lambda found: game(found).targets[min(game(found).round, 11)]),
    "the gradient, with one value": (
        OfOneValue,
        lambda found: game(found).loss_at(game(found).round - 1).gradient(np.zeros(5)),
    ),
    "the gradient, with two values": (
        OfTwoValues,
        lambda found: game(found).loss_at(game(found).round - 1).gradient(np.zeros(5)),
    ),
    "the label of a row": (OfRows, lambda found: game(found).targets[game(found).round]),
    "the gradient behind a hint": (OfHints, lambda found: game(found).slopes[game(found).round]),
    "the next constraint": (OfConstraints, lambda found: game(found).limits[min(game(found).round, 11)]),
}
"""A kind of learner, and what it reaches for."""


@pytest.mark.parametrize("what", list(PEEKERS))
def test_a_peeker_is_caught(what: str) -> None:
    honest, peek = PEEKERS[what]
    peeker = type("Peeker", (honest,), {"peek": staticmethod(peek)})()
    with pytest.raises(CheckFailed, match=r"the point of round \d+ changed although the learner was shown the same"):
        check_sees_only_what_it_is_shown(peeker, BALL)


def test_a_peeker_at_feedback_that_is_on_its_way_is_caught() -> None:
    def pending(found: dict[str, Any]) -> Any:
        due = {} if found["exchange"] is None else found["exchange"]._due
        return sum((what for arrived in due.values() for _, what in arrived), np.zeros(5))

    peeker = type("Peeker", (Steps,), {"peek": staticmethod(pending)})()
    with pytest.raises(CheckFailed, match="gradients, and comes 2 rounds late, and uses something else"):
        check_sees_only_what_it_is_shown(peeker, BALL)


class Collector(Steps):
    """Keeps every array that it is shown."""

    needs = (ROW, HINT, WHOLE_LOSS)

    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.arrays: list[Array] = []

    def observe(self, context: Array) -> None:
        self.arrays.append(context)

    def update(self, feedback: Any) -> None:
        self.arrays.append(feedback.row)


def test_no_array_that_is_shown_is_a_view_of_data_that_hold_later_rounds() -> None:
    rows = np.random.default_rng(0).standard_normal((20, 3))
    game = Hinted(LeastSquares(rows, rows[:, 0], order="file", domain=oco.Ball(radius=1.0)), "future+noise")
    record = oco.play(game, Collector(), comparator=False)
    assert isinstance(record.player, Collector)
    assert len(record.player.arrays) == 60
    for array in record.player.arrays:
        whole = array if array.base is None else array.base
        assert whole.size == 3
        assert not np.shares_memory(array, rows)
