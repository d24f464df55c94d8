"""The main figure: a learner's regret against the memory that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from regret_experiments.figures.common import (
    Styles,
    label_ends,
    numbers,
    styles_for,
    tidy_log,
    zero_or_log,
)
from regret_experiments.figures.kind import Kind
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.lines import RANGE, Line, table_lines
from regret_experiments.figures.selection import RATES, Rate
from regret_experiments.tables import measured
from regret_experiments.tables.bands import Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_REGRETS = (f"regret_{rate}{end}" for rate in RATES for end in RANGE)
MEMORY_COLUMNS = ("learner", "kind", "rank", "state_floats", *_REGRETS)
"""Columns of the table that `memory_data` reads."""
LOSS_COLUMNS = tuple(name.replace("regret", "loss") for name in MEMORY_COLUMNS)
"""The same where there is no regret, for `by_loss`."""


def memory_data(table: pd.DataFrame, rate: Rate = "best", band: Band = "range") -> dict[str, Line]:
    """Regret against state floats, by learner, from the rows of the table for one environment."""
    return table_lines(table, "state_floats", rate, band)


def regret_vs_memory(
    table: pd.DataFrame,
    axes: Axes,
    *,
    styles: Styles | None = None,
    theorem: bool = True,
    names: bool = True,
    band: Band = "range",
) -> Axes:
    """Draw regret, or the loss where no regret is known, at the best learning rate against state floats.

    Learners with a rank are a line over k with a band over the data orders; the others are points whose whiskers are
    the same. The paler dashed line and hollow points are the theorem's learning rate.

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
    names
        Whether to label learners and ranks.
    band
        ``"range"`` over the data orders, ``"se"``: one standard error, ``"ci"``: the 95 % interval of the mean.
    """
    axes.set_xscale("log")
    measure, table = measured(table)
    theorem = theorem and bool(table["regret_theorem"].notna().any())
    labels, styles = DirectLabels(axes), styles_for(table, styles)
    at_theorem = memory_data(table, "theorem")
    for learner, line in memory_data(table, band=band).items():
        style, other = styles[learner], at_theorem[learner].middle
        x, best, low, high = line.x, line.middle, line.low, line.high
        hollow: dict[str, Any] = {
            "color": style.color,
            "marker": style.marker,
            "mfc": "white",
            "alpha": 0.5,
            "zorder": 2,
        }
        if line.ranked:
            axes.fill_between(x, low, high, color=style.color, alpha=0.18, linewidth=0, zorder=1)
            axes.plot(x, best, color=style.color, marker=style.marker, zorder=4, label=style.label)
            if theorem:
                axes.plot(x, other, "--", **hollow)
            if names:
                label_ends(labels, style, x, best, line.ranks)
                labels.avoid(x, best)
        else:
            spread = np.vstack([best - low, high - best]).clip(min=0.0)
            axes.errorbar(
                x, best, spread, color=style.color, marker=style.marker, ls="none", capsize=2, zorder=5,
                label=style.label,
            )  # fmt: skip
            if theorem:
                axes.plot(x, other, linestyle="none", **hollow)
            for across, up in zip(x, best, strict=True):
                if names and np.isfinite(up):
                    labels.near(style.label, across, up, style.ink)
            labels.avoid(np.repeat(x, 2), np.column_stack([low, high]).ravel())
        if theorem:
            labels.avoid(x, other)
    columns = ["regret_best_low", "regret_best_high", *(["regret_theorem"] if theorem else [])]
    zero_or_log(axes, numbers(pd.concat([table[column] for column in columns])))
    axes.set_ylabel(f"{measure}\n(hollow: theorem's rate)" if theorem else measure)
    axes.set_xlabel("state floats held (k = directions kept)")
    return tidy_log(axes)


KINDS = {
    "memory": Kind(
        "regret against memory, with bands",
        lambda panel, axes: regret_vs_memory(panel.table, axes, styles=panel.styles, band=panel.band),
        caption="Regret against the floats that a learner's state holds, at the best of all learning rates that were "
        "played; hollow: at the theorem's. Learners with a rank are lines, the numbers at which are ranks k. {band}",
    )
}
