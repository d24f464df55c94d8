"""Regret against rounds: linear, divided by the root of t, or log-log with the slope that was fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco.errors import ConfigError
from regret_experiments.figures.common import Styles, each_learner, numbers, tidy_log
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.selection import Against, Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDS: dict[Against, tuple[str, str]] = {
    "u_t": ("regret_lower", "regret_upper"),
    "u_T": ("regret_final", "regret_final"),
    "path": ("regret_dynamic", "regret_dynamic"),
    "linearised": ("regret_linearised", "regret_linearised"),
}
"""The columns with the lower and the upper end of every kind of regret."""

NAMES: dict[Against, str] = {
    "u_t": "regret against $u_t$",
    "u_T": "regret against $u_T$",
    "path": "dynamic regret",
    "linearised": "linearised regret",
}


def regret_curves(
    curves: pd.DataFrame,
    axes: Axes,
    *,
    against: Against = "u_t",
    scale: Scale = "log",
    bound: bool = True,
    styles: Styles | None = None,
) -> Axes:
    """Draw regret against rounds, a line for every learner and rank; where no regret is known, the loss.

    The loss is the mean over the rounds so far, and of a network that over its training set.

    Parameters
    ----------
    curves
        Rows of ``Results.curves`` for one environment and one learning rate of each learner, with the column ``kind``.
        Lines are means over the orders, the band is the range of the certified intervals over the orders.
    axes
        Where to draw.
    against
        ``"u_t"``: the best point for the rounds so far, what theorems bound; ``"u_T"``: the best for the whole game;
        ``"path"``: the moving comparator of a game that knows it; ``"linearised"``: of the linearised losses.
    scale
        ``"log"``: both axes, and the label has the slope that was fitted to the second half of the rounds (as the eye
        sees them); ``"linear"``; ``"sqrt"``: regret divided by the root of t, level where regret grows like it.
    bound
        Whether to draw the bounds, dotted, where there is room for them: on logarithmic axes, against u_t. Crosses mark
        the rounds at which an assumption of a bound is violated.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    """
    if "regret_lower" not in curves or curves["regret_lower"].isna().all():
        return _loss_curves(curves, axes, scale, styles)
    column = ENDS[against][0]
    if column not in curves or not np.isfinite(numbers(curves[column])).any():
        raise ConfigError(f"there is no {NAMES[against].replace('$', '')} in these runs")
    labels = DirectLabels(axes)
    if scale == "log":
        axes.set_yscale("log")
    if scale != "linear":
        axes.set_xscale("log")
    drawn = []
    crossed = False
    for style, rows in each_learner(curves, styles):
        ranks = np.sort(rows["rank"].dropna().unique())
        by_rank: Any = rows.groupby("rank", sort=True, dropna=False)
        for rank, group in by_rank:
            summary = _summary(group, against, scale)
            fade = 1.0 if pd.isna(rank) else 0.35 + 0.65 * float(np.searchsorted(ranks, rank) + 1) / len(ranks)
            drawn.append(summary["regret"])
            axes.plot(summary.index, summary["regret"], color=style.color, alpha=fade)
            axes.fill_between(
                summary.index, summary["low"], summary["high"], color=style.color, alpha=0.12 * fade, linewidth=0
            )
            if bound and against == "u_t" and scale == "log":
                axes.plot(summary.index, summary["bound"], ":", color=style.color, alpha=fade, linewidth=1.0)
                violated = summary["bound"].where(summary["holds"] < 1.0)
                axes.plot(violated.index, violated, "x", color="#CC0000", markersize=4, zorder=5)
                crossed |= bool(violated.notna().any())
            last: Any = summary["regret"].last_valid_index()
            if last is not None:
                name = style.label if pd.isna(rank) else f"{style.label}, k={int(rank)}"
                if scale == "log":
                    name += _slope_text(summary["regret"])
                labels.at_end(name, float(last), float(summary["regret"].loc[last]), style.ink)
    axes.margins(x=0.02)
    axes.set_xlabel("round t   (in brackets: fitted slope)" if scale == "log" else "round t")
    dotted = "\n(dotted: bound)" if bound and against == "u_t" and scale == "log" else ""
    if crossed:
        dotted = "\n(dotted: bound; crosses: assumption violated)"
    name = NAMES[against]
    axes.set_ylabel((name + " / $\\sqrt{t}$" if scale == "sqrt" else name) + dotted)
    return axes


def fitted_slope(rounds: np.ndarray, regret: np.ndarray) -> float:
    """Slope of ``log regret`` against ``log t`` by least squares, over the second half of the log-range of rounds.

    NaN where fewer than three rounds there have a positive regret.
    """
    late = (regret > 0.0) & (rounds >= np.sqrt(rounds[0] * rounds[-1])) if len(rounds) else np.zeros(0, dtype=bool)
    if np.count_nonzero(late) < 3:
        return float("nan")
    return float(np.polyfit(np.log(rounds[late]), np.log(regret[late]), 1)[0])


def _loss_curves(curves: pd.DataFrame, axes: Axes, scale: Scale, styles: Styles | None) -> Axes:
    """Mean and range over the orders of the loss."""
    network = "training_loss" in curves
    loss = (
        numbers(curves["training_loss"]) if network else numbers(curves["cumulative_loss"]) / numbers(curves["round"])
    )
    curves = curves.assign(loss=loss)
    labels = DirectLabels(axes)
    if scale == "log":
        axes.set_yscale("log")
        axes.set_xscale("linear" if network else "log")
    for style, rows in each_learner(curves[np.isfinite(curves["loss"])], styles):
        ranks = np.sort(rows["rank"].dropna().unique())
        by_rank: Any = rows.groupby("rank", sort=True, dropna=False)
        for rank, group in by_rank:
            summary = group.groupby("round")["loss"].agg(["mean", "min", "max"])
            fade = 1.0 if pd.isna(rank) else 0.35 + 0.65 * float(np.searchsorted(ranks, rank) + 1) / len(ranks)
            axes.plot(summary.index, summary["mean"], color=style.color, alpha=fade)
            axes.fill_between(
                summary.index, summary["min"], summary["max"], color=style.color, alpha=0.12 * fade, linewidth=0
            )
            name = style.label if pd.isna(rank) else f"{style.label}, k={int(rank)}"
            labels.at_end(name, float(summary.index[-1]), float(summary["mean"].iloc[-1]), style.ink)
    axes.set_xlabel("step" if network else "round t")
    axes.set_ylabel("training loss" if network else "loss, mean over rounds")
    return tidy_log(axes)


def _summary(group: pd.DataFrame, against: Against, scale: Scale) -> pd.DataFrame:
    """Mean and range over the orders, by round."""
    lower, upper = ENDS[against]
    frame = group.assign(low=numbers(group[lower]), high=numbers(group[upper]), bound=numbers(group["bound"]))
    frame = frame.assign(regret=(frame["low"] + frame["high"]) / 2)
    frame["holds"] = numbers(group["bound_holds"]) if "bound_holds" in group else 1.0
    summary = frame.groupby("round").agg({"regret": "mean", "low": "min", "high": "max", "bound": "mean"})
    if scale == "sqrt":
        summary = summary.div(np.sqrt(summary.index.to_numpy(float)), axis=0)
    if scale == "log":
        positive = summary["regret"] > 0.0
        floor = summary["regret"][positive].min()
        summary["low"] = summary["low"].where(summary["low"] > 0.0, floor)
        summary = summary.where(summary > 0.0)
    return summary.assign(holds=frame.groupby("round")["holds"].min())


def _slope_text(regret: pd.Series[float]) -> str:
    slope = fitted_slope(regret.index.to_numpy(float), regret.to_numpy(float))
    return f" ({slope:.2f})" if np.isfinite(slope) else ""


def _of_panel(panel: Panel, axes: Axes) -> Axes:
    return regret_curves(panel.curves, axes, against=panel.against, scale=panel.scale, styles=panel.styles)


KINDS = {"curves": Kind("regret against rounds (--scale, --against)", _of_panel)}
