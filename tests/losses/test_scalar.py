"""Scalar losses: derivatives, convexity, curvature and conjugates, each against its definition."""

from __future__ import annotations

import numpy as np
import pytest

import oco
from oco.environments import DriftingRegression, GeneralizedLinear, MatrixCompletion, NoisyRegression
from oco.errors import ConfigError
from oco.losses import SCALAR_LOSSES, Huber, Quantile, ScalarLoss, scalar_loss

LOSSES = [family() for family in SCALAR_LOSSES.values()] + [Quantile(tau=0.9), Huber(delta=0.3)]
SMOOTH = [loss for loss in LOSSES if loss.name not in ("absolute", "hinge", "quantile")]


def margins_and_targets(loss: ScalarLoss, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    margins = 3.0 * generator.standard_normal(200)
    if loss.name == "logarithmic":
        margins = np.abs(margins) + 0.05
    targets = generator.standard_normal(200)
    return margins, np.where(targets > 0.0, 1.0, -1.0) if loss.binary else targets


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_derivative_is_that_of_central_differences(loss: ScalarLoss) -> None:
    margins, targets = margins_and_targets(loss)
    width = 1e-6
    above, _ = loss.values_and_derivatives(margins + width, targets)
    below, _ = loss.values_and_derivatives(margins - width, targets)
    _, slopes = loss.values_and_derivatives(margins, targets)
    np.testing.assert_allclose(slopes, (above - below) / (2.0 * width), atol=1e-6)


@pytest.mark.parametrize("loss", SMOOTH, ids=repr)
def test_curvature_is_that_of_central_differences(loss: ScalarLoss) -> None:
    margins, targets = margins_and_targets(loss)
    width = 1e-6
    _, above = loss.values_and_derivatives(margins + width, targets)
    _, below = loss.values_and_derivatives(margins - width, targets)
    curvature = loss.curvature(margins, targets)
    np.testing.assert_allclose(curvature, (above - below) / (2.0 * width), rtol=1e-5, atol=1e-6)
    assert curvature.max() <= loss.smoothness * (1.0 + 1e-12)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss not in SMOOTH], ids=repr)
def test_a_loss_with_a_kink_is_the_larger_of_two_lines(loss: ScalarLoss) -> None:
    margins, targets = margins_and_targets(loss)
    described = loss.kinks(targets)
    assert described is not None
    kink, low, high = described
    values, _ = loss.values_and_derivatives(margins, targets)
    np.testing.assert_allclose(values, np.maximum(low * (margins - kink), high * (margins - kink)), atol=1e-15)
    with pytest.raises(TypeError, match="no second derivative"):
        loss.curvature(margins, targets)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_convexity_along_chords(loss: ScalarLoss) -> None:
    margins, targets = margins_and_targets(loss)
    others, _ = margins_and_targets(loss, seed=1)
    middle, _ = loss.values_and_derivatives(0.3 * margins + 0.7 * others, targets)
    first, slopes = loss.values_and_derivatives(margins, targets)
    second, _ = loss.values_and_derivatives(others, targets)
    assert np.all(middle <= 0.3 * first + 0.7 * second + 1e-12)
    assert np.all(second >= first + slopes * (others - margins) - 1e-12)
    assert np.all(np.abs(slopes) <= loss.lipschitz)
    assert np.all(first >= loss.infimum)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_conjugate_is_tight_at_the_slope_and_an_upper_bound_elsewhere(loss: ScalarLoss) -> None:
    margins, targets = margins_and_targets(loss)
    others, _ = margins_and_targets(loss, seed=2)
    values, slopes = loss.values_and_derivatives(margins, targets)
    conjugates = loss.conjugate(slopes, targets)
    np.testing.assert_allclose(slopes * margins - conjugates, values, atol=1e-12)
    other_values, _ = loss.values_and_derivatives(others, targets)
    assert np.all(other_values >= slopes * others - conjugates - 1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_conjugate_is_the_supremum_over_a_grid(loss: ScalarLoss) -> None:
    targets = np.array([1.0, -1.0])
    low, high = loss.dual_range(targets)
    grid = np.linspace(1e-4 if loss.name == "logarithmic" else -40.0, 40.0, 400_001)
    for share in (0.1, 0.5, 0.8):
        dual = np.maximum(low, -2.0) + share * (np.minimum(high, 2.0) - np.maximum(low, -2.0))
        conjugates = loss.conjugate(dual, targets)
        for a, y, conjugate in zip(dual, targets, conjugates, strict=True):
            values, _ = loss.values_and_derivatives(grid, np.full_like(grid, y))
            assert conjugate == pytest.approx(np.max(a * grid - values), abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_conjugate_is_infinite_outside_its_range(loss: ScalarLoss) -> None:
    targets = np.array([1.0, -1.0])
    low, high = loss.dual_range(targets)
    for end, side in ((low, -1e-3), (high, 1e-3)):
        finite = np.isfinite(end)
        outside = np.where(finite, end, 0.0) + side
        assert np.all(np.isinf(loss.conjugate(outside, targets)[finite]))


@pytest.mark.parametrize("name", SCALAR_LOSSES)
def test_a_loss_may_be_given_by_name(name: str) -> None:
    """A game with the name and one with the loss reveal the same rounds."""
    targets = np.array([1.0, -1.0, 1.0])
    by_name, by_loss = (GeneralizedLinear(np.eye(3), targets, loss=loss) for loss in (name, SCALAR_LOSSES[name]()))
    point = np.full(3, 0.3)
    assert [by_name.reveal(point).value(point) for _ in range(3)] == [
        by_loss.reveal(point).value(point) for _ in range(3)
    ]
    assert type(by_name.loss) is SCALAR_LOSSES[name]


MAKERS = {
    "generalized_linear": lambda loss: GeneralizedLinear(np.eye(3), np.ones(3), loss=loss),
    "load": lambda loss: GeneralizedLinear.load("diabetes", loss=loss),
    "noisy_regression": lambda loss: NoisyRegression(dimension=3, horizon=5, loss=loss),
    "drifting_regression": lambda loss: DriftingRegression(dimension=3, horizon=5, loss=loss),
    "matrix_completion": lambda loss: MatrixCompletion(horizon=5, loss=loss),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("given", ["sqared", 3, oco.losses.Squared, ["squared"]])
def test_what_is_no_loss_is_one_sentence(make: object, given: object) -> None:
    with pytest.raises(
        ConfigError, match="loss must be one of absolute, .*squared_hinge, or an oco.losses.ScalarLoss, got"
    ):
        make(given)  # type: ignore[operator]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_game_of_a_loss_takes_its_name(make: object) -> None:
    assert type(make("absolute").loss) is type(make(scalar_loss("absolute")).loss)  # type: ignore[operator]
