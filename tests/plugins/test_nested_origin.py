"""What is inside a wrapper, or inside a learner of learners, is part of the recorded origin."""

from __future__ import annotations

from typing import Any

import pytest

import oco
from regret_experiments.plan import origin
from regret_experiments.plan.building import build_environment, learner_content


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name counts as one of another package."""
    monkeypatch.setattr(
        origin, "origins",
        lambda named: {f"{kind} {name}": {"package": "theirs"} for kind, names in named.items() for name in names},
    )  # fmt: skip


INSIDE: dict[str, Any] = {
    "kind": "drifting_regression", "dimension": 3, "horizon": 20, "loss": {"kind": "huber", "delta": 0.5},
    "domain": {"kind": "ball", "radius": 1.0},
}  # fmt: skip


@pytest.mark.usefixtures("asked")
def test_the_environment_inside_wrappers_its_loss_and_its_domain() -> None:
    wrapped = {"kind": "bandit", "environment": INSIDE}
    plugin = build_environment("delayed", {"delay": 2, "environment": wrapped}).content["plugin"]
    assert set(plugin) == {
        "environment delayed", "environment bandit", "environment drifting_regression", "loss huber", "domain ball",
    }  # fmt: skip


@pytest.mark.usefixtures("asked")
def test_the_constraint_and_its_feasible_set() -> None:
    constraint = {"kind": "spectrum_linear", "dimension": 3, "horizon": 20}
    keywords = {
        "environment": INSIDE,
        "constraint": constraint,
        "feasible": {"kind": "box", "lower": -1.0, "upper": 0.0},
    }
    plugin = build_environment("with_constraint", keywords).content["plugin"]
    assert {"environment spectrum_linear", "domain box", "domain ball"} <= set(plugin)


@pytest.mark.usefixtures("asked")
def test_the_base_of_a_learner_of_learners() -> None:
    learner = oco.learners.Ader(oco.FDAdaGrad(rank=2, learning_rate=0.5))
    assert set(learner_content("ader", learner)["plugin"]) == {"learner ader", "learner fd_adagrad"}


def test_what_is_built_in_has_no_origin() -> None:
    assert "plugin" not in build_environment("delayed", {"delay": 2, "environment": INSIDE}).content
    assert "plugin" not in learner_content("ader", oco.learners.Ader())
