"""The table of a sweep: a row for every learner and rank on every environment."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd

from regret_experiments.tables.column import Column
from regret_experiments.tables.columns import COLUMNS, summary
from regret_experiments.tables.group import KEYS, Group
from regret_experiments.tables.run_columns import RunColumns, rows_of


def best_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return, of every stage, environment, learner and rank, the finished runs at its best point."""
    columns = RunColumns(runs)
    parts = [columns.best_of(places) for _, places in rows_of(runs, KEYS)]
    return runs.iloc[np.concatenate(parts)] if parts else runs.iloc[:0]


def theorem_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return, of every stage, environment, learner and rank, the finished runs at the theorem's learning rate."""
    return best_runs(runs.iloc[RunColumns(runs).left_to_theorem(np.arange(len(runs)))])


def rank_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Summarise runs, one row for every stage, environment, learner and rank.

    Parameters
    ----------
    runs
        As `regret_experiments.load` gives them: ``point`` says which tuned hyper-parameters a run had. Where there is
        no such column the learning rate alone was tuned.

    Returns
    -------
    DataFrame
        ``dimension``; ``state_floats`` (the most that a run held) and ``memory_formula``; ``regret_best``: mean over
        orders of the regret (certified upper end) at the point where that mean is lowest, of all that were played, the
        theorem's learning rate included, with ``regret_best_low`` and ``regret_best_high``, the least lower and the
        largest upper end over the orders, and ``regret_best_within``, the least radius within which these were
        certified (infinite: everywhere, missing: not known), and the standard error of the mean over the orders,
        ``regret_best_se``, with Student's 95 % interval, ``regret_best_ci_low`` and ``regret_best_ci_high``;
        ``best_point`` and whether its rate lies ``at_edge`` of those that were tried; the same for the theorem's
        learning rate; ``bound`` and the ``verdict`` on it there, the worst of its runs (see `oco.regret.Verdict`;
        ``bound_holds`` is true, false or missing with it); means over
        orders of ``tail_mass`` and ``escaped_mass``; ``seconds`` a run. ``loss_best`` and so on: the cumulative loss,
        or of a network the final training loss.

        ``expected_regret``: of a learner that draws, the mean regret at the theorem's rate, or else at the best, with
        the standard error and Student's interval over the orders, or over the draws where there is one order
        (``expected_regret_se``, ``_ci_low``, ``_ci_high``), and the number of runs in it, ``draws``.

        ``orders``: number of orders in the mean of the best point, ``orders_planned``: number that is planned;
        ``orders_theorem`` and ``orders_theorem_planned``: the same for the theorem's rate; the numbers of ``runs`` and
        of ``finished``, ``failed``, ``missing`` and ``damaged`` ones; ``complete``: whether all are finished.
    """
    return table_of(groups_of(runs))


def groups_of(runs: pd.DataFrame) -> list[Group]:
    """What the rows of the table are about."""
    columns = RunColumns(runs)
    return [Group(key, columns, places) for key, places in rows_of(runs, KEYS)]


def table_of(
    groups: Iterable[Group], names: Collection[str] | None = None, more: Iterable[Column] = ()
) -> pd.DataFrame:
    """The rows of the table, or some of its columns by name, and ``more`` columns."""
    shown = [column for column in COLUMNS if names is None or column.name in names]
    columns = {column.name: column for column in (*shown, *more)}
    return pd.DataFrame([summary(group, columns.values()) for group in groups], columns=list(columns))


def measured(table: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """The measure that learners are compared by: regret, or the loss in regret's columns if no regret is known."""
    if table["regret_best"].notna().any():
        return "regret", table
    return "loss", by_loss(table)


def by_loss(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the loss in the place of the regret."""
    parts = ("", "_low", "_high", "_se", "_ci_low", "_ci_high")
    ends = [f"{rate}{part}" for rate in ("best", "theorem") for part in parts]
    losses = {f"regret_{end}": table[f"loss_{end}"] for end in ends if f"loss_{end}" in table}
    everywhere = {f"regret_{rate}_within": float("inf") for rate in ("best", "theorem")}
    return table.assign(**losses, **everywhere)
