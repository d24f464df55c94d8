"""Patches of scikit-learn's photographs, against loops over the pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

import oco
from oco.datasets import Patches, load
from oco.datasets.patches import photographs
from oco.errors import DataError


def neighbors(photograph: np.ndarray, top: int, left: int, size: int, hole: int) -> list[float]:
    """The pixels of one patch in reading order, without those within the hole."""
    middle = size // 2
    return [
        photograph[top + i, left + j]
        for i in range(size)
        for j in range(size)
        if max(abs(i - middle), abs(j - middle)) > (hole - 1) // 2 or hole == 0
    ]


@pytest.mark.parametrize(("size", "hole"), [(3, 1), (5, 3), (5, 0), (11, 1)])
def test_rows_are_the_pixels_around_the_hole(size: int, hole: int) -> None:
    grey = load_sample_image("flower.jpg").mean(axis=2) / 255.0 - 0.5
    data = load("natural_images", patches={"size": size, "hole": hole, "image": "flower", "stride": 40})
    assert data.dimension == size**2 - hole**2
    corners = [(top, left) for top in range(0, 428 - size, 40) for left in range(0, 641 - size, 40)]
    assert data.n_rows == len(corners)
    for row, target, (top, left) in zip(data.rows, data.targets, corners, strict=True):
        np.testing.assert_allclose(row, neighbors(grey, top, left, size, hole), atol=1e-15)
        assert target == pytest.approx(grey[top + size // 2, left + size // 2], abs=1e-15)


def test_both_photographs_come_one_after_the_other() -> None:
    china, flower, both = (load("natural_images", patches={"image": image}) for image in ("china", "flower", "both"))
    np.testing.assert_array_equal(both.rows, np.vstack([china.rows, flower.rows]))
    np.testing.assert_array_equal(both.targets, np.concatenate([china.targets, flower.targets]))
    assert len({data.checksum for data in (china, flower, both)}) == 3


def test_grey_is_the_mean_of_the_channels_and_pixels_lie_in_the_unit_interval_around_zero() -> None:
    channels = [photographs("both", channel) for channel in ("red", "green", "blue")]
    for grey, *colors in zip(photographs("both", "grey"), *channels, strict=True):
        np.testing.assert_allclose(grey, np.mean(colors, axis=0), atol=1e-15)
        assert -0.5 <= grey.min() < grey.max() <= 0.5
        with pytest.raises(ValueError, match="read-only"):
            grey[0, 0] = 0.0


def test_drawn_places_are_patches_of_the_photographs_and_follow_the_seed() -> None:
    drawn = load("natural_images", patches=Patches(size=3, draws=500, seed=4))
    again, other = (load("natural_images", patches={"size": 3, "draws": 500, "seed": seed}) for seed in (4, 5))
    assert drawn.checksum == again.checksum != other.checksum
    every = Patches(size=3, stride=1)
    known = {row.tobytes() for row in every.data().rows}
    assert all(row.tobytes() in known for row in drawn.rows)
    assert len(known) > 0.9 * every.count == 0.9 * 2 * 425 * 638


def test_noise_is_uniform_has_its_deviation_and_leaves_targets_alone() -> None:
    clean, noisy = (load("natural_images", patches={"hole": 0, "noise": noise}) for noise in (0.0, 0.1))
    np.testing.assert_array_equal(clean.targets, noisy.targets)
    noise = noisy.rows - clean.rows
    assert np.abs(noise).max() <= math.sqrt(3.0) * 0.1 + 1e-15
    assert noise.std() == pytest.approx(0.1, rel=0.01)
    assert abs(noise.mean()) < 4.0 * 0.1 / math.sqrt(noise.size)


@pytest.mark.parametrize("options", [{}, {"size": 5, "hole": 3}, {"size": 7, "hole": 0, "noise": 0.1}])
def test_lengths_are_those_of_the_rows(options: dict[str, Any]) -> None:
    patches = Patches(**options)
    places = np.random.default_rng(0).integers(0, patches.count, 3000)
    found = np.linalg.norm(patches.rows(patches.cut(places), np.random.default_rng(0)), axis=1)
    lengths = patches.lengths()
    assert lengths.shape == (patches.count,)
    if patches.noise:
        assert (found <= lengths[places]).all()
    else:
        np.testing.assert_allclose(lengths[places], found, rtol=1e-13)


def test_options_of_other_sets_apply() -> None:
    data = load("natural_images", patches={"size": 3}, intercept=True, scaling="standard", max_rows=100)
    assert data.rows.shape == (100, 9)
    np.testing.assert_array_equal(data.rows[:, -1], 1.0)
    assert load("natural_images").rows.shape == (10_800, 120)
    assert oco.environments.LeastSquares.load("natural_images", patches={"size": 3}).domain.dimension == 8


def test_eigenvalues_of_the_published_set_decay_as_the_documentation_says() -> None:
    rows = load("natural_images").rows
    eigenvalues = np.linalg.eigvalsh(rows.T @ rows)[::-1]
    assert eigenvalues[:1].sum() / eigenvalues.sum() == pytest.approx(0.93, abs=0.005)
    assert eigenvalues[:16].sum() / eigenvalues.sum() == pytest.approx(0.97, abs=0.005)


@pytest.mark.parametrize(
    ("patches", "sentence"),
    [
        ({"sice": 9}, r"patches take size, hole, .*; got 'sice'; did you mean 'size'\?"),
        ({"size": 4}, "size and hole of patches must be odd, and the hole smaller"),
        ({"size": 3, "hole": 3}, "and the hole smaller"),
        ({"size": 0}, "size of patches must be an integer from 1 to 427, got 0"),
        ({"stride": True}, "stride of patches must be an integer from 1 to 640, got True"),
        ({"image": "moon"}, "image of patches must be one of both, china, flower, got 'moon'"),
        ({"channel": "gray"}, "channel of patches must be one of grey, red, green, blue, got 'gray'"),
        ({"noise": -0.1}, "noise of patches must be a number >= 0, got -0.1"),
        ({"noise": float("nan")}, "noise of patches must be a number >= 0, got nan"),
        ({"draws": 0}, "draws must be at least 1 or None, got 0"),
        ({"seed": -1}, "seed of patches must be an integer from 0 to .*, got -1"),
    ],
)
def test_what_patches_cannot_be_is_refused(patches: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        load("natural_images", patches=patches)


@pytest.mark.parametrize("data", ["digits", "rows.csv"])
def test_other_data_has_no_patches(data: str) -> None:
    with pytest.raises(DataError, match=f"patches are an option of natural_images; got data '{data}'"):
        load(data, patches={"size": 9})
