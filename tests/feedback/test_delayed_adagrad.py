"""AdaGrad under delays: without them it is AdaGrad to the last bit, with them it keeps its bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.environments import Delayed, LeastSquares, LinearLosses
from oco.errors import ConfigError, NumericsError
from oco.learners import DelayedAdaGrad
from oco.learners.base import Problem

ROWS = np.random.default_rng(0).standard_normal((300, 4))
DOMAINS = [oco.Ball(1.0), oco.Ball(1.0, center=[1.0, 0.0, 0.0, 2.0]), oco.Box(-0.2, 0.3), oco.L1Ball(1.0)]


@pytest.mark.parametrize("domain", DOMAINS, ids=repr)
@pytest.mark.parametrize("keywords", [{}, {"learning_rate": 0.3, "delta": 0.5}], ids=str)
def test_without_delays_it_is_diagonal_adagrad_to_the_last_bit(domain: Any, keywords: dict[str, Any]) -> None:
    """In the compiled loop over rows, and by rounds."""
    game = LeastSquares(ROWS, ROWS[:, 0] ** 2, domain=domain)
    drift = oco.environments.DriftingQuadratic(4, 100, domain=domain)
    for plain in (game, drift):
        expected = oco.play(plain, oco.DiagonalAdaGrad(**keywords), seed=2)
        for played in (plain, Delayed(plain, delay=0), Delayed(plain, delay=[0, 0, 0])):
            record = oco.play(played, DelayedAdaGrad(**keywords), seed=2)
            assert record.scalars["form"] == expected.scalars["form"]
            np.testing.assert_array_equal(record.last_point, expected.last_point)
            for name in ("cumulative_loss", "regret_upper", "bound"):
                np.testing.assert_array_equal(record.curves[name], expected.curves[name], err_msg=name)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16), rounds=st.integers(1, 80), keywords=st.sampled_from(
        [{}, {"learning_rate": 0.01}, {"learning_rate": 3.0, "delta": 0.01}, {"delta": 100.0}]
    ),
    kind=st.sampled_from(["fixed", "geometric", "list", "adverse"]), where=st.sampled_from(["ball", "box", "simplex"]),
    sparse=st.booleans(),
)  # fmt: skip
def test_it_keeps_its_bound_under_any_delays(
    seed: int, rounds: int, keywords: dict[str, Any], kind: str, where: str, sparse: bool
) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((rounds, 3)) * 10.0 ** generator.uniform(-1.0, 1.0, 3)
    if kind == "adverse":  # the sign turns when the feedback of the last block has just arrived
        rows = np.where((np.arange(rounds) // 8 % 2 == 0)[:, None], 1.0, -1.0) * np.ones((rounds, 3))
    if sparse:
        rows *= generator.uniform(size=rows.shape) < 0.3
    delay: Any = {
        "fixed": int(generator.integers(0, 20)),
        "geometric": "geometric",
        "list": generator.integers(0, 30, size=7).tolist(),
        "adverse": [7, 6, 5, 4, 3, 2, 1, 0],
    }[kind]
    domain: Any = {"ball": oco.Ball(1.0), "box": oco.Box(-1.0, 1.0), "simplex": oco.Simplex()}[where]
    game = Delayed(LinearLosses(rows, domain=domain, order="file"), delay, mean=6.0)
    record = oco.play(game, DelayedAdaGrad(**keywords), seed=seed)
    assert not record.violations
    assert record.bound is not None
    room = 1e-9 * (1.0 + np.abs(rows).sum())
    assert (record.curves["regret_upper"] <= record.curves["bound"] * (1.0 + 1e-9) + room).all()


def test_the_bound_is_its_formula() -> None:
    """Unit gradients along one axis in a square, each two rounds late, in five rounds: B = 2 + 2 + 2 + 1 + 0."""
    game = Delayed(LinearLosses(np.tile([1.0, 0.0], (5, 1)), domain=oco.Box(-1.0, 1.0)), delay=2)
    record = oco.play(game, DelayedAdaGrad())
    assert record.bound is not None
    delta, rate = 7.0 / 2.0, 2.0 / np.sqrt(2.0)
    start = 4.0 / (2.0 * rate) * (np.sqrt(5.0 + delta) + np.sqrt(delta))
    expected = start + rate * (np.sqrt(5.0) + 7.0 / np.sqrt(delta))
    assert record.bound.value == pytest.approx(expected)
    # The theorem in closed form: what delays add to AdaGrad's 2 sqrt(2) sqrt(5) is at most sqrt(2) D_inf G sqrt(d B).
    assert record.bound.value <= 2.0 * np.sqrt(2.0) * (np.sqrt(5.0) + np.sqrt(2.0 * 7.0)) + 1e-12


def test_no_bound_where_nothing_pays_for_delays_and_no_default_without_a_gradient_bound() -> None:
    game = Delayed(LinearLosses(ROWS, domain=oco.Box(-1.0, 1.0)), delay=3)
    assert oco.play(game, DelayedAdaGrad(delta=0.0)).bound is None
    with pytest.raises(ConfigError, match="sets delta from a bound on the gradients"):
        DelayedAdaGrad().start(Problem(oco.Box(-1.0, 1.0, dimension=4), 10, total_delay=3))


def test_errors_name_the_learner_that_was_played() -> None:
    learner = DelayedAdaGrad()
    learner.start(Problem(oco.Box(-1.0, 1.0, dimension=2), 10))
    with pytest.raises(NumericsError, match=r"round 1: DelayedAdaGrad\(\) was shown a gradient that is not finite"):
        learner.update(np.array([1.0, np.nan]))
