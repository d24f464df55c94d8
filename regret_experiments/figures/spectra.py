"""The spectrum of the gradient covariance with the ranks marked, and the escaped mass of a sketch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from regret_experiments.figures.common import Styles, each_learner, numbers, say, tidy_log
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.selection import escaped_frame, select_runs, spectrum_frame

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


def escaped_mass(frame: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    r"""Draw the mass that escaped from the sketch against Lemma 1's bound on it, at the last round.

    Filled: escaped mass; hollow, dotted: its bound ``Omega_ell``, ell = k + 1. Bands are the range over orders.

    Parameters
    ----------
    frame
        As `escaped_frame` gives it, for one environment.
    axes
        Where to draw.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    """
    if frame.empty:
        return say(axes, "no escaped mass: no learner keeps a sketch, or no spectrum was kept")
    from regret_experiments.figures.against_rank import _rank_axis

    labels = DirectLabels(axes)
    axes.set_yscale("log")
    final = frame[frame["round"] == frame.groupby("id")["round"].transform("max")]
    _rank_axis(final, axes)
    for style, rows in each_learner(final, styles):
        grouped = rows.groupby("rank")
        x = np.array(sorted(rows["rank"].unique()), dtype=float)
        for column, line, face, what in (
            ("omega", ":", "white", "bound Ω"),
            ("escaped_mass", "-", style.color, "escaped"),
        ):
            mean, low, high = (numbers(grouped[column].agg(how)) for how in ("mean", "min", "max"))
            mean = np.where(mean > 0.0, mean, np.nan)
            axes.plot(x, mean, line, color=style.color, marker=style.marker, mfc=face)
            axes.fill_between(
                x, np.where(low > 0.0, low, np.nan), high, color=style.color, alpha=0.12, lw=0, gid=column
            )
            finite = np.flatnonzero(np.isfinite(mean))
            if finite.size:
                name = what if final["learner"].nunique() == 1 else f"{style.label}: {what}"
                labels.at_end(name, x[finite[-1]], mean[finite[-1]], style.ink)
    axes.set_ylabel("escaped mass $\\rho_{1:T}$")
    return tidy_log(axes)


def _dark(color: tuple[float, ...]) -> str:
    from regret_experiments.figures.style import readable

    return readable("#" + "".join(f"{round(255 * value):02X}" for value in color[:3]), "#FFFFFF", 4.5)


def _spectrum(panel: Panel, axes: Axes) -> Axes:
    chosen = panel.one_each.sort_values("rank", na_position="last")
    frame = spectrum_frame(panel.results, chosen["id"].iloc[0]) if len(chosen) else pd.DataFrame()
    return spectrum(frame, axes, ranks=[int(rank) for rank in panel.runs["rank"].dropna().unique()])


def _escaped(panel: Panel, axes: Axes) -> Axes:
    frame = escaped_frame(panel.results, select_runs(panel.runs, panel.rate))
    return escaped_mass(frame, axes, styles=panel.styles)


KINDS = {
    "spectrum": Kind("spectrum of the gradient covariance over time, ranks marked", _spectrum),
    "escaped": Kind("escaped mass against its bound", _escaped),
}
