"""The small games that most checks of a learner play."""

from __future__ import annotations

import numpy as np

from oco.checks.failure import CheckFailed, require
from oco.domains.base import Domain
from oco.learners.base import Constrained, Learner, Problem
from oco.losses.margin import ScalarLoss
from oco.losses.rows import RowBlock, RowLoss
from oco.losses.scalar import Squared
from oco.needs import CONSTRAINT, GRADIENT, HINT, ROW, WHOLE_LOSS, feedback_of
from oco.types import Array

ROUNDS = 40
"""Rounds of a game."""

ZERO_ROUND = "the step may divide by zero (is the round counted from 0, as in 1 / sqrt(t) at t = 0?)"
"""The likely cause of a point that is not finite."""


def problem_on(domain: Domain) -> Problem:
    """A problem with every constant that a learner may need."""
    return Problem(
        domain=domain,
        horizon=ROUNDS,
        gradient_bound=10.0,
        gradient_entry_bound=10.0,
        exp_concavity=0.1,
        strong_convexity=0.1,
        seed=1,
    )


def started(learner: Learner, domain: Domain) -> Learner:
    """A fresh copy of ``learner``, started."""
    player = learner.fresh()
    player.start(problem_on(domain))
    require(hasattr(player, "state"), "start must set self.state to a plain record with at least `point`")
    return player


def gradients_on(domain: Domain) -> Array:
    """``(ROUNDS, *shape)``: the same random gradients every time."""
    return np.random.default_rng(11).standard_normal((ROUNDS, *domain.shape))


def show(player: Learner, gradients: Array, index: int) -> None:
    """Show what the learner needs before it plays round ``index`` (from 0): the row, or the last gradient as a hint."""
    if ROW in player.needs:
        player.observe(gradients[index].copy())
    if HINT in player.needs:
        player.observe(gradients[index - 1].copy() if index > 0 else np.zeros(gradients.shape[1:]))


def tell(player: Learner, vector: Array, scalar: ScalarLoss | None = None, constrained: bool = True) -> None:
    """Give the learner the feedback that it needs: a gradient ``vector``, or what belongs to a loss of this row.

    The loss of a whole loss is ``phi(<vector, x>, 1)``, by default the squared one, that of values is linear, and the
    constraint is ``x_1 <= 0.1``, or none.
    """
    feedback = feedback_of(player.needs)
    if CONSTRAINT in player.needs:
        normal = np.zeros(vector.shape)
        normal.flat[0] = 1.0 if constrained else 0.0
        violation = float(player.prediction.flat[0]) - 0.1 if constrained else 0.0
        player.update(Constrained(vector, violation, normal))
    elif feedback == WHOLE_LOSS:
        player.update(RowLoss(scalar or Squared(), vector, 1.0))
    elif feedback == GRADIENT:
        player.update(vector)
    else:
        player.update(np.array([float(np.vdot(vector, query)) for query in player.queries]))


def tell_in_round(player: Learner, vector: Array, round_index: int) -> None:
    """`tell`; an error of the learner is a failed check that names the round."""
    try:
        tell(player, vector)
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        hint = f"; {ZERO_ROUND}" if "finite" in cause or "Zero" in cause else ""
        raise CheckFailed(f"update failed in round {round_index} with {cause}{hint}") from error


def points_from(player: Learner, gradients: Array, first: int = 0) -> list[Array]:
    """Every point that ``player`` plays from round ``first`` (from 0) on, one more than there are rounds left."""
    points = []
    for index in range(first, len(gradients)):
        show(player, gradients, index)
        points.append(player.prediction.copy())
        tell_in_round(player, gradients[index].copy(), index + 1)
    return [*points, player.prediction.copy()]


def points_of(learner: Learner, domain: Domain, gradients: Array) -> list[Array]:
    """Every point that a fresh copy of ``learner`` plays on ``gradients``, one more than there are gradients."""
    return points_from(started(learner, domain), gradients)


def block_margins(learner: Learner, domain: Domain, rows: Array) -> Array | None:
    """``<row, point>`` of every round of the learner's own loop over ``rows``; None if it has no such loop."""
    outcome = started(learner, domain).play_block(RowBlock(Squared(), np.ascontiguousarray(rows), np.ones(len(rows))))
    return None if outcome is None else outcome.margins


def require_same(expected: list[Array], got: list[Array], message: str, offset: int = 1) -> None:
    """Raise `CheckFailed` with ``message`` for the first round in which the two points differ."""
    for round_index, (one, other) in enumerate(zip(expected, got, strict=True), start=offset):
        require(np.array_equal(one, other), message.format(round_index))


def require_feasible(point: Array, domain: Domain, round_index: int) -> None:
    """Raise `CheckFailed` unless ``point`` lies in the domain."""
    require(
        domain.contains(point, 1e-7),
        f"the point of round {round_index} lies outside the domain: project after the step, and onto problem.domain "
        "with its own center and radius",
    )
