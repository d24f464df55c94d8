"""A table as text: aligned columns, few digits, one block for every environment."""

from __future__ import annotations

from typing import Any

import pandas as pd

from oco.regret.interval import radius_text


def table_text(table: pd.DataFrame) -> str:
    """Lay out `rank_table`'s rows for a terminal.

    ``regret`` is the mean over data orders of the certified regret at the best learning rate, with its range over the
    orders, and the radius within which it is certified where that is not everywhere; ``*`` marks a
    best learning rate at the edge of its grid. Where no comparator was asked for it is the loss.
    """
    if table.empty:
        return "no runs"
    several = table["stage"].nunique() > 1
    measure = "regret" if table["regret_best"].notna().any() else "loss"
    blocks = []
    for (stage, environment), rows in table.groupby(["stage", "environment"], sort=False):
        records: list[dict[Any, Any]] = rows.to_dict("records")
        lines = _aligned([_header(measure), *(_cells(row, measure) for row in records)])
        title = f"{environment}  ({stage})" if several else str(environment)
        blocks.append("\n".join([title, *(f"  {line}" for line in lines)]))
    return "\n\n".join(blocks)


def _header(measure: str) -> list[str]:
    best, theorem = f"{measure}, best rate", f"{measure}, theorem"
    return ["learner", "k", "state floats", best, "rate", theorem, "bound", "tail mass", "escaped", "seconds"]


def _cells(row: dict[Any, Any], measure: str) -> list[str]:
    if pd.isna(row.get("state_floats")):
        why = f"all {row['runs']} runs failed" if row["failed"] == row["runs"] else "not run yet"
        return [str(row["learner"]), _integer(row["rank"]), why]
    formula = f" = {row['memory_formula']}" if isinstance(row["memory_formula"], str) else ""
    failed = f"  ({row['failed']} of {row['runs']} runs failed)" if row["failed"] else ""
    bound = _number(row["bound"]) + {True: "", False: " BROKEN", None: " ?"}.get(row["bound_holds"], "")
    return [
        str(row["learner"]),
        _integer(row["rank"]),
        f"{int(row['state_floats']):,}{formula}",
        _interval(row, f"{measure}_best"),
        f"{row['best_point']}{'*' if row['at_edge'] else ''}",
        _interval(row, f"{measure}_theorem"),
        "-" if pd.isna(row["bound"]) else bound,
        _number(row["tail_mass"]),
        _number(row["escaped_mass"]),
        f"{row['seconds']:.3f}{failed}",
    ]


def _interval(row: dict[Any, Any], name: str) -> str:
    value = row[name]
    if pd.isna(value):
        return "-"
    radius = radius_text(row[f"{name}_within"]) if name.startswith("regret") else ""
    return f"{_number(value)} [{_number(row[f'{name}_low'])}, {_number(row[f'{name}_high'])}]{radius}"


def _number(value: Any) -> str:
    return "-" if pd.isna(value) else f"{float(value):.4g}"


def _integer(value: Any) -> str:
    return "" if pd.isna(value) else str(int(value))


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) if i < len(row) else 0 for row in rows if len(row) > 3) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i in (0, 3, 4, 5) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        if len(row) <= 3:
            cells = [row[0].ljust(widths[0]), row[1].rjust(widths[1]), *row[2:]]
        lines.append("  ".join(cells).rstrip())
    return lines
