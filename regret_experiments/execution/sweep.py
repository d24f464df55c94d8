"""Run a plan: for every stage, the best fixed points of its games and then its runs; tables at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from oco.errors import ComparatorError
from oco.memory import collector_paused
from regret_experiments.execution.backends import Backend
from regret_experiments.execution.comparators import from_arrays
from regret_experiments.execution.engine import Counts, Engine, Job
from regret_experiments.execution.games import FindComparators, Play
from regret_experiments.execution.interrupts import Interrupts
from regret_experiments.execution.progress import Bar, Progress
from regret_experiments.execution.work import Outcome, Work, failure
from regret_experiments.plan import Plan, PlannedRun, Stage
from regret_experiments.plan.selection import best_points
from regret_experiments.store import Store

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve


@dataclass
class Summary:
    """How a sweep went.

    Attributes
    ----------
    runs
        Counts of runs.
    interrupted
        Whether it was asked to stop.
    """

    runs: Counts = field(default_factory=Counts)
    interrupted: bool = False


def run_sweep(
    plan: Plan,
    store: Store,
    *,
    backend: Backend | None = None,
    progress: Progress | None = None,
    retry_failed: bool = False,
    snapshot_every: float = 60.0,
) -> Summary:
    """Play the missing runs of ``plan`` and store them.

    May be called again, also by several processes at once. Finished runs are not played again, and a run that takes
    longer than ``snapshot_every`` seconds continues from its newest snapshot.
    """
    summary = Summary()
    with store.opened(), Interrupts() as interrupts:
        store.write_text("config.yaml", plan.loaded.document.text)
        engine = Engine(store, backend or Backend(), progress or Bar(), interrupts)
        # What is certain is listed from the start, so that an interrupted sweep knows what it lacks.
        resolved = {stage.name: stage.runs for stage in plan.stages if stage.best_of is None}
        for stage in plan.stages:
            resolved[stage.name] = _resolve(stage, resolved, store)
            store.write_plan(_listing(plan, resolved))
            summary.runs += _perform(engine, store, resolved[stage.name], retry_failed, snapshot_every)
            if interrupts.asked:
                summary.interrupted = True
                break
    return summary


def _resolve(stage: Stage, resolved: dict[str, tuple[PlannedRun, ...]], store: Store) -> tuple[PlannedRun, ...]:
    if stage.best_of is None:
        return stage.runs
    return best_points(stage, resolved[stage.best_of.stage], store)


def _listing(plan: Plan, resolved: dict[str, tuple[PlannedRun, ...]]) -> dict[str, Any]:
    stages = [stage.name for stage in plan.stages]
    runs = [{"id": each.run.id} | each.labels for name in stages for each in resolved.get(name, ())]
    kinds = {entry.label: entry.kind for entry in plan.loaded.config.learners}
    tuned = {entry.label: list(entry.tuned) for entry in plan.loaded.config.learners}
    facts = {"name": plan.name, "description": plan.loaded.config.description, "kinds": kinds}
    facts |= {"tuned": tuned, "stages": stages}
    return facts | ({"plugins": plan.plugins} if plan.plugins else {}) | {"runs": runs}


def _perform(
    engine: Engine, store: Store, planned: tuple[PlannedRun, ...], retry_failed: bool, snapshot_every: float
) -> Counts:
    by_id = {each.run.id: each for each in planned}
    open_to_play = (None, "failed") if retry_failed else (None,)
    with collector_paused():
        missing = [each for name, each in by_id.items() if store.status(name) in open_to_play]
    games = {each.run.game.id: each.run.game for each in missing if each.run.comparator}
    found = engine.perform(
        Job(
            "comparators",
            list(games),
            lambda name: FindComparators(games[name]),
            "games",
            retry_failed=retry_failed,
        )
    )
    if found.left:
        return Counts(before=len(by_id) - len(missing), left=len(missing))

    @lru_cache(maxsize=16)
    def comparator(name: str) -> ComparatorCurve | None:
        stored = store.read("games", name)
        if stored is None or not stored.finished:
            reason = stored.metadata["message"] if stored is not None else "it is not in the store"
            raise ComparatorError(f"no best fixed point is known for this game: {reason}")
        return from_arrays(stored) if stored.metadata["known"] else None

    def make(name: str) -> Work | Outcome:
        run = by_id[name].run
        snapshot = (store.snapshot_path(name), snapshot_every)
        try:
            return Play(run, comparator(run.game.id) if run.comparator else None, snapshot)
        except ComparatorError as error:
            return failure(Play(run), error)

    return engine.perform(
        Job(
            "runs",
            _in_order(by_id),
            make,
            labels=lambda name: by_id[name].labels,
            retry_failed=retry_failed,
            ended=by_id.keys() - {each.run.id for each in missing},
        )
    )


def _in_order(planned: dict[str, PlannedRun]) -> list[str]:
    """Ids in the order of play.

    One run of every kind of learner comes first, so that the compiling is shared among the workers, and then the runs
    of each game together, so that a worker draws the rows of a game once.
    """
    first = {each.run.learner["kind"]: name for name, each in reversed(planned.items())}
    front = set(first.values())
    games: dict[str, int] = {}
    for each in planned.values():
        games.setdefault(each.run.game.id, len(games))
    return sorted(planned, key=lambda name: (name not in front, games[planned[name].run.game.id]))
