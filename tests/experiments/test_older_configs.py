"""Configs that were written for an older version open, and their runs keep the ids under which results are stored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from oco.domains import DOMAINS
from oco.environments import ENVIRONMENTS
from oco.learners import LEARNERS
from oco.losses import SCALAR_LOSSES
from regret_experiments.config import load_config
from regret_experiments.plan import make_plan
from regret_experiments.training import load_training
from regret_experiments.training.sweep import tuning_runs

OLDER = Path(__file__).with_name("older_configs")
IDS: dict[str, Any] = json.loads((OLDER / "ids.json").read_text())
LARGE = {"paper/a9a.yaml", "paper/cifar10.yaml", "paper/mnist.yaml"}
NO_DATA = {"every_kind.yaml", "rank_sweep.yaml", "paper/table1.yaml"}
"""Those that play drawn games and data sets of scikit-learn only."""

# A spelling that goes away warns for one release, and is still what these configs say.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def digest(ids: set[str]) -> dict[str, Any]:
    return {"runs": len(ids), "digest": hashlib.sha256("".join(sorted(ids)).encode()).hexdigest()[:20]}


def sweeps() -> list[Any]:
    names = [name for name in IDS if "training" not in name and name != "every_kind.yaml"]
    marks = {name: [] if name in NO_DATA else [pytest.mark.data] for name in names}
    return [pytest.param(name, marks=marks[name] + [pytest.mark.slow] * (name in LARGE), id=name) for name in names]


@pytest.mark.parametrize("name", sweeps())
def test_a_sweep_keeps_its_ids(name: str) -> None:
    plan = make_plan(load_config(OLDER / name))
    assert digest({planned.run.id for stage in plan.stages for planned in stage.runs}) == IDS[name]


@pytest.mark.parametrize("name", [name for name in IDS if "training" in name])
def test_a_training_sweep_keeps_its_ids(name: str) -> None:
    config, _ = load_training(OLDER / name)
    assert digest({run.id for _, run in tuning_runs(config)}) == IDS[name]


@pytest.mark.parametrize("part", ["scale", "stand_in"])
def test_a_config_whose_data_may_be_missing_is_valid(part: str) -> None:
    assert load_config(OLDER / "paper" / f"gisette_{part}.yaml").config.name == f"paper_gisette_{part}"


def test_every_kind_keeps_its_ids() -> None:
    plan = make_plan(load_config(OLDER / "every_kind.yaml"))
    found = {planned.words: planned.run.id for stage in plan.stages for planned in stage.runs}
    assert found == IDS["every_kind.yaml"]


def test_every_kind_is_every_kind() -> None:
    config = load_config(OLDER / "every_kind.yaml").config
    # Price relatives are always a file of one's own.
    assert {entry.kind for entry in config.environments} == set(ENVIRONMENTS.built_in) - {
        "portfolio_selection",
        "attack_found",
    }
    assert {entry.keywords["domain"]["kind"] for entry in config.environments if "domain" in entry.keywords} >= set(
        DOMAINS.built_in
    ) - {"simplex"}  # it is the domain of the games with experts
    played = {entry.kind for entry in config.learners}
    assert played <= set(LEARNERS.built_in)
    assert len(played) >= 27
    assert {entry.keywords["loss"] for entry in config.environments if "loss" in entry.keywords} <= set(SCALAR_LOSSES)
