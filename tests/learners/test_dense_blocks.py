"""Blocks of dense rows, of which one pass does a round, give the points of rounds that are played one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oco


@pytest.mark.parametrize("size", [1, 5, 16, 17, 40, 124])
@pytest.mark.parametrize("make", [oco.OGD, oco.AdaGradNorm, oco.DiagonalAdaGrad], ids=lambda make: make.__name__)
@pytest.mark.parametrize("radius", [0.5, 50.0])
def test_blocks_of_dense_rows_are_played_as_one_by_one(make: Any, size: int, radius: float) -> None:
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
