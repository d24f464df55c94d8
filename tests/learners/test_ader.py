"""Ader against every path, its experts one by one, and single learning rates on a game that drifts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.domains import Ball, Box
from oco.environments import DriftingRegression
from oco.errors import ConfigError
from oco.learners import OGD, Ader, FDAdaGrad, Hedge, ImplicitOGD, Problem, VovkAzouryWarmuth
from oco.regret.bounds import Observed
from oco.types import Array

from .streams import adversaries


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 60), blocks=st.integers(1, 8), box=st.booleans(),
    stream=st.sampled_from(["smooth", "alternating", "uphill", "against", "repeated", "often zero"]),
)  # fmt: skip
def test_the_dynamic_bound_holds_against_every_path(
    seed: int, rounds: int, blocks: int, box: bool, stream: str
) -> None:
    """Against the path of best points of each block, shrunk to the middle so that every path length is met."""
    domain = Box(-0.5, 1.0, dimension=3) if box else Ball(1.0, center=np.array([0.5, -0.3, 0.2]))
    adversary = adversaries((3,), rounds, seed)[stream]
    learner = Ader()
    learner.start(Problem(domain, rounds, gradient_bound=adversary.longest))
    points, gradients = np.zeros((rounds, 3)), np.zeros((rounds, 3))
    for t in range(rounds):
        points[t] = learner.prediction
        gradients[t] = adversary(t, points[t])
        learner.update(gradients[t])
    squares = float(np.sum(gradients**2))
    observed = Observed(rounds, domain, squares, np.zeros(3), adversary.longest)
    best = np.zeros((rounds, 3))
    for piece in np.array_split(np.arange(rounds), blocks):
        best[piece] = minimizer(domain, gradients[piece].sum(axis=0))
    for share in (0.0, 0.1, 0.5, 1.0):
        path = domain.start + share * (best - domain.start)
        length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
        bound = learner.dynamic_bound(observed, length)
        assert bound is not None
        assert float(np.sum(gradients * (points - path))) <= bound.value * (1.0 + 1e-9) + 1e-9


def minimizer(domain: Ball | Box, gradient: Array) -> Array:
    if isinstance(domain, Box):
        corner: Array = np.where(gradient > 0.0, -0.5, 1.0)
        return corner
    best: Array = domain.start - gradient / max(float(np.linalg.norm(gradient)), 1e-300)
    return best


def test_the_grid_covers_every_path_length_within_a_constant() -> None:
    """For any P in [0, T D] some rate is within a factor of two of the best one, ``sqrt((D^2 + 2DP) / (G^2 T))``."""
    learner, rounds = Ader(), 500
    learner.start(Problem(Ball(radius=2.0, dimension=2), rounds, gradient_bound=3.0))
    rates = np.array([expert.learning_rate for expert in learner._experts])
    for length in np.linspace(0.0, 4.0 * rounds, 50):
        best = math.sqrt((16.0 + 8.0 * length) / (9.0 * rounds))
        assert 1.0 - 1e-9 <= best / rates[rates <= best * (1.0 + 1e-9)].max() <= 2.0


@pytest.mark.parametrize("base", [OGD(learning_rate=0.05, schedule="constant"), FDAdaGrad(rank=1, learning_rate=0.1)])
def test_it_plays_the_average_of_experts_who_see_its_gradients(base: OGD | FDAdaGrad) -> None:
    """The experts are played one by one on the gradients at Ader's points, and weighed by the formula."""
    domain, rounds, slope = Ball(dimension=3), 30, 4.0
    problem = Problem(domain, rounds, gradient_bound=slope)
    learner = Ader(base, experts=3)
    learner.start(problem)
    alone = [type(base)(**(base.hyperparameters() | {"learning_rate": base.learning_rate * n})) for n in (1, 2, 4)]
    losses = np.zeros(3)
    for expert in alone:
        expert.start(problem)
    for target in np.random.default_rng(0).standard_normal((rounds, 3)):
        weights = np.array([1 / 2, 1 / 6, 1 / 12]) * np.exp(-math.sqrt(8.0 / rounds) / (slope * 2.0) * losses)
        expected = weights / weights.sum() @ np.array([expert.prediction for expert in alone])
        np.testing.assert_allclose(learner.prediction, expected, atol=1e-12)
        gradient = learner.prediction - target
        losses += [float(gradient @ expert.prediction) for expert in alone]
        for expert in [*alone, learner]:
            expert.update(gradient)


