"""Regret against sequences of points within a budget for their path, and on intervals of rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco.errors import ConfigError
from regret_experiments.figures.common import Styles, each_learner, tidy_log, zero_or_log
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.lines import over_orders
from regret_experiments.figures.selection import select_runs
from regret_experiments.tables.bands import Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from regret_experiments.store.results import Results


def budgets_frame(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """Certified regret of finished runs against every path budget.

    Columns: ``learner``, ``kind``, ``rank``, ``order``, ``budget``, ``lower``, ``upper``.

    Raises
    ------
    ConfigError
        If none was recorded.
    """
    found = _stored(results, runs, "path_regret", ("budget", "lower", "upper", "within"))
    if found.empty:
        raise ConfigError("no regret against path budgets was recorded: the config has no key path_budgets")
    return found


def intervals_frame(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """Certified regret of finished runs on dyadic intervals of rounds: of every length the one that is largest.

    Columns: ``learner``, ``kind``, ``rank``, ``order``, ``length``, ``lower``, ``upper``.

    Raises
    ------
    ConfigError
        If none was recorded.
    """
    found = _stored(results, runs, "interval_regret", ("start", "stop", "lower", "upper", "within"))
    if found.empty:
        raise ConfigError("no regret on intervals was recorded: the config has no key shortest_interval")
    found["length"] = found["stop"] - found["start"]
    groups = found.groupby(["learner", "kind", "order", "length", "id"], sort=False, observed=True)
    return found.loc[groups["upper"].idxmax()].sort_values("length", kind="stable")


def regret_against_budget(
    frame: pd.DataFrame, axes: Axes, *, styles: Styles | None = None, band: Band = "range"
) -> Axes:
    """Draw regret against the path that the comparator may go, a line for every learner.

    Parameters
    ----------
    frame
        Of `budgets_frame`. Lines are means over the orders. An infinite budget, which compares with the minima of all
        losses, is a level line of dots.
    axes
        Where to draw.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    band
        ``"range"``: of the certified intervals over the data orders, ``"se"``: one standard error, ``"ci"``: the 95 %
        interval of the mean.
    """
    endless = ~np.isfinite(frame["budget"])
    _lines(frame[~endless], "budget", axes, styles, band)
    for style, rows in each_learner(frame[endless], styles):
        axes.axhline(float(rows["upper"].mean()), color=style.color, linestyle=":", linewidth=0.9, gid="minima")
    budgets = np.unique(frame["budget"][~endless])
    positive = budgets[budgets > 0.0]
    if positive.size and positive[-1] > 6.0 * positive[0]:
        axes.set_xscale("symlog", linthresh=float(positive[0]))
        shown = budgets[:: 1 + len(budgets) // 9]
        axes.set_xticks(shown, [f"{budget:g}" for budget in shown])
        axes.minorticks_off()
        axes.set_xlim(-0.1 * positive[0], 1.1 * positive[-1])
    axes.set_xlabel(r"path that the comparator may go, $P$")
    axes.set_ylabel("regret against the best path")
    return axes


def regret_on_intervals(frame: pd.DataFrame, axes: Axes, *, styles: Styles | None = None, band: Band = "range") -> Axes:
    """Draw the largest regret on an interval of rounds against its length, a line for every learner.

    Parameters
    ----------
    frame
        Of `intervals_frame`. Lines are means over the orders.
    axes, styles, band
        As for `regret_against_budget`.
    """
    _lines(frame, "length", axes, styles, band)
    axes.set_xscale("log", base=2)
    zero_or_log(axes, frame["upper"])
    axes.set_xlabel("rounds in the interval")
    axes.set_ylabel("largest regret on an interval")
    return tidy_log(axes)


def _lines(frame: pd.DataFrame, across: str, axes: Axes, styles: Styles | None, band: Band) -> None:
    labels = DirectLabels(axes)
    for style, rows in each_learner(frame, styles):
        upper, lower = (over_orders(rows[end], rows[across], band) for end in ("upper", "lower"))
        x: Any = upper.index.to_numpy(float)
        low = lower["low"] if band == "range" else upper["low"]
        axes.fill_between(x, low, upper["high"], color=style.color, alpha=0.18, linewidth=0)
        axes.plot(x, upper["mean"], color=style.color, marker=style.marker)
        labels.at_end(style.label, float(x[-1]), float(upper["mean"].iloc[-1]), style.ink)


def _stored(results: Results, runs: pd.DataFrame, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    parts = []
    for run in runs[runs["status"] == "finished"].to_dict("records"):
        arrays = results.arrays(run["id"])
        if name in arrays:
            labels = {each: run[each] for each in ("id", "learner", "kind", "rank", "order")}
            parts.append(pd.DataFrame(arrays[name], columns=list(columns)).assign(**labels))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _shown(panel: Panel) -> pd.DataFrame:
    chosen = select_runs(panel.runs, panel.rate)
    return chosen[chosen["rank"].isna() | (chosen["rank"] == panel.shown_rank)]


def _budgets_of_panel(panel: Panel, axes: Axes) -> Axes:
    frame = budgets_frame(panel.results, _shown(panel))
    return regret_against_budget(frame, axes, styles=panel.styles, band=panel.band)


def _intervals_of_panel(panel: Panel, axes: Axes) -> Axes:
    frame = intervals_frame(panel.results, _shown(panel))
    return regret_on_intervals(frame, axes, styles=panel.styles, band=panel.band)


KINDS = {
    "budgets": Kind(
        "regret against moving comparators, by the path they may go (configs with path_budgets)", _budgets_of_panel,
        caption="Regret against the best sequence of points whose path is at most P, {rate}, with its certificate; "
        "P = 0 is regret against the best fixed point, dotted: against the minima of all losses. {band}",
        scales=False,
    ),
    "intervals": Kind(
        "the largest regret on an interval of rounds, by its length (configs with shortest_interval)",
        _intervals_of_panel,
        caption="For every length, the largest regret on a dyadic interval of so many rounds, against the best fixed "
        "point of its own rounds, {rate}. {band}",
        scales=False,
    ),
}  # fmt: skip
