"""Bounds against memory, with the regret that they bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from oco.types import Array
from regret_experiments.figures.common import Styles, numbers, ranked, styles_for, tidy_log
from regret_experiments.figures.kind import Kind
from regret_experiments.figures.lines import ranks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Bounded:
    """The bounds of a learner and the regrets below them, both at the theorem's learning rate.

    Attributes
    ----------
    ranks
        Directions kept; empty for a learner without a rank.
    floats
        The state floats that were held.
    bound, regret
        Means over the orders; a regret that is not positive is missing.
    """

    ranks: tuple[int, ...]
    floats: Array
    bound: Array
    regret: Array


def bound_data(table: pd.DataFrame) -> dict[str, Bounded]:
    """Bound and regret against state floats, by learner, from the rows of the table for one environment."""
    found = {}
    for name, rows in table[table["state_floats"].notna()].groupby("learner", sort=False, observed=True):
        rows = rows.sort_values("rank" if ranked(rows) else "state_floats")
        floats, bound, regret = (numbers(rows[column]) for column in ("state_floats", "bound", "regret_theorem"))
        found[str(name)] = Bounded(ranks_of(rows), floats, bound, np.where(regret > 0.0, regret, np.nan))
    return found


def bound_vs_memory(table: pd.DataFrame, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Draw the theorem's bound, and the regret at the theorem's learning rate below it, against state floats."""
    styles = styles_for(table, styles)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for learner, found in bound_data(table).items():
        style, line = styles[learner], bool(found.ranks)
        look = {"color": style.color, "marker": style.marker}
        axes.plot(found.floats, found.bound, linestyle=":" if line else "none", **look)
        axes.plot(found.floats, found.regret, linestyle="-" if line else "none", mfc="white", alpha=0.6, **look)
    axes.set_ylabel("bound (filled)\nregret (hollow)")
    axes.set_xlabel("state floats held (k = directions kept)")
    return tidy_log(axes)


KINDS = {
    "bound": Kind(
        "bound and regret against memory", lambda panel, axes: bound_vs_memory(panel.table, axes, styles=panel.styles)
    )
}
