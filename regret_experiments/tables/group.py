"""The runs of one row of the table: the planned ones, and the finished ones at the best and the theorem's point."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from oco.learners import LEARNERS
from oco.regret.verdict import Verdict, verdict, worst
from regret_experiments.statistics import Mean, mean_with_error
from regret_experiments.tables.bands import one_each

KEYS = ["stage", "environment", "learner", "kind", "rank"]
THEOREM = "theorem"


class Group:
    """All runs of one learner at one rank on one environment of one stage.

    Parameters
    ----------
    key
        Values of `KEYS`.
    asked
        The runs, played or not.
    """

    def __init__(self, key: tuple[Any, ...], asked: pd.DataFrame) -> None:
        self.key = dict(zip(KEYS, key, strict=True))
        self.asked = asked
        self.finished = _finished(asked)
        self._means: dict[tuple[str, str], pd.Series[float]] = {}
        self._errors: dict[tuple[str, str], Mean] = {}

    @cached_property
    def best(self) -> pd.DataFrame:
        """Finished runs at the point with the lowest mean, among the points that finished on most orders."""
        return best_of(self.asked)

    @cached_property
    def left_to_theorem(self) -> pd.DataFrame:
        """Runs whose learning rate was left to the theorem."""
        return left_to_theorem(self.asked)

    @cached_property
    def theorem(self) -> pd.DataFrame:
        """Finished runs at the theorem's learning rate, at the best of the other tuned hyper-parameters."""
        return best_of(self.left_to_theorem)

    @property
    def shown(self) -> pd.DataFrame:
        """Runs whose bound and masses are shown: those at the theorem's rate, or else the best ones."""
        return self.best if self.theorem.empty else self.theorem

    def has(self, name: str) -> bool:
        """Whether the finished runs have a column of that name."""
        return name in self.finished

    def count(self, status: str) -> int:
        """How many of the runs have that status."""
        return int((self.asked["status"] == status).sum())

    @property
    def draws(self) -> int | None:
        """The number of runs in the mean at the point that is `shown`; None of a learner that draws nothing."""
        return len(self.shown) if draws(self.key["kind"]) else None

    def orders(self, rate: str) -> int:
        """The number of orders in the mean at ``"best"`` or ``"theorem"``; repetitions on one order are no more."""
        return int((self.best if rate == "best" else self.theorem)["order"].nunique())

    def orders_planned(self, rate: str) -> int:
        """How many orders of that point are planned."""
        asked, found = (self.asked, self.best) if rate == "best" else (self.left_to_theorem, self.theorem)
        if found.empty:
            return int(asked["order"].groupby(points(asked)).nunique().max()) if len(asked) else 0
        return int(asked.loc[points(asked) == points(found).iloc[0], "order"].nunique())

    def mean(self, name: str) -> float:
        """Mean of a column over the runs that are `shown`."""
        return float(floats(self.shown, name).mean())

    def by_order(self, rate: str, what: str) -> pd.Series[float]:
        """Values at ``"best"`` or ``"theorem"``, by order: ``"regret"``, ``"loss"`` or another column of the runs.

        Of several repetitions it is their mean, because repetitions on one order are not independent. An order without
        a number is left out.
        """
        if (rate, what) not in self._means:
            runs, name = self._column(rate, what)
            self._means[rate, what] = floats(runs, name).groupby(runs["order"]).mean().dropna()
        return self._means[rate, what]

    def _column(self, rate: str, what: str) -> tuple[pd.DataFrame, str]:
        runs = self.best if rate == "best" else self.theorem
        return runs, {"regret": "regret_upper", "loss": loss_column(runs)}.get(what, what)

    def error(self, rate: str, what: str) -> Mean:
        """Standard error and 95 % interval of the mean over the orders, or over a learner's draws on one order."""
        if (rate, what) not in self._errors:
            runs, name = self._column(rate, what)
            self._errors[rate, what] = mean_with_error(one_each(floats(runs, name), runs["order"]))
        return self._errors[rate, what]

    @property
    def expected_regret(self) -> Mean:
        """The mean regret of a learner that draws, at the point that is `shown`; empty for other learners."""
        rate = "best" if self.theorem.empty else "theorem"
        return self.error(rate, "regret") if draws(self.key["kind"]) else mean_with_error([])

    def regret(self, rate: str, part: str = "") -> float:
        """Mean over the orders of the upper end, the least lower end (``"low"``), the largest upper end (``"high"``),
        or the least radius within which they are certified (``"within"``).
        """
        found = self._numbers[rate]
        return float("nan") if found is None else found[f"regret {part}"]

    def loss(self, rate: str, part: str = "") -> float:
        """Mean, least or largest loss over the orders."""
        found = self._numbers[rate]
        return float("nan") if found is None else found[f"loss {part}"]

    @cached_property
    def _numbers(self) -> dict[str, dict[str, float] | None]:
        return {rate: _range(runs) for rate, runs in (("best", self.best), ("theorem", self.theorem))}

    @property
    def memory_formula(self) -> str | None:
        """How the state floats are made up, where a learner says so."""
        return self.finished["memory_formula"].iloc[0] if self.has("memory_formula") else None

    @property
    def best_point(self) -> str:
        """The best point, as a text."""
        return "" if self.best.empty else str(points(self.best).iloc[0])

    @property
    def at_edge(self) -> bool:
        """Whether the best learning rate is the least or the largest of several that were tried."""
        if "learning_rate" not in self.finished or self.best.empty:
            return False
        tried = self.finished["learning_rate"].astype(float).dropna().unique()
        return len(tried) > 1 and float(self.best["learning_rate"].iloc[0]) in (min(tried), max(tried))

    @cached_property
    def verdict(self) -> Verdict:
        """The worst verdict on the bounds of the runs that are `shown`."""
        numbers = [floats(self.shown, name) for name in ("regret_lower", "regret_upper", "bound", "bound_valid")]
        rows = ((lower, upper, bound, valid == 1.0) for lower, upper, bound, valid in zip(*numbers, strict=True))
        return worst(verdict(lower, upper, bound, holds) for lower, upper, bound, holds in rows)


