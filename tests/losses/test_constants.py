"""The constants that a loss of a margin states of itself hold on every margin in reach, and are the best ones."""

from __future__ import annotations

import numpy as np
import pytest

from oco.losses import SCALAR_LOSSES, Huber, Quantile, ScalarLoss

LOSSES = [family() for family in SCALAR_LOSSES.built_in.values()] + [Quantile(tau=0.9), Huber(delta=0.3)]
CURVED = [loss for loss in LOSSES if loss.exp_concavity(np.ones(1), np.ones(1)) > 0.0]
REACH = np.array([0.0, 0.5, 2.0, 7.0])


def targets_of(loss: ScalarLoss, index: int) -> float:
    return (-1.0, 1.0, 1.0, -1.0)[index] if loss.binary else (0.3, -1.5, 4.0, 0.0)[index]


def margins_in(loss: ScalarLoss, reach: float) -> np.ndarray:
    grid = reach * np.linspace(-1.0, 1.0, 2001)
    return grid[grid > 0.0] if loss.name == "logarithmic" else grid


@pytest.mark.parametrize("index", range(REACH.size))
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_no_slope_in_reach_is_larger_than_the_largest_and_one_is_as_large(loss: ScalarLoss, index: int) -> None:
    target = targets_of(loss, index)
    largest = float(loss.largest_slopes(REACH[index : index + 1], np.array([target]))[0])
    margins = margins_in(loss, float(REACH[index]))
    slopes = np.abs(loss.values_and_derivatives(margins, np.full(margins.size, target))[1])
    found = float(slopes.max(initial=0.0))
    if loss.name == "logarithmic":
        assert largest == np.inf
    else:
        assert found == largest
    assert largest <= loss.lipschitz


@pytest.mark.parametrize("loss", CURVED, ids=repr)
def test_exp_concavity_is_the_least_ratio_of_curvature_to_squared_slope(loss: ScalarLoss) -> None:
    targets = np.array([targets_of(loss, i) for i in range(REACH.size)])
    alpha = loss.exp_concavity(REACH, targets)
    ratios = []
    for reach, target in zip(REACH, targets, strict=True):
        margins = margins_in(loss, float(reach))
        labels = np.full(margins.size, target)
        slopes = loss.values_and_derivatives(margins, labels)[1]
        curvature = loss.curvature(margins, labels)
        ratios += list(curvature[slopes != 0.0] / slopes[slopes != 0.0] ** 2)
    assert min(ratios) == pytest.approx(alpha, rel=1e-12)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss not in CURVED], ids=repr)
def test_a_loss_without_exp_concavity_is_straight_somewhere_with_a_slope(loss: ScalarLoss) -> None:
    reach, targets = np.array([8.0]), np.array([targets_of(loss, 1)])
    margins = np.linspace(-8.0, 8.0, 4001)
    values, slopes = loss.values_and_derivatives(margins, np.full(margins.size, targets[0]))
    bend = np.abs(values[:-2] - 2.0 * values[1:-1] + values[2:])
    assert np.any((bend < 1e-13) & (np.abs(slopes[1:-1]) > 0.1))
    assert loss.exp_concavity(reach, targets) == 0.0


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_an_infinite_reach_leaves_only_a_curvature_that_holds_everywhere(loss: ScalarLoss) -> None:
    expected = 1.0 if loss.name == "logarithmic" else 0.0
    assert loss.exp_concavity(np.array([np.inf, 1.0]), np.ones(2)) == expected


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_along_a_change_that_recedes_no_loss_rises_and_none_reaches_its_infimum(loss: ScalarLoss) -> None:
    targets = np.array([1.0, -1.0, 1.0])
    for change in (np.array([1.0, -2.0, 0.0]), np.array([1.0, 1.0, 1.0]), np.array([-1.0, 1.0, 0.0])):
        values = np.array([loss.values_and_derivatives(0.1 + far * change, targets)[0] for far in (0.0, 1.0, 10.0)])
        if loss.recedes(change, targets, slack=0.0):
            assert np.all(np.diff(values, axis=0) <= 0.0)
            assert np.any(values[2] < values[0])
            assert np.all(values > loss.infimum)
    assert loss.recedes(np.array([1.0, -2.0, 0.0]), targets, slack=0.0) == (loss.name == "logistic")
