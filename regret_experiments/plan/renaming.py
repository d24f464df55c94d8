"""Configs that call a hyper-parameter by its former name."""

from __future__ import annotations

import warnings
from dataclasses import replace

from oco.learners import LEARNERS
from oco.learners.requirements import renames
from regret_experiments.config import LoadedConfig
from regret_experiments.config.document import Document
from regret_experiments.config.models import LearnerEntry


def with_current_names(loaded: LoadedConfig) -> LoadedConfig:
    """``loaded`` with every hyper-parameter by its present name; a `DeprecationWarning` says where it has another.

    Raises
    ------
    ConfigError
        If an entry has a hyper-parameter by both names.
    """
    learners = [_renamed(loaded.document, i, entry) for i, entry in enumerate(loaded.config.learners)]
    return replace(loaded, config=loaded.config.model_copy(update={"learners": learners}))


def _renamed(document: Document, index: int, entry: LearnerEntry) -> LearnerEntry:
    names = renames(LEARNERS.built_in.get(entry.kind, object))
    given = {*entry.hyperparameters, *entry.zip}
    for former in names.keys() & given:
        at = ("learners", index, *(("zip",) if former in entry.zip else ()), former)
        if names[former] in given:
            raise document.error(at, f"is now called {names[former]}, which is given too")
        warnings.warn(str(document.error(at, f"is now called {names[former]}")), DeprecationWarning, stacklevel=3)
    values = {names.get(key, key): value for key, value in entry.model_dump(exclude_unset=True).items()}
    if entry.zip:
        values["zip"] = {names.get(key, key): value for key, value in entry.zip.items()}
    if entry.tune:
        values["tune"] = [names.get(key, key) for key in entry.tune]
    return LearnerEntry.model_validate(values)
