"""The figure of held-out losses: what its lines go through, and what it says where there is nothing to draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oco.errors import ConfigError
from regret_experiments.figures.held_out import held_out_losses
from regret_experiments.figures.selection import selected_curves
from regret_experiments.store.results import Results


def test_lines_are_means_over_orders_of_the_averaged_and_of_the_last_point(held_out: Results, axes: Any) -> None:
    curves = selected_curves(held_out, "best")
    held_out_losses(curves, axes)
    drawn = {(line.get_linestyle(), line.get_color(), line.get_alpha()): line for line in axes.get_lines()}
    assert len(drawn) == len(axes.get_lines()) == 2 * 3  # ogd, and fd_adagrad at two ranks
    ogd = curves[curves["learner"] == "ogd"]
    first, second = (rows for _, rows in ogd.groupby("id", observed=True, sort=False))
    for style, name in (("-", "held_out_average"), (":", "held_out_last")):
        (line,) = (line for line in axes.get_lines()[:2] if line.get_linestyle() == style)
        np.testing.assert_array_equal(line.get_xdata(), first["round"])
        np.testing.assert_allclose(line.get_ydata(), (first[name].to_numpy() + second[name].to_numpy()) / 2)


def test_without_held_out_losses_it_says_which_key_is_missing(results: Results, axes: Any) -> None:
    with pytest.raises(ConfigError, match="the environment has no key held_out in the config"):
        held_out_losses(selected_curves(results, "best"), axes)
