"""Decisions in the plane, which no sweep stores, made by playing stored runs again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco.errors import ConfigError

if TYPE_CHECKING:
    from oco.types import Array
    from regret_experiments.store.results import Results


def decisions(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """Every point and gradient of 2-dimensional runs, played again.

    Columns: ``learner``, ``kind``, ``rank``, ``round``, the point ``x`` and ``y``, the gradient ``gradient_x`` and
    ``gradient_y``.

    Raises
    ------
    ConfigError
        If the runs are not 2-dimensional.
    """
    dimensions = sorted({int(d) for d in runs["dimension"].dropna()})
    if dimensions != [2]:
        found = " and ".join(map(str, dimensions)) or "no finished run"
        raise ConfigError(f"a picture in the plane needs a 2-dimensional environment, here d is {found}")
    parts = []
    for row in runs.to_dict("records"):
        moves = np.array(list(_moves(results, row["id"])))
        frame = pd.DataFrame(moves, columns=["x", "y", "gradient_x", "gradient_y"])
        frame.insert(0, "round", np.arange(1, len(frame) + 1))
        parts.append(frame.assign(learner=row["learner"], kind=row["kind"], rank=row["rank"]))
    return pd.concat(parts, ignore_index=True)


def best_fixed_point(results: Results, identifier: str) -> Array | None:
    """The best fixed point in hindsight of a stored run's game; None where it is not known."""
    from regret_experiments.plan.runs import Run
    from regret_experiments.store import Store

    store = Store(results.path)
    stored = store.read("runs", identifier)
    game = None if stored is None else store.read("games", Run.from_content(stored.metadata["content"]).game.id)
    return None if game is None or "points" not in game.arrays else game.arrays["points"][-1]


def domain_radius(results: Results, identifier: str) -> float | None:
    """Radius of the ball around the origin that is the domain of a stored run; None where it is another domain."""
    _, environment = _game_of(results, identifier)
    domain = environment.domain.describe()
    centred = domain.get("name") == "ball" and domain.get("center") is None
    return float(domain["radius"]) if centred else None


def _moves(results: Results, identifier: str) -> Iterator[tuple[float, ...]]:
    from oco.learners import Problem
    from regret_experiments.plan.building import stored_learner

    run, environment = _game_of(results, identifier)
    stream = environment.fresh(run.seeds["order"])
    learner = stored_learner(run.learner).fresh()
    learner.start(Problem.of(stream, run.seeds["learner"]))
    for _ in range(int(stream.horizon)):
        point = learner.prediction.copy()
        gradient = stream.reveal(point).gradient(point)
        yield (*point.ravel(), *gradient.ravel())
        learner.update(gradient)


def _game_of(results: Results, identifier: str) -> tuple[Any, Any]:
    from regret_experiments.execution.games import environment_of
    from regret_experiments.plan.runs import Run
    from regret_experiments.store import Store

    stored = Store(results.path).read("runs", identifier)
    if stored is None:
        raise ConfigError(f"run {identifier} is not stored in {results.path}")
    if stored.type == "training":
        raise ConfigError("this figure plays stored games again, and a network's training is not a game")
    run = Run.from_content(stored.metadata["content"])
    return run, environment_of(run.game).environment
