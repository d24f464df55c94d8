"""A run whose projection is not in the theorem's norm keeps its number and is marked; it is no pass."""

from __future__ import annotations

import numpy as np
import pytest

import oco


@pytest.mark.parametrize("domain", [oco.Ball(radius=0.5), oco.domains.Box(-0.2, 0.3), oco.domains.Simplex()])
def test_another_norm_is_an_assumption_violated(domain: oco.domains.Domain) -> None:
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((200, 6)) / np.arange(1.0, 7.0)
    game = oco.environments.GeneralizedLinear(
        rows, rows @ generator.standard_normal(6), loss=oco.losses.Absolute(), domain=domain
    )
    right = oco.play(game, oco.FDAdaGrad(rank=2))
    wrong = oco.play(game, oco.FDAdaGrad(rank=2, projection_delta=1.0))
    assert right.bound is not None
    assert wrong.bound is not None
    assert right.bound.valid
    assert right.scalars["bound_valid"] is True
    assert np.all(right.curves["regret_upper"] <= right.curves["bound"] * (1.0 + 1e-9) + 1e-9)
    assert wrong.scalars["bound_valid"] is False
    assert "norm of the learner's own matrix (first seen at round 1)" in wrong.violations[0]
    assert "assumption violated" in str(wrong)
