"""A zero gradient says nothing: no learner moves, and dual averaging plays the argument of its definition's minimum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cvxpy
import numpy as np
import pytest

import oco
from oco.checks.playing import tell
from oco.domains.base import Domain
from oco.learners import LEARNERS, Learner, OnlineNewtonStep, Problem
from oco.types import Array

from .domains import domains_of


def moves_without_gradients(name: str, keywords: dict[str, Any]) -> bool:
    """Momentum goes on, a bet is a fraction of the wealth that falls with the rounds, and three draw another point.

    Online Frank-Wolfe goes on towards the minimum for the gradients before, and a block may end with a zero gradient.
    Fixed share mixes its weights again, optimistic Hedge expects the last gradient again, and SAOL changes intervals.
    """
    if name == "blocked_frank_wolfe":
        return "block_length" in keywords
    moves = ("coin_betting", "exp3", "one_point_bandit", "barrier_bandit", "online_frank_wolfe")
    moves += ("fixed_share", "optimistic_hedge", "saol")
    return name in moves or (name in ("adam", "amsgrad") and keywords.get("beta1", 0.9) > 0.0)


DUAL_AVERAGING = {
    "ftsl": oco.learners.FTSL(rank=1, learning_rate=0.7, ridge=0.5),
    "ftfsl": oco.learners.FTFSL(rank=1, learning_rate=0.7, ridge=0.5),
    "primal_dual_ada_fd": oco.learners.PrimalDualAdaFD(rank=2, learning_rate=0.7, ridge=0.5),
    "primal_dual_full_matrix_adagrad": oco.PrimalDualFullMatrixAdaGrad(learning_rate=0.7, ridge=0.5),
    "primal_dual_diagonal_adagrad": oco.PrimalDualDiagonalAdaGrad(learning_rate=0.7, ridge=0.5),
}
"""The learners whose point is a minimum over the domain, by the formula in their docstring."""


def every_learner_and_domain() -> Iterator[Any]:
    for name, entry in LEARNERS.built_in.items():
        for keywords in entry.examples:
            for where, domain in domains_of(name).items():
                if name in ("one_point_bandit", "two_point_bandit") and (
                    where == "simplex" or not domain.bounded or not keywords
                ):
                    continue  # it plays around its points
                if name == "barrier_bandit" and domain.as_ball() is None:
                    continue
                label = "-".join([name, *(f"{k}={v}" for k, v in keywords.items()), where])
                yield pytest.param(name, dict(keywords), domain, id=label)


def started(learner: Learner, domain: Domain) -> Learner:
    player = learner.fresh()
    if not domain.bounded and getattr(player, "learning_rate", 1.0) is None:
        player = type(learner)(**(learner.hyperparameters() | {"learning_rate": 0.5}))
    if not domain.bounded and isinstance(player, OnlineNewtonStep):
        player = OnlineNewtonStep(curvature=0.5, ridge=1.0)
    player.start(Problem(domain, 60, gradient_bound=10.0, gradient_entry_bound=10.0, exp_concavity=0.1, seed=3))
    return player


def gradients_of(domain: Domain, rounds: int, seed: int = 0) -> Array:
    gradients: Array = np.random.default_rng(seed).standard_normal((rounds, *domain.shape))
    return gradients


@pytest.mark.parametrize(("name", "keywords", "domain"), list(every_learner_and_domain()))
def test_no_learner_moves_on_a_zero_gradient(name: str, keywords: dict[str, Any], domain: Domain) -> None:
    """In the first round, between others, and many times: the same point, to the round-off of one projection."""
    player = started(LEARNERS[name](**keywords), domain)
    zero = np.zeros(domain.shape)
    distance = 0.0
    for kind in ("first", *gradients_of(domain, 4)):
        if not isinstance(kind, str):
            tell(player, kind, constrained=False)
        before = player.prediction.copy()
        for _ in range(3):
            tell(player, zero, constrained=False)
        distance = max(distance, float(np.abs(player.prediction - before).max()))
    assert (distance > 1e-6) if moves_without_gradients(name, keywords) else (distance <= 1e-12)


@pytest.mark.parametrize("tiny", [1e-160, 5e-324])
@pytest.mark.parametrize("where", list(domains_of("ftsl")))
@pytest.mark.parametrize("name", list(DUAL_AVERAGING))
def test_dual_averaging_does_not_move_on_a_gradient_that_is_as_good_as_zero(name: str, where: str, tiny: float) -> None:
    domain = domains_of(name)[where]
    player = started(DUAL_AVERAGING[name], domain)
    for gradient in gradients_of(domain, 3):
        player.update(gradient)
    before = player.prediction.copy()
    for _ in range(5):
        player.update(np.full(domain.shape, tiny))
    assert np.abs(player.prediction - before).max() <= 1e-12


@pytest.mark.parametrize("where", list(domains_of("ftsl")))
@pytest.mark.parametrize("name", list(DUAL_AVERAGING))
def test_a_learner_that_is_shown_only_the_other_gradients_plays_the_same_points(name: str, where: str) -> None:
    domain = domains_of(name)[where]
    gradients = gradients_of(domain, 30, seed=1)
    gradients[[0, 1, 7]] = 0.0
    gradients[12:20] = 0.0
    whole, short = started(DUAL_AVERAGING[name], domain), started(DUAL_AVERAGING[name], domain)
    for gradient in gradients:
        whole.update(gradient)
        if gradient.any():
            short.update(gradient)
        np.testing.assert_allclose(whole.prediction, short.prediction, rtol=0.0, atol=1e-12)


def constraints_of(where: str, domain: Domain, point: Any) -> list[Any]:
    """The domains of `domains_of`, written anew for the outside solver."""
    size = domain.dimension
    return {
        "ball off centre": lambda: [cvxpy.norm(point - np.linspace(-2.0, 3.0, size)) <= 1.0],
        "box without the origin": lambda: [point >= 1.0, point <= 3.0],
        "box with one side": lambda: [point >= 0.5],
        "simplex": lambda: [point >= 0.0, cvxpy.sum(point) == 1.0],
        "ball and box": lambda: [cvxpy.norm(point - 2.0) <= 1.0, point >= 1.7, point <= 3.0],
        "l1 ball": lambda: [cvxpy.norm1(point) <= 1.0],
        "half-space": lambda: [cvxpy.sum(point) <= -1.0],
        "slice": lambda: [cvxpy.sum(point) == 1.0],
    }[where]()


def exact_metric(name: str, gradients: Array) -> Array:
    """``H_t`` by its definition in dense arithmetic, with the sketch as an eigen-decomposition every round."""
    dimension = gradients.shape[1]
    if name == "primal_dual_diagonal_adagrad":
        metric: Array = np.diag(0.5 + np.linalg.norm(gradients, axis=0))
        return metric
    rank, keep, back = {
        "ftsl": (1, 1, 1.0),
        "ftfsl": (2, 1, 1.0),
        "primal_dual_ada_fd": (2, 2, 0.0),
        "primal_dual_full_matrix_adagrad": (dimension, dimension, 0.0),
    }[name]
    sketch, escaped = np.zeros((dimension, dimension)), 0.0
    for gradient in gradients:
        values, vectors = np.linalg.eigh(sketch + np.outer(gradient, gradient))
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        if np.count_nonzero(values > 1e-12 * values[0]) > rank:
            cut = values[keep]
            escaped += cut
            values = np.where(np.arange(dimension) < keep, values - cut, 0.0)
        sketch = (vectors * values) @ vectors.T
    values, vectors = np.linalg.eigh(sketch)
    root: Array = (vectors * np.sqrt(np.maximum(values, 0.0) + back * escaped)) @ vectors.T
    return 0.5 * np.eye(dimension) + root


@pytest.mark.parametrize("where", list(domains_of("ftsl")))
@pytest.mark.parametrize("name", list(DUAL_AVERAGING))
def test_the_point_is_the_minimum_of_the_definition(name: str, where: str) -> None:
    """``argmin 0.7 <sum g, x> + <x - x_1, H (x - x_1)> / 2`` over the domain, by an outside solver in dense algebra."""
    domain = domains_of(name)[where]
    gradients = gradients_of(domain, 5, seed=2)
    gradients[[0, 3]] = 0.0
    player = started(DUAL_AVERAGING[name], domain)
    for gradient in gradients:
        player.update(gradient)
    metric = exact_metric(name, gradients)
    point = cvxpy.Variable(domain.dimension)
    cost = 0.7 * gradients.sum(axis=0) @ point
    cost += 0.5 * cvxpy.sum_squares(np.linalg.cholesky(metric).T @ (point - domain.start))
    cvxpy.Problem(cvxpy.Minimize(cost), constraints_of(where, domain, point)).solve(
        solver="CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12
    )
    np.testing.assert_allclose(player.prediction, point.value, atol=2e-6)


def test_a_margin_loss_that_is_often_zero_costs_what_it_costs_without_those_rounds() -> None:
    """A hinge game on a box off the origin, where four rounds in five have no gradient."""
    generator = np.random.default_rng(1)
    rows = generator.standard_normal((300, 4))
    labels = np.sign(rows @ generator.uniform(0.5, 2.0, 4))
    game = oco.environments.SupportVector(rows, labels, domain=oco.Box(0.0, 4.0, dimension=4), order="file")
    bound = game.fresh(0).gradient_bound
    for learner in (oco.learners.FTSL(rank=2), oco.learners.FTFSL(rank=1), oco.PrimalDualFullMatrixAdaGrad()):
        record = oco.play(game, learner)
        player = learner.fresh()
        player.start(Problem(game.domain, len(rows), gradient_bound=bound))
        loss, zeros = 0.0, 0
        for row, label in zip(rows, labels, strict=True):
            margin = label * float(row @ player.prediction)
            loss += max(0.0, 1.0 - margin)
            zeros += margin >= 1.0
            if margin < 1.0:
                player.update(-label * row)
        assert zeros > 150
        assert record.cumulative_loss == pytest.approx(loss, rel=1e-9)
