"""Measure the tables of docs/environments.md: ``python tests/environments/measure_separations.py [NAME]``.

Every number is a mean over seeds 0, 1, 2 with the learning rate tuned for the mean, on the grid that the page states.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import oco
from oco.environments import (
    AgainstRank,
    CoordinateGame,
    IllConditionedRegression,
    OrthonormalLosses,
    SpectrumLinear,
)

SEEDS = (0, 1, 2)
RATES = np.geomspace(0.003, 3.0, 13)


def ogd(rate: float) -> oco.Learner:
    return oco.OGD(learning_rate=rate)


def sketched(rank: int) -> Callable[[float], oco.Learner]:
    return lambda rate: oco.FDAdaGrad(rank=rank, learning_rate=rate)


BASE: dict[str, Any] = {
    "OGD": ogd,
    "diagonal": oco.DiagonalAdaGrad,
    "full": oco.FullMatrixAdaGrad,
}


def regret(game: Any, make: Callable[[float], oco.Learner], *, comparator: bool) -> float:
    """Mean regret of the best rate; without a comparator the cumulative loss, where the best point has none."""
    curves = [oco.environments.comparator_curve(game, seed, 1) if comparator else False for seed in SEEDS]

    def mean(rate: float) -> float:
        records = (
            oco.play(game, make(rate), seed=seed, comparator=curve, spectrum=False, checkpoints=1)
            for seed, curve in zip(SEEDS, curves, strict=True)
        )
        return float(np.mean([record.regret.upper if comparator else record.cumulative_loss for record in records]))

    return min(mean(rate) for rate in RATES)


def row(title: str, game: Any, ranks: tuple[int, ...] = (), *, comparator: bool = False) -> None:
    learners = BASE | {f"FD {rank}": sketched(rank) for rank in ranks}
    found = "  ".join(f"{name} {regret(game, make, comparator=comparator):.1f}" for name, make in learners.items())
    print(f"{title}: {found}", flush=True)


def rotated_regression() -> None:
    for dimension in (8, 16, 32, 64):
        ranks = (1, 16, 32, 48, 56, 63) if dimension == 64 else ()
        row(f"rotated regression, d = {dimension}", IllConditionedRegression(dimension, 4000), ranks)


def coordinates() -> None:
    for dimension in (8, 16, 32, 64):
        row(f"coordinates, d = {dimension}", CoordinateGame(dimension))
        row(f"rotated coordinates, d = {dimension}", CoordinateGame(dimension, rotated=True))


def against_rank() -> None:
    row("against rank 8", AgainstRank(32, 4000, rank=8), (1, 4, 7, 8, 9, 10, 12, 16, 24, 31))


def observation_2() -> None:
    for horizon in (1000, 4000, 16_000):
        row(f"observation 2, T = {horizon}", OrthonormalLosses(16, horizon), (2,), comparator=True)


def linear() -> None:
    for exponent in (0.0, 1.0, 2.0):
        row(f"linear, exponent {exponent}", SpectrumLinear(64, 4000, exponent=exponent), (8,), comparator=True)


TABLES = {table.__name__: table for table in (rotated_regression, coordinates, against_rank, observation_2, linear)}

if __name__ == "__main__":
    for name in sys.argv[1:] or TABLES:
        TABLES[name]()
