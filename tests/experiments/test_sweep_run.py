"""Sweeps from end to end: what is missing is played, once, and the same everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import regret_experiments
from regret_experiments.config import load_config
from regret_experiments.execution import Backend, run_sweep
from regret_experiments.execution.engine import Counts
from regret_experiments.plan import make_plan
from regret_experiments.store import Store
from regret_experiments.tables import rank_table


class Silent:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def start(self, what: str, total: int, done: int) -> None:
        self.told.append(f"{what} {done}/{total}")

    def tell(self, outcome: Any, labels: dict[str, Any]) -> None:
        self.told.append(outcome.id)

    def elsewhere(self, count: int) -> None:
        self.told.append("elsewhere")

    def close(self) -> None:
        self.told.append("close")


def sweep(
    config: Path, results: Path, *settings: str, backend: Backend | None = None, retry_failed: bool = False
) -> Counts:
    plan = make_plan(load_config(config, settings))
    return run_sweep(plan, Store(results), backend=backend, progress=Silent(), retry_failed=retry_failed).runs


def numbers(results: Path) -> dict[str, Any]:
    """Everything that a sweep found, timings aside."""
    store = Store(results)
    found: dict[str, Any] = {}
    for kind in ("runs", "games"):
        for path in sorted((results / kind).glob("??/*.json")):
            stored = store.read(kind, path.stem)
            assert stored is not None
            kept = {
                k: v for k, v in stored.metadata.items() if k not in ("timings", "seconds", "ended_at", "provenance")
            }
            found[f"{kind}/{path.stem}"] = json.dumps(kept), {k: v.tobytes() for k, v in stored.arrays.items()}
    return found


def test_a_sweep_is_played_stored_and_told(small: Path, tmp_path: Path, oco: Any) -> None:
    said = oco("sweep", small, "--results", tmp_path / "r", "--jobs", 1, "--no-figures")
    assert said.code == 0
    assert "44 runs played now, 0 were stored already" in said.out
    assert "power_law" in said.out
    assert said.err == ""
    runs = pd.read_csv(tmp_path / "r" / "runs.csv")
    assert len(runs) == 44
    assert (runs["status"] == "finished").all()
    assert (runs["regret_lower"] <= runs["regret_upper"]).all()
    assert (runs["bound_valid"] & (runs["regret_lower"] > runs["bound"])).sum() == 0
    table = pd.read_csv(tmp_path / "r" / "table.csv")
    assert list(table["learner"]) == ["ogd", "fd_adagrad", "fd_adagrad"] * 2
    curves = pd.read_csv(tmp_path / "r" / "curves.csv")
    assert curves.groupby("id").size().eq(5).all()
    assert (tmp_path / "r" / "config.yaml").read_text() == small.read_text()


def test_exported_curves_are_those_of_the_runs(small: Path, tmp_path: Path, oco: Any) -> None:
    """They are left alone where nothing changed, and written where they are missing or a run was played again."""
    again = ("sweep", small, "--results", tmp_path / "r", "--jobs", 1, "--no-figures")
    curves = tmp_path / "r" / "curves.csv"
    assert oco(*again).code == 0
    written, when = curves.read_bytes(), curves.stat().st_mtime_ns
    assert oco(*again).code == 0
    assert curves.stat().st_mtime_ns == when
    curves.unlink()
    assert oco(*again).code == 0
    assert curves.read_bytes() == written
    curves.write_text("what a killed command left")
    next((tmp_path / "r" / "runs").rglob("*.json")).unlink()
    assert "1 runs played now" in oco(*again).out
    assert curves.read_bytes() == written


def test_again_nothing_is_played(small: Path, tmp_path: Path) -> None:
    first = sweep(small, tmp_path / "r")
    assert first == Counts(finished=44)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "r").rglob("*.json")}
    assert sweep(small, tmp_path / "r") == Counts(before=44)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "r").rglob("*.json")} == before


def test_a_changed_config_runs_what_changed(small: Path, tmp_path: Path) -> None:
    sweep(small, tmp_path / "r")
    counts = sweep(small, tmp_path / "r", "learners.ogd.learning_rate=[theorem, 0.1, 2.0]", "name=other")
    assert counts == Counts(before=40, finished=4)
    runs = regret_experiments.load(tmp_path / "r").runs
    assert len(runs) == 44
    assert sorted(runs.loc[runs["learner"] == "ogd", "learning_rate"].dropna().unique()) == [0.1, 2.0]


@pytest.mark.parametrize("backend", [Backend("threads", 2), Backend("threads", 5), Backend("processes", 2)], ids=repr)
def test_results_are_the_same_bit_for_bit_on_every_backend(backend: Backend, small: Path, tmp_path: Path) -> None:
    assert sweep(small, tmp_path / "one", backend=Backend("processes", 1)) == Counts(finished=44)
    assert sweep(small, tmp_path / "other", backend=backend) == Counts(finished=44)
    assert numbers(tmp_path / "one") == numbers(tmp_path / "other")


def test_a_stored_comparator_is_the_one_that_play_finds(small: Path, tmp_path: Path) -> None:
    import oco
    from regret_experiments.plan.building import build_environment, build_learner

    sweep(small, tmp_path / "r", "orders=1")
    for stored in Store(tmp_path / "r").runs():
        content = stored.metadata["content"]
        record = oco.play(
            build_environment(content["environment"]["kind"], content["environment"]["keywords"]).environment,
            build_learner(content["learner"]["kind"], content["learner"]["hyperparameters"]),
            seed=stored.metadata["seeds"]["order"],
            checkpoints=content["checkpoints"],
        )
        for name, curve in record.curves.items():
            assert np.array_equal(curve, stored.arrays[name], equal_nan=True), name


DIVERGES = """
name: diverges
environments:
  - {kind: diverging, horizon: 40}
