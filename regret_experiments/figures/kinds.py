"""Every kind of figure that `oco plot` draws, by name: what the modules of this package list in ``KINDS``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from oco.errors import ConfigError
from regret_experiments import figures
from regret_experiments.figures.common import mark_incomplete, styles_of
from regret_experiments.figures.kind import Kind, Panel

if TYPE_CHECKING:
    from regret_experiments.store.results import Results


def _found() -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(figures.__path__, f"{figures.__name__}."):
        if module.name != __name__:
            kinds |= getattr(importlib.import_module(module.name), "KINDS", {})
    return kinds


KINDS = _found()
"""Every kind by the name that ``oco plot`` takes. One is added by a file of this package that lists it."""


def together(shown: dict[str, Panel]) -> dict[str, Panel]:
    """One panel of all environments, without a title."""
    first, *others = shown.values()
    runs = pd.concat([panel.runs for panel in (first, *others)])
    styles = {name: style for panel in (first, *others) for name, style in panel.styles.items()}
    return {"": replace(first, runs=runs, styles=styles)}


def panels(
    results: Results,
    environment: str | Sequence[str] | None = None,
    learners: Sequence[str] | None = None,
    stage: str | None = None,
    **look: Any,
) -> dict[str, Panel]:
    """A panel for every environment of every stage, by title; or for some environments and learners, in their order."""
    runs = results.runs
    if runs.empty:
        raise ConfigError(f"there are no runs in {results.path}")
    given = [environment] if isinstance(environment, str) else list(environment or ())
    for what, asked in (("environment", given), ("learner", list(learners or ()))):
        known = list(dict.fromkeys(runs[what].astype(str)))
        unknown = next((each for each in asked if each not in known), None)
        if unknown is not None:
            raise ConfigError(f"{what} must be one of {', '.join(known)}, got {unknown!r}")
    if not (runs["status"] == "finished").any():
        raise ConfigError(f"no run in {results.path} is finished yet: there is nothing to draw")
    styles = styles_of(runs)
    several = runs["stage"].nunique() > 1 and stage is None
    if stage is not None:
        runs = runs[runs["stage"] == stage]
    runs = _chosen(_chosen(runs, "learner", learners), "environment", given)
    found: dict[str, Panel] = {}
    for (part, name), rows in runs.groupby(["stage", "environment"], sort=False):
        finished = (rows["status"] == "finished").any()
        if name in given and not finished:
            raise ConfigError(f"no run on {name} in {results.path} is finished yet: there is nothing to draw")
        if finished:
            title = str(name).replace("_", " ") + (f" ({part})" if several else "")
            found[title] = Panel(results, rows, styles=mark_incomplete(styles, rows), **look)
    if not found:
        raise ConfigError(f"no run of {', '.join(learners or ())} in {results.path} is finished yet")
    return found


def _chosen(runs: pd.DataFrame, column: str, names: Sequence[str] | None) -> pd.DataFrame:
    """The runs of the named ones, in the order of the names; all where none is named."""
    if not names:
        return runs
    place = {name: i for i, name in enumerate(names)}
    kept = runs[runs[column].isin(list(names))]
    return kept.loc[kept[column].map(place).sort_values(kind="stable").index]
