"""Minimize a convex quadratic over a domain, for one Newton step of a comparator's solver."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.linalg import blas, lapack

from oco.comparators.objective import Hessian
from oco.comparators.projected import ProjectedQuadratic
from oco.domains.base import Domain
from oco.types import Array

_KRYLOV = 120
"""Largest dimension of a Krylov space."""
FEW = 0.75
"""A system is made smaller where at most this part of the coordinates occurs in it, as in the first rounds of sparse
rows: factorizing it costs the cube."""


def minimize_quadratic(hessian: Hessian, gradient: Array, point: Array, domain: Domain, accuracy: float) -> Array:
    """A point of the domain that (nearly) minimizes ``<g, x - p> + (x - p)' H (x - p) / 2``.

    On a ball and on the whole space by the secular equation of the multiplier, with Cholesky factorizations of a
    formed Hessian or in a Krylov space; elsewhere by `oco.comparators.projected`.

    Parameters
    ----------
    hessian
        H, d x d.
    gradient, point
        g and p, ``(d,)``; p in the domain.
    domain
        Where to minimize.
    accuracy
        The Frank-Wolfe gap of the quadratic at which to stop.
    """
    ball = domain.as_ball()
    if ball is not None:
        center, radius = ball[0].ravel(), ball[1]
        offset = point - center
        right = hessian.apply(offset) - gradient
        if hessian.matrix is None:
            return center + _ball_by_krylov(hessian, right, radius, accuracy)
        matrix, moved = hessian.matrix, np.zeros_like(right)
        held = np.flatnonzero((np.einsum("ii->i", matrix) > 0.0) | (right != 0.0))  # all others end at the center
        if held.size > FEW * right.size:
            return center + _ball_by_cholesky(matrix, right, offset, gradient, radius, accuracy)
        inner = matrix[np.ix_(held, held)]
        moved[held] = _ball_by_cholesky(inner, right[held], offset[held], gradient[held], radius, accuracy)
        return center + moved
    return ProjectedQuadratic(hessian, gradient, point, domain).minimize(accuracy)


def _ball_by_cholesky(
    matrix: Array, right: Array, offset: Array, gradient: Array, radius: float, accuracy: float
) -> Array:
    """Solve ``(H + m I) u = b`` with the smallest m >= 0 for which ``|u| <= radius``.

    Newton's and Halley's methods for m, until u, scaled back into the ball, has a Frank-Wolfe gap within ``accuracy``
    and attains at least nine tenths of the possible decrease of the quadratic from ``offset``, where its gradient is
    ``gradient``.
    """
    size, length = float(np.trace(matrix)), float(np.linalg.norm(right))
    if length == 0.0:
        return np.zeros_like(right)
    if size == 0.0 or (np.isfinite(radius) and size * radius < 1e-20 * length):  # no curvature that counts: linear
        return right * (radius / length if np.isfinite(radius) else 1.0)
    unit = radius if np.isfinite(radius) else length / size
    limit = radius / unit
    matrix, right, offset, gradient = matrix / size, right / (size * unit), offset / unit, gradient / (size * unit)
    accuracy /= size * unit**2
    diagonal = np.einsum("ii->i", matrix).copy()
    shifted = np.empty_like(matrix, order="F")
    places = shifted.ravel(order="K")[:: matrix.shape[0] + 1]
    began = 0.5 * float(offset @ (gradient - right))
    floor = 1e-14
    # If the offset is already optimal this is its multiplier; near the optimum it is a good first guess.
    multiplier = max(floor, -float(gradient @ offset) / limit**2)
    solution, scale = right, 1.0
    for _ in range(60):
        shifted[:] = matrix.T
        places[:] = diagonal + multiplier
        _, failed = lapack.dpotrf(shifted, lower=True, clean=False, overwrite_a=True)
        if failed:
            floor = multiplier = 10.0 * multiplier
            continue
        solution, _ = lapack.dpotrs(shifted, right, lower=True)
        length = float(blas.dnrm2(solution))
        scale = min(1.0, limit / length)
        downhill = (1.0 - scale) * right + (scale * multiplier) * solution  # minus the gradient at the scaled solution
        gap = limit * float(blas.dnrm2(downhill)) - scale * float(downhill @ solution)
        along = float(right @ solution)
        reached = 0.5 * scale**2 * (along - multiplier * length**2) - scale * along
        missing = 0.5 * (1.0 - scale) ** 2 * along + 0.5 * multiplier * max(0.0, limit**2 - length**2)
        if (multiplier <= floor and scale == 1.0) or abs(length - limit) <= 1e-11 * limit:
            break
        if gap <= accuracy and missing <= 0.1 * (began - reached):
            break
        half = blas.dtrsv(shifted, solution, lower=True)
        whole = blas.dtrsv(shifted, half, lower=True, trans=1)
        # Solve 1 / |u| = 1 / limit, whose left side is concave in m: by Halley's method from outside, and from inside
        # by Newton's method, which reaches m = 0 in one step if that is the solution.
        excess, first = 1.0 - length / limit, float(half @ half) / length**2
        second = 3.0 * (first**2 - float(whole @ whole) / length**2) if excess < 0.0 else 0.0
        change = 2.0 * excess * first / max(first**2, 2.0 * first**2 - excess * second)
        multiplier = max(floor, 0.01 * multiplier, multiplier - change)
    return solution * (unit * scale)


def _ball_by_krylov(hessian: Hessian, right: Array, radius: float, accuracy: float) -> Array:
    """The same in the Krylov space of ``b``: Lanczos with full reorthogonalization, then one secular equation."""
    scale = float(np.linalg.norm(right))
    if scale == 0.0:
        return np.zeros_like(right)
    basis = [right / scale]
    diagonal: list[float] = []
    beside: list[float] = []
    coordinates = np.zeros(1)
    limit = min(_KRYLOV, right.size)
    while True:
        product = hessian.apply(basis[-1])
        diagonal.append(float(basis[-1] @ product))
        stacked = np.array(basis)
        product -= stacked.T @ (stacked @ product)
        product -= stacked.T @ (stacked @ product)
        residual = float(np.linalg.norm(product))
        size = len(basis)
        done = residual <= 1e-13 * max(diagonal) or size >= limit
        if done or size % 8 == 0:
            coordinates = _small_secular(np.array(diagonal), np.array(beside), scale, radius)
            error = residual * abs(float(coordinates[-1]))
            if done or error <= 1e-13 * scale or error * (2.0 * radius if np.isfinite(radius) else 0.0) <= accuracy:
                break
        beside.append(residual)
        basis.append(product / residual)
    solution: Array = np.array(basis).T @ coordinates
    return solution


def _small_secular(diagonal: Array, beside: Array, scale: float, radius: float) -> Array:
    values, vectors = linalg.eigh_tridiagonal(diagonal, beside[: diagonal.size - 1])
    if values[-1] <= 0.0:  # no curvature, so go to the boundary along the first vector
        along: Array = np.zeros(diagonal.size)
        along[0] = radius if np.isfinite(radius) else scale
        return along
    values = np.maximum(values, 1e-14 * float(values[-1]))
    coefficients = scale * vectors[0]
    multiplier = 0.0
    for _ in range(200):
        solution = coefficients / (values + multiplier)
        length = float(np.linalg.norm(solution))
        if length <= radius * (1.0 + 1e-13):
            break
        curve = float(solution @ (solution / (values + multiplier)))
        multiplier += (length / radius - 1.0) * length**2 / curve
    result: Array = vectors @ solution
    return result