learners:
  - {kind: ogd, learning_rate: [0.1, theorem]}
"""


@pytest.fixture
def diverging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config whose environment reveals NaN from round 20 on, until it is mended."""
    from oco.environments import ENVIRONMENTS, SpectrumLinear

    class Diverging(SpectrumLinear):
        name = "diverging"
        mended = False

        def targets(self, rows: np.ndarray) -> np.ndarray:
            return np.zeros(len(rows))

        def block(self, start: int, stop: int) -> Any:
            block = super().block(start, stop)
            if stop > 20 and not type(self).mended:
                block.rows[max(0, 20 - start) :] = np.nan
            return block

    monkeypatch.setitem(ENVIRONMENTS.built_in, "diverging", Diverging)
    path = tmp_path / "diverges.yaml"
    path.write_text(DIVERGES)
    return path


def test_failures_are_rows_with_their_reason(diverging: Path, tmp_path: Path, oco: Any) -> None:
    from oco.environments import ENVIRONMENTS

    arguments = (
        "sweep",
        diverging,
        "--results",
        tmp_path / "r",
        "--jobs",
        1,
        "--no-figures",
        "--set",
        "comparator=false",
    )
    said = oco(*arguments)
    assert said.code == 1
    assert "2 runs failed, the first with: round 21" in said.err
    assert "--retry-failed plays them again" in said.err
    runs = regret_experiments.load(tmp_path / "r").runs
    assert list(runs["status"]) == ["failed", "failed"]
    assert runs["message"].str.contains("round 21").all()
    stored = next(Store(tmp_path / "r").runs())
    assert stored.metadata["error"] == "NumericsError"
    assert "Traceback" in stored.metadata["traceback"]
    assert "all 2 runs failed" in said.out

    ENVIRONMENTS["diverging"].mended = True
    assert "0 runs played now, 2 were stored already" in oco(*arguments).out
    said = oco(*arguments, "--retry-failed")
    assert said.code == 0
    assert "2 runs played now" in said.out


