"""Runs that nobody played, in the form in which a store holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from regret_experiments.plan.runs import Game, Run

GAME = Game({"kind": "none", "keywords": {}}, 0, 5)
_NUMBERS = ("cumulative_loss", "regret_lower", "regret_upper", "bound", "escaped_mass", "tail_mass")
_COUNTS = ("rounds", "horizon", "dimension", "state_floats", "peak_state_floats")


def a_run(number: int = 0, **keywords: Any) -> Run:
    """One of many runs that differ in their repetition."""
    game = Game(GAME.environment | {"keywords": keywords}, GAME.order, GAME.checkpoints)
    return Run(game, {"kind": "x", "hyperparameters": {"learning_rate": 0.5}}, number)


def finished(run: Run, **scalars: Any) -> dict[str, Any]:
    """Metadata of ``run`` as if it were finished, with a few final numbers of the caller's."""
    numbers = dict.fromkeys(_COUNTS, 3) | dict.fromkeys(_NUMBERS, 1.0) | {"bound_valid": True, "memory_formula": None}
    return {
        "id": run.id,
        "status": "finished",
        "content": run.content,
        "seeds": {"order": 1, "learner": 2},
        "scalars": numbers | scalars,
        "violations": [],
        "timings": {"play": 0.1},
        "seconds": 0.3,
    }


def curves(rounds: int = 3) -> dict[str, np.ndarray]:
    """The curves that every finished game has."""
    names = ("cumulative_loss", "regret_lower", "regret_upper")
    return {"round": np.arange(1.0, rounds + 1)} | {name: np.ones(rounds) for name in names}
