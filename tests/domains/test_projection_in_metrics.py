"""What a projection is, in every metric: variational inequality, idempotence, firm non-expansiveness, limits."""

import numpy as np
import pytest
from domain_cases import METRICS, matrix_domains, matrix_of, random_basis, random_metric, random_point, vector_domains

from oco.domains import (
    AffineSlice,
    Ball,
    BallBox,
    Box,
    Dense,
    Diagonal,
    FrobeniusBall,
    HalfSpace,
    Kronecker,
    L1Ball,
    LowRankPlusScaledIdentity,
    ScaledIdentity,
    Simplex,
    Slab,
    SpectralBall,
    projection_residual,
)
from oco.domains._coupled import BOX, coupled_newton
from oco.errors import DomainError

CONDITIONS = (1.0, 1e3, 1e6, 1e12)


def require_projection(domain, point, metric):
    projected = domain.project_in(point, metric)
    assert domain.contains(projected, 1e-10)
    assert projection_residual(domain, point, projected, metric) <= 1e-10
    return projected


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("kind", METRICS)
@pytest.mark.parametrize("dimension", [1, 2, 7, 30])
def test_variational_inequality_and_idempotence(dimension, kind, condition):
    for seed in range(6):
        rng = np.random.default_rng([dimension, seed])
        for domain in vector_domains(dimension, rng).values():
            metric = random_metric(kind, dimension, condition, rng)
            point = random_point(domain, rng)
            projected = require_projection(domain, point, metric)
            again = domain.project_in(projected, metric)
            assert np.linalg.norm(again - projected) <= 1e-9 * np.linalg.norm(projected)


@pytest.mark.parametrize("kind", ["low rank", "singular low rank"])
def test_coordinates_that_cross_from_bound_to_bound(kind):
    """Where a released coordinate runs to its other bound, it may have to be released again later."""
    lower, upper = np.where(np.arange(12) % 2 == 1, -np.inf, -0.1), np.where(np.arange(12) % 3 == 0, np.inf, 0.2)
    for seed in range(300):
        rng = np.random.default_rng(seed)
        metric = random_metric(kind, 12, 1e12, rng)
        domain = Box(lower, upper)
        require_projection(domain, random_point(domain, rng), metric)


@pytest.mark.parametrize("seed", [184, 284, 607, *range(20)])
def test_newton_does_not_stop_where_a_coordinate_changed_its_bound(seed):
    """From one bound to the other in a full step no coordinate has become free, and the step was still not exact."""
    rng = np.random.default_rng(seed)
    metric = random_metric("dense", 4, 10.0 ** rng.uniform(2, 7), rng)
    point = rng.standard_normal(4) * 10.0 ** rng.uniform(-0.5, 3)
    shift, weights = metric.coupling(4)
    projected, _, exact = coupled_newton(BOX, point, shift, weights, np.full(4, -0.5), np.full(4, 0.5), 0.0, 30)
    assert exact
    assert projection_residual(Box(-0.5, 0.5, dimension=4), point, projected, metric) <= 1e-10


