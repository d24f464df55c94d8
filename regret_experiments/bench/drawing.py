"""Figures of the bench: regret against memory by group, relative regret on every stream, and mean ranks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from regret_experiments.bench.scores import Scores
from regret_experiments.figures.common import styles_of, tidy_log
from regret_experiments.figures.critical_difference import critical_difference_diagram
from regret_experiments.figures.drawing import save
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.layout import Layout
from regret_experiments.figures.style import base_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from regret_experiments.figures.common import Styles

MOST_RANKED = 20
"""Learners for which the diagram of ranks has room: those asked for, or the best."""


RATIOS = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
NEAR_ONE = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.7, 2.0)
"""Numbers at the axis of relative regret, and where all of it is below 2."""


def draw(scores: Scores, directory: Path, names: Sequence[str] = ()) -> list[Path]:
    """Draw all figures to a directory; of the learners called ``names``, or of all for which there is room."""
    import matplotlib

    chosen = list(names) or [str(name) for name in scores.learners["learner"]]
    with matplotlib.rc_context(base_style()):
        figures = {
            "pareto": pareto_figure(scores, chosen),
            "relative": relative_figure(scores, chosen),
        }
        if len(chosen) >= 3 and len(scores.streams) >= 2:
            figures["ranks"] = ranks_figure(scores, chosen[:MOST_RANKED])
    return [save(figure, directory / f"{name}.png") for name, figure in figures.items()]


def pareto_figure(scores: Scores, names: Sequence[str]) -> Any:
    """Regret relative to the best known against the numbers in the state, a panel for every group, with its front.

    A learner that did not play every stream of a group is not in its panel. The front is that of all entries; of those
    that are not in ``names`` there are gray points.
    """
    planes = {group: scores.plane(group) for group in scores.suite.groups}
    shown = {group: plane for group, plane in planes.items() if len(plane)}
    layout = Layout(len(shown), "two-column", 0.75, 2)
    styles = _styles(scores)
    for (group, plane), axes in zip(shown.items(), layout.upper, strict=True):
        _draw_plane(plane, axes, styles, set(names))
        axes.set_title(scores.suite.groups[group], loc="left")
    return layout.figure


def _draw_plane(plane: Any, axes: Axes, styles: Styles, names: set[str]) -> None:
    labels = DirectLabels(axes)
    axes.set_xscale("log")
    axes.set_yscale("log")
    front = plane[plane["front"]]
    across = np.repeat(front["floats"], 2)[1:]
    up = np.repeat(front["relative"], 2)[:-1]
    axes.plot(across, up, color="#BBBBBB", linewidth=0.9, zorder=1)
    for left, right, height in zip(front["floats"], front["floats"][1:], front["relative"], strict=False):
        labels.avoid(np.geomspace(left, right, 20), np.full(20, height))
    for row in plane.itertuples():
        style = styles[row.learner]
        named = row.learner in names
        color = style.color if named else "#CCCCCC"
        axes.plot(
            row.floats, row.relative, linestyle="none", color=color, marker=style.marker, zorder=3 if named else 2
        )
        if named:
            labels.near(style.label, row.floats, row.relative, style.ink, optional=not row.front)
    axes.set_xlabel("numbers in the state")
    axes.set_ylabel("regret / best known")
    tidy_log(axes)
    axes.yaxis.set_major_locator(FixedLocator(NEAR_ONE if axes.get_ylim()[1] < 2.0 else RATIOS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def relative_figure(scores: Scores, names: Sequence[str]) -> Any:
    """Relative regret of every learner on every stream as a map: pale is the best known, gray could not be played."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    table = scores.ranked.pivot(index="learner", columns="stream", values="relative").reindex(list(names))[
        scores.streams
    ]
    figure = Figure(figsize=(7.0, 1.8 + 0.16 * len(names)), layout="constrained")
    axes = figure.subplots()
    colors = colormaps["YlOrRd"].with_extremes(bad="#D0D0D0")
    image = axes.imshow(
        np.ma.masked_invalid(table.to_numpy(float)), norm=LogNorm(1.0, 10.0), cmap=colors, aspect="auto"
    )
    axes.set_xticks(range(len(scores.streams)), scores.streams, rotation=60, ha="right", rotation_mode="anchor")
    styles = _styles(scores)
    axes.set_yticks(range(len(names)), [styles[name].label for name in names])
    axes.grid(False)
    groups = [scores.suite.stream(name).group for name in scores.streams]
    for place in range(1, len(groups)):
        if groups[place] != groups[place - 1]:
            axes.axvline(place - 0.5, color="white", linewidth=2.0)
    bar = figure.colorbar(image, ax=axes, extend="max", ticks=[1, 2, 5, 10], shrink=0.8)
    bar.ax.set_yticklabels(["1", "2", "5", "10"])
    bar.set_label("regret / best known")
    bar.minorticks_off()
    return figure


def ranks_figure(scores: Scores, names: Sequence[str]) -> Any:
    """The critical-difference diagram of some learners, ranked among themselves."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 1.4 + 0.16 * len(names)), layout="constrained")
    styles = {name: style for name, style in _styles(scores).items() if name in names}
    critical_difference_diagram(scores.ranks(list(names)), figure.subplots(), styles=styles)
    return figure


def _styles(scores: Scores) -> Styles:
    import pandas as pd

    pairs = [{"learner": name, "kind": entry["learner"]["kind"]} for name, entry in scores.entries.items()]
    return styles_of(pd.DataFrame(pairs))
