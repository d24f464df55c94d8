"""Planted bugs: each is caught by a sentence that names it."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import numpy as np
import pytest

from oco.checks import CheckFailed, check_domain, check_learner, check_loss, check_sketch, learner_checks
from oco.checks.learner import (
    LEARNER_CHECKS,
    check_pickles,
    check_play_leaves_learner_unchanged,
    check_point_is_not_reused,
    check_regret_below_bound,
    check_start,
)
from oco.domains import Ball, Box
from oco.learners.base import Learner, Memory, Problem
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Bound, Observed
from oco.types import Array


class Honest(Learner):
    """Projected gradient descent at D / (G sqrt t), with the textbook bound; every bug below is one edit away."""

    def start(self, problem: Problem) -> None:
        self.domain = problem.domain
        self.size = problem.domain.diameter() / (problem.gradient_bound or 1.0)
        self.state: Any = {"point": problem.domain.start, "round": 0}

    def update(self, gradient: Array) -> None:
        self.state["round"] += 1
        self.state["point"] = self.domain.project(self.state["point"] - self.step() * gradient)

    def step(self) -> float:
        return float(self.size / np.sqrt(self.state["round"]))

    def memory(self, problem: Problem) -> Memory:
        return Memory("d + 1", problem.domain.dimension + 1)

    def bound(self, observed: Observed) -> Bound:
        largest = self.domain.diameter() / self.size
        value = 1.5 * self.domain.diameter() * largest * np.sqrt(observed.rounds)
        return Bound("Zinkevich 2003, Theorem 1, as in Hazan's book", float(value))


class UpdateTakesTheRound(Honest):
    def update(self, gradient: Array, round_index: int) -> None:  # type: ignore[override]
        super().update(gradient)


class CounterStuck(Honest):
    def step(self) -> float:
        return float(self.size)


class WrongBall(Honest):
    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.domain = Ball(radius=2.0).with_shape(problem.domain.shape)


class LooksAhead(Honest):
    def play_block(self, block: RowBlock) -> BlockOutcome:
        margins = np.array([block.rows[i] @ block.rows[min(i + 1, len(block) - 1)] for i in range(len(block))])
        return BlockOutcome(margins, margins, margins, "peek")


class UpdatesFirst(Honest):
    """Uses the gradient of a round before the point of that round is played."""

    def play_block(self, block: RowBlock) -> BlockOutcome:
        margins = np.empty(len(block))
        for i in range(len(block)):
            row: Array = np.asarray(block.rows[i])
            self.update((float(row @ self.prediction) - block.targets[i]) * row)
            margins[i] = row @ self.prediction
        return BlockOutcome(margins, margins, margins, "early")


class SharedState(Honest):
    shared: ClassVar[dict[str, Any]] = {}

    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.shared.update(self.state)
        self.state = self.shared


class KeepsTheCallersArray(Honest):
    """Applies a gradient one round late, from the caller's own array."""

    pending: Array | None = None

    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.state["pending"] = np.zeros(problem.domain.shape)

    def update(self, gradient: Array) -> None:
        late, self.state["pending"] = self.state["pending"], gradient
        super().update(late)


class SquareRootOfZero(Honest):
    def step(self) -> float:
        return float(self.size / np.sqrt(np.float64(self.state["round"] - 1)))


class EditsInPlace(Honest):
    def update(self, gradient: Array) -> None:
        gradient *= 0.5
        super().update(gradient)


class Unseeded(Honest):
    def update(self, gradient: Array) -> None:
        super().update(gradient + 1e-3 * np.random.default_rng().standard_normal(gradient.shape))


class StateOutside(Honest):
    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.hidden = 0

    def step(self) -> float:
        self.hidden += 1
        return float(self.size / np.sqrt(self.hidden))


class WrongFormula(Honest):
    def memory(self, problem: Problem) -> Memory:
        return Memory("d", problem.domain.dimension)


class SinglePrecision(Honest):
    def update(self, gradient: Array) -> None:
        super().update(gradient)
        self.state["point"] = self.state["point"].astype(np.float32)


class StartsOutside(Honest):
    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.state["point"] = problem.domain.start + 10.0


class StartsAsAList(Honest):
    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.state["point"] = list(problem.domain.start)


class HoldsAGenerator(Honest):
    """A generator of Python's own cannot be sent to another process."""

    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.rounds = (t for t in range(1, problem.horizon + 1))


class ForgetsItsRoundWhenPickled(Honest):
    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__dict__.update(kept)
        if "state" in kept:
            self.state = self.state | {"round": 0}


class DividesByTheLength(Honest):
    def update(self, gradient: Array) -> None:
        super().update(gradient / np.linalg.norm(gradient))


class SumsFourthPowers(Honest):
    """Fine where gradients are near one, infinite at 1e150."""

    def update(self, gradient: Array) -> None:
        super().update(gradient * (np.sum(gradient**4) / np.sum(gradient**4)))


class HandsOutOneBuffer(Honest):
    """A list of the points that were played is the last of them, many times."""

    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.out = np.zeros(problem.domain.shape)

    @property
    def prediction(self) -> Array:
        self.out[...] = self.state["point"]
        return self.out


