"""Expand a config into runs, stage by stage, after checking that every one of them can be played."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oco.learners.base import effective_rank
from oco.memory import collector_paused
from regret_experiments.config import LoadedConfig
from regret_experiments.config.models import LearnerEntry, Selection, StageEntry
from regret_experiments.config.values import points
from regret_experiments.plan.building import (
    BuiltEnvironment,
    build_environment,
    build_learner,
    check_suits,
    learner_content,
)
from regret_experiments.plan.content import canonical, plain
from regret_experiments.plan.keywords import KeywordError
from regret_experiments.plan.renaming import with_current_names
from regret_experiments.plan.runs import Game, PlannedRun, Run


@dataclass(frozen=True)
class Stage:
    """A named part of the plan.

    Attributes
    ----------
    runs
        The stage's runs; of a stage that plays the best points of another one, every candidate.
    best_of
        The selection that decides which candidates are played; None where all are.
    tuned_on
        For such a stage, the environment that was tuned on, by this stage's.
    """

    name: str
    runs: tuple[PlannedRun, ...]
    best_of: Selection | None = None
    tuned_on: dict[str, str] | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that a config asks for.

    Attributes
    ----------
    loaded
        The config and its document.
    environments
        What is played against, by name.
    stages
        In the order in which they run.
    """

    loaded: LoadedConfig
    environments: dict[str, BuiltEnvironment]
    stages: tuple[Stage, ...]

    @property
    def name(self) -> str:
        """Name of the sweep."""
        return self.loaded.config.name

    @property
    def plugins(self) -> dict[str, Any]:
        """Where what is not built in comes from, by ``"learner mine"``: location, package, version and checksum."""
        found: dict[str, Any] = {}
        for planned in (planned for stage in self.stages for planned in stage.runs):
            found |= planned.run.learner.get("plugin", {}) | planned.run.game.environment.get("plugin", {})
        return found


def make_plan(loaded: LoadedConfig) -> Plan:
    """Build every environment, check every learner on every one of them, and expand the grids.

    Raises
    ------
    ConfigError
        One sentence with file, line and path, before anything has run.
    """
    loaded = with_current_names(loaded)
    with collector_paused():
        planner = _Planner(loaded)
        return Plan(loaded, planner.environments, tuple(planner.stages()))


class _Planner:
    def __init__(self, loaded: LoadedConfig) -> None:
        self.config, self.document, self.loaded = loaded.config, loaded.document, loaded
        self._check_learner_kinds()
        self.environments = {entry.label: self._environment(i) for i, entry in enumerate(self.config.environments)}
        self._expanded = {name: list(self._runs_on(name, built)) for name, built in self.environments.items()}

    def stages(self) -> Iterator[Stage]:
        for entry in self.config.stages or [StageEntry(name="sweep")]:
            if entry.best_of is None:
                names = list(entry.environments or self.environments)
                yield Stage(entry.name, tuple(self._planned(entry, names)))
            else:
                assert isinstance(entry.environments, dict)
                played = {target: tuned for tuned, target in entry.environments.items()}
                yield Stage(entry.name, tuple(self._planned(entry, list(played))), entry.best_of, played)

    def _planned(self, stage: StageEntry, names: list[str]) -> Iterator[PlannedRun]:
        config = self.config
        orders = config.orders if stage.orders is None else stage.orders
        comparator = config.comparator if stage.comparator is None else stage.comparator
        spectrum = config.spectrum if stage.spectrum is None else stage.spectrum
        moving = (config.path_budgets, config.shortest_interval) if comparator else ((), None)
        for name in names:
            for entry, rank, point, content in self._expanded[name]:
                for order, repetition in itertools.product(orders, range(config.repetitions)):
                    game = Game(self.environments[name].content, order, config.checkpoints)
                    run = Run(game, content, repetition, comparator, spectrum, *moving)
                    yield PlannedRun(run, stage.name, name, entry.label, rank, point, entry.tuned)

    def _check_learner_kinds(self) -> None:
        """Check what can be checked without data, so that a mistyped learner is not found after a download."""
        for i, entry in enumerate(self.config.learners):
            for point in itertools.islice(points(entry.hyperparameters, entry.zip, 2), 1):
                try:
                    build_learner(entry.kind, point)
                except KeywordError as error:
                    raise self._error(("learners", i), error, entry) from None

    def _environment(self, index: int) -> BuiltEnvironment:
        entry = self.config.environments[index]
        try:
            built = build_environment(entry.kind, entry.keywords)
        except KeywordError as error:
            raise self._error(("environments", index), error) from None
        rounds = self.config.checkpoints
        if isinstance(rounds, tuple) and rounds[-1] > built.horizon:
            message = f"must be rounds in 1..{built.horizon} for environment {entry.label!r}, got {rounds[-1]}"
            raise self.document.error(("checkpoints",), message)
        shortest = self.config.shortest_interval
        if shortest is not None and shortest > built.horizon:
            message = f"must be a length in 1..{built.horizon} for environment {entry.label!r}, got {shortest}"
            raise self.document.error(("shortest_interval",), message)
        return built

    def _runs_on(
        self, name: str, built: BuiltEnvironment
    ) -> Iterator[tuple[LearnerEntry, int | None, dict[str, Any], dict[str, Any]]]:
        played = 0
        for i, entry in enumerate(self.config.learners):
            if entry.environments is not None and name not in entry.environments:
                continue
            played += 1
            yield from self._points_on(("learners", i), entry, name, built)
        if not played:
            at = next(i for i, entry in enumerate(self.config.environments) if entry.label == name)
            raise self.document.error(("environments", at), f"no learner plays environment {name!r}")

    def _points_on(
        self, at: tuple[str | int, ...], entry: LearnerEntry, name: str, built: BuiltEnvironment
    ) -> Iterator[tuple[LearnerEntry, int | None, dict[str, Any], dict[str, Any]]]:
        started: set[str] = set()
        tuned: dict[tuple[int | None, str], int] = {}
        for point in points(entry.hyperparameters, entry.zip, built.dimension):
            try:
                learner = build_learner(entry.kind, point)
                # Whether a learner can start does not depend on the value of a rate, only on whether it is given.
                start = canonical(point | {"learning_rate": point.get("learning_rate") is None})
                if start not in started:
                    started.add(start)
                    check_suits(learner, built)
            except KeywordError as error:
                raise self._error(at, error, entry, f" (on environment {name!r})") from None
            rank = effective_rank(learner, built.environment.domain)
            content = learner_content(entry.kind, learner, point)
            given = plain({key: value for key, value in point.items() if key != "rank"})
            own = learner.hyperparameters().get("learning_rate")
            if own is not None:
                given.setdefault("learning_rate", plain(own))  # a constructor's default is not the theorem's rate
            compared = canonical({key: value for key, value in given.items() if key not in entry.tuned})
            tuned[rank, compared] = tuned.get((rank, compared), 0) + (point.get("learning_rate", 0) is not None)
            yield entry, rank, given, content
        for (rank, _), count in tuned.items():
            if self.config.budget is not None and count != self.config.budget:
                which = "" if rank is None else f" at rank {rank}"
                budget = self.config.budget
                message = f"{entry.label} has {count} points{which}, the budget of every learner is {budget}"
                raise self.document.error(at, message)

    def _error(
        self, at: tuple[str | int, ...], error: KeywordError, entry: LearnerEntry | None = None, where: str = ""
    ) -> Exception:
        location = at
        if error.key is not None:
            zipped = entry is not None and error.key in entry.zip
            location = (*at, "zip", error.key) if zipped else (*at, error.key)
        return self.document.error(location, str(error) + where)
