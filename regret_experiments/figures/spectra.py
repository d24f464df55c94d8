"""The spectrum of the gradient covariance with the ranks marked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from regret_experiments.figures.common import numbers, say, tidy_log
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.selection import spectrum_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def spectrum(frame: pd.DataFrame, axes: Axes, *, ranks: Iterable[int] = ()) -> Axes:
    """Draw the eigenvalues of the gradient covariance of one run, falling, at each round that was kept.

    Later rounds are darker. A line stands after the k-th eigenvalue for each rank: what is left of it is kept by a
    sketch of rank k, what is right of it is its tail mass.

    Parameters
    ----------
    frame
        Columns ``round``, ``index`` (from 1) and ``eigenvalue``, as `spectrum_frame` gives them.
    axes
        Where to draw.
    ranks
        To mark.
    """
    if frame.empty:
        return say(axes, "no spectrum was kept")
    from matplotlib import colormaps

    labels = DirectLabels(axes)
    axes.set_yscale("log")
    axes.set_xscale("log")
    rounds = sorted(frame["round"].unique())
    for i, when in enumerate(rounds):
        rows = frame[(frame["round"] == when) & (frame["eigenvalue"] > 0.0)]
        if rows.empty:
            continue
        color = colormaps["viridis_r"](0.25 + 0.75 * (i + 1) / len(rounds))
        last = i == len(rounds) - 1
        x, y = numbers(rows["index"]), numbers(rows["eigenvalue"])
        axes.plot(x, y, color=color, marker="." if len(x) == 1 or last else None, ms=3, lw=1.6 if last else 1.0)
        labels.at_end(f"t = {int(when)}", x[-1], y[-1], _dark(color))
    bottom, top = axes.get_ylim()
    right = float(frame["index"].max())
    marked: list[float] = []
    for rank in sorted(set(ranks)):
        if rank < right:
            axes.axvline(rank + 0.5, color="#D55E00", linewidth=0.8, linestyle="--", zorder=1)
            if not marked or np.log(rank + 0.5) - marked[-1] > 0.07 * np.log(right + 1.0):
                marked.append(float(np.log(rank + 0.5)))
                axes.annotate(
                    f"k = {rank}" if len(marked) == 1 else str(rank), (rank + 0.5, 1.0), (0, 2), ha="center",
                    xycoords=("data", "axes fraction"), textcoords="offset points", color="#A04000", fontsize="small",
                )  # fmt: skip
    axes.set_ylim(bottom, top)
    axes.set_xlabel("index i")
    axes.set_ylabel("eigenvalue $\\lambda_i$ of $G_t$")
    return tidy_log(axes)


def _dark(color: tuple[float, ...]) -> str:
    from regret_experiments.figures.style import readable

    return readable("#" + "".join(f"{round(255 * value):02X}" for value in color[:3]), "#FFFFFF", 4.5)


def _spectrum(panel: Panel, axes: Axes) -> Axes:
    chosen = panel.one_each.sort_values("rank", na_position="last")
    frame = spectrum_frame(panel.results, chosen["id"].iloc[0]) if len(chosen) else pd.DataFrame()
    return spectrum(frame, axes, ranks=[int(rank) for rank in panel.runs["rank"].dropna().unique()])


KINDS = {
    "spectrum": Kind(
        "spectrum of the gradient covariance over time, ranks marked", _spectrum, pad=14.0,
        caption="Eigenvalues of the gradient covariance of one run, of the first order, at several rounds; what is "
        "left of a dashed line is kept by a sketch of that rank.",
    )
}  # fmt: skip
