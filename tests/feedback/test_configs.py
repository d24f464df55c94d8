"""Configs name wrappers with the environment inside, and needs that are not met are said before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_sweeps import play

from oco.errors import ConfigError
from regret_experiments.config import load_config
from regret_experiments.plan import make_plan
from regret_experiments.store.results import load

INSIDE = "{kind: spectrum_linear, dimension: 3, horizon: 40, domain: {kind: ball, radius: 1.0}}"


def config(environments: str, learners: str) -> str:
    return f"name: feedback\ncheckpoints: 4\nenvironments:\n{environments}\nlearners:\n{learners}\n"


def planned(tmp_path: Path, environments: str, learners: str) -> Any:
    path = tmp_path / "feedback.yaml"
    path.write_text(config(environments, learners))
    return make_plan(load_config(path))


def test_a_sweep_plays_every_feedback_and_stores_what_it_adds(tmp_path: Path) -> None:
    environments = f"""
  - {{name: late, kind: delayed, delay: 3, environment: {INSIDE}}}
  - {{name: blind, kind: bandit, points: 2, environment: {INSIDE}}}
  - {{name: hinted, kind: hinted, environment: {INSIDE}}}
  - {{name: bounded, kind: with_constraint, limit: 0.1, environment: {INSIDE}, constraint: {INSIDE}}}"""
    learners = """
  - {kind: delayed_ogd, environments: [late]}
  - {kind: ogd, environments: [late, hinted, bounded]}
  - {kind: two_point_bandit, environments: [blind]}
  - {kind: optimistic_ogd, environments: [hinted]}
  - {kind: primal_dual_ogd, environments: [bounded]}"""
    results = load(play(config(environments, learners), tmp_path))
    assert len(results.runs) == 7
    assert (results.runs["status"] == "finished").all()


def test_a_learner_over_another_one_has_it_as_a_mapping_in_configs_and_in_what_is_stored(tmp_path: Path) -> None:
    learners = """
  - {kind: ader, base: {kind: ogd, learning_rate: 0.1, schedule: constant}}
  - {kind: saol}"""
    results = load(play(config(f"\n  - {INSIDE}", learners), tmp_path))
    assert (results.runs["status"] == "finished").all()
    plan = planned(tmp_path, f"\n  - {INSIDE}", learners)
    bases = [one.run.learner["hyperparameters"]["base"] for stage in plan.stages for one in stage.runs]
    assert bases == [
        {"kind": "ogd", "learning_rate": 0.1, "schedule": "constant"},
        {"kind": "ogd", "learning_rate": None, "schedule": "constant"},
    ]
    for learner, sentence in (
        ("{kind: saol, base: ogd}", "base"),
        ("{kind: saol, base: {kind: odg}}", "there is no learner 'odg'"),
        ("{kind: saol, base: {kind: ogd, rate: 1.0}}", "unknown key, ogd takes"),
    ):
        with pytest.raises(ConfigError, match=rf"feedback.yaml(:\d+)?.*{sentence}"):
            planned(tmp_path, f"  - {INSIDE}", f"  - {learner}")


@pytest.mark.parametrize(
    ("environment", "learner", "sentence"),
    [
        (f"{{kind: bandit, environment: {INSIDE}}}", "ogd", "OGD needs gradients, .* the environment without Bandit"),
        (INSIDE, "optimistic_ogd", "OptimisticOGD needs a hint .*Hinted"),
        ("{kind: delayed, delay: 3}", "ogd", "delayed needs environment"),
        ("{kind: delayed, environment: ogd}", "ogd", "environment: must be a mapping with the kind of an environment"),
        ("{kind: delayed, environment: {kind: spectrum_liner}}", "ogd", "there is no environment 'spectrum_liner'"),
        (f"{{kind: delayed, delay: -1, environment: {INSIDE}}}", "ogd", "delays must be whole numbers"),
        (f"{{kind: bandit, point: 2, environment: {INSIDE}}}", "ogd", "unknown key, bandit takes .*points"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_with_its_line_before_the_sweep(
    environment: str, learner: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=rf"feedback.yaml(:\d+)?.*{sentence}"):
        planned(tmp_path, f"  - {environment}", f"  - {{kind: {learner}}}")
