"""Regret against rounds: linear, divided by the root of t, or log-log with the slope that was fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from oco.errors import ConfigError
from oco.types import Array
from regret_experiments.figures.common import Styles, each_learner, numbers, tidy_log
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.lines import over_orders
from regret_experiments.figures.selection import Against, Scale
from regret_experiments.figures.style import LearnerStyle, learner_style
from regret_experiments.tables.bands import Band
from regret_experiments.tables.group import draws

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDS: dict[Against, tuple[str, str]] = {
    "u_t": ("regret_lower", "regret_upper"),
    "u_T": ("regret_final", "regret_final"),
    "path": ("regret_dynamic", "regret_dynamic"),
    "linearised": ("regret_linearised", "regret_linearised"),
}
"""The columns with the lower and the upper bound of every kind of regret."""

NAMES: dict[Against, str] = {
    "u_t": "regret against $u_t$",
    "u_T": "regret against $u_T$",
    "path": "dynamic regret",
    "linearised": "linearised regret",
}


What = Against | Literal["loss"]
Columns = Mapping[str, Any] | pd.DataFrame


@dataclass(frozen=True)
class Curve:
    """What a line of the figure goes through: over the orders the mean of an interval's middle, and its range.

    Attributes
    ----------
    rounds
        At which there are numbers.
    middle, low, high
        Of regret, or of the loss where no regret is known.
    bound
        The mean bound; NaN where there is none.
    holds
        1 where every assumption of the bound holds on every order, 0 where one is violated.
    """

    rounds: Array
    middle: Array
    low: Array
    high: Array
    bound: Array
    holds: Array

    def scaled(self, scale: Scale) -> Curve:
        """Divided by the root of t, or with what is not positive left out, as a scale shows it."""
        parts = {name: getattr(self, name) for name in ("middle", "low", "high", "bound")}
        if scale == "sqrt":
            parts = {name: values / np.sqrt(self.rounds) for name, values in parts.items()}
        if scale == "log":
            positive = self.middle[self.middle > 0.0]
            floor = positive.min() if positive.size else np.nan
            parts["low"] = np.where(self.low > 0.0, self.low, floor)
            parts = {name: np.where(values > 0.0, values, np.nan) for name, values in parts.items()}
        return Curve(self.rounds, holds=self.holds, **parts)


def curve_data(columns: Columns, what: What = "u_t", band: Band = "range") -> Curve:
    """The curve of one learner at one point, from columns of `Results.curves`: its runs one below the other.

    A band other than the range is one around the mean of the intervals' middles over the column ``order``; without that
    column every run is of another order.
    """
    rounds = _column(columns, "round")
    if what != "loss":
        low, high = (_column(columns, name) for name in ENDS[what])
    elif "training_loss" in columns:
        low = high = _column(columns, "training_loss")
    else:
        low = high = _column(columns, "cumulative_loss") / rounds
    at, by_run = _by_run(rounds)

    def mean(values: Array) -> Array:
        stacked = by_run(values)
        known = np.isfinite(stacked)
        if len(stacked) == 1:
            return np.where(known[0], stacked[0], np.nan)
        total, count = np.where(known, stacked, 0.0).sum(axis=0), known.sum(axis=0)
        found: Array = np.divide(total, count, out=np.full(at.size, np.nan), where=count > 0)
        return found

    def extreme(values: Array, choose: Any) -> Array:
        found: Array = choose.reduce(by_run(values), axis=0)
        return found

    middles = (low + high) / 2
    middle, holds = mean(middles), _column(columns, "bound_holds", 1.0)
    if band == "range":
        ends = extreme(low, np.fmin), extreme(high, np.fmax)
    else:
        orders = columns.get("order")
        summary = over_orders(pd.Series(middles), rounds, band, orders).reindex(at)
        middle, *both = (summary[name].to_numpy(float) for name in ("mean", "low", "high"))
        ends = both[0], both[1]
    return Curve(at, middle, *ends, mean(_column(columns, "bound")), extreme(holds, np.fmin))


def _by_run(rounds: Array) -> tuple[Array, Callable[[Array], Array]]:
    """The rounds of any run, and what makes a row for every run of a column: NaN at rounds that a run has not."""
    ends = np.flatnonzero(np.diff(rounds) <= 0.0) + 1
    parts = np.split(rounds, ends)
    if all(np.array_equal(part, parts[0]) for part in parts):
        return parts[0], lambda values: values.reshape(len(parts), -1)
    at = np.unique(rounds)
    row, column = np.repeat(np.arange(len(parts)), [part.size for part in parts]), np.searchsorted(at, rounds)

    def by_run(values: Array) -> Array:
        stacked = np.full((len(parts), at.size), np.nan)
        stacked[row, column] = values
        return stacked

    return at, by_run


def has_regret(columns: Columns) -> bool:
    """Whether curves have a regret; those of a network, or of a game without a comparator, have a loss."""
    return "regret_lower" in columns and bool(np.isfinite(_column(columns, "regret_lower")).any())


def axis_titles(columns: Columns, what: What = "u_t") -> tuple[str, str]:
    """What is across and what is up: of regret, or of the loss, the mean over rounds or of a network's training set."""
    if what != "loss":
        return "round t", NAMES[what]
    return ("step", "training loss") if "training_loss" in columns else ("round t", "loss, mean over rounds")