def test_a_comparator_that_cannot_be_found_fails_its_runs(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oco.environments import SpectrumLinear
    from oco.errors import ComparatorError

    def refuse(*_: object) -> None:
        raise ComparatorError("no certificate below 1e-6", gap=0.5)

    monkeypatch.setattr(SpectrumLinear, "comparator_curve", refuse)
    assert sweep(small, tmp_path / "r") == Counts(finished=22, failed=22)
    runs = regret_experiments.load(tmp_path / "r").runs
    failed = runs[runs["environment"] == "power_law"]
    assert set(failed["message"]) == {"no best fixed point is known for this game: no certificate below 1e-6"}
    monkeypatch.undo()
    assert sweep(small, tmp_path / "r", retry_failed=True) == Counts(before=22, finished=22)


def test_data_that_changed_under_a_plan_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "own.csv"
    data.write_text("".join(f"{i % 3},{i % 5},{1 if i % 2 else -1}\n" for i in range(40)))
    config = tmp_path / "own.yaml"
    config.write_text(
        f"name: own\nenvironments:\n  - {{kind: logistic_regression, data: {data}, domain: {{kind: ball}}}}\n"
        "learners:\n  - {kind: ogd}\n"
    )
    plan = make_plan(load_config(config))
    data.write_text("".join(f"{i % 4},{i % 5},{1 if i % 2 else -1}\n" for i in range(40)))
    from regret_experiments.execution import games

    games._environment.cache_clear()
    counts = run_sweep(plan, Store(tmp_path / "r"), progress=Silent()).runs
    assert counts.failed == 1
    (stored,) = Store(tmp_path / "r").runs()
    assert "is not what it was when this run was planned" in stored.metadata["message"]


STAGES = """
name: paper_protocol
orders: 2
comparator: false
budget: 4
environments:
  - {name: train, kind: spectrum_linear, dimension: 6, horizon: 80, problem_seed: 1}
  - {name: test, kind: spectrum_linear, dimension: 6, horizon: 90, problem_seed: 2}
learners:
  - {kind: ogd, learning_rate: {log_grid: {low: 0.01, high: 10, points: 4}}}
  - {kind: fd_adagrad, rank: [1, 2], learning_rate: {log_grid: {low: 0.01, high: 10, points: 4}}}
stages:
  - {name: tune, environments: [train]}
  - {name: report, best_of: {stage: tune, by: cumulative_loss}, environments: {train: test}}
"""


def test_best_points_of_one_stream_are_played_on_another(tmp_path: Path, oco: Any) -> None:
    path = tmp_path / "stages.yaml"
    path.write_text(STAGES)
    said = oco("plan", path)
    assert "30 runs: 0 done" in said.out
    assert sweep(path, tmp_path / "r") == Counts(finished=30)
    runs = regret_experiments.load(tmp_path / "r").runs
    tuned = runs[runs["stage"] == "tune"].assign(rank=lambda frame: frame["rank"].fillna(0))
    means = tuned.groupby(["learner", "rank", "learning_rate"])["cumulative_loss"].mean().reset_index()
    best = means.loc[means.groupby(["learner", "rank"])["cumulative_loss"].idxmin()]
    wanted = {(row.learner, int(row.rank)): row.learning_rate for row in best.itertuples()}
    reported = runs[runs["stage"] == "report"]
    assert len(reported) == 6
    assert {
        (row.learner, 0 if pd.isna(row.rank) else int(row.rank)): row.learning_rate for row in reported.itertuples()
    } == wanted
    assert set(reported["environment"]) == {"test"}


def test_a_stage_has_its_own_orders_and_what_it_tracks(tmp_path: Path) -> None:
    path = tmp_path / "stages.yaml"
    path.write_text(
        STAGES.replace("comparator: false", "comparator: true")
        .replace("environments: [train]}", "environments: [train], orders: 1, comparator: false, spectrum: false}")
        .replace("environments: {train: test}}", "environments: {train: test}, orders: [3, 5, 7]}")
    )
    assert sweep(path, tmp_path / "r") == Counts(finished=12 + 9)
    runs = regret_experiments.load(tmp_path / "r").runs
    tuned, reported = runs[runs["stage"] == "tune"], runs[runs["stage"] == "report"]
    assert set(tuned["order"]) == {0}
    assert set(reported["order"]) == {3, 5, 7}
    assert tuned["regret_upper"].isna().all()
    assert tuned["tail_mass"].isna().all()
    assert reported["regret_upper"].notna().all()
    assert reported.loc[reported["learner"] == "fd_adagrad", "tail_mass"].notna().all()


def test_the_best_point_is_one_point_whichever_learner_comes_first(tmp_path: Path) -> None:
    """A hyper-parameter that the first learner lacks is tuned over like any other."""
    path = tmp_path / "points.yaml"
    grid = "{log_grid: {low: 0.01, high: 10, points: 4}}"
    lines = [
        f"  - {{kind: {learner}, learning_rate: {grid}}}"
        for learner in ("ogd", "fd_adagrad, rank: 2, delta: [0, 1], tune: [delta]")
    ]
    head = STAGES.partition("learners:")[0].replace("comparator: false\nbudget: 4\n", "")
    path.write_text("\n".join([head + "learners:", *lines, ""]))
    sweep(path, tmp_path / "r")
    runs = regret_experiments.load(tmp_path / "r").runs
    row = rank_table(runs).set_index(["environment", "learner"]).loc[("train", "fd_adagrad")]
    tried = runs[(runs["environment"] == "train") & (runs["learner"] == "fd_adagrad")]
    means = tried.groupby(["delta", "learning_rate"])["regret_upper"].mean()
    assert row["regret_best"] == pytest.approx(means.min())
    delta, rate = means.idxmin()
    assert set(row["best_point"].split()) == {f"delta={delta:g}", f"learning_rate={rate:g}"}


def test_two_sweeps_at_once_share_the_work(small: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "regret_experiments", "sweep", str(small), "--results", str(tmp_path / "r")]
    command += ["--jobs", "1", "--no-figures", "--log-json", "--set", "orders=4"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    played: list[str] = []
    for process in processes:
        _, log = process.communicate(timeout=120)
        assert process.returncode == 0, log
        played += [line["id"] for line in map(json.loads, log.splitlines()) if line["event"] == "finished"]
    assert len(played) == len(set(played)) == 88 + 8
    assert numbers(tmp_path / "r").keys() == {
        *(f"runs/{name}" for name in played if f"runs/{name}" in numbers(tmp_path / "r")),
        *(f"games/{name}" for name in played if f"games/{name}" in numbers(tmp_path / "r")),
    }
    sweep(small, tmp_path / "alone", "orders=4")
    assert numbers(tmp_path / "alone") == numbers(tmp_path / "r")


def test_log_json_is_lines_of_json(small: Path, tmp_path: Path, oco: Any) -> None:
    said = oco(
        "sweep", small, "--results", tmp_path / "r", "--jobs", 1, "--no-figures", "--log-json", "--set", "orders=1"
    )
    lines = [json.loads(line) for line in said.err.splitlines()]
    assert [line["event"] for line in lines if line["what"] == "comparators"] == [
        "start",
        "finished",
        "finished",
        "end",
    ]
    runs = [line for line in lines if line["what"] == "runs"]
    assert [line["event"] for line in runs] == ["start", *["finished"] * 22, "end"]
    assert runs[-1]["done"] == runs[-1]["total"] == 22
    assert {"id", "seconds", "environment", "learner", "rank", "point", "order"} <= runs[5].keys()


def test_reproduce_and_diff(small: Path, tmp_path: Path, oco: Any) -> None:
    sweep(small, tmp_path / "r", "orders=1")
    sweep(small, tmp_path / "s", "orders=1")
    name = next(Store(tmp_path / "r").runs()).id
    said = oco("reproduce", tmp_path / "r", name[:8])
    assert (said.code, said.out) == (0, f"run {name[:8]} came out the same, bit for bit\n")
    assert oco("diff", tmp_path / "r", tmp_path / "s").out == "no run differs\n"

    store = Store(tmp_path / "s")
    stored = store.read("runs", name)
    assert stored is not None
    arrays = {key: array.copy() for key, array in stored.arrays.items()}
    arrays["cumulative_loss"][-1] *= 1 + 1e-12
    stored.metadata["scalars"]["cumulative_loss"] = float(arrays["cumulative_loss"][-1])
    store.write("runs", stored.metadata, arrays)
    said = oco("reproduce", tmp_path / "s", name)
    assert said.code == 1
    assert "cumulative_loss differs by up to" in said.out
    said = oco("diff", tmp_path / "r", tmp_path / "s")
    assert said.code == 1
    assert said.out.count(name) == said.out.count("\n") == 2
    assert "(relative difference 1e-12)" in said.out
    assert oco("diff", tmp_path / "r", tmp_path / "s", "--relative", "1e-9").code == 0

    sweep(small, tmp_path / "r", "orders=2")
    said = oco("diff", tmp_path / "r", tmp_path / "s", "--relative", "1e-9")
    assert said.code == 1
    assert said.out.count(f"in {tmp_path / 'r'}, not in {tmp_path / 's'}") == 22
    assert oco("reproduce", tmp_path / "r", "zz").err.startswith("Error: no run in")


def test_export(small: Path, tmp_path: Path, oco: Any) -> None:
    pytest.importorskip("pyarrow")
    sweep(small, tmp_path / "r", "orders=1")
    said = oco("export", tmp_path / "r", "--parquet")
    assert said.code == 0
    runs = pd.read_parquet(tmp_path / "r" / "runs.parquet")
    assert len(runs) == 22
    assert oco("table", tmp_path / "r", "--csv").out.startswith("stage,environment,learner,kind,rank,")


def test_provenance_says_under_what_a_run_was_made(small: Path, tmp_path: Path) -> None:
    sweep(small, tmp_path / "r", "orders=1")
    (path,) = (tmp_path / "r" / "provenance").iterdir()
    facts = json.loads(path.read_text())
    assert facts["machine"]["packages"]["numpy"] == np.__version__
    assert {"command", "git", "machine"} <= facts.keys()
    assert all(stored.metadata["provenance"] == path.stem for stored in Store(tmp_path / "r").runs())
