"""Checks of the readers' options, made before anything is read, and of column names."""

from __future__ import annotations

from typing import Any

import numpy as np

from oco.errors import DataError

WORDS_HINT = "pass labels={...} if the targets are words (in a config, labels: {cat: -1, dog: 1})"


def check_switches(**switches: Any) -> None:
    """Raise `DataError` for a switch that is neither True nor False; a word such as "no" would count as True."""
    for name, value in switches.items():
        if not isinstance(value, (bool, np.bool_)):
            raise DataError(f"{name} must be true or false, got {value!r}")


def check_counts(**counts: Any) -> None:
    """Raise `DataError` for a count that is neither None nor an integer of at least 1."""
    for name, value in counts.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if value is not None and not (whole and value >= 1):
            raise DataError(f"{name} must be at least 1 or None, got {value!r}")


def check_column_names(names: list[str], where: str) -> None:
    """Reject duplicate column names and a column without a name (usually the index written by pandas or R).

    Raises
    ------
    DataError
        With the positions, from 1, of the columns.
    """
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if not name.strip() or name.startswith("Unnamed: "):
            index = " (it looks like the index that DataFrame.to_csv() writes)" if position == 1 else ""
            raise DataError(
                f"{where}: column {position} has no name{index}; expected a name for every column: "
                "write the table with index=False, or name the column if it is a feature"
            )
        if name in seen:
            raise DataError(
                f"{where}: columns {seen[name]} and {position} are both called {name!r}; expected different names"
            )
        seen[name] = position
