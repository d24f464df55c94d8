"""Compiled rounds on boxes, simplices, l1 balls, bands and slices play the definition, each projection certified."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import oco
from oco.domains import (
    AffineSlice,
    Box,
    Diagonal,
    HalfSpace,
    L1Ball,
    ScaledIdentity,
    Simplex,
    Slab,
    projection_residual,
)
from oco.learners._anchored import Anchorage
from oco.losses.rows import RowBlock
from oco.losses.scalar import Logistic, evaluate

from .test_forms import DIMENSION, awkward_rows, family, play_in_pieces, play_round_by_round, start

ODD = np.arange(DIMENSION) % 2 == 1


def grounds():
    generator = np.random.default_rng(3)
    normal, equations = generator.standard_normal(DIMENSION), generator.standard_normal((3, DIMENSION))
    return {
        "box": Box(-0.2, 0.1, dimension=DIMENSION),
        "one-sided box": Box(np.where(ODD, -0.1, -np.inf), np.where(ODD, np.inf, 0.1)),
        "box with fixed coordinates": Box(np.where(ODD, 0.1, -0.2), np.where(ODD, 0.1, 0.2)),
        "simplex": Simplex(1.0, DIMENSION),
        "l1 ball": L1Ball(0.7, DIMENSION),
        "half-space": HalfSpace(normal, -0.5),
        "slab": Slab(normal, 0.05),
        "slice": AffineSlice(equations, np.ones(3)),
    }


def learners():
    return [
        oco.FDAdaGrad(rank=3, learning_rate=0.3),
        oco.FDAdaGrad(rank=3, learning_rate=0.3, buffer=0),
        oco.FDAdaGrad(rank=20, learning_rate=0.3, delta=0.1),
        oco.FullMatrixAdaGrad(learning_rate=0.3),
        oco.DiagonalAdaGrad(learning_rate=0.3),
        oco.DiagonalAdaGrad(learning_rate=0.3, delta=0.5),
        oco.AdaGradNorm(learning_rate=0.3),
        oco.OGD(learning_rate=0.3),
    ]


def players():
    """Learners, and the others that the same kernels play: those only in the long run of the tests."""
    long = [pytest.param(learner, marks=pytest.mark.slow, id=repr(learner)) for learner in family()]
    return [pytest.param(learner, id=repr(learner)) for learner in learners()] + long


@pytest.fixture
def slowly(monkeypatch):
    """The same game with every projection made by the domain, as `Domain.project_in` defines it."""

    def play(learner, domain, block):
        with monkeypatch.context() as patch:
            patch.setattr(type(domain), "as_region", lambda domain: None)
            return play_round_by_round(learner, domain, block)

    return play


@pytest.mark.parametrize("name", grounds())
@pytest.mark.parametrize("learner", players())
def test_compiled_rounds_are_those_of_the_domain(learner, name, slowly):
    domain, (rows, targets) = grounds()[name], awkward_rows(200)
    block = RowBlock(Logistic(), rows, targets)
    expected, losses = slowly(learner, domain, block)
    got, got_losses = play_round_by_round(learner, domain, block)
    assert domain.contains(got.prediction)
    np.testing.assert_allclose(got_losses, losses, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(got.prediction, expected.prediction, atol=1e-7)


@pytest.mark.parametrize("name", grounds())
@pytest.mark.parametrize("learner", players())
def test_blocks_are_rounds(learner, name):
    domain, (rows, targets) = grounds()[name], awkward_rows(300)
    dense, csr = RowBlock(Logistic(), rows, targets), RowBlock(Logistic(), sparse.csr_array(rows), targets)
    expected, losses = play_round_by_round(learner, domain, dense)
    for block, stops in ((dense, [1, 2, 3, 50]), (csr, [7, 150])):
        got, got_losses = play_in_pieces(learner, domain, block, stops)
        np.testing.assert_allclose(got_losses, losses, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(got.prediction, expected.prediction, atol=1e-11)


def norm_of(learner):
    if isinstance(learner, oco.OGD):
        return ScaledIdentity(1.0)
    if isinstance(learner, oco.DiagonalAdaGrad):
        return Diagonal(np.sqrt(learner.state.sums))
    return learner.metric()


@pytest.mark.parametrize("name", grounds())
@pytest.mark.parametrize("learner", [oco.FDAdaGrad(3, 0.3), oco.DiagonalAdaGrad(0.3), oco.OGD(0.3)], ids=repr)
def test_every_compiled_projection_satisfies_the_variational_inequality(learner, name, monkeypatch):
    """The point that was projected is the one that the same round leads to on the whole space."""
    domain, (rows, targets) = grounds()[name], awkward_rows(200)
    slow = []
    settle = Anchorage.settle
    monkeypatch.setattr(Anchorage, "settle", lambda *given: (slow.append(1), settle(*given)))
    played, free = start(learner, domain, 200), start(learner, oco.Unbounded(DIMENSION), 200)
    for row, target in zip(rows, targets, strict=True):
        gradient = evaluate(Logistic.code, 0.0, float(row @ played.prediction), target)[1] * row
        free.state.point[:] = played.prediction
        free.update(gradient)
        played.update(gradient)
        if np.any(gradient):
            assert projection_residual(domain, free.prediction, played.prediction, norm_of(played)) <= 1e-10
    assert len(slow) <= 60  # the others were made, and certified, by the kernels


@pytest.mark.parametrize("name", grounds())
@pytest.mark.parametrize("learner", learners(), ids=repr)
def test_a_stream_stops_before_the_round_that_is_not_finite(learner, name):
    domain, (rows, targets) = grounds()[name], awkward_rows(80, seed=4)
    targets[37] = np.inf
    stopped = start(learner, domain, 80)
    outcome = stopped.play_block(RowBlock(oco.losses.Squared(), rows, targets))
    assert outcome.stopped == 37
    before = start(learner, domain, 80)
    before.play_block(RowBlock(oco.losses.Squared(), rows[:37], targets[:37]))
    np.testing.assert_array_equal(stopped.prediction, before.prediction)


@pytest.mark.parametrize("name", ["box", "simplex", "l1 ball"])
def test_a_game_goes_on_from_a_copy_of_its_state_bit_for_bit(name):
    """Newton's method starts from the face of the last point, which is part of the state, and from nothing else."""
    domain, (rows, targets) = grounds()[name], awkward_rows(200)
    block = RowBlock(Logistic(), rows, targets)
    whole, _ = play_in_pieces(oco.FDAdaGrad(3, 0.3), domain, block, [100])
    first, _ = play_in_pieces(oco.FDAdaGrad(3, 0.3), domain, RowBlock(Logistic(), rows[:100], targets[:100]), [])
    other = start(oco.FDAdaGrad(3, 0.3), domain, 200)
    other.state = first.state
    other.play_block(RowBlock(Logistic(), rows[100:], targets[100:]))
    np.testing.assert_array_equal(other.prediction, whole.prediction)


@pytest.mark.parametrize("name", grounds())
@pytest.mark.parametrize(
    "learner", [oco.learners.AdaFFD(rank=2, learning_rate=0.3, ridge=1.0), *learners()[:5]], ids=repr
)
def test_nothing_is_carried_in_scratch_memory(learner, name):
    """Whatever is left there between two rounds, the next point is the same, to the last bit."""
    domain, (rows, _) = grounds()[name], awkward_rows(60)
    clean, dirty = start(learner, domain, 60), start(learner, domain, 60)
    for gradient in rows:
        clean.update(gradient)
        dirty.update(gradient)
        held = (dirty._player if hasattr(dirty, "_player") else dirty)._held
        ground = held.arguments[-1]
        for array in (ground.work.points, ground.work.small, ground.work.matrix, ground.work.rows, ground.rows):
            array[...] = np.nan
        ground.row[...] = 7.0
        np.testing.assert_array_equal(dirty.prediction, clean.prediction)
