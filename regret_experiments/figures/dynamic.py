"""Regret against a comparator that moves, with the rounds at which it switches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from regret_experiments.figures.common import Styles, styles_for
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.lines import Line, over_orders
from regret_experiments.figures.selection import dynamic_frame
from regret_experiments.tables.bands import Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def dynamic_data(frame: pd.DataFrame, band: Band = "range") -> dict[str, Line]:
    """Dynamic regret against rounds, by learner: means over the orders, with their band."""
    found = {}
    for name, rows in frame.groupby("learner", sort=False, observed=True):
        summary = over_orders(rows["dynamic_regret"], rows["round"], band, rows.get("order"))
        mean, low, high = (summary[end].to_numpy(float) for end in ("mean", "low", "high"))
        found[str(name)] = Line(summary.index.to_numpy(float), mean, low, high)
    return found


def dynamic_regret(
    frame: pd.DataFrame,
    axes: Axes,
    *,
    switches: Iterable[int] = (),
    styles: Styles | None = None,
    band: Band = "range",
) -> Axes:
    """Draw dynamic regret against rounds, a line for every learner, and the rounds at which the optimum switches.

    Lines are means over the orders.

    Parameters
    ----------
    frame
        Columns ``learner``, ``kind``, ``round`` and ``dynamic_regret``; a row for every order.
    axes
        Where to draw.
    switches
        Rounds after which the comparator is another one.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    band
        ``"range"`` over the data orders, ``"se"``: one standard error, ``"ci"``: the 95 % interval of the mean.
    """
    labels, styles = DirectLabels(axes), styles_for(frame, styles)
    switches = list(switches)
    for when in switches:
        axes.axvline(when, color="#777777", linewidth=0.8, linestyle="--", zorder=1, gid="switch")
    for learner, line in dynamic_data(frame, band).items():
        style = styles[learner]
        axes.fill_between(line.x, line.low, line.high, color=style.color, alpha=0.15, linewidth=0)
        axes.plot(line.x, line.middle, color=style.color, marker=style.marker, markevery=0.12)
        labels.at_end(style.label, float(line.x[-1]), float(line.middle[-1]), style.ink)
    axes.set_xlabel("round t (dashed: the optimum switches)" if switches else "round t")
    axes.set_ylabel("dynamic regret")
    return axes


def _of_panel(panel: Panel, axes: Axes) -> Axes:
    curves = panel.curves
    shown = curves["rank"].isna() | (curves["rank"] == panel.shown_rank)
    frame, switches = dynamic_frame(panel.results, curves[shown])
    return dynamic_regret(frame, axes, switches=switches, styles=panel.styles, band=panel.band)


KINDS = {
    "dynamic": Kind(
        "dynamic regret, switches marked (games whose optimum moves)", _of_panel,
        caption="Regret against the game's own moving comparator, {rate}; vertical lines where it switches. {band}",
    )
}  # fmt: skip
