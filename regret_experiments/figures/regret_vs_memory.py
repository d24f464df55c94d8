"""The signature figure: what a learner pays in regret against the memory that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from regret_experiments.figures.style import learner_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def regret_vs_memory(table: pd.DataFrame, axes: Axes) -> Axes:
    """Draw regret at the best learning rate against state floats, for one environment.

    Learners with a rank are a line over k with a band over the data orders; the others are labelled points, and
    whiskers are their spread. The paler dashed line and hollow points are the theorem's step size.

    Parameters
    ----------
    table
        Rows of `regret_experiments.rank_table` for one environment.
    axes
        Where to draw.
    """
    axes.set_xscale("log")
    for _, rows in table.groupby("learner", sort=False):
        style = learner_style(rows["kind"].iloc[0])
        rows = rows.sort_values("state_floats")
        x = rows["state_floats"].to_numpy(float)
        best, low, high = (rows[f"regret_best{end}"].to_numpy(float) for end in ("", "_low", "_high"))
        theorem = rows["regret_theorem"].to_numpy(float)
        if rows["rank"].notna().all():
            axes.plot(x, theorem, "--", color=style.color, alpha=0.45, marker=style.marker, mfc="white", zorder=2)
            axes.plot(x, best, color=style.color, marker=style.marker, zorder=4)
            axes.fill_between(x, low, high, color=style.color, alpha=0.18, linewidth=0, zorder=1)
            for position, (rank, at, value) in enumerate(zip(rows["rank"], x, best, strict=True)):
                text = f"k = {int(rank)}" if position in (0, len(x) - 1) else f"{int(rank)}"
                axes.annotate(
                    text, (at, value), (0, 5), textcoords="offset points", fontsize=6, ha="center", color=style.color
                )
        else:
            spread = np.vstack([best - low, high - best])
            axes.errorbar(
                x, best, spread, color=style.color, marker=style.marker, linestyle="none", capsize=2, zorder=5
            )
            axes.plot(x, theorem, color=style.color, marker=style.marker, mfc="white", linestyle="none", alpha=0.45)
    _label_points(table, axes)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel("regret against the best fixed point")
    return axes


def bound_vs_memory(table: pd.DataFrame, axes: Axes) -> Axes:
    """Draw the theorem's bound, and the regret at the theorem's step size below it, against state floats."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for _, rows in table.groupby("learner", sort=False):
        style = learner_style(rows["kind"].iloc[0])
        rows = rows.sort_values("state_floats")
        line = "-" if rows["rank"].notna().all() else "none"
        x = rows["state_floats"].to_numpy(float)
        axes.plot(x, rows["bound"], linestyle=":" if line == "-" else "none", color=style.color, marker=style.marker)
        positive = rows["regret_theorem"].to_numpy(float)
        positive = np.where(positive > 0.0, positive, np.nan)
        axes.plot(x, positive, linestyle=line, color=style.color, marker=style.marker, mfc="white", alpha=0.6)
    axes.set_ylabel("bound (filled)\nregret (hollow)")
    return axes


def tail_mass_vs_memory(table: pd.DataFrame, axes: Axes) -> Axes:
    """Draw the bottom-(d - k) eigenvalue mass of the covariance, and the escaped mass, against state floats."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for _, rows in table[table["rank"].notna()].groupby("learner", sort=False):
        style = learner_style(rows["kind"].iloc[0])
        rows = rows.sort_values("state_floats")
        for column, line, label in (("tail_mass", "-", "tail mass"), ("escaped_mass", ":", "escaped mass")):
            values = rows[column].to_numpy(float)
            values = np.where(values > 0.0, values, np.nan)
            if np.isfinite(values).any():
                axes.plot(rows["state_floats"], values, line, color=style.color, marker=style.marker, label=label)
    axes.set_ylabel("eigenvalue mass")
    if axes.lines:
        axes.legend(loc="best")
    return axes


def signature_figure(tables: dict[str, pd.DataFrame], title: str = "") -> Any:
    """Regret, bound and tail mass against memory, a column for every environment; returns the Matplotlib figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.3 * len(tables) + 0.4, 6.2), layout="constrained")
    grid = figure.subplots(3, len(tables), sharex="col", squeeze=False, height_ratios=[3.0, 1.6, 1.3])
    for column, (environment, table) in enumerate(tables.items()):
        for row, draw in enumerate((regret_vs_memory, bound_vs_memory, tail_mass_vs_memory)):
            axes = draw(table, grid[row, column])
            if column:
                axes.set_ylabel("")
        dimension = int(table["dimension"].iloc[0])
        grid[0, column].set_title(f"{environment.replace('_', ' ')}  (d = {dimension})")
        grid[2, column].set_xlabel("state floats held   (k = directions kept)")
    if title:
        figure.suptitle(title)
    return figure


def _label_points(table: pd.DataFrame, axes: Axes) -> None:
    """Name each unranked learner beside its point, and the ranked line at its right end, without overlap."""
    points = table[table["rank"].isna()].sort_values("regret_best")
    taken: list[tuple[float, float]] = []
    low, high = axes.get_ylim()
    for _, row in points.iterrows():
        style = learner_style(str(row["kind"]))
        x, y = np.log10(float(row["state_floats"])), (float(row["regret_best"]) - low) / (high - low)
        shift = 0.0
        while any(abs(x - other) < 0.9 and abs(y + shift - height) < 0.055 for other, height in taken):
            shift += 0.02
        taken.append((x, y + shift))
        right = float(row["state_floats"]) > np.sqrt(np.prod(axes.get_xlim()))
        axes.annotate(
            style.label,
            (float(row["state_floats"]), float(row["regret_best"])),
            (-7 if right else 7, -3 + shift * 150),
            textcoords="offset points",
            ha="right" if right else "left",
            fontsize=6.5,
            color=style.color,
        )
