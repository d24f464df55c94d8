"""What bounds decide: bounds against memory, with the regrets that they bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from oco.types import Array
from regret_experiments.figures.captions import names_of
from regret_experiments.figures.common import Styles, numbers, ranked, styles_for, tidy_log
from regret_experiments.figures.kind import Kind, Panel
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
        look: dict[str, Any] = {"color": style.color, "marker": style.marker}
        axes.plot(found.floats, found.bound, linestyle=":" if line else "none", **look)
        axes.plot(found.floats, found.regret, linestyle="-" if line else "none", mfc="white", alpha=0.6, **look)
    axes.set_ylabel("bound (filled), regret (hollow)")
    axes.set_xlabel("state floats held")
    return tidy_log(axes)


@dataclass(frozen=True)
class Decision:
    """What the bounds on one environment say, and what happened, both at the theorem's learning rate.

    Attributes
    ----------
    least_factor, largest_factor
        Of bound over regret, over all learners and ranks with both.
    promised, best
        The learner and rank with the least bound, and with the least regret.
    promised_change, change
        By which factor the bound, and the regret, of the sketched learner change from its least rank to its largest;
        missing without one.
    """

    least_factor: float
    largest_factor: float
    promised: tuple[str, int | None]
    best: tuple[str, int | None]
    promised_change: float
    change: float

    def sentence(self, names: Mapping[str, str]) -> str:
        """The decision in words; ``names`` are the learners' names in figures."""
        low, high = f"{self.least_factor:.2g}", f"{self.largest_factor:.2g}"
        said = f"bounds are {low if low == high else f'{low} to {high}'} times the regret: "
        promised, best = _named(self.promised, names), _named(self.best, names)
        if self.promised == self.best:
            said += f"{best} has both the lowest bound and the least regret"
        else:
            said += f"{promised} has the lowest bound, {best} the least regret"
        return f"{said}; bounds fall with k, the regret rises" if self.promised_change < 1.0 < self.change else said


def decision_of(table: pd.DataFrame) -> Decision | None:
    """What the bounds decide on one environment, from its rows of the table; None without two of them to compare."""
    rows = [
        _Point(float(bound), float(regret), name, found.ranks[i] if found.ranks else None)
        for name, found in bound_data(table).items()
        for i, (bound, regret) in enumerate(zip(found.bound, found.regret, strict=True))
        if np.isfinite(bound) and np.isfinite(regret)
    ]
    if len(rows) < 2:
        return None
    factors = [row.bound / row.regret for row in rows]
    promised, best = min(rows, key=lambda row: row.bound), min(rows, key=lambda row: row.regret)
    sketched = sorted((row for row in rows if row.rank is not None), key=lambda row: row.rank or 0)
    sketched = [row for row in sketched if row.name == sketched[0].name]
    changes = float("nan"), float("nan")
    if len(sketched) > 1:
        first, last = sketched[0], sketched[-1]
        changes = last.bound / first.bound, last.regret / first.regret
    return Decision(min(factors), max(factors), (promised.name, promised.rank), (best.name, best.rank), *changes)


class _Point(NamedTuple):
    bound: float
    regret: float
    name: str
    rank: int | None


def _named(point: tuple[str, int | None], names: Mapping[str, str]) -> str:
    name, rank = point
    return names[name] if rank is None else f"{names[name]} at k\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{rank}"


def _says(panel: Panel) -> str:
    decision = decision_of(panel.table)
    return "" if decision is None else decision.sentence(names_of(panel.styles))


def _marks() -> list[tuple[Any, str]]:
    from matplotlib.lines import Line2D

    look: dict[str, Any] = {"color": "#555555", "marker": "o", "linestyle": "none"}
    return [(Line2D([], [], **look), "bound"), (Line2D([], [], mfc="white", **look), "regret")]


KINDS = {
    "bound": Kind(
        "what bounds decide: bound and regret against memory",
        lambda panel, axes: bound_vs_memory(panel.table, axes, styles=panel.styles),
        names=False, wide={"one-column": 1, "two-column": 2, "slide": 4}, aspect=0.7, marks=_marks, says=_says,
        caption="Bound of each learner's theorem (filled) and its regret (hollow), both at the theorem's learning "
        "rate, means over the data orders. What bounds decide: no regret whose assumptions hold can lie above its "
        "bound. What they do not decide: which learner has less regret. They hold for the worst losses, and the "
        "learning rate that is best for a bound is seldom the best for a game.",
    )
}  # fmt: skip
