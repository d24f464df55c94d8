"""Every kind of figure that `oco plot` draws, by name: what the modules of this package list in ``KINDS``."""

from __future__ import annotations

import importlib
import pkgutil
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
