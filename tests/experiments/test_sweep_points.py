"""What tables tune over and what they compare: small sweeps whose best points are found here by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_sweeps import PLANE, play
from test_sweep_tables import frame, run

import regret_experiments
from oco.errors import ConfigError
from regret_experiments.config import load_config
from regret_experiments.config.values import tuned_names
from regret_experiments.figures.replay import decisions
from regret_experiments.figures.selection import dynamic_frame, select_runs
from regret_experiments.plan import make_plan
from regret_experiments.report.payload import build_payload
from regret_experiments.store import Store
from regret_experiments.store.hyperparameters import Hyperparameters
from regret_experiments.tables import best_runs, rank_table

GAME = """
name: points
orders: 2
checkpoints: 3
environments:
  - {name: e, kind: spectrum_linear, dimension: 4, horizon: 40, domain: {kind: ball, radius: 1.0}}
"""
COMPARED = GAME + (
    "learners:\n  - {kind: fd_adagrad, rank: 2, compensation: [full, none], learning_rate: [theorem, 0.1, 1.0, 10.0]}\n"
)


def means(runs: pd.DataFrame, *by: str) -> pd.Series[float]:
    """Mean regret over the orders at every value of ``by``."""
    return runs.astype({"regret_upper": float}).groupby(list(by), dropna=False)["regret_upper"].mean()


def test_the_theorems_rate_is_the_best_where_it_is() -> None:
    rows = [run("ogd", None, rate, order, regret + order) for rate, regret in ((None, 10.0), (0.1, 20.0), (1.0, 30.0))
            for order in (0, 1)]  # fmt: skip
    runs = frame(rows)
    (row,) = rank_table(runs).to_dict("records")
    assert (row["regret_best"], row["best_point"], row["at_edge"]) == (10.5, "theorem", False)
    assert row["regret_best"] == row["regret_theorem"]
    assert set(best_runs(runs)["learning_rate"].isna()) == {True}


def test_the_best_is_the_least_of_all_that_was_played(tmp_path: Path) -> None:
    results = regret_experiments.load(play(COMPARED, tmp_path))
    for row in rank_table(results.runs).to_dict("records"):
        played = results.runs[results.runs["learner"] == row["learner"]]
        assert row["regret_best"] == pytest.approx(means(played, "learning_rate").min())
        assert row["regret_best"] <= row["regret_theorem"]


def test_words_make_rows_and_rates_are_tuned_in_each(tmp_path: Path) -> None:
    path = play(COMPARED, tmp_path)
    results = regret_experiments.load(path)
    assert results.tuned == ("learning_rate",)
    assert set(results.hyperparameters) == {"compensation", "learning_rate"}
    table = rank_table(results.runs).set_index("learner")
    assert list(table.index) == ["fd_adagrad compensation=full", "fd_adagrad compensation=none"]
    for word in ("full", "none"):
        mine = results.runs[results.runs["compensation"] == word]
        by_rate = means(mine, "learning_rate")
        row = table.loc[f"fd_adagrad compensation={word}"]
        assert row["regret_best"] == pytest.approx(by_rate.min())
        best = by_rate.idxmin()
        assert row["best_point"] == ("theorem" if np.isnan(best) else f"{best:g}")
        assert (row["runs"], row["orders"]) == (8, 2)
    payload = build_payload(results)
    assert [learner["name"] for learner in payload["learners"]] == list(table.index)
    assert len(set(results.curves["learner"])) == 2
    # A plan that was stored before it said what is tuned is read with the config beside it.
    plan = Store(path).plan()
    assert plan is not None
    assert plan.pop("tuned") == {"fd_adagrad": ["learning_rate"]}
    Store(path).write_plan(plan)
    pd.testing.assert_frame_equal(rank_table(regret_experiments.load(path).runs), rank_table(results.runs))


@pytest.mark.parametrize(
    ("given", "tuned"),
    [("delta: [0.0, 1.0]", False), ("delta: [0.0, 1.0], tune: [delta]", True),
     ("delta: {grid: {low: 0.0, high: 1.0, points: 2}}", True)],
)  # fmt: skip
def test_a_list_is_compared_unless_the_config_says_that_it_is_tuned(tmp_path: Path, given: str, tuned: bool) -> None:
    learners = f"learners:\n  - {{kind: fd_adagrad, rank: 2, {given}, learning_rate: [0.1, 1.0]}}\n"
    path = play(GAME + learners, tmp_path)
    results = regret_experiments.load(path)
    table = rank_table(results.runs).set_index("learner")
    by_point = means(results.runs, "delta", "learning_rate")
    if tuned:
        assert set(results.tuned) == {"delta", "learning_rate"}
        (row,) = table.to_dict("records")
        assert row["regret_best"] == pytest.approx(by_point.min())
        delta, rate = by_point.idxmin()
        assert set(row["best_point"].split()) == {f"delta={delta:g}", f"learning_rate={rate:g}"}
    else:
        for delta in (0.0, 1.0):
            assert table.loc[f"fd_adagrad delta={delta:g}", "regret_best"] == pytest.approx(by_point[delta].min())


def test_what_is_zipped_with_a_rate_is_tuned_with_it() -> None:
    rates, deltas = [0.1, 1.0], [0.0, 0.5]
    assert tuned_names({"rank": [1, 2]}, {"learning_rate": rates, "delta": deltas}) == ("learning_rate", "delta")
    assert tuned_names({"learning_rate": rates}, {"delay": [0, 5], "delta": deltas}) == ("learning_rate",)
    mixed = [1.0, {"log_grid": {"low": 1.0, "high": 10.0, "points": 2}}]
    assert tuned_names({"delay": [0, 5], "delta": mixed}, {}) == ("delta",)


def test_tune_names_a_hyper_parameter_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(GAME + "learners:\n  - {kind: ogd, learning_rate: 1.0, tune: [delta]}\n")
    with pytest.raises(ConfigError, match=r"learners\[0\]\.tune\[0\].*no hyper-parameter called 'delta'"):
        load_config(path)


def test_a_later_stage_plays_the_best_rate_of_every_word(tmp_path: Path) -> None:
    stages = "stages:\n  - {name: tune}\n  - {name: report, best_of: {stage: tune, by: regret_upper}, " \
        "environments: {e: e}, orders: [5]}\n"  # fmt: skip
    runs = regret_experiments.load(play(COMPARED + stages, tmp_path)).runs
    reported = runs[runs["stage"] == "report"].set_index("compensation")["point"].to_dict()
    assert set(reported) == {"full", "none"}
    tuned = runs[runs["stage"] == "tune"]
    for word, point in reported.items():
        assert point == means(tuned[tuned["compensation"] == word], "point").idxmin()


def test_a_budget_is_of_points_that_are_tuned(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(COMPARED + "budget: 3\n")  # the theorem's rate costs nothing
    assert len(make_plan(load_config(path)).stages[0].runs) == 16


def test_a_rate_that_the_constructor_sets_is_not_the_theorems(tmp_path: Path) -> None:
    config = GAME + "learners:\n  - {kind: adam}\n  - {kind: ogd, learning_rate: [theorem, 0.1]}\n"
    results = regret_experiments.load(play(config, tmp_path))
    adam = rank_table(results.runs).set_index("learner").loc["adam"]
    assert np.isnan(adam["regret_theorem"])
    assert adam["regret_best"] == pytest.approx(means(results.runs, "learner")["adam"])


def test_points_that_differ_read_differently_and_names_do_not_collide() -> None:
    rates = (0.1234567, 0.1234568)
    rows = [{"learner": "mine", "point": {"order": 3, "learning_rate": rate}} for rate in rates]
    named = Hyperparameters(rows, {}, {"order"})
    assert named.names == ("hyperparameter order", "learning_rate")
    assert len({named.point(row) for row in rows}) == 2
    assert named.columns(rows[0]) == {"hyperparameter order": 3, "learning_rate": rates[0]}
    assert named.learner(rows[0]) == "mine"


@pytest.mark.parametrize("learner", ["ada_lr", "oja_son"])
def test_a_replayed_game_is_the_one_that_was_stored(tmp_path: Path, learner: str) -> None:
    """Losses are linear: the points and gradients of the replay add up to the stored loss."""
    config = (
        GAME.replace("dimension: 4", "dimension: 2")
        + f"learners:\n  - {{kind: {learner}, rank: 1, learning_rate: 1.0}}\n"
    )
    results = regret_experiments.load(play(config, tmp_path))
    for row in results.runs.to_dict("records"):
        moves = decisions(results, pd.DataFrame([row]))
        loss = (moves["x"] * moves["gradient_x"] + moves["y"] * moves["gradient_y"]).sum()
        assert loss == pytest.approx(row["cumulative_loss"], rel=1e-12, abs=1e-12)


def test_dynamic_regret_is_drawn_as_it_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = regret_experiments.load(play(PLANE, tmp_path))
    curves = results.curves.merge(select_runs(results.runs)[["id", "kind"]], on="id")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a stored curve needs no game")

    monkeypatch.setattr("regret_experiments.execution.games.environment_of", refuse)
    shown, switches = dynamic_frame(results, curves)
    assert switches == [40, 80]
    for identifier, rows in shown.groupby("id", observed=True):
        assert np.array_equal(rows["dynamic_regret"], results.arrays(str(identifier))["regret_dynamic"])


def test_one_verdict_on_one_run_everywhere(tmp_path: Path) -> None:
    """Regrets half and twice the tolerance above their bound: every reader draws the line at the same place."""
    from regret_experiments.verification import verify

    config = GAME.replace("orders: 2", "orders: 1") + "learners:\n  - {kind: adagrad_norm}\n"
    store = Store(play(config, tmp_path))
    (stored,) = store.runs()
    for above, expected in ((0.5e-9, "holds"), (2e-9, "broken")):
        numbers = stored.metadata["scalars"]
        arrays = {name: array.copy() for name, array in stored.arrays.items()}
        arrays["bound"] = arrays["regret_lower"] / (1.0 + above)
        arrays["regret_upper"] = arrays["regret_lower"].copy()
        ends = {"regret_upper": numbers["regret_lower"], "bound": numbers["regret_lower"] / (1.0 + above)}
        metadata = {key: value for key, value in stored.metadata.items() if key not in ("arrays", "schema")}
        store.write("runs", metadata | {"scalars": numbers | ends}, arrays)
        results = regret_experiments.load(store.path)
        assert list(results.runs["verdict"]) == [expected]
        assert list(rank_table(results.runs)["verdict"]) == [expected]
        assert build_payload(results)["runs"]["verdict"] == [expected]
        faults = verify(store.path).faults
        assert any("above the bound" in fault for fault in faults) == (expected == "broken")


def test_diff_calls_runs_by_the_names_of_their_config(tmp_path: Path, oco: Any) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = play(COMPARED, tmp_path / "one")
    second = play(COMPARED.replace("[full, none]", "[full]").replace("name: e,", "name: other,"), tmp_path / "two")
    said = oco("diff", first, second)
    assert said.code == 1
    gone = [line for line in said.out.splitlines() if "compensation none" in line]
    assert len(gone) == 8
    assert all("fd_adagrad, rank 2, compensation none" in line and " on e, order " in line for line in gone)
    assert "{" not in said.out
