"""What learners over copies of another learner share: checks of that base, and steps of a copy on a kept state."""

from __future__ import annotations

from typing import Any

from oco.errors import ConfigError
from oco.learners.base import Learner, Problem
from oco.needs import GAME, GRADIENT
from oco.types import Array


def checked_base(learner: Learner, base: Any) -> Learner:
    """``base`` if it is a learner of gradients; `ConfigError` otherwise."""
    if not isinstance(base, Learner):
        raise ConfigError(f"base of {type(learner).__name__} must be a learner such as OGD(), got {base!r}")
    for need in base.needs:
        if need in GAME and need != GRADIENT:
            raise ConfigError(
                f"base of {type(learner).__name__} must be a learner of gradients alone, and {base!r} needs {need}"
            )
    return base


def loss_range(learner: Learner, problem: Problem) -> float:
    """``G D``, by how much linearized losses of two points can differ; 1 if all gradients are zero.

    Raises `ConfigError` if the domain is unbounded or no gradient bound is stated.
    """
    name = type(learner).__name__
    if not problem.domain.bounded:
        raise ConfigError(
            f"{name} compares points by their losses, so the domain must be bounded, got {problem.domain!r}"
        )
    if problem.gradient_bound is None:
        raise ConfigError(f"{name} needs a bound on the gradients, and the environment states none; play one that does")
    return problem.gradient_bound * problem.domain.diameter("l2") or 1.0


def advance(expert: Learner, state: Any, gradient: Array) -> Any:
    """The state that ``expert`` has after ``gradient``, if it had ``state`` before."""
    expert.state = state
    expert.update(gradient)
    return expert.state


def point_of(expert: Learner, state: Any) -> Array:
    """The point that ``expert`` plays in ``state``."""
    expert.state = state
    return expert.prediction
