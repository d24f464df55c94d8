"""The figure of the regret of updates: against the length of the best fixed update, and along the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = dict[str, Any]
NORM_NAMES = {"l2": "l2 ball", "spectral": "spectral balls", "max": "box"}


def update_regret_figure(rows: Sequence[Row]) -> Figure:
    """One column for each norm: above, discounted regret at the end against the radius; below, each window's regret.

    The regret of a window is drawn at one radius for all optimizers, the median of their longest updates in that norm
    (for spectral balls: the l2 one), so that the comparator is the same.
    """
    from matplotlib.figure import Figure

    norms = list(dict.fromkeys(row["norm"] for row in rows))
    optimizers = list(dict.fromkeys(row["optimizer"] for row in rows))
    figure = Figure(figsize=(3.4 * len(norms) + 0.6, 5.6), layout="constrained")
    axes = figure.subplots(2, len(norms), squeeze=False)
    for column, norm in enumerate(norms):
        radius = _common_radius(rows, norm)
        radii = radius * np.geomspace(0.03, 5.0, 60)
        for index, optimizer in enumerate(optimizers):
            own = [row for row in rows if row["norm"] == norm and row["optimizer"] == optimizer]
            look = {"color": f"C{index}", "linestyle": ("-", "--", ":", "-.")[index % 4], "label": optimizer}
            last = [row for row in own if row["kind"] == "discounted"][-1]
            axes[0, column].plot(radii, last["played"] + radii * last["dual_norm"], **look)
            windows = [row for row in own if row["kind"] == "window"]
            regrets = [row["played"] + radius * row["dual_norm"] for row in windows]
            axes[1, column].plot([row["round"] for row in windows], regrets, marker=".", **look)
        _label(list(axes[:, column]), norm, radius)
    axes[0, 0].legend(frameon=False, fontsize=8)
    return figure


def _common_radius(rows: Sequence[Row], norm: str) -> float:
    shown = "l2" if norm == "spectral" else norm
    longest = [row["longest"] for row in rows if row["norm"] == shown and row["kind"] == "window"]
    return float(np.median(longest)) if longest else 1.0


def _label(axes: Sequence[Axes], norm: str, radius: float) -> None:
    above, below = axes
    above.set(xscale="log", title=f"updates from the {NORM_NAMES[norm]}", xlabel="radius D")
    above.set_ylabel("discounted regret at the end")
    above.axvline(radius, color="0.7", linewidth=0.8, zorder=0)
    below.set(xlabel="step", ylabel=f"regret of a window at D = {radius:.2g}")
    for axis in axes:
        axis.set_yscale("symlog", linthresh=1.0)
        axis.axhline(0.0, color="0.7", linewidth=0.8, zorder=0)
