"""Best fixed points of losses that are known by value and gradient only."""

from __future__ import annotations

import numpy as np
import pytest
from opaque_loss import Opaque

from oco.comparators import anytime_of, best_fixed_point, best_fixed_point_of
from oco.domains import Ball, Unbounded
from oco.losses import MultinomialLogistic, QuadraticForm, RowBlock, RowLoss, scalar_loss


def rounds(name: str, dimension: int) -> RowBlock:
    generator = np.random.default_rng(3)
    rows = generator.standard_normal((60, dimension))
    targets = rows @ generator.standard_normal(dimension) + generator.standard_normal(60)
    scalar = scalar_loss(name)
    return RowBlock(scalar, rows, np.sign(targets) if scalar.binary else targets)


@pytest.mark.parametrize("dimension", [1, 4, 20])
@pytest.mark.parametrize("radius", [0.5, 10.0])
@pytest.mark.parametrize("name", ["linear", "squared", "logistic", "absolute", "hinge"])
def test_bundle_agrees_with_the_solver_that_knows_the_losses(name: str, radius: float, dimension: int) -> None:
    block = rounds(name, dimension)
    domain = Ball(radius, dimension=dimension)
    known = best_fixed_point(block, domain)
    losses = [Opaque(RowLoss(block.scalar, row, y)) for row, y in zip(block.rows, block.targets, strict=True)]
    found = best_fixed_point_of(losses, domain)
    assert found.tight
    assert found.value.lower <= known.value.upper
    assert known.value.lower <= found.value.upper
    assert domain.contains(found.point)


def test_rows_of_one_loss_are_recognized() -> None:
    block = rounds("hinge", 4)
    losses = [RowLoss(block.scalar, row, y) for row, y in zip(block.rows, block.targets, strict=True)]
    domain = Ball(2.0, dimension=4)
    curve, known = anytime_of(losses, domain, [7, 60]), best_fixed_point(block, domain)
    assert curve.certificate == "Fenchel dual"
    assert curve[-1].value == known.value or curve[-1].gap <= 1e-4 * known.value.upper


def test_linear_losses_on_the_whole_space_are_never_certified() -> None:
    block = rounds("linear", 3)
    losses = [Opaque(RowLoss(block.scalar, row, y)) for row, y in zip(block.rows, block.targets, strict=True)]
    found = best_fixed_point_of(losses, Unbounded(3))
    assert not found.tight
    assert "wide" in found.note


def test_sums_of_quadratic_forms_have_their_closed_form() -> None:
    generator = np.random.default_rng(0)
    losses = [Opaque(QuadraticForm(np.eye(3), generator.standard_normal(3))) for _ in range(30)]
    mean = np.mean([loss.gradient(np.zeros(3)) for loss in losses], axis=0)
    minimum = -0.5 * 30.0 * float(mean @ mean)
    assert minimum in best_fixed_point_of(losses, Unbounded(3)).value
    curve = anytime_of(losses, Ball(5.0, dimension=3), [1, 5, 30])
    assert curve.tight
    assert minimum in curve[-1].value
    np.testing.assert_allclose(curve.point, -mean, atol=0.05)
    assert curve.final[-1] == pytest.approx(sum(loss.value(curve.point) for loss in losses), rel=1e-12)


def test_multinomial_losses_are_recognized_and_matrix_decisions_work() -> None:
    generator = np.random.default_rng(0)
    rows, labels = generator.standard_normal((40, 3)), generator.integers(0, 4, 40)
    losses = [MultinomialLogistic(row, int(label), 4) for row, label in zip(rows, labels, strict=True)]
    domain = Ball(5.0).with_shape((4, 3))
    known = best_fixed_point_of(losses, domain)
    opaque = best_fixed_point_of([Opaque(loss) for loss in losses], domain)
    assert known.certificate == "Fenchel dual"
    assert opaque.certificate == "Frank-Wolfe gap"
    assert known.tight
    assert opaque.tight
    assert opaque.value.lower <= known.value.upper
    assert known.value.lower <= opaque.value.upper
    assert known.point.shape == (4, 3)