def test_equal_weights_leave_nothing_to_invert():
    """The free rows of W are equal, so centred they are rounding: a singular metric of rank one, as of a sparse row."""
    weighed = np.repeat([2.0, 1.0, 0.5, 0.0], [7, 4, 2, 137])
    metric = LowRankPlusScaledIdentity(-weighed[:, None] / np.linalg.norm(weighed), np.array([2.67]), 0.0)
    for size in (0.175, 3.0):
        point = 1.0 / 150 + size * weighed
        projected = require_projection(Simplex(1.0, 150), point, metric)
        np.testing.assert_allclose(projected, np.where(weighed == 2.0, 1.0 / 7, 0.0), atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_direction_almost_in_the_range_of_a_singular_metric(seed):
    """Little is left of the normal in the null space, so the move along it is long."""
    rng = np.random.default_rng(seed)
    basis = random_basis(rng, 5, 4)
    null = np.linalg.svd(basis.T)[2][-1]
    for share in (1e-2, 1e-4):
        normal = basis @ rng.standard_normal(4) + share * null
        metric = LowRankPlusScaledIdentity(basis, np.ones(4), 0.0)
        for domain in (Slab(normal, 0.1), HalfSpace(normal, -0.1), AffineSlice([normal], [0.3])):
            require_projection(domain, rng.standard_normal(5), metric)


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("kind", METRICS)
def test_variational_inequality_on_matrices(kind, condition):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        for shape in ((3, 4), (4, 2), (1, 5)):
            for domain in matrix_domains(shape).values():
                metric = random_metric(kind, domain.dimension, condition, rng)
                require_projection(domain, random_point(domain, rng), metric)


@pytest.mark.parametrize("kind", METRICS)
def test_spectral_ball_in_metrics_of_condition_1e12(kind):
    """The boundary is curved, and the metric weighs some directions 1e12 times less than others: none is refused."""
    for shape, seeds in (((3, 4), 20), ((2, 2), 20), ((6, 5), 5)):
        for seed in (*range(seeds), 110, 115, 128):
            rng = np.random.default_rng(seed)
            domain = SpectralBall(0.5, shape=shape)
            metric = random_metric(kind, domain.dimension, 1e12, rng)
            require_projection(domain, random_point(domain, rng), metric)


@pytest.mark.parametrize("complement", [0.0, 1e-10])
def test_spectral_ball_of_many_entries_in_a_low_rank_metric(complement):
    """Nothing of the size of the metric, 1600 x 1600, is formed: a step costs O(k^2) passes over a matrix."""
    rng = np.random.default_rng(8)
    domain = SpectralBall(0.5, shape=(40, 40))
    metric = LowRankPlusScaledIdentity(random_basis(rng, 1600, 5), np.geomspace(1.0, 1e-4, 5), complement)
    for _ in range(3):
        require_projection(domain, rng.standard_normal((40, 40)), metric)


@pytest.mark.parametrize("condition", [1e3, 1e12])
@pytest.mark.parametrize("kind", METRICS)
def test_firm_non_expansiveness_in_the_metric(kind, condition):
    for seed in range(15 if condition < 1e12 else 5):
        rng = np.random.default_rng(seed)
        domains = vector_domains(9, rng) | matrix_domains((3, 3))
        for domain in domains.values():
            metric = random_metric(kind, 9, condition, rng)
            first, second = random_point(domain, rng), random_point(domain, rng)
            moved = (domain.project_in(first, metric) - domain.project_in(second, metric)).ravel()
            weighted = metric.apply(moved)
            slack = 1e-10 * np.linalg.norm(first - second) * (np.linalg.norm(first) + np.linalg.norm(second))
            assert weighted @ moved <= weighted @ (first - second).ravel() + slack


@pytest.mark.parametrize("size", [1e-150, 1.0, 1e150])
@pytest.mark.parametrize("kind", METRICS)
def test_domains_of_every_size(kind, size):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        for domain in (
            Ball(size, center=size * rng.standard_normal(12)),
            Box(-0.2 * size, 0.3 * size).with_shape((3, 4)),
            Box(0.0, np.inf, dimension=12),
            Simplex(size, 12),
            L1Ball(size, 12),
            HalfSpace(rng.standard_normal(12), -0.1 * size),
            Slab(rng.standard_normal(12), 0.1 * size),
            AffineSlice(rng.standard_normal((3, 12)), size * rng.standard_normal(3)),
            FrobeniusBall(size, shape=(3, 4)),
            SpectralBall(0.5 * size, shape=(3, 4)),
            BallBox(size, None, -0.4 * size, 0.5 * size, 12),
        ):
            metric = random_metric(kind, 12, 1e3, rng)
            require_projection(domain, 3.0 * size * rng.standard_normal(domain.shape), metric)


def test_where_the_sphere_touches_the_box_s_projection_the_box_alone_decides():
    """The radius is the norm of the box's projection up to rounding: mu is 0, and nothing changes its sign."""
    box = Box(-0.5, 0.7, dimension=4)
    for seed in range(900):
        generator = np.random.default_rng(seed)
        metric, point = Diagonal(np.exp(generator.standard_normal(4))), generator.standard_normal(4)
        boxed = box.project_in(point, metric)
        for units in range(3):
            radius = float(np.linalg.norm(boxed)) * (1.0 - units * 2.0**-53)
            found = BallBox(radius, None, -0.5, 0.7, 4).project_in(point, metric)
            np.testing.assert_allclose(found, boxed, rtol=0.0, atol=1e-12)


def test_points_that_are_not_finite_are_refused():
    for domain in (vector_domains(4, np.random.default_rng(0)) | matrix_domains((2, 2))).values():
        for value in (np.nan, np.inf):
            point = np.full(domain.shape, value)
            for refuse in (domain.project, domain.support, lambda y, on=domain: on.project_in(y, ScaledIdentity(1.0))):
                with pytest.raises(DomainError, match="not finite"):
                    refuse(point)


@pytest.mark.parametrize("kind", ["singular diagonal", "singular low rank"])
def test_singular_metric_gives_the_limit_of_shifted_metrics(kind):
    dimension, distances = 8, []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        domains = vector_domains(dimension, rng) | {"spectral ball": SpectralBall(0.5, shape=(2, 4))}
        metric = random_metric(kind, dimension, 10.0, rng)
        matrix = matrix_of(metric, dimension)
        for name, domain in domains.items():
            point = 2.0 * rng.standard_normal(domain.shape)
            projected = domain.project_in(point, metric)
            errors = []
            for shift in (1e-7, 1e-8):
                shifted = Dense.from_matrix(matrix + shift * np.eye(dimension))
                errors.append(np.linalg.norm(projected - domain.project_in(point, shifted)))
            # The distance to the limit is of the order of the shift; what rounding does is of the inverse order.
            assert errors[1] <= max(0.3 * errors[0], 1e-7), name
            distances.append(errors[1])
    assert np.median(distances) <= 1e-6


def test_zero_metric_gives_the_euclidean_projection():
    rng = np.random.default_rng(0)
    zeros = [
        ScaledIdentity(0.0),
        Diagonal(np.zeros(6)),
        LowRankPlusScaledIdentity(random_basis(rng, 6, 2), np.zeros(2), 0.0),
        Dense(np.eye(6), np.zeros(6)),
    ]
    for domain in vector_domains(6, rng).values():
        point = random_point(domain, rng)
        for metric in zeros:
            np.testing.assert_allclose(domain.project_in(point, metric), domain.project(point), rtol=1e-12, atol=1e-13)


def test_metrics_that_are_equal_project_equally():
    rng = np.random.default_rng(1)
    dimension = 7
    for name, domain in vector_domains(dimension, rng).items():
        point = random_point(domain, rng)
        weights = np.array([9.0, 4.0, 2.0, 0.5, 0.5, 0.5, 0.5])
        metrics = [
            Diagonal(weights),
            Dense(np.eye(dimension), weights),
            LowRankPlusScaledIdentity(np.eye(dimension)[:, :3], weights[:3], 0.5),
            LowRankPlusScaledIdentity(np.eye(dimension)[:, 1:], weights[1:], 9.0),
            LowRankPlusScaledIdentity(np.eye(dimension), weights, 0.0),
        ]
        first, *others = (domain.project_in(point, metric) for metric in metrics)
        for other in others:
            np.testing.assert_allclose(other, first, rtol=1e-8, atol=1e-9, err_msg=name)
        for metric in (ScaledIdentity(3.0), Dense(random_basis(rng, 7, 7), np.full(7, 3.0))):
            np.testing.assert_allclose(
                domain.project_in(point, metric), domain.project(point), rtol=1e-9, atol=1e-10, err_msg=name
            )


def test_zero_escaped_mass_leaves_the_kept_directions_alone():
    """Where H weighs only V and the box can be reached across V's complement, V'x stays V'y."""
    rng = np.random.default_rng(5)
    basis = random_basis(rng, 20, 3)
    metric = LowRankPlusScaledIdentity(basis, np.array([5.0, 2.0, 1.0]), 0.0)
    for domain in (Box(-1.0, 1.0, dimension=20), L1Ball(8.0, 20), Ball(2.0, dimension=20)):
        inside = domain.project(0.3 * rng.standard_normal(20))
        across = rng.standard_normal(20) * 3.0
        point = 0.9 * inside + across - basis @ (basis.T @ across)
        projected = require_projection(domain, point, metric)
        assert not domain.contains(point)
        np.testing.assert_allclose(basis.T @ projected, basis.T @ point, atol=1e-12)


def test_points_of_the_domain_stay_and_points_on_its_boundary_too():
    rng = np.random.default_rng(6)
    for kind in METRICS:
        for domain in vector_domains(8, rng).values():
            metric = random_metric(kind, 8, 1e6, rng)
            boundary = domain.project(random_point(domain, rng) * 50.0)
            for point in (domain.start, boundary, (domain.start + boundary) / 2):
                moved = domain.project_in(point, metric)
                assert np.linalg.norm(moved - point) <= 1e-9 * (1e-3 + np.linalg.norm(point))


@pytest.mark.parametrize("size", [1e-150, 1e-20, 1e20, 1e150])
def test_sizes_of_metric_and_point(size):
    """Rescaling H changes nothing; rescaling point and domain together rescales the projection."""
    rng = np.random.default_rng(7)
    for kind in METRICS:
        metric = random_metric(kind, 6, 1e3, rng)
        if isinstance(metric, Diagonal):
            scaled = Diagonal(size * metric.weights)
        elif isinstance(metric, Dense):
            scaled = Dense(metric.basis, size * metric.values)
        else:
            scaled = LowRankPlusScaledIdentity(metric.basis, size * metric.values, size * metric.complement)
        for domain in vector_domains(6, rng).values():
            point = random_point(domain, rng)
            np.testing.assert_allclose(
                domain.project_in(point, scaled), domain.project_in(point, metric), rtol=1e-7, atol=1e-8
            )
        point = 3.0 * rng.standard_normal(6)
        for small, large in (
            (Ball(1.0, dimension=6), Ball(size, dimension=6)),
            (Simplex(1.0, 6), Simplex(size, 6)),
            (L1Ball(1.0, 6), L1Ball(size, 6)),
            (Box(-1.0, 1.0, dimension=6), Box(-size, size, dimension=6)),
        ):
            np.testing.assert_allclose(
                large.project_in(size * point, metric) / size, small.project_in(point, metric), rtol=1e-7, atol=1e-8
            )


def test_kronecker_metric_on_the_frobenius_ball():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = np.geomspace(1.0, 10.0 ** -rng.uniform(0, 6), 4)
        metric = Kronecker(Dense(random_basis(rng, 3, 3), values[:3]), Dense(random_basis(rng, 4, 4), values))
        domain = FrobeniusBall(1.0, center=rng.standard_normal((3, 4)))
        require_projection(domain, random_point(domain, rng), metric)


def test_kronecker_metric_on_every_domain_of_matrices():
    rng = np.random.default_rng(2)
    left, right = (Dense(random_basis(rng, d, d), np.geomspace(1.0, 1e-2, d)) for d in (3, 4))
    metric = Kronecker(left, right)
    full = Dense(np.kron(left.basis, right.basis), np.outer(left.values, right.values).ravel())
    domains = matrix_domains((3, 4)) | {
        "half-space": HalfSpace(rng.standard_normal((3, 4)), -0.1),
        "slab": Slab(rng.standard_normal((3, 4)), 0.1),
        "ball and box": BallBox(1.0, np.zeros((3, 4)), -0.3, 0.4),
    }
    for name, domain in domains.items():
        point = 3.0 * rng.standard_normal((3, 4))
        projected = require_projection(domain, point, metric)
        np.testing.assert_allclose(projected, domain.project_in(point, full), rtol=1e-8, atol=1e-9, err_msg=name)
    large = Kronecker(*(Dense(np.eye(d), np.geomspace(1.0, 0.1, d)) for d in (40, 40)))
    with pytest.raises(DomainError, match="more than 1500 entries, got 40 x 40"):
        SpectralBall(0.1, shape=(40, 40)).project_in(np.ones((40, 40)), large)
