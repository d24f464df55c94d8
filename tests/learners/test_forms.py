"""Every form of a learner plays the same game: round by round, in blocks, over sparse rows, in any pieces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_svmlight_file

import oco
from oco.domains import Ball
from oco.learners.base import state_arrays
from oco.learners.plain import FDAdaGrad as PlainFDAdaGrad
from oco.losses.rows import RowBlock, dense_row
from oco.losses.scalar import Absolute, Hinge, Linear, Logistic, Squared, evaluate

from .awkward import DIMENSION, awkward_rows, start


def learners():
    return [
        oco.FDAdaGrad(rank=3, learning_rate=0.3),
        oco.FDAdaGrad(rank=3, learning_rate=0.3, buffer=1),
        oco.FDAdaGrad(rank=20, learning_rate=0.3, delta=0.1),
        oco.FDAdaGrad(rank=49, learning_rate=0.3),
        oco.FullMatrixAdaGrad(learning_rate=0.3),
        oco.DiagonalAdaGrad(learning_rate=0.3),
        oco.DiagonalAdaGrad(learning_rate=0.3, delta=0.5),
        oco.AdaGradNorm(learning_rate=0.3),
        oco.OGD(learning_rate=0.3),
        oco.OGD(learning_rate=0.05, schedule="constant"),
    ]


def family():
    """Other members of the family that the same kernels play."""
    return [
        oco.AdaptiveFDAdaGrad(learning_rate=0.3, tolerance=0.5),
        oco.FDAdaGrad(rank=4, learning_rate=0.3, decay=0.95),
        oco.FDAdaGrad(rank=4, learning_rate=0.3, delta=0.1, compensation="half", projection_delta=0.5),
        oco.learners.AdaFD(rank=4, learning_rate=0.3, ridge=1.0),
        oco.learners.AdaFFD(rank=4, learning_rate=0.3, ridge=1.0),
        oco.learners.FDSON(rank=4, learning_rate=2.0),
        oco.learners.RFDSON(rank=4, learning_rate=2.0),
        oco.learners.FTSL(rank=4, learning_rate=0.3, ridge=1.0),
        oco.learners.FTFSL(rank=4, learning_rate=0.3, ridge=1.0),
    ]


def domains():
    return [
        oco.Unbounded(DIMENSION),
        Ball(0.4, dimension=DIMENSION),
        Ball(0.4, center=np.linspace(-0.2, 0.1, DIMENSION)),
    ]


def play_round_by_round(learner, domain, block):
    learner = start(learner, domain, len(block))
    losses = np.empty(len(block))
    for i in range(len(block)):
        row = dense_row(block.rows, i)
        margin = float(row @ learner.prediction)
        losses[i], slope = evaluate(block.scalar.code, block.scalar.parameter, margin, block.targets[i])
        learner.update(slope * row)
    return learner, losses


def play_in_pieces(learner, domain, block, stops):
    learner = start(learner, domain, len(block))
    losses, before = [], 0
    for stop in [*stops, len(block)]:
        outcome = learner.play_block(RowBlock(block.scalar, block.rows[before:stop], block.targets[before:stop]))
        assert outcome.stopped == -1
        losses.append(outcome.losses)
        before = stop
    return learner, np.concatenate(losses)


@pytest.mark.parametrize("domain", domains(), ids=["unbounded", "ball", "moved ball"])
@pytest.mark.parametrize("learner", learners() + family(), ids=repr)
def test_blocks_are_rounds(learner, domain):
    rows, targets = awkward_rows()
    dense, csr = RowBlock(Logistic(), rows, targets), RowBlock(Logistic(), sparse.csr_array(rows), targets)
    expected, losses = play_round_by_round(learner, domain, dense)
    for block, stops in ((dense, []), (dense, [1, 2, 3, 50, 333]), (csr, []), (csr, [7, 8, 450])):
        got, got_losses = play_in_pieces(learner, domain, block, stops)
        assert got_losses == pytest.approx(losses, rel=1e-9, abs=1e-12)
        assert got.prediction == pytest.approx(expected.prediction, abs=1e-11)
        if hasattr(expected, "escaped_mass"):
            assert got.escaped_mass == pytest.approx(expected.escaped_mass, rel=1e-11, nan_ok=True)


@pytest.mark.parametrize("scalar", [Linear(), Squared(), Absolute(), Hinge()], ids=lambda scalar: scalar.name)
@pytest.mark.parametrize("learner", [oco.FDAdaGrad(rank=4, learning_rate=0.05), oco.OGD(learning_rate=0.05)], ids=repr)
def test_every_loss(scalar, learner):
    rows, targets = awkward_rows(300, seed=1)
    block = RowBlock(scalar, rows, targets)
    domain = Ball(1.0, dimension=DIMENSION)
    expected, losses = play_round_by_round(learner, domain, block)
    got, got_losses = play_in_pieces(learner, domain, block, [123])
    assert got_losses == pytest.approx(losses, rel=1e-9, abs=1e-12)
    assert got.prediction == pytest.approx(expected.prediction, abs=1e-10)


@pytest.mark.parametrize("learner", learners() + family(), ids=repr)
def test_rounds_and_blocks_can_be_mixed(learner):
    rows, targets = awkward_rows(200, seed=2)
    domain = Ball(0.7, dimension=DIMENSION)
    block = RowBlock(Logistic(), rows, targets)
    expected, _ = play_round_by_round(learner, domain, block)
    mixed = start(learner, domain, 200)
    for first in range(0, 200, 50):
        mixed.play_block(RowBlock(Logistic(), rows[first : first + 25], targets[first : first + 25]))
        for i in range(first + 25, first + 50):
            slope = evaluate(Logistic.code, 0.0, float(rows[i] @ mixed.prediction), targets[i])[1]
            mixed.update(slope * rows[i])
    assert mixed.prediction == pytest.approx(expected.prediction, abs=1e-11)


def test_forms_are_named():
    rows, targets = awkward_rows(60, seed=3)
    domain = oco.Unbounded(DIMENSION)

    def form(learner, rows):
        return start(learner, domain, 60).play_block(RowBlock(Logistic(), rows, targets)).form

    plain = np.random.default_rng(0).standard_normal(rows.shape)
    assert form(oco.FDAdaGrad(rank=3, learning_rate=1.0, delta=1.0), plain) == "block-ahead"
    assert form(oco.FDAdaGrad(rank=3, learning_rate=1.0), plain) == "block-ahead and online"
    assert form(oco.FDAdaGrad(rank=3, learning_rate=1.0), rows) == "block-ahead and online"
    assert form(oco.FDAdaGrad(rank=49, learning_rate=1.0), rows) == "fused loop"
    assert form(oco.OGD(learning_rate=1.0), sparse.csr_array(rows)) == "fused loop over sparse rows"


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("learner", learners(), ids=repr)
def test_a_stream_stops_before_the_round_that_is_not_finite(learner, kind):
    """A target of 1e200 under the squared loss: the loss overflows in round 37, and the state is that of round 36."""
    rows, targets = awkward_rows(80, seed=4)
    targets[37] = 1e200
    make = sparse.csr_array if kind == "sparse" else np.asarray
    domain = Ball(0.4, dimension=DIMENSION)
    stopped = start(learner, domain, 80)
    outcome = stopped.play_block(RowBlock(Squared(), make(rows), targets))
    assert outcome.stopped == 37
    assert not np.isfinite(outcome.losses[37])
    before = start(learner, domain, 80)
    before.play_block(RowBlock(Squared(), make(rows[:37]), targets[:37]))
    assert stopped.prediction == pytest.approx(before.prediction, abs=1e-12)
    for path, array in state_arrays(stopped.state):
        assert np.all(np.isfinite(array)), path


@pytest.mark.parametrize("scale", [1e-150, 1e150])
@pytest.mark.parametrize("learner", learners()[:2] + [oco.AdaGradNorm(), oco.DiagonalAdaGrad()], ids=repr)
def test_rows_of_any_size(learner, scale):
    """Linear losses: the trajectory on the ball does not know the scale of the rows (delta = 0)."""
    rows, targets = awkward_rows(150, seed=5)
    domain = Ball(0.4, dimension=DIMENSION)
    plain, _ = play_in_pieces(learner, domain, RowBlock(Linear(), rows, targets), [])
    for make in (np.asarray, sparse.csr_array):
        scaled, losses = play_in_pieces(learner, domain, RowBlock(Linear(), make(scale * rows), targets), [])
        assert np.all(np.isfinite(losses))
        assert scaled.prediction == pytest.approx(plain.prediction, abs=1e-10)


def test_rows_that_are_read_only_compile_nothing_new():
    from oco.learners._block_ahead import play_stream

    rows, targets = awkward_rows(60, seed=6)
    learner = start(oco.FDAdaGrad(rank=3, learning_rate=1.0), oco.Unbounded(DIMENSION), 60)
    learner.play_block(RowBlock(Logistic(), rows, targets))
    compiled = len(play_stream.compiled.signatures)
    rows.flags.writeable = False
    targets.flags.writeable = False
    learner.play_block(RowBlock(Logistic(), rows, targets))
    frozen = sparse.csr_array(rows)
    frozen.data.flags.writeable = False
    learner.play_block(RowBlock(Logistic(), frozen, targets))
    gradient = np.ones(DIMENSION)
    gradient.flags.writeable = False
    learner.update(gradient)
    assert len(play_stream.compiled.signatures) == compiled


def test_nothing_is_densified_in_a_million_dimensions():
    """Memory: the state is d (k + b) floats and the scratch a few vectors; 500 rows of 20 nonzeros add nothing."""
    rng = np.random.default_rng(7)
    d, rounds = 1_000_000, 500
    indices = np.sort(rng.integers(0, 3000, (rounds, 20)) * 333, axis=1)
    rows = sparse.csr_array(
        (rng.standard_normal(rounds * 20), indices.ravel(), np.arange(0, 20 * rounds + 1, 20)), shape=(rounds, d)
    )
    rows.sum_duplicates()
    targets = np.where(rng.random(rounds) < 0.5, 1.0, -1.0)
    used = np.unique(rows.indices)
    small = sparse.csr_array(rows[:, used])
    for learner in (
        oco.FDAdaGrad(rank=4, learning_rate=0.3),
        oco.DiagonalAdaGrad(learning_rate=0.3),
        oco.OGD(learning_rate=0.3),
    ):
        large, losses = play_in_pieces(learner, oco.Unbounded(d), RowBlock(Logistic(), rows, targets), [])
        dense, dense_losses = play_in_pieces(
            learner, oco.Unbounded(used.size), RowBlock(Logistic(), small, targets), []
        )
        assert losses == pytest.approx(dense_losses, rel=1e-10)
        assert large.prediction[used] == pytest.approx(dense.prediction, abs=1e-11)
        assert not np.delete(large.prediction, used).any()


def worst_difference(learner, plain, block, domain, every):
    """Largest relative difference of iterates between ``learner`` in blocks and the plain definition."""
    rounds = len(block)
    learner = start(learner, domain, rounds)
    online = start(learner, domain, rounds)
    worst = 0.0
    for first in range(0, rounds, every):
        piece = RowBlock(block.scalar, block.rows[first : first + every], block.targets[first : first + every])
        learner.play_block(piece)
        for i in range(len(piece)):
            row = piece.rows[i]
            slope = evaluate(block.scalar.code, 0.0, float(row @ plain.point), piece.targets[i])[1]
            plain.update(slope * row)
            slope = evaluate(block.scalar.code, 0.0, float(row @ online.prediction), piece.targets[i])[1]
            online.update(slope * row)
        size = np.linalg.norm(plain.point)
        for played in (learner, online):
            worst = max(worst, float(np.linalg.norm(played.prediction - plain.point) / size))
            assert played.escaped_mass == pytest.approx(plain.sketch.escaped_mass, rel=1e-10)
    return worst


@pytest.mark.data
@pytest.mark.parametrize("seed", [0, 1])
def test_rows_in_the_span_of_a_sketch_that_is_not_full_are_not_new(data_directory, seed):
    """While delta and the escaped mass are 0, a residual of rounding size must not become a direction."""
    rows, labels = load_svmlight_file(str(data_directory / "a9a.bz2"), n_features=123)
    order = np.random.default_rng(seed).permutation(rows.shape[0])[:300]
    rows = np.ascontiguousarray(np.hstack([rows[order].toarray(), np.ones((300, 1))]))
    block = RowBlock(Logistic(), rows, np.where(labels[order] > 0, 1.0, -1.0))
    plain = PlainFDAdaGrad(124, 64, 7.0, 5.0)
    learner = oco.FDAdaGrad(rank=64, learning_rate=7.0)
    assert worst_difference(learner, plain, block, Ball(5.0, dimension=124), 300) < 1e-10


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("radius", [math.inf, 2.0])
@pytest.mark.parametrize("rank", [10])
def test_an_svd_every_round_on_a9a(data_directory, rank, radius):
    """All 32,561 rounds of a9a: online and in blocks, against the definition, to 1e-10."""
    rows, labels = load_svmlight_file(str(data_directory / "a9a.bz2"), n_features=123)
    rows = np.ascontiguousarray(np.hstack([rows.toarray(), np.ones((rows.shape[0], 1))]))
    domain = oco.Unbounded(124) if math.isinf(radius) else Ball(radius, dimension=124)
    block = RowBlock(Logistic(), rows, np.where(labels > 0, 1.0, -1.0))
    plain = PlainFDAdaGrad(124, rank, 0.1, radius)
    assert worst_difference(oco.FDAdaGrad(rank=rank, learning_rate=0.1), plain, block, domain, 4000) < 1e-10


def ill_conditioned(rounds, d=40, seed=0):
    """Rows with feature scales from 1 to 1e-6 behind a rotation, and targets that need every feature."""
    rng = np.random.default_rng(seed)
    scales = np.logspace(0, -6, d)
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
    rows = (rng.standard_normal((rounds, d)) * scales) @ rotation
    targets = np.where(rows @ rotation.T @ (1.0 / scales) + rng.standard_normal(rounds) > 0.0, 1.0, -1.0)
    return RowBlock(Logistic(), rows, targets)


@pytest.mark.slow
@pytest.mark.parametrize("radius", [math.inf, 2.0])
@pytest.mark.parametrize("rank", [5, 20, 36])
def test_an_svd_every_round_on_an_ill_conditioned_stream(rank, radius):
    """30,000 rounds: online, in blocks and in full (rank 36), to 1e-10."""
    block = ill_conditioned(30_000)
    domain = oco.Unbounded(40) if math.isinf(radius) else Ball(radius, dimension=40)
    plain = PlainFDAdaGrad(40, rank, 0.1, radius)
    assert worst_difference(oco.FDAdaGrad(rank=rank, learning_rate=0.1), plain, block, domain, 5000) < 1e-10


def test_a_covariance_of_condition_1e12_is_inverted_as_well_as_its_gradients_are_known():
    """At rank d - 1 nothing is damped: rows known to one unit in the last place fix the iterate to about 1e-10 only.

    The learner is no further from the definition than the definition is from itself on rows moved by that much.
    """
    block = ill_conditioned(1500)
    nudge = np.random.default_rng(1).choice([-1.0, 1.0], block.rows.shape) * np.finfo(float).eps
    domain = oco.Unbounded(40)
    learner = start(oco.FDAdaGrad(rank=39, learning_rate=0.1), domain, 1500)
    learner.play_block(block)
    points = []
    for rows in (block.rows, block.rows * (1.0 + nudge)):
        plain = PlainFDAdaGrad(40, 39, 0.1)
        for row, target in zip(rows, block.targets, strict=True):
            plain.update(evaluate(Logistic.code, 0.0, float(row @ plain.point), target)[1] * row)
        points.append(plain.point)
    sensitivity = np.linalg.norm(points[1] - points[0])
    assert np.linalg.norm(learner.prediction - points[0]) < 5.0 * sensitivity
    assert sensitivity < 1e-9 * np.linalg.norm(points[0])
