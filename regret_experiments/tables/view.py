"""What a table shows: some rows and columns, in an order of the reader's choice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from oco.errors import ConfigError
from oco.keywords import did_you_mean, listed
from regret_experiments.tables.column import Column
from regret_experiments.tables.columns import ASKED_FOR, COLUMNS, mean_of_runs
from regret_experiments.tables.group import Group
from regret_experiments.tables.rank_table import groups_of, measured, table_of
from regret_experiments.tables.text import shown_in

_LABELS = ("id", "order", "repetition")
_LOWER_IS_BETTER = re.compile(r"loss|regret|error|mistakes")
_NUMBERS = ("integer", "floating", "mixed-integer-float")
"""What pandas calls a column of numbers."""


@dataclass(frozen=True)
class View:
    """Rows and columns of the table of a sweep.

    Attributes
    ----------
    frame
        The rows of `rank_table` that are shown, with the chosen columns that only runs have; the index is the place of
        a row in ``groups``.
    columns
        The columns that are shown.
    groups
        The runs of every row of the whole table.
    measure
        What learners are compared by, ``"regret"`` or ``"loss"``.
    """

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    measure: str

    @property
    def chosen(self) -> pd.DataFrame:
        """The shown columns of the frame."""
        return self.frame[list(dict.fromkeys(column.name for column in self.columns))]

    def by_order(self, column: Column, index: int) -> pd.Series[float]:
        """Values by order of one cell of a column with ``orders``; of a regret the losses where no regret is known."""
        if self.measure == "loss" and column.name.startswith("regret_"):
            column = next(each for each in COLUMNS if each.name == column.name.replace("regret", "loss", 1))
        assert column.orders is not None
        return column.orders(self.groups[index])


def table_view(
    runs: pd.DataFrame,
    columns: Sequence[str] | None = None,
    *,
    environments: Iterable[str] = (),
    learners: Iterable[str] = (),
    sort: str | None = None,
    descending: bool = False,
    rate: str = "best",
    errors: bool = True,
) -> View:
    """Choose rows and columns of the table of ``runs``.

    Parameters
    ----------
    runs
        As `regret_experiments.load` gives them.
    columns
        Names of columns of `rank_table`, or of columns of ``runs`` that hold numbers, such as a held-out loss: these
        are means over orders. By default the main columns.
    environments, learners
        Names of what is shown; by default all.
    sort, descending
        The column by which the rows of every environment are sorted, lowest first or last; rows without a value come
        last. By default the order of the config.
    rate
        ``"best"`` or ``"theorem"``: the learning rate at which columns of ``runs`` are taken.
    errors
        Whether the frame has standard errors and intervals of means that are not among ``columns``.

    Raises
    ------
    ConfigError
        If a name is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"stage": "s", "environment": "e", "kind": "ogd", "learner": "ogd", "rank": None, "status": "finished"}
    >>> row |= {"order": 0, "regret_upper": 3.0, "peak_state_floats": 4, "cumulative_loss": 9.0, "mistakes": 2}
    >>> view = table_view(pd.DataFrame([row | {"seconds": 0.1}]), ["learner", "regret_best", "mistakes"])
    >>> view.chosen.to_dict("records")
    [{'learner': 'ogd', 'regret_best': 3.0, 'mistakes': 2.0}]
    """
    known = {column.name: column for column in COLUMNS} | _columns_of_runs(runs, rate)
    chosen = () if columns is None else tuple(_known(name, known, "column") for name in columns)
    sorted_by = None if sort is None else _known(sort, known, "column")
    asked = (*chosen, *(() if sorted_by is None else (sorted_by,)))
    more = {column.name: column for column in asked if column not in COLUMNS}
    groups = tuple(groups_of(runs))
    wanted = {column.name for column in COLUMNS if errors or column.read or column in asked}
    frame = table_of(groups, wanted, more.values())
    for what, names in (("environment", tuple(environments)), ("learner", tuple(learners))):
        there = dict.fromkeys(frame[what])
        for name in names:
            _known(name, dict(zip(there, there, strict=True)), what)
        frame = frame[frame[what].isin(names)] if names else frame
    chosen = shown_in(frame) if columns is None else chosen
    measure, comparable = measured(frame)
    if sorted_by is not None:
        frame = frame.loc[_sorted(comparable, sorted_by.name, descending)]
    return View(frame, chosen, groups, measure)


def _known(name: str, known: dict[Any, Any], what: str) -> Any:
    if name in known:
        return known[name]
    near = did_you_mean(name, known, most=3)
    raise ConfigError(f"there is no {what} {name!r} in these results{near or f'; there are {listed(known)}'}")


def _columns_of_runs(runs: pd.DataFrame, rate: str) -> dict[str, Column]:
    """A column for the mean of every other number of the runs, and of the table's own held-out losses at that rate."""
    own = {column.name: column for column in COLUMNS}
    found = {}
    for name in map(str, runs):
        if name in _LABELS or pd.api.types.infer_dtype(runs[name]) not in _NUMBERS:
            continue
        if name not in own:
            better = bool(_LOWER_IS_BETTER.search(name)) and "rounding" not in name
            found[name] = mean_of_runs(name, rate, lower_is_better=better)
        elif name in ASKED_FOR:
            found[name] = mean_of_runs(name, rate, title=own[name].title, lower_is_better=True)
    return found


def _sorted(frame: pd.DataFrame, name: str, descending: bool) -> pd.Index[Any]:
    """The index, sorted by a column within every environment."""
    values: Any = frame[name]
    if pd.api.types.infer_dtype(values) in (*_NUMBERS, "integer-na"):
        values = pd.to_numeric(values).astype(float)
    else:
        values = values.where(values.isna(), values.astype(str))
    block = frame.groupby(["stage", "environment"], sort=False).ngroup()
    keys = pd.DataFrame({"block": block, "value": values})
    return keys.sort_values(["block", "value"], ascending=[True, not descending], na_position="last").index
