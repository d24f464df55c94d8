"""Every kind of figure that `oco plot` draws, by name: what it shows of stored results, a panel for an environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from oco.errors import ConfigError
from regret_experiments.figures.against_rank import bound_tightness, regret_vs_rank
from regret_experiments.figures.common import mark_incomplete, styles_of
from regret_experiments.figures.curves import Against, Scale, regret_curves
from regret_experiments.figures.dynamic import dynamic_regret
from regret_experiments.figures.memory import bound_vs_memory, regret_vs_memory, tail_mass_vs_memory
from regret_experiments.figures.plane import decision_path, sketch_ellipses
from regret_experiments.figures.ranking import ranking_table
from regret_experiments.figures.selection import (
    Rate,
    dynamic_frame,
    escaped_frame,
    select_runs,
    selected_curves,
    spectrum_frame,
    time_table,
)
from regret_experiments.figures.sensitivity import learning_rate_sensitivity
from regret_experiments.figures.spectra import escaped_mass, spectrum
from regret_experiments.figures.timing import time_vs_memory
from regret_experiments.tables import rank_table

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
    """

    results: Results
    runs: pd.DataFrame
    rate: Rate = "best"
    against: Against = "u_t"
    scale: Scale = "log"
    rank: int | None = None
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
        """The rank of figures that show one: the one that was asked for, or the middle one."""
        ranks = sorted({int(rank) for rank in self.runs["rank"].dropna()})
        if self.rank is not None and self.rank not in ranks:
            raise ConfigError(f"rank must be one of those that were played, {ranks}, got {self.rank}")
        return self.rank if self.rank is not None or not ranks else ranks[len(ranks) // 2]


def _curves(panel: Panel, axes: Axes) -> Axes:
    return regret_curves(panel.curves, axes, against=panel.against, scale=panel.scale, styles=panel.styles)


def _spectrum(panel: Panel, axes: Axes) -> Axes:
    chosen = panel.one_each.sort_values("rank", na_position="last")
    frame = spectrum_frame(panel.results, chosen["id"].iloc[0]) if len(chosen) else pd.DataFrame()
    return spectrum(frame, axes, ranks=[int(rank) for rank in panel.runs["rank"].dropna().unique()])


def _escaped(panel: Panel, axes: Axes) -> Axes:
    frame = escaped_frame(panel.results, select_runs(panel.runs, panel.rate))
    return escaped_mass(frame, axes, styles=panel.styles)


def _dynamic(panel: Panel, axes: Axes) -> Axes:
    curves = panel.curves
    shown = curves["rank"].isna() | (curves["rank"] == panel.shown_rank)
    frame, switches = dynamic_frame(panel.results, curves[shown])
    return dynamic_regret(frame, axes, switches=switches, styles=panel.styles)


def _path(panel: Panel, axes: Axes) -> Axes:
    from regret_experiments.figures.replay import best_fixed_point, decisions, domain_radius

    chosen = panel.one_each
    frame = decisions(panel.results, chosen)
    best = best_fixed_point(panel.results, chosen["id"].iloc[0])
    point = None if best is None else (float(best.ravel()[0]), float(best.ravel()[1]))
    radius = domain_radius(panel.results, chosen["id"].iloc[0])
    return decision_path(frame, axes, best=point, radius=radius, styles=panel.styles)


def _sketch(panel: Panel, axes: Axes) -> Axes:
    from oco.sketching import FrequentDirections
    from regret_experiments.figures.replay import decisions

    chosen = panel.one_each
    sketched = chosen[chosen["rank"].notna()]
    frame = decisions(panel.results, (sketched if len(sketched) else chosen).head(1))
    gradients = frame[["gradient_x", "gradient_y"]].to_numpy(float)
    sketch = FrequentDirections(2, 1)
    for gradient in gradients:
        sketch.update(gradient[None, :])
    return sketch_ellipses(gradients.T @ gradients, sketch.covariance(), sketch.escaped_mass, axes)


@dataclass(frozen=True)
class Kind:
    """One kind of figure: what it shows, how a panel is drawn, and how high a panel is for its width."""

    title: str
    draw: Callable[[Panel, Axes], Axes]
    aspect: float = 0.75


KINDS = {
    "memory": Kind(
        "regret against memory, with bands", lambda p, axes: regret_vs_memory(p.table, axes, styles=p.styles)
    ),
    "bound": Kind("bound and regret against memory", lambda p, axes: bound_vs_memory(p.table, axes, styles=p.styles)),
    "tail": Kind(
        "tail mass and escaped mass against memory", lambda p, axes: tail_mass_vs_memory(p.table, axes, styles=p.styles)
    ),
    "curves": Kind("regret against rounds (--scale, --against)", _curves),
    "rank": Kind("regret against rank", lambda p, axes: regret_vs_rank(p.table, axes, styles=p.styles)),
    "sensitivity": Kind(
        "regret against learning rate, the whole grid",
        lambda p, axes: learning_rate_sensitivity(p.runs, axes, rank=p.rank, styles=p.styles),
    ),
    "spectrum": Kind("spectrum of the gradient covariance over time, ranks marked", _spectrum),
    "escaped": Kind("escaped mass against its bound", _escaped),
    "time": Kind(
        "time per round against memory", lambda p, axes: time_vs_memory(time_table(p.runs), axes, styles=p.styles)
    ),
    "tightness": Kind("regret / bound", lambda p, axes: bound_tightness(p.table, axes, styles=p.styles)),
    "table": Kind(
        "ranking of learners as a figure", lambda p, axes: ranking_table(p.table, axes, styles=p.styles), aspect=0.62
    ),
    "dynamic": Kind("dynamic regret, switches marked (games whose optimum moves)", _dynamic),
    "path": Kind("path of the decisions (2-dimensional games)", _path, aspect=1.0),
    "sketch": Kind("covariance, sketch and preconditioner as ellipses (2-dimensional games)", _sketch, aspect=1.0),
}
"""Every kind by the name that ``oco plot`` takes."""


def panels(results: Results, environment: str | None = None, **look: Any) -> dict[str, Panel]:
    """A panel for every environment of every stage, or for one of them, by title."""
    runs = results.runs
    if runs.empty:
        raise ConfigError(f"there are no runs in {results.path}")
    known = list(dict.fromkeys(runs["environment"]))
    if environment is not None and environment not in known:
        raise ConfigError(f"environment must be one of {', '.join(known)}, got {environment!r}")
    if not (runs["status"] == "finished").any():
        raise ConfigError(f"no run in {results.path} is finished yet: there is nothing to draw")
    styles = styles_of(runs)
    several = runs["stage"].nunique() > 1
    found: dict[str, Panel] = {}
    for (stage, name), rows in runs.groupby(["stage", "environment"], sort=False):
        finished = (rows["status"] == "finished").any()
        if environment == name and not finished:
            raise ConfigError(f"no run on {name} in {results.path} is finished yet: there is nothing to draw")
        if finished and environment in (None, name):
            title = str(name).replace("_", " ") + (f" ({stage})" if several else "")
            found[title] = Panel(results, rows, styles=mark_incomplete(styles, rows), **look)
    return found
