"""A table as text: aligned columns for a terminal, one block for every environment; or Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import pandas as pd

from regret_experiments.printable import one_line
from regret_experiments.tables.column import Column
from regret_experiments.tables.columns import ALWAYS, COLUMNS
from regret_experiments.tables.rank_table import measured

SHOWN = tuple(column for column in COLUMNS if column.format is not None)
EXPECTED = "expected_regret"
"""The column that is shown only where a learner draws."""
REASON = "state_floats"
"""The column that says why a row has no numbers."""
Best = Mapping[str, Set[int]]
"""By column, the rows (by the frame's index) whose number is the best, or not told apart from it."""


def shown_in(table: pd.DataFrame) -> tuple[Column, ...]:
    """The main columns of a table: without the expected regret where no learner draws."""
    drawn = EXPECTED in table and bool(table[EXPECTED].notna().any())
    return tuple(column for column in SHOWN if drawn or column.name != EXPECTED)


def table_text(table: pd.DataFrame, columns: Sequence[Column] | None = None) -> str:
    """Lay out `rank_table`'s rows for a terminal, in its main columns or the given ones.

    ``regret`` is the mean over data orders of the certified regret at the best learning rate, with its range over the
    orders, and the radius within which it is certified where that is not everywhere; ``*`` marks a best learning rate
    at the edge of its grid. ``expected regret`` is of learners that draw, the mean and half its 95 % interval over the
    orders, or over the draws where there is one order. Without a comparator the column is the loss. ``orders`` is the
    number of orders in the mean of the best point, and ``!`` marks a row with unfinished runs. ``BROKEN`` marks a bound
    below the certified regret, ``?`` a bound with a violated assumption, and ``~`` a bound inside the certified
    interval.
    """
    blocks = []
    columns = shown_in(table) if columns is None else columns
    for title, rows in _blocks(table, columns):
        blocks.append("\n".join([title, *(f"  {line}" for line in _aligned(rows, columns))]))
    return "\n\n".join(blocks) or "no runs"


def table_markdown(table: pd.DataFrame, columns: Sequence[Column] | None = None, best: Best | None = None) -> str:
    """The same as Markdown: a heading and a table for every environment, with the ``best`` cells in bold."""
    columns = shown_in(table) if columns is None else columns
    line = "|" + "|".join("---:" if column.align == "right" else ":---" for column in columns) + "|"
    blocks = []
    for title, (header, *rows) in _blocks(table, columns, best or {}):
        filled = [row + [""] * (len(columns) - len(row)) for row in rows]
        lines = ["| " + " | ".join(row) + " |" for row in ([_escaped(cell) for cell in header], *filled)]
        blocks.append("\n".join([f"### {_escaped(title)}", "", lines[0], line, *lines[1:]]))
    return "\n\n".join(blocks) or "no runs"


def shortfall_text(shortfalls: Sequence[str]) -> str:
    """A footnote on missing results, from ``Results.shortfalls``; empty if none are missing."""
    if not shortfalls:
        return ""
    head, *lines = map(one_line, shortfalls)
    return "\n".join([f"! INCOMPLETE: {head}", *(f"    {line}" for line in lines)])


def _blocks(
    table: pd.DataFrame, columns: Sequence[Column], best: Best | None = None
) -> Iterator[tuple[str, list[list[str]]]]:
    """The title of every environment, and its cells: the headings first. No cell has a line end.

    With ``best`` the cells are Markdown.
    """
    if table.empty:
        return
    several = table["stage"].nunique() > 1
    measure, table = measured(table)
    blocks: dict[tuple[str, str], dict[Any, dict[Any, Any]]] = {}
    names = list(table)
    values = zip(*(table[name].tolist() for name in names), strict=True)
    for index, row in zip(table.index, (dict(zip(names, each, strict=True)) for each in values), strict=True):
        blocks.setdefault((row["stage"], row["environment"]), {})[index] = row
    for (stage, environment), rows in blocks.items():
        cells = [[one_line(cell) for cell in cells_of(row, columns)] for row in rows.values()]
        if best is not None:
            bold = [[index in best.get(column.name, ()) for column in columns] for index in rows]
            cells = [[_marked(*each) for each in zip(*both, strict=False)] for both in zip(cells, bold, strict=True)]
        title = f"{environment}  ({stage})" if several else str(environment)
        yield one_line(title), [[one_line(column.heading(measure)) for column in columns], *cells]


def cells_of(row: Mapping[Any, Any], columns: Sequence[Column]) -> list[str]:
    """The texts of a row: of one without finished runs up to the reason, or a dash where there is no number."""
    if not pd.isna(row["state_floats"]):
        return [column.cell(row) for column in columns]
    texts = []
    for column in columns:
        texts.append(column.cell(row) if column.name in (*ALWAYS, REASON) else "-")
        if column.name == REASON:
            break
    return texts


def _marked(cell: str, bold: bool) -> str:
    return f"**{_escaped(cell)}**" if bold else _escaped(cell)


def _escaped(cell: str) -> str:
    for letter in "\\|*_`<[":
        cell = cell.replace(letter, f"\\{letter}")
    return cell


def _aligned(rows: list[list[str]], columns: Sequence[Column]) -> list[str]:
    full = [row for row in rows if len(row) == len(columns)]
    widths = [max(len(row[i]) for row in full) for i in range(len(columns))]
    widths[0] = max(len(row[0]) for row in rows)
    lines = []
    for row in rows:
        places = list(zip(row, widths, columns, strict=False))
        cells = [cell.ljust(width) if c.align == "left" else cell.rjust(width) for cell, width, c in places]
        if len(row) < len(columns):
            cells[-1] = row[-1]  # a reason may be longer than its column
        lines.append("  ".join(cells).rstrip())
    return lines
