"""How much the learning rate matters: the whole grid, the best rate marked, and warned of at the grid's edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from regret_experiments.figures.common import Styles, each_learner, numbers, say, tidy_log
from regret_experiments.figures.kind import Kind
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.selection import learning_rates
from regret_experiments.tables.group import floats, loss_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EDGE = "best rate at the edge of the grid"


def learning_rate_sensitivity(
    runs: pd.DataFrame, axes: Axes, *, rank: int | None = None, styles: Styles | None = None
) -> Axes:
    """Draw regret, or the loss where no regret is known, against the learning rate, for one environment.

    A line is the mean over the orders, the band their range, at the best of the other tuned hyper-parameters. A ring
    marks the best rate, red where it is the least or the largest that was tried: the grid was too narrow there. The
    dash at the left margin is the theorem's rate, ringed where that is the best.

    Parameters
    ----------
    runs
        Rows of ``Results.runs`` for one environment.
    axes
        Where to draw.
    rank
        Of learners with a rank; by default the middle one of those that were played.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    """
    finished, measure = runs[runs["status"] == "finished"], "regret"
    if floats(finished, "regret_upper").isna().all():
        loss = floats(finished, loss_column(finished))
        finished, measure = finished.assign(regret_lower=loss, regret_upper=loss), "loss"
    finished = finished[np.isfinite(numbers(finished["regret_upper"]))]
    finished = finished.assign(rate=learning_rates(finished))
    if finished["rate"].notna().sum() == 0:
        return say(axes, "no learning rates were tried")
    labels = DirectLabels(axes)
    axes.set_xscale("log")
    least = float(finished["rate"].min())
    at_edge = False
    for style, every in each_learner(finished, styles):
        rows, shown = _at_rank(every, rank)
        name = style.label if shown is None else f"{style.label}, k = {shown}"
        every_rate = _by_rate(rows)
        summary = every_rate[every_rate.index.notna()]
        theorem = numbers(every_rate.loc[every_rate.index.isna(), "mean"])
        margin = axes.get_yaxis_transform()
        if theorem.size:
            axes.plot([0.0, 0.025], [theorem[0]] * 2, color=style.color, transform=margin)
            labels.avoid([least], [theorem[0]])
        if summary.empty:
            continue
        x, mean = summary.index.to_numpy(float), numbers(summary["mean"])
        axes.fill_between(x, summary["low"], summary["high"], color=style.color, alpha=0.12, linewidth=0)
        axes.plot(x, mean, color=style.color, marker=style.marker)
        labels.at_end(name, x[-1], mean[-1], style.ink)
        best = int(np.nanargmin(mean))
        if theorem.size and theorem[0] < mean[best]:
            axes.plot(0.0125, theorem[0], "o", ms=9, mfc="none", mec="black", transform=margin, gid="theorem")
            continue
        edge = len(x) > 1 and best in (0, len(x) - 1)
        at_edge |= edge
        axes.plot(
            x[best], mean[best], "o", ms=9, mfc="none", mec="#CC0000" if edge else "black", gid="edge" if edge else None
        )
    if np.all(np.concatenate([line.get_ydata() for line in axes.lines]) > 0.0):
        axes.set_yscale("log")
    warning = f"\nred ring: {EDGE}" if at_edge else ""
    axes.set_xlabel(f"learning rate (left margin: the theorem's){warning}")
    axes.set_ylabel(f"{measure} (ring: best)")
    return tidy_log(axes)


def _by_rate(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean, least and largest regret over the orders by rate (missing: the theorem's), at the best other parameters."""
    points = rows.assign(point=rows.get("point", "")).groupby(["rate", "point"], dropna=False)
    each = points.agg(mean=("regret_upper", "mean"), low=("regret_lower", "min"), high=("regret_upper", "max"))
    best = each.sort_values("mean").groupby(level="rate", dropna=False).head(1)
    return best.reset_index("point", drop=True).sort_index()


def _at_rank(rows: pd.DataFrame, rank: int | None) -> tuple[pd.DataFrame, int | None]:
    ranks = sorted({int(k) for k in rows["rank"].dropna()})
    if not ranks:
        return rows, None
    shown = rank if rank in ranks else ranks[len(ranks) // 2]
    return rows[rows["rank"] == shown], shown


KINDS = {
    "sensitivity": Kind(
        "regret against learning rate, the whole grid",
        lambda panel, axes: learning_rate_sensitivity(panel.runs, axes, rank=panel.rank, styles=panel.styles),
    )
}
