"""What is sent to a worker, what comes back, and the two functions that run there."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oco.errors import ConfigError, DataError
from regret_experiments.execution.snapshots import SnapshotFile
from regret_experiments.plan.building import BuiltEnvironment, build_environment, learner_content, stored_learner
from regret_experiments.plan.content import canonical, plain
from regret_experiments.plan.keywords import KeywordError
from regret_experiments.plan.runs import Game, Run
from regret_experiments.plugins import PluginModule, given, load_module
from regret_experiments.store.provenance import machine

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve
    from regret_experiments.store.arrays import Arrays
    from regret_experiments.training.runs import TrainingRun


@dataclass(frozen=True)
class Task:
    """A piece of work with the content hash that names its result.

    Attributes
    ----------
    kind
        ``"games"``: find the best fixed points of a game; ``"runs"``: play or train a run.
    id
        Of the game or the run.
    subject
        What to work on.
    comparator
        The best fixed points, for a run that needs them.
    snapshot
        File for snapshots of a long run, and the seconds between them; None to take none.
    plugins
        Modules that a worker must load first.
    """

    kind: str
    id: str
    subject: Game | Run | TrainingRun
    comparator: ComparatorCurve | None = None
    snapshot: tuple[Path, float] | None = None
    plugins: tuple[PluginModule, ...] = field(default_factory=given)


@dataclass
class Outcome:
    """How a task ended: metadata as plain values, and arrays."""

    kind: str
    id: str
    metadata: dict[str, Any]
    arrays: Arrays = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether there is a message instead of a result."""
        return bool(self.metadata["status"] == "failed")


def perform(task: Task) -> Outcome:
    """Do the work of ``task``; an error becomes an outcome that carries it."""
    began = time.perf_counter()
    try:
        for module in task.plugins:
            load_module(module.name, module.directory)
        outcome = _work(task)
    except Exception as error:
        outcome = failure(task, error)
    outcome.metadata["seconds"] = time.perf_counter() - began
    outcome.metadata["machine"] = machine()
    return outcome


def _work(task: Task) -> Outcome:
    if isinstance(task.subject, Game):
        return _find_comparators(task)
    return _play(task) if isinstance(task.subject, Run) else task.subject.perform()


def failure(task: Task, error: BaseException) -> Outcome:
    """Return the outcome of a task that raised."""
    metadata = {
        "id": task.id,
        "status": "failed",
        "content": content_of(task.subject),
        "error": type(error).__name__,
        "message": " ".join(str(error).split()) or type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)),
    }
    return Outcome(task.kind, task.id, metadata)


def content_of(subject: Game | Run | TrainingRun) -> dict[str, Any]:
    """What the subject is, as plain values."""
    if not isinstance(subject, Game):
        return subject.content
    return {"environment": subject.environment, "order": subject.order, "checkpoints": subject.checkpoints}


def environment_of(game: Game) -> BuiltEnvironment:
    """Build the environment of a game, or take it from the few that this process built last."""
    return _environment(canonical([game.environment["kind"], game.environment["keywords"]]), _Content(game.environment))


class _Content:
    """Carries a mapping past `lru_cache`, which must look at the canonical text only."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=4)
def _environment(_text: str, content: _Content) -> BuiltEnvironment:
    try:
        built = build_environment(content.value["kind"], content.value["keywords"])
    except KeywordError as error:
        raise ConfigError(f"environment {content.value['kind']!r}: {error}") from error
    # Found once here, it is shared by the copies that games are played on.
    _ = getattr(built.environment, "gradient_bound", None)
    return built


def _built(game: Game) -> BuiltEnvironment:
    built = environment_of(game)
    if canonical(built.content) != canonical(game.environment):
        what = game.environment["keywords"].get("data", built.kind)
        raise DataError(f"{what} is not what it was when this run was planned: its checksum or parameters differ here")
    return built


def _find_comparators(task: Task) -> Outcome:
    game = task.subject
    assert isinstance(game, Game)
    from oco.environments import comparator_curve
    from regret_experiments.execution.comparators import to_arrays

    curve = comparator_curve(_built(game).environment, game.seed, game.checkpoints)
    metadata = {"id": game.id, "status": "finished", "content": content_of(game)}
    if curve is None:
        return Outcome("games", game.id, metadata | {"known": False})
    facts, arrays = to_arrays(curve)
    return Outcome("games", game.id, metadata | {"known": True} | facts, arrays)


def _play(task: Task) -> Outcome:
    run = task.subject
    assert isinstance(run, Run)
    import oco

    snapshots = None if task.snapshot is None else SnapshotFile(*task.snapshot)
    built = _built(run.game)
    learner = stored_learner(run.learner)
    if learner_content(run.learner["kind"], learner).get("plugin") != run.learner.get("plugin"):
        raise DataError(
            f"learner {run.learner['kind']!r} is not what it was when this run was planned: the version or the source "
            "of its package differs here"
        )
    record = oco.play(
        built.environment,
        learner,
        seed=run.seeds["order"],
        checkpoints=run.game.checkpoints,
        comparator=run.comparator if task.comparator is None else task.comparator,
        spectrum=run.spectrum,
        learner_seed=run.seeds["learner"],
        snapshots=snapshots,
    )
    arrays = dict(record.curves)
    if record.spectra.size:
        arrays |= {"spectrum_rounds": record.spectrum_rounds, "spectra": record.spectra}
    metadata = {
        "id": run.id,
        "status": "finished",
        "content": run.content,
        "seeds": run.seeds,
        "scalars": plain(record.scalars),
        "violations": list(record.violations),
        "timings": plain(record.timings),
    }
    return Outcome("runs", run.id, metadata, arrays)