def test_on_a_drifting_game_no_single_rate_has_less_dynamic_regret() -> None:
    """Rates a factor of sqrt(2) apart, from below the grid to above it, on three streams together."""
    game = DriftingRegression(16, 4000, motion={"kind": "switches", "period": 500}, loss="absolute", noise=1.0)
    smallest = game.domain.diameter("l2") / (game.gradient_bound * math.sqrt(game.horizon))
    singles = [OGD(learning_rate=smallest * 2.0 ** (j / 2), schedule="constant") for j in range(-3, 16)]
    regrets = np.zeros(len(singles) + 1)
    for seed in range(3):
        least = game.fresh(seed).comparator_losses(np.array([game.horizon]))[0]
        for i, learner in enumerate([*singles, Ader()]):
            record = oco.play(game, learner, seed=seed, comparator=False, spectrum=False, checkpoints=[game.horizon])
            regrets[i] += record.cumulative_loss - least
    assert regrets[-1] < regrets[:-1].min()


PHASES = {"kind": "phases", "period": 1000, "storm": 25}


@pytest.mark.slow
def test_no_single_rate_suits_both_calm_and_storm() -> None:
    """Squared losses, paired over five streams, rates a factor of sqrt(2) apart; the best one is inside the grid.

    The theorem promises the best expert's dynamic regret plus that of Hedge, not less than the best rate's. It is less
    here, because rates that suit the storm lose in the calm, by more than Hedge pays.
    """
    game = DriftingRegression(16, 4000, motion=PHASES, noise=1.0)
    smallest = game.domain.diameter("l2") / (game.gradient_bound * math.sqrt(game.horizon))
    singles = [OGD(learning_rate=smallest * 2.0 ** (j / 2), schedule="constant") for j in range(-6, 16)]
    adaptive = [Ader(), Ader(oco.FDAdaGrad(rank=4, learning_rate=0.05))]
    regrets = np.zeros((5, len(singles) + 2))
    for seed in range(5):
        least = game.fresh(seed).comparator_losses(np.array([game.horizon]))[0]
        for i, learner in enumerate([*singles, *adaptive]):
            record = oco.play(game, learner, seed=seed, comparator=False, spectrum=False, checkpoints=[game.horizon])
            regrets[seed, i] = record.cumulative_loss - least
    best = int(regrets[:, :-2].mean(axis=0).argmin())
    assert 0 < best < len(singles) - 1
    for ours in (-2, -1):
        differences = regrets[:, ours] - regrets[:, best]
        assert differences.mean() < -2.0 * differences.std(ddof=1) / math.sqrt(5.0)


def test_a_config_gives_the_base_as_a_mapping_of_its_own() -> None:
    given = {"kind": "ader", "base": {"kind": "fd_adagrad", "rank": 2, "learning_rate": 0.5}, "experts": 4}
    learner = oco.spec.from_spec(given)
    assert repr(learner) == "Ader(base=FDAdaGrad(rank=2, learning_rate=0.5), experts=4)"
    assert oco.spec.from_spec(oco.spec.spec(learner)).hyperparameters()["base"].rank == 2


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        (VovkAzouryWarmuth(), "base of Ader must be a learner of gradients alone"),
        (ImplicitOGD(), "needs whole losses"),
        (Hedge(), "must be given its smallest learning_rate"),
        (oco.CoinBetting(), "must have a learning_rate"),
        ("ogd", "must be a learner such as"),
    ],
)
def test_a_base_that_cannot_be_one_is_refused(base: oco.Learner, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Ader(base)
