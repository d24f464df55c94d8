"""Why a sketch can do with little memory: the spectrum of the gradients, and what each rank leaves out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from oco.types import Array
from regret_experiments.figures.common import say
from regret_experiments.figures.masses import escaped_trace
from regret_experiments.figures.selection import Rate, select_runs, spectrum_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from regret_experiments.store.results import Results

KEPT, LEFT, LOST = "#0072B2", "#8A8A8A", "#A04000"
LEAST_SHARE = 1e-5
"""Shares of the trace below this one are not worth the room."""


def why_frame(results: Results, runs: pd.DataFrame, learner: str, rank: int, rate: Rate = "best") -> pd.DataFrame:
    """What the gradients of a sketched learner look like on one environment, in shares of the trace of G_T.

    Columns: ``quantity``, ``index`` and ``share``, means over the orders. ``"eigenvalue"``: of the runs of rank
    ``rank``, by its index from 1; ``"tail"`` and ``"escaped"``: the tail mass and the trace that escaped, by rank. Runs
    are those of the given learning-rate policy. Empty where no spectrum was kept.
    """
    chosen = select_runs(runs[(runs["learner"] == learner) & runs["rank"].notna()], rate)
    parts = []
    for run in chosen.to_dict("records"):
        arrays, k = results.arrays(run["id"]), int(run["rank"])
        trace = float(arrays["gradient_squares"][-1]) if "gradient_squares" in arrays else 0.0
        if trace <= 0.0 or "spectra" not in arrays:
            continue
        escaped = escaped_trace(k, float(arrays["escaped_mass"][-1]))
        parts += [("tail", k, float(arrays["tail_mass"][-1]) / trace), ("escaped", k, escaped / trace)]
        if k == rank:
            last = spectrum_data(arrays).eigenvalues[-1] / trace
            parts += [("eigenvalue", i, share) for i, share in enumerate(last, start=1)]
    frame = pd.DataFrame(parts, columns=["quantity", "index", "share"])
    return frame.groupby(["quantity", "index"], sort=False)["share"].mean().reset_index()


@dataclass(frozen=True)
class Why:
    """Shares of the trace of the gradient covariance.

    Attributes
    ----------
    indices, eigenvalues
        Falling, from index 1.
    ranks, tail, escaped
        By rank: what any matrix of that rank leaves out, and what the sketch lost. Not positive is missing.
    """

    indices: Array
    eigenvalues: Array
    ranks: Array
    tail: Array
    escaped: Array


def why_data(frame: pd.DataFrame) -> Why:
    """The numbers of `spectrum_and_masses`, from a frame as `why_frame` gives it."""
    positive = frame[frame["share"] > 0.0]
    part = {name: rows.sort_values("index") for name, rows in positive.groupby("quantity")}
    empty = positive.iloc[:0]
    eigenvalues, tail, escaped = (part.get(name, empty) for name in ("eigenvalue", "tail", "escaped"))
    ranks = np.union1d(tail["index"], escaped["index"])
    by_rank = [rows.set_index("index")["share"].reindex(ranks).to_numpy(float) for rows in (tail, escaped)]
    return Why(
        eigenvalues["index"].to_numpy(float), eigenvalues["share"].to_numpy(float), ranks.astype(float), *by_rank
    )


def spectrum_and_masses(frame: pd.DataFrame, axes: Axes, *, rank: int) -> Axes:
    """Draw eigenvalues, tail mass and escaped trace as shares of the trace of G_T, against index and rank.

    The part of the spectrum that a sketch of rank ``rank`` keeps is shaded.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if frame.empty:
        return say(axes, "no spectrum was kept")
    found = why_data(frame)
    axes.set_xscale("log")
    axes.set_yscale("log")
    drawn = np.concatenate([found.eigenvalues, found.tail, found.escaped])
    floor = max(LEAST_SHARE, 0.5 * float(np.nanmin(drawn)))
    # A step to the left and to the right of each index, so that the shade ends where the kept directions do.
    edges = np.concatenate([found.indices - 0.5, [found.indices[-1] + 0.5]])
    steps = np.append(found.eigenvalues, found.eigenvalues[-1])
    for color, alpha, inside in ((KEPT, 0.35, edges <= rank + 0.5), (LEFT, 0.18, edges >= rank + 0.5)):
        axes.fill_between(edges[inside], floor, steps[inside], step="post", color=color, alpha=alpha, linewidth=0)
    axes.step(edges, steps, where="post", color="#333333", linewidth=0.9)
    axes.plot(found.ranks, found.tail, "-", marker="v", ms=3.5, color=LOST, linewidth=1.1)
    axes.plot(found.ranks, found.escaped, ":", marker="o", ms=4.0, mfc="white", color=LOST, linewidth=1.1)
    axes.set_xlim(0.5, float(max(found.indices[-1], found.ranks.max(initial=1.0))) * 1.15)
    axes.set_ylim(floor, 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(LogLocator(numticks=4))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("index i, rank k")
    axes.set_ylabel("share of tr $G_T$")
    return axes
