"""Newton's method for projections on the spectral-norm ball in a metric that couples the entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oco.domains._singular_values import ClippedSingularValues
from oco.domains._spectral_multipliers import affordable, multiplier_projection
from oco.domains.certificate import first_certified, projection_residual
from oco.metrics import Metric
from oco.types import Array

if TYPE_CHECKING:
    from oco.domains.base import Domain


def project_on_spectral_ball(domain: Domain, point: Array, metric: Metric, radius: float) -> Array:
    """The projection of ``point`` (not in the ball) on ``{|X|_op <= radius}``, certified."""
    shift, weights = metric.coupling(point.size)
    if weights.shape[1] == 0:
        return domain.project(point)

    def solve(target: Array) -> Array:
        size = float(np.max(np.abs(target)))
        unit, unit_radius = target / size, radius / size
        projected = _coupled(unit, shift, weights, unit_radius) * size
        residual = projection_residual(domain, target, projected, metric)
        if residual > 1e-12 and affordable(weights):
            better = multiplier_projection(unit, shift, weights, unit_radius) * size
            if projection_residual(domain, target, better, metric) < residual:
                projected = better
        return projected

    return first_certified(domain, point, metric, solve)


def _coupled(y: Array, shift: float, weights: Array, radius: float) -> Array:
    """Newton in the coupling: ``X = P(Y - W w)`` with ``shift w = W'(X - Y)``; see `oco.domains._coupled`."""
    w = np.zeros(weights.shape[1])
    stack = weights.T.reshape(-1, *y.shape)

    def clip(at: Array) -> tuple[ClippedSingularValues, Array]:
        clipped = ClippedSingularValues(y - (weights @ at).reshape(y.shape), radius)
        return clipped, shift * at - weights.T @ (clipped.value - y).ravel()

    here, gradient = clip(w)
    best = float(np.linalg.norm(gradient))
    for _ in range(50):
        kept = stack - here.rest_slope(stack)
        curvature = weights.T @ kept.reshape(len(w), -1).T
        step = np.linalg.solve(curvature + (shift + 1e-15) * np.eye(len(w)), -gradient)
        length, slope = 1.0, float(gradient @ step)
        while length > 1e-10:
            there, ahead = clip(w + length * step)
            # psi is convex, so a step after which it still falls, or hardly rises, does not overshoot.
            if float(ahead @ step) <= -0.1 * slope:
                break
            length /= 2
        w, here, gradient = w + length * step, there, ahead
        size = float(np.linalg.norm(gradient))
        if size <= 1e-15 or (size >= best / 2 and best < 1e-12):
            break
        best = min(best, size)
    return here.value
