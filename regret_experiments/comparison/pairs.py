"""Two learners on the games that both played, environment by environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from oco.errors import ConfigError
from regret_experiments.comparison.rows import Row, find_row, rows_of
from regret_experiments.statistics import Paired, holm, paired_difference
from regret_experiments.tables import Column, Group, View, table_view


@dataclass(frozen=True)
class Comparison:
    """Paired differences ``first - second`` on every environment that both learners played.

    Attributes
    ----------
    first, second
        The learners.
    column
        What is compared.
    measure
        ``"regret"`` or ``"loss"``, which a column of the table is of.
    pairs
        By stage and environment; a pair is an order of the data, and of several repetitions their mean.
    left_out
        Sentences on games that only one of them has a value for.
    rate
        ``"best"`` or ``"theorem"``: the learning rate that the values are of.
    level
        Of the intervals.
    """

    first: Row
    second: Row
    column: Column
    measure: str
    pairs: dict[tuple[str, str], Paired]
    left_out: tuple[str, ...]
    rate: str
    level: float

    @property
    def frame(self) -> pd.DataFrame:
        """One row for every environment.

        Columns: ``stage``, ``environment``, ``pairs``, the means ``first`` and ``second``, ``difference`` with its
        standard error ``se``, Student's interval ``ci_low``, ``ci_high`` and the bootstrap's ``bootstrap_low``,
        ``bootstrap_high``, the p-values ``p_t`` and ``p_wilcoxon``, and both after Holm's correction over the
        environments, ``p_t_holm`` and ``p_wilcoxon_holm``.
        """
        rows = [
            {
                "stage": stage,
                "environment": environment,
                "pairs": found.count,
                "first": found.first.value,
                "second": found.second.value,
                "difference": found.difference.value,
                "se": found.difference.standard_error,
                "ci_low": found.difference.low,
                "ci_high": found.difference.high,
                "bootstrap_low": found.bootstrap[0],
                "bootstrap_high": found.bootstrap[1],
                "p_t": found.student,
                "p_wilcoxon": found.wilcoxon,
            }
            for (stage, environment), found in self.pairs.items()
        ]
        frame = pd.DataFrame(rows)
        return frame.assign(p_t_holm=holm(list(frame["p_t"])), p_wilcoxon_holm=holm(list(frame["p_wilcoxon"])))


def compare_learners(
    runs: pd.DataFrame,
    first: str,
    second: str,
    *,
    column: str = "regret_best",
    environments: Sequence[str] = (),
    rate: str = "best",
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two learners by the games that both played: the same environment, in the same order of the data.

    Both learners meet the same losses there, so what makes an order hard cancels in the difference.

    Parameters
    ----------
    runs
        As `regret_experiments.load` gives them.
    first, second
        Names of learners, with ``:rank`` for one of several ranks.
    column
        A column of `table_view` that is a mean over orders: ``regret_best``, ``loss_theorem``, a held-out loss.
    environments
        Compare on these; by default on all.
    rate
        ``"best"`` or ``"theorem"``: the learning rate at which columns of ``runs`` are taken.
    level, seed
        Of the intervals; of the bootstrap.

    Raises
    ------
    ConfigError
        If a name is unknown, the column has no value for an order, or there is no shared game.
    """
    view = table_view(runs, [column], environments=environments, rate=rate)
    (shown,) = view.columns
    if shown.orders is None:
        raise ConfigError(f"column {column!r} has no value for every order, so it cannot be compared by pairs")
    names = rows_of(runs)
    rows = find_row(first, names), find_row(second, names)
    if rows[0] == rows[1]:
        raise ConfigError(f"{first!r} and {second!r} are the same row of the table")
    pairs, left_out = {}, []
    for place, block in view.frame.groupby(["stage", "environment"], sort=False):
        stage, environment = map(str, place)
        where = f"{environment} ({stage})" if view.frame["stage"].nunique() > 1 else environment
        values = [_values(view, shown, block, row) for row in rows]
        if all(each is None for each in values):
            continue
        shared = _shared(values)
        left_out += list(_left_out(where, rows, values, shared))
        if shared:
            sides = [each[0][shared].tolist() for each in values if each is not None]
            pairs[stage, environment] = paired_difference(sides[0], sides[1], level=level, seed=seed)
    if not pairs:
        raise ConfigError(f"{rows[0].label} and {rows[1].label} share no game with a value of {column}")
    end = column.rpartition("_")[2]
    taken = end if end in ("best", "theorem") else rate
    return Comparison(*rows, shown, view.measure, pairs, tuple(left_out), taken, level)


Values = tuple["pd.Series[float]", Group]


def _values(view: View, column: Column, block: pd.DataFrame, row: Row) -> Values | None:
    """Values by order of a learner on an environment; None if it does not play there."""
    for index in map(int, block.index):
        group = view.groups[index]
        rank = group.key["rank"]
        if group.key["learner"] == row.learner and (None if pd.isna(rank) else int(rank)) == row.rank:
            return view.by_order(column, index), group
    return None


def _shared(values: Sequence[Values | None]) -> list[int]:
    if any(each is None for each in values):
        return []
    first, second = (each[0].index for each in values if each is not None)
    return sorted(set(first) & set(second))


def _left_out(where: str, rows: Sequence[Row], values: Sequence[Values | None], shared: Sequence[int]) -> Iterator[str]:
    for row, each in zip(rows, values, strict=True):
        if each is None:
            yield f"{where}: {row.label} does not play there"
            return
    orders = sorted({order for each in values if each is not None for order in each[1].asked["order"]} - set(shared))
    for order in orders:
        missing = [
            f"{row.label} ({_why(each[1], order)})"
            for row, each in zip(rows, values, strict=True)
            if each is not None and order not in each[0].index
        ]
        yield f"{where}, order {order}: no value of {' and '.join(missing)}"


def _why(group: Group, order: int) -> str:
    """Why a learner has no value on an order."""
    states = group.asked.loc[group.asked["order"] == order, "status"]
    if states.empty:
        return "not planned"
    unfinished = states[states != "finished"]
    return "no value stored" if unfinished.empty else str(unfinished.iloc[0])
