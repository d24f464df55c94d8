"""The main figure: a learner's regret against the memory that it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco.types import Array
from regret_experiments.figures.common import (
    Styles,
    each_learner,
    label_ends,
    mark_incomplete,
    numbers,
    ranked,
    styles_of,
    tidy_log,
)
from regret_experiments.figures.kind import Kind
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.selection import RATES, Rate
from regret_experiments.figures.style import WIDTHS
from regret_experiments.tables import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDS = ("", "_low", "_high")
"""Mean over the orders and its range, as the columns of the table are called."""


@dataclass(frozen=True)
class MemoryLine:
    """What a learner's line, or its points, go through: from few state floats to many.

    Attributes
    ----------
    ranks
        Directions kept; empty for a learner without a rank, which is drawn as points.
    floats
        The most that a run held.
    middle, low, high
        Of regret over the orders: mean, least and largest.
    """

    ranks: tuple[int, ...]
    floats: Array
    middle: Array
    low: Array
    high: Array

    @property
    def regrets(self) -> tuple[Array, Array, Array]:
        """Mean, least and largest."""
        return self.middle, self.low, self.high

    @property
    def ranked(self) -> bool:
        """Whether it is a line over ranks."""
        return bool(self.ranks)


MEMORY_COLUMNS = ("learner", "rank", "state_floats", *(f"regret_{rate}{end}" for rate in RATES for end in ENDS))
"""Columns of the table that `memory_data` reads."""
LOSS_COLUMNS = tuple(name.replace("regret", "loss") for name in MEMORY_COLUMNS)
"""The same where there is no regret, for `by_loss`."""


def memory_data(table: pd.DataFrame, rate: Rate = "best") -> dict[str, MemoryLine]:
    """Regret against state floats, by learner, from the rows of the table for one environment."""
    found = {}
    for name, rows in table[table["state_floats"].notna()].groupby("learner", sort=False, observed=True):
        rows = rows.sort_values("rank" if ranked(rows) else "state_floats")
        ranks = tuple(int(rank) for rank in rows["rank"]) if ranked(rows) else ()
        columns = (f"regret_{rate}{end}" for end in ENDS)
        numbers_of = (numbers(rows[column] if column in rows else [np.nan] * len(rows)) for column in columns)
        found[str(name)] = MemoryLine(ranks, numbers(rows["state_floats"]), *numbers_of)
    return found


def regret_vs_memory(
    table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None, theorem: bool = True, names: bool = True
) -> Axes:
    """Draw regret, or the loss where no regret is known, at the best learning rate against state floats.

    Learners with a rank are a line over k with a band over the data orders; the others are points, and whiskers are
    their spread. The paler dashed line and hollow points are the theorem's learning rate.

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
    """
    axes.set_xscale("log")
    measure, table = measured(table)
    theorem = theorem and bool(table["regret_theorem"].notna().any())
    labels = DirectLabels(axes)
    at_theorem = memory_data(table, "theorem")
    for learner, line in memory_data(table).items():
        style, other = (styles_of(table) if styles is None else styles)[learner], at_theorem[learner].middle
        x, best, low, high = line.floats, line.middle, line.low, line.high
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
    drawn = numbers(pd.concat([table[column] for column in columns]))
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size and drawn.min() > 0.0 and drawn.max() > 6.0 * drawn.min():
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel(f"{measure}\n(hollow: theorem's rate)" if theorem else measure)
    axes.set_xlabel("state floats held (k = directions kept)")
    return tidy_log(axes)


def bound_vs_memory(table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Draw the theorem's bound, and the regret at the theorem's learning rate below it, against state floats."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for style, rows in each_learner(table[table["state_floats"].notna()], styles):
        rows = rows.sort_values("rank" if ranked(rows) else "state_floats")
        x = numbers(rows["state_floats"])
        line = ":" if ranked(rows) else "none"
        axes.plot(x, numbers(rows["bound"]), linestyle=line, color=style.color, marker=style.marker)
        regret = numbers(rows["regret_theorem"])
        regret = np.where(regret > 0.0, regret, np.nan)
        line = "-" if ranked(rows) else "none"
        axes.plot(x, regret, linestyle=line, color=style.color, marker=style.marker, mfc="white", alpha=0.6)
    axes.set_ylabel("bound (filled)\nregret (hollow)")
    axes.set_xlabel("state floats held (k = directions kept)")
    return tidy_log(axes)


def tail_mass_vs_memory(table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Draw the bottom-(d - k) eigenvalue mass of the covariance, and the escaped mass, against state floats."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for style, rows in each_learner(table[table["rank"].notna() & table["state_floats"].notna()], styles):
        rows = rows.sort_values("rank")
        for column, line, fill in (("tail_mass", "-", style.color), ("escaped_mass", ":", "white")):
            values = numbers(rows[column])
            values = np.where(values > 0.0, values, np.nan)
            if np.isfinite(values).any():
                axes.plot(numbers(rows["state_floats"]), values, line, color=style.color, marker=style.marker, mfc=fill)
    axes.set_ylabel("tail mass (filled)\nescaped (hollow)")
    axes.set_xlabel("state floats held (k = directions kept)")
    return tidy_log(axes)


def signature_figure(
    tables: dict[str, pd.DataFrame], title: str = "", *, size: str = "two-column", styles: Styles | None = None
) -> Any:
    """Regret, bound and tail mass against memory, a column for every environment; returns the Matplotlib figure.

    The top row shows the best learning rate alone, the second the theorem's beneath its bound.
    """
    from matplotlib.figure import Figure

    width = WIDTHS[size] * max(1.0, len(tables) / (1 if size == "one-column" else 2.4))
    figure = Figure(figsize=(width, 0.62 * min(width, 14.0) + 1.2), layout="constrained")
    grid = figure.subplots(3, len(tables), sharex="col", squeeze=False, height_ratios=[3.0, 1.6, 1.3])
    for column, (environment, table) in enumerate(tables.items()):
        marked = mark_incomplete(styles_of(table) if styles is None else styles, table)
        for row, draw in enumerate((regret_vs_memory, bound_vs_memory, tail_mass_vs_memory)):
            axes = draw(table, grid[row, column], styles=marked, **({"theorem": False} if row == 0 else {}))
            if column:
                axes.set_ylabel("")
            if row < 2:
                axes.set_xlabel("")
        heading = environment.replace("_", " ")
        if "dimension" in table and table["dimension"].notna().any():
            heading += f"  (d = {int(table['dimension'].max())})"
        grid[0, column].set_title(heading, parse_math=False)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure


KINDS = {
    "memory": Kind(
        "regret against memory, with bands",
        lambda panel, axes: regret_vs_memory(panel.table, axes, styles=panel.styles),
    ),
    "bound": Kind(
        "bound and regret against memory", lambda panel, axes: bound_vs_memory(panel.table, axes, styles=panel.styles)
    ),
    "tail": Kind(
        "tail mass and escaped mass against memory",
        lambda panel, axes: tail_mass_vs_memory(panel.table, axes, styles=panel.styles),
    ),
}
