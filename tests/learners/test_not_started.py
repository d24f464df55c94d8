"""A learner that was not started says so in one sentence, whatever it is asked."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oco
from oco.learners import LEARNERS
from oco.learners.base import effective_rank
from oco.losses import RowBlock, Squared

BLOCK = RowBlock(Squared(), np.eye(4), np.ones(4))


@pytest.mark.parametrize("name", sorted(LEARNERS))
@pytest.mark.parametrize(
    "ask",
    [lambda one: one.update(np.ones(4)), lambda one: one.prediction, lambda one: one.state],
    ids=["update", "prediction", "state"],
)
def test_update_prediction_and_state_before_start(name: str, ask: Callable[[Any], Any]) -> None:
    learner = LEARNERS[name](**LEARNERS[name].examples[0])
    with pytest.raises(oco.errors.ProtocolError, match=r"^\w+ has no state yet; call start\(problem\) before"):
        ask(learner)
    assert not hasattr(learner, "state")
    assert not hasattr(pickle.loads(pickle.dumps(copy.deepcopy(learner))), "state")


class Lazy(oco.Learner):
    """Somebody's own, without anything that is optional."""

    def start(self, problem: oco.Problem) -> None:
        self.state = {"point": problem.domain.start}

    def update(self, gradient: np.ndarray) -> None:
        self.state["point"] = self.state["point"] - gradient


def test_a_learner_of_ones_own() -> None:
    with pytest.raises(oco.errors.ProtocolError, match="^Lazy has no state yet"):
        Lazy().update(np.ones(3))


def test_other_missing_attributes_are_reported_as_ever() -> None:
    with pytest.raises(AttributeError, match="'OGD' object has no attribute 'momentum'"):
        oco.OGD().momentum  # type: ignore[attr-defined]  # noqa: B018
    learner = Lazy()
    learner.start(oco.Problem(oco.Ball(1.0, dimension=4), 10))
    del learner.state["point"]
    with pytest.raises(KeyError, match="point"):
        learner.update(np.ones(4))
    with pytest.raises(AttributeError, match="'Lazy' object has no attribute '_rate'"):
        learner._rate  # type: ignore[attr-defined]  # noqa: B018


def test_what_is_optional_has_a_default() -> None:
    learner, domain = Lazy(), oco.Ball(1.0, dimension=4)
    problem = oco.Problem(domain, 10)
    learner.start(problem)
    assert learner.rank is None
    assert effective_rank(learner, domain) is None
    assert np.isnan(learner.escaped_mass)
    assert (learner.play_block(BLOCK), learner.memory(problem), learner.bound(None)) == (None, None, None)  # type: ignore[arg-type]


def test_the_hooks_of_the_contract_are_listed_in_its_docstring() -> None:
    hooks = {name for name in vars(oco.Learner) if not name.startswith("_")} - {"start", "update", "state"}
    hooks -= {"bound_needs_sides"}
    for name in hooks:
        assert f"`{name}`" in str(oco.Learner.__doc__), name
