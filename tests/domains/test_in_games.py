"""Every domain in degenerate games: sparse, tied, repeated, tiny and huge rows, and nothing escaped."""

import numpy as np
import pytest

import oco
from oco.domains import AffineSlice, Ball, BallBox, Box, FrobeniusBall, HalfSpace, L1Ball, Simplex, Slab, SpectralBall

ROUNDS = 15


def rows_of(kind, generator, dimension):
    signs = generator.choice([-1.0, 0.0, 1.0], (ROUNDS, dimension))
    return {
        "binary": (generator.random((ROUNDS, dimension)) < 0.2) * 1.0,
        "signs": signs,
        "repeated": np.repeat(signs[: ROUNDS // 5], 5, axis=0),
        "one": np.tile(np.abs(signs[:1]), (ROUNDS, 1)),
        "basis": np.eye(dimension)[generator.integers(0, dimension, ROUNDS)],
        "graded": generator.standard_normal((ROUNDS, dimension)) * np.geomspace(1.0, 1e-6, dimension),
        "tiny": 1e-9 * signs,
        "tiniest": 1e-150 * signs,
        "huge": 1e150 * signs,
    }[kind]


def domains_of_vectors(d):
    odd = np.arange(d) % 2 == 1
    return [
        Ball(1.0, center=np.full(d, 0.3)),
        Box(-0.5, 0.5, dimension=d),
        Box(0.0, np.inf, dimension=d),
        Box(np.where(odd, -1.0, 0.25), np.where(odd, 1.0, 0.25)),  # every other coordinate is fixed
        Simplex(1.0, d),
        L1Ball(1.0, d),
        HalfSpace(np.ones(d), 0.5),
        Slab(np.ones(d), 0.5),
        AffineSlice(np.ones((1, d)), [1.0]),
        BallBox(1.0, None, -0.5, 0.5, d),
        BallBox(1.0, None, 0.0, np.inf, d),
    ]


def learners():
    return [
        oco.OGD(learning_rate=1.0),
        oco.DiagonalAdaGrad(learning_rate=1.0),
        oco.FullMatrixAdaGrad(learning_rate=1.0),
        oco.FDAdaGrad(rank=1, learning_rate=1.0),
        oco.FDAdaGrad(rank=4, learning_rate=1.0),
    ]


def require_game(game, learner):
    record = oco.play(game, learner, seed=0, comparator=False)
    assert game.domain.contains(record.player.prediction, 1e-9), (game.domain, learner)


@pytest.mark.parametrize("kind", ["binary", "signs", "repeated", "one", "basis", "graded", "tiny", "tiniest", "huge"])
@pytest.mark.parametrize("dimension", [1, 2, 9])
def test_no_projection_is_refused_in_degenerate_games(dimension, kind):
    generator = np.random.default_rng([dimension, len(kind)])
    for domain in domains_of_vectors(dimension):
        labels = generator.choice([-1.0, 1.0], ROUNDS)
        game = oco.environments.LinearLosses(rows_of(kind, generator, dimension), labels, domain=domain, order="file")
        for learner in learners():
            require_game(game, learner)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 2), (4, 4)])
def test_no_projection_is_refused_in_games_of_matrices(shape):
    for domain in (FrobeniusBall(0.7), SpectralBall(0.4), Box(-0.2, 0.3), BallBox(0.7, np.zeros(shape), -0.2, 0.3)):
        game = oco.environments.MatrixRegression(shape=shape, horizon=30, domain=domain)
        for learner in (
            *learners(),
            oco.Shampoo(learning_rate=1.0),
            oco.OneSidedShampoo(learning_rate=1.0),
            oco.SketchedShampoo(rank=2, learning_rate=1.0),
            oco.SketchedOneSidedShampoo(rank=2, learning_rate=1.0),
        ):
            require_game(game, learner)
