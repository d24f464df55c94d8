"""The kinds of regret, on games small enough to work out by hand and against each other."""

from __future__ import annotations

import numpy as np
import pytest

from oco.comparators import anytime, best_fixed_point
from oco.domains import Ball, Unbounded
from oco.losses import Absolute, Linear, RowBlock
from oco.regret import (
    dyadic_intervals,
    dynamic_regret,
    interval_regret,
    linearized_regret,
    path_length,
    regret_against_final,
    regret_against_prefix_best,
)


def game(loss: Absolute | Linear, rounds: int = 32) -> tuple[RowBlock, np.ndarray]:
    generator = np.random.default_rng(0)
    block = RowBlock(loss, generator.standard_normal((rounds, 3)), generator.standard_normal(rounds))
    points = 0.3 * generator.standard_normal((rounds, 3))
    margins = np.einsum("ti,ti->t", block.rows, points)
    return block, block.scalar.values_and_derivatives(margins, block.targets)[0]


def test_static_regret_against_both_comparators() -> None:
    block, losses = game(Absolute())
    domain = Ball(1.0, dimension=3)
    rounds = np.array([1, 4, 16, 32])
    curve = anytime(block, domain, rounds)
    final_losses = block.scalar.values_and_derivatives(block.rows @ curve.point, block.targets)[0]
    against_final = regret_against_final(losses, final_losses)
    lower, upper = regret_against_prefix_best(losses, rounds, curve.lower, curve.upper)
    assert np.all(lower <= upper)
    assert np.all(against_final[rounds - 1] <= upper)
    assert lower[-1] - 1e-9 <= against_final[-1] <= upper[-1]


def test_dynamic_regret_of_the_path_that_was_played_is_zero() -> None:
    _, losses = game(Absolute())
    assert np.all(dynamic_regret(losses, losses) == 0.0)
    assert path_length(np.ones((5, 2, 2))) == 0.0
    assert path_length(np.arange(4.0)[:, None]) == 3.0


def test_dyadic_intervals_tile_the_rounds_once_for_each_length() -> None:
    found = list(dyadic_intervals(16))
    assert len(found) == 31
    for length in (1, 2, 4, 8, 16):
        starts = [start for start, stop in found if stop - start == length]
        assert starts == list(range(0, 16, length))


def test_interval_regret_of_the_whole_game_is_static_regret() -> None:
    block, losses = game(Absolute())
    domain = Ball(1.0, dimension=3)

    def best(start: int, stop: int):
        return best_fixed_point(RowBlock(block.scalar, block.rows[start:stop], block.targets[start:stop]), domain).value

    found = interval_regret(losses, best, shortest=8)
    whole = found[-1]
    assert (whole.start, whole.stop, whole.length) == (0, 32, 32)
    static = float(losses.sum()) - best(0, 32).upper
    assert whole.regret.lower == pytest.approx(static)
    halves = [one for one in found if one.length == 16]
    assert whole.regret.lower <= sum(half.regret.upper for half in halves) + 1e-9


def test_linearised_regret_is_the_regret_of_linear_losses() -> None:
    block, losses = game(Linear())
    domain = Ball(2.0, dimension=3)
    best = best_fixed_point(block, domain)
    regret = linearized_regret(float(losses.sum()), block.rows.sum(axis=0), domain)
    assert regret == pytest.approx(float(losses.sum()) - best.value.upper, rel=1e-9)
    assert linearized_regret(1.0, np.ones(3), Unbounded(3)) == np.inf


def test_the_former_spelling_of_linearized_regret_warns_and_gives_the_same_function() -> None:
    import oco.regret

    with pytest.warns(DeprecationWarning, match="now linearized_regret"):
        assert oco.regret.linearised_regret is linearized_regret
