"""Frank-Wolfe learners: they touch the domain by its linear oracle alone, and keep the bounds of their gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oco
from oco.errors import ConfigError
from oco.learners import BlockedFrankWolfe, OnlineFrankWolfe
from oco.learners.base import Learner, Problem
from oco.types import Array

BOTH = (OnlineFrankWolfe, BlockedFrankWolfe)


class OracleOnly(oco.Box):
    """A box that cannot be projected on, and counts how often linear functions are maximized."""

    calls = 0

    def project(self, point: Array) -> Array:
        raise AssertionError("projected")

    project_in = project  # type: ignore[assignment]

    def maximizer(self, direction: Array) -> Array:
        self.calls += 1
        return super().maximizer(direction)


class NoOracle:
    """A bounded domain that nobody has written a linear oracle for."""

    bounded = True

    def __repr__(self) -> str:
        return "NoOracle()"


@pytest.mark.parametrize("learner", BOTH)
@pytest.mark.parametrize(
    ("domain", "sentence"),
    [
        (oco.Unbounded(3), "has infinite diameter; play another domain, or OGD"),
        (oco.HalfSpace(normal=np.ones(3), bound=1.0), "has infinite diameter"),
        (NoOracle(), r"NoOracle\(\) has no maximizer; play another domain, or OGD"),
    ],
)
def test_a_domain_without_a_linear_oracle_is_refused_before_round_1(
    learner: type[Learner], domain: Any, sentence: str
) -> None:
    for keywords in ({}, {"learning_rate": 0.1}):
        with pytest.raises(ConfigError, match=sentence):
            learner(**keywords).start(Problem(domain, 10, gradient_bound=1.0))


@pytest.mark.parametrize("learner", [OnlineFrankWolfe(), BlockedFrankWolfe()], ids=lambda one: one.name)
def test_they_never_project_and_ask_the_oracle_as_often_as_they_say(learner: Learner) -> None:
    rounds, domain = 400, OracleOnly(-1.0, 2.0, dimension=4)
    learner.start(Problem(domain, rounds, gradient_bound=2.0))
    for row in np.random.default_rng(1).standard_normal((rounds, 4)):
        learner.update(row / np.linalg.norm(row) * 2.0)
        assert domain.contains(learner.prediction)
    # D^2 / epsilon = sqrt(T) = 20, in each of 20 blocks; in round 1 the gradient of F is zero.
    least, most = {"online_frank_wolfe": (399, 399), "blocked_frank_wolfe": (20, 20 * (13.5 * 20 + 1))}[learner.name]
    assert least <= domain.calls <= most


def test_online_frank_wolfe_is_its_definition() -> None:
    """On a simplex, where the oracle is the smallest entry of the gradient of F_t."""
    domain, rate = oco.Simplex(dimension=3), 0.2
    learner = OnlineFrankWolfe(learning_rate=rate)
    learner.start(Problem(domain, 40))
    point, total = np.full(3, 1.0 / 3.0), np.zeros(3)
    for index, row in enumerate(np.random.default_rng(4).standard_normal((40, 3)), start=1):
        np.testing.assert_allclose(learner.prediction, point, atol=1e-14)
        ascent = rate * total + 2.0 * (point - 1.0 / 3.0)
        if index > 1:
            step = min(1.0, 2.0 / np.sqrt(index))
            point = (1.0 - step) * point + step * np.eye(3)[np.argmin(ascent)]
        total += row
        learner.update(row)


def test_blocks_of_one_round_with_exact_minima_are_lazy_gradient_descent() -> None:
    """``x_{t+1} = P(x_1 - eta sum g / 2)``, to the distance that the gap allows."""
    domain = oco.Simplex(dimension=3)
    learner = BlockedFrankWolfe(learning_rate=0.3, block_length=1, tolerance=1e-4)
    learner.start(Problem(domain, 20))
    total = np.zeros(3)
    for row in np.random.default_rng(5).standard_normal((20, 3)):
        learner.update(row)
        total += row
        assert learner.state.gap <= 1e-4
        leader = domain.project(domain.start - 0.15 * total)
        assert np.linalg.norm(learner.prediction - leader) <= 1e-2  # the root of the gap


def hard_rows(rounds: int, kind: str) -> Array:
    """Unit gradients in the plane: a constant one, signs in blocks of sqrt(T) rounds, or a slow rotation."""
    times = np.arange(rounds)
    if kind == "constant":
        return np.tile([1.0, 0.0], (rounds, 1))
    if kind == "blocks":
        return (-1.0) ** (times // int(np.sqrt(rounds)))[:, None] * np.array([0.6, 0.8])
    angles = times / np.sqrt(rounds)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@pytest.mark.parametrize("kind", ["constant", "blocks", "rotation"])
@pytest.mark.parametrize("rounds", [10, 300, 10_000])
@pytest.mark.parametrize("learner", BOTH)
def test_regret_is_below_the_bound_of_the_gaps_and_that_below_the_constants_of_the_theorem(
    learner: type[Learner], rounds: int, kind: str
) -> None:
    """``8 D G T^(3/4)`` as printed, and ``(R + D) G (T^(3/4) + ...)`` for blocks of ``ceil(sqrt(T))`` rounds."""
    rows, player = hard_rows(rounds, kind), learner()
    domain = oco.Ball(radius=1.0, dimension=2)
    player.start(Problem(domain, rounds, gradient_bound=1.0))
    loss = 0.0
    for row in rows:
        loss += float(row @ player.prediction)
        player.update(row)
    facts = oco.regret.bounds.Observed(rounds, domain, float(rounds), np.sum(rows**2, axis=0), 1.0)
    bound = player.bound(facts)
    assert bound is not None
    assert loss + np.linalg.norm(rows.sum(axis=0)) <= bound.value * (1.0 + 1e-12)
    if learner is OnlineFrankWolfe:
        theorem = 16.0 * rounds**0.75
        assert bound.variants["printed: 8 D G T^(3/4)"] == pytest.approx(theorem)
    else:
        block = int(np.ceil(np.sqrt(rounds)))
        theorem = np.sqrt(rounds * block) + 2.0 * rounds**0.75 + block
    assert bound.value <= theorem
