"""The table, on runs whose numbers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from regret_experiments.tables import best_runs, rank_table, table_text


def run(learner: str, rank: int | None, rate: float | None, order: int, regret: float, **more: Any) -> dict[str, Any]:
    row = {
        "id": f"{learner}-{rank}-{rate}-{order}",
        "stage": "sweep",
        "environment": "game",
        "learner": learner,
        "kind": learner,
        "rank": rank,
        "order": order,
        "repetition": 0,
        "status": "finished",
        "learning_rate": rate,
        "rounds": 10,
        "regret_lower": regret - 0.5,
        "regret_upper": regret,
        "cumulative_loss": regret + 100,
        "bound": 50.0 if rate is None else 70.0,
        "bound_valid": True,
        "tail_mass": 2.0,
        "escaped_mass": 1.0,
        "peak_state_floats": 12,
        "memory_formula": "d + 2",
        "seconds": 0.25,
        "message": None,
    }
    return row | more


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    runs = pd.DataFrame(rows)
    runs["rank"] = runs["rank"].astype("Int64")
    return runs


ROWS = [
    *(run("ogd", None, None, order, 30.0 + order) for order in (0, 1)),
    *(run("ogd", None, 0.1, order, 20.0 + 4 * order) for order in (0, 1)),
    *(run("ogd", None, 1.0, order, 18.0 + 6 * order) for order in (0, 1)),
    *(run("ogd", None, 9.0, order, 90.0) for order in (0, 1)),
    *(run("fd", 2, 0.1, order, 5.0) for order in (0, 1)),
    *(run("fd", 2, 1.0, order, 7.0) for order in (0, 1)),
]


def test_best_point_spread_and_theorem() -> None:
    table = rank_table(frame(ROWS))
    ogd, fd = table.to_dict("records")
    assert ogd["regret_best"] == 21.0
    assert ogd["best_point"] == "1"
    assert (ogd["regret_best_low"], ogd["regret_best_high"]) == (17.5, 24.0)
    assert not ogd["at_edge"]
    assert (ogd["regret_theorem"], ogd["regret_theorem_low"], ogd["regret_theorem_high"]) == (30.5, 29.5, 31.0)
    assert ogd["bound"] == 50.0
    assert ogd["bound_holds"] is True
    assert (ogd["state_floats"], ogd["memory_formula"], ogd["runs"], ogd["failed"]) == (12, "d + 2", 8, 0)
    assert (ogd["loss_best"], ogd["loss_theorem"], ogd["seconds"]) == (121.0, 130.5, 0.25)
    assert (fd["best_point"], fd["at_edge"], fd["rank"]) == ("0.1", True, 2)
    assert np.isnan(fd["regret_theorem"])
    assert fd["bound"] == 70.0


def test_a_point_that_failed_on_an_order_is_not_the_best() -> None:
    rows = [dict(row) for row in ROWS]
    rows[4] |= {"status": "failed", "message": "round 3"}
    ogd = rank_table(frame(rows)).iloc[0]
    assert ogd["best_point"] == "0.1"
    assert (ogd["runs"], ogd["failed"]) == (8, 1)
    assert "(1 of 8 runs failed)" in table_text(rank_table(frame(rows)))


def test_best_runs_are_those_of_the_table() -> None:
    best = best_runs(frame(ROWS))
    assert list(best["id"]) == ["ogd-None-1.0-0", "ogd-None-1.0-1", "fd-2-0.1-0", "fd-2-0.1-1"]


def test_a_broken_bound_is_shouted_and_a_violated_one_is_no_pass() -> None:
    rows = [dict(row) for row in ROWS]
    rows[0] |= {"regret_lower": 51.0, "regret_upper": 52.0}
    table = rank_table(frame(rows))
    assert not table["bound_holds"].iloc[0]
    assert "50 BROKEN" in table_text(table)
    for row in rows[:2]:
        row["bound_valid"] = False
    table = rank_table(frame(rows))
    assert table["bound_holds"].iloc[0] is None
    assert "50 ?" in table_text(table)


def test_other_hyperparameters_make_points_too() -> None:
    rows = [
        run("son", 3, rate, 0, rate + delta, delta=delta, point=f"delta={delta:g} learning_rate={rate:g}")
        for rate in (1.0, 2.0, 3.0)
        for delta in (0.5, 0.1)
    ]
    runs = frame(rows)
    (row,) = rank_table(runs).to_dict("records")
    # Names count, not places.
    pd.testing.assert_frame_equal(rank_table(runs[sorted(runs.columns, reverse=True)]), rank_table(runs))
    assert row["best_point"] == "delta=0.1 learning_rate=1"
    assert row["at_edge"]


def test_without_a_comparator_it_is_the_loss() -> None:
    rows = [row | {"regret_lower": np.nan, "regret_upper": np.nan} for row in ROWS]
    table = rank_table(frame(rows))
    assert table["best_point"].iloc[0] == "1"
    assert "loss, best rate" in table_text(table)
    assert "121 [118, 124]" in table_text(table)


def test_what_was_not_run_or_failed_is_a_row() -> None:
    rows = [row | {"status": "missing" if row["learner"] == "fd" else "failed"} for row in ROWS]
    text = table_text(rank_table(frame(rows)))
    assert "all 8 runs failed" in text
    assert "not run yet" in text
    assert table_text(rank_table(frame(ROWS[:0] or ROWS).iloc[:0])) == "no runs"
