"""What the rank changes: regret against k, and how much of the bound is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from oco.regret.verdict import Verdict
from oco.types import Array
from regret_experiments.figures.common import Styles, numbers, styles_for, zero_or_log
from regret_experiments.figures.kind import Kind
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.lines import Line, ranks_of, table_lines
from regret_experiments.figures.selection import Rate
from regret_experiments.tables import measured
from regret_experiments.tables.bands import Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def rank_data(table: pd.DataFrame, rate: Rate = "best", band: Band = "range") -> dict[str, Line]:
    """Regret against the rank, by learner, from the rows of the table for one environment.

    A learner without a rank has one point, whose ``x`` is missing: a level line.
    """
    return table_lines(table, "rank", rate, band)


def regret_vs_rank(
    table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None, theorem: bool = True, band: Band = "range"
) -> Axes:
    """Draw regret, or the loss where no regret is known, at the best learning rate against the rank k.

    Learners without a rank are level lines; the dashed line is the regret at the theorem's learning rate.

    Parameters
    ----------
    table
        Rows of `regret_experiments.rank_table` for one environment.
    axes
        Where to draw.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    theorem
        Whether to draw regret at the theorem's learning rate too.
    band
        ``"range"`` over the data orders, ``"se"``: one standard error, ``"ci"``: the 95 % interval of the mean.
    """
    measure, table = measured(table)
    labels, styles = DirectLabels(axes), styles_for(table, styles)
    rank_axis(table, axes)
    right = max(numbers(table["rank"]), default=1.0, key=lambda k: k if np.isfinite(k) else -1.0)
    theorem = theorem and bool(table["regret_theorem"].notna().any())
    at_theorem = rank_data(table, "theorem")
    for learner, line in rank_data(table, band=band).items():
        style, known = styles[learner], np.isfinite(line.middle)
        if not known.any():
            continue
        if not line.ranked:
            axes.axhline(line.middle[0], color=style.color, linewidth=1.0, linestyle="-.", zorder=2)
            labels.at_end(style.label, right, line.middle[0], style.ink)
            continue
        axes.fill_between(line.x, line.low, line.high, color=style.color, alpha=0.18, linewidth=0, zorder=1)
        axes.plot(line.x, line.middle, color=style.color, marker=style.marker, zorder=4)
        if theorem:
            dashed = at_theorem[learner].middle
            axes.plot(line.x, dashed, "--", color=style.color, marker=style.marker, mfc="white", alpha=0.5)
        labels.at_end(style.label, line.x[known][-1], line.middle[known][-1], style.ink)
    columns = ["regret_best_low", "regret_best_high", *(["regret_theorem"] if theorem else [])]
    zero_or_log(axes, numbers(pd.concat([table[column] for column in columns])))
    axes.set_ylabel(f"{measure} (dashed: theorem's rate)" if theorem else measure)
    return axes


@dataclass(frozen=True)
class Tightness:
    """How much of its bound a learner uses: regret divided by bound, both at the theorem's learning rate.

    Attributes
    ----------
    ranks
        Directions kept; empty for a learner without a rank.
    ratio
        Missing where there is no bound, or where the regret is not positive.
    doubtful
        Where the bound is broken, or an assumption of it is violated.
    """

    ranks: tuple[int, ...]
    ratio: Array
    doubtful: np.ndarray


def tightness_data(table: pd.DataFrame) -> dict[str, Tightness]:
    """Regret divided by its bound, by learner, from the rows of the table for one environment."""
    found = {}
    for name, rows in table[table["bound"].notna()].groupby("learner", sort=False, observed=True):
        rows = rows.sort_values("rank")
        ratio = numbers(rows["regret_theorem"]) / numbers(rows["bound"])
        doubtful = rows["verdict"].isin([Verdict.BROKEN, Verdict.VIOLATED]).to_numpy()
        found[str(name)] = Tightness(ranks_of(rows), np.where(ratio > 0.0, ratio, np.nan), doubtful)
    return found


def bound_tightness(table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Draw regret divided by its bound, both at the theorem's learning rate, against the rank k.

    1 is the bound: nothing whose assumptions hold may lie above it. Crosses mark bounds that are broken or whose
    assumptions are violated. Learners without a rank are level lines.
    """
    labels, styles = DirectLabels(axes), styles_for(table, styles)
    rank_axis(table, axes)
    axes.set_yscale("log")
    right = max(numbers(table["rank"]), default=1.0, key=lambda k: k if np.isfinite(k) else -1.0)
    for learner, used in tightness_data(table).items():
        style, known = styles[learner], np.isfinite(used.ratio)
        if not known.any():
            continue
        x = np.array(used.ranks, dtype=float) if used.ranks else np.full(len(used.ratio), right)
        if used.ranks:
            axes.plot(x, used.ratio, color=style.color, marker=style.marker)
        else:
            axes.axhline(used.ratio[0], color=style.color, linewidth=1.0, linestyle="-.", zorder=2)
        axes.plot(x[used.doubtful], used.ratio[used.doubtful], "x", color="#CC0000", zorder=5)
        labels.at_end(style.label, x[known][-1], used.ratio[known][-1], style.ink)
    axes.axhline(1.0, color="black", linewidth=1.0)
    axes.annotate(
        "bound", (0.0, 1.0), (2, 2), xycoords=("axes fraction", "data"), textcoords="offset points", va="bottom"
    )
    low, high = axes.get_ylim()
    axes.set_ylim(low, max(high, 2.0))
    axes.set_ylabel("regret / bound")
    return axes


def rank_axis(table: pd.DataFrame, axes: Axes) -> None:
    """Make the axis across one of ranks: logarithmic, with numbers at the ranks of the frame."""
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
    "rank": Kind(
        "regret against rank",
        lambda panel, axes: regret_vs_rank(panel.table, axes, styles=panel.styles, band=panel.band),
        caption="Regret against the rank k, the number of directions that a sketch keeps, at the best of all learning "
        "rates that were played; dashed and hollow: at the theorem's. Learners without a rank are level lines. {band}",
    ),
    "tightness": Kind(
        "regret / bound",
        lambda panel, axes: bound_tightness(panel.table, axes, styles=panel.styles),
        caption="Regret divided by its bound, both at the theorem's learning rate and means over the data orders, "
        "against the rank k. Nothing whose assumptions hold may lie above 1. Red crosses: the bound is broken, or an "
        "assumption of it is violated. Learners without a rank are level lines.",
    ),
}
