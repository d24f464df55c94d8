"""One verdict on a bound, from intervals that are known."""

from __future__ import annotations

import math

import pytest

from oco.regret import Verdict, verdict, worst


@pytest.mark.parametrize("scale", [1e-150, 1e-12, 1.0, 1e12, 1e150])
@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (1.0, 2.0, "holds"),
        (-5.0, 2.0, "holds"),
        (1.0, 2.0 + 1e-9, "holds"),
        (1.0, 2.0 + 1e-8, "undecided"),
        (2.0 + 1e-9, 2.5, "undecided"),
        (2.0 + 1e-8, 2.5, "broken"),
        (-math.inf, 2.5, "undecided"),
        (-math.inf, math.inf, "undecided"),
        (math.nan, math.nan, "undecided"),
    ],
)
def test_the_interval_decides_at_every_scale(lower: float, upper: float, expected: str, scale: float) -> None:
    assert verdict(lower * scale, upper * scale, 2.0 * scale, True) == expected
    assert verdict(lower * scale, upper * scale, 2.0 * scale, False) is Verdict.VIOLATED
    assert verdict(lower * scale, upper * scale, None, None) is Verdict.NO_BOUND
    assert verdict(lower * scale, upper * scale, math.nan, True) is Verdict.NO_BOUND


def test_nothing_known_of_the_regret_decides_nothing() -> None:
    assert verdict(None, None, 2.0, True) is Verdict.UNDECIDED


def test_several_runs_are_as_good_as_the_worst() -> None:
    order = ["no bound", "holds", "undecided", "assumption violated", "broken"]
    for i, mild in enumerate(order):
        for grave in order[i:]:
            assert worst([mild, grave]) == worst([grave, mild]) == grave
    assert worst([]) == "no bound"
