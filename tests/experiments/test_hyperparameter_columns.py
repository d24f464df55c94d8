"""How a sweep's hyper-parameters read in its tables: short where that tells them apart, exact where it does not."""

from __future__ import annotations

from typing import Any

from regret_experiments.store.hyperparameters import Hyperparameters


def rows_of(learner: str, *rates: float) -> list[dict[str, Any]]:
    return [{"learner": learner, "point": {"learning_rate": rate}} for rate in rates]


def test_six_digits_where_they_tell_points_apart_and_all_where_they_do_not() -> None:
    close = (0.1234567, 0.1234568)
    far, near = rows_of("far", 0.1, 1.0 / 3.0), rows_of("near", *close)
    named = Hyperparameters(far + near, {}, ())
    assert [named.point(row) for row in far] == ["0.1", "0.333333"]
    assert tuple(float(named.point(row)) for row in near) == close


def test_one_point_of_many_runs_is_one_point() -> None:
    named = Hyperparameters(rows_of("a", 1.0 / 3.0) * 4, {}, ())
    assert named.point(rows_of("a", 1.0 / 3.0)[0]) == "0.333333"


def test_a_learner_is_named_by_what_differs_among_its_runs_and_was_not_tuned() -> None:
    point = {"learning_rate": 0.1, "decay": 0.9, "delta": 0.0}
    rows = [{"learner": "a", "point": one} for one in (point, point | {"learning_rate": 0.2, "delta": 0.5})]
    named = Hyperparameters(rows, {"a": ["learning_rate"]}, ())
    assert [named.learner(row) for row in rows] == ["a delta=0", "a delta=0.5"]
