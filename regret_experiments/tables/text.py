"""A table as text: aligned columns for a terminal, one block for every environment; or Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from regret_experiments.printable import one_line
from regret_experiments.tables.columns import COLUMNS
from regret_experiments.tables.rank_table import measured

SHOWN = tuple(column for column in COLUMNS if column.format is not None)
_BEFORE_REASON = 3
"""Columns of a row without finished runs: learner, rank, and why there is nothing."""


def table_text(table: pd.DataFrame) -> str:
    """Lay out `rank_table`'s rows for a terminal.

    ``regret`` is the mean over data orders of the certified regret at the best learning rate, with its range over the
    orders, and the radius within which it is certified where that is not everywhere; ``*`` marks a best learning rate
    at the edge of its grid. Without a comparator the column is the loss. ``orders`` is the number of orders in the mean
    of the best point, and ``!`` marks a row with unfinished runs. ``BROKEN`` marks a bound below the certified regret,
    ``?`` a bound with a violated assumption, and ``~`` a bound inside the certified interval.
    """
    blocks = []
    for title, rows in _blocks(table):
        blocks.append("\n".join([title, *(f"  {line}" for line in _aligned(rows))]))
    return "\n\n".join(blocks) or "no runs"


def table_markdown(table: pd.DataFrame) -> str:
    """The same as Markdown: a heading and a table for every environment."""
    line = "|" + "|".join("---:" if column.align == "right" else ":---" for column in SHOWN) + "|"
    blocks = []
    for title, (header, *rows) in _blocks(table):
        filled = [row + [""] * (len(SHOWN) - len(row)) for row in rows]
        lines = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in (header, *filled)]
        blocks.append("\n".join([f"### {_escaped(title)}", "", lines[0], line, *lines[1:]]))
    return "\n\n".join(blocks) or "no runs"


def shortfall_text(shortfalls: Sequence[str]) -> str:
    """A footnote on missing results, from ``Results.shortfalls``; empty if none are missing."""
    if not shortfalls:
        return ""
    head, *lines = map(one_line, shortfalls)
    return "\n".join([f"! INCOMPLETE: {head}", *(f"    {line}" for line in lines)])


def _blocks(table: pd.DataFrame) -> Iterator[tuple[str, list[list[str]]]]:
    """The title of every environment, and its cells: the headings first. No cell has a line end."""
    if table.empty:
        return
    several = table["stage"].nunique() > 1
    measure, table = measured(table)
    for (stage, environment), rows in table.groupby(["stage", "environment"], sort=False):
        records: list[dict[Any, Any]] = rows.to_dict("records")
        cells = [[column.heading(measure) for column in SHOWN], *map(_cells, records)]
        title = f"{environment}  ({stage})" if several else str(environment)
        yield one_line(title), [list(map(one_line, row)) for row in cells]


def _cells(row: dict[Any, Any]) -> list[str]:
    shown = SHOWN[:_BEFORE_REASON] if pd.isna(row["state_floats"]) else SHOWN
    return [column.format(row) for column in shown if column.format is not None]


def _escaped(cell: str) -> str:
    for letter in "\\|*_`<[":
        cell = cell.replace(letter, f"\\{letter}")
    return cell


def _aligned(rows: list[list[str]]) -> list[str]:
    full = [row for row in rows if len(row) == len(SHOWN)]
    widths = [max(len(row[i]) for row in full) for i in range(len(SHOWN))]
    widths[0] = max(len(row[0]) for row in rows)
    lines = []
    for row in rows:
        places = list(zip(row, widths, SHOWN, strict=False))
        cells = [cell.ljust(width) if c.align == "left" else cell.rjust(width) for cell, width, c in places]
        if len(row) < len(SHOWN):
            cells[-1] = row[-1]  # a reason may be longer than its column
        lines.append("  ".join(cells).rstrip())
    return lines
