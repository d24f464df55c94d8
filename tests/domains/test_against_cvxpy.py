"""Projections against a conic solver, as an oracle."""

import cvxpy as cp
import numpy as np
import pytest
from domain_cases import METRICS, matrix_of, random_metric, random_point

from oco.domains import AffineSlice, Ball, BallBox, Box, HalfSpace, L1Ball, Simplex, Slab, SpectralBall

pytestmark = pytest.mark.filterwarnings("ignore:Solution may be inaccurate:UserWarning")


def cases(dimension, rng):
    """Domains, each with the constraints that say the same to the solver."""
    center, normal = rng.standard_normal(dimension), rng.standard_normal(dimension)
    lower, upper = -rng.random(dimension), rng.random(dimension)
    matrix = rng.standard_normal((max(1, dimension // 2), dimension))
    heights = rng.standard_normal(len(matrix))
    return {
        "ball": (Ball(0.7, center=center), lambda x: [cp.norm(x - center, 2) <= 0.7]),
        "box": (Box(lower, upper), lambda x: [x >= lower, x <= upper]),
        "one-sided box": (Box(lower, np.inf), lambda x: [x >= lower]),
        "simplex": (Simplex(1.3, dimension), lambda x: [x >= 0, cp.sum(x) == 1.3]),
        "l1 ball": (L1Ball(1.1, dimension), lambda x: [cp.norm(x, 1) <= 1.1]),
        "half-space": (HalfSpace(normal, -0.2), lambda x: [normal @ x <= -0.2]),
        "slab": (Slab(normal, 0.2), lambda x: [cp.abs(normal @ x) <= 0.2]),
        "slice": (AffineSlice(matrix, heights), lambda x: [matrix @ x == heights]),
        "ball and box": (
            BallBox(0.6, None, lower, upper),
            lambda x: [cp.norm(x, 2) <= 0.6, x >= lower, x <= upper],
        ),
    }


def solve(root, point, constraints, shape=None):
    variable = cp.Variable(shape or point.shape)
    flat = variable if shape is None else cp.vec(variable, order="C")
    problem = cp.Problem(cp.Minimize(cp.sum_squares(root @ (flat - point.ravel()))), constraints(variable))
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    return variable.value


def compare(domain, point, metric, oracle, matrix, name):
    projected = domain.project_in(point, metric)

    def value(x):
        return float((x - point).ravel() @ matrix @ (x - point).ravel())

    scale = value(projected) + float(projected.ravel() @ matrix @ projected.ravel())
    assert value(projected) <= value(oracle) + 1e-6 * scale + 1e-12, name
    return projected


@pytest.mark.parametrize("kind", METRICS)
@pytest.mark.parametrize("dimension", [1, 3, 8])
def test_projection_agrees_with_the_solver(dimension, kind):
    for seed in range(2):
        rng = np.random.default_rng([seed, dimension])
        for name, (domain, constraints) in cases(dimension, rng).items():
            metric = random_metric(kind, dimension, 50.0, rng)
            matrix = matrix_of(metric, dimension)
            point = random_point(domain, rng)
            oracle = solve(np.linalg.cholesky(matrix + 1e-13 * np.eye(dimension)).T, point, constraints)
            projected = compare(domain, point, metric, oracle, matrix, name)
            if not kind.startswith("singular"):
                np.testing.assert_allclose(
                    projected, oracle, rtol=1e-4, atol=1e-4 * (1 + np.abs(point).max()), err_msg=name
                )


@pytest.mark.parametrize("kind", ["diagonal", "dense", "low rank"])
def test_ill_conditioned_projection_is_no_farther_than_the_solver_gets(kind):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        for name, (domain, constraints) in cases(6, rng).items():
            metric = random_metric(kind, 6, 1e12, rng)
            matrix = matrix_of(metric, 6)
            values, basis = np.linalg.eigh(matrix)
            point = random_point(domain, rng)
            oracle = solve((basis * np.sqrt(np.maximum(values, 0.0))).T, point, constraints)
            if domain.contains(oracle, 1e-7):
                compare(domain, point, metric, domain.project(oracle), matrix, name)


@pytest.mark.parametrize("kind", METRICS)
def test_spectral_ball_agrees_with_the_solver(kind):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        domain = SpectralBall(0.5, shape=(2, 3))
        metric = random_metric(kind, 6, 50.0, rng)
        matrix = matrix_of(metric, 6)
        point = random_point(domain, rng)
        root = np.linalg.cholesky(matrix + 1e-13 * np.eye(6)).T
        oracle = solve(root, point, lambda x: [cp.sigma_max(x) <= 0.5], (2, 3))
        projected = compare(domain, point, metric, oracle, matrix, kind)
        if not kind.startswith("singular"):
            np.testing.assert_allclose(projected, oracle, rtol=1e-4, atol=1e-4 * (1 + np.abs(point).max()))
