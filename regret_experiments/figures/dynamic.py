"""Regret against a comparator that moves, with the rounds at which it switches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from regret_experiments.figures.common import Styles, each_learner
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.selection import dynamic_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def dynamic_regret(
    frame: pd.DataFrame, axes: Axes, *, switches: Iterable[int] = (), styles: Styles | None = None
) -> Axes:
    """Draw dynamic regret against rounds, a line for every learner, and the rounds at which the optimum switches.

    Lines are means over the orders, bands their range.

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
    """
    labels = DirectLabels(axes)
    switches = list(switches)
    for when in switches:
        axes.axvline(when, color="#777777", linewidth=0.8, linestyle="--", zorder=1, gid="switch")
    for style, rows in each_learner(frame, styles):
        summary = rows.groupby("round")["dynamic_regret"].agg(["mean", "min", "max"])
        axes.fill_between(summary.index, summary["min"], summary["max"], color=style.color, alpha=0.15, linewidth=0)
        axes.plot(summary.index, summary["mean"], color=style.color, marker=style.marker, markevery=0.12)
        labels.at_end(style.label, float(summary.index[-1]), float(summary["mean"].iloc[-1]), style.ink)
    axes.set_xlabel("round t (dashed: the optimum switches)" if switches else "round t")
    axes.set_ylabel("dynamic regret")
    return axes


def _of_panel(panel: Panel, axes: Axes) -> Axes:
    curves = panel.curves
    shown = curves["rank"].isna() | (curves["rank"] == panel.shown_rank)
    frame, switches = dynamic_frame(panel.results, curves[shown])
    return dynamic_regret(frame, axes, switches=switches, styles=panel.styles)


KINDS = {"dynamic": Kind("dynamic regret, switches marked (games whose optimum moves)", _of_panel)}
