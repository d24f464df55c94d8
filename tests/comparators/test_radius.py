"""Certificates on unbounded domains: on all of them where that can be proved, else within a radius that is shown."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from opaque_loss import Opaque

import oco
from oco.comparators import best_fixed_point, best_fixed_point_of, certify
from oco.domains import AffineSlice, Box, HalfSpace, Slab, Unbounded
from oco.errors import ComparatorError
from oco.losses import QuadraticForm, RowBlock, RowLoss, Squared, scalar_loss


def least_squares(rows: np.ndarray, targets: np.ndarray) -> Fraction:
    """``min_x |A x - y|^2 / 2`` over all x, exactly: Gram-Schmidt in rational numbers, dependent columns left out."""
    residual = [Fraction(float(y)) for y in targets]
    basis: list[list[Fraction]] = []
    for column in rows.T:
        vector = [Fraction(float(entry)) for entry in column]
        for other in basis:
            share = dot(vector, other) / dot(other, other)
            vector = [v - share * o for v, o in zip(vector, other, strict=True)]
        if any(vector):
            basis.append(vector)
            share = dot(residual, vector) / dot(vector, vector)
            residual = [r - share * v for r, v in zip(residual, vector, strict=True)]
    return dot(residual, residual) / 2


def dot(one: list[Fraction], other: list[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(one, other, strict=True)), Fraction(0))


def planted(scales: list[float], noise: float = 1.0, count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    rows = generator.standard_normal((count, len(scales)))
    targets = rows @ generator.standard_normal(len(scales)) + noise * generator.standard_normal(count)
    return rows * np.array(scales), targets


@pytest.mark.parametrize(
    "scales", [[1.0] * 3, [1e-12, 1.0, 1e12], [1e-150] * 2, [1e150] * 2, [1e-8], [1e-12, 1e-9, 1e9, 1e12]]
)
@pytest.mark.parametrize("noise", [0.0, 1e-6, 1.0])
def test_least_squares_on_the_whole_space_hold_the_rational_minimum(scales: list[float], noise: float) -> None:
    rows, targets = planted(scales, noise)
    best = best_fixed_point(RowBlock(Squared(), rows, targets), Unbounded(len(scales)), strict=True)
    assert best.value.lower <= least_squares(rows, targets) <= Fraction(best.value.upper)
    assert best.value.within == np.inf


@pytest.mark.parametrize("name", ["huber", "logistic", "absolute", "hinge", "squared_hinge", "quantile"])
def test_columns_of_any_scales_do_not_change_the_minimum(name: str) -> None:
    rows, targets = planted([1.0, 1.0, 1.0], count=60)
    scalar = scalar_loss(name)
    targets = np.where(targets > 0.0, 1.0, -1.0) if scalar.binary else targets
    plain = best_fixed_point(RowBlock(scalar, rows, targets), Unbounded(3), strict=True)
    wild = best_fixed_point(RowBlock(scalar, rows * np.array([1e-12, 1.0, 1e12]), targets), Unbounded(3), strict=True)
    assert wild.value.lower <= plain.value.upper
    assert plain.value.lower <= wild.value.upper
    assert wild.value.within == plain.value.within == np.inf


@pytest.mark.parametrize(
    "domain",
    [
        HalfSpace(np.array([1.0, -2.0, 0.5]), -1.0),
        Slab(np.array([1.0, -2.0, 0.5]), 0.2),
        AffineSlice(np.array([[1.0, -2.0, 0.5]]), [1.0]),
        Box(0.0, np.inf, dimension=3),
        Box([-np.inf, -0.1, 0.0], [np.inf, 0.1, np.inf]),
    ],
)
@pytest.mark.parametrize("name", ["squared", "huber", "absolute", "logistic"])
def test_certificates_reach_all_of_an_unbounded_polyhedron(name: str, domain: oco.Domain) -> None:
    rows, targets = planted([1.0, 1.0, 1.0], count=60)
    scalar = scalar_loss(name)
    targets = np.where(targets > 0.0, 1.0, -1.0) if scalar.binary else targets
    best = best_fixed_point(RowBlock(scalar, rows, targets), domain, strict=True)
    assert best.value.within == np.inf
    assert best.value.lower > 0.0
    assert best.certificate == "Fenchel dual"


def nearly_dependent() -> RowBlock:
    """The third column is the sum of the others but for 1e-14: far out, points of loss zero, nearby none."""
    rows, targets = planted([1.0, 1.0], count=3)
    targets = np.array([1.0, -2.0, 3.0])
    return RowBlock(Squared(), np.c_[rows, rows.sum(axis=1) + np.array([1e-14, -1e-14, 2e-14])], targets)


def test_a_lower_end_that_holds_nearby_only_says_within_which_radius() -> None:
    block = nearly_dependent()
    best = best_fixed_point(block, Unbounded(3), tolerance=1e-4)
    assert least_squares(np.asarray(block.rows), block.targets) == 0
    assert best.value.lower > 0.0  # not true of the whole space
    assert np.linalg.norm(best.point) < best.value.within < 1e6
    assert f"within |u| <= {best.value.within:.3g}" in str(best.value)
    with pytest.raises(ComparatorError, match=r"certified within \|u\| <= .* only"):
        best_fixed_point(block, Unbounded(3), tolerance=1e-4, strict=True)


def test_the_radius_goes_with_the_regret() -> None:
    block = nearly_dependent()
    game = oco.environments.LeastSquares(np.asarray(block.rows), block.targets)
    record = oco.play(game, oco.OGD(learning_rate=0.01), comparator=True)
    assert record.scalars["comparator_within"] == record.regret.within == record.curves["comparator_within"][-1]
    assert ("within |u| <=" in str(record)) == np.isfinite(record.regret.within)
    bounded = oco.play(oco.environments.LeastSquares(*planted([1.0]), domain=oco.Ball(1.0)), oco.OGD())
    assert bounded.regret.within == np.inf
    assert "within" not in str(bounded)


def test_losses_known_by_value_and_gradient_are_certified_within_a_radius() -> None:
    losses = [Opaque(QuadraticForm(np.eye(2), np.array([-1.0, 2.0]))) for _ in range(5)]
    best = best_fixed_point_of(losses, Unbounded(2), tolerance=0.05)
    assert np.isfinite(best.value.within)
    with pytest.raises(ComparatorError, match="within"):
        best_fixed_point_of(losses, Unbounded(2), tolerance=0.05, strict=True)


def test_linear_losses_on_an_unbounded_domain_have_no_lower_end_or_a_proved_one() -> None:
    scalar = scalar_loss("linear")
    rows = np.array([[1.0, 2.0], [1e-17, 3.0]])
    orthant = best_fixed_point(RowBlock(scalar, rows, np.zeros(2)), Box(0.0, np.inf, dimension=2), strict=True)
    assert orthant.value.lower <= 0.0 <= orthant.value.upper
    sideways = RowBlock(scalar, np.array([[1.0, 1e-13]]), np.zeros(1))  # almost along the normal: unbounded below
    found = best_fixed_point(sideways, HalfSpace(np.array([-1.0, 0.0]), 0.0))
    assert found.value.lower == -np.inf or np.isfinite(found.value.within)


@pytest.mark.parametrize("name", ["squared", "huber", "absolute", "logistic", "hinge"])
def test_a_dual_that_is_not_balanced_proves_nothing_about_the_whole_space(name: str) -> None:
    rows, targets = planted([1.0, 1.0], count=30)
    scalar = scalar_loss(name)
    targets = np.where(targets > 0.0, 1.0, -1.0) if scalar.binary else targets
    block = RowBlock(scalar, rows, targets)
    truth = best_fixed_point(block, Unbounded(2)).value
    generator = np.random.default_rng(0)
    low, high = scalar.dual_range(targets)
    for size in (1e-12, 1e-6, 1e-2, 1.0, 100.0):
        slopes = scalar.values_and_derivatives(rows @ np.array([0.3, -0.2]), targets)[1]
        wrong = np.clip(slopes + size * generator.standard_normal(30), low, high)
        found = certify(block, Unbounded(2), np.array([0.3, -0.2]), dual=wrong)
        assert found.value.lower <= truth.upper


def test_rows_that_were_made_of_opaque_losses_are_as_good() -> None:
    rows, targets = planted([1e-9, 1.0])
    losses = [RowLoss(Squared(), row, y) for row, y in zip(rows, targets, strict=True)]
    best = best_fixed_point_of(losses, Unbounded(2), strict=True)
    assert best.value.lower <= least_squares(rows, targets) <= Fraction(best.value.upper)
