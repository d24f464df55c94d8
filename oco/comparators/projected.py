"""Minimize a convex quadratic over a domain, using only its Euclidean projection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import lapack

from oco.comparators.objective import Hessian
from oco.domains.base import Domain
from oco.types import Array

Derivative: TypeAlias = Callable[[Array], Array]

_NEWTON_STEPS = 12
_SPLITTING_STEPS = 60
_ROUNDS = 12
_ACCELERATED_STEPS = 300
_CONJUGATE_STEPS = 60
_RESIDUAL_FALL = 1e-4
"""By how much the residual has to fall where the domain is unbounded, and a gap has no scale."""


class ProjectedQuadratic:
    """Minimize ``<g, x - p> + (x - p)' H (x - p) / 2`` over a domain.

    Semismooth Newton steps on the normal map: with z any point, ``x = P(z)`` and J the derivative of the projection P
    at z, a minimizer solves ``G(z) = q'(P(z)) + (z - P(z)) / s = 0``. Its Newton step comes from the symmetric system
    ``(J H J + J (I - J) / s) w = -J G(z)`` on the coordinates that the projection leaves free (on a box: an active-set
    method that changes many coordinates at once). If the steps do not converge, operator splitting (ADMM, with one
    factorization) updates z, and they start again from there. A Hessian that is not formed is used through products:
    conjugate gradients for the system, and accelerated projected gradient in place of splitting.

    Parameters
    ----------
    hessian, gradient, point, domain
        H, g, p and the domain.
    """

    def __init__(self, hessian: Hessian, gradient: Array, point: Array, domain: Domain) -> None:
        self._hessian = hessian
        self._gradient = gradient
        self._origin = point
        self._domain = domain
        self._largest = max(largest_eigenvalue(hessian, gradient), 1e-300)
        self._best = (0.0, np.inf, point)

    def minimize(self, accuracy: float) -> Array:
        """The best point found when the Frank-Wolfe gap is at most ``accuracy``, or when no method makes progress."""
        step = 1.0 / self._largest
        shifted = self._origin - step * self._gradient
        weight = self._typical_curvature()
        if not self._domain.bounded:  # there is no gap in units of the objective, so reduce the residual instead
            accuracy = min(accuracy, _RESIDUAL_FALL**2 * self._offer(self._origin)[1])
        for _ in range(_ROUNDS):
            if self._newton(shifted, step, accuracy):
                break
            if self._hessian.matrix is None:
                shifted = self._accelerated(accuracy, step)
                if self._best[1] <= accuracy:
                    break
            else:
                shifted, weight = self._splitting(shifted, step, weight)
                step = 1.0 / weight
        return self._best[2]

    def _typical_curvature(self) -> float:
        matrix = self._hessian.matrix
        if matrix is None:
            return self._largest
        return max(float(np.sqrt(self._largest * np.trace(matrix) / matrix.shape[0])), 1e-12 * self._largest)

    def _project(self, flat: Array) -> Array:
        return self._domain.project(flat.reshape(self._domain.shape)).ravel()

    def _offer(self, point: Array) -> tuple[Array, float]:
        """Gradient of the quadratic at a feasible point and its Frank-Wolfe gap; the best point is kept."""
        moved = point - self._origin
        product = self._hessian.apply(moved)
        slope = self._gradient + product
        value = float(self._gradient @ moved) + 0.5 * float(moved @ product)
        if self._domain.bounded:
            gap = float(slope @ point) + self._domain.support(-slope.reshape(self._domain.shape))
        else:
            residual = point - self._project(point - slope / self._largest)
            gap = float(residual @ residual) * self._largest
        if value < self._best[0]:
            self._best = (value, gap, point)
        return slope, gap

    def _newton(self, shifted: Array, step: float, accuracy: float) -> bool:
        """Semismooth Newton steps from z = ``shifted``; whether they reached the accuracy."""
        for _ in range(_NEWTON_STEPS):
            landed = self._project(shifted)
            slope, gap = self._offer(landed)
            if gap <= accuracy:
                return True
            residual = slope + (shifted - landed) / step
            change = self._free_step(shifted, landed, residual, step)
            shifted = shifted + change - step * (residual + self._hessian.apply(change))
            if not np.isfinite(shifted).all():
                return False
        return False

    def _free_step(self, shifted: Array, landed: Array, residual: Array, step: float) -> Array:
        """``J w`` with w the solution of the symmetric system."""
        # Small enough to cross no face, but larger than the rounding errors of a projection of z.
        width = max(1e-8 * float(np.abs(landed).max()), 1e-11 * float(np.abs(shifted).max()), 1e-300)

        def derivative(change: Array) -> Array:
            length = float(np.abs(change).max())
            if length == 0.0:
                return change
            by_difference: Array = (self._project(shifted + (width / length) * change) - landed) * (length / width)
            return by_difference

        ramp = 1.0 + np.arange(shifted.size) / shifted.size
        moved = derivative(ramp)
        free: NDArray[np.intp] = np.flatnonzero(np.abs(moved) > 1e-6)
        untouched = float(np.abs(moved[free] - ramp[free]).max(initial=0.0)) < 1e-6
        result = np.zeros_like(landed)
        if free.size == 0:
            return result
        matrix = self._hessian.matrix
        if matrix is None:
            mask = np.zeros_like(landed)
            mask[free] = 1.0
            return self._conjugate_gradient((lambda v: mask * v) if untouched else derivative, residual, step)
        system = matrix if free.size == matrix.shape[0] else matrix[np.ix_(free, free)]
        right = -residual[free]
        inner: Array = np.eye(free.size)
        if not untouched:
            unit = np.zeros_like(landed)
            for row, index in enumerate(free):
                unit[index] = 1.0
                inner[row] = derivative(unit)[free]
                unit[index] = 0.0
            inner = 0.5 * (inner + inner.T)
            system = inner @ system @ inner + (inner - inner @ inner) / step
            right = inner @ right
        solution = _solve_nearly_singular(system, right)
        result[free] = solution if untouched else inner @ solution
        return result

    def _conjugate_gradient(self, derivative: Derivative, residual: Array, step: float) -> Array:
        """``J w`` by conjugate gradients on ``(J H J + J (I - J) / s) w = -J G``."""
        right = -derivative(residual)
        solution, remaining = np.zeros_like(right), right
        direction, square = right, float(right @ right)
        enough = 1e-12 * square
        for _ in range(_CONJUGATE_STEPS):
            if square <= enough:
                break
            inside = derivative(direction)
            product = derivative(self._hessian.apply(inside) + (direction - inside) / step)
            curvature = float(direction @ product)
            if curvature <= 0.0:
                break
            solution = solution + (square / curvature) * direction
            remaining = remaining - (square / curvature) * product
            following = float(remaining @ remaining)
            direction = remaining + (following / square) * direction
            square = following
        return derivative(solution)

    def _splitting(self, shifted: Array, step: float, weight: float) -> tuple[Array, float]:
        """ADMM from z = ``shifted``; returns z and the weight of the splitting, whose inverse is the step of z."""
        matrix = self._hessian.matrix
        assert matrix is not None
        linear = self._gradient - matrix @ self._origin
        landed = self._project(shifted)
        dual = (shifted - landed) / (step * weight)
        identity = np.eye(landed.size)
        for half in range(3):
            factor = linalg.cho_factor(matrix + weight * identity, lower=True, check_finite=False)
            primal_residual = dual_residual = 0.0
            for _ in range(_SPLITTING_STEPS // 3):
                free = linalg.cho_solve(factor, weight * (landed - dual) - linear, check_finite=False)
                relaxed = 1.6 * free - 0.6 * landed
                shifted = relaxed + dual
                following = self._project(shifted)
                dual = shifted - following
                primal_residual = float(np.linalg.norm(free - following))
                dual_residual = float(np.linalg.norm(following - landed))
                landed = following
            if half < 2 and min(primal_residual, dual_residual) > 0.0:
                ratio = float(np.clip(np.sqrt(primal_residual / dual_residual), 0.1, 10.0))
                weight, dual = weight * ratio, dual / ratio
        return landed + dual, weight

    def _accelerated(self, accuracy: float, step: float) -> Array:
        """Accelerated projected gradient with restarts from the best point; returns z of the last step."""
        point = ahead = self._best[2]
        momentum = 1.0
        shifted = point
        for count in range(_ACCELERATED_STEPS):
            slope = self._gradient + self._hessian.apply(ahead - self._origin)
            shifted = ahead - step * slope
            following = self._project(shifted)
            if float((ahead - following) @ (following - point)) > 0.0:
                momentum = 1.0
            grown = 0.5 * (1.0 + float(np.sqrt(1.0 + 4.0 * momentum**2)))
            ahead = following + (momentum - 1.0) / grown * (following - point)
            point, momentum = following, grown
            if count % 10 == 9 and self._offer(point)[1] <= accuracy:
                break
        return shifted


def _solve_nearly_singular(system: Array, right: Array) -> Array:
    """Solve a symmetric positive semidefinite system, adding the smallest multiple of I that lets it factorize."""
    shift = 1e-13 * float(np.trace(system)) + 1e-300
    while np.isfinite(shift):
        shifted = system + shift * np.eye(right.size)
        factor, failed = lapack.dpotrf(shifted, lower=True, overwrite_a=True)
        if not failed:
            solution: Array = linalg.cho_solve((factor, True), right, check_finite=False)
            return solution
        shift *= 100.0
    return np.zeros_like(right)


def largest_eigenvalue(hessian: Hessian, start: Array) -> float:
    """An upper estimate of the largest eigenvalue, by a few power steps."""
    vector = start + 1e-3 * float(np.linalg.norm(start)) * np.cos(np.arange(start.size))
    value = 0.0
    for _ in range(12):
        length = float(np.linalg.norm(vector))
        if length == 0.0:
            break
        vector = hessian.apply(vector / length)
        value = float(np.linalg.norm(vector))
    return 1.1 * value
