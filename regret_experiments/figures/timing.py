"""Time against memory: microseconds a round against state floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from regret_experiments.figures.common import Styles, each_learner, label_ends, numbers, ranked, say, tidy_log
from regret_experiments.figures.kind import Kind
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.selection import time_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    labels = DirectLabels(axes)
    for style, rows in each_learner(times, styles):
        rows = rows.sort_values("rank" if ranked(rows) else "state_floats")
        x, y, low, high = (numbers(rows[name]) for name in ("state_floats", "microseconds", "low", "high"))
        axes.errorbar(
            x, y, np.vstack([y - low, high - y]).clip(min=0.0), color=style.color, marker=style.marker, capsize=2,
            linestyle="-" if ranked(rows) else "none",
        )  # fmt: skip
        labels.avoid(np.repeat(x, 2), np.column_stack([low, high]).ravel())
        labels.avoid(x, y)
        if ranked(rows):
            label_ends(labels, style, x, y, rows["rank"])
        else:
            for across, up in zip(x, y, strict=True):
                labels.near(style.label, across, up, style.ink)
    axes.set_xlabel("state floats held (k = directions kept)")
    axes.set_ylabel("µs per round")
    return tidy_log(axes)


KINDS = {
    "time": Kind(
        "time per round against memory",
        lambda panel, axes: time_vs_memory(time_table(panel.runs), axes, styles=panel.styles),
    )
}
