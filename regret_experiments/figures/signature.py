"""The figure that makes the case: what regret memory buys, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from regret_experiments.figures.captions import names_of, trade_sentence
from regret_experiments.figures.common import Styles, mark_incomplete, numbers, styles_for, tidy_log
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.layout import Layout
from regret_experiments.figures.lines import Line
from regret_experiments.figures.memory import memory_data
from regret_experiments.figures.selection import Rate
from regret_experiments.figures.trade import trade_of
from regret_experiments.figures.why import KEPT, LOST, spectrum_and_masses, why_frame
from regret_experiments.tables import measured
from regret_experiments.tables.bands import Band

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

CAPTION = (
    "Top: regret against the floats that a learner's state holds, {rate}. {band} The dashed line is the regret of "
    "full-matrix AdaGrad, the dotted one that of the best learner with O(d) floats; the gain is their difference. A "
    "ring marks the rank that the words are about: of those with at most a fifth of the memory of the full matrix, "
    "the one that keeps most of the gain. Bottom: why. Eigenvalues of the gradient covariance of that rank's runs, "
    "the part that the sketch keeps in blue; the tail mass, which no matrix of rank k can keep; and the trace that "
    "escaped from the sketch, (k + 1) times its escaped mass: all three as shares of the trace, at the same learning "
    "rates as above."
)


def regret_and_level(
    table: pd.DataFrame,
    axes: Axes,
    *,
    styles: Styles | None = None,
    rate: Rate = "best",
    rank: int | None = None,
    band: Band = "range",
) -> Axes:
    """Draw regret, or the loss where no regret is known, against state floats, with the levels between which it lies.

    The regret of full-matrix AdaGrad is a dashed line across, that of the best learner with O(d) floats a dotted one. A
    ring marks the rank that `Trade.sentence` is about.

    Parameters
    ----------
    table
        Rows of `regret_experiments.rank_table` for one environment.
    axes
        Where to draw.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    rate
        ``"best"`` or ``"theorem"``: whose regret is drawn.
    rank
        The one to speak of; see `trade_of`.
    band
        ``"range"`` over the data orders, ``"se"``: one standard error, ``"ci"``: the 95 % interval of the mean.
    """
    styles = styles_for(table, styles)
    measure, shown = measured(table)
    trade = trade_of(table, rate, rank)
    axes.set_xscale("log")
    lines = memory_data(shown, rate, band)
    for learner, line in lines.items():
        _draw(axes, line, styles[learner].color, styles[learner].marker)
    if trade is not None:
        axes.axhline(trade.level, color="black", linewidth=0.9, linestyle="--", zorder=2, gid="full matrix")
        axes.axhline(trade.plain_level, color="#777777", linewidth=0.9, linestyle=":", zorder=2, gid="O(d) floats")
    if trade is not None and trade.told:
        sketch = lines[trade.sketch]
        at = sketch.ranks.index(trade.rank)
        place = float(sketch.x[at]), float(sketch.middle[at])
        axes.plot(*place, "o", ms=8, mfc="none", mec="black", mew=1.0, zorder=6, gid="ring")
        axes.annotate(
            f"k = {trade.rank}", place, (-3, -13), textcoords="offset points", ha="center", fontsize="small", zorder=7,
            bbox={"facecolor": "white", "alpha": 0.75, "pad": 0.4, "linewidth": 0.0},
        )  # fmt: skip
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel(measure)
    axes.set_xlabel("state floats")
    return tidy_log(axes)


def _draw(axes: Axes, line: Line, color: str, marker: str) -> None:
    if line.ranked:
        axes.fill_between(line.x, line.low, line.high, color=color, alpha=0.18, linewidth=0, zorder=1)
        axes.plot(line.x, line.middle, color=color, marker=marker, zorder=4)
        return
    spread = np.vstack([line.middle - line.low, line.high - line.middle]).clip(min=0.0)
    axes.errorbar(
        line.x, line.middle, spread, color=color, marker=marker, ls="none", capsize=1.5, elinewidth=0.9, zorder=5
    )


def signature_figure(
    tables: Mapping[str, pd.DataFrame],
    title: str = "",
    *,
    why: Mapping[str, pd.DataFrame] | None = None,
    size: str = "two-column",
    columns: int | None = None,
    height: float | None = None,
    styles: Styles | None = None,
    rate: Rate = "best",
    rank: int | None = None,
    band: Band = "range",
) -> Any:
    """What memory buys, and why, for several environments; returns the Matplotlib figure.

    Parameters
    ----------
    tables
        Rows of `regret_experiments.rank_table` by environment, in the order of the panels.
    title
        Of the figure.
    why
        What `why_frame` gives, by environment; without it there is no lower row.
    size, columns, height
        ``"one-column"``, ``"two-column"`` or ``"slide"``; panels side by side; inches.
    styles, rate, rank, band
        See `regret_and_level`.
    """
    layout = Layout(len(tables), size, ASPECT, columns or min(len(tables), WIDE[size]), height, below=bool(why))
    known: dict[str, Any] = {}
    headings, sentences = [_heading(name, table) for name, table in tables.items()], []
    for (environment, table), axes, lower in zip(tables.items(), layout.upper, layout.lower, strict=True):
        marked = mark_incomplete(styles_for(table, styles), table)
        known |= marked
        regret_and_level(table, axes, styles=marked, rate=rate, rank=rank, band=band)
        trade = trade_of(table, rate, rank)
        sentences.append(trade.sentence(names_of(marked)) if trade else "")
        if why and lower is not None:
            spectrum_and_masses(why.get(environment, pd.DataFrame()), lower, rank=trade.rank if trade else 0)
    layout.write(headings, sentences)
    layout.tidy()
    layout.legend(known, marks(bool(why)))
    if title:
        layout.figure.suptitle(title, parse_math=False)
    return layout.figure


ASPECT = 1.05
WIDE = {"one-column": 2, "two-column": 4, "slide": 4}
"""Panels side by side, of a figure whose names are in one legend."""


def marks(why: bool = True) -> list[tuple[Artist, str]]:
    """Entries of the legend for what is not a learner."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], color="black", linewidth=0.9, linestyle="--"), "level of the full matrix"),
        (Line2D([], [], color="#777777", linewidth=0.9, linestyle=":"), "best with O(d) floats"),
    ]
    if why:
        entries += [
            (Patch(facecolor=KEPT, alpha=0.35), "eigenvalues kept"),
            (Line2D([], [], color=LOST, marker="v", ms=3.5, linewidth=1.1), "tail mass"),
            (Line2D([], [], color=LOST, marker="o", ms=4, mfc="white", ls=":", lw=1.1), "escaped trace"),
        ]
    return entries


def _heading(environment: str, table: pd.DataFrame) -> str:
    dimension = numbers(table["dimension"]) if "dimension" in table else np.array([np.nan])
    name = environment.replace("_", " ")
    return f"{name}  (d = {int(np.nanmax(dimension))})" if np.isfinite(dimension).any() else name


def _upper(panel: Panel, axes: Axes) -> Axes:
    return regret_and_level(panel.table, axes, styles=panel.styles, rate=panel.rate, rank=panel.rank, band=panel.band)


def _lower(panel: Panel, axes: Axes) -> Axes:
    trade = trade_of(panel.table, panel.rate, panel.rank)
    ranked = panel.runs[panel.runs["rank"].notna()]
    learner = trade.sketch if trade else next(iter(ranked["learner"].astype(str)), "")
    rank = trade.rank if trade else panel.shown_rank or 0
    return spectrum_and_masses(why_frame(panel.results, panel.runs, learner, rank, panel.rate), axes, rank=rank)


KINDS = {
    "signature": Kind(
        "what memory buys, and why: regret against memory over the spectrum", _upper, below=_lower, aspect=ASPECT,
        caption=CAPTION, names=False, wide=WIDE, marks=marks, says=trade_sentence,
    )
}  # fmt: skip