def draws(kind: str) -> bool:
    """Whether learners of this kind draw random numbers, so that bounds are on their expected regret.

    Examples
    --------
    >>> draws("exp3"), draws("ogd")
    (True, False)
    """
    return kind in LEARNERS and LEARNERS[kind].draws


def _range(runs: pd.DataFrame) -> dict[str, float] | None:
    """Means over the orders, and their range; None where there are no runs."""
    if runs.empty:
        return None
    lower, upper, within = (floats(runs, name) for name in ("regret_lower", "regret_upper", "comparator_within"))
    losses = floats(runs, loss_column(runs))
    return {
        "regret ": float(upper.mean()),
        "regret low": float(lower.min()),
        "regret high": float(upper.max()),
        "regret within": float(within.min(skipna=False)),
        "loss ": float(losses.mean()),
        "loss low": float(losses.min()),
        "loss high": float(losses.max()),
    }


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


def left_to_theorem(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs whose learning rate was left to the theorem."""
    return runs[runs["learning_rate"].isna()] if "learning_rate" in runs else runs.iloc[:0]


def _finished(runs: pd.DataFrame) -> pd.DataFrame:
    """The finished runs; ``runs`` themselves, and no copy of a wide frame, where all are."""
    ended = runs["status"] == "finished"
    return runs if ended.all() else runs[ended]


def best_of(runs: pd.DataFrame) -> pd.DataFrame:
    """Finished runs at the point with the lowest mean, among the points that finished on most orders."""
    finished = _finished(runs)
    if finished.empty:
        return finished
    each = points(finished)
    regrets = floats(finished, "regret_upper")
    measured = regrets if regrets.notna().any() else floats(finished, loss_column(finished))
    scores = measured.groupby(each, sort=False).agg(["mean", "count"])
    whole = scores[scores["count"] == scores["count"].max()]
    return finished[each == whole["mean"].idxmin()] if whole["mean"].notna().any() else finished.iloc[:0]
