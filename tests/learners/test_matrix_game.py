"""Self-play in matrix games: the duality gap is certified, and falls at the rates of the theorems."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

import oco
from oco.domains import Simplex
from oco.errors import ConfigError
from oco.learners import Hedge, Learner, OptimisticHedge, Problem, RegretMatching
from oco.types import Array

from .streams import adversaries

ROCK_PAPER_SCISSORS = np.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]])
UNEVEN = np.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 2.0], [1.0, -1.0, 0.0]]) / 2.0


def value_of(matrix: Array) -> float:
    """``min_x max_j (A' x)_j`` by linear programming: minimize v with ``A' x <= v`` over the simplex."""
    n, m = matrix.shape
    found = linprog(
        [*np.zeros(n), 1.0],
        A_ub=np.hstack([matrix.T, -np.ones((m, 1))]),
        b_ub=np.zeros(m),
        A_eq=[[*np.ones(n), 0.0]],
        b_eq=[1.0],
        bounds=[(0.0, None)] * n + [(None, None)],
    )
    return float(found.fun)


GAMES = {
    "rock, paper, scissors": ROCK_PAPER_SCISSORS,
    "uneven": UNEVEN,
    "one row": np.array([[0.3, -0.7]]),
    "pennies": np.array([[1.0, -1.0], [-1.0, 1.0]]),
    "random": np.random.default_rng(0).uniform(-1.0, 1.0, (7, 4)),
    "wide": np.random.default_rng(1).uniform(-1.0, 1.0, (3, 20)),
}
PLAYERS: dict[str, Learner] = {
    "hedge": Hedge(),
    "optimistic hedge": OptimisticHedge(learning_rate=0.5),
    "regret matching": RegretMatching(),
    "plus": RegretMatching(plus=True),
}


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("game", GAMES)
def test_the_gap_is_the_mean_of_both_regrets_and_its_interval_has_the_value_of_the_game(game: str, player: str) -> None:
    matrix, rounds = GAMES[game], 300
    played = oco.self_play(matrix, PLAYERS[player], rounds=rounds)
    assert played.gap == pytest.approx((played.row_regret + played.column_regret) / rounds, abs=1e-12)
    assert played.gaps[-1] == played.gap >= -1e-12
    assert played.value.lower - 1e-9 <= value_of(matrix) <= played.value.upper + 1e-9
    x, y = played.row_strategy, played.column_strategy
    assert played.gap == pytest.approx(float((matrix.T @ x).max() - (matrix @ y).min()), abs=1e-12)
    for strategy in (x, y):
        assert Simplex(dimension=strategy.size).contains(strategy)
    assert played.gap <= 0.25


def test_both_regrets_are_those_of_the_learners_one_by_one() -> None:
    """Two learners stepped by hand, of different kinds, with the regrets by their definition."""
    first, second = RegretMatching(), Hedge(learning_rate=0.3)
    matrix, rounds = GAMES["random"], 40
    played = oco.self_play(matrix, first, second, rounds=rounds)
    first.start(Problem(Simplex(dimension=7), rounds))
    second.start(Problem(Simplex(dimension=4), rounds))
    paid, losses, gains = 0.0, np.zeros(7), np.zeros(4)
    for _ in range(rounds):
        x, y = first.prediction.copy(), second.prediction.copy()
        paid += float(x @ matrix @ y)
        losses, gains = losses + matrix @ y, gains + matrix.T @ x
        first.update(matrix @ y)
        second.update(-matrix.T @ x)
    assert played.row_regret == pytest.approx(paid - losses.min())
    assert played.column_regret == pytest.approx(gains.max() - paid)


@pytest.mark.parametrize("game", GAMES)
def test_optimistic_hedge_reaches_the_fast_rate(game: str) -> None:
    """``((ln n + ln m) / eta + 2 eta) / T`` with ``eta = 1/2`` at every checkpoint, for payoffs in [-1, 1]."""
    matrix = GAMES[game]
    played = oco.self_play(matrix, OptimisticHedge(learning_rate=0.5), rounds=3000)
    constant = 2.0 * math.log(matrix.size) + 1.0
    assert (played.gaps <= constant / played.rounds + 1e-12).all()


@pytest.mark.parametrize("game", ["uneven", "random", "wide"])
@pytest.mark.parametrize("plus", [False, True])
def test_regret_matching_falls_below_its_rate(game: str, plus: bool) -> None:
    """Each regret is at most ``range sqrt(d T)``, so the gap is at most the sum of both over T, at every checkpoint."""
    matrix = GAMES[game]
    played = oco.self_play(matrix, RegretMatching(plus=plus), rounds=4000)
    widest = float(np.ptp(matrix))
    rate = widest * (math.sqrt(matrix.shape[0]) + math.sqrt(matrix.shape[1])) / np.sqrt(played.rounds)
    assert (played.gaps <= rate).all()
    gaps = [played.gaps[np.searchsorted(played.rounds, rounds)] for rounds in (60, 500, 4000)]
    assert gaps[0] > gaps[1] > gaps[2]


def test_regret_matching_plus_is_the_faster_one() -> None:
    """On average over random games, which is why solvers use it."""
    generator = np.random.default_rng(7)
    games = [generator.uniform(-1.0, 1.0, (6, 6)) for _ in range(6)]
    means = [
        np.mean([oco.self_play(game, RegretMatching(plus=plus), rounds=800, checkpoints=[800]).gap for game in games])
        for plus in (False, True)
    ]
    assert means[1] < means[0]


@pytest.mark.parametrize("rate", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("stream", ["smooth", "alternating", "repeated", "signed axes"])
def test_regret_of_optimistic_hedge_is_bounded_by_variation_less_its_own_changes(rate: float, stream: str) -> None:
    """Proposition 7 of Syrgkanis et al., which the fast rate rests on."""
    size, rounds = 5, 60
    reveal = adversaries((size,), rounds, 4)[stream]
    learner = OptimisticHedge(learning_rate=rate)
    learner.start(Problem(Simplex(dimension=size), rounds))
    loss, total, points, gradients = 0.0, np.zeros(size), [], [np.zeros(size)]
    for t in range(rounds):
        points.append(learner.prediction.copy())
        gradients.append(reveal(t, points[-1]))
        loss += float(gradients[-1] @ points[-1])
        total = total + gradients[-1]
        learner.update(gradients[-1])
    variation = float(np.sum(np.abs(np.diff(gradients, axis=0)).max(axis=1) ** 2))
    own = float(np.sum(np.abs(np.diff(points, axis=0)).sum(axis=1) ** 2))
    assert loss - total.min() <= math.log(size) / rate + rate * variation - own / (4.0 * rate) + 1e-9


def test_regret_matching_plus_comes_back_to_a_vertex_that_was_bad_for_long() -> None:
    points = {}
    for plus in (False, True):
        learner = RegretMatching(plus=plus)
        learner.start(Problem(Simplex(dimension=2), 200))
        for t in range(104):
            learner.update(np.array([1.0, 0.0] if t < 100 else [0.0, 1.0]))
        points[plus] = learner.prediction[0]
    assert points[True] >= 0.5
    assert points[False] == 0.0


@pytest.mark.parametrize(
    ("payoff", "learner", "sentence"),
    [
        ([1.0, 2.0], Hedge(), "payoff must be a matrix"),
        ([[1.0, math.nan]], Hedge(), "payoff must be a matrix"),
        ([["a"]], Hedge(), "payoff must be a matrix"),
        ([[1.0, 2.0]], oco.ImplicitOGD(), "ImplicitOGD needs whole losses"),
        ([[1.0, 2.0]], oco.TwoPointBandit(), "TwoPointBandit needs two values of the loss"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_sentence(payoff: Any, learner: Learner, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        oco.self_play(payoff, learner, rounds=5)
