"""What an attack found: the stream, its certified regret, and how near the bound it comes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oco import plain_file
from oco.attacks.arena import Arena
from oco.environments.attack_found import KIND, VERSION
from oco.keywords import plain, spec
from oco.regret.interval import Interval
from oco.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Found:
    """The worst stream that an attack found.

    Attributes
    ----------
    rows
        ``(T, d)``, the gradients of linear losses, or the rows of losses of a margin.
    regret
        Certified, of the learner on this stream.
    bound
        The learner's own bound there; NaN where it states none, or its assumptions do not hold.
    certificate
        How the regret's upper end was proved.
    score
        What was maximized: the lower end of the regret, or that over the bound.
    history
        ``(n, 2)``: evaluations so far and the best score, whenever it rose.
    evaluations
        Games played.
    arena
        The learner, the domain and the class of streams.
    seed
        Of the search.
    """

    rows: Array
    regret: Interval
    bound: float
    certificate: str
    score: float
    history: Array
    evaluations: int
    arena: Arena
    seed: int

    @property
    def ratio(self) -> float:
        """``regret.lower / bound``; above 1 it would refute the bound."""
        return self.regret.lower / self.bound

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the stream with all that is known of it to a file, from which `AttackFound` makes an environment."""
        arena = self.arena
        tree = {
            "rows": self.rows,
            "loss": plain(spec(arena.loss)),
            "domain": plain(spec(arena.domain)),
            "norm": arena.norm,
            "learner": plain({"name": arena.learner.name or type(arena.learner).__name__} | _hyperparameters(arena)),
            "objective": arena.objective,
            "score": self.score,
            "regret": [self.regret.lower, self.regret.upper],
            "bound": self.bound,
            "certificate": self.certificate,
            "learner_seed": arena.seed,
            "seed": self.seed,
            "evaluations": self.evaluations,
            "history": self.history,
        }
        plain_file.save(path, tree, KIND, VERSION)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the points that the learner plays and those of the gradients, against rounds, in two coordinates."""
        from oco.attacks.drawing import draw

        return draw(self, axes)

    def __str__(self) -> str:
        """The main numbers in a few lines."""
        arena = self.arena
        rounds, dimension = arena.shape
        lines = [
            f"{arena.learner!r} on {arena.domain!r}, T = {rounds}, |g|_{arena.norm[1:]} <= 1",
            f"  regret       {self.regret}  = {self.regret.lower / math.sqrt(rounds):.4g} sqrt(T)",
        ]
        if math.isfinite(self.bound):
            lines.append(f"  bound        {self.bound:.6g}  ratio {self.ratio:.4f}")
        lines.append(f"  evaluations  {self.evaluations}  seed {self.seed}")
        return "\n".join(lines)


def _hyperparameters(arena: Arena) -> dict[str, Any]:
    return dict(arena.learner.hyperparameters())


def growth_exponent(horizons: Sequence[int], regrets: Sequence[float]) -> float:
    """The slope of log regret against log T, by least squares.

    Examples
    --------
    >>> round(growth_exponent([100, 400, 1600], [10.0, 20.0, 40.0]), 6)
    0.5
    """
    slope, _ = np.polyfit(np.log(np.asarray(horizons, dtype=float)), np.log(np.asarray(regrets, dtype=float)), 1)
    return float(slope)
