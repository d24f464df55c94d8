"""Long blocks of CSR rows, played as short ones, are the rounds of the definition, whatever the lengths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import sparse

import oco
from oco.domains import Ball
from oco.learners import _nested_blocks, _sketched
from oco.learners._nested_blocks import long_blocks, most_nonzeros
from oco.learners.base import state_arrays
from oco.learners.plain import FDAdaGrad as PlainFDAdaGrad
from oco.losses.rows import RowBlock
from oco.losses.scalar import Logistic, Squared, evaluate

from .awkward import DIMENSION, awkward_rows, start


@pytest.fixture
def nest(monkeypatch):
    """Blocks of every length are nested: ``nest(long, short)``."""

    def use(long, short):
        monkeypatch.setattr(_sketched, "LONG", 1)
        monkeypatch.setattr(_sketched, "long_blocks", lambda *_: (long, short))

    return use


@pytest.fixture
def long_blocks_played(monkeypatch):
    """How often a stream was played in long blocks."""
    played = []

    def play(*arguments):
        played.append(arguments[0])
        return _nested_blocks.play_long_stream(*arguments)

    monkeypatch.setattr(_sketched, "play_long_stream", play)
    return played


def rows_for_blocks(rounds=260, seed=0):
    """Awkward rows that also repeat across short blocks, and nearly."""
    rows, targets = awkward_rows(rounds, seed)
    rng = np.random.default_rng(seed)
    rows[61] = rows[20]
    rows[130:190:10] = rows[130] * (1.0 + 1e-9 * rng.standard_normal((6, DIMENSION)))
    rows[-3] = rows[-1] * (1.0 + 1e-9)
    return rows, targets


def definition(rank, rate, delta, radius, rows, targets):
    """Points after every round, losses, and the escaped mass, with an SVD in every round."""
    plain = PlainFDAdaGrad(DIMENSION, rank, rate, radius, delta)
    points, losses = [], []
    for row, target in zip(rows, targets, strict=True):
        loss, slope = evaluate(Logistic.code, 0.0, float(row @ plain.point), target)
        losses.append(loss)
        plain.update(slope * row)
        points.append(plain.point.copy())
    return points, np.array(losses), plain.sketch.escaped_mass


@pytest.mark.parametrize("lengths", [(1, 1), (7, 3), (64, 16), (100, 30), (512, 17)], ids=str)
@pytest.mark.parametrize("radius", [math.inf, 0.4, 3.0])
@pytest.mark.parametrize("delta", [0.0, 0.1])
def test_every_length_plays_the_definition(nest, long_blocks_played, lengths, radius, delta):
    """In one piece and in pieces that end in the middle of blocks; the ball of radius 0.4 binds in most rounds."""
    nest(*lengths)
    rows, targets = rows_for_blocks()
    csr = sparse.csr_array(rows)
    domain = oco.Unbounded(DIMENSION) if math.isinf(radius) else Ball(radius, dimension=DIMENSION)
    learner = oco.FDAdaGrad(rank=5, learning_rate=0.3, delta=delta)
    points, losses, escaped = definition(5, 0.3, delta, radius, rows, targets)
    if radius == 0.4:
        assert np.mean(np.linalg.norm(points, axis=1) > 0.399) > 0.5
    for stops in ([260], [1, 2, 9, 37, 41, 155, 260]):
        played, before = start(learner, domain, 260), 0
        for stop in stops:
            outcome = played.play_block(RowBlock(Logistic(), csr[before:stop], targets[before:stop]))
            assert outcome.stopped == -1
            assert outcome.losses == pytest.approx(losses[before:stop], rel=1e-9, abs=1e-12)
            assert played.prediction == pytest.approx(points[stop - 1], abs=1e-11)
            before = stop
        assert played.escaped_mass == pytest.approx(escaped, rel=1e-10)
    assert len(long_blocks_played) == 8


@pytest.mark.parametrize("lengths", [(20, 6), (300, 40)], ids=str)
@pytest.mark.parametrize(
    "learner",
    [
        oco.AdaptiveFDAdaGrad(learning_rate=0.3, tolerance=0.5, buffer=2),
        oco.FDAdaGrad(rank=4, learning_rate=0.3, decay=0.95),
        oco.FDAdaGrad(rank=4, learning_rate=0.3, delta=0.1, compensation="half", projection_delta=0.5),
        oco.learners.AdaFD(rank=4, learning_rate=0.3, ridge=1.0),
        oco.learners.AdaFFD(rank=4, learning_rate=0.3, ridge=1.0),
        oco.learners.FDSON(rank=4, learning_rate=2.0),
        oco.learners.RFDSON(rank=4, learning_rate=2.0),
        oco.learners.FTSL(rank=4, learning_rate=0.3, ridge=1.0),
    ],
    ids=repr,
)
def test_the_family_plays_its_rounds(nest, learner, lengths):
    """Blocks and single gradients in turns, on a ball around another point, as single gradients alone."""
    nest(*lengths)
    rows, targets = rows_for_blocks(seed=1)
    csr, domain = sparse.csr_array(rows), Ball(0.4, center=np.linspace(-0.2, 0.1, DIMENSION))
    single, mixed = start(learner, domain, 260), start(learner, domain, 260)

    def step(learner, i):
        slope = evaluate(Logistic.code, 0.0, float(rows[i] @ learner.prediction), targets[i])[1]
        learner.update(slope * rows[i])

    for first, stop in ((0, 90), (90, 95), (95, 260)):
        mixed.play_block(RowBlock(Logistic(), csr[first : stop - 2], targets[first : stop - 2]))
        for i in (stop - 2, stop - 1):
            step(mixed, i)
        for i in range(first, stop):
            step(single, i)
        assert mixed.prediction == pytest.approx(single.prediction, abs=1e-11)


@pytest.mark.parametrize("lengths", [(20, 6), (300, 40)], ids=str)
@pytest.mark.parametrize("domain", [oco.Unbounded(DIMENSION), Ball(0.4, dimension=DIMENSION)], ids=str)
def test_a_stream_stops_before_the_round_that_is_not_finite(nest, lengths, domain):
    nest(*lengths)
    rows, targets = rows_for_blocks(200, seed=2)
    csr = sparse.csr_array(rows)
    targets[137] = 1e200
    learner = oco.FDAdaGrad(rank=5, learning_rate=0.3, delta=0.1)
    stopped, before = start(learner, domain, 200), start(learner, domain, 200)
    outcome = stopped.play_block(RowBlock(Squared(), csr, targets))
    assert outcome.stopped == 137
    assert not np.isfinite(outcome.losses[137])
    before.play_block(RowBlock(Squared(), csr[:137], targets[:137]))
    assert stopped.prediction == pytest.approx(before.prediction, abs=1e-12)
    for path, array in state_arrays(stopped.state):
        assert np.all(np.isfinite(array)), path


@pytest.mark.parametrize("radius", [math.inf, 0.4])
def test_weights_that_grow_end_a_block(nest, radius):
    """Rows within 3 % of two, so that directions have weights on them whose squares exceed 1e5."""
    nest(240, 8)
    rng = np.random.default_rng(3)
    near = rng.standard_normal((2, DIMENSION))
    rows = rng.standard_normal((240, 2)) @ near + 0.03 * rng.standard_normal((240, DIMENSION)) / math.sqrt(DIMENSION)
    targets = np.where(rng.random(240) < 0.5, 1.0, -1.0)
    domain = oco.Unbounded(DIMENSION) if math.isinf(radius) else Ball(radius, dimension=DIMENSION)
    points, losses, escaped = definition(4, 0.3, 0.1, radius, rows, targets)
    learner = start(oco.FDAdaGrad(rank=4, learning_rate=0.3, delta=0.1), domain, 240)
    outcome = learner.play_block(RowBlock(Logistic(), sparse.csr_array(rows), targets))
    assert outcome.losses == pytest.approx(losses, rel=1e-9, abs=1e-12)
    assert learner.prediction == pytest.approx(points[-1], abs=1e-10)
    assert learner.escaped_mass == pytest.approx(escaped, rel=1e-9)
    directions = learner.state.sketch.eigenvectors
    assert directions @ directions.T == pytest.approx(np.eye(4), abs=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("radius", [math.inf, 1.0])
def test_an_svd_every_round_over_many_long_blocks(nest, radius):
    """20,000 rounds to 1e-10, and directions that are still orthonormal."""
    rng = np.random.default_rng(7)
    rows = rng.standard_normal((20_000, DIMENSION)) * np.arange(1, DIMENSION + 1) ** -0.5
    rows *= rng.random(rows.shape) < 0.4
    margins = rows @ rng.standard_normal(DIMENSION)
    targets = np.where(margins + rng.standard_normal(20_000) > 0.0, 1.0, -1.0)
    domain = oco.Unbounded(DIMENSION) if math.isinf(radius) else Ball(radius, dimension=DIMENSION)
    points, losses, escaped = definition(10, 0.1, 0.0, radius, rows, targets)
    for lengths in ((1024, 20), (4096, 30)):
        nest(*lengths)
        learner, forms = start(oco.FDAdaGrad(rank=10, learning_rate=0.1), domain, 20_000), set()
        for first in range(0, 20_000, 5_000):
            piece = slice(first, first + 5_000)
            outcome = learner.play_block(RowBlock(Logistic(), sparse.csr_array(rows[piece]), targets[piece]))
            forms.add(outcome.form)
            np.testing.assert_allclose(outcome.losses, losses[piece], rtol=1e-9, atol=1e-12)
            point = points[piece.stop - 1]
            assert np.linalg.norm(learner.prediction - point) < 1e-10 * np.linalg.norm(point)
        assert "block-ahead" in forms
        assert learner.escaped_mass == pytest.approx(escaped, rel=1e-10)
        directions = learner.state.sketch.eigenvectors
        assert directions @ directions.T == pytest.approx(np.eye(10), abs=1e-11)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_rows_of_any_size(nest, scale):
    """Linear losses: the trajectory on the ball does not know the scale of the rows (delta = 0)."""
    nest(50, 12)
    rows, targets = rows_for_blocks(seed=4)
    domain, points = Ball(0.4, dimension=DIMENSION), []
    for factor in (1.0, scale):
        learner = start(oco.FDAdaGrad(rank=3, learning_rate=0.3), domain, 260)
        learner.play_block(RowBlock(oco.losses.Linear(), sparse.csr_array(factor * rows), targets))
        points.append(learner.prediction)
    assert points[1] == pytest.approx(points[0], abs=1e-10)


def test_a_block_in_many_dimensions_is_nested(long_blocks_played):
    """30,000 coordinates of which 40 are used: the definition in 40 dimensions, and directions that are orthonormal."""
    rng = np.random.default_rng(5)
    used = np.sort(rng.choice(30_000, DIMENSION, replace=False))
    rows, targets = rows_for_blocks(250, seed=5)
    small = sparse.csr_array(rows)
    wide = sparse.csr_array((small.data, used[small.indices], small.indptr), shape=(250, 30_000))
    points, losses, _ = definition(8, 0.3, 0.05, math.inf, rows, targets)
    learner = start(oco.FDAdaGrad(rank=8, learning_rate=0.3, delta=0.05), oco.Unbounded(30_000), 250)
    outcome = learner.play_block(RowBlock(Logistic(), wide, targets))
    assert outcome.losses == pytest.approx(losses, rel=1e-9, abs=1e-12)
    assert learner.prediction[used] == pytest.approx(points[-1], abs=1e-11)
    assert not np.delete(learner.prediction, used).any()
    directions = learner.state.sketch.eigenvectors
    assert directions @ directions.T == pytest.approx(np.eye(8), abs=1e-12)
    assert long_blocks_played == [0]


def test_blocks_grow_with_the_dimension_and_shrink_with_the_nonzeros():
    lengths = [long_blocks(d, 16, 20.0)[0] for d in (10_000, 100_000, 1_000_000)]
    assert lengths == sorted(set(lengths))
    assert long_blocks(1_000_000, 64, 10_000.0)[0] < long_blocks(1_000_000, 64, 100.0)[0]


def test_most_nonzeros_is_that_of_any_rows_in_a_row():
    counts = np.random.default_rng(6).integers(0, 9, 30)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    for length in (1, 4, 30, 99):
        expected = max(counts[i : i + length].sum() for i in range(max(1, 31 - length)))
        assert most_nonzeros(indptr, length) == expected
