"""Every metric is the operator that its matrix says, and so are its powers, null space, parts and coupling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from oco.errors import DomainError
from oco.metrics import (
    Dense,
    Diagonal,
    Kronecker,
    LowRankPlusScaledIdentity,
    Metric,
    ScaledIdentity,
    as_metric,
)

SHAPE, D = (2, 3), 6


def orthogonal(size: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(size).standard_normal((size, size)))[0]


LEFT = Dense(orthogonal(2), np.array([2.0, 0.5]))
METRICS: dict[str, Metric] = {
    "identity": ScaledIdentity(2.5),
    "zero": ScaledIdentity(0.0),
    "diagonal": Diagonal(np.array([3.0, 1.0, 0.2, 5.0, 1.0, 4.0])),
    "diagonal of a matrix": Diagonal(np.array([[3.0, 1.0, 0.0], [5.0, 1.0, 4.0]])),
    "low rank": LowRankPlusScaledIdentity(orthogonal(D)[:, :2], np.array([4.0, 2.0]), 0.5),
    "low rank below its complement": LowRankPlusScaledIdentity(orthogonal(D)[:, :2], np.array([4.0, 0.1]), 0.5),
    "singular low rank": LowRankPlusScaledIdentity(orthogonal(D)[:, :2], np.array([4.0, 2.0]), 0.0),
    "of full rank": LowRankPlusScaledIdentity(orthogonal(D), np.arange(1.0, 7.0), 0.0),
    "of rank 0": LowRankPlusScaledIdentity(np.zeros((D, 0)), np.zeros(0), 0.7),
    "dense": Dense(orthogonal(D), np.geomspace(1.0, 1e-3, D)),
    "singular dense": Dense(orthogonal(D), np.array([2.0, 1.0, 1.0, 0.0, 0.0, 0.5])),
    "kronecker": Kronecker(LEFT, Dense(orthogonal(3), np.array([3.0, 1.0, 0.1]))),
    "singular kronecker": Kronecker(LEFT, Dense(orthogonal(3), np.array([3.0, 0.0, 0.1]))),
}
every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())


def matrix_of(metric: Metric) -> np.ndarray:
    """H, one column for every unit decision."""
    return np.stack([metric.apply(unit.reshape(SHAPE)).ravel() for unit in np.eye(D)], axis=1)


def of_spectrum(matrix: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    values, basis = np.linalg.eigh(matrix)
    return (basis * function(np.where(values > 1e-12, values, 0.0))) @ basis.T


@every_metric
def test_columns_vectors_and_matrices_of_decisions_are_taken_alike(metric: Metric) -> None:
    matrix = matrix_of(metric)
    columns = np.random.default_rng(0).standard_normal((D, 4))
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-14)
    np.testing.assert_allclose(metric.apply(columns), matrix @ columns, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(metric.apply(columns[:, 0]), matrix @ columns[:, 0], rtol=1e-12, atol=1e-13)
    assert metric.largest == pytest.approx(np.linalg.norm(matrix, 2))


@every_metric
@pytest.mark.parametrize("exponent", [-1.0, -0.5, 0.25, 0.5, 2.0])
def test_powers_are_those_of_the_matrix_and_zero_on_the_null_space(metric: Metric, exponent: float) -> None:
    def power(values: np.ndarray) -> np.ndarray:
        return np.array([value**exponent if value > 0.0 else 0.0 for value in values])

    expected = of_spectrum(matrix_of(metric), power)
    np.testing.assert_allclose(matrix_of(metric.power(exponent)), expected, rtol=1e-10, atol=1e-11)
    if isinstance(metric, Dense | LowRankPlusScaledIdentity):
        assert metric.power(exponent).trace == pytest.approx(np.trace(expected))


@every_metric
def test_the_null_part_is_the_projection_on_the_null_space(metric: Metric) -> None:
    matrix = matrix_of(metric)
    columns = np.random.default_rng(1).standard_normal((D, 3))
    expected = of_spectrum(matrix, lambda values: (values == 0.0).astype(float)) @ columns
    np.testing.assert_allclose(metric.null_part(columns), expected, atol=1e-12)
    inside = matrix @ columns
    np.testing.assert_array_equal(metric.null_part(inside), 0.0)


@every_metric
def test_parts_add_up_and_are_orthogonal_eigenvectors(metric: Metric) -> None:
    matrix = matrix_of(metric)
    point = np.random.default_rng(2).standard_normal(SHAPE)
    values, sizes, combined = metric.parts(point)
    np.testing.assert_allclose(combined(np.ones(values.size)), point, rtol=1e-12, atol=1e-13)
    assert np.sum(sizes**2) == pytest.approx(np.sum(point**2))
    assert values @ sizes**2 == pytest.approx(point.ravel() @ matrix @ point.ravel())
    for index in range(values.size):
        part = combined(np.eye(values.size)[index]).ravel()
        assert np.linalg.norm(part) == pytest.approx(abs(sizes[index]), abs=1e-13)
        np.testing.assert_allclose(matrix @ part, values[index] * part, atol=1e-12)


@every_metric
def test_the_coupling_is_the_metric_in_units_of_its_largest_eigenvalue(metric: Metric) -> None:
    if metric.largest == 0.0:
        return
    shift, weights = metric.coupling(D)
    np.testing.assert_allclose(
        metric.largest * (shift * np.eye(D) + weights @ weights.T), matrix_of(metric), rtol=1e-12, atol=1e-13
    )
    gram = weights.T @ weights
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-13)


@every_metric
def test_what_can_only_be_applied_becomes_its_matrix(metric: Metric) -> None:
    class Foreign:
        def apply(self, decision: np.ndarray) -> np.ndarray:
            assert decision.shape == SHAPE
            return metric.apply(decision)

    taken = as_metric(Foreign(), SHAPE)
    np.testing.assert_allclose(taken.apply(np.eye(D)), matrix_of(metric), rtol=1e-12, atol=1e-13)
    assert as_metric(metric, SHAPE) is metric


def applied(function: Callable[[np.ndarray], np.ndarray]) -> object:
    class Applied:
        apply = staticmethod(function)

    return Applied()


@pytest.mark.parametrize(
    ("given", "size", "said"),
    [
        (3.0, 2, r"A metric is an oco.metrics.Metric or has a method apply\(decision\), got float"),
        (applied(lambda x: x), 1501, "decisions of at most 1500 entries, got 1501"),
        (applied(lambda x: -x), 3, "not symmetric and positive semidefinite"),
        (applied(lambda x: np.array([x[1], 0.0])), 2, "not symmetric and positive semidefinite"),
        (applied(lambda x: x[:1]), 2, "must give 2 entries for 2, got 1"),
        (applied(lambda x: np.nan * x), 2, "not finite"),
    ],
)
def test_what_is_no_metric_is_refused_in_a_sentence(given: object, size: int, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        as_metric(given, (size,))
