"""Configs and stored runs with the former name of a hyper-parameter."""

from __future__ import annotations

from pathlib import Path

import pytest

from regret_experiments.config import load_config
from regret_experiments.plan import content_hash, make_plan
from regret_experiments.plan.building import stored_learner

CONFIG = """\
name: renamed
environments: [{kind: spectrum_linear, dimension: 4, horizon: 20, draws: signs}]
learners: [{kind: son, learning_rate: 2.0, NAME: [0.5, 3.0]}]
"""


def plan_with(name: str, directory: Path):  # type: ignore[no-untyped-def]
    path = directory / f"{name}.yaml"
    path.write_text(CONFIG.replace("NAME", name))
    return make_plan(load_config(path))


def test_a_config_with_the_former_name_warns_and_asks_for_the_same_runs(tmp_path: Path) -> None:
    new = plan_with("ridge", tmp_path)
    with pytest.warns(DeprecationWarning, match=r"delta.yaml:3: learners\[0\].delta: is now called ridge") as seen:
        old = plan_with("delta", tmp_path)
    assert len(seen) == 1
    runs, again = new.stages[0].runs, old.stages[0].runs
    assert [planned.run.id for planned in runs] == [planned.run.id for planned in again]
    assert [planned.point for planned in runs] == [planned.point for planned in again]
    assert [planned.point["ridge"] for planned in runs] == [0.5, 3.0]


def test_a_run_has_the_id_that_it_had_under_the_former_name(tmp_path: Path) -> None:
    learner = plan_with("ridge", tmp_path).stages[0].runs[0].run.learner
    before = {"learning_rate": 2.0, "delta": 0.5, "curvature": 0.0, "exponent": 0.5}
    assert content_hash(learner) == content_hash({"kind": "son", "hyperparameters": before})


def test_a_stored_learner_is_built_from_the_former_name_without_a_warning() -> None:
    learner = stored_learner({"kind": "son", "hyperparameters": {"learning_rate": 2.0, "delta": 0.5}})
    assert learner.hyperparameters() == {"learning_rate": 2.0, "ridge": 0.5, "curvature": 0.0, "exponent": 0.5}
