"""Which numbers of a table are the best, and which are not told apart from the best by a paired test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from regret_experiments.statistics import Test, holm, paired_p_value, smallest_wilcoxon
from regret_experiments.tables.column import Column
from regret_experiments.tables.rank_table import measured
from regret_experiments.tables.text import Best
from regret_experiments.tables.view import View

TESTS = {"t": "paired t-test", "wilcoxon": "Wilcoxon signed-rank test"}
"""Names of the paired tests."""


@dataclass
class Ties:
    """The best numbers of a view, and what the tests that found them could tell.

    Attributes
    ----------
    best
        By column, the rows that are set in bold.
    sentences
        What bold means, and what the test cannot do with so few orders; empty where no column is compared.
    """

    best: Best
    sentences: tuple[str, ...]


@dataclass
class _Tests:
    """Notes on the tests that were done, for the sentences."""

    pairs: list[int] = field(default_factory=list)
    powerless: set[tuple[int, int]] = field(default_factory=set)
    """Pairs and comparisons of environments in which Wilcoxon's test cannot reject anything."""


def best_and_ties(view: View, test: Test = "t", level: float = 0.05) -> Ties:
    """Find, in every environment, the lowest mean of each compared column and all that are not significantly larger.

    Each row is compared with the best one by a two-sided paired test on the orders that both played. The p-values of
    an environment are corrected by Holm's method; a row whose p-value is then below ``level`` is not a tie. With fewer
    than two shared orders there is no test, and the row is not a tie.
    """
    _, frame = measured(view.frame)
    done = _Tests()
    best: dict[str, set[int]] = {}
    compared = [column for column in dict.fromkeys(view.columns) if column.lower_is_better]
    for column in compared:
        best[column.name] = set()
        for _, rows in frame.groupby(["stage", "environment"], sort=False):
            best[column.name] |= _best_of(view, column, rows, test, level, done)
    return Ties(best, _sentences(test, level, done) if any(best.values()) else ())


def _best_of(view: View, column: Column, rows: pd.DataFrame, test: Test, level: float, done: _Tests) -> set[int]:
    means = pd.to_numeric(rows[column.name]).astype(float).dropna()
    if means.empty:
        return set()
    values = {index: view.by_order(column, int(index)) for index in means.index}
    lowest: Any = means.idxmin()
    others = [index for index in means.index if index != lowest]
    aligned = [values[index].align(values[lowest], join="inner") for index in others]
    pairs = [len(mine) for mine, _ in aligned]
    p_values = [paired_p_value(mine.to_numpy(), best.to_numpy(), test) for mine, best in aligned]
    done.pairs += pairs
    if max(pairs, default=0) > 1 and smallest_wilcoxon(max(pairs)) * len(others) >= level:
        done.powerless.add((max(pairs), len(others)))
    return {int(lowest)} | {int(index) for index, p in zip(others, holm(p_values), strict=True) if p >= level}


def _sentences(test: Test, level: float, done: _Tests) -> tuple[str, ...]:
    if not done.pairs or max(done.pairs) < 2:
        return ("Bold is the lowest mean of an environment; without two shared orders there is no test of ties.",)
    low, high = min(done.pairs), max(done.pairs)
    orders = f"{high}" if low == high else f"{low} to {high}"
    found = [
        "Bold is the lowest mean of an environment and every mean that is not significantly larger "
        f"({TESTS[test]} over {orders} shared orders, two-sided, Holm's correction within the environment, "
        f"level {level:g})."
    ]
    if test == "wilcoxon":
        found += [
            f"With {pairs} orders the smallest p-value of this test is {smallest_wilcoxon(pairs):g} and Holm's factor "
            f"is {others}: it cannot tell any learners apart, and bold is no evidence that they are equal."
            for pairs, others in sorted(done.powerless)
        ]
    return tuple(found)
