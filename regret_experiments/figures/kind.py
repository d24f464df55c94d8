"""A kind of figure, and a panel of it: one environment of one stage of a sweep, and how to look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
    band: Band = "range"
    styles: dict[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> pd.DataFrame:
        """The environment's rows of the rank table."""
        return rank_table(self.runs)

    @property
    def curves(self) -> pd.DataFrame:
        """Curves of the chosen runs."""
        curves = selected_curves(self.results, self.rate)
        return curves[curves["id"].isin(self.runs["id"])]

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
    """One kind of figure: what it shows, how a panel is drawn, and how high a panel is for its width.

    A kind ``over_environments`` has one panel for all environments together.
    """

    title: str
    draw: Callable[[Panel, Axes], Axes]
    aspect: float = 0.75
    over_environments: bool = False
