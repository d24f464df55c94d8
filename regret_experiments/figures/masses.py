"""What a sketch cannot keep: the tail mass of the covariance, and what escaped from the sketch next to its bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco.types import Array
from regret_experiments.figures.against_rank import rank_axis
from regret_experiments.figures.common import Styles, numbers, say, styles_for, tidy_log
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.lines import Line, over_orders, ranks_of
from regret_experiments.figures.selection import escaped_frame, select_runs
from regret_experiments.tables.bands import Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Masses:
    """Two traces, by rank: what any matrix of rank k must leave out, and what the sketch of rank k left out.

    Attributes
    ----------
    ranks, floats
        Directions kept, and the state floats that were held.
    tail
        The sum of the bottom d - k eigenvalues of the gradient covariance.
    escaped
        (k + 1) rho, rho the escaped mass: the trace that a sketch without a buffer lost. It is at least the tail mass.
    """

    ranks: tuple[int, ...]
    floats: Array
    tail: Array
    escaped: Array


def escaped_trace(rank: Any, escaped: Any) -> Any:
    """The trace that escaped from a sketch of rank k: its escaped mass was subtracted from each of k + 1 eigenvalues.

    Examples
    --------
    >>> escaped_trace(4, 2.0)
    10.0
    """
    return (rank + 1) * escaped


def tail_data(table: pd.DataFrame) -> dict[str, Masses]:
    """Tail mass and escaped trace, by learner, from the rows of the table for one environment."""
    found = {}  # fmt: skip
    kept = table[table["rank"].notna() & table["state_floats"].notna()]
    for name, rows in kept.groupby("learner", sort=False, observed=True):
        rows = rows.sort_values("rank")
        tail, escaped = (_positive(numbers(rows[column])) for column in ("tail_mass", "escaped_mass"))
        trace = escaped_trace(numbers(rows["rank"]), escaped)
        found[str(name)] = Masses(ranks_of(rows), numbers(rows["state_floats"]), tail, trace)
    return found


def tail_mass_vs_memory(table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Draw the bottom-(d - k) eigenvalue mass of the covariance, and the trace that escaped, against state floats.

    Filled: tail mass; hollow: (k + 1) times the escaped mass. Both are traces, of the same gradients.
    """
    styles = styles_for(table, styles)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for learner, mass in tail_data(table).items():
        style = styles[learner]
        for values, line, fill in ((mass.tail, "-", style.color), (mass.escaped, ":", "white")):
            if np.isfinite(values).any():
                axes.plot(mass.floats, values, line, color=style.color, marker=style.marker, mfc=fill)
    axes.set_ylabel("tail mass (filled)\nescaped trace $(k+1)\\rho$ (hollow)")
    axes.set_xlabel("state floats held")
    return tidy_log(axes)


def escaped_data(frame: pd.DataFrame, band: Band = "range") -> dict[str, tuple[Line, Line]]:
    """Escaped mass, and Lemma 1's bound on it, against the rank at the last round, by learner.

    ``frame`` is what `escaped_frame` gives for one environment.
    """
    found = {}  # fmt: skip
    final = frame[frame["round"] == frame.groupby("id")["round"].transform("max")] if len(frame) else frame
    for name, rows in final.groupby("learner", sort=False, observed=True) if len(final) else ():
        lines = []
        for column in ("escaped_mass", "omega"):
            summary = over_orders(rows[column], rows["rank"].astype(int), band, rows.get("order"))
            mean, low, high = (_positive(summary[end].to_numpy(float)) for end in ("mean", "low", "high"))
            lines.append(Line(summary.index.to_numpy(float), mean, low, high, tuple(map(int, summary.index))))
        found[str(name)] = (lines[0], lines[1])
    return found


def escaped_mass(
    frame: pd.DataFrame, axes: Axes, *, styles: Styles | None = None, bound: bool = True, band: Band = "range"
) -> Axes:
    r"""Draw the mass that escaped from the sketch against Lemma 1's bound on it, at the last round.

    Filled: escaped mass; hollow, dotted: its bound ``Omega_ell``, ell = k + 1.

    Parameters
    ----------
    frame
        As `escaped_frame` gives it, for one environment.
    axes
        Where to draw.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    bound
        Whether to draw the bound.
    band
        ``"range"`` over the data orders, ``"se"``: one standard error, ``"ci"``: the 95 % interval of the mean.
    """
    if frame.empty:
        return say(axes, "no escaped mass: no learner keeps a sketch, or no spectrum was kept")
    labels, styles, drawn = DirectLabels(axes), styles_for(frame, styles), escaped_data(frame, band)
    axes.set_yscale("log")
    rank_axis(frame, axes)
    for learner, (escaped, omega) in drawn.items():
        style = styles[learner]
        looks = [(escaped, "-", style.color, "escaped", "escaped_mass")]
        looks += [(omega, ":", "white", "bound Ω", "omega")] if bound else []
        for line, dash, face, what, gid in looks:
            axes.plot(line.x, line.middle, dash, color=style.color, marker=style.marker, mfc=face)
            axes.fill_between(line.x, line.low, line.high, color=style.color, alpha=0.12, lw=0, gid=gid)
            finite = np.flatnonzero(np.isfinite(line.middle))
            if finite.size:
                name = what if len(drawn) == 1 or not style.label else f"{style.label}: {what}"
                labels.at_end(name, line.x[finite[-1]], line.middle[finite[-1]], style.ink)
    axes.set_ylabel("escaped mass $\\rho_{1:T}$")
    return tidy_log(axes)


def _positive(values: Array) -> Array:
    return np.where(values > 0.0, values, np.nan)


def _escaped(panel: Panel, axes: Axes) -> Axes:
    frame = escaped_frame(panel.results, select_runs(panel.runs, panel.rate))
    return escaped_mass(frame, axes, styles=panel.styles, bound=panel.bounds is not False, band=panel.band)


KINDS = {
    "tail": Kind(
        "tail mass and escaped trace against memory",
        lambda panel, axes: tail_mass_vs_memory(panel.table, axes, styles=panel.styles),
        caption="Filled: the tail mass, the sum of the bottom d - k eigenvalues of the gradient covariance, which no "
        "matrix of rank k can keep. Hollow: the trace that escaped from the sketch, (k + 1) times its escaped mass. "
        "Means over the data orders, at the theorem's learning rate where that was played, otherwise at the best.",
    ),
    "escaped": Kind(
        "escaped mass against its bound", _escaped,
        caption="Escaped mass of the sketch, which was subtracted from each of k + 1 eigenvalues, after the last "
        "round, and Lemma 1's bound on it (dotted), against the rank k, {rate}. {band}",
    ),
}  # fmt: skip