def expected(title: str, kinds: Any) -> str:
    """The title of an axis of regret, where learners of some ``kinds`` draw random numbers.

    Examples
    --------
    >>> expected("regret", ["exp3"]), expected("regret", ["ogd", "exp3"]), expected("regret", ["ogd"])
    ('expected regret', 'regret (expected regret of EXP3-IX)', 'regret')
    """
    kinds = list(dict.fromkeys(map(str, kinds)))
    drawn = [kind for kind in kinds if draws(kind)]
    if drawn and len(drawn) == len(kinds):
        return f"expected {title}"
    return f"{title} (expected regret of {', '.join(learner_style(kind).label for kind in drawn)})" if drawn else title


def regret_curves(
    curves: pd.DataFrame,
    axes: Axes,
    *,
    against: Against = "u_t",
    scale: Scale = "log",
    bound: bool = True,
    styles: Styles | None = None,
    band: Band = "range",
) -> Axes:
    """Draw regret against rounds, a line for every learner and rank; where no regret is known, the loss.

    The loss is the mean over the rounds so far, and of a network that over its training set.

    Parameters
    ----------
    curves
        Rows of ``Results.curves`` for one environment and one learning rate of each learner, with the column ``kind``.
        Lines are means over the orders.
    axes
        Where to draw.
    against
        ``"u_t"``: the best point for the rounds so far, as in theorems; ``"u_T"``: the best for the whole game;
        ``"path"``: the moving comparator of a game that knows it; ``"linearised"``: of the linearised losses.
    scale
        ``"log"``: both axes, and the label has the slope that was fitted to the second half of the rounds (as the eye
        sees them); ``"linear"``; ``"sqrt"``: regret divided by the root of t, level where regret grows like it.
    bound
        Whether to draw the bounds, dotted, where there is room for them: on logarithmic axes, against u_t. Crosses mark
        the rounds at which an assumption of a bound is violated.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    band
        ``"range"`` of the certified intervals over the orders, ``"se"``: one standard error, ``"ci"``: the 95 %
        interval of the mean.
    """
    regret = has_regret(curves)
    if regret and not any(name in curves and np.isfinite(numbers(curves[name])).any() for name in ENDS[against]):
        raise ConfigError(f"there is no {NAMES[against].replace('$', '')} in these runs")
    network = "training_loss" in curves and not regret
    if scale == "log":
        axes.set_yscale("log")
    if scale == "log" and not network or scale == "sqrt" and regret:
        axes.set_xscale("log")
    what: What = against if regret else "loss"
    shown: Scale = scale if regret else "linear"
    bound = bound and regret and against == "u_t" and scale == "log"
    labels = DirectLabels(axes)
    crossed = False
    for style, rows in each_learner(curves, styles):
        ranks = np.sort(rows["rank"].dropna().unique())
        by_rank: Any = rows.groupby("rank", sort=True, dropna=False)
        for rank, group in by_rank:
            curve = curve_data(group, what, band).scaled(shown)
            fade = 1.0 if pd.isna(rank) else 0.35 + 0.65 * float(np.searchsorted(ranks, rank) + 1) / len(ranks)
            crossed |= _draw(axes, curve, style, fade, bound)
            known = np.flatnonzero(np.isfinite(curve.middle))
            if known.size:
                parts = [style.label] if style.label else []
                parts += [] if pd.isna(rank) else [f"k={int(rank)}"]
                name = ", ".join(parts) + (_slope_text(curve) if regret and scale == "log" else "")
                labels.at_end(name.strip(), float(curve.rounds[known[-1]]), float(curve.middle[known[-1]]), style.ink)
    across, up = axis_titles(curves, what)
    up = expected(up, curves["kind"]) if regret else up
    axes.set_xlabel(f"{across}   (in brackets: fitted slope)" if regret and scale == "log" else across)
    dotted = "\n(dotted: bound)" if bound else ""
    if crossed:
        dotted = "\n(dotted: bound; crosses: assumption violated)"
    axes.set_ylabel((f"{up} / $\\sqrt{{t}}$" if regret and scale == "sqrt" else up) + dotted)
    if not regret:
        return tidy_log(axes)
    axes.margins(x=0.02)
    return axes


