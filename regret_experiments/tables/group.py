"""The runs of one row of the table: the planned ones, and the finished ones at the best and the theorem's point."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from oco.learners import LEARNERS
from oco.needs import feedback_of
from oco.regret.verdict import Verdict, verdict, worst
from regret_experiments.statistics import Mean, mean_with_error
from regret_experiments.tables.run_columns import Array, Places, RunColumns, by_order, independent, mean

KEYS = ["stage", "environment", "learner", "kind", "rank"]


class Group:
    """All runs of one learner at one rank on one environment of one stage.

    Parameters
    ----------
    key
        Values of `KEYS`.
    columns
        The runs of all groups.
    places
        Those of this group.
    """

    def __init__(self, key: tuple[Any, ...], columns: RunColumns, places: Places) -> None:
        self.key = dict(zip(KEYS, key, strict=True))
        self._columns, self._asked = columns, places
        self._finished = columns.finished(places)
        self._means: dict[tuple[str, str], dict[Any, float]] = {}
        self._errors: dict[tuple[str, str], Mean] = {}

    @cached_property
    def _rates(self) -> dict[str, Places]:
        """The finished runs at the best point, and at the theorem's."""
        theorem = self._columns.left_to_theorem(self._asked)
        return {"best": self._columns.best_of(self._asked), "theorem": self._columns.best_of(theorem)}

    @property
    def _draws(self) -> bool:
        return self._columns.once(draws, self.key["kind"])

    @property
    def feedback(self) -> str | None:
        """What the learner is shown after play."""
        return self._columns.once(feedback_shown, self.key["kind"])

    @property
    def _shown(self) -> Places:
        rates = self._rates
        return rates["theorem"] if rates["theorem"].size else rates["best"]

    def _frame(self, places: Places) -> pd.DataFrame:
        return self._columns.frame.iloc[places]

    @cached_property
    def asked(self) -> pd.DataFrame:
        """The runs, played or not."""
        return self._frame(self._asked)

    @cached_property
    def finished(self) -> pd.DataFrame:
        """Those that are finished."""
        return self._frame(self._finished)

    @cached_property
    def best(self) -> pd.DataFrame:
        """Finished runs at the point with the lowest mean, among the points that finished on most orders."""
        return self._frame(self._rates["best"])

    @cached_property
    def theorem(self) -> pd.DataFrame:
        """Finished runs at the theorem's learning rate, at the best of the other tuned hyper-parameters."""
        return self._frame(self._rates["theorem"])

    @property
    def shown(self) -> pd.DataFrame:
        """Runs whose bound and masses are shown: those at the theorem's rate, or else the best ones."""
        return self._frame(self._shown)

    @property
    def runs(self) -> int:
        """How many runs there are, played or not."""
        return len(self._asked)

    @property
    def runs_finished(self) -> int:
        """How many of them are finished."""
        return len(self._finished)

    def values(self, rate: str, name: str) -> list[Any]:
        """A column of the finished runs at ``"best"`` or ``"theorem"``."""
        return self._columns.values(name, self._rates[rate])

    def floats(self, rate: str, name: str) -> Array:
        """The same as numbers: NaN where one is missing."""
        return self._columns.floats(name, self._rates[rate])

    def point(self, rate: str) -> str:
        """The tuned point of these runs, as a text; empty where there are none."""
        return "".join(map(str, self._columns.points_of(self._rates[rate][:1])))

    def largest(self, name: str) -> int | None:
        """The largest whole number in a column of the finished runs; None where they have no such column."""
        if name not in self._columns.names:
            return None
        return int(max(value for value in self._columns.numbers(name, self._finished) if not math.isnan(value)))

    def count(self, status: str) -> int:
        """How many of the runs have that status."""
        return self._columns.values("status", self._asked).count(status)

    @property
    def draws(self) -> int | None:
        """The number of runs in the mean at the point that is `shown`; None of a learner that draws nothing."""
        return len(self._shown) if self._draws else None

    def orders(self, rate: str) -> int:
        """The number of orders in the mean at ``"best"`` or ``"theorem"``; repetitions on one order are no more."""
        return len(set(self.values(rate, "order")))

    def orders_planned(self, rate: str) -> int:
        """How many orders of that point are planned."""
        asked = self._asked if rate == "best" else self._columns.left_to_theorem(self._asked)
        planned: dict[Any, set[Any]] = {}
        for point, order in zip(self._columns.points_of(asked), self._columns.values("order", asked), strict=True):
            planned.setdefault(point, set()).add(order)
        found = self._columns.points_of(self._rates[rate][:1])
        return len(planned[found[0]]) if found else max(map(len, planned.values()), default=0)

    def mean(self, name: str) -> float:
        """Mean of a column over the runs that are `shown`."""
        return mean(self._columns.numbers(name, self._shown))

    def mean_of_finished(self, name: str) -> float:
        """Mean of a column over all finished runs."""
        return mean(self._columns.numbers(name, self._finished))

    def by_order(self, rate: str, what: str) -> pd.Series[float]:
        """Values at ``"best"`` or ``"theorem"``, by order: ``"regret"``, ``"loss"`` or another column of the runs.

        Of several repetitions it is their mean, because repetitions on one order are not independent. An order without
        a number is left out.
        """
        found = self._by_order(rate, what)
        return pd.Series(list(found.values()), pd.Index(list(found), name="order"), dtype=float, name=self._named(what))

    def mean_over_orders(self, rate: str, what: str) -> float:
        """The mean of `by_order`."""
        return mean(self._by_order(rate, what).values())

    def _by_order(self, rate: str, what: str) -> dict[Any, float]:
        if (rate, what) not in self._means:
            values = self.floats(rate, self._named(what))
            self._means[rate, what] = by_order(values, self.values(rate, "order"))
        return self._means[rate, what]

    def _named(self, what: str) -> str:
        return {"regret": "regret_upper", "loss": self._columns.loss}.get(what, what)

    def error(self, rate: str, what: str) -> Mean:
        """Standard error and 95 % interval of the mean over the orders, or over a learner's draws on one order."""
        if (rate, what) not in self._errors:
            values = self.floats(rate, self._named(what))
            several = values.size > 1
            each = independent(values, self.values(rate, "order")) if several else values.tolist()
            self._errors[rate, what] = mean_with_error(each)
        return self._errors[rate, what]

    @property
    def expected_regret(self) -> Mean:
        """The mean regret of a learner that draws, at the point that is `shown`; empty for other learners."""
        rate = "theorem" if self._rates["theorem"].size else "best"
        return self.error(rate, "regret") if self._draws else mean_with_error([])

    def regret(self, rate: str, part: str = "") -> float:
        """Mean over the orders of the upper end, the least lower end (``"low"``), the largest upper end (``"high"``),
        or the least radius within which they are certified (``"within"``).
        """
        name = {"low": "regret_lower", "within": "comparator_within"}.get(part, "regret_upper")
        return self._part(rate, part, name)

    def loss(self, rate: str, part: str = "") -> float:
        """Mean, least or largest loss over the orders."""
        return self._part(rate, part, self._columns.loss)

    def _part(self, rate: str, part: str, name: str) -> float:
        values = self._columns.numbers(name, self._rates[rate])
        if part == "":
            return mean(values)
        known = [value for value in values if not math.isnan(value)]
        if part == "within" and len(known) < len(values):
            return math.nan  # one is not known
        return (max(known) if part == "high" else min(known)) if known else math.nan

    @property
    def memory_formula(self) -> str | None:
        """How the state floats are made up, where a learner says so."""
        if "memory_formula" not in self._columns.names:
            return None
        formula: str | None = self._columns.values("memory_formula", self._finished[:1])[0]
        return formula

    @property
    def best_point(self) -> str:
        """The best point, as a text."""
        return self.point("best")

    @property
    def at_edge(self) -> bool:
        """Whether the best learning rate is the least or the largest of several that were tried."""
        best = self.floats("best", "learning_rate")
        tried = self._columns.floats("learning_rate", self._finished)
        known = set(tried[~np.isnan(tried)].tolist())
        return bool(best.size) and len(known) > 1 and float(best[0]) in (min(known), max(known))

    @cached_property
    def verdict(self) -> Verdict:
        """The worst verdict on the bounds of the runs that are `shown`."""
        names = ("regret_lower", "regret_upper", "bound", "bound_valid")
        numbers = [self._columns.numbers(name, self._shown) for name in names]
        rows = ((lower, upper, bound, valid == 1.0) for lower, upper, bound, valid in zip(*numbers, strict=True))
        return worst(verdict(lower, upper, bound, holds) for lower, upper, bound, holds in rows)


def feedback_shown(kind: str) -> str | None:
    """What a learner of this kind is shown after play; None for one that is not registered here.

    Examples
    --------
    >>> feedback_shown("ogd"), feedback_shown("exp3")
    ('gradients', 'one value of the loss')
    """
    return feedback_of(LEARNERS[kind].needs) if kind in LEARNERS else None


def draws(kind: str) -> bool:
    """Whether learners of this kind draw random numbers, so that bounds are on their expected regret.

    Examples
    --------
    >>> draws("exp3"), draws("ogd")
    (True, False)
    """
    return kind in LEARNERS and LEARNERS[kind].draws
