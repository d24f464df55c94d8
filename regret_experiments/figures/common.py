"""Shared by all figures: iterating over learners, and the number format of labels."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco.needs import ONE_VALUE, TWO_VALUES, WHOLE_LOSS
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.style import LearnerStyle, learner_styles
from regret_experiments.tables.group import feedback_shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Styles = Mapping[str, LearnerStyle]
"""Style of each learner by its name in the sweep."""
INCOMPLETE = "\N{DAGGER}"
"""Mark of a learner that has unfinished runs."""
SHORT = {WHOLE_LOSS: "whole losses", ONE_VALUE: "one value", TWO_VALUES: "two values"}
"""What learners are shown instead of gradients, as labels say it."""


def styles_for(frame: pd.DataFrame, styles: Styles | None) -> Styles:
    """The styles that were given, or else those of the frame's learners."""
    return styles_of(frame) if styles is None else styles


def each_learner(frame: pd.DataFrame, styles: Styles | None) -> Iterator[tuple[LearnerStyle, pd.DataFrame]]:
    """Every learner's style and rows, in the order of the frame."""
    styles = styles_for(frame, styles)
    for name, rows in frame.groupby("learner", sort=False, observed=True):
        yield styles[str(name)], rows


def styles_of(frame: pd.DataFrame) -> dict[str, LearnerStyle]:
    """Styles of the learners of a frame with the columns ``learner`` and ``kind``.

    Where they are shown different feedback, a label says what a learner is shown instead of gradients.
    """
    pairs = frame[["learner", "kind"]].drop_duplicates()
    kinds = dict(zip(pairs["learner"].astype(str), pairs["kind"].astype(str), strict=True))
    styles = learner_styles(kinds.items())
    shown = {name: feedback_shown(kind) for name, kind in kinds.items()}
    if len({feedback for feedback in shown.values() if feedback is not None}) < 2:
        return styles
    return {
        name: replace(style, label=f"{style.label} ({SHORT[feedback]})")
        if (feedback := shown[name]) in SHORT
        else style
        for name, style in styles.items()
    }


def mark_incomplete(styles: Styles, rows: pd.DataFrame) -> dict[str, LearnerStyle]:
    """Styles in which the learners with unfinished runs carry a dagger; ``rows`` are runs, or rows of the table."""
    if "complete" not in rows and "status" not in rows:
        return dict(styles)  # a table that was stored before it said so
    whole = rows["complete"].astype(bool) if "complete" in rows else rows["status"] == "finished"
    marked = set(rows.loc[~whole, "learner"].astype(str))
    return {
        name: replace(style, label=f"{style.label} {INCOMPLETE}") if name in marked else style
        for name, style in styles.items()
    }


def note_shortfalls(figure: Any, shortfalls: Sequence[str]) -> None:
    """Write at the foot of a figure, or above it where a legend is at the foot, which results are missing."""
    if shortfalls:
        text = "\n".join(textwrap.wrap(f"{INCOMPLETE} INCOMPLETE: {shortfalls[0]}", 70))
        write = figure.suptitle if figure.legends else figure.supxlabel
        write(text, color="#CC0000", fontsize="medium", parse_math=False)


def ranked(rows: pd.DataFrame) -> bool:
    """Whether rows are a learner over several ranks, hence a line."""
    return bool(rows["rank"].notna().all())


def numbers(values: Any) -> Any:
    """A column as floats, missing as NaN."""
    if isinstance(values, np.ndarray) and values.dtype == np.float64:
        return values
    return pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(float, na_value=np.nan)


def label_ends(labels: DirectLabels, style: LearnerStyle, x: Any, y: Any, ranks: Any) -> None:
    """Name a line over ranks at its right end, and each of its points by its rank."""
    for position, (rank, across, up) in enumerate(zip(ranks, x, y, strict=True)):
        if np.isfinite(up):
            text = f"k = {int(rank)}" if position == 0 else str(int(rank))
            labels.near(text, across, up, style.ink, optional=True)
    finite = np.flatnonzero(np.isfinite(y))
    if finite.size:
        labels.at_end(style.label, x[finite[-1]], y[finite[-1]], style.ink)


def say(axes: Axes, text: str) -> Axes:
    """Write ``text`` into an Axes that has no data to show."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="#555555", wrap=True)
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def zero_or_log(axes: Axes, values: Any) -> None:
    """Let the axis up begin at zero, or make it logarithmic where the numbers are positive and far apart."""
    drawn = np.asarray(values, dtype=float)
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size and drawn.min() > 0.0 and drawn.max() > 6.0 * drawn.min():
        axes.set_yscale("log")
    elif axes.get_yscale() == "linear":  # another figure on the same axes may have made it logarithmic
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))


def tidy_log(axes: Axes) -> Axes:
    """Number the logarithmic axes of a finished figure so that no two numbers touch: 1, 2 and 5 of a short range."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    if axes.get_xscale() == "log" and high < 1.001 * low:  # all points at one place: Matplotlib leaves no width
        axes.set_xlim(low / 2.0, 2.0 * high)
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_scale() == "log":
            axis.set_minor_formatter(NullFormatter())
            if high < 30.0 * low:
                axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return axes
