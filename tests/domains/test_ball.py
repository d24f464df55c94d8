import numpy as np
import pytest

import oco
from oco.domains import Ball, Dense, Diagonal, FrobeniusBall, Kronecker, LowRankPlusScaledIdentity, ScaledIdentity
from oco.errors import DomainError


def random_basis(rng, dimension, rank):
    return np.linalg.qr(rng.standard_normal((dimension, rank)))[0]


def test_shape_is_stated_later():
    ball = oco.Ball(radius=5.0)
    with pytest.raises(DomainError, match="does not know the shape"):
        _ = ball.shape
    placed = ball.with_shape((30,))
    assert placed.shape == (30,)
    assert placed.start.shape == (30,)
    assert placed.with_shape((30,)) is placed
    with pytest.raises(DomainError, match="not \\(4,\\)"):
        placed.with_shape((4,))
    with pytest.raises(DomainError, match="does not know the shape"):
        _ = ball.shape


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("condition", [1.0, 1e3, 1e12])
def test_metric_projection_satisfies_the_stationarity_condition(seed, condition):
    rng = np.random.default_rng(seed)
    d, k = 12, 5
    center = rng.standard_normal(d)
    ball = Ball(0.7, center=center)
    point = center + 10.0 ** rng.uniform(-0.1, 3) * rng.standard_normal(d)
    low = LowRankPlusScaledIdentity(random_basis(rng, d, k), np.geomspace(1.0, 1.0 / condition, k), 1.0 / condition)
    dense = Dense(random_basis(rng, d, d), np.geomspace(1.0, 1.0 / condition, d))
    for metric in (ScaledIdentity(2.0), Diagonal(np.geomspace(1.0, 1.0 / condition, d)), low, dense):
        projected = ball.project_in(point, metric)
        assert np.linalg.norm(projected - center) == pytest.approx(0.7, rel=1e-12)
        normal = metric.apply(point - projected)
        gap = ball.support(normal) - normal @ projected
        largest = 2.0 if isinstance(metric, ScaledIdentity) else 1.0
        assert gap <= 1e-13 * largest * np.linalg.norm(point - projected)


def test_null_space_of_the_metric_is_shrunk_as_the_limit():
    metric = LowRankPlusScaledIdentity(np.eye(4)[:, :1], np.array([3.0]), 0.0)
    projected = Ball(1.0, dimension=4).project_in(np.array([0.6, 3.0, 0.0, 4.0]), metric)
    np.testing.assert_allclose(projected, [0.6, 0.48, 0.0, 0.64], rtol=1e-14)


def test_kronecker_metric_agrees_with_the_dense_one():
    rng = np.random.default_rng(3)
    left = Dense(random_basis(rng, 3, 3), np.array([2.0, 0.1, 1e-3]))
    right = Dense(random_basis(rng, 4, 4), np.array([1.0, 0.5, 0.2, 1e-4]))
    ball = FrobeniusBall(1.0, shape=(3, 4))
    point = rng.standard_normal((3, 4)) * 4
    full = np.kron(
        left.basis @ np.diag(left.values) @ left.basis.T, right.basis @ np.diag(right.values) @ right.basis.T
    )
    metric = Kronecker(left, right)
    np.testing.assert_allclose(metric.apply(point).ravel(), full @ point.ravel(), rtol=1e-12)
    projected = ball.project_in(point, metric)
    np.testing.assert_allclose(projected, ball.project_in(point, Dense.from_matrix(full)), rtol=1e-8)


def test_unbounded_returns_the_point():
    domain = oco.Unbounded(3)
    point = np.array([1e150, -2.0, 0.0])
    np.testing.assert_array_equal(domain.project_in(point, ScaledIdentity(0.0)), point)
    assert domain.radius("l1") == np.inf
    assert not domain.bounded
