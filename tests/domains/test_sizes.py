"""Support functions, diameters and radii against points of the domain; identities; what constructors refuse."""

import subprocess
import sys

import numpy as np
import pytest
from domain_cases import matrix_domains, random_basis, vector_domains
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oco.checks import check_domain
from oco.domains import (
    DOMAINS,
    AffineSlice,
    Ball,
    BallBox,
    Box,
    FrobeniusBall,
    HalfSpace,
    L1Ball,
    ScaledIdentity,
    Simplex,
    Slab,
    SpectralBall,
    from_config,
    projection_residual,
)
from oco.domains.certificate import ROUNDING, first_certified
from oco.errors import DomainError

NORMS = {"l1": 1, "l2": 2, "linf": np.inf}


def all_domains(rng):
    return vector_domains(6, rng) | matrix_domains((2, 3))


@pytest.mark.parametrize("seed", range(5))
def test_support_and_sizes_hold_for_points_of_the_domain(seed):
    rng = np.random.default_rng(seed)
    for name, domain in all_domains(rng).items():
        points = [domain.project(rng.standard_normal(domain.shape) * 10.0 ** rng.uniform(-1, 2)) for _ in range(40)]
        for direction in rng.standard_normal((10, *domain.shape)):
            reach = domain.support(direction)
            assert max(np.vdot(direction, point) for point in points) <= reach + 1e-9 * abs(reach), name
            if np.isfinite(reach):
                farthest = domain.maximizer(direction)
                assert domain.contains(farthest, 1e-10), name
                assert np.vdot(direction, farthest) == pytest.approx(reach, rel=1e-12), name
            else:
                with pytest.raises(DomainError, match="no farthest point"):
                    domain.maximizer(direction)
        for norm, order in NORMS.items():
            sizes = [np.linalg.norm(point.ravel(), order) for point in points]
            assert max(sizes) <= domain.radius(norm) * (1 + 1e-12), (name, norm)
            spread = max(np.linalg.norm((one - other).ravel(), order) for one in points for other in points)
            assert spread <= domain.diameter(norm) * (1 + 1e-12), (name, norm)


@pytest.mark.parametrize("norm", NORMS)
def test_diameters_are_attained(norm):
    """The two ends in the best direction are as far apart as stated."""
    rng = np.random.default_rng(2)
    d = 5
    ones, first = np.ones(d), np.eye(d)[0]
    directions = {"l1": ones, "l2": rng.standard_normal(d), "linf": first}
    ball = Ball(0.7, center=rng.standard_normal(d))
    box = Box(-rng.random(d), rng.random(d))
    widest = np.eye(d)[np.argmax(box.maximizer(ones) - box.maximizer(-ones))]
    both = BallBox(1.0, None, -0.6, 0.6, d)
    ends = {
        ball: directions[norm],
        box: widest if norm == "linf" else ones,
        Simplex(1.5, d): first - np.eye(d)[1],
        L1Ball(1.5, d): first,
        both: directions[norm],
    }
    for domain, direction in ends.items():
        spread = domain.maximizer(direction) - domain.maximizer(-direction)
        assert np.linalg.norm(spread, NORMS[norm]) == pytest.approx(domain.diameter(norm), rel=1e-12)
    centered = Ball(0.7, dimension=d)
    assert np.linalg.norm(centered.maximizer(directions[norm]), NORMS[norm]) == pytest.approx(centered.radius(norm))
    assert np.linalg.norm(both.maximizer(directions[norm]), NORMS[norm]) == pytest.approx(both.radius(norm))


def test_matrix_diameters():
    spectral, frobenius = SpectralBall(0.5, shape=(2, 3)), FrobeniusBall(0.5, shape=(2, 3))
    farthest = spectral.maximizer(np.random.default_rng(0).standard_normal((2, 3)))
    assert np.linalg.norm(farthest) == pytest.approx(spectral.radius("l2"))
    assert np.linalg.norm(farthest, 2) == pytest.approx(spectral.radius("spectral"))
    assert spectral.diameter("spectral") == frobenius.diameter("spectral") == 1.0
    signs = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0]])
    assert np.abs(0.5 * signs / 2.0).sum() == pytest.approx(SpectralBall(0.5, shape=(2, 4)).radius("l1"))
    with pytest.raises(DomainError, match="norm must be"):
        Ball(1.0, dimension=3).diameter("spectral")


