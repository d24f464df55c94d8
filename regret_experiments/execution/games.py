"""Games as work: find the best fixed points of one, and play one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oco.errors import ConfigError, DataError
from oco.regret.interval import Interval
from regret_experiments.execution.snapshots import SnapshotFile
from regret_experiments.execution.work import Outcome, finished
from regret_experiments.plan.building import BuiltEnvironment, build_environment, learner_content, stored_learner
from regret_experiments.plan.content import WorkType, canonical, plain
from regret_experiments.plan.keywords import KeywordError
from regret_experiments.plan.runs import Game, Run

if TYPE_CHECKING:
    from oco.comparators import Comparator, ComparatorCurve, PathCurve


@dataclass(frozen=True)
class FindComparators:
    """Find the best fixed points of a game in hindsight, with certificates."""

    game: Game
    type: ClassVar[WorkType] = "game"

    @property
    def id(self) -> str:
        """Of the game."""
        return self.game.id

    @property
    def content(self) -> dict[str, Any]:
        """Of the game."""
        return self.game.content

    def perform(self) -> Outcome:
        """Solve; a game whose best fixed point nobody knows is finished without one."""
        from oco.environments import comparator_curve
        from regret_experiments.execution.comparators import to_arrays

        game = self.game
        curve = comparator_curve(_as_planned(game).environment, game.seed, game.checkpoints)
        if curve is None:
            return Outcome(self.id, finished(self, known=False))
        facts, arrays = to_arrays(curve)
        return Outcome(self.id, finished(self, known=True, **facts), arrays)


@dataclass(frozen=True)
class Play:
    """Play a run.

    Attributes
    ----------
    comparator
        The best fixed points, for a run that needs them; None to find them.
    snapshot
        File for snapshots of a long run, and the seconds between them; None to take none.
    """

    run: Run
    comparator: ComparatorCurve | None = None
    snapshot: tuple[Path, float] | None = None
    type: ClassVar[WorkType] = "run"

    @property
    def id(self) -> str:
        """Of the run."""
        return self.run.id

    @property
    def content(self) -> dict[str, Any]:
        """Of the run."""
        return self.run.content

    def perform(self) -> Outcome:
        """Play, from the newest snapshot on where there is one."""
        import oco

        run = self.run
        built = _as_planned(run.game)
        learner = stored_learner(run.learner)
        if learner_content(run.learner["kind"], learner).get("plugin") != run.learner.get("plugin"):
            raise DataError(
                f"learner {run.learner['kind']!r} is not what it was when this run was planned: the version or the "
                "source of its package differs here"
            )
        record = oco.play(
            built.environment,
            learner,
            seed=run.seeds["order"],
            checkpoints=run.game.checkpoints,
            comparator=run.comparator if self.comparator is None else self.comparator,
            spectrum=run.spectrum,
            learner_seed=run.seeds["learner"],
            evaluate=built.held_out,
            path_budgets=_paths(run, None if self.comparator is None else self.comparator[-1]),
            shortest_interval=run.shortest_interval,
            snapshots=None if self.snapshot is None else SnapshotFile(*self.snapshot),
        )
        arrays = dict(record.curves)
        if record.spectra.size:
            arrays |= {"spectrum_rounds": record.spectrum_rounds, "spectra": record.spectra}
        if record.path_regret:
            arrays["path_regret"] = np.array([(one.budget, *_ends(one.regret)) for one in record.path_regret])
        if record.intervals:
            arrays["interval_regret"] = np.array(
                [(one.start, one.stop, *_ends(one.regret)) for one in record.intervals], dtype=float
            )
        metadata = finished(
            self,
            seeds=run.seeds,
            scalars=plain(record.scalars),
            violations=list(record.violations),
            timings=plain(record.timings),
        )
        return Outcome(self.id, metadata, arrays)


def _ends(regret: Interval) -> tuple[float, float, float]:
    return regret.lower, regret.upper, regret.within


def _paths(run: Run, fixed: Comparator | None) -> PathCurve | list[float] | None:
    """The best sequences of points of a run's game, which this process finds once for all learners in a row."""
    if not run.path_budgets:
        return None
    key = run.game.id, run.path_budgets
    found = _FOUND.get(key)  # looked at once: threads may play different games
    if found is None:
        from oco.comparators import best_paths

        stream = _as_planned(run.game).environment.fresh(run.game.seed)
        losses = stream.declared_losses(0, stream.horizon)
        if losses is None:
            return list(run.path_budgets)
        found = best_paths(losses, stream.comparator_domain, run.path_budgets, fixed=fixed)
        _FOUND.clear()
        _FOUND[key] = found
    return found


_FOUND: dict[tuple[str, tuple[float, ...]], PathCurve] = {}
"""The sequences of the game that was played last."""


def environment_of(game: Game) -> BuiltEnvironment:
    """Build the environment of a game, or take it from the few that this process built last."""
    return _environment(json.dumps([game.environment["kind"], game.environment["keywords"]]))


@lru_cache(maxsize=4)
def _environment(text: str) -> BuiltEnvironment:
    kind, keywords = json.loads(text)
    try:
        built = build_environment(kind, keywords)
    except KeywordError as error:
        raise ConfigError(f"environment {kind!r}: {error}") from error
    # Found once here, it is shared by the copies that games are played on.
    _ = getattr(built.environment, "gradient_bound", None)
    return built


def _as_planned(game: Game) -> BuiltEnvironment:
    built = environment_of(game)
    # Equal values need no text to compare; values that differ may still be written the same, such as 5 and 5.0.
    if built.content != game.environment and canonical(built.content) != canonical(game.environment):
        what = game.environment["keywords"].get("data", built.kind)
        raise DataError(f"{what} is not what it was when this run was planned: its checksum or parameters differ here")
    return built
