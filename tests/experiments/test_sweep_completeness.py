"""Results that lack something say so, wherever they are shown: six orders of which one is taken away in every way."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_sweeps import fail, play

import regret_experiments
from regret_experiments.figures import draw, save
from regret_experiments.report.payload import build_payload
from regret_experiments.store import Store
from regret_experiments.tables import rank_table, table_text
from regret_experiments.verification import verify

CONFIG = """
name: six
orders: 6
checkpoints: 3
environments:
  - {name: e, kind: spectrum_linear, dimension: 4, horizon: 40, domain: {kind: ball, radius: 1.0}}
learners:
  - {kind: ogd, learning_rate: 0.1}
  - {kind: adagrad_norm, learning_rate: theorem}
"""
STAGES = """
stages:
  - {name: tune}
  - {name: report, best_of: {stage: tune}, environments: {e: e}, orders: [7]}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve finished runs."""
    return play(CONFIG, tmp_path_factory.mktemp("whole"))


def harmed(whole: Path, target: Path, harm: str) -> Path:
    """A copy of which one run (adagrad_norm, order 5) is missing, damaged or failed, or one too many is there."""
    shutil.copytree(whole, target)
    store = Store(target)
    plan = store.plan()
    assert plan is not None
    last = plan["runs"][-1]
    assert (last["learner"], last["order"]) == ("adagrad_norm", 5)
    home = target / "runs" / last["id"][:2] / last["id"]
    if harm == "missing":
        home.with_suffix(".json").unlink()
        home.with_suffix(".npy").unlink()
    elif harm == "damaged":
        home.with_suffix(".npy").write_bytes(home.with_suffix(".npy").read_bytes()[:100])
    elif harm == "failed":
        fail(target, 1)
    else:
        store.write_plan(plan | {"runs": plan["runs"][:-1]})
    return target


def texts_of(figure: Any, place: Path) -> str:
    """What is written in a figure, from its file."""
    drawn = save(figure, place / "figure.svg").read_text()
    return "\n".join(re.findall(r">([^<>]+)</(?:text|tspan)>", drawn))


def test_whole_results_say_nothing(whole: Path, tmp_path: Path, oco: Any) -> None:
    results = regret_experiments.load(whole)
    assert results.shortfalls == ()
    assert rank_table(results.runs)["complete"].all()
    for command in (("table", whole, "--strict"), ("check", whole)):
        said = oco(*command)
        assert said.code == 0
        assert "INCOMPLETE" not in said.out + said.err
        assert "!" not in said.out
    assert "INCOMPLETE" not in texts_of(draw(results, "memory"), tmp_path)
    payload = build_payload(results)
    assert payload["shortfalls"] == []
    assert [group["best"]["orders"] for group in payload["games"][0]["groups"]] == [[6, 6], [6, 6]]


@pytest.mark.parametrize("harm", ["missing", "damaged", "failed"])
def test_one_order_of_six_that_is_lost_is_named_everywhere(whole: Path, tmp_path: Path, oco: Any, harm: str) -> None:
    path = harmed(whole, tmp_path / "r", harm)
    results = regret_experiments.load(path)
    head, *lines = results.shortfalls
    assert head == f"11 of 12 runs are finished: 1 {harm}"
    assert f"{harm}: adagrad_norm on e: 1 run (order 5)" in lines

    ogd, adagrad = rank_table(results.runs).to_dict("records")
    assert (ogd["orders"], ogd["orders_planned"], ogd["complete"]) == (6, 6, True)
    assert (adagrad["orders"], adagrad["orders_planned"], adagrad["complete"]) == (5, 6, False)
    assert (adagrad["runs"], adagrad["finished"], adagrad[harm]) == (6, 5, 1)

    plain, strict = oco("table", path), oco("table", path, "--strict")
    assert (plain.code, strict.code) == (0, 1)
    for said in (plain, strict):
        marked = [line for line in said.out.splitlines() if "5 of 6" in line and "!" in line]
        assert len(marked) == 1
        assert "adagrad_norm" in marked[0]
        assert f"! INCOMPLETE: {head}" in said.out
    as_csv = oco("table", path, "--csv", "--strict")
    assert as_csv.code == 1
    assert "INCOMPLETE" in as_csv.err

    checked = oco("check", path)
    assert checked.code == 1
    assert f"INCOMPLETE: {head}" in checked.out
    assert list(verify(path).shortfalls) == [head, *lines]

    assert oco("export", path).code == 0
    exported = pd.read_csv(path / "runs.csv")
    assert list(exported["status"]).count(harm) == 1
    assert pd.read_csv(path / "table.csv")["orders"].tolist() == [6, 5]

    payload = build_payload(results)
    assert payload["shortfalls"] == [head, *lines]
    groups = {payload["learners"][group["learner"]]["name"]: group for group in payload["games"][0]["groups"]}
    assert groups["ogd"]["best"]["orders"] == [6, 6]
    assert groups["adagrad_norm"]["best"]["orders"] == [5, 6]


def test_a_figure_of_incomplete_results_is_marked(whole: Path, tmp_path: Path) -> None:
    results = regret_experiments.load(harmed(whole, tmp_path / "r", "missing"))
    for kind in ("memory", "curves", "table", "sensitivity", "time"):
        words = texts_of(draw(results, kind), tmp_path)
        assert "INCOMPLETE: 11 of 12 runs" in " ".join(words.split()), kind
        if kind != "sensitivity":  # adagrad_norm tried no rates
            assert "AdaGrad-norm \N{DAGGER}" in words, kind
            assert "OGD \N{DAGGER}" not in words, kind


def test_a_damaged_file_is_named_by_its_path(whole: Path, tmp_path: Path, oco: Any) -> None:
    path = harmed(whole, tmp_path / "r", "damaged")
    (damaged,) = [line for line in regret_experiments.load(path).shortfalls if line.startswith("runs/")]
    assert (path / damaged.partition(":")[0]).is_file()
    assert damaged in oco("table", path).out
    assert damaged in oco("check", path).out


def test_a_run_that_nobody_asked_for_is_named_and_left_out(whole: Path, tmp_path: Path, oco: Any) -> None:
    path = harmed(whole, tmp_path / "r", "foreign")
    results = regret_experiments.load(path)
    assert len(results.runs) == 11
    (foreign,) = results.foreign
    assert results.shortfalls == (
        "11 of 11 runs are finished: 1 not asked for", f"run {foreign} is stored, and the plan does not ask for it",
    )  # fmt: skip
    assert oco("table", path, "--strict").code == oco("check", path).code == 1


def test_runs_without_a_plan_do_not_pass_for_all(whole: Path, tmp_path: Path, oco: Any) -> None:
    path = Path(shutil.copytree(whole, tmp_path / "r"))
    (path / "plan.json").unlink()
    assert "plan.json is missing" in regret_experiments.load(path).shortfalls
    assert oco("check", path).code == 1


def test_a_stage_that_has_not_begun_is_missing(tmp_path: Path) -> None:
    path = play(CONFIG + STAGES, tmp_path)
    assert regret_experiments.load(path).shortfalls == ()
    store = Store(path)
    plan = store.plan()
    assert plan is not None
    begun = [row for row in plan["runs"] if row["stage"] == "tune"]
    assert len(begun) == len(plan["runs"]) - 2
    for row in plan["runs"][len(begun) :]:
        (path / "runs" / row["id"][:2] / f"{row['id']}.json").unlink()
    store.write_plan(plan | {"runs": begun})
    assert regret_experiments.load(path).shortfalls == (
        "12 of 12 runs are finished: 1 stage not begun", "stage 'report' has not begun",
    )  # fmt: skip


def test_an_interrupted_sweep_lists_what_it_lacks_of_every_certain_stage(tmp_path: Path) -> None:
    """The plan is stored before the first run, with the runs of all stages that do not depend on results."""
    config = CONFIG + "stages: [{name: first, orders: [0]}, {name: second, orders: [1, 2]}]\n"
    path = play(config, tmp_path)
    store = Store(path)
    plan = store.plan()
    assert plan is not None
    for row in plan["runs"]:
        if row["stage"] == "second":
            (path / "runs" / row["id"][:2] / f"{row['id']}.json").unlink()
    head, *_ = regret_experiments.load(path).shortfalls
    assert head == "2 of 6 runs are finished: 4 missing"


def test_the_table_of_an_interrupted_sweep_does_not_show_one_order_as_six(whole: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(whole, tmp_path / "r"))
    plan = Store(path).plan()
    assert plan is not None
    for row in plan["runs"][7:]:
        (path / "runs" / row["id"][:2] / f"{row['id']}.json").unlink()
    text = table_text(rank_table(regret_experiments.load(path).runs))
    (line,) = [line for line in text.splitlines() if "adagrad_norm" in line]
    assert "1 of 6, theorem 1 of 6 !" in line