def test_one_dimension():
    assert HalfSpace([2.0], 1.0).diameter() == np.inf
    assert Slab([2.0], 1.0).diameter() == 1.0
    assert Simplex(2.0, 1).diameter() == 0.0
    assert AffineSlice([[2.0]], [3.0]).diameter() == 0.0
    assert AffineSlice([[2.0]], [3.0]).radius("l1") == 1.5
    np.testing.assert_array_equal(Simplex(2.0, 1).project(np.array([-7.0])), [2.0])


@given(arrays(np.float64, 6, elements=st.floats(-1e6, 1e6, allow_subnormal=False)), st.floats(1e-3, 1e3))
@example(np.array([1.0, 2e-99, 2e-99, 2e-99, 2e-99, 2e-99]), 1.0)
def test_moreau_identities(point, size):
    """A point is the sum of its projection and of the proximal point of the support function."""
    tolerance = 1e-9 * (size + np.abs(point).max())
    soft = np.sign(point) * np.maximum(np.abs(point) - size, 0.0)
    np.testing.assert_allclose(point - Box(-size, size, dimension=6).project(point), soft, atol=tolerance)
    cone, polar = Box(0.0, np.inf, dimension=6), Box(-np.inf, 0.0, dimension=6)
    np.testing.assert_allclose(cone.project(point) + polar.project(point), point, atol=tolerance)
    for domain in (Simplex(size, 6), L1Ball(size, 6), Ball(size, dimension=6), BallBox(size, None, -size / 2, size, 6)):
        projected = domain.project(point)
        assert domain.contains(projected, 1e-9)
        normal = point - projected
        rounding = 1e-15 * np.abs(point).max() * size  # of the difference itself, where the normal is all but zero
        assert domain.support(normal) <= normal @ projected + tolerance * np.abs(normal).max() * 10 + rounding + 1e-300
    assert Simplex(size, 6).project(point).sum() == pytest.approx(size, rel=1e-12)
    matrix = point.reshape(2, 3)
    left, singular, right = np.linalg.svd(matrix, full_matrices=False)
    thresholded = (left * np.maximum(singular - size, 0.0)) @ right
    np.testing.assert_allclose(matrix - SpectralBall(size, (2, 3)).project(matrix), thresholded, atol=tolerance)


def test_projections_on_a_slice_and_on_its_directions_add_up():
    rng = np.random.default_rng(4)
    matrix, point = rng.standard_normal((2, 5)), rng.standard_normal(5)
    onto = AffineSlice(matrix, np.zeros(2)).project(point)
    rows = np.linalg.lstsq(matrix.T, point, rcond=None)[0] @ matrix
    np.testing.assert_allclose(onto + rows, point, atol=1e-13)
    repeated = AffineSlice(np.vstack([matrix, matrix]), np.zeros(4))
    np.testing.assert_allclose(repeated.project(point), onto, atol=1e-13)


def test_every_domain_passes_the_public_checks():
    rng = np.random.default_rng(9)
    for domain in all_domains(rng).values():
        check_domain(domain)


@pytest.mark.parametrize("along", [0.0, 1e-6, 0.3, 2.0])
def test_residual_of_a_half_space_is_its_closed_form(along):
    # From x on the boundary, the point of the half-space at distance s from x that is farthest along n is x + s t/|t|,
    # with t the part of n along the boundary: the gap is |t|.
    domain, metric = HalfSpace(np.array([1.0, 0.0, 0.0]), 0.0), ScaledIdentity(1.0)
    answer, point = np.array([0.0, 2.0, -1.0]), np.array([1.5, 2.0 + along, -1.0])
    size = np.linalg.norm(answer) + np.linalg.norm(point)
    distance, length = np.linalg.norm(point - answer) / size, np.linalg.norm(answer) / size
    expected = (along / size) / (distance * (distance + length) + ROUNDING)
    assert projection_residual(domain, point, answer, metric) == pytest.approx(expected, rel=1e-6, abs=1e-15)


def wrong_inside(domain, right):
    """A point of the domain that is far from ``right``."""
    return domain.project(right + 0.3 * np.cos(np.arange(right.size)))


