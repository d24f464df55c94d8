"""Curves of lessons: looks, names, axes, and the triangle of three weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import pyplot

from oco.errors import ConfigError
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.style import learner_style
from regret_experiments.lessons.drawing import lines, panels, triangle


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def test_a_look_is_a_learner_or_a_color_and_a_line() -> None:
    [axes] = panels()
    lines(axes, {"a": ([1, 2], [1, 2], "ogd o--"), "b": ([1, 2], [2, 1], "#0072B2"), "_c": ([1, 2], [0, 0])})
    drawn = axes.get_lines()
    assert [line.get_color() for line in drawn] == [learner_style("ogd").ink, "#0072B2", "#000000"]
    assert (drawn[0].get_marker(), drawn[0].get_linestyle(), drawn[1].get_linestyle()) == ("o", "--", "-")
    [labels] = [child for child in axes.get_children() if isinstance(child, DirectLabels)]
    assert labels.texts == ["a", "b"]


@pytest.mark.parametrize("look", ["sgd", "#12", "", "Ogd x-"])
def test_a_look_that_is_neither_is_an_error(look: str) -> None:
    [axes] = panels()
    with pytest.raises(ConfigError, match="a learner's name or a color"):
        lines(axes, {"a": ([1, 2], [1, 2], look)})


def test_few_places_on_a_logarithmic_axis_are_its_ticks() -> None:
    left, right = panels(2)
    lines(left, {"a": ([10, 1000, 100], [1, 2, 3])}, log="x", title="few")
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["10", "100", "1,000"]
    lines(right, {"a": (np.arange(1, 50), np.arange(1, 50))}, log="xy")
    assert (right.get_xscale(), right.get_yscale(), left.get_yscale()) == ("log", "log", "linear")
    assert len(right.get_xticks()) != 49


def test_corners_of_the_triangle_are_at_equal_distances() -> None:
    corners = triangle(panels()[0], ["one", "two", "three"])
    gaps = [np.linalg.norm(corners[i] - corners[j]) for i, j in ((0, 1), (1, 2), (0, 2))]
    assert np.allclose(gaps, 1.0)
