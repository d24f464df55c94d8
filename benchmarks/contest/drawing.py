"""Loss against a cost, a panel for each task, with the front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.contest.collect import Row, front

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COSTS = {"floats": "state, floats per parameter", "ms": "optimizer, milliseconds a step"}
MARKERS = "osD^vP*X<>hp"


def loss_against(found: Sequence[Row], settings: Mapping[str, Any], cost: str) -> Figure:
    """One panel for each task: a mark with the standard error for each optimizer, and a line of the best."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    tasks = [task for task in settings["tasks"] if any(row["task"] == task and row[cost] is not None for row in found)]
    names = list(settings["optimizers"])
    columns = min(3, max(1, len(tasks)))
    lines = max(1, -(-len(tasks) // columns))
    figure = Figure(figsize=(3.3 * columns + 2.2, 2.7 * lines + 0.3), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True).flatten()
    handles: dict[str, Any] = {}
    for axis, task in zip(axes, tasks, strict=False):
        own = [row for row in found if row["task"] == task and row[cost] is not None]
        for row in own:
            place = names.index(row["optimizer"])
            look = {"color": f"C{place % 10}", "marker": MARKERS[place % len(MARKERS)], "linestyle": "none"}
            size = 9 if row["optimizer"] in settings["members"] else 6
            edge = "black" if row["optimizer"] in settings["members"] else "none"
            drawn = axis.errorbar(
                row[cost], row["mean"], yerr=row["error"], markersize=size, markeredgecolor=edge, **look
            )
            handles.setdefault(row["optimizer"], drawn)
        line = front([(row[cost], row["mean"]) for row in own])
        axis.plot(*zip(*line, strict=True), color="0.7", drawstyle="steps-post", zorder=0)
        axis.set(xscale="log", title=task)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
    for axis in axes[len(tasks) :]:
        axis.set_visible(False)
    for place, axis in enumerate(axes[: len(tasks)]):
        if place % columns == 0:
            axis.set_ylabel("training loss")
        if place + columns >= len(tasks):
            axis.set_xlabel(COSTS[cost])
            axis.tick_params(labelbottom=True)
    ordered = [name for name in names if name in handles]
    figure.legend([handles[name] for name in ordered], ordered, loc="outside right upper", frameon=False, fontsize=8)
    return figure
