"""AO-FTRL: perfect hints give a constant, hints of zero the plain learner, and errors their root sums of squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.environments import Hinted, LinearLosses, SpectrumLinear
from oco.learners import OptimisticFTRL
from oco.learners.base import Problem


@pytest.mark.parametrize("rounds", [100, 10_000])
def test_perfect_hints_give_a_constant_regret(rounds: int) -> None:
    """``d R^2 epsilon / (2 eta)`` = ``sqrt(2) d R G`` at the theorem's values, whatever the horizon."""
    rows = np.random.default_rng(rounds).uniform(-1.0, 1.0, (rounds, 4)) + 0.1
    game = LinearLosses(rows, domain=oco.Box(-1.0, 1.0, dimension=4), order="file")
    record = oco.play(Hinted(game, "future+noise"), OptimisticFTRL(ridge=2.2), checkpoints=[rounds])
    assert record.bound is not None
    assert record.bound.valid
    assert record.bound.value == pytest.approx(4.0 * 2.2 / np.sqrt(2.0))
    assert record.regret.upper <= record.bound.value


@pytest.mark.parametrize("domain", [oco.Ball(1.0, center=[1.0, 2.0, 0.0]), oco.Box(1.0, 3.0, dimension=3)])
def test_hints_of_zero_give_dual_averaging_to_the_last_bit(domain: Any) -> None:
    rows = np.random.default_rng(0).standard_normal((200, 3))
    hinted, plain = OptimisticFTRL(learning_rate=0.7, ridge=2.0), oco.PrimalDualDiagonalAdaGrad(0.7, ridge=2.0)
    for learner in (hinted, plain):
        learner.start(Problem(domain, 200))
    for row in rows:
        hinted.observe(np.zeros(3))
        np.testing.assert_array_equal(hinted.prediction, plain.prediction)
        hinted.update(row)
        plain.update(row)
    np.testing.assert_array_equal(hinted.prediction, plain.prediction)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 80), noise=st.sampled_from([0.0, 0.1, 1.0]),
    rate=st.sampled_from([None, 0.05, 5.0]), where=st.sampled_from(["ball", "box", "simplex"]),
)  # fmt: skip
def test_regret_stays_below_the_errors_of_any_hints(
    seed: int, rounds: int, noise: float, rate: float | None, where: str
) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((rounds, 3)) * 10.0 ** generator.uniform(-2.0, 2.0, 3)
    errors = noise * generator.standard_normal(rows.shape) * np.abs(rows)
    domain: Any = {
        "ball": oco.Ball(2.0, center=[1.0, 0.0, -3.0]),
        "box": oco.Box(-1.0, 3.0, dimension=3),
        "simplex": oco.Simplex(dimension=3),
    }[where]
    ridge = max(float(np.abs(errors).max()), 1e-9)
    learner = OptimisticFTRL(learning_rate=rate, ridge=ridge)
    learner.start(Problem(domain, rounds))
    loss = 0.0
    for row, error in zip(rows, errors, strict=True):
        learner.observe(row - error)
        loss += float(row @ learner.prediction)
        learner.update(row)
    total = rows.sum(axis=0)
    roots = float(np.sqrt(np.sum(errors**2, axis=0)).sum())
    size = {"ball": 2.0, "box": 2.0, "simplex": 1.0}[where]  # the largest max norm from the start
    reach = {"ball": 4.0, "box": 4.0, "simplex": 1.0}[where]  # as the library bounds it: the start is not the origin
    eta = reach / np.sqrt(2.0) if rate is None else rate
    scale = float(np.abs(rows).sum()) * 10.0
    assert loss + domain.support(-total) <= size**2 / (2.0 * eta) * (3.0 * ridge + roots) + eta * roots + 1e-9 * scale


def test_slow_losses_are_cheaper_with_the_last_gradient_as_a_hint() -> None:
    """The bound counts variations: with hints it is a small part of the bound without."""
    angles = np.linspace(0.0, 2.0 * np.pi, 4000)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    game = Hinted(LinearLosses(rows, domain=oco.Box(-1.0, 1.0, dimension=2), order="file"), "last")
    record = oco.play(game, OptimisticFTRL())
    plain = oco.play(game, oco.PrimalDualDiagonalAdaGrad())
    assert record.bound is not None
    assert plain.bound is not None
    assert not record.violations
    assert record.regret.upper <= record.bound.value <= 0.1 * plain.bound.value


def test_the_bound_is_marked_where_a_hint_errs_by_more_than_the_ridge() -> None:
    game = Hinted(SpectrumLinear(4, 200, domain=oco.Ball(radius=1.0)), "last")
    assert oco.play(game, OptimisticFTRL(ridge=1e-3)).violations
    assert not oco.play(game, OptimisticFTRL()).violations
