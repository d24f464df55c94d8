"""Minimise a convex quadratic over a domain: what one Newton step of a comparator's solver asks for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import lapack

from oco.comparators.objective import Hessian
from oco.domains import Ball, Unbounded
from oco.domains.base import Domain
from oco.types import Array

_KRYLOV = 120
"""Largest dimension of a Krylov space."""


def minimise_quadratic(hessian: Hessian, gradient: Array, point: Array, domain: Domain, accuracy: float) -> Array:
    """A point of the domain that (nearly) minimises ``<g, x - p> + (x - p)' H (x - p) / 2``.

    On a ball and on the whole space by the secular equation of the multiplier, with Cholesky factorisations of a
    formed Hessian or in a Krylov space; elsewhere by gradient projection with semismooth Newton steps.

    Parameters
    ----------
    hessian
        H, d x d.
    gradient, point
        g and p, ``(d,)``; p in the domain.
    domain
        Where to minimise.
    accuracy
        The Frank-Wolfe gap of the quadratic that is good enough.
    """
    if isinstance(domain, Ball | Unbounded):
        radius = 0.5 * domain.diameter()
        centre = domain.start.ravel()
        right = hessian.apply(point - centre) - gradient
        if hessian.matrix is not None:
            # Where the point is already optimal this is its multiplier; near the optimum it is a good first guess.
            guess = -float(gradient @ (point - centre)) / radius**2
            return centre + _ball_by_cholesky(hessian.matrix, right, radius, guess)
        return centre + _ball_by_krylov(hessian, right, radius, accuracy)
    return _Projection(hessian, gradient, point, domain).minimise(accuracy)


def _ball_by_cholesky(matrix: Array, right: Array, radius: float, guess: float) -> Array:
    """Solve ``(H + m I) u = b`` with the smallest m >= 0 for which ``|u| <= radius``."""
    size, length = float(np.trace(matrix)), float(np.linalg.norm(right))
    if length == 0.0:
        return np.zeros_like(right)
    if size == 0.0:
        return right * (radius / length if np.isfinite(radius) else 1.0)
    unit = radius if np.isfinite(radius) else length / size
    limit = radius / unit
    matrix, right = matrix / size, right / (size * unit)
    diagonal = np.einsum("ii->i", matrix)
    floor = 1e-14
    multiplier = max(floor, guess / size)
    solution = right
    for _ in range(60):
        shifted = matrix.copy(order="F")
        shifted.ravel(order="K")[:: matrix.shape[0] + 1] = diagonal + multiplier
        factor, failed = lapack.dpotrf(shifted, lower=True, overwrite_a=True)
        if failed:
            floor = multiplier = 10.0 * multiplier
            continue
        solution = linalg.cho_solve((factor, True), right, check_finite=False)
        length = float(np.linalg.norm(solution))
        inside = length <= limit * (1.0 + 1e-13)
        if inside and (multiplier <= floor or length >= limit * (1.0 - 1e-11)):
            return unit * solution
        half = linalg.solve_triangular(factor, solution, lower=True, check_finite=False)
        change = (length / limit - 1.0) * length**2 / float(half @ half)
        multiplier = max(floor, 0.01 * multiplier, multiplier + change)
    return solution * (unit * min(1.0, limit / float(np.linalg.norm(solution))))


def _ball_by_krylov(hessian: Hessian, right: Array, radius: float, accuracy: float) -> Array:
    """The same in the Krylov space of ``b``: Lanczos with full reorthogonalisation, one secular equation at its end."""
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
    values = np.maximum(values, 1e-14 * max(float(values[-1]), 1e-300))
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


class _Projection:
    """Gradient projection with semismooth Newton steps on the normal map, for domains known by their projection.

    With ``z`` any point, ``x = P(z)`` and J the derivative of P at z, a minimiser solves
    ``g(P(z)) + (z - P(z)) / s = 0``, whose Newton step is got from the symmetric system
    ``(J H J + J (I - J) / s) w = -J G(z)``, restricted to the coordinates that the projection leaves free. A candidate
    is used as far along the segment from the projected gradient step as the quadratic falls.
    """

    def __init__(self, hessian: Hessian, gradient: Array, point: Array, domain: Domain) -> None:
        self._hessian = hessian
        self._gradient = gradient
        self._origin = point
        self._domain = domain
        self._step = 1.0 / max(_largest_eigenvalue(hessian, gradient), 1e-300)

    def minimise(self, accuracy: float, steps: int = 200) -> Array:
        """Steps until the Frank-Wolfe gap of the quadratic is small, or nothing moves any more."""
        point = self._origin
        slope = self._gradient.copy()
        for _ in range(steps):
            if self._gap(point, slope) <= accuracy:
                break
            shifted = point - self._step * slope
            landed = self._project(shifted)
            first = landed - point
            product = self._hessian.apply(first)
            fraction = _line(float(slope @ first), float(first @ product))
            middle, middle_slope = point + fraction * first, slope + fraction * product
            landed_slope = slope + product
            candidate = self._newton(shifted, landed, landed_slope)
            second = candidate - middle
            product = self._hessian.apply(second)
            fraction = _line(float(middle_slope @ second), float(second @ product))
            moved, moved_slope = middle + fraction * second, middle_slope + fraction * product
            if not np.any(moved - point):
                break
            point, slope = moved, moved_slope
        return point

    def _project(self, flat: Array) -> Array:
        return self._domain.project(flat.reshape(self._domain.shape)).ravel()

    def _gap(self, point: Array, slope: Array) -> float:
        if not self._domain.bounded:
            moved = point - self._project(point - self._step * slope)
            return float(moved @ moved) / self._step
        return float(slope @ point) + self._domain.support(-slope.reshape(self._domain.shape))

    def _newton(self, shifted: Array, landed: Array, slope: Array) -> Array:
        residual = slope + (shifted - landed) / self._step
        jacobian = self._projection_derivative(shifted, landed)
        free: NDArray[np.intp] = np.flatnonzero(np.abs(jacobian).sum(axis=0) > 1e-9)
        change = np.zeros_like(landed)
        if free.size:
            inner: Array = jacobian[np.ix_(free, free)]
            right = -inner @ residual[free]
            identity: Array = np.eye(free.size)
            if np.abs(inner - identity).max() < 1e-9:
                system = self._block(free)
            else:
                system = inner @ self._block(free) @ inner + inner @ (identity - inner) / self._step
            system = system + (1e-13 * float(np.trace(system)) + 1e-300) * identity
            change[free] = inner @ linalg.solve(system, right, assume_a="sym", check_finite=False)
        direction = -self._step * residual - self._step * self._hessian.apply(change) + change
        return self._project(shifted + direction)

    def _block(self, free: NDArray[np.intp]) -> Array:
        matrix = self._hessian.matrix
        if matrix is None:
            unit = np.zeros(self._gradient.size)
            columns = []
            for index in free:
                unit[index] = 1.0
                columns.append(self._hessian.apply(unit)[free])
                unit[index] = 0.0
            return np.array(columns)
        return matrix if free.size == matrix.shape[0] else matrix[np.ix_(free, free)]

    def _projection_derivative(self, shifted: Array, landed: Array) -> Array:
        """J by differences; exact where the domain is a polyhedron and no face is crossed."""
        width = 1e-7 * max(float(np.abs(shifted).max()), 1e-3)
        columns = np.empty((shifted.size, shifted.size))
        moved = shifted.copy()
        for index in range(shifted.size):
            moved[index] += width
            columns[index] = self._project(moved) - landed
            moved[index] = shifted[index]
        columns /= width
        columns[np.abs(columns) < 1e-7] = 0.0
        derivative: Array = 0.5 * (columns + columns.T)
        return derivative


def _line(slope: float, curvature: float) -> float:
    """The t in [0, 1] that minimises ``slope t + curvature t^2 / 2``."""
    if slope >= 0.0:
        return 0.0
    return 1.0 if curvature <= -slope else -slope / curvature


def _largest_eigenvalue(hessian: Hessian, start: Array) -> float:
    """An estimate of the largest eigenvalue, by a few power steps."""
    vector = start + 1e-3 * float(np.linalg.norm(start)) * np.cos(np.arange(start.size))
    value = 0.0
    for _ in range(10):
        length = float(np.linalg.norm(vector))
        if length == 0.0:
            return value
        vector = hessian.apply(vector / length)
        value = float(np.linalg.norm(vector))
    return value