class WritesIntoTheStart(Honest):
    """Moves the array that every caller of ``domain.start`` is given, where that is one and the same."""

    def update(self, gradient: Array) -> None:
        super().update(gradient)
        self.domain.start[...] = self.state["point"]


class OneStart(Ball):
    """A domain that hands out one array as its start."""

    @property
    def start(self) -> Array:
        if not hasattr(self, "kept"):
            self.kept = super().start
        return self.kept


class PlaysItself(Honest):
    def fresh(self) -> PlaysItself:
        return self


class CountsGamesInAList(Honest):
    """Shares a list with all its copies."""

    def __init__(self) -> None:
        self.games: list[int] = []

    def fresh(self) -> CountsGamesInAList:
        clone = CountsGamesInAList()
        clone.games = self.games
        return clone

    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.games.append(problem.horizon)


class AddsTheStartAgain(Honest):
    """Dual averaging that takes a round without a gradient for one in which the point was measured from the start."""

    def start(self, problem: Problem) -> None:
        super().start(problem)
        self.state["sum"] = np.zeros(problem.domain.shape)

    def update(self, gradient: Array) -> None:
        self.state["round"] += 1
        if gradient.any():
            self.state["sum"] = self.state["sum"] + gradient
            self.state["point"] = self.domain.project(self.domain.start - self.step() * self.state["sum"])
        else:
            self.state["point"] = self.domain.project(self.domain.start + self.state["point"])

    def memory(self, problem: Problem) -> None:
        return None


class ReadsTheValueOfItsCaller(Honest):
    """Moves further after large losses, which it is not shown: it reads them in the frame of the game."""

    def update(self, gradient: Array) -> None:
        value = float(sys._getframe(1).f_locals.get("value", 0.0))
        super().update(gradient * (1.0 + 0.1 * np.tanh(value)))


PLANTED: dict[str, tuple[Learner, str]] = {
    "check_methods": (UpdateTakesTheRound(), "update must take the gradient and nothing else"),
    "check_start": (StartsOutside(), "the point of round 1 lies outside the domain"),
    "check_feasible": (WrongBall(), "lies outside the domain: .* its own center and radius"),
    "check_deterministic": (Unseeded(), "random numbers that do not come from problem.seed"),
    "check_independent_instances": (SharedState(), "two instances share state"),
    "check_causal": (LooksAhead(), "changed when the loss of round 21 was changed: the learner looks ahead"),
    "check_uses_gradient_when_revealed": (KeepsTheCallersArray(), "keep a copy of the gradient"),
    "check_sees_only_what_it_is_shown": (
        ReadsTheValueOfItsCaller(),
        "the point of round 2 changed although the learner was shown the same before: it needs gradients and uses",
    ),
    "check_leaves_gradient_alone": (EditsInPlace(), "update changed the caller's gradient in round 1"),
    "check_point_is_not_reused": (HandsOutOneBuffer(), "handed out as the point of round 1 is used again"),
    "check_state_is_all": (StateOutside(), "lives outside `state`"),
    "check_pickles": (HoldsAGenerator(), "cannot be pickled: cannot pickle 'generator'"),
    "check_float64": (SinglePrecision(), "the point became float32"),
    "check_odd_gradients": (DividesByTheLength(), "update failed in round 1 with DomainError: .*not finite"),
    "check_scales": (SumsFourthPowers(), "update failed in round 1 with DomainError: .*not finite"),
    "check_memory_formula": (WrongFormula(), "formula d claims 5 floats, the state holds 6"),
    "check_block_equals_rounds": (UpdatesFirst(), "at round 1: .*is a gradient used before its round is played"),
    "check_regret_below_bound": (CounterStuck(), "above the claimed bound .*is the round counter advanced"),
    "check_play_leaves_learner_unchanged": (PlaysItself(), "oco.play changed .* of the learner that it was given"),
}
"""For every check of a learner one that it must refuse, and how."""

DEFAULT = Ball(radius=2.0, center=np.array([0.5, -0.3, 0.2, 0.1, -0.4]))


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("check", LEARNER_CHECKS, ids=lambda check: check.__name__)
def test_every_check_refuses_its_planted_bug_and_passes_the_honest_learner(check: Any) -> None:
    check(Honest(), DEFAULT)
    learner, sentence = PLANTED[check.__name__]
    with pytest.raises(CheckFailed, match=sentence):
        check(learner, DEFAULT)


