"""Streams made from a seed: their spectrum, their constants, and that any round is reachable."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import oco
from oco.environments import IllConditionedRegression, NoisyRegression, SpectrumLinear
from oco.environments.drawn import random_rotation
from oco.errors import ConfigError

BOTH = [SpectrumLinear(5, 1000), IllConditionedRegression(5, 1000), IllConditionedRegression(5, 1000, draws="signs")]


@pytest.mark.parametrize("game", BOTH, ids=lambda game: f"{game.name}-{game.draws}")
def test_any_round_is_reachable_without_the_rounds_before_it(game):
    whole = game.fresh(4).block(0, 1000)
    fresh = game.fresh(4)
    for start, stop in ((700, 900), (0, 1), (255, 257), (256, 512), (999, 1000), (512, 513)):
        part = fresh.block(start, stop)
        assert_array_equal(part.rows, whole.rows[start:stop])
        assert_array_equal(part.targets, whole.targets[start:stop])
        assert part.rows.flags.c_contiguous
    assert not np.array_equal(game.fresh(5).block(0, 3).rows, whole.rows[:3])


def test_signs_make_every_gradient_as_long_as_stated_and_normal_rows_state_nothing():
    rows = SpectrumLinear(6, 300).block(0, 300).rows
    assert_allclose(np.linalg.norm(rows, axis=1), 1.0, rtol=1e-13)
    assert SpectrumLinear(6, 300).gradient_bound == pytest.approx(1.0)
    assert SpectrumLinear(6, 300).gradient_bound >= np.linalg.norm(rows, axis=1).max()
    assert SpectrumLinear(6, 300, draws="normal").gradient_bound is None


def test_the_weights_of_the_regression_have_no_loss_and_lie_where_the_scales_are_small():
    game = IllConditionedRegression(16, 500, smallest_scale=0.01, problem_seed=3)
    block = game.fresh(1).block(0, 500)
    assert_allclose(block.rows @ game.weights, block.targets, atol=1e-14)
    coordinates = np.abs(game.rotation.T @ game.weights)
    assert np.linalg.norm(game.weights) == pytest.approx(1.0)
    assert_allclose(coordinates * game.scales, coordinates[0] * game.scales[0], rtol=1e-10)
    assert coordinates[-1] / coordinates[0] == pytest.approx(100.0)
    assert game.domain.contains(game.weights)


def test_the_problem_seed_fixes_the_problem_and_the_seed_the_rounds():
    one, two = IllConditionedRegression(4, 10, problem_seed=0), IllConditionedRegression(4, 10, problem_seed=1)
    assert_array_equal(one.fresh(7).weights, one.fresh(8).weights)
    assert not np.array_equal(one.weights, two.weights)


def test_rotations_are_orthogonal_and_uniform():
    corners = [random_rotation(3, seed)[0, 0] for seed in range(2000)]
    rotation = random_rotation(20, 5)
    assert_allclose(rotation @ rotation.T, np.eye(20), atol=1e-13)
    # An entry of a uniform rotation in three dimensions is uniform on [-1, 1] (Archimedes).
    assert abs(np.mean(corners)) < 4.0 / np.sqrt(3 * 2000)
    assert np.mean(np.square(corners)) == pytest.approx(1.0 / 3.0, abs=0.03)


def test_from_config_takes_plain_values():
    game = SpectrumLinear.from_config(dimension=3, horizon=20, exponent=2.0, domain={"kind": "ball", "radius": 2.0})
    assert game.domain.diameter("l2") == 4.0
    assert game.describe() == {
        "kind": "spectrum_linear",
        "horizon": 20,
        "domain": oco.Ball(radius=2.0, dimension=3).describe(),
        "loss": "linear",
        "dimension": 3,
        "draws": "signs",
        "problem_seed": 0,
        "spectrum": {"name": "power_law", "exponent": 2.0},
        "drift": {"name": "fixed"},
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpectrumLinear(3, 0), "dimension and horizon must be at least 1, got 3 and 0"),
        (lambda: SpectrumLinear(3, 5, exponent=-1.0), r"exponent must be a number >= 0, got -1.0"),
        (lambda: SpectrumLinear(3, 5, draws="coins"), 'draws must be "signs" or "normal", got \'coins\''),
        (lambda: IllConditionedRegression(3, 5, smallest_scale=0.0), r"smallest_scale must lie in \(0, 1\], got 0.0"),
    ],
)
def test_wrong_parameters_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_copies_share_the_rows_of_one_stream(monkeypatch):
    """A stream is drawn once for all games that play it in a row, up to a number of bytes, and is never mixed up."""
    drawn = []
    draw = SpectrumLinear._draw
    monkeypatch.setattr(SpectrumLinear, "_draw", lambda *given: drawn.append(None) or draw(*given))
    game = SpectrumLinear(5, 1000)
    first, other = game.fresh(4), game.fresh(5)
    rows = first.block(0, 1000).rows.copy()
    others = other.block(0, 1000).rows.copy()
    assert not np.array_equal(rows, others)
    assert len(drawn) == 8
    assert_array_equal(other.fresh(5).block(0, 1000).rows, others)
    assert len(drawn) == 8
    assert_array_equal(first.block(0, 1000).rows, rows)
    assert_array_equal(game.fresh(4).block(0, 1000).rows, rows)
    assert len(drawn) == 12
    assert len(pickle.dumps(game)) < 2000, "rows are pickled"


@pytest.mark.parametrize("stop", [100, 600])
def test_writing_to_a_block_changes_no_other_game(stop):
    game = SpectrumLinear(5, 1000)
    block = game.fresh(4).block(0, stop)
    rows, targets = block.rows.copy(), block.targets.copy()
    block.rows[:] = np.nan
    block.targets[:] = np.nan
    again = game.fresh(4).block(0, stop)
    assert_array_equal(again.rows, rows)
    assert_array_equal(again.targets, targets)


def test_rows_beyond_the_kept_bytes_are_drawn_again(monkeypatch):
    monkeypatch.setattr(oco.environments.drawn, "KEPT_BYTES", 2 * 256 * 5 * 8)
    game = SpectrumLinear(5, 1000)
    whole = game.fresh(4).block(0, 1000).rows
    assert len(game._shared.of(4, game.fresh(4)._parameters)) == 2
    assert_array_equal(game.fresh(4).block(0, 1000).rows, whole)


@pytest.mark.parametrize("apart", [False, True], ids=["the environment itself", "a copy"])
def test_a_stream_with_another_parameter_does_not_get_rows_that_were_drawn_without_it(apart):
    game, other = NoisyRegression(3, 300, noise=0.1), NoisyRegression(3, 300, noise=2.0)
    game.fresh(4).block(0, 300)
    changed = copy.copy(game) if apart else game
    changed.noise = 2.0
    for seed in (4, 5, 4):
        assert_array_equal(changed.fresh(seed).block(0, 300).targets, other.fresh(seed).block(0, 300).targets)
    if apart:
        expected = NoisyRegression(3, 300, noise=0.1).fresh(4).block(0, 300).targets
        assert_array_equal(game.fresh(4).block(0, 300).targets, expected)
