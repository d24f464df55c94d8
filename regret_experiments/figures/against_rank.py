"""What the rank changes: regret against k, and how much of the bound is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from oco.regret.verdict import Verdict
from regret_experiments.figures.common import Styles, each_learner, numbers, ranked
from regret_experiments.figures.kind import Kind
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.tables import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def regret_vs_rank(table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Draw regret, or the loss where no regret is known, at the best learning rate against the rank k.

    Bands are the range over the data orders. Learners without a rank are level lines; the dashed line is the regret at
    the theorem's learning rate.

    Parameters
    ----------
    table
        Rows of `regret_experiments.rank_table` for one environment.
    axes
        Where to draw.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    """
    measure, table = measured(table)
    labels = DirectLabels(axes)
    _rank_axis(table, axes)
    right = max(numbers(table["rank"]), default=1.0, key=lambda k: k if np.isfinite(k) else -1.0)
    for style, rows in each_learner(table[table["regret_best"].notna()], styles):
        rows = rows.sort_values("rank")
        best, low, high = (numbers(rows[f"regret_best{end}"]) for end in ("", "_low", "_high"))
        if not ranked(rows):
            axes.axhline(best[0], color=style.color, linewidth=1.0, linestyle="-.", zorder=2)
            labels.at_end(style.label, right, best[0], style.ink)
            continue
        x = numbers(rows["rank"])
        axes.fill_between(x, low, high, color=style.color, alpha=0.18, linewidth=0, zorder=1)
        axes.plot(x, best, color=style.color, marker=style.marker, zorder=4)
        axes.plot(
            x, numbers(rows["regret_theorem"]), "--", color=style.color, marker=style.marker, mfc="white", alpha=0.5
        )
        labels.at_end(style.label, x[-1], best[-1], style.ink)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel(f"{measure} (dashed: theorem's rate)" if table["regret_theorem"].notna().any() else measure)
    return axes


def bound_tightness(table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Draw regret divided by its bound, both at the theorem's learning rate, against the rank k.

    1 is the bound: nothing whose assumptions hold may lie above it. Crosses mark bounds that are broken or whose
    assumptions are violated. Learners without a rank are level lines.
    """
    labels = DirectLabels(axes)
    _rank_axis(table, axes)
    axes.set_yscale("log")
    right = max(numbers(table["rank"]), default=1.0, key=lambda k: k if np.isfinite(k) else -1.0)
    for style, rows in each_learner(table[table["bound"].notna()], styles):
        rows = rows.sort_values("rank")
        ratio = numbers(rows["regret_theorem"]) / numbers(rows["bound"])
        ratio = np.where(ratio > 0.0, ratio, np.nan)
        if not np.isfinite(ratio).any():
            continue
        if ranked(rows):
            x = numbers(rows["rank"])
            axes.plot(x, ratio, color=style.color, marker=style.marker)
        else:
            x = np.array([right])
            axes.axhline(ratio[0], color=style.color, linewidth=1.0, linestyle="-.", zorder=2)
        doubtful = rows["verdict"].isin([Verdict.BROKEN, Verdict.VIOLATED]).to_numpy()
        axes.plot(x[doubtful], ratio[doubtful], "x", color="#CC0000", zorder=5)
        labels.at_end(style.label, x[-1], ratio[-1], style.ink)
    axes.axhline(1.0, color="black", linewidth=1.0)
    axes.annotate(
        "bound", (0.0, 1.0), (2, 2), xycoords=("axes fraction", "data"), textcoords="offset points", va="bottom"
    )
    low, high = axes.get_ylim()
    axes.set_ylim(low, max(high, 2.0))
    axes.set_ylabel("regret / bound")
    return axes


def _rank_axis(table: pd.DataFrame, axes: Axes) -> None:
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, StrMethodFormatter

    ranks = sorted({int(rank) for rank in table["rank"].dropna()})
    axes.set_xscale("log", base=2)
    if ranks:
        axes.xaxis.set_major_locator(FixedLocator(_apart(ranks)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    else:
        axes.xaxis.set_major_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("rank k (directions kept)")


def _apart(ranks: list[int]) -> list[int]:
    """Those of the ranks whose labels have room on a logarithmic axis; the largest always."""
    kept = [ranks[-1]]
    least = (ranks[-1] / ranks[0]) ** (1 / 12) if ranks[0] > 0 else 1.0
    for rank in reversed(ranks[:-1]):
        if kept[-1] / rank >= max(least, 1.2):
            kept.append(rank)
    return kept[::-1]


KINDS = {
    "rank": Kind("regret against rank", lambda panel, axes: regret_vs_rank(panel.table, axes, styles=panel.styles)),
    "tightness": Kind("regret / bound", lambda panel, axes: bound_tightness(panel.table, axes, styles=panel.styles)),
}
