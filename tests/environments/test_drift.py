"""Drift: the comparator sequence is what it says, its path length is known, and it is the best there is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import oco
from oco.environments import DriftingQuadratic, DriftingRegression
from oco.environments.drift import Phases, Recurring, Rotation, Switches
from oco.errors import ConfigError


def test_switches_hold_for_a_period_and_go_somewhere_new():
    points = DriftingRegression(6, 1000, motion=Switches(250), signal=2.0).comparators(0, 1000)
    assert_allclose(np.linalg.norm(points, axis=1), 2.0)
    assert np.flatnonzero(np.any(np.diff(points, axis=0) != 0.0, axis=1)).tolist() == [249, 499, 749]
    assert len(np.unique(points.round(12), axis=0)) == 4


def test_phases_are_calm_and_stormy_in_turn():
    """Calm for 6 rounds, then three directions of 2 rounds each; the next calm keeps the last of them."""
    points = Phases(6, storm=2).points(np.arange(24), 5, 0)
    changes = np.flatnonzero(np.linalg.norm(np.diff(points, axis=0), axis=1)) + 1
    assert changes.tolist() == [6, 8, 10, 18, 20, 22]
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0)


def test_recurring_concepts_come_back():
    game = DriftingRegression(6, 900, motion=Recurring(100, concepts=3))
    points = game.comparators(0, 900)
    assert len(np.unique(points.round(12), axis=0)) == 3
    assert_array_equal(points[:300], points[300:600])


@pytest.mark.parametrize("period", [50, 1000])
def test_a_rotation_has_the_path_length_of_its_circle(period):
    game = DriftingQuadratic(5, 1001, motion=Rotation(period), signal=3.0)
    assert game.path_length == pytest.approx(1000 * 2.0 * 3.0 * np.sin(np.pi / period), rel=1e-10)
    points = game.comparators(0, 1001)
    assert np.linalg.matrix_rank(points, tol=1e-9) == 2


def test_path_length_is_that_of_the_sequence_across_pieces():
    game = DriftingRegression(3, 9000, motion=Switches(700))
    steps = np.diff(game.comparators(0, 9000), axis=0)
    assert game.path_length == pytest.approx(np.linalg.norm(steps, axis=1).sum(), rel=1e-12)


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
def test_without_noise_the_comparators_have_no_loss(loss):
    game = DriftingRegression(5, 600, motion="switches", loss=loss).fresh(4)
    assert_allclose(game.comparator_losses(np.array([1, 600])), 0.0, atol=1e-25 if loss != "absolute" else 1e-12)


def test_comparator_losses_are_those_of_the_comparators():
    for game in (
        DriftingRegression(4, 300, motion=Rotation(100), noise=0.5).fresh(2),
        DriftingQuadratic(4, 300, motion=Recurring(30), noise=0.5).fresh(2),
    ):
        points = game.comparators(0, 300)
        losses = [game.reveal(point).value(point) for point in points]
        assert_allclose(game.comparator_losses(np.array([1, 120, 300])), np.cumsum(losses)[[0, 119, 299]])


def test_the_moving_comparator_beats_the_best_fixed_point():
    game = DriftingRegression(4, 2000, motion=Switches(200), noise=0.1).fresh(1)
    block = game.block(0, 2000)
    fixed = np.linalg.lstsq(block.rows, block.targets, rcond=None)[1][0] / 2.0
    assert game.comparator_losses(np.array([2000]))[0] < 0.1 * fixed


def test_the_path_is_fixed_by_the_problem_and_not_by_the_seed():
    game = DriftingRegression(4, 100, problem_seed=3)
    assert_array_equal(game.fresh(0).comparators(0, 100), game.fresh(1).comparators(0, 100))
    assert not np.array_equal(game.comparators(0, 1), DriftingRegression(4, 100, problem_seed=4).comparators(0, 1))
    assert game.domain.contains(game.comparators(0, 1)[0])


def test_configs_name_the_motion():
    game = DriftingRegression.from_config(
        dimension=3, motion={"name": "recurring", "period": 10, "concepts": 4}, domain={"kind": "ball", "radius": 2.0}
    )
    assert game.motion == Recurring(10, 4)
    assert game.describe()["motion"] == {"name": "recurring", "period": 10, "concepts": 4}
    assert game.domain.radius() == oco.Ball(radius=2.0, dimension=3).radius()
    for make, message in (
        (
            lambda: DriftingRegression(3, motion="jumps"),
            "motion must be one of switches, recurring, rotation, phases, got 'jumps'",
        ),
        (lambda: DriftingRegression(1, motion="rotation"), "the rotation motion needs at least 2 dimensions"),
        (lambda: Switches(0), "period of the switches motion must be at least 1, got 0"),
        (lambda: Phases(5, storm=6), r"storm of the phases motion must lie in 1\.\.5, its period, got 6"),
        (lambda: Recurring(5, concepts=1), "concepts of the recurring motion must be at least 2, got 1"),
        (lambda: DriftingQuadratic(3, noise=-1.0), "noise must be >= 0 and signal > 0, got -1.0 and 1.0"),
    ):
        with pytest.raises(ConfigError, match=message):
            make()
