"""Cumulative regret against rounds, with the theorem's bound above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from regret_experiments.figures.style import learner_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def regret_curves(curves: pd.DataFrame, axes: Axes, *, bound: bool = True) -> Axes:
    """Draw regret against the best point for each prefix (u_t), log-log, a line for every learner and rank.

    Parameters
    ----------
    curves
        Rows of ``Results.curves`` for one environment and one learning rate of each learner, with the column ``kind``.
        Lines are means over the orders, the band is the range of the certified intervals over the orders.
    axes
        Where to draw.
    bound
        Whether to draw the bounds, dotted.
    """
    axes.set_xscale("log")
    axes.set_yscale("log")
    ranked = curves["rank"].dropna().unique()
    for (_, rank), rows in curves.groupby(["learner", "rank"], sort=False, dropna=False, observed=True):
        style = learner_style(str(rows["kind"].iloc[0]))
        middle = rows.assign(regret=(rows["regret_lower"] + rows["regret_upper"]) / 2)
        summary = middle.groupby("round").agg(
            regret=("regret", "mean"),
            low=("regret_lower", "min"),
            high=("regret_upper", "max"),
            bound=("bound", "mean"),
        )
        fade = 1.0 if pd.isna(rank) else 0.35 + 0.65 * float(np.searchsorted(np.sort(ranked), rank) + 1) / len(ranked)
        positive = summary["regret"].where(summary["regret"] > 0.0)
        axes.plot(summary.index, positive, color=style.color, alpha=fade)
        axes.fill_between(
            summary.index,
            summary["low"].clip(lower=1e-12),
            summary["high"].clip(lower=1e-12),
            color=style.color,
            alpha=0.12 * fade,
            linewidth=0,
        )
        last = positive.last_valid_index()
        if last is not None:
            name = style.label if pd.isna(rank) else f"{style.label}, k = {int(rank)}"
            axes.annotate(
                name,
                (float(last), float(positive.loc[last])),
                (4, -2),
                textcoords="offset points",
                fontsize=6.5,
                color=style.color,
                alpha=max(fade, 0.6),
                annotation_clip=False,
            )
        if bound:
            axes.plot(summary.index, summary["bound"], ":", color=style.color, alpha=fade, linewidth=1.0)
    axes.set_xlabel("round t")
    axes.set_ylabel("regret against $u_t$ (dotted: bound)")
    return axes
