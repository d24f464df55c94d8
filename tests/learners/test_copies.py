"""A learner that is copied in the middle of a game goes on by itself: copies share no memory, and kernels no views."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oco
from oco.learners import LEARNERS, Learner, Problem

KEYWORDS: dict[str, dict[str, Any]] = {
    "ogd": {},
    "adagrad_norm": {},
    "diagonal_adagrad": {},
    "fd_adagrad": {"rank": 2},
    "ftsl": {"rank": 2, "ridge": 1.0},
}
COPIES: dict[str, Callable[[Learner], Learner]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda learner: pickle.loads(pickle.dumps(learner)),
}


@pytest.mark.parametrize("center", [None, np.full(6, 0.3)])
@pytest.mark.parametrize("way", list(COPIES))
@pytest.mark.parametrize("name", list(KEYWORDS))
def test_a_copy_goes_on_by_itself(name: str, way: str, center: Any) -> None:
    rows = np.random.default_rng(0).standard_normal((20, 6))
    learner = LEARNERS[name](learning_rate=0.3, **KEYWORDS[name])
    learner.start(Problem(oco.Ball(1.0, center, dimension=6), horizon=20))
    for row in rows[:10]:
        learner.update(row)
    other = COPIES[way](learner)
    kept = other.prediction.copy()
    for row in rows[10:]:
        learner.update(row)
    np.testing.assert_array_equal(other.prediction, kept)
    for row in rows[10:]:
        other.update(row)
    np.testing.assert_array_equal(other.prediction, learner.prediction)


@pytest.mark.parametrize("name", list(KEYWORDS))
def test_a_state_that_is_put_back_is_the_one_that_goes_on(name: str) -> None:
    rows = np.random.default_rng(0).standard_normal((20, 6))
    learner = LEARNERS[name](learning_rate=0.3, **KEYWORDS[name])
    learner.start(Problem(oco.Ball(1.0, dimension=6), horizon=20))
    for row in rows[:10]:
        learner.update(row)
    before = copy.deepcopy(learner.state)
    ends = []
    for _ in range(2):
        for row in rows[10:]:
            learner.update(row)
        ends.append(learner.prediction.copy())
        learner.state = before
    np.testing.assert_array_equal(*ends)
