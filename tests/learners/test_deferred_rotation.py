"""Full-matrix AdaGrad rotates its eigenvectors once for a block of rounds, and plays the points of its definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import oco
from oco.compile import kernel
from oco.domains import Ball
from oco.learners._block_rotation import LENGTH, Deferring
from oco.learners._deferred_rotation import SMALLEST, play_deferred
from oco.learners._records import Stream
from oco.learners.base import Problem
from oco.losses.rows import RowBlock
from oco.losses.scalar import Absolute, Logistic, Squared

DIMENSION = SMALLEST + 5


def rows_of(kind, rounds=900):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((rounds, DIMENSION))
    if kind == "ill-conditioned":
        rows *= np.logspace(0, -6, DIMENSION)
    elif kind == "two scales":
        rows *= np.where(np.arange(DIMENSION) < 20, 1.0, 1e-3)
    elif kind == "one direction again and again":
        rows[300:600] = rows[299]
    elif kind == "orthogonal rows":
        rows = np.tile(np.linalg.qr(rows[:DIMENSION])[0], (rounds // DIMENSION + 1, 1))[:rounds]
    elif kind == "growing":
        rows *= np.logspace(-8, 8, rounds)[:, None]
    return rows


def played(learner, rows, scalar, domain):
    targets = np.where(np.random.default_rng(5).random(rows.shape[0]) < 0.5, 1.0, -1.0)
    learner.start(Problem(domain, rows.shape[0]))
    return learner.play_block(RowBlock(scalar, rows, targets))


KINDS = ["plain", "ill-conditioned", "two scales", "one direction again and again", "orthogonal rows", "growing"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scalar", [Squared(), Absolute(), Logistic()], ids=lambda scalar: scalar.name)
def test_the_eigenpairs_are_those_of_the_gradients_covariance(kind, scalar):
    rows = rows_of(kind)
    learner = oco.FullMatrixAdaGrad(learning_rate=0.1)
    gradients = played(learner, rows, scalar, Ball(2.0, dimension=DIMENSION)).slopes[:, None] * rows
    covariance = gradients.T @ gradients
    values, vectors = learner.state.sketch.eigenvalues, learner.state.sketch.eigenvectors
    largest = np.linalg.eigvalsh(covariance)[-1]
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(len(vectors)), atol=1e-12)
    np.testing.assert_allclose(vectors.T * values @ vectors, covariance, rtol=0.0, atol=1e-12 * largest)


@pytest.mark.parametrize("kind", KINDS[:-1])  # the covariance of growing rows is singular to rounding
@pytest.mark.parametrize("domain", [oco.Unbounded(DIMENSION), Ball(0.5, dimension=DIMENSION)], ids=["space", "ball"])
def test_points_are_those_of_the_definition(kind, domain):
    """``x - eta H^{-1} g`` and the projection in H's norm, from an eigen-decomposition in every round."""
    rows, rate = rows_of(kind, 400), 0.1
    learner = oco.FullMatrixAdaGrad(learning_rate=rate, delta=1e-3)
    slopes = played(learner, rows, Logistic(), domain).slopes
    point, covariance = np.zeros(DIMENSION), 1e-3 * np.eye(DIMENSION)
    for row, slope in zip(rows, slopes, strict=True):
        gradient = slope * row
        covariance += np.outer(gradient, gradient)
        values, vectors = np.linalg.eigh(covariance)
        root = np.sqrt(values)
        along = vectors.T @ point - rate * (vectors.T @ gradient) / root
        if np.isfinite(domain.radius("l2")) and np.linalg.norm(along) > 0.5:
            low, high = 0.0, 1e6
            for _ in range(200):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if np.linalg.norm(root / (root + middle) * along) > 0.5 else (low, middle)
            along *= root / (root + high)
        point = vectors @ along
    np.testing.assert_allclose(learner.prediction, point, rtol=0.0, atol=1e-9 * np.abs(point).max())


def test_a_block_ends_before_a_round_that_is_not_finite():
    rows = rows_of("plain")
    rows[10 * LENGTH + 200] = np.inf
    learner = oco.FullMatrixAdaGrad(learning_rate=0.1)
    outcome = played(learner, rows, Logistic(), Ball(2.0, dimension=DIMENSION))
    assert outcome.stopped == 10 * LENGTH + 200
    assert learner.state.sketch.rounds == outcome.stopped


def test_sparse_rows_are_played_as_dense_ones():
    rows = rows_of("plain") * (np.random.default_rng(1).random((900, DIMENSION)) < 0.2)
    points = []
    for given in (rows, sparse.csr_array(rows)):
        learner = oco.FullMatrixAdaGrad(learning_rate=0.1)
        played(learner, given, Logistic(), Ball(2.0, dimension=DIMENSION))
        points.append(learner.prediction)
    np.testing.assert_allclose(points[0], points[1], rtol=0.0, atol=1e-12)


@kernel
def play_one_block(begin, stream, moving, sketch, recipe, scratch, room):
    return play_deferred(begin, stream, moving, sketch, recipe, scratch, room)


def test_blocks_of_plain_rows_are_played_whole():
    """Were they refused, every round would rotate the eigenvectors, and nothing else would show it."""
    rows = rows_of("plain")
    learner = oco.FullMatrixAdaGrad(learning_rate=0.1)
    learner.start(Problem(Ball(2.0, dimension=DIMENSION), len(rows)))
    learner.play_block(RowBlock(Logistic(), rows, np.ones(len(rows))))
    player, stream = learner._player, Stream.of(RowBlock(Logistic(), rows, np.ones(len(rows))), None)
    arguments = player._hold(learner.state).arguments
    assert play_one_block(0, stream, *arguments, Deferring.empty(DIMENSION)) == LENGTH
