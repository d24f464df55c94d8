"""Multinomial logistic losses and quadratic forms, against finite differences and their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from oco.errors import ConfigError, DataError
from oco.losses import Loss, MultinomialBlock, MultinomialLogistic, QuadraticForm, RowLoss, scalar_loss


def losses() -> list[tuple[str, Loss, tuple[int, ...]]]:
    generator = np.random.default_rng(0)
    factor = generator.standard_normal((3, 4))
    return [
        ("multinomial", MultinomialLogistic(generator.standard_normal(3), 2, 4), (4, 3)),
        ("quadratic", QuadraticForm(factor.T @ factor, generator.standard_normal(4), 2.0), (4,)),
        ("row", RowLoss(scalar_loss("logistic"), generator.standard_normal(5), -1.0), (5,)),
    ]


@pytest.mark.parametrize(("loss", "shape"), [pytest.param(loss, shape, id=name) for name, loss, shape in losses()])
def test_gradient_and_convexity(loss: Loss, shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(1)
    for _ in range(20):
        point, other = generator.standard_normal(shape), generator.standard_normal(shape)
        gradient = loss.gradient(point)
        assert gradient.shape == shape
        width = 1e-6
        slope = (loss.value(point + width * other) - loss.value(point - width * other)) / (2.0 * width)
        assert float(np.vdot(gradient, other)) == pytest.approx(slope, abs=1e-7)
        assert loss.value(other) >= loss.value(point) + float(np.vdot(gradient, other - point)) - 1e-12


def test_multinomial_with_two_classes_is_logistic() -> None:
    row, point = np.array([1.0, -2.0]), np.array([[0.3, 0.4], [-0.5, 0.1]])
    binary = RowLoss(scalar_loss("logistic"), row, 1.0)
    assert MultinomialLogistic(row, 0, 2).value(point) == pytest.approx(binary.value(point[0] - point[1]), rel=1e-14)


def test_multinomial_of_huge_margins_is_finite() -> None:
    loss = MultinomialLogistic(np.array([1e3]), 1, 2)
    point = np.array([[1.0], [-1.0]])
    assert loss.value(point) == pytest.approx(2e3)
    np.testing.assert_allclose(loss.gradient(point), [[1e3], [-1e3]])


def test_labels_must_be_classes() -> None:
    with pytest.raises(DataError, match="0..2, got 3"):
        MultinomialLogistic(np.ones(2), 3, 3)
    with pytest.raises(DataError, match="0..2, got -1"):
        MultinomialBlock(np.ones((2, 2)), np.array([0, -1]), 3)


def test_a_form_that_is_not_convex_is_refused() -> None:
    with pytest.raises(ConfigError, match="positive semidefinite"):
        QuadraticForm(np.diag([1.0, -1.0]))
