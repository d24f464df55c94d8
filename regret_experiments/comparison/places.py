"""Many learners over many environments: average ranks and Nemenyi's critical difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from oco.errors import ConfigError
from regret_experiments.comparison.rows import Row, find_row, rows_of
from regret_experiments.statistics import AverageRanks, average_ranks
from regret_experiments.tables import Column, table_view

FEW = 10
"""Environments up to which Demsar (2006) does not trust the approximations of both tests."""


@dataclass(frozen=True)
class LearnerRanks:
    """Learners ranked on every environment by their mean over orders, lowest first.

    Attributes
    ----------
    rows
        The learners, in the order of ``found.ranks``.
    column, measure
        What they are ranked by.
    values
        Their means: a row for every environment, a column for every learner by its label.
    found
        Average ranks and tests.
    left_out
        Learners without a value on some environment.
    level
        Of Nemenyi's test.
    """

    rows: tuple[Row, ...]
    column: Column
    measure: str
    values: pd.DataFrame
    found: AverageRanks
    left_out: tuple[str, ...]
    level: float

    @property
    def frame(self) -> pd.DataFrame:
        """Columns ``learner``, ``kind``, ``rank`` and ``average_rank``, best first."""
        rows = [
            {"learner": row.learner, "kind": row.kind, "rank": row.rank, "average_rank": average}
            for row, average in zip(self.rows, self.found.ranks, strict=True)
        ]
        return pd.DataFrame(rows).sort_values("average_rank", kind="stable", ignore_index=True)


def rank_learners(
    runs: pd.DataFrame,
    learners: Sequence[str] = (),
    *,
    column: str = "regret_best",
    environments: Sequence[str] = (),
    rate: str = "best",
    level: float = 0.05,
) -> LearnerRanks:
    """Rank learners on every environment of ``runs``, and test whether their average ranks differ.

    Parameters
    ----------
    runs
        As `regret_experiments.load` gives them.
    learners
        Names as `compare_learners` takes them; by default every learner, at every rank.
    column, environments, rate
        As in `compare_learners`; the column must be one of which less is better.
    level
        Of Nemenyi's test.

    Raises
    ------
    ConfigError
        If a name is unknown, or fewer than three learners have a value on at least two environments.
    """
    view = table_view(runs, [column], environments=environments, rate=rate)
    (shown,) = view.columns
    if not shown.lower_is_better:
        raise ConfigError(f"column {column!r} is not one of which less is better, so learners are not ranked by it")
    names = rows_of(runs)
    rows = [find_row(name, names) for name in learners] or list(names.values())
    rows = list(dict.fromkeys(rows))
    wanted = {row.label: row for row in rows}
    name = column.replace("regret", "loss", 1) if view.measure == "loss" and column.startswith("regret_") else column
    labels = view.frame["learner"].astype(str) + view.frame["rank"].map(
        lambda rank: "" if pd.isna(rank) else f":{int(rank)}"
    )
    table = view.frame.assign(label=labels, value=pd.to_numeric(view.frame[name]).astype(float))
    table = table[table["label"].isin(wanted)].dropna(subset="value")
    values = table.pivot_table(index=["stage", "environment"], columns="label", values="value", sort=False)
    played = values.notna().all()
    kept = [label for label in wanted if bool(played.get(label, False))]
    left_out = [f"{label}: it has no value on some environment" for label in wanted if label not in kept]
    if len(kept) < 3 or len(values) < 2:
        raise ConfigError(
            "average ranks need at least 3 learners with a value on every environment, and 2 environments; here are "
            f"{len(kept)} learners and {len(values)} environments"
        )
    values = values[kept]
    found = average_ranks(values.to_numpy(float), level)
    return LearnerRanks(
        tuple(wanted[label] for label in kept), shown, view.measure, values, found, tuple(left_out), level
    )