def test_certificate_sees_a_wrong_point():
    rng = np.random.default_rng(10)
    for name, domain in vector_domains(6, rng).items():
        point = domain.project(5.0 * rng.standard_normal(6)) + 3.0 * rng.standard_normal(6)
        right = domain.project(point)
        metric = ScaledIdentity(2.0)
        assert projection_residual(domain, point, right, metric) <= 1e-12
        if domain.contains(point):
            continue
        wrong = domain.project(right + 1e-3 * rng.standard_normal(6))
        if np.linalg.norm(wrong - right) > 1e-5:
            assert projection_residual(domain, point, wrong, metric) > 1e-8, name
        outside = right + 1e-3 * (point - right)
        assert projection_residual(domain, point, outside, metric) > 1e-6, name
        astray = wrong_inside(domain, right)
        with pytest.raises(DomainError, match="optimality residual") as caught:
            first_certified(domain, point, metric, lambda _, there=astray: there)
        assert caught.value.residual > 1e-6
        # Rounding that leaves the domain is mended, and the outcome is certified as any other.
        mended = first_certified(domain, point, metric, lambda _, near=right + 1e-12 * (point - right): near)
        np.testing.assert_allclose(mended, right, rtol=0, atol=1e-11)


def test_shapes_are_stated_later():
    for domain, shape in (
        (Box(-1.0, 2.0), (3,)),
        (Box(0.0, np.inf), (2, 2)),
        (Simplex(), (4,)),
        (L1Ball(2.0), (4,)),
        (SpectralBall(1.0), (2, 3)),
        (FrobeniusBall(1.0), (2, 3)),
        (BallBox(1.0, None, -0.5, 0.5), (3,)),
    ):
        with pytest.raises(DomainError, match="does not know the shape"):
            _ = domain.start
        placed = domain.with_shape(shape)
        assert placed.start.shape == shape
        assert placed.contains(placed.start)
        assert domain.describe()["shape"] is None
        assert placed.describe()["shape"] == list(shape)
        with pytest.raises(DomainError, match="has decisions of shape"):
            placed.with_shape((9,))


def test_registry_knows_every_domain():
    assert set(DOMAINS) == {
        *("ball", "box", "simplex", "l1_ball", "half_space", "affine", "frobenius_ball", "spectral_ball"),
        *("ball_box", "unbounded", "slab"),
    }
    assert from_config({"kind": "box", "lower": 0.0, "upper": 2.0, "dimension": 2}).diameter("linf") == 2.0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Ball(-1.0), "radius of Ball must be positive"),
        (lambda: Ball(1.0, center=[0.0, np.nan]), "not finite"),
        (lambda: Ball(1.0, center=[0.0], dimension=2), "dimension 2 and a center"),
        (lambda: Box(1.0, 0.0), "lower <= upper"),
        (lambda: Box(np.inf, np.inf), "lower < inf"),
        (lambda: Simplex(0.0), "scale of Simplex"),
        (lambda: Simplex(1.0).with_shape((2, 2)), "must be \\(d,\\)"),
        (lambda: L1Ball(np.inf), "radius of L1Ball"),
        (lambda: HalfSpace([0.0, 0.0]), "not zero"),
        (lambda: HalfSpace([1.0], np.inf), "must be finite"),
        (lambda: Slab([1.0], -1.0), "nonnegative"),
        (lambda: AffineSlice([[1.0], [1.0]], [1.0, 2.0]), "no solution"),
        (lambda: AffineSlice([[1.0, 2.0]], [1.0, 2.0]), "takes a matrix"),
        (lambda: SpectralBall(1.0, shape=(3,)), "must be \\(m, n\\)"),
        (lambda: BallBox(1.0, None, 2.0, 3.0, 2), "no point in common"),
        (lambda: Ball(1.0, dimension=2).project(np.array([1.0, np.inf])), "not finite"),
        (lambda: Ball(1.0, dimension=2).project(np.ones(3)), "has decisions of shape"),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(DomainError, match=message):
        build()


def test_import_is_light():
    code = "import sys, oco.domains; sys.exit('numba' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_euclidean_projection_leaves_its_argument_alone():
    rng = np.random.default_rng(12)
    for domain in all_domains(rng).values():
        for point in (5.0 * rng.standard_normal(domain.shape), domain.start):
            kept = point.copy()
            projected = domain.project(point)
            np.testing.assert_array_equal(point, kept)
            assert not np.shares_memory(projected, point)
    assert random_basis(rng, 3, 2).shape == (3, 2)
