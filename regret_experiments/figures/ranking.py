"""The ranking of learners as a figure: who had the least regret, with what memory and which bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.font_manager import FontProperties

from oco.regret.verdict import Verdict
from regret_experiments.figures.common import Styles, measured, numbers, say, styles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ALIGN = ("left", "right", "left", "right", "right")


def ranking_table(table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Write learners into an Axes in the order of their regret (or loss, where no regret is known), least first.

    The bar behind a regret is its length. A bound that is broken is red; one whose assumptions do not hold is in
    brackets; ``*`` stands by a best learning rate at the edge of its grid. Failed learners come last, with how many.

    Parameters
    ----------
    table
        Rows of `regret_experiments.rank_table` for one environment.
    axes
        Where to draw; its own axes are hidden.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    """
    if table.empty:
        return say(axes, "no runs")
    styles = styles_of(table) if styles is None else styles
    measure, table = measured(table)
    rows = table.assign(order=pd.to_numeric(table["regret_best"])).sort_values("order", kind="stable")
    axes.set_axis_off()
    count = len(rows)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(count + 0.6, -0.9)
    size = _letters(axes, count)
    edges = (0.045, 0.46, 0.49, 0.87, 1.0)
    _write(axes, -0.4, edges, ("learner", "k", f"{measure} [range]", "bound", "floats"), size, weight="bold")
    axes.plot([0.0, 1.0], [0.05, 0.05], color="black", linewidth=0.8)
    largest = np.nanmax(numbers(rows["regret_best"]), initial=0.0)
    for i, row in enumerate(rows.to_dict("records")):
        style = styles[str(row["learner"])]
        y = i + 0.6
        axes.plot([0.018], [y], marker=style.marker, color=style.color, linestyle="none", clip_on=False)
        regret = row["regret_best"]
        if pd.notna(regret) and regret > 0.0:
            axes.barh(y, 0.29 * regret / largest, left=0.485, height=0.8, color=style.color, alpha=0.16)
        _write(axes, y, edges, (style.label, *_cells(row)), size, bound_broken=row.get("verdict") == Verdict.BROKEN)
    return axes


def _cells(row: dict[Any, Any]) -> tuple[str, str, str, str]:
    rank = "" if pd.isna(row["rank"]) else str(int(row["rank"]))
    if pd.isna(row["regret_best"]):
        return rank, f"{row['failed']} of {row['runs']} runs failed" if row["failed"] else "not known", "", ""
    low, high = row["regret_best_low"], row["regret_best_high"]
    edge = "*" if row.get("at_edge") is True else ""
    regret = f"{row['regret_best']:.4g}{edge}  [{low:.3g}, {high:.3g}]"
    bound = "" if pd.isna(row["bound"]) else _short(row["bound"])
    if bound and row.get("verdict") == Verdict.VIOLATED:
        bound = f"({bound})"
    return rank, regret, bound, f"{int(row['state_floats']):,}"


def _letters(axes: Axes, count: int) -> float:
    """Size in points at which ``count`` rows and the longest one have room."""
    figure: Any = axes.get_figure()
    place = axes.get_position()
    height = 72.0 * figure.get_figheight() * place.height / (count + 1.5)
    width = 72.0 * figure.get_figwidth() * place.width / 46.0
    return float(min(0.833 * FontProperties(size=rcParams["font.size"]).get_size_in_points(), 0.72 * height, width))


def _short(value: float) -> str:
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"


def _write(
    axes: Axes, y: float, edges: Any, cells: Any, size: float, weight: str = "normal", bound_broken: bool = False
) -> None:
    for column, (x, cell, align) in enumerate(zip(edges, cells, _ALIGN, strict=True)):
        color = "#CC0000" if bound_broken and column == 3 else "black"
        axes.text(x, y, cell, ha=align, va="center", weight=weight, color=color, fontsize=size, parse_math=False)
