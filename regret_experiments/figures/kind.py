"""A kind of figure, and a panel of it: one environment of one stage of a sweep, and how to look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from oco.errors import ConfigError
from regret_experiments.figures.selection import Against, Rate, Scale, select_runs, selected_curves
from regret_experiments.tables import rank_table
from regret_experiments.tables.bands import Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from regret_experiments.store.results import Results


@dataclass
class Panel:
    """What a panel is drawn from: one environment of one stage of a sweep, and how to look at it.

    Attributes
    ----------
    results
        The sweep.
    runs
        The environment's runs.
    rate
        Which learning rate curves are of.
    against, scale
        Of regret curves.
    rank
        Of figures that show one rank; by default the middle one.
    x, group
        Hyper-parameters of figures that show one across, and another by lines.
    bounds
        Whether bounds are drawn too; None: as the kind of figure does by itself.
    band
        Around means over the data orders.
    styles
        Colours, markers and names by learner.
    """

    results: Results
    runs: pd.DataFrame
    rate: Rate = "best"
    against: Against = "u_t"
    scale: Scale = "log"
    rank: int | None = None
    x: str = "learning_rate"
    group: str | None = None
    bounds: bool | None = None
    band: Band = "range"
    styles: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The environment's rows of the rank table."""
        return rank_table(self.runs)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Curves of the chosen runs."""
        return selected_curves(self.results, self.rate, self.runs)

    def heading(self, title: str) -> str:
        """The title with the dimension."""
        known = self.runs.get("dimension", pd.Series(dtype=float)).dropna()
        return f"{title}  (d = {int(known.max())})" if len(known) else title

    @property
    def one_each(self) -> pd.DataFrame:
        """One chosen run of every learner: the first order, at one rank."""
        chosen = select_runs(self.runs, self.rate)
        keep = chosen["rank"].isna() | (chosen["rank"] == self.shown_rank)
        return chosen[keep].drop_duplicates("learner")

    @property
    def shown_rank(self) -> int | None:
        """The rank of figures that show one: the given one, or the middle one."""
        ranks = sorted({int(rank) for rank in self.runs["rank"].dropna()})
        if self.rank is not None and self.rank not in ranks:
            raise ConfigError(f"rank must be one of those that were played, {ranks}, got {self.rank}")
        return self.rank if self.rank is not None or not ranks else ranks[len(ranks) // 2]


@dataclass(frozen=True)
class Kind:
    """One kind of figure.

    Attributes
    ----------
    title
        What it shows, in the help of ``oco plot``.
    draw
        Draws a panel.
    aspect
        How high a panel is for its width.
    caption
        What its marks mean, in sentences; ``{rate}`` and ``{band}`` in it are said as they were drawn.
    below
        Draws a second Axes under the panel.
    names
        Whether learners are named where they are drawn; a figure of another kind has one legend for all panels.
    wide
        Panels side by side by size, where there is one legend.
    marks
        Entries of that legend for what is not a learner.
    says
        What a panel shows, in a sentence for the caption.
    scales
        Whether its axes can be made linear or logarithmic.
    pad
        Points between a panel and its title.
    over_environments
        Whether there is one panel for all environments together.
    """

    title: str
    draw: Callable[[Panel, Axes], Axes]
    aspect: float = 0.75
    over_environments: bool = False
    caption: str = ""
    below: Callable[[Panel, Axes], Axes] | None = None
    names: bool = True
    wide: Mapping[str, int] = field(default_factory=dict)
    marks: Callable[[], list[tuple[Any, str]]] = list
    says: Callable[[Panel], str] | None = None
    scales: bool = True
    pad: float = 6.0
