"""What the second-order learners on the slab ``|<a_t, x>| <= C`` share."""

from __future__ import annotations

import numpy as np

from oco.errors import ConfigError
from oco.learners.base import Learner, Problem
from oco.regret.bounds import Assumption
from oco.types import Array

COMPARATOR_IN_SLABS = Assumption("the best fixed point was shown to lie in the slab of every row", False)
"""A game does not check it, so that the bound counts as not shown; the theorem's comparators lie in all slabs."""


def required_whole_space(learner: Learner, problem: Problem, instead: str) -> None:
    """Raise `ConfigError` unless the domain is the whole space, which the slab stands in for."""
    ball = problem.domain.as_ball()
    if ball is None or np.isfinite(ball[1]):
        raise ConfigError(
            f"{type(learner).__name__} plays within |<a_t, x>| <= prediction_bound and needs the unbounded domain, got "
            f"{problem.domain!r}; play {instead} there"
        )


def excess_of(row: Array, point: Array, bound: float) -> float:
    """By how much the prediction ``<row, point>`` leaves ``[-bound, bound]``, with its sign."""
    prediction = float(row @ point)
    return prediction - min(max(prediction, -bound), bound)


def slope_of(gradient: Array, row: Array) -> float:
    """``|phi'|`` of a gradient that is ``phi'`` times the row; the largest number if the row is zero."""
    length = float(np.linalg.norm(row))
    largest = float(np.finfo(np.float64).max)
    return min(float(np.linalg.norm(gradient)) / length, largest) if length > 0.0 else largest
