"""The best fixed points of a game as arrays, so that they are found once and stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve
    from regret_experiments.store.arrays import Arrays
    from regret_experiments.store.reading import StoredRun


def to_arrays(curve: ComparatorCurve) -> tuple[dict[str, Any], Arrays]:
    """Return plain values and arrays from which `from_arrays` makes the same curve."""
    facts = {
        "certificates": [str(comparator.certificate) for comparator in curve],
        "tight": [bool(comparator.tight) for comparator in curve],
        "notes": [comparator.note for comparator in curve],
    }
    arrays = {
        "round": curve.rounds,
        "lower": curve.lower,
        "upper": curve.upper,
        "within": curve.within,
        "final": np.asarray(curve.final),
        "points": np.array([comparator.point for comparator in curve]),
    }
    return facts, arrays


def from_arrays(stored: StoredRun) -> ComparatorCurve:
    """Return the curve that was stored, bit for bit."""
    from oco.comparators import Comparator, ComparatorCurve
    from oco.regret import Certificate
    from oco.regret.interval import Interval

    arrays, facts = stored.arrays, stored.metadata
    rows = zip(
        arrays["round"],
        arrays["points"],
        arrays["lower"],
        arrays["upper"],
        arrays.get("within", np.full(len(arrays["round"]), np.nan)),  # not known of older results
        facts["certificates"],
        facts["tight"],
        facts["notes"],
        strict=True,
    )
    comparators = tuple(
        Comparator(
            int(rounds), point, Interval(float(lower), float(upper), float(within)), Certificate(kind), tight, note
        )
        for rounds, point, lower, upper, within, kind, tight, note in rows
    )
    return ComparatorCurve(comparators, arrays["final"])
