"""The held-out loss of the averaged point and of the last one against rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco.errors import ConfigError
from regret_experiments.figures.common import Styles, each_learner, numbers, tidy_log
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.lines import over_orders
from regret_experiments.tables.bands import Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def held_out_losses(curves: pd.DataFrame, axes: Axes, *, styles: Styles | None = None, band: Band = "range") -> Axes:
    """Draw the mean held-out loss against rounds: a solid line for the averaged point, a dotted one for the last.

    Parameters
    ----------
    curves
        Rows of ``Results.curves`` for one environment and one learning rate of each learner, with the column ``kind``.
        Lines are means over the orders.
    axes
        Where to draw.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    band
        Around the averaged point's line: ``"range"`` over the data orders, ``"se"``: one standard error, ``"ci"``: the
        95 % interval of the mean.

    Raises
    ------
    ConfigError
        If no held-out losses were recorded.
    """
    if "held_out_average" not in curves or not np.isfinite(numbers(curves["held_out_average"])).any():
        raise ConfigError("no held-out losses were recorded: the environment has no key held_out in the config")
    labels = DirectLabels(axes)
    for style, rows in each_learner(curves, styles):
        ranks = np.sort(rows["rank"].dropna().unique())
        by_rank: Any = rows.groupby("rank", sort=True, dropna=False)
        for rank, group in by_rank:
            fade = 1.0 if pd.isna(rank) else 0.35 + 0.65 * float(np.searchsorted(ranks, rank) + 1) / len(ranks)
            averaged, last = (
                over_orders(group[f"held_out_{point}"], group["round"], band, group.get("order"))
                for point in ("average", "last")
            )
            middle, low, high = (averaged[end] for end in averaged)
            axes.fill_between(averaged.index, low, high, color=style.color, alpha=0.12 * fade, linewidth=0)
            axes.plot(averaged.index, middle, color=style.color, alpha=fade)
            axes.plot(last.index, last.iloc[:, 0], ":", color=style.color, alpha=fade, linewidth=1.0)
            name = ", ".join(filter(None, [style.label, "" if pd.isna(rank) else f"k={int(rank)}"]))
            labels.at_end(name, float(averaged.index[-1]), float(middle.iloc[-1]), style.ink)
    axes.set_xscale("log")
    if min(float(np.nanmin(line.get_ydata())) for line in axes.get_lines()) > 0.0:
        axes.set_yscale("log")
    axes.set_xlabel("round t")
    axes.set_ylabel("held-out loss\n(solid: averaged point, dotted: last)")
    return tidy_log(axes)


def _of_panel(panel: Panel, axes: Axes) -> Axes:
    return held_out_losses(panel.curves, axes, styles=panel.styles, band=panel.band)


KINDS = {
    "held_out": Kind(
        "held-out loss of the averaged and the last point (environments with held_out)", _of_panel,
        caption="Mean loss on rounds that no learner saw, of the average of its points (lines) and of its last point "
        "(dotted), {rate}. {band}",
    )
}  # fmt: skip
