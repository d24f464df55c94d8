"""The columns of runs as arrays, converted once for all rows of a table, and which runs a row is about."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

THEOREM = "theorem"
T = TypeVar("T")
Array = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.intp]]
"""Rows of the frame, by their number."""


class RunColumns:
    """Runs, as `regret_experiments.load` gives them.

    A table of thousands of rows asks for a few runs of some columns at a time: slices of frames would take nearly all
    of its time.

    Attributes
    ----------
    frame
        The runs.
    names
        Of the columns.
    points
        The tuned point of every run, as a text.
    loss
        Name of the loss that runs without a regret are compared by.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.names = frozenset(frame)
        self.loss = loss_column(frame)
        self.points: list[Any] = points(frame).tolist()
        self._finished = (frame["status"] == "finished").to_numpy(dtype=bool)
        self._columns: dict[str, Array] = {}
        self._values: dict[str, list[Any]] = {}
        self._numbers: dict[str, list[float]] = {}
        self._told: dict[tuple[Any, str], Any] = {}

    def once(self, what: Callable[[str], T], kind: str) -> T:
        """``what(kind)``, called once for all rows: looking up a learner is slow."""
        if (what, kind) not in self._told:
            self._told[what, kind] = what(kind)
        told: T = self._told[what, kind]
        return told

    def numbers(self, name: str, places: Places) -> list[float]:
        """`floats` as a list: of a few numbers it is much faster than an array."""
        if name not in self._numbers:
            self._numbers[name] = floats(self.frame, name).tolist()
        column = self._numbers[name]
        return [column[place] for place in places.tolist()]

    def floats(self, name: str, places: Places) -> Array:
        """A column of some runs as numbers: NaN where one is missing, as in what no run has."""
        if name not in self._columns:
            self._columns[name] = np.asarray(floats(self.frame, name), dtype=np.float64)
        return self._columns[name][places]

    def values(self, name: str, places: Places) -> list[Any]:
        """A column of some runs, of any type."""
        if name not in self._values:
            self._values[name] = self.frame[name].tolist()
        column = self._values[name]
        return [column[place] for place in places.tolist()]

    def points_of(self, places: Places) -> list[Any]:
        """The tuned points of some runs."""
        return [self.points[place] for place in places.tolist()]

    def finished(self, places: Places) -> Places:
        """Those of the runs that are finished."""
        return places[self._finished[places]]

    def left_to_theorem(self, places: Places) -> Places:
        """Those of the runs whose learning rate was left to the theorem."""
        if "learning_rate" not in self.names:
            return places[:0]
        return places[np.isnan(self.floats("learning_rate", places))]

    def best_of(self, places: Places) -> Places:
        """Finished runs at the point with the lowest mean, among the points that finished on most orders."""
        finished = self.finished(places)
        measured = self.floats("regret_upper", finished)
        if np.isnan(measured).all():
            measured = self.floats(self.loss, finished)
        scores: dict[Any, list[float]] = {}
        for point, value in zip(self.points_of(finished), measured.tolist(), strict=True):
            scores.setdefault(point, []).extend([] if math.isnan(value) else [value])
        most = max(map(len, scores.values()), default=0)
        if most == 0:
            return finished[:0]
        means = {point: mean(values) for point, values in scores.items() if len(values) == most}
        best = min(means, key=means.__getitem__)
        chosen: Places = finished[np.array([point == best for point in self.points_of(finished)], dtype=bool)]
        return chosen


def rows_of(frame: pd.DataFrame, keys: list[str]) -> list[tuple[tuple[Any, ...], Places]]:
    """The runs with equal ``keys``, in the order of the first of each, with the keys."""
    grouped = frame.groupby(keys, sort=False, dropna=False)
    numbers = grouped.ngroup().to_numpy()
    sequence = np.argsort(numbers, kind="stable")
    places = np.split(sequence, np.flatnonzero(np.diff(numbers[sequence])) + 1) if len(frame) else []
    columns = [frame[name].iloc[[each[0] for each in places]].tolist() for name in keys]
    return list(zip(zip(*columns, strict=True), places, strict=True))


def mean(values: Iterable[float]) -> float:
    """The mean of the values that are numbers, rounded once; NaN if there are none."""
    kept = [value for value in values if not math.isnan(value)]
    if not kept:
        return math.nan
    try:
        return math.fsum(kept) / len(kept)
    except (OverflowError, ValueError):  # the sum is infinite, or infinities of both signs are in it
        return float(np.mean(kept))


def by_order(values: Array, orders: list[Any]) -> dict[Any, float]:
    """The mean of the repetitions on every order, in the sequence of the orders; those without a number are left out.

    Examples
    --------
    >>> import numpy as np
    >>> by_order(np.array([3.0, 1.0, 5.0, np.nan]), [7, 4, 7, 9])
    {4: 1.0, 7: 4.0}
    """
    found: dict[Any, list[float]] = {}
    for order, value in zip(orders, values.tolist(), strict=True):
        if not math.isnan(value):
            found.setdefault(order, []).append(value)
    return {order: mean(found[order]) for order in sorted(found)}


def independent(values: Array, orders: list[Any]) -> list[float]:
    """Independent values: the mean of every order's repetitions, or of one order alone the repetitions themselves.

    Equal repetitions, of a learner that does not draw, are one value.

    Examples
    --------
    >>> import numpy as np
    >>> independent(np.array([1.0, 3.0, 5.0]), [7, 7, 8]), independent(np.array([1.0, 3.0]), [7, 7])
    ([2.0, 5.0], [1.0, 3.0])
    """
    means = by_order(values, orders)
    kept = [value for value in values.tolist() if not math.isnan(value)]
    return kept if len(means) == 1 and len(set(kept)) > 1 else list(means.values())


def loss_column(runs: pd.DataFrame) -> str:
    """Name of the loss that runs without a regret are compared by: of networks the final training loss."""
    return "final_loss" if "final_loss" in runs else "cumulative_loss"


def floats(runs: pd.DataFrame, name: str) -> pd.Series[float]:
    """A column as numbers: NaN where one is missing, as in what no run has, such as the regret of a network."""
    return runs[name].astype(float) if name in runs else pd.Series(np.nan, index=runs.index, dtype=float)


def points(runs: pd.DataFrame) -> pd.Series[Any]:
    """The tuned point of every run, as a text."""
    if "point" in runs:
        return runs["point"]
    if "learning_rate" not in runs:
        return pd.Series("", index=runs.index)
    return runs["learning_rate"].map(lambda rate: THEOREM if pd.isna(rate) else f"{rate:.6g}")
