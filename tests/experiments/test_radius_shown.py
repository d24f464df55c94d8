"""The radius of a certificate is stored with the interval, and shown wherever the interval is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oco.comparators import Comparator, ComparatorCurve
from oco.regret import Certificate, Interval
from regret_experiments.execution.comparators import from_arrays, to_arrays
from regret_experiments.report.runs import _within
from regret_experiments.tables import rank_table
from regret_experiments.tables.columns import interval_text


def curve(*radii: float) -> ComparatorCurve:
    found = [
        Comparator(t, np.zeros(2), Interval(1.0, 2.0, radius), Certificate.FENCHEL_DUAL, True)
        for t, radius in enumerate(radii, start=1)
    ]
    return ComparatorCurve(tuple(found), np.zeros(len(radii)))


def test_a_stored_curve_keeps_its_radii_and_an_older_one_does_not_know_them() -> None:
    facts, arrays = to_arrays(curve(np.inf, 300.0))
    stored: Any = SimpleNamespace(metadata=facts, arrays=arrays)
    assert from_arrays(stored).within.tolist() == [np.inf, 300.0]
    assert {type(kind) for kind in facts["certificates"]} == {str}
    assert all(one.certificate is Certificate.FENCHEL_DUAL for one in from_arrays(stored))
    del arrays["within"]
    older = from_arrays(stored)
    assert np.isnan(older.within).all()
    assert str(older[0].value) == "[1, 2] within an unknown radius"


@pytest.mark.parametrize(
    ("radii", "shown"),
    [([np.inf, np.inf], ""), ([np.inf, 300.0], " within |u| <= 300"), (None, " within an unknown radius")],
)
def test_the_table_and_the_page_show_the_least_radius(radii: list[float] | None, shown: str) -> None:
    numbers = {"order": [0, 1], "regret_lower": [1.0, 2.0], "regret_upper": [3.0, 4.0], "cumulative_loss": [5.0, 6.0]}
    labels = {"stage": "s", "environment": "e", "learner": "ogd", "kind": "ogd", "rank": None, "status": "finished"}
    others = {"peak_state_floats": 3, "memory_formula": "d", "bound": 9.0, "bound_valid": True, "seconds": 0.1}
    runs = pd.DataFrame(numbers).assign(**labels, **others, tail_mass=0.0, escaped_mass=0.0)
    if radii is not None:
        runs["comparator_within"] = radii
    (row,) = rank_table(runs).to_dict("records")
    assert interval_text(row, "best") == f"3.5 [1, 4]{shown}"
    assert _within(runs)[1] == shown
