"""Load a config: read, override, validate, and check its references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from oco.keywords import did_you_mean, listed
from regret_experiments.config.document import Document, Location, read_document
from regret_experiments.config.messages import first_error
from regret_experiments.config.models import StageEntry, SweepConfig
from regret_experiments.config.overrides import override
from regret_experiments.config.values import alternatives


@dataclass(frozen=True)
class LoadedConfig:
    """A validated config and the document that it came from, which knows the lines."""

    config: SweepConfig
    document: Document


def load_config(path: str | Path, settings: Iterable[str] = ()) -> LoadedConfig:
    """Load the config at ``path`` with ``key=value`` overrides, and validate it as far as it can be without data.

    Raises
    ------
    ConfigError
        One sentence with file, line and path in the config.
    """
    return validate(override(read_document(path), settings))


def validate(document: Document) -> LoadedConfig:
    """Validate a document against `SweepConfig` and check every reference inside it."""
    try:
        config = SweepConfig.model_validate(document.value)
    except ValidationError as invalid:
        raise first_error(document, SweepConfig, invalid) from None
    _check_names(document, config)
    _check_grids(document, config)
    _check_stages(document, config)
    return LoadedConfig(config, document)


def _check_names(document: Document, config: SweepConfig) -> None:
    parts: dict[str, Sequence[Any]] = {"environments": config.environments, "learners": config.learners}
    for part, entries in parts.items():
        seen: dict[str, int] = {}
        for i, entry in enumerate(entries):
            if entry.label in seen:
                message = (
                    f"the name {entry.label!r} is taken by {part}[{seen[entry.label]}]; give one of them another name"
                )
                raise document.error((part, i, "name"), message)
            seen[entry.label] = i
    known = [entry.label for entry in config.environments]
    for i, learner in enumerate(config.learners):
        for j, name in enumerate(learner.environments or ()):
            _check_reference(document, ("learners", i, "environments", j), name, known, "environment")


def _check_grids(document: Document, config: SweepConfig) -> None:
    for i, learner in enumerate(config.learners):
        lengths = {len(values) for values in learner.zip.values()}
        if len(lengths) > 1 or 0 in lengths:
            counts = ", ".join(f"{key} has {len(values)}" for key, values in learner.zip.items())
            raise document.error(("learners", i, "zip"), f"needs lists of one length, at least 1: {counts}")
        given_names = [*learner.hyperparameters, *learner.zip]
        for j, key in enumerate(learner.tune):
            _check_reference(document, ("learners", i, "tune", j), key, given_names, "hyper-parameter")
        for key, given in learner.hyperparameters.items():
            if key in learner.zip:
                raise document.error(("learners", i, key), f"{key} is given twice, in zip and beside it")
            try:
                alternatives(key, given)
            except ValueError as error:
                raise document.error(("learners", i, key), str(error)) from None


def _check_stages(document: Document, config: SweepConfig) -> None:
    known = [entry.label for entry in config.environments]
    earlier: dict[str, StageEntry] = {}
    for i, stage in enumerate(config.stages):
        at: Location = ("stages", i)
        if stage.name in earlier:
            raise document.error((*at, "name"), f"there are two stages called {stage.name!r}")
        if stage.best_of is None:
            if isinstance(stage.environments, dict):
                message = "must be a list of names; a mapping from environment to environment goes with best_of"
                raise document.error((*at, "environments"), message)
            for j, name in enumerate(stage.environments or ()):
                _check_reference(document, (*at, "environments", j), name, known, "environment")
        else:
            _check_selection(document, config, at, stage, earlier, known)
        earlier[stage.name] = stage


def _check_selection(
    document: Document,
    config: SweepConfig,
    at: Location,
    stage: StageEntry,
    earlier: dict[str, StageEntry],
    known: list[str],
) -> None:
    assert stage.best_of is not None
    source = stage.best_of.stage
    if source not in earlier:
        later = [entry.name for entry in config.stages]
        if source == stage.name:
            problem = f"stage {source!r} cannot take its points from itself"
        elif source in later:
            problem = f"stage {source!r} comes later; stages may only refer to earlier ones"
        else:
            problem = f"there is no stage {source!r}, earlier ones are {listed(earlier) or 'none'}"
        raise document.error((*at, "best_of", "stage"), problem + did_you_mean(source, earlier))
    if earlier[source].best_of is not None:
        raise document.error(
            (*at, "best_of", "stage"), f"stage {source!r} has one point for every learner; name a stage with a grid"
        )
    if not isinstance(stage.environments, dict) or not stage.environments:
        message = (
            "must map every environment that was tuned on to the one that is played here, for example a9a: a9a-test"
        )
        raise document.error((*at, "environments"), message)
    tuned = list(earlier[source].environments or known)
    for name, target in stage.environments.items():
        _check_reference(document, (*at, "environments", name), name, tuned, f"environment of stage {source!r}")
        _check_reference(document, (*at, "environments", name), target, known, "environment")


def _check_reference(document: Document, at: Location, name: str, known: list[str], what: str) -> None:
    if name not in known:
        raise document.error(
            at, f"there is no {what} called {name!r}, known are {listed(known)}{did_you_mean(name, known)}"
        )
