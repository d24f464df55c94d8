"""One look for each learner, that colour-blind eyes and grey printers can tell apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from oco.learners import LEARNERS
from regret_experiments.figures.style import (
    WIDTHS,
    LearnerStyle,
    base_style,
    learner_style,
    learner_styles,
    luminance,
    panel_grid,
)


def lightness(color: str) -> float:
    """CIE L* of a colour, 0 to 100: what a grey printer leaves of it."""
    y = luminance(color)
    return float(116.0 * y ** (1.0 / 3.0) - 16.0) if y > 0.008856 else 903.3 * y


def seen_without(color: str, cone: str) -> np.ndarray:
    """Linear RGB as an eye without red or green cones sees it (Vienot, Brettel and Mollon 1999)."""
    rgb = np.array([int(color[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]) ** 2.2
    red, green, blue = rgb
    mixed = 0.11238 * red + 0.88762 * green if cone == "red" else 0.29275 * red + 0.70725 * green
    return np.array([mixed, mixed, blue])


def test_every_learner_of_the_registry_has_a_look_of_its_own() -> None:
    styles = learner_styles((name, name) for name in LEARNERS)
    looks = {(style.color, style.marker) for style in styles.values()}
    assert len(looks) == len(LEARNERS)
    assert len({style.label for style in styles.values()}) == len(LEARNERS)


def test_learners_that_share_a_marker_differ_in_grey_and_to_colour_blind_eyes() -> None:
    for one, other in itertools.combinations(learner_styles((name, name) for name in LEARNERS).values(), 2):
        if one.marker == other.marker:
            assert abs(lightness(one.color) - lightness(other.color)) > 5.0, (one, other)
            for cone in ("red", "green"):
                assert np.abs(seen_without(one.color, cone) - seen_without(other.color, cone)).max() > 0.05


def test_the_five_of_the_rank_sweep_differ_without_colour() -> None:
    five = [learner_style(k) for k in ("ogd", "adagrad_norm", "diagonal_adagrad", "full_matrix_adagrad", "fd_adagrad")]
    assert len({style.marker for style in five}) == 5


def test_a_look_does_not_depend_on_who_else_is_drawn() -> None:
    alone = learner_styles([("fd_adagrad", "fd_adagrad")])["fd_adagrad"]
    among = learner_styles([("ogd", "ogd"), ("fd_adagrad", "fd_adagrad")])["fd_adagrad"]
    assert alone == among == learner_style("fd_adagrad")


def test_two_learners_of_one_kind_keep_their_names_and_look_different() -> None:
    styles = learner_styles([("slow", "ogd"), ("fast", "ogd")])
    assert styles["slow"].label == "slow"
    assert styles["slow"].color == learner_style("ogd").color
    assert (styles["fast"].color, styles["fast"].marker) != (styles["slow"].color, styles["slow"].marker)


def test_fifty_strangers_look_different() -> None:
    styles = learner_styles((f"stranger {i}", f"stranger_{i}") for i in range(50))
    assert len({(style.color, style.marker) for style in styles.values()}) == 50


@pytest.mark.parametrize("name", [*LEARNERS, "a_stranger"])
def test_names_can_be_read_on_white(name: str) -> None:
    style = learner_style(name)
    assert isinstance(style, LearnerStyle)
    assert 1.05 / (luminance(style.ink) + 0.05) >= 4.5


@pytest.mark.parametrize("size", WIDTHS)
def test_panels_fit_the_width(size: str) -> None:
    for count in range(1, 8):
        (width, height), rows, columns = panel_grid(count, size)
        assert rows * columns >= count
        assert width <= WIDTHS[size]
        assert height > 1.5
    assert base_style(size)["pdf.fonttype"] == 42
