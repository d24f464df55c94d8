"""Games on photographs: the spectrum that they promise, constants that are attained, and the pan's comparators."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import oco
from oco.datasets.patches import photographs
from oco.environments import ImagePan, NaturalImages
from oco.errors import ConfigError, DataError


def shares(game, kept):
    """Shares of the trace of the rows' covariance, and of the squared length of the best point, in leading directions.

    A gradient of a loss of a margin is a multiple of the row; of the absolute loss it is the row or its negative.
    """
    rows = game.block(0, game.horizon).rows
    eigenvalues, directions = np.linalg.eigh(rows.T @ rows)
    best = oco.environments.comparator_curve(game, 0, 1).point
    parts = (directions.T @ best) ** 2
    return [float(values[::-1][:kept].sum() / values.sum()) for values in (eigenvalues, parts)]


def test_the_spectrum_decays_as_the_documentation_says():
    rows = NaturalImages(11, 6000).fresh(0).block(0, 6000).rows
    eigenvalues = np.linalg.eigvalsh(rows.T @ rows)[::-1]
    slope = np.polyfit(np.log(np.arange(2, 121)), np.log(eigenvalues[1:]), 1)[0]
    assert slope == pytest.approx(-1.1, abs=0.15)
    # (tr G^(1/2))^2 / tr G counts the directions that adaptivity pays for: 120 if all eigenvalues were equal.
    assert np.sqrt(eigenvalues).sum() ** 2 / eigenvalues.sum() == pytest.approx(10.7, abs=0.5)


@pytest.mark.parametrize(("kept", "trace", "point"), [(1, 0.93, 0.01), (16, 0.97, 0.11)])
def test_the_leading_directions_hold_the_gradients_and_not_the_best_point(kept, trace, point):
    assert shares(NaturalImages(11, 6000).fresh(0), kept) == pytest.approx([trace, point], abs=0.01)


def test_on_breast_cancer_the_leading_directions_hold_both():
    domain = oco.Ball(radius=0.2)
    options = {"scaling": "standard", "intercept": True}
    game = oco.environments.LogisticRegression.load("breast_cancer", domain=domain, **options)
    assert shares(game.fresh(0), 8) == pytest.approx([0.91, 0.998], abs=0.005)


@pytest.mark.parametrize("hole", [0, 1, 3])
def test_the_gradient_bound_is_attained_by_a_patch(hole):
    game = NaturalImages(5, 10, hole=hole, image="china")
    patches = game.patches
    rows = patches.cut(np.arange(patches.count))[:, patches.kept]
    assert game.gradient_bound == pytest.approx(np.linalg.norm(rows, axis=1).max(), rel=1e-9)
    assert game.gradient_entry_bound == pytest.approx(0.5)


def test_squared_losses_state_constants_that_include_the_noise():
    """``|(<a, x> - y) a|`` with ``|<a, x>| <= 2 |a|`` and ``|y| <= 1/2``."""
    game = NaturalImages(3, 10, hole=0, noise=0.1, loss="squared", domain=oco.Ball(radius=2.0))
    rows = game.patches.cut(np.arange(game.patches.count))
    longest = np.linalg.norm(rows, axis=1).max() + 3.0 * np.sqrt(3.0) * 0.1
    assert game.gradient_bound == pytest.approx(longest * (2.0 * longest + 0.5), rel=1e-9)
    assert game.exp_concavity == pytest.approx((2.0 * longest + 0.5) ** -2, rel=1e-9)
    assert NaturalImages(3, 10, loss="squared", domain=oco.Unbounded()).gradient_bound is None


def test_noise_is_in_the_rows_and_not_in_the_targets():
    clean, noisy = (NaturalImages(5, 256, hole=0, noise=noise).fresh(3).block(0, 256) for noise in (0.0, 0.1))
    assert_array_equal(clean.targets, noisy.targets)
    assert_array_equal(clean.targets, clean.rows[:, 12])
    assert np.std(noisy.rows - clean.rows) == pytest.approx(0.1, rel=0.03)


def test_the_target_of_a_pan_is_the_pixel_in_the_next_frame():
    """The next frame is the photograph moved by v: found by its pixels, for every direction of the game."""
    game = ImagePan(5, 600, period=100, image="china", problem_seed=2).fresh(1)
    block, points = game.block(0, 600), game.comparators(0, 600)
    (photograph,) = photographs("china", "grey")
    assert_array_equal(np.sort(points, axis=1), np.eye(25)[[24] * 600])
    places = {photograph[y : y + 5, x : x + 5].tobytes(): (y, x) for y in range(423) for x in range(636)}
    for row, target, point in zip(block.rows, block.targets, points, strict=True):
        top, left = places[np.ascontiguousarray(row).tobytes()]
        down, right = np.divmod(int(point.argmax()), 5)
        assert target == photograph[top + down, left + right]


def test_a_pan_holds_its_direction_for_a_period_and_its_comparators_have_no_loss():
    game = ImagePan(7, 1000, period=250, problem_seed=1).fresh(5)
    points = game.comparators(0, 1000)
    assert set(np.flatnonzero(np.any(np.diff(points, axis=0) != 0.0, axis=1))) <= {249, 499, 749}
    changes = np.any(points[250::250] != points[:-250:250], axis=1).sum()
    assert game.path_length == pytest.approx(changes * np.sqrt(2.0))  # between two coordinate vectors
    assert_allclose(game.comparator_losses(np.array([1, 500, 1000])), 0.0)
    assert oco.environments.comparator_curve(game, 5).lower[-1] > 1.0  # no fixed point does that


def test_in_painting_is_harder_than_prediction_from_the_neighbors():
    """A larger hole leaves a part of the pixels, so that the best predictor of all of them has no more loss."""

    def least(hole):
        block = NaturalImages(7, 3000, hole=hole, loss="squared").fresh(0).block(0, 3000)
        return np.linalg.lstsq(block.rows, block.targets, rcond=None)[1][0]

    assert least(1) < least(3) < least(5)


@pytest.mark.parametrize(
    ("wrong", "error", "sentence"),
    [
        ({"patch_size": 4}, DataError, "size and hole of patches must be odd"),
        ({"loss": "logistic"}, ConfigError, "the loss must not be one of classes, got 'logistic'"),
        ({"horizon": 0}, ConfigError, "horizon must be at least 1"),
        ({"hole": 13}, DataError, "hole of patches must be an integer from 0 to 11, got 13"),
    ],
)
def test_what_a_game_of_patches_cannot_be(wrong, error, sentence):
    with pytest.raises(error, match=sentence):
        NaturalImages(**wrong)


def test_directions_of_a_pan_need_a_period():
    with pytest.raises(ConfigError, match="period of the pans motion must be at least 1, got 0"):
        ImagePan(period=0)
