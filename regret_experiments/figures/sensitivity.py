"""How much a hyper-parameter matters: the whole grid, the best value marked, and warned of at the grid's edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from oco.errors import ConfigError
from regret_experiments.figures.common import Styles, numbers, say, styles_for, tidy_log
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.lines import Line
from regret_experiments.figures.selection import learning_rates
from regret_experiments.statistics import mean_with_error
from regret_experiments.tables.bands import Band, half_width, one_each
from regret_experiments.tables.run_columns import floats, loss_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATE = "learning_rate"
EDGE = "best rate at the edge of the grid"


@dataclass(frozen=True)
class Sensitivity:
    """How the regret of one learner depends on one hyper-parameter, at the best of the other tuned ones.

    Attributes
    ----------
    line
        Means over the orders against the values that were tried, with their band.
    unset
        Mean regret where the hyper-parameter had no value of its own: of a learning rate, the theorem's; of another
        one, of a learner that has none. Missing where there is no such run.
    best
        Place of the least mean in the line; None where the line is empty, or ``unset`` is less.
    rank
        The one rank that is shown of a learner with several; None for a learner without.
    """

    line: Line
    unset: float
    best: int | None
    rank: int | None

    @property
    def edge(self) -> bool:
        """Whether the best is the least or the largest of several values that were tried."""
        return self.best is not None and len(self.line.x) > 1 and self.best in (0, len(self.line.x) - 1)


def parameter_frame(runs: pd.DataFrame, x: str = RATE, group: str | None = None) -> pd.DataFrame:
    """Runs with their value of the hyper-parameter ``x`` in a column ``value``, and learners named for figures.

    A learner whose values of ``x`` are compared in a table, a row for each, is one learner here. With ``group``, the
    runs of a learner that differ in that hyper-parameter are different learners.

    Raises
    ------
    ConfigError
        If there is no such hyper-parameter, or ``x`` has values that are not numbers.
    """
    for name in (x, group):
        if name is not None and name != RATE and name not in runs:
            raise ConfigError(f"there is no hyper-parameter {name!r} in these runs")
    value = learning_rates(runs) if x == RATE else pd.Series(numbers(runs[x]), index=runs.index, dtype=float)
    if x != RATE and (value.isna() & runs[x].notna()).any():
        raise ConfigError(f"a hyper-parameter on the axis across must be a number, and {x} is not")
    learner = runs["learner"].astype(str).str.replace(rf" {x}=\S+", "", regex=True)
    if group is not None:
        given = learning_rates(runs) if group == RATE else runs[group]
        shown = learner.str.replace(rf" {group}=\S+", "", regex=True) + given.map(lambda each: f", {group} = {each}")
        learner = learner.where(given.isna(), shown)
    return runs.assign(value=value, learner=learner)


def sensitivity_data(
    runs: pd.DataFrame,
    x: str = RATE,
    *,
    group: str | None = None,
    rank: int | None = None,
    band: Band = "range",
) -> tuple[str, dict[str, Sensitivity]]:
    """The measure, regret or loss, and how it depends on a hyper-parameter, by learner, for one environment.

    Parameters
    ----------
    runs
        Rows of ``Results.runs`` for one environment.
    x, group
        See `parameter_frame`.
    rank
        Of learners with several; by default the middle one of those that were played.
    band
        Around the means over the orders.
    """
    finished, measure = parameter_frame(runs[runs["status"] == "finished"], x, group), "regret"
    if floats(finished, "regret_upper").isna().all():
        loss = floats(finished, loss_column(finished))
        finished, measure = finished.assign(regret_lower=loss, regret_upper=loss), "loss"
    finished = finished[np.isfinite(numbers(finished["regret_upper"]))]
    found = {}
    for name, every in finished.groupby("learner", sort=False, observed=True):
        rows, shown = (every, None) if "rank" in (x, group) else _at_rank(every, rank)
        each = _by_value(rows, band)
        tried = each[each.index.notna()]
        unset = float(each["mean"][each.index.isna()].min())
        line = Line(tried.index.to_numpy(float), *(numbers(tried[column]) for column in ("mean", "low", "high")))
        best = None if tried.empty or unset < line.middle.min() else int(np.argmin(line.middle))
        found[str(name)] = Sensitivity(line, unset, best, shown)
    return measure, found


def learning_rate_sensitivity(
    runs: pd.DataFrame,
    axes: Axes,
    *,
    x: str = RATE,
    group: str | None = None,
    rank: int | None = None,
    styles: Styles | None = None,
    band: Band = "range",
) -> Axes:
    """Draw regret, or the loss where no regret is known, against a hyper-parameter, for one environment.

    A line is the mean over the orders at the best of the other tuned hyper-parameters. A ring marks the best value, red
    where it is the least or the largest learning rate that was tried: the grid was too narrow there. The dash at the
    left margin is the theorem's rate, ringed where that is the best; a learner without the hyper-parameter is a level
    line.

    Parameters
    ----------
    runs
        Rows of ``Results.runs`` for one environment.
    axes
        Where to draw.
    x
        The hyper-parameter across.
    group
        Another one, of which each value has a line.
    rank
        Of learners with a rank; by default the middle one of those that were played.
    styles
        Colours, markers and names by learner; by default those of the learners that are drawn.
    band
        ``"range"`` over the data orders, ``"se"``: one standard error, ``"ci"``: the 95 % interval of the mean.
    """
    measure, drawn = sensitivity_data(runs, x, group=group, rank=rank, band=band)
    tried = np.concatenate([each.line.x for each in drawn.values()] or [np.empty(0)])
    if tried.size == 0:
        return say(axes, f"no {x.replace('_', ' ')}s were tried")
    labels = DirectLabels(axes)
    styles = styles_for(parameter_frame(runs, x, group), styles)
    if x == RATE or (tried.min() > 0.0 and tried.max() >= 10.0 * tried.min()):
        axes.set_xscale("log")
    for learner, each in drawn.items():
        style, line = styles[learner], each.line
        name = style.label if each.rank is None or not style.label else f"{style.label}, k = {each.rank}"
        axes.fill_between(line.x, line.low, line.high, color=style.color, alpha=0.12, linewidth=0)
        if line.x.size:
            axes.plot(line.x, line.middle, color=style.color, marker=style.marker)
            labels.at_end(name, line.x[-1], line.middle[-1], style.ink)
        if np.isfinite(each.unset):
            _unset(axes, each, style.color, x)
            labels.avoid([float(tried.min())], [each.unset])
            if not line.x.size and x != RATE:
                labels.at_end(name, float(tried.max()), each.unset, style.ink)
        if each.best is not None:
            edge = each.edge and x == RATE
            at = line.x[each.best], line.middle[each.best]
            axes.plot(*at, "o", ms=9, mfc="none", mec="#CC0000" if edge else "black", gid="edge" if edge else None)
    if np.all(np.concatenate([line.get_ydata() for line in axes.lines]) > 0.0):
        axes.set_yscale("log")
    at_edge = x == RATE and any(each.edge for each in drawn.values())
    across = "learning rate (left margin: the theorem's)" if x == RATE else x.replace("_", " ")
    axes.set_xlabel(across + (f"\nred ring: {EDGE}" if at_edge else ""))
    axes.set_ylabel(f"{measure} (ring: best)")
    return tidy_log(axes)


def _unset(axes: Axes, each: Sensitivity, color: str, x: str) -> None:
    """Mark the regret without a value of the hyper-parameter: a dash at the margin for the theorem's learning rate."""
    if x != RATE:
        axes.axhline(each.unset, color=color, linewidth=1.0, linestyle="-.", zorder=2)
        return
    margin = axes.get_yaxis_transform()
    axes.plot([0.0, 0.025], [each.unset] * 2, color=color, transform=margin)
    if each.line.x.size and each.best is None:
        axes.plot(0.0125, each.unset, "o", ms=9, mfc="none", mec="black", transform=margin, gid="theorem")


