"""Time against memory: microseconds a round against state floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from regret_experiments.figures.common import Styles, label_ends, numbers, ranked, say, styles_for, tidy_log
from regret_experiments.figures.kind import Kind
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.lines import Line, ranks_of
from regret_experiments.figures.selection import time_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def time_data(times: pd.DataFrame) -> dict[str, Line]:
    """Microseconds a round against state floats, by learner: medians over the runs, with their quartiles."""
    found = {}
    for name, rows in times.groupby("learner", sort=False, observed=True):
        rows = rows.sort_values("rank" if ranked(rows) else "state_floats")
        x, middle, low, high = (numbers(rows[column]) for column in ("state_floats", "microseconds", "low", "high"))
        found[str(name)] = Line(x, middle, low, high, ranks_of(rows))
    return found


def time_vs_memory(times: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Draw the time that a learner takes for a round against the state floats that it holds.

    Points are medians over runs, whiskers the quartiles. Timings are of the machine that played.

    Parameters
    ----------
    times
        As `time_table` gives them, for one environment.
    axes
        Where to draw.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    """
    if times.empty:
        return say(axes, "no run has finished")
    axes.set_xscale("log")
    axes.set_yscale("log")
    labels, styles = DirectLabels(axes), styles_for(times, styles)
    for learner, line in time_data(times).items():
        style = styles[learner]
        whiskers = np.vstack([line.middle - line.low, line.high - line.middle]).clip(min=0.0)
        axes.errorbar(
            line.x, line.middle, whiskers, color=style.color, marker=style.marker, capsize=2,
            linestyle="-" if line.ranked else "none",
        )  # fmt: skip
        labels.avoid(np.repeat(line.x, 2), np.column_stack([line.low, line.high]).ravel())
        labels.avoid(line.x, line.middle)
        if line.ranked:
            label_ends(labels, style, line.x, line.middle, line.ranks)
        else:
            for across, up in zip(line.x, line.middle, strict=True):
                labels.near(style.label, across, up, style.ink)
    axes.set_xlabel("state floats held (k = directions kept)")
    axes.set_ylabel("µs per round")
    return tidy_log(axes)


KINDS = {
    "time": Kind(
        "time per round against memory",
        lambda panel, axes: time_vs_memory(time_table(panel.runs), axes, styles=panel.styles),
        caption="Microseconds that a learner takes for a round against the floats that its state holds: medians over "
        "all runs, whiskers to the quartiles. Numbers at a line are ranks k.",
    )
}
