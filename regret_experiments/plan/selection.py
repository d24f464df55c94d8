"""Choose the point of a grid with the best mean, for a stage that plays it on other environments."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from oco.errors import ConfigError
from regret_experiments.plan.content import canonical
from regret_experiments.plan.runs import PlannedRun

if TYPE_CHECKING:
    from regret_experiments.plan.planner import Stage
    from regret_experiments.store import Store

_Row = tuple[str, str, int | None, str]
"""Environment, learner, rank, and the hyper-parameters that are compared."""


def best_points(stage: Stage, tuned: tuple[PlannedRun, ...], store: Store) -> tuple[PlannedRun, ...]:
    """Return the candidates of ``stage`` whose point has the lowest mean over orders in the runs ``tuned``.

    Hyper-parameters that are compared, not tuned, keep each of their values. A point of which a run failed or is
    missing does not take part; the theorem's learning rate takes part like any other. Of equal points the first in the
    config wins.
    """
    assert stage.best_of is not None
    assert stage.tuned_on is not None
    sums: dict[_Row, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for planned in tuned:
        stored = store.read("runs", planned.run.id)
        value = math.inf
        if stored is not None and stored.finished:
            number = stored.metadata["scalars"].get(stage.best_of.by)
            value = float(number) if number is not None else math.inf
        group = (planned.environment, planned.learner, planned.rank, planned.compared)
        sums[group][canonical(planned.point)].append(math.inf if math.isnan(value) else value)
    chosen: dict[_Row, str] = {}
    for group, points in sums.items():
        means = {point: sum(values) / len(values) for point, values in points.items()}
        best = min(means, key=lambda point: means[point])
        if math.isinf(means[best]):
            name = f"{group[1]} on {group[0]}"
            raise ConfigError(
                f"stage {stage.name!r} cannot choose a point for {name}: no point has {stage.best_of.by} on every order"
            )
        chosen[group] = best
    return tuple(
        planned
        for planned in stage.runs
        if chosen.get((stage.tuned_on[planned.environment], planned.learner, planned.rank, planned.compared))
        == canonical(planned.point)
    )