def _by_value(rows: pd.DataFrame, band: Band) -> pd.DataFrame:
    """Mean of the regret over the orders, and its band, by value (missing: unset), at the best other parameters."""
    points = rows.assign(point=rows.get("point", "")).groupby(["value", "point"], dropna=False)
    each = points.agg(
        mean=("regret_upper", "mean"), low=("regret_lower", "min"), high=("regret_upper", "max")
    )  # fmt: skip
    if band != "range":
        reach = points[["regret_upper", "order"]].apply(lambda runs: _reach(runs, band))
        each = each.assign(low=each["mean"] - reach, high=each["mean"] + reach)
    best = each.sort_values("mean").groupby(level="value", dropna=False).head(1)
    return best.reset_index("point", drop=True).sort_index()


def _reach(runs: pd.DataFrame, band: Band) -> float:
    known = mean_with_error(one_each(runs["regret_upper"], runs["order"]))
    return float(half_width(known.standard_error, known.count, band))


def _at_rank(rows: pd.DataFrame, rank: int | None) -> tuple[pd.DataFrame, int | None]:
    ranks = sorted({int(k) for k in rows["rank"].dropna()})
    if not ranks:
        return rows, None
    shown = rank if rank in ranks else ranks[len(ranks) // 2]
    return rows[rows["rank"] == shown], shown


def _of_panel(panel: Panel, axes: Axes) -> Axes:
    own = panel.x == RATE and panel.group is None
    return learning_rate_sensitivity(
        panel.runs, axes, x=panel.x, group=panel.group, rank=panel.rank, styles=panel.styles if own else None,
        band=panel.band,
    )  # fmt: skip


KINDS = {
    "sensitivity": Kind(
        "regret against a hyper-parameter, the whole grid (--x, --group)", _of_panel,
        caption="Regret against the {x}, at the best of the other tuned hyper-parameters; a ring marks the best value, "
        "a red one a best learning rate at the edge of its grid. {band}",
    )
}  # fmt: skip