def fitted_slope(rounds: np.ndarray, regret: np.ndarray) -> float:
    """Slope of ``log regret`` against ``log t`` by least squares, over the second half of the log-range of rounds.

    NaN where fewer than three rounds there have a positive regret.
    """
    late = (regret > 0.0) & (rounds >= np.sqrt(rounds[0] * rounds[-1])) if len(rounds) else np.zeros(0, dtype=bool)
    if np.count_nonzero(late) < 3:
        return float("nan")
    return float(np.polyfit(np.log(rounds[late]), np.log(regret[late]), 1)[0])


def _draw(axes: Axes, curve: Curve, style: LearnerStyle, fade: float, bound: bool) -> bool:
    """Draw one curve; returns whether there are crosses."""
    axes.plot(curve.rounds, curve.middle, color=style.color, alpha=fade)
    axes.fill_between(curve.rounds, curve.low, curve.high, color=style.color, alpha=0.12 * fade, linewidth=0)
    if not bound:
        return False
    axes.plot(curve.rounds, curve.bound, ":", color=style.color, alpha=fade, linewidth=1.0)
    violated = np.where(curve.holds < 1.0, curve.bound, np.nan)
    axes.plot(curve.rounds, violated, "x", color="#CC0000", markersize=4, zorder=5)
    return bool(np.isfinite(violated).any())


def _column(columns: Columns, name: str, absent: float = np.nan) -> Array:
    if name in columns:
        return np.asarray(numbers(columns[name]), dtype=float)
    return np.full(len(columns["round"]), absent)


def _slope_text(curve: Curve) -> str:
    slope = fitted_slope(curve.rounds, curve.middle)
    return f" ({slope:.2f})" if np.isfinite(slope) else ""


def _of_panel(panel: Panel, axes: Axes) -> Axes:
    return regret_curves(
        panel.curves, axes, against=panel.against, scale=panel.scale, bound=panel.bounds is not False,
        styles=panel.styles, band=panel.band,
    )  # fmt: skip


KINDS = {
    "curves": Kind(
        "regret against rounds (--scale, --against)", _of_panel,
        caption="Regret against rounds, {rate}; darker lines keep more directions. Dotted, where drawn: the bound. "
        "Numbers in brackets are slopes fitted to the later half of the rounds on logarithmic axes. {band}",
    )
}  # fmt: skip
