"""Adversaries do what the theorems say: the lower bounds are met, and known faults are punished."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import oco
from oco.domains import Simplex
from oco.environments import (
    AdaptiveBallLowerBound,
    BallLowerBound,
    CoordinateGame,
    FollowTheLeaderTrap,
    OrthonormalLosses,
    SimplexLowerBound,
    UnprojectedTrap,
    WrongProjectionTrap,
)
from oco.errors import ConfigError


def gradient_descent(game, seed, *, project=True, step=1.0):
    """Points of projected gradient descent with steps D / (G sqrt t), and the losses that it met."""
    stream = game.fresh(seed)
    point, losses, points = stream.domain.start, [], []
    for t in range(1, game.horizon + 1):
        loss = stream.reveal(point)
        losses.append(loss)
        points.append(point)
        point = point - step * stream.domain.diameter() / (stream.gradient_bound * np.sqrt(t)) * loss.gradient(point)
        point = stream.domain.project(point) if project else point
    return np.array(points), losses


def follow_the_leader(game, seed):
    """The best point so far against linear losses."""
    stream = game.fresh(seed)
    point, total, points, losses = stream.domain.start, 0.0, [], []
    for _ in range(game.horizon):
        loss = stream.reveal(point)
        points.append(point)
        losses.append(loss)
        total = total + loss.gradient(point)
        point = stream.domain.maximizer(-total)
    return np.array(points), losses


def standing_still(game, seed):
    stream = game.fresh(seed)
    point = stream.domain.start
    return np.array([point] * game.horizon), [stream.reveal(point) for _ in range(game.horizon)]


def linear_regret(game, points, losses):
    gradients = np.array([loss.gradient(point) for loss, point in zip(losses, points, strict=True)])
    return float(np.sum(gradients * points) + game.domain.support(-gradients.sum(axis=0)))


@pytest.mark.parametrize("learner", [gradient_descent, follow_the_leader, standing_still])
@pytest.mark.parametrize(("dimension", "radius"), [(3, 1.0), (10, 2.5)])
def test_the_adaptive_adversary_forces_radius_times_root_t_on_everyone(learner, dimension, radius):
    game = AdaptiveBallLowerBound(dimension, 400, radius=radius)
    assert linear_regret(game, *learner(game, 3)) == pytest.approx(radius * 20.0, rel=1e-9)


def test_the_adaptive_adversary_forces_it_on_a_learner_that_plays_along_the_sum():
    game = AdaptiveBallLowerBound(3, 200).fresh(1)
    total, regret_parts = np.zeros(3), 0.0
    for _ in range(200):
        point = game.domain.maximizer(-total)
        loss = game.reveal(point)
        regret_parts += loss.value(point)
        total += loss.gradient(point)
    assert regret_parts + np.linalg.norm(total) == pytest.approx(np.sqrt(200.0), rel=1e-9)


@pytest.mark.parametrize("dimension", [1, 4, 32])
def test_random_directions_cost_at_least_two_thirds_of_radius_times_root_t(dimension):
    rounds, radius, streams = 400, 2.0, 60
    game = BallLowerBound(dimension, rounds, radius=radius)
    for learner in (gradient_descent, standing_still):
        regrets = [linear_regret(game, *learner(game, seed)) for seed in range(streams)]
        # E |g_1 + ... + g_T| lies between sqrt(2 / pi) and 1 times sqrt(T); the noise of the mean is about 0.1 sqrt(T).
        ratio = np.mean(regrets) / (radius * np.sqrt(rounds))
        assert 2.0 / 3.0 <= ratio <= 1.25


@pytest.mark.parametrize("experts", [2, 16, 128])
def test_coins_cost_at_least_0_6_root_t_log_d_on_the_simplex(experts):
    rounds, streams = 1000, 40
    game = SimplexLowerBound(experts, rounds)
    for learner in (standing_still, hedge):
        regrets = [linear_regret(game, *learner(game, seed)) for seed in range(streams)]
        ratio = np.mean(regrets) / np.sqrt(rounds * np.log(experts))
        assert 0.6 <= ratio <= 1.6


def hedge(game, seed):
    """Exponential weights with the tuned rate: an upper bound of sqrt(2 T log d) for losses in [-1, 1]."""
    block = game.fresh(seed).block(0, game.horizon)
    rate = np.sqrt(2.0 * np.log(game.dimension) / game.horizon)
    before = np.vstack([np.zeros(game.dimension), np.cumsum(block.rows, axis=0)[:-1]])
    weights = np.exp(-rate * (before - before.min(axis=1, keepdims=True)))
    stream = game.fresh(seed)
    points = weights / weights.sum(axis=1, keepdims=True)
    return points, [stream.reveal(point) for point in points]


@pytest.mark.parametrize("dimension", [1, 5])
def test_following_the_leader_has_linear_regret(dimension):
    for rounds in (100, 1000):
        game = FollowTheLeaderTrap(dimension, rounds, radius=2.0)
        points, losses = follow_the_leader(game, 4)
        assert linear_regret(game, points, losses) == pytest.approx(2.0 * (rounds - 0.5), rel=1e-9)
        assert linear_regret(game, *gradient_descent(game, 4)) <= 1.5 * 4.0 * np.sqrt(rounds)


def test_a_learner_that_does_not_project_falls_off_the_cliff():
    growth = {}
    for project in (True, False):
        regrets = []
        for rounds in (500, 2000):
            game = UnprojectedTrap(3, rounds)
            points, losses = gradient_descent(game, 2, project=project)
            best = losses[0].direction
            played = sum(loss.value(point) for loss, point in zip(losses, points, strict=True))
            regrets.append(played - sum(loss.value(best) for loss in losses))
        growth[project] = regrets
    assert growth[True][1] <= 1.5 * 2.0 * np.sqrt(2000)
    # Linear growth is a factor of 4 from 500 to 2,000 rounds, growth as sqrt(T) one of 2.
    assert growth[False][1] >= 3.5 * growth[False][0] >= 0.5 * 500


def diagonal_adagrad(game, seed, *, own_norm):
    """Diagonal AdaGrad at eta = D / sqrt 2 with its own projection, or with the Euclidean one."""
    stream = game.fresh(seed)
    point, squares, points, losses = stream.domain.start, 0.0, [], []
    for _ in range(game.horizon):
        loss = stream.reveal(point)
        points.append(point)
        losses.append(loss)
        squares = squares + loss.gradient(point) ** 2
        root = np.sqrt(squares)
        moved = point - stream.domain.diameter() / np.sqrt(2.0) * loss.gradient(point) / root
        metric = oco.domains.Diagonal(root)
        point = stream.domain.project_in(moved, metric) if own_norm else stream.domain.project(moved)
    return np.array(points), losses


def test_the_euclidean_projection_after_a_preconditioned_step_has_linear_regret():
    def regret(rounds, own_norm):
        game = WrongProjectionTrap(rounds)
        return np.mean([linear_regret(game, *diagonal_adagrad(game, s, own_norm=own_norm)) for s in range(3)])

    wrong = [regret(rounds, own_norm=False) for rounds in (1000, 4000)]
    right = [regret(rounds, own_norm=True) for rounds in (1000, 4000)]
    assert wrong[1] >= 3.3 * wrong[0]
    assert right[1] <= 2.5 * right[0]
    assert wrong[1] >= 3.0 * right[1]


def test_the_orthonormal_stream_is_drawn_with_the_given_probabilities():
    game = OrthonormalLosses(6, 20_000, probabilities=[0.7, 0.2, 0.1]).fresh(1)
    rows = game.block(0, 20_000).rows
    shares = np.linalg.eigvalsh(rows.T @ rows / 20_000)[::-1]
    assert_allclose(shares[:3], [0.7, 0.2, 0.1], atol=0.015)
    assert np.abs(shares[3:]).max() < 1e-12
    assert_allclose(game.vectors @ game.vectors.T, np.eye(3), atol=1e-13)


def test_the_rotated_game_is_the_coordinate_game_behind_a_rotation():
    plain, rotated = CoordinateGame(6), CoordinateGame(6, rotated=True)
    ours, theirs = plain.fresh(2).block(0, 144), rotated.fresh(2).block(0, 144)
    assert ours.sparse
    assert not theirs.sparse
    assert_allclose(theirs.rows @ rotated._basis, ours.rows.toarray(), atol=1e-13)
    assert_allclose(theirs.rows @ rotated.weights, ours.rows @ plain.weights, atol=1e-13)
    assert_allclose(ours.rows @ plain.weights, ours.targets, atol=1e-15)
    assert rotated.domain.contains(rotated.weights)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdaptiveBallLowerBound(2), "the adaptive adversary on the ball needs dimension >= 3, got 2"),
        (lambda: SimplexLowerBound(1), "the adversary on the simplex needs dimension >= 2, got 1"),
        (lambda: CoordinateGame(4, exponent=-1.0), r"exponent must be a number >= 0, got -1.0"),
        (lambda: oco.environments.AgainstRank(8, rank=7), "rank must be in 0..6 for dimension 8, got 7"),
        (
            lambda: oco.environments.AgainstRank(8, rank=2, small_scale=0.0),
            r"small_scale must lie in \(0, 1\], got 0.0",
        ),
        (
            lambda: OrthonormalLosses(3, probabilities=[0.5, 0.4]),
            r"probabilities must be 1..3 numbers >= 0 that sum to 1",
        ),
        (lambda: WrongProjectionTrap(spread=-1.0), r"spread must be a number >= 0, got -1.0"),
        (lambda: UnprojectedTrap(0), "dimension and horizon must be at least 1, got 0 and 1000"),
    ],
)
def test_wrong_parameters_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_domains_are_those_of_the_theorems():
    assert isinstance(SimplexLowerBound(4).domain, Simplex)
    assert BallLowerBound(4, radius=3.0).domain.diameter() == 6.0
