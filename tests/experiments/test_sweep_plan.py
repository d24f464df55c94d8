"""Plans: content hashes, seeds, stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regret_experiments.config import load_config
from regret_experiments.plan import Plan, content_hash, make_plan
from regret_experiments.plan.content import canonical, plain


def planned(path: Path, *settings: str) -> Plan:
    return make_plan(load_config(path, settings))


def certain_runs(plan: Plan) -> set[str]:
    """Ids of the runs that are played whatever comes out of others."""
    return {each.run.id for stage in plan.stages if stage.best_of is None for each in stage.runs}


def test_a_plan_holds_every_combination_once(small: Path) -> None:
    plan = planned(small)
    (stage,) = plan.stages
    assert len(stage.runs) == 2 * 2 * (3 + 2 * 4)
    assert len(certain_runs(plan)) == len(stage.runs)
    assert {(each.learner, each.rank) for each in stage.runs} == {("ogd", None), ("fd_adagrad", 1), ("fd_adagrad", 3)}
    assert {each.run.game.id for each in stage.runs if each.environment == "ill"}.__len__() == 2


def test_a_rank_above_the_dimension_is_the_dimension_and_is_played_once(small: Path) -> None:
    """As for the learner itself: 80 and 200 directions of 8 are 8."""
    settings = (
        "environments=[{kind: spectrum_linear, dimension: 8, horizon: 50}]",
        "learners.fd_adagrad.rank=[1, 80, 200]",
    )
    runs = [each for stage in planned(small, *settings).stages for each in stage.runs if each.learner == "fd_adagrad"]
    assert {each.rank for each in runs} == {1, 8}
    assert {each.run.learner["hyperparameters"]["rank"] for each in runs} == {1, 8}
    assert len({each.run.id for each in runs}) == len(runs)


def test_names_and_positions_do_not_matter_to_a_run(small: Path) -> None:
    before = certain_runs(planned(small))
    renamed = certain_runs(planned(small, "name=other", "learners.ogd.name=mine", "environments.ill.name=other"))
    swapped = planned(small, "learners.ogd.learning_rate=[1.0, 0.1, theorem]", "orders=[1, 0]")
    assert before == renamed == certain_runs(swapped)


def test_numbers_are_their_values(small: Path) -> None:
    assert certain_runs(planned(small)) == certain_runs(planned(small, "learners.ogd.learning_rate=[theorem, 1e-1, 1]"))
    assert content_hash({"a": 5, "b": [np.float64(2.0), np.int64(3)]}) == content_hash({"b": (2, 3.0), "a": 5.0})
    assert canonical(float("nan")) == '"nan"'
    assert plain({1: np.arange(2)}) == {"1": [0, 1]}


@pytest.mark.parametrize(
    "setting", ["checkpoints=4", "comparator=false", "spectrum=false", "environments.ill.horizon=149", "repetitions=2"]
)
def test_what_changes_a_result_changes_the_hash(setting: str, small: Path) -> None:
    before, after = certain_runs(planned(small)), certain_runs(planned(small, setting))
    assert before != after


def test_a_changed_part_leaves_the_rest(small: Path) -> None:
    before = certain_runs(planned(small))
    after = certain_runs(planned(small, "learners.ogd.learning_rate=[theorem, 0.1, 2.0]"))
    assert len(before & after) == len(before) - 4


def test_learners_share_the_order_and_not_their_own_seed(small: Path) -> None:
    runs = [each.run for each in planned(small, "repetitions=2").stages[0].runs]
    for game in {run.game.id for run in runs}:
        assert len({run.seeds["order"] for run in runs if run.game.id == game}) == 1
    assert len({run.seeds["order"] for run in runs}) == 4
    assert len({run.seeds["learner"] for run in runs}) == len(runs)
    assert all(0 <= seed < 2**53 for run in runs for seed in run.seeds.values())


def test_learners_may_be_kept_to_some_environments(small: Path) -> None:
    plan = planned(small, "learners.ogd.environments=[ill]")
    assert {each.environment for each in plan.stages[0].runs if each.learner == "ogd"} == {"ill"}


def test_plan_lists_runs_and_says_what_is_done(small: Path, oco: Any, tmp_path: Path) -> None:
    said = oco("plan", small, "--results", tmp_path / "results")
    assert said.code == 0
    assert "44 runs: 0 done, 0 failed, 44 left; about" in said.out
    assert not (tmp_path / "results").exists()
    oco("sweep", small, "--results", tmp_path / "results", "--jobs", 1, "--set", "orders=1", "--no-figures")
    said = oco("plan", small, "--results", tmp_path / "results", "--list")
    assert "44 runs: 22 done, 0 failed, 22 left" in said.out
    assert said.out.count("  finished  ") == 22
    assert "  missing   fd_adagrad, rank 3, learning_rate the theorem's on ill, order 1" in said.out
    assert "{" not in said.out
