"""The games of a sweep as the page shows them: an environment of a stage, with its runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from regret_experiments.figures.memory import LOSS_COLUMNS, MEMORY_COLUMNS
from regret_experiments.tables.group import Group
from regret_experiments.tables.rank_table import groups_of, table_of


@dataclass(frozen=True)
class Game:
    """One environment of one stage.

    Attributes
    ----------
    title
        The environment, with the stage where there are several.
    runs
        Its runs, played or not.
    groups
        The same by learner and rank.
    """

    stage: str
    environment: str
    title: str
    runs: pd.DataFrame
    groups: list[Group]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The columns of the table that regret or loss against memory needs."""
        return table_of(self.groups, {*MEMORY_COLUMNS, *LOSS_COLUMNS})


def games_of(runs: pd.DataFrame) -> list[Game]:
    """Every game of the runs of a sweep, in their order."""
    if runs.empty:
        return []
    several = runs["stage"].nunique() > 1
    return [
        Game(str(stage), str(name), f"{name} ({stage})" if several else str(name), rows, groups_of(rows))
        for (stage, name), rows in runs.groupby(["stage", "environment"], sort=False)
    ]
