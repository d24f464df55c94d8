"""Proximal steps: the slope at the proximal point is a subgradient there, for every loss of a margin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.losses import SCALAR_LOSSES, Huber, QuadraticForm, Quantile, RowLoss, ScalarLoss
from oco.losses.quadratic_terms import TiltedQuadratic

SCALARS = [Huber(0.5), Quantile(0.8), *(family() for family in SCALAR_LOSSES.built_in.values())]


def slopes_around(scalar: ScalarLoss, margin: float, target: float) -> tuple[float, float]:
    """Derivatives a little below and above a margin, between which every subgradient there lies."""
    away = 1e-7 * (1.0 + abs(margin))
    return scalar.at(margin - away, target)[1], scalar.at(margin + away, target)[1]


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda scalar: scalar.name)
@settings(max_examples=80, deadline=None)
@given(
    margin=st.floats(-20.0, 20.0), size=st.floats(0.5, 3.0), up=st.booleans(),
    weight=st.one_of(st.just(0.0), st.floats(1e-6, 1e3)),
)  # fmt: skip
def test_the_slope_is_a_subgradient_at_the_proximal_point(
    scalar: ScalarLoss, margin: float, size: float, up: bool, weight: float
) -> None:
    target = (1.0 if scalar.binary else size) * (1.0 if up else -1.0)
    if scalar.name == "logarithmic":
        margin = abs(margin) + 0.1
    slope = scalar.proximal_slope(margin, target, weight)
    low, high = slopes_around(scalar, margin - weight * slope, target)
    room = 1e-5 * (1.0 + abs(slope))
    assert low - room <= slope <= high + room
    assert ScalarLoss.proximal_slope(scalar, margin, target, weight) == pytest.approx(slope, rel=1e-9, abs=1e-9)


def test_values_of_closed_forms() -> None:
    """By hand: the absolute loss moves the margin 3 by the weight 1 at most; the hinge loss of 0 stops at 1."""
    scalars = {name: family() for name, family in SCALAR_LOSSES.built_in.items() if name not in ("quantile", "huber")}
    assert scalars["linear"].proximal_slope(7.0, 0.0, 2.0) == 1.0
    assert scalars["squared"].proximal_slope(3.0, 1.0, 1.0) == 1.0
    assert scalars["absolute"].proximal_slope(3.0, 1.0, 1.0) == 1.0
    assert scalars["absolute"].proximal_slope(3.0, 1.0, 4.0) == 0.5
    assert scalars["absolute"].proximal_slope(1.0, 1.0, 0.0) == 0.0
    assert scalars["hinge"].proximal_slope(0.0, -1.0, 4.0) == 0.25
    assert scalars["hinge"].proximal_slope(2.0, 1.0, 4.0) == 0.0
    # h = 1 / (1 + exp(h)) has the root 0.401058...
    assert scalars["logistic"].proximal_slope(0.0, 1.0, 1.0) == pytest.approx(-0.4010581375, rel=1e-9)
    assert math.isfinite(scalars["logistic"].proximal_slope(-1e6, 1.0, 1e8))


@pytest.mark.parametrize("step", [0.0, 0.3, 10.0])
def test_the_proximal_point_of_a_loss_solves_its_optimality_condition(step: float) -> None:
    """``x = point - step grad f(x)``."""
    generator = np.random.default_rng(0)
    root, point = generator.standard_normal((4, 4)), generator.standard_normal(4)
    losses = [
        QuadraticForm(root @ root.T, generator.standard_normal(4)),
        TiltedQuadratic(0.7, generator.standard_normal(4), generator.standard_normal(4)),
        *(RowLoss(SCALAR_LOSSES[name](), root[0], 1.0) for name in ("linear", "squared", "logistic")),
    ]
    for loss in losses:
        moved = loss.prox(point, step)
        np.testing.assert_allclose(moved, point - step * loss.gradient(moved), rtol=1e-12, atol=1e-12)