@pytest.mark.parametrize(
    ("check", "learner", "sentence"),
    [
        (check_start, StartsAsAList(), "prediction must be a NumPy array, got list"),
        (check_pickles, ForgetsItsRoundWhenPickled(), "a pickled learner continued with another point"),
        (check_play_leaves_learner_unchanged, CountsGamesInAList(), r"oco.play changed games\[\d+\] of the learner"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Learner) else "",
)
def test_other_bugs_of_the_same_kind(check: Any, learner: Learner, sentence: str) -> None:
    with pytest.raises(CheckFailed, match=sentence):
        check(learner, DEFAULT)


def test_no_planted_bug_is_left_over() -> None:
    assert sorted(PLANTED) == sorted(check.__name__ for check in LEARNER_CHECKS)


def test_a_start_that_every_caller_shares_must_not_be_moved() -> None:
    with pytest.raises(CheckFailed, match="the array that domain.start handed out"):
        check_point_is_not_reused(WritesIntoTheStart(), OneStart(radius=2.0, center=np.ones(5)))


def test_a_zero_gradient_that_moves_the_point_breaks_the_bound_on_a_box_only() -> None:
    check_regret_below_bound(AddsTheStartAgain(), Ball(radius=2.0, dimension=5))
    with pytest.raises(CheckFailed, match="a gradient of zero may move the point"):
        check_regret_below_bound(AddsTheStartAgain(), Box(1.0, 3.0, dimension=5))
    with pytest.raises(CheckFailed, match="above the claimed bound"):
        dict(learner_checks(AddsTheStartAgain()))["regret_below_bound_on_a_box"]()


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(
    ("learner", "sentence"),
    [
        (CounterStuck(), "above the claimed bound .*is the round counter advanced"),
        (WrongBall(), "lies outside the domain: .* its own center and radius"),
        (LooksAhead(), r"changed when the loss of round 21 was changed: the learner looks ahead"),
        (UpdatesFirst(), "at round 1: .*is a gradient used before its round is played"),
        (SharedState(), "two instances share state"),
        (KeepsTheCallersArray(), "keep a copy of the gradient"),
        (SquareRootOfZero(), r"not finite.* 1 / sqrt\(t\) at t = 0"),
        (EditsInPlace(), "update changed the caller's gradient in round 1"),
        (Unseeded(), "random numbers that do not come from problem.seed"),
        (StateOutside(), "lives outside `state`"),
        (WrongFormula(), "formula d claims 5 floats, the state holds 6"),
        (SinglePrecision(), "the point became float32"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Learner) else "",
)
def test_bug_is_named(learner: Learner, sentence: str) -> None:
    with pytest.raises(CheckFailed, match=sentence):
        check_learner(learner)


def test_the_honest_learner_passes() -> None:
    check_learner(Honest())


class WrongCentre(Ball):
    def project(self, point: Array) -> Array:
        return Ball(radius=1.0).with_shape(self.shape).project(point)


class TooShort(Ball):
    def diameter(self, norm: str = "l2") -> float:
        return 0.5 * super().diameter(norm)


class Radial(Ball):
    """Projects in every metric as if it were the Euclidean one."""

    def project_in(self, point: Array, metric: object) -> Array:
        return self.project(point)


@pytest.mark.parametrize(
    ("domain", "sentence"),
    [
        (WrongCentre(radius=1.0, center=[3.0, 0.0]), "lies outside the domain"),
        (TooShort(radius=1.0, dimension=3), "apart in l1|apart in l2"),
        (Radial(radius=1.0, dimension=3), "is nearer to .* than its projection"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Ball) else "",
)
def test_faulty_domain_is_named(domain: Ball, sentence: str) -> None:
    with pytest.raises(CheckFailed, match=sentence):
        check_domain(domain)


def test_a_ball_passes() -> None:
    check_domain(Ball(radius=2.0, center=[1.0, 2.0, 3.0]))


class Faulty:
    def __init__(self, factor: float = 1.0, concave: bool = False) -> None:
        self.factor, self.sign = factor, -1.0 if concave else 1.0

    def value(self, point: Array) -> float:
        return self.sign * float(point @ point)

    def gradient(self, point: Array) -> Array:
        return self.sign * self.factor * 2.0 * point


POINTS = np.random.default_rng(1).standard_normal((10, 3))


def test_a_wrong_factor_in_a_gradient_is_named() -> None:
    check_loss(Faulty(), POINTS)
    with pytest.raises(CheckFailed, match="differences of the value give"):
        check_loss(Faulty(factor=0.5), POINTS)


def test_a_concave_loss_is_named() -> None:
    with pytest.raises(CheckFailed, match="above the chord"):
        check_loss(Faulty(concave=True), POINTS)


class DropsItsBuffer:
    """Buffered Frequent Directions that forgets the rows that still wait in the buffer."""

    def __init__(self, dimension: int, rank: int) -> None:
        self.rank, self.kept, self.buffer, self.escaped_mass = rank, np.zeros((0, dimension)), [], 0.0

    def update(self, vector: Array) -> None:
        self.buffer.append(vector)
        if len(self.buffer) == 4:
            _, values, directions = np.linalg.svd(np.vstack([self.kept, *self.buffer]), full_matrices=False)
            cut = values[self.rank] ** 2
            self.kept = np.sqrt(values[: self.rank] ** 2 - cut)[:, None] * directions[: self.rank]
            self.escaped_mass += cut
            self.buffer = []

    def covariance(self) -> Array:
        return self.kept.T @ self.kept


def test_a_sketch_that_drops_its_buffer_is_named() -> None:
    with pytest.raises(CheckFailed, match="vectors in a buffer are left out"):
        check_sketch(DropsItsBuffer)
