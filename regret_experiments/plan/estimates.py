"""Show a plan: its runs, what is done, and a rough idea of the time and memory of the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regret_experiments.plan.building import BuiltEnvironment, stored_learner
from regret_experiments.plan.content import canonical
from regret_experiments.plan.planner import Plan
from regret_experiments.plan.run_times import RunTimes, Size
from regret_experiments.plan.runs import PlannedRun

if TYPE_CHECKING:
    from regret_experiments.store import Store

SECONDS_TO_START = 2.0
"""A rough time in which a worker imports the library and loads compiled kernels."""


@dataclass(frozen=True)
class Estimate:
    """An estimate of the time and memory of the missing runs.

    Attributes
    ----------
    seconds
        Of wall clock, with all jobs at work, best fixed points included.
    solving
        The seconds of these that go into best fixed points.
    bytes
        Of data and state, in all jobs together.
    measured
        Share of the missing runs whose kind of learner has stored ones.
    """

    seconds: float
    solving: float
    bytes: int
    measured: float


def estimate(plan: Plan, store: Store, jobs: int) -> Estimate:
    """Estimate the time and memory of what is missing; of a stage that plays best points, one point in a grid."""
    missing = [(planned, share) for planned, share in _weighted(plan) if store.read("runs", planned.run.id) is None]
    if not missing:
        return Estimate(0.0, 0.0, 0, 1.0)
    times = RunTimes.of(store)
    playing, measured, largest = _playing(plan, missing, times)
    solving = _solving(plan, missing, store, times)
    memory = max(_bytes(plan.environments[name]) + 8 * count for name, count in largest.items())
    total = sum(share for _, share in missing)
    seconds = SECONDS_TO_START + _with_jobs(playing, jobs) + _with_jobs(solving, jobs)
    return Estimate(seconds, _with_jobs(solving, jobs), memory * jobs, measured / total)


def _playing(
    plan: Plan, missing: list[tuple[PlannedRun, float]], times: RunTimes
) -> tuple[list[float], float, dict[str, int]]:
    """Seconds of every missing run, the share of those whose kind was timed, and the largest state by environment."""
    seconds, measured = [], 0.0
    largest: dict[str, int] = defaultdict(int)
    floats: dict[tuple[str, str], int] = {}
    known: dict[tuple[str, str, bool], tuple[float, bool]] = {}
    for planned, share in missing:
        learner, built = planned.run.learner, plan.environments[planned.environment]
        key = planned.environment, canonical(learner)
        if key not in floats:
            floats[key] = max(1, _state_floats(planned, built))
        largest[planned.environment] = max(largest[planned.environment], floats[key])
        of_run = (*key, planned.run.spectrum)
        if of_run not in known:
            size = _size(planned, built)
            known[of_run] = times.seconds(size, learner["kind"], learner["hyperparameters"], floats[key])
        seconds.append(share * known[of_run][0])
        measured += share * known[of_run][1]
    return seconds, measured, largest


def _solving(plan: Plan, missing: list[tuple[PlannedRun, float]], store: Store, times: RunTimes) -> list[float]:
    """Seconds for the best fixed points of every game that has none yet."""
    games = {planned.run.game.id: planned for planned, _ in missing if planned.run.comparator}
    return [
        times.solving(_size(planned, plan.environments[planned.environment]))
        for name, planned in games.items()
        if store.read("games", name) is None
    ]


def _with_jobs(seconds: list[float], jobs: int) -> float:
    """Seconds of wall clock: all jobs are busy, but none shares a task with another."""
    return max(sum(seconds) / jobs, max(seconds, default=0.0))


def _size(planned: PlannedRun, built: BuiltEnvironment) -> Size:
    asked = planned.run.game.checkpoints
    checkpoints = min(asked, built.horizon) if isinstance(asked, int) else len(asked)
    stream = canonical(planned.run.game.environment)
    return Size(stream, built.horizon, built.dimension, checkpoints, planned.run.spectrum)


def plan_text(plan: Plan, store: Store, guess: Estimate, *, every: bool) -> str:
    """Lay out the plan for a terminal."""
    lines = [f"{plan.name}: {plan.loaded.config.description}".rstrip(": ")]
    total = done = failed = 0
    for stage in plan.stages:
        lines.append(f"\nstage {stage.name}" if len(plan.stages) > 1 else "")
        if stage.best_of is not None:
            lines.append(
                f"  the best point of every learner and rank in stage {stage.best_of.stage}, by {stage.best_of.by}"
            )
        groups: dict[tuple[str, str], list[PlannedRun]] = defaultdict(list)
        for planned in stage.runs:
            groups[planned.environment, planned.learner].append(planned)
        for (environment, learner), group in groups.items():
            ranks = sorted({planned.rank for planned in group if planned.rank is not None})
            points = len({repr(planned.tuned_point) for planned in group})
            orders = len({(planned.run.game.order, planned.run.repetition) for planned in group})
            runs = len(group) if stage.best_of is None else len(group) // points
            parts = [f"ranks {', '.join(map(str, ranks))}"] if ranks else []
            variants = len({planned.compared for planned in group})
            parts += [f"{variants} variants"] if variants > 1 else []
            parts += [f"{points} points" if stage.best_of is None else f"1 of {points} points", f"{orders} orders"]
            states = [store.status(planned.run.id) for planned in group] if stage.best_of is None else []
            total, done, failed = total + runs, done + states.count("finished"), failed + states.count("failed")
            state = f", {states.count('finished')} done" if states.count("finished") else ""
            lines.append(f"  {environment:24s} {learner:24s} {runs:6d} runs ({', '.join(parts)}){state}")
        if every:
            lines += [
                f"    {planned.run.id}  {store.status(planned.run.id) or 'missing':8s}  {planned.words}"
                for planned in stage.runs
            ]
    for what, origin in plan.plugins.items():
        package = f"{origin['distribution']} {origin['version']}, " if origin["distribution"] else ""
        lines.append(f"\n{what} is from {package}{origin['location']}")
    left = total - done - failed
    lines.append(
        f"\n{total} runs: {done} done, {failed} failed, {left} left; about {_duration(guess.seconds)}"
        + (f", {_duration(guess.solving)} of it for best fixed points," if left else "")
        + f" and {guess.bytes / 1e6:,.0f} MB of data and state"
        + (f" ({guess.measured:.0%} of the runs are of a kind that was timed)" if left else "")
    )
    return "\n".join(lines)


def run_rows(plan: Plan, store: Store) -> list[dict[str, Any]]:
    """Every run of the plan as plain values, with its status."""
    return [row for stage in plan.stages for row in _rows(stage.runs, store)]


def _rows(runs: tuple[PlannedRun, ...], store: Store) -> Iterator[dict[str, Any]]:
    for planned in runs:
        yield {"id": planned.run.id} | planned.labels | {"status": store.status(planned.run.id) or "missing"}


def _weighted(plan: Plan) -> Iterator[tuple[PlannedRun, float]]:
    for stage in plan.stages:
        points = len({repr(planned.tuned_point) for planned in stage.runs}) if stage.best_of is not None else 1
        for planned in stage.runs:
            yield planned, 1.0 / points


def _state_floats(planned: PlannedRun, built: BuiltEnvironment) -> int:
    learner = stored_learner(planned.run.learner)
    memory = learner.memory(built.problem)
    return int(memory.floats) if memory is not None else 2 * built.dimension


def _bytes(built: BuiltEnvironment) -> int:
    """Bytes of the arrays that an environment holds in memory; a memory map is not in memory."""
    total = 0
    for value in vars(built.environment).values():
        parts = (
            [getattr(value, name) for name in ("data", "indices", "indptr")] if hasattr(value, "indptr") else [value]
        )
        total += sum(part.nbytes for part in parts if isinstance(part, np.ndarray) and not isinstance(part, np.memmap))
    return total


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
