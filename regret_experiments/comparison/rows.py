"""The rows of a table by name: a learner, and its rank where it has several."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from oco.errors import ConfigError
from oco.keywords import did_you_mean, listed


@dataclass(frozen=True)
class Row:
    """A learner at one rank, on whichever environment: a row of the table, by name.

    Attributes
    ----------
    learner, kind
        Its name in the table, and its name in the registry.
    rank
        Directions that its sketch keeps; None without a sketch.
    """

    learner: str
    kind: str
    rank: int | None

    @property
    def label(self) -> str:
        """``learner``, or ``learner:rank``."""
        return self.learner if self.rank is None else f"{self.learner}:{self.rank}"


def rows_of(runs: pd.DataFrame) -> dict[str, Row]:
    """The rows that ``runs`` make, by label, in the order of the config.

    Examples
    --------
    >>> list(rows_of(pd.DataFrame({"learner": ["ogd", "fd"], "kind": ["ogd", "fd_adagrad"], "rank": [None, 4]})))
    ['ogd', 'fd:4']
    """
    distinct = runs[["learner", "kind", "rank"]].drop_duplicates().to_dict("records")
    rows = [
        Row(str(row["learner"]), str(row["kind"]), None if pd.isna(row["rank"]) else int(row["rank"]))
        for row in distinct
    ]
    return {row.label: row for row in rows}


def find_row(name: str, rows: dict[str, Row]) -> Row:
    """The row that ``name`` means: a learner in the table or in the registry, with ``:rank`` where there are several.

    Raises
    ------
    ConfigError
        If there is none, or more than one.
    """
    if name in rows:
        return rows[name]
    learner, _, rank = name.rpartition(":")
    named = [row for row in rows.values() if row.learner == name]
    named = named or [row for row in rows.values() if row.kind == name]
    named = named or [row for row in rows.values() if row.kind == learner and str(row.rank) == rank]
    if len(named) == 1:
        return named[0]
    if named:
        several = listed(row.label for row in named)
        raise ConfigError(f"learner {name!r} is more than one row of the table; give one of {several}")
    near = did_you_mean(name, rows, most=3)
    raise ConfigError(f"there is no learner {name!r} in these results{near or f'; there are {listed(rows)}'}")
