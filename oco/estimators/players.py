"""How a learner is made from an estimator's parameters, and how it plays a game without being recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from oco.environments.base import Environment
from oco.environments.row_stream import RowStream
from oco.errors import ConfigError
from oco.exchange import Exchange, only_gradients
from oco.game import _play_rounds, _play_rows
from oco.keywords import check_names, listed, parameters, registered_name
from oco.learners import LEARNERS
from oco.learners.base import Learner, Problem
from oco.regret.bounds import Bound, Observed
from oco.types import Array

DEFAULT_RATE = 0.5
"""Learning rate of a learner given by its name. The theorem's is for the worst case; data wants a smaller one."""


def make_learner(
    learner: str | Learner, rank: int | None, learning_rate: float | Literal["theorem"] | None, average: bool
) -> Learner:
    """A learner with no state: one of this name, or a copy of an object with some hyper-parameters replaced."""
    given: dict[str, Any] = {} if rank is None else {"rank": rank}
    if learning_rate is not None:
        given["learning_rate"] = None if learning_rate == "theorem" else learning_rate
    if isinstance(learner, str):
        accepted = parameters(LEARNERS[learner]) if learner in LEARNERS else {}
        if "learning_rate" in accepted and accepted["learning_rate"].default is None:
            given.setdefault("learning_rate", DEFAULT_RATE)
        needed = [name for name, one in accepted.items() if one.default is one.empty and name not in given]
        if needed:
            raise ConfigError(f"learner {learner!r} needs {listed(needed)}; set it, or give a learner object")
        made = LEARNERS.build({"kind": learner} | given)
    else:
        check_names(f"learner {registered_name(type(learner))}", given, parameters(type(learner)))
        made = type(learner)(**learner.hyperparameters() | given) if given else learner.fresh()
    return Averaged(made) if average else made


def play_on(player: Learner, game: Environment) -> None:
    """Play every round of ``game`` with a learner that has started, in its compiled loop if it has one."""
    nothing: Any = _Unobserved()
    moves: Any = _play_rows if isinstance(game, RowStream) else _play_rounds
    with np.errstate(over="ignore", invalid="ignore"):  # overflow raises NumericsError instead
        if only_gradients(game, player):
            moves(game, player, nothing, 0, game.horizon, nothing)
        else:
            Exchange(game, player).play(nothing, 0, game.horizon, nothing)


class _Unobserved:
    """In place of what records a game."""

    needs_every_point = False

    def observe_block(self, *_: Any) -> None:
        """Nothing."""

    def observe_point(self, *_: Any) -> None:
        """Nothing."""

    def observe_round(self, *_: Any) -> None:
        """Nothing."""

    def after(self, *_: Any) -> None:
        """Nothing."""


@dataclass
class AveragedState:
    """The state of the learner that plays, and the sum of its points so far with their number."""

    inner: Any
    total: Array
    rounds: int


@final
class Averaged(Learner):
    """Another learner, whose points are summed up: their average has the regret over T as its expected excess loss.

    It plays round by round, because compiled loops over rows do not show every point.
    """

    name = "averaged"
    state: AveragedState

    def __init__(self, learner: Learner) -> None:
        self.learner = learner

    def start(self, problem: Problem) -> None:
        """Start the learner."""
        self.learner.start(problem)
        self.state = AveragedState(self.learner.state, np.zeros(problem.domain.shape), 0)

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of the learner."""
        return self.learner.needs

    @property
    def rank(self) -> Any:
        """That of the learner."""
        return self.learner.rank

    @property
    def prediction(self) -> Array:
        """That of the learner."""
        return self.learner.prediction

    @property
    def average(self) -> Array:
        """``(x_1 + ... + x_T) / T``; the start if no round was played."""
        return self.state.total / self.state.rounds if self.state.rounds else self.prediction.copy()

    @property
    def escaped_mass(self) -> float:
        """That of the learner."""
        return self.learner.escaped_mass

    def observe(self, context: Array) -> None:
        """What is known of the coming loss, for the learner."""
        self.learner.observe(context)

    def update(self, gradient: Any) -> None:
        """Count the point that was played, then let the learner move."""
        self.state.total += self.learner.prediction
        self.state.rounds += 1
        self.learner.update(gradient)
        self.state.inner = self.learner.state

    def bound(self, observed: Observed) -> Bound | None:
        """That of the learner, because its points are played."""
        return self.learner.bound(observed)
