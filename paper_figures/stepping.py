"""FD-AdaGrad with options for the order of sketching and stepping, and for the number of gradients per shrink."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

import oco
from oco.learners import plain
from oco.learners.base import Problem
from oco.types import Array

VARIANTS: dict[str, dict[str, Any]] = {
    "sketch, then step": {},
    "step, then sketch": {"sketch_first": False},
    "a shrink every 4 rounds": {"batch": 4},
    "a shrink every 16 rounds": {"batch": 16},
    "a shrink every 64 rounds": {"batch": 64},
}
"""Keywords of `SteppingAdaGrad`; the first is the paper's algorithm."""
RATES = np.array([0.25, 0.5, 1.0, 2.0])
RANK = 9


@dataclass
class State:
    """The point, the sketch, and the gradients buffered for the next shrink."""

    point: Array
    sketch: oco.FrequentDirections
    waiting: list[Array] = field(default_factory=list)


class SteppingAdaGrad(oco.Learner):
    """FD-AdaGrad without projection, in NumPy, for options that the compiled learner does not have.

    Parameters
    ----------
    rank, learning_rate
        As for `oco.FDAdaGrad`, which this is with the other parameters left as they are.
    sketch_first
        Whether the matrix of a round's step contains the gradient of that round, as in the paper's Algorithm 2.
    batch
        Gradients per shrink; until there are so many, steps use the old matrix.
    """

    name = "stepping_adagrad"

    def __init__(self, rank: int, learning_rate: float, *, sketch_first: bool = True, batch: int = 1) -> None:
        self.rank, self.learning_rate, self.sketch_first, self.batch = rank, learning_rate, sketch_first, batch

    def start(self, problem: Problem) -> None:
        """Begin at the domain's start with an empty sketch."""
        start = problem.domain.start
        self.state = State(np.array(start), oco.FrequentDirections(start.size, self.rank))

    def update(self, gradient: Array) -> None:
        """Sketch and step in the chosen order."""
        if not self.sketch_first:
            self._step(gradient)
        state = self.state
        state.waiting.append(np.array(gradient))
        if len(state.waiting) == self.batch:
            rows = np.array(state.waiting)
            state.sketch.update(rows) if self.batch == 1 else state.sketch.update_batch(rows)
            state.waiting.clear()
        if self.sketch_first:
            self._step(gradient)

    def _step(self, gradient: Array) -> None:
        """``x <- x - eta (Gbar + rho I)^{+1/2} g``, pseudo-inverse."""
        sketch, rho = self.state.sketch, self.state.sketch.escaped_mass
        step = plain.solve(np.sqrt(sketch.eigenvalues + rho), sketch.directions, float(np.sqrt(rho)), gradient)
        self.state.point -= self.learning_rate * step


def games() -> dict[str, Any]:
    """Streams without a domain, so that there is no projection."""
    logistic = oco.environments.NoisyRegression(
        64, 1000, loss="logistic", condition=1000.0, signal=20.0, domain=oco.Unbounded(64)
    )
    found = {"drawn, condition 1000": logistic}
    try:
        found["a9a"] = oco.environments.LogisticRegression.load("a9a", intercept=True, horizon=1000)
    except oco.errors.DataError as error:
        print(f"without a9a: {error}")
    return found


def play_variants(seeds: tuple[int, ...] = (0, 1), rates: Array = RATES) -> pd.DataFrame:
    """Average loss of every variant on every game, order and learning rate; a run that overflows has none."""
    rows = []
    for game_name, game in games().items():
        for name, keywords in VARIANTS.items():
            for rate in rates:
                for seed in seeds:
                    learner = SteppingAdaGrad(RANK, float(rate), **keywords)
                    record = oco.play(game, learner, seed=seed, comparator=False, spectrum=False, checkpoints=1)
                    loss = record.cumulative_loss / game.horizon
                    rows.append({"game": game_name, "variant": name, "learning_rate": rate, "seed": seed, "loss": loss})
    return pd.DataFrame(rows)
