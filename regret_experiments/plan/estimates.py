"""Show a plan: its runs, what is done, and a rough idea of the time and memory of the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regret_experiments.plan.building import BuiltEnvironment, stored_learner
from regret_experiments.plan.planner import Plan
from regret_experiments.plan.runs import PlannedRun

if TYPE_CHECKING:
    from regret_experiments.store import Store

SECONDS_PER_RUN = 0.05
"""A rough cost of starting a game, used like the next two until runs of the same kind are stored."""
SECONDS_PER_ROUND = 3e-6
"""A rough cost of a round, whatever the learner."""
SECONDS_PER_ROUND_AND_FLOAT = 5e-9
"""A rough cost of a state float in a round: each is touched a few times."""


@dataclass(frozen=True)
class Estimate:
    """An estimate of the time and memory of the missing runs.

    Attributes
    ----------
    seconds
        Of wall clock, with all jobs at work.
    bytes
        Of data and state, in all jobs together.
    measured
        Share of the missing runs whose time is known from stored ones.
    """

    seconds: float
    bytes: int
    measured: float


def estimate(plan: Plan, store: Store, jobs: int) -> Estimate:
    """Estimate the time and memory of what is missing; of a stage that plays best points, one point in a grid."""
    known: dict[tuple[str, str, int | None], list[float]] = defaultdict(list)
    missing: list[tuple[PlannedRun, float]] = []
    for planned, share in _weighted(plan):
        stored = store.read("runs", planned.run.id)
        if stored is None:
            missing.append((planned, share))
        elif stored.finished:
            known[planned.environment, planned.learner, planned.rank].append(stored.metadata["seconds"])
    seconds = measured = 0.0
    largest: dict[str, int] = defaultdict(int)
    floats: dict[tuple[str, str, int | None], int] = {}
    for planned, share in missing:
        key = planned.environment, planned.learner, planned.rank
        built = plan.environments[planned.environment]
        if key not in floats:
            floats[key] = _state_floats(planned, built)
        largest[planned.environment] = max(largest[planned.environment], floats[key])
        if key in known:
            measured += share
            seconds += share * float(np.mean(known[key]))
        else:
            rounds = built.horizon * (SECONDS_PER_ROUND + SECONDS_PER_ROUND_AND_FLOAT * floats[key])
            seconds += share * (SECONDS_PER_RUN + rounds)
    total = sum(share for _, share in missing)
    memory = max((_bytes(plan.environments[name]) + 8 * count for name, count in largest.items()), default=0)
    return Estimate(seconds / jobs, memory * jobs, measured / total if total else 1.0)


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
        f"\n{total} runs: {done} done, {failed} failed, {left} left; about {_duration(guess.seconds)} and "
        f"{guess.bytes / 1e6:,.0f} MB of data and state"
        + (f" ({guess.measured:.0%} of the time is from stored runs)" if left else "")
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
    memory = learner.memory(built.problem())
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
