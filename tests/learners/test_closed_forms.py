"""Learners against their definitions, written out plainly, and against each other where theory says that they agree."""

from __future__ import annotations

import numpy as np
import pytest

import oco
from oco.domains import Ball, FrobeniusBall, Simplex, Unbounded
from oco.domains.base import Domain
from oco.learners import (
    SON,
    AdaLR,
    Adam,
    AMSGrad,
    CoinBetting,
    Hedge,
    OjaSON,
    OneSidedShampoo,
    OnlineNewtonStep,
    PrimalDualDiagonalAdaGrad,
    PrimalDualFullMatrixAdaGrad,
    Problem,
    RadaGrad,
    Shampoo,
)
from oco.types import Array

from .streams import play, spectrum_stream

TOLERANCE = {"rtol": 1e-9, "atol": 1e-10}


def root(matrix: Array, exponent: float) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    inverted = np.array([value**exponent if value > 1e-14 * values[-1] else 0.0 for value in values])
    powered: Array = (vectors * inverted) @ vectors.T
    return powered


def nearest_on_ball(target: Array, metric: Array, radius: float) -> Array:
    """Bisection on the multiplier of the definition ``min (x - y)' H (x - y)`` over ``|x| <= radius``."""
    if np.linalg.norm(target) <= radius:
        return target
    low, high = 0.0, 1.0
    point = lambda mu: np.linalg.solve(metric + mu * np.eye(len(target)), metric @ target)  # noqa: E731
    while np.linalg.norm(point(high)) > radius:
        high *= 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.linalg.norm(point(middle)) > radius else (low, middle)
    projected: Array = point(high)
    return projected


@pytest.fixture(params=["unbounded", "ball"])
def domain(request: pytest.FixtureRequest) -> Domain:
    return Unbounded(5) if request.param == "unbounded" else Ball(0.3, dimension=5)


ROWS = spectrum_stream(5, 60, 1.0, 3)


def test_son_is_its_definition(domain: Domain) -> None:
    points = play(SON(learning_rate=0.3, ridge=0.7, curvature=0.1, exponent=0.5), domain, ROWS)
    x, a = np.zeros(5), 0.7 * np.eye(5)
    for t, g in enumerate(ROWS, start=1):
        a = a + (0.1 + 1.0 / (0.3 * np.sqrt(t))) * np.outer(g, g)
        x = x - np.linalg.solve(a, g)
        if domain.bounded:
            x = nearest_on_ball(x, a, 0.3)
        np.testing.assert_allclose(points[t], x, **TOLERANCE)


def test_online_newton_step_is_the_book_s_form() -> None:
    """A = eps I + sum g g', step A^-1 g / gamma, eps = 1/(gamma D)^2: ours with A divided by gamma."""
    domain, alpha, slope = Ball(0.3, dimension=5), 0.5, 2.0
    points = play(OnlineNewtonStep(), domain, ROWS, gradient_bound=slope, exp_concavity=alpha)
    gamma = 0.5 * min(1.0 / (4.0 * slope * 0.6), alpha)
    x, a = np.zeros(5), np.eye(5) / (gamma * 0.6) ** 2
    for t, g in enumerate(ROWS, start=1):
        a = a + np.outer(g, g)
        x = nearest_on_ball(x - np.linalg.solve(a, g) / gamma, a, 0.3)
        np.testing.assert_allclose(points[t], x, **TOLERANCE)


def test_primal_dual_full_is_its_definition(domain: Domain) -> None:
    points = play(PrimalDualFullMatrixAdaGrad(learning_rate=0.4, ridge=0.2), domain, ROWS)
    total, covariance = np.zeros(5), np.zeros((5, 5))
    for t, g in enumerate(ROWS, start=1):
        total, covariance = total + g, covariance + np.outer(g, g)
        metric = 0.2 * np.eye(5) + root(covariance, 0.5)
        x = -0.4 * np.linalg.solve(metric, total)
        if domain.bounded:
            x = nearest_on_ball(x, metric, 0.3)
        np.testing.assert_allclose(points[t], x, rtol=1e-7, atol=1e-8)


