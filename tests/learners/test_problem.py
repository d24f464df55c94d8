"""What a learner may know before the first round is asked for when it is read."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

import oco
from oco.environments import SpectrumLinear


class Counting(SpectrumLinear):
    """Counts how often its bound on gradients is asked for."""

    asked = 0

    @property
    def gradient_bound(self) -> float:
        """3, after counting."""
        type(self).asked += 1
        return 3.0


@pytest.fixture(autouse=True)
def _from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "asked", 0)


def test_a_constant_that_is_not_needed_is_not_asked_for() -> None:
    game = Counting(3, 20, domain=oco.Ball(1.0, dimension=3))
    oco.play(game, oco.FDAdaGrad(rank=2), comparator=False)
    assert Counting.asked == 0
    oco.play(game, oco.OGD(), comparator=False)
    assert Counting.asked == 1


def test_a_constant_is_asked_for_once() -> None:
    problem = oco.Problem.of(Counting(3, 20))
    assert (problem.gradient_bound, problem.gradient_bound, Counting.asked) == (3.0, 3.0, 1)
    assert problem.strong_convexity is None


def test_copies_know_the_constants_without_the_environment() -> None:
    problem = oco.Problem.of(Counting(3, 20))
    for twin in (pickle.loads(pickle.dumps(problem)), copy.deepcopy(problem), replace(problem)):
        assert "_stream" not in vars(twin)
        assert (twin.gradient_bound, twin.horizon) == (3.0, 20)
    assert replace(problem, horizon=5).horizon == 5


def test_what_no_environment_stated_is_unknown() -> None:
    problem = oco.Problem(oco.Unbounded(2), 10)
    assert problem.gradient_bound is None
    assert problem == oco.Problem(problem.domain, 10, gradient_bound=None)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        problem.nonsense  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("size", [1, 5, 16, 17, 40, 124])
@pytest.mark.parametrize("make", [oco.OGD, oco.AdaGradNorm, oco.DiagonalAdaGrad], ids=lambda make: make.__name__)
@pytest.mark.parametrize("radius", [0.5, 50.0])
def test_blocks_of_dense_rows_are_played_as_one_by_one(make, size, radius) -> None:
    generator = np.random.default_rng(size)
    rows, targets = generator.standard_normal((60, size)), generator.choice([-1.0, 1.0], 60)
    rows[[0, 7]] = 0.0
    problem = oco.Problem(oco.Ball(radius, dimension=size), 60)
    whole, single = make(0.7), make(0.7)
    for learner in (whole, single):
        learner.start(problem)
    loss = oco.losses.Logistic()
    whole.play_block(oco.losses.RowBlock(loss, rows, targets))
    for row, target in zip(rows, targets, strict=True):
        _, slope = loss.at(float(row @ single.prediction), target)
        single.update(slope * row)
    np.testing.assert_allclose(whole.prediction, single.prediction, rtol=1e-10, atol=1e-12)
