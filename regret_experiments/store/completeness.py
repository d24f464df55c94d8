"""Sentences on the planned runs that a directory of results lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from regret_experiments.store.reading import Fault

UNFINISHED = ("missing", "damaged", "failed")
MOST_LINES = 20
"""Lines about rows of the table, and as many about files."""


def shortfalls(
    runs: pd.DataFrame, faults: Iterable[Fault], foreign: Sequence[str], stages: Iterable[str], directory: Path
) -> tuple[str, ...]:
    """List what is missing, damaged, failed or not in the plan; empty if every planned run is finished.

    Parameters
    ----------
    runs
        As ``Results.runs``.
    faults
        Stored files that cannot be used.
    foreign
        Ids of stored runs that the plan does not ask for.
    stages
        Names of the stages of the plan.
    directory
        Where the files are.

    Returns
    -------
    tuple of str
        The first says how much, the others what.
    """
    unfinished = runs[runs["status"] != "finished"]
    waiting = [name for name in stages if name not in set(runs["stage"])]
    faults = list(faults)
    lines = [_row_line(key, rows) for key, rows in unfinished.groupby(_ROW, sort=False, dropna=False)]
    lines = [*_at_most(lines, "rows"), *(f"stage {name!r} has not begun" for name in waiting)]
    lines += _at_most([f"{_shown(fault.path, directory)}: {fault.reason}" for fault in faults], "files")
    lines += _at_most([f"run {name} is stored, and the plan does not ask for it" for name in foreign], "runs")
    if not lines:
        return ()
    counts = [f"{count} {status}" for status in UNFINISHED if (count := int((runs["status"] == status).sum()))]
    counts += [f"{len(waiting)} stage{'s' if len(waiting) > 1 else ''} not begun"] if waiting else []
    others = [fault for fault in faults if fault.path.stem not in set(runs["id"])]
    counts += [f"{len(others)} other file{'s' if len(others) > 1 else ''} damaged"] if others else []
    counts += [f"{len(foreign)} not asked for"] if foreign else []
    return (f"{len(runs) - len(unfinished)} of {len(runs)} runs are finished: {', '.join(counts)}", *lines)


_ROW = ["status", "stage", "environment", "learner", "rank"]


def _row_line(key: tuple[object, ...], rows: pd.DataFrame) -> str:
    status, _, environment, learner, rank = key
    orders = ", ".join(str(order) for order in sorted(set(rows["order"])))
    name = f"{learner}" if pd.isna(rank) else f"{learner}, k = {rank}"  # type: ignore[call-overload]
    count = f"{len(rows)} run{'s' if len(rows) > 1 else ''}"
    return f"{status}: {name} on {environment}: {count} (order {orders})"


def _at_most(lines: list[str], what: str) -> list[str]:
    left = len(lines) - MOST_LINES
    return lines if left <= 0 else [*lines[:MOST_LINES], f"and {left} {what} more"]


def _shown(path: Path, directory: Path) -> str:
    try:
        return Path(path).relative_to(directory).as_posix()
    except ValueError:
        return str(path)
