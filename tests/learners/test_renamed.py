"""Hyper-parameters that got another name are taken by the former one for a release, and mean the same."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest

from oco.domains import Ball
from oco.errors import ConfigError
from oco.learners import LEARNERS, Learner, Problem
from oco.learners.requirements import current_names, former_names

RENAMED = [
    (name, former, current)
    for name, learner in LEARNERS.built_in.items()
    for former, current in getattr(learner.__init__, "renamed", {}).items()
]


def first_points(learner: Learner) -> list[list[float]]:
    problem = Problem(Ball(2.0, dimension=3), horizon=9, gradient_bound=2.0, exp_concavity=0.5)
    learner.start(problem)
    points = []
    for gradient in np.random.default_rng(0).standard_normal((5, 3)):
        learner.update(gradient)
        points.append(learner.prediction.tolist())
    return points


def test_there_are_renamed_hyperparameters() -> None:
    sketched = {"ada_fd", "ada_ffd", "primal_dual_ada_fd", "ftsl", "ftfsl", "fd_son", "rfd_son"}
    others = {"ada_lr", "radagrad", "son", "oja_son", "online_newton_step"}
    dual = {"primal_dual_diagonal_adagrad", "primal_dual_full_matrix_adagrad"}
    assert {(name, "delta", "ridge") for name in sketched | others | dual} <= set(RENAMED)


@pytest.mark.parametrize(("name", "former", "current"), RENAMED)
def test_the_former_name_warns_and_makes_the_same_learner(name: str, former: str, current: str) -> None:
    kind = LEARNERS[name]
    rest: dict[str, Any] = {"rank": 2} if "rank" in inspect.signature(kind).parameters else {}
    with pytest.warns(DeprecationWarning, match=f"{former} of {kind.__name__} is now called {current}"):
        old = kind(**rest, **{former: 0.7})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = kind(**rest, **{current: 0.7})
    other = kind(**rest, **{current: 1.4})
    assert repr(old) == repr(new)
    assert f"{current}=0.7" in repr(new)
    assert old.hyperparameters() == new.hyperparameters()
    assert first_points(old) == first_points(new) != first_points(other)


@pytest.mark.parametrize(("name", "former", "current"), RENAMED)
def test_both_names_at_once_are_refused(name: str, former: str, current: str) -> None:
    kind = LEARNERS[name]
    with pytest.raises(ConfigError, match=f"{former} of {kind.__name__} is now called {current}; give one of them"):
        kind(**{former: 0.7, current: 0.7})


@pytest.mark.parametrize(("name", "former", "current"), RENAMED)
def test_names_go_forth_and_back(name: str, former: str, current: str) -> None:
    kind = LEARNERS[name]
    now = {"learning_rate": 1.0, current: 2.0}
    assert former_names(kind, now) == {"learning_rate": 1.0, former: 2.0}
    assert current_names(kind, former_names(kind, now)) == current_names(kind, now) == now


def test_delta_is_added_under_the_root_and_nowhere_else() -> None:
    """A gradient of length 1 on the line: H = (1 + delta)^(1/2) moves the point by less than 1/(1 + delta)^(1/2)."""
    for name, kind in LEARNERS.built_in.items():
        if "delta" not in inspect.signature(kind).parameters:
            continue
        given = {"rank": 1, "window": 9}
        rest: dict[str, Any] = {key: given[key] for key in given if key in inspect.signature(kind).parameters}
        learner = kind(**rest, learning_rate=1.0, delta=3.0)
        shape = (1, 1) if kind.decision == "matrix" else (1,)
        learner.start(Problem(Ball(9.0).with_shape(shape), horizon=9, gradient_bound=1.0))
        learner.update(np.ones(shape))
        assert learner.prediction.item() == pytest.approx(-0.5, rel=1e-12), name


def test_a_subclass_may_pass_the_former_name_on() -> None:
    class Mine(LEARNERS["son"]):  # type: ignore[misc]
        def __init__(self, weight: float) -> None:
            super().__init__(delta=weight)

    with pytest.warns(DeprecationWarning, match="is now called ridge"):
        assert Mine(3.0).ridge == 3.0
