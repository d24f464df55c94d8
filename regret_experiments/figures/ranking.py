"""The ranking of learners as a figure: who had the least regret, with what memory and which bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.font_manager import FontProperties

from oco.regret.verdict import Verdict
from regret_experiments.figures.common import Styles, numbers, say, styles_of
from regret_experiments.figures.kind import Kind
from regret_experiments.tables import COLUMNS, measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = tuple(column for column in COLUMNS if column.compact is not None)
MARKER, GAP = 0.045, 0.012
"""Room for a learner's marker, and right of a number, in shares of the width."""


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
    places = _places()
    _write(axes, -0.4, places, [column.heading(measure) for column in SHOWN], size, weight="bold")
    axes.plot([0.0, 1.0], [0.05, 0.05], color="black", linewidth=0.8)
    largest = np.nanmax(numbers(rows["regret_best"]), initial=0.0)
    bar, _, end = places["regret_best"]
    for i, row in enumerate(rows.to_dict("records")):
        style = styles[str(row["learner"])]
        y = i + 0.6
        axes.plot([0.018], [y], marker=style.marker, color=style.color, linestyle="none", clip_on=False)
        regret = row["regret_best"]
        if pd.notna(regret) and regret > 0.0:
            axes.barh(y, (end - bar) * regret / largest, left=bar, height=0.8, color=style.color, alpha=0.16)
        cells = [column.compact(row | {"label": style.label}) for column in SHOWN if column.compact is not None]
        _write(axes, y, places, cells, size, bound_broken=row.get("verdict") == Verdict.BROKEN)
    return axes


def _places() -> dict[str, tuple[float, float, float]]:
    """Of each column its left edge, where its text is put, and its right edge, in shares of the width."""
    scale = (1.0 - MARKER) / sum(column.width for column in SHOWN)
    places, left = {}, MARKER
    for column in SHOWN:
        right = left + scale * column.width
        places[column.name] = (left, left if column.align == "left" else right - GAP, right)
        left = right
    return places


def _letters(axes: Axes, count: int) -> float:
    """Size in points at which ``count`` rows and the longest one have room."""
    figure: Any = axes.get_figure()
    place = axes.get_position()
    height = 72.0 * figure.get_figheight() * place.height / (count + 1.5)
    width = 72.0 * figure.get_figwidth() * place.width / 46.0
    return float(min(0.833 * FontProperties(size=rcParams["font.size"]).get_size_in_points(), 0.72 * height, width))


def _write(
    axes: Axes, y: float, places: Any, cells: Any, size: float, weight: str = "normal", bound_broken: bool = False
) -> None:
    for column, cell in zip(SHOWN, cells, strict=True):
        color = "#CC0000" if bound_broken and column.name == "bound" else "black"
        x = places[column.name][1]
        axes.text(x, y, cell, ha=column.align, va="center", weight=weight, color=color, fontsize=size, parse_math=False)


KINDS = {
    "table": Kind(
        "ranking of learners as a figure",
        lambda panel, axes: ranking_table(panel.table, axes, styles=panel.styles),
        aspect=0.62,
        scales=False,
        caption="Learners in the order of their regret at the best of all learning rates that were played: mean and "
        "range over the data orders; a star by a best rate at the edge of its grid. Bounds are at the theorem's rate.",
    )
}
