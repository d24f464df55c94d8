"""Projected quasi-Newton descent for a sum of losses that is known by value and gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from oco.comparators.objective import FormedHessian
from oco.comparators.quadratic import minimize_quadratic
from oco.domains.base import Domain
from oco.types import Array

Evaluation: TypeAlias = Callable[[Array], tuple[float, Array]]

LARGEST = 512
"""Largest dimension: the model is a d x d matrix."""
_LEAST_DECREASE = 1e-4
"""Share of the decrease that the slope promises, which a step must reach (Armijo's condition)."""
_HALVINGS = 12
"""Most trials along a direction."""
_PATIENCE = 6
"""Steps in turn that may leave the gap above nine tenths of what it was."""


def descend(
    evaluate: Evaluation, domain: Domain, start: Array, value: float, gradient: Array, enough: Callable[[], float]
) -> None:
    """BFGS: step to the minimizer over the domain of a quadratic model, whose matrix learns from the gradients.

    On smooth losses this converges faster than linearly. It returns when six steps in turn do not lower the gap by
    a tenth, as at a kink, or when no step along the direction lowers the value.

    Parameters
    ----------
    evaluate
        The value and the gradient ``(d,)`` at a flat point.
    domain, start, value, gradient
        The feasible set, a point ``(d,)`` in it, and what `evaluate` says there.
    enough
        The gap that is still too large, zero or less where the search can stop.
    """
    point = start.ravel()
    distance = domain.diameter() if domain.bounded else 1.0 + float(np.linalg.norm(point))
    matrix = np.eye(point.size) * (float(np.linalg.norm(gradient)) / max(distance, 1e-300))
    fresh, idle = True, 0
    asked = enough()
    while asked > 0.0 and idle < _PATIENCE and np.isfinite(matrix).all():
        model = FormedHessian(matrix, np.empty(0))
        target = minimize_quadratic(model, gradient, point, domain, 0.01 * asked)
        target = domain.project(target.reshape(domain.shape)).ravel()
        slope = float(gradient @ (target - point))
        if not slope < 0.0:
            return
        found = _step(evaluate, point, target, value, slope)
        if found is None:
            return
        reached, lower, there = found
        before, asked = asked, enough()
        idle = idle + 1 if asked > 0.9 * before else 0
        matrix = _updated(matrix, reached - point, there - gradient, fresh)
        point, value, gradient, fresh = reached, lower, there, False


def _step(
    evaluate: Evaluation, point: Array, target: Array, value: float, slope: float
) -> tuple[Array, float, Array] | None:
    """A point of the segment where the value is lower by a share of what the slope promises; None if there is none."""
    length = 1.0
    for _ in range(_HALVINGS):
        reached = target if length == 1.0 else point + length * (target - point)
        lower, there = evaluate(reached)
        if lower <= value + _LEAST_DECREASE * length * slope:
            return reached, lower, there
        # The minimizer of the parabola through both values and the slope.
        excess = lower - value - length * slope
        best = -0.5 * slope * length**2 / excess if np.isfinite(excess) and excess > 0.0 else 0.0
        length = min(max(best, 0.1 * length), 0.5 * length)
    return None


def _updated(matrix: Array, step: Array, change: Array, fresh: bool) -> Array:
    """Powell's damped BFGS update, which keeps the matrix positive definite."""
    inner = float(step @ change)
    if fresh and inner > 0.0:
        matrix = np.eye(step.size) * (float(change @ change) / inner)
    product = matrix @ step
    curvature = float(step @ product)
    if not curvature > 0.0:
        return matrix
    share = 1.0 if inner >= 0.2 * curvature else 0.8 * curvature / (curvature - inner)
    change = share * change + (1.0 - share) * product
    updated: Array = matrix - np.outer(product, product) / curvature + np.outer(change, change) / float(step @ change)
    return updated
