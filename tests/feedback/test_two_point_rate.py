"""The rate of two-point feedback on linear losses, ``D G sqrt(d T)``, over two decades of rounds."""

from __future__ import annotations

import numpy as np
import pytest

import oco
from oco.environments import Bandit, LinearLosses
from oco.learners import TwoPointBandit


@pytest.mark.slow
@pytest.mark.parametrize("dimension", [2, 8, 32])
@pytest.mark.parametrize(("rounds", "draws"), [(1_000, 6), (10_000, 3), (100_000, 1)])
def test_regret_is_within_a_constant_of_its_rate(rounds: int, draws: int, dimension: int) -> None:
    """One gradient all along: the way to the far side of the ball alone costs ``r^2 / (2 eta) = D G sqrt(d T) / 8``.

    The theorem's constant is 1, so that the ratio lies between 1/8 and 1, whatever T and d are. The exploration
    ``r / T`` adds at most ``3 r G``.
    """
    rows = np.zeros((rounds, dimension))
    rows[:, 0] = 1.0
    game = Bandit(LinearLosses(rows, domain=oco.Ball(radius=1.0), order="file"), points=2)
    records = [
        oco.play(game, TwoPointBandit(), learner_seed=seed, spectrum=False, checkpoints=[rounds])
        for seed in range(draws)
    ]
    regrets = np.array([record.regret.upper for record in records])
    rate = 2.0 * np.sqrt(dimension * rounds)
    assert regrets.mean() <= rate + 3.0
    assert regrets.mean() >= rate / 8.0 * 0.8