def test_primal_dual_diagonal_is_its_definition(domain: Domain) -> None:
    points = play(PrimalDualDiagonalAdaGrad(learning_rate=0.4, ridge=0.2), domain, ROWS)
    for t in range(1, len(ROWS) + 1):
        metric = np.diag(0.2 + np.sqrt(np.sum(ROWS[:t] ** 2, axis=0)))
        x = -0.4 * np.linalg.solve(metric, ROWS[:t].sum(axis=0))
        if domain.bounded:
            x = nearest_on_ball(x, metric, 0.3)
        np.testing.assert_allclose(points[t], x, **TOLERANCE)


def test_primal_dual_diagonal_is_full_on_axes() -> None:
    generator = np.random.default_rng(0)
    axes = np.eye(5)[generator.integers(5, size=80)] * generator.standard_normal((80, 1))
    for domain in (Unbounded(5), Ball(0.2, dimension=5)):
        diagonal = play(PrimalDualDiagonalAdaGrad(0.4, 0.2), domain, axes)
        full = play(PrimalDualFullMatrixAdaGrad(0.4, 0.2), domain, axes)
        np.testing.assert_allclose(full, diagonal, **TOLERANCE)


@pytest.mark.parametrize("learner", [AdaLR, RadaGrad])
def test_random_projection_of_full_rank_is_full_matrix_adagrad(learner: type[AdaLR | RadaGrad]) -> None:
    """The ridge outside the root: ``x -= eta (ridge I + G^(1/2))^-1 g``."""
    points = play(learner(rank=5, learning_rate=0.4, ridge=0.1), Unbounded(5), ROWS, seed=4)
    x, covariance = np.zeros(5), np.zeros((5, 5))
    for t, g in enumerate(ROWS, start=1):
        covariance = covariance + np.outer(g, g)
        if t >= 6:  # before that the free complement of RadaGrad is round-off of the definition's
            x = x - 0.4 * np.linalg.solve(0.1 * np.eye(5) + root(covariance, 0.5), g)
            np.testing.assert_allclose(points[t] - points[5], x, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("learner", [AdaLR, RadaGrad])
def test_random_projection_finds_a_low_rank_covariance(learner: type[AdaLR | RadaGrad]) -> None:
    """Gradients in a plane, k = 4 of d = 12: Ada-LR sees the covariance exactly, RadaGrad its range."""
    generator = np.random.default_rng(5)
    plane = np.linalg.qr(generator.standard_normal((12, 2)))[0]
    rows = generator.standard_normal((50, 2)) @ plane.T
    points = play(learner(rank=4, learning_rate=0.4, ridge=0.1), Unbounded(12), rows, seed=4)
    assert np.linalg.norm(points - points @ plane @ plane.T) < 1e-9
    if learner is AdaLR:
        x, covariance = np.zeros(12), np.zeros((12, 12))
        for t, g in enumerate(rows, start=1):
            covariance = covariance + np.outer(g, g)
            x = x - 0.4 * np.linalg.solve(0.1 * np.eye(12) + root(covariance, 0.5), g)
            np.testing.assert_allclose(points[t], x, rtol=1e-6, atol=1e-7)


def test_hedge_is_its_closed_form() -> None:
    """Weights are exponential in the cumulative losses; with two experts, logistic in their difference."""
    eta, losses = 0.3, np.random.default_rng(0).standard_normal((50, 2))
    points = play(Hedge(learning_rate=eta), Simplex(dimension=2), losses)
    difference = np.concatenate([[0.0], np.cumsum(losses[:, 0] - losses[:, 1])])
    np.testing.assert_allclose(points[:, 0], 1.0 / (1.0 + np.exp(eta * difference)), rtol=1e-12)
    five = np.random.default_rng(1).standard_normal((50, 5))
    weights = np.exp(-eta * np.cumsum(five, axis=0))
    scaled = play(Hedge(learning_rate=eta), Simplex(scale=3.0, dimension=5), five)
    np.testing.assert_allclose(scaled[1:], 3.0 * weights / weights.sum(axis=1, keepdims=True), rtol=1e-12)


def test_hedge_is_one_multiplicative_update_a_round() -> None:
    losses = np.random.default_rng(0).standard_normal((50, 4))
    points = play(Hedge(), Simplex(dimension=4), losses, gradient_bound=2.0)
    eta = np.sqrt(2.0 * np.log(4.0) / 50) / 2.0
    for t, g in enumerate(losses):
        np.testing.assert_allclose(points[t + 1], (w := points[t] * np.exp(-eta * g)) / w.sum(), rtol=1e-10)


def test_hedge_takes_the_entries_of_gradients_for_its_rate_where_they_are_bounded() -> None:
    """With losses in [0, 1] the theorem's rate is sqrt(2 ln d / T), whatever the length of the loss vectors."""
    game = oco.environments.ExpertAdvice(64, 2000, gap=0.1)
    assert (game.gradient_bound, game.gradient_entry_bound) == (pytest.approx(8.0), 1.0)
    record = oco.play(game, Hedge(), seed=1)
    assert record.bound is not None
    rate = next(constant for constant in record.bound.constants if constant.name == "learning rate")
    assert (rate.value, rate.origin) == (pytest.approx(np.sqrt(2.0 * np.log(64.0) / 2000)), "domain")
    assert record.bound.value <= np.sqrt(2.0 * 2000 * np.log(64.0)) * (1.0 + 1e-12)
    assert record.regret.upper <= record.bound.value
    # A rate from the length of the vectors, eight times as small, is what costs regret here.
    assert record.regret.upper < 0.6 * oco.play(game, Hedge(learning_rate=rate.value / 8.0), seed=1).regret.lower


def test_adam_by_hand() -> None:
    points = play(Adam(learning_rate=0.1, beta1=0.5, beta2=0.75, epsilon=0.0), Unbounded(1), np.array([[2.0], [-4.0]]))
    second_mean = (0.5 * 1.0 - 0.5 * 4.0) / (1.0 - 0.25)
    second_square = (0.75 * 1.0 + 0.25 * 16.0) / (1.0 - 0.75**2)
    np.testing.assert_allclose(points.ravel(), [0.0, -0.1, -0.1 - 0.1 * second_mean / np.sqrt(second_square)])


def test_amsgrad_keeps_the_largest_square() -> None:
    rows = np.array([[4.0], [1e-3], [1e-3]])
    points = play(AMSGrad(learning_rate=0.1, beta1=0.0, beta2=0.5), Unbounded(1), rows)
    largest = np.sqrt(0.5 * 16.0)
    steps = [0.1 * g / (np.sqrt(t) * largest) for t, g in enumerate(rows.ravel(), start=1)]
    np.testing.assert_allclose(points.ravel(), -np.cumsum([0.0, *steps]))


def test_adam_without_memory_is_sign_descent() -> None:
    points = play(Adam(learning_rate=0.1, beta1=0.0, beta2=0.0, epsilon=0.0), Unbounded(5), ROWS)
    np.testing.assert_allclose(points[1:], -0.1 * np.cumsum(np.sign(ROWS), axis=0), **TOLERANCE)


def test_coin_betting_in_one_dimension_is_krichevsky_trofimov() -> None:
    """The wealth after T coins is the KT product formula, and the bets are its fractions."""
    coins = np.random.default_rng(1).choice([-1.0, 1.0], size=40)
    points = play(CoinBetting(gradient_bound=1.0), Unbounded(1), -coins[:, None]).ravel()
    wealth = 1.0
    for t, coin in enumerate(coins, start=1):
        fraction = coins[: t - 1].sum() / t
        assert points[t - 1] == pytest.approx(fraction * wealth)
        wealth *= 1.0 + fraction * coin


@pytest.mark.parametrize("shape", [(1, 6), (6, 1)])
def test_shampoo_of_one_row_is_adagrad(shape: tuple[int, int]) -> None:
    """On a row L is the scalar s = sum |g|^2 and R = G: the step is ``s^(-1/4) G^(-1/4) g``, with pseudo-inverses."""
    rows = spectrum_stream(6, 50, 1.0, 8)
    points = play(Shampoo(learning_rate=0.3), Unbounded(shape), rows.reshape(50, *shape)).reshape(51, 6)
    one_sided = play(OneSidedShampoo(learning_rate=0.3), Unbounded(shape), rows.reshape(50, *shape)).reshape(51, 6)
    x, norm_x = np.zeros(6), np.zeros(6)
    covariance = np.zeros((6, 6))
    for t, g in enumerate(rows, start=1):
        covariance = covariance + np.outer(g, g)
        squares = float(np.trace(covariance))
        x = x - 0.3 * squares**-0.25 * root(covariance, -0.25) @ g
        # One-sided: AdaGrad-norm where the row is the left side, full-matrix AdaGrad where the column is.
        norm_x = norm_x - 0.3 * (g / np.sqrt(squares) if shape[0] == 1 else root(covariance, -0.5) @ g)
        if t > 6:
            np.testing.assert_allclose(points[t] - points[6], x, rtol=1e-7, atol=1e-8)
            np.testing.assert_allclose(one_sided[t] - one_sided[6], norm_x, rtol=1e-7, atol=1e-8)
        if t <= 6:
            x, norm_x = np.zeros(6), np.zeros(6)


def test_shampoo_is_a_step_and_a_projection_in_the_kronecker_norm() -> None:
    gradients = np.random.default_rng(2).standard_normal((40, 3, 2))
    points = play(Shampoo(learning_rate=0.5, delta=0.1), FrobeniusBall(0.3, shape=(3, 2)), gradients)
    left, right = 0.1 * np.eye(3), 0.1 * np.eye(2)
    for t, g in enumerate(gradients, start=1):
        left, right = left + g @ g.T, right + g.T @ g
        y = points[t - 1] - 0.5 * root(left, -0.25) @ g @ root(right, -0.25)
        metric = np.kron(root(left, 0.25), root(right, 0.25))
        np.testing.assert_allclose(points[t].ravel(), nearest_on_ball(y.ravel(), metric, 0.3), **TOLERANCE)


def test_one_sided_shampoo_is_a_step_and_a_projection() -> None:
    gradients = np.random.default_rng(2).standard_normal((40, 3, 2))
    points = play(OneSidedShampoo(learning_rate=0.5, delta=0.1), FrobeniusBall(0.3, shape=(3, 2)), gradients)
    left = 0.1 * np.eye(3)
    for t, g in enumerate(gradients, start=1):
        left = left + g @ g.T
        y = points[t - 1] - 0.5 * root(left, -0.5) @ g
        metric = np.kron(root(left, 0.5), np.eye(2))
        np.testing.assert_allclose(points[t].ravel(), nearest_on_ball(y.ravel(), metric, 0.3), **TOLERANCE)


def test_oja_son_is_its_definition_and_finds_the_leading_directions(domain: Domain) -> None:
    learner = OjaSON(rank=2, learning_rate=0.5, ridge=0.3, exponent=0.0)
    generator = np.random.default_rng(9)
    rotation = np.linalg.qr(generator.standard_normal((5, 5)))[0]
    rows = (generator.standard_normal((600, 5)) * np.array([3.0, 1.5, 0.1, 0.1, 0.1])) @ rotation.T
    points = play(learner, domain, rows, seed=6)
    learner.start(Problem(domain, 1, seed=6))
    v, averages, x = learner.state.directions, np.zeros(2), np.zeros(5)
    for t, g in enumerate(rows, start=1):
        weighted = g * np.sqrt(2.0)
        averages = (1.0 - 1.0 / t) * averages + (v @ weighted) ** 2 / t
        v = v + np.outer(v @ weighted, weighted) / t
        v[0] /= np.linalg.norm(v[0])
        v[1] -= (v[1] @ v[0]) * v[0]
        v[1] /= np.linalg.norm(v[1])
        if t < 60:
            a = 0.3 * np.eye(5) + t * (v.T * averages) @ v
            x = x - np.linalg.solve(a, g)
            if domain.bounded:
                x = nearest_on_ball(x, a, 0.3)
            np.testing.assert_allclose(points[t], x, rtol=1e-6, atol=1e-7)
    assert abs(v[0] @ rotation[:, 0]) > 0.99
    assert abs(v[1] @ rotation[:, 1]) > 0.9
