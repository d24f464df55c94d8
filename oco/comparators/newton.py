"""Proximal Newton: minimise a smooth cumulative loss over a domain, offering points and duals as it goes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from oco.comparators.certificate import Certifier, bounded_part
from oco.comparators.objective import DampedHessian, Hessian, Objective
from oco.comparators.quadratic import minimise_quadratic
from oco.domains import Ball, Unbounded
from oco.domains.base import Domain
from oco.types import Array

FORMED_DIMENSION = 4096
"""Largest d for which a Hessian is formed."""
FORMED_COST = 3e11
"""Most multiplications that forming one Hessian may take."""
REACH = 4.0
"""On an unbounded domain Newton steps stay within about ``REACH (1 + |x|)``: singular models send them anywhere."""
KINKED_DAMPING = 1e-4
"""Damping of the Hessian of a smoothed kinked loss, relative to its mean eigenvalue: with few rounds near their kink it
is of low rank, and a quadratic that is flat in many directions is slow to minimise over a polyhedron."""


def minimise(
    objective: Objective,
    domain: Domain,
    start: Array,
    certifier: Certifier,
    *,
    stationary: Callable[[], float],
    steps: int = 100,
) -> Array:
    """Minimise ``objective`` over ``domain`` from the feasible point ``start``.

    Each step minimises the quadratic model over the domain (`minimise_quadratic`) and searches the segment to the
    model's minimiser; a line search costs O(n) a trial, because margins are linear along it. It is nearly exact: where
    losses are kinked, and smoothed over a small width, steps that are only halved get nowhere.

    Parameters
    ----------
    objective
        What is minimised. ``certifier`` may be about another one, of which this is a smoothing: its slopes certify
        both.
    domain, start
        Where, and from where.
    certifier
        Gets every point and every dual; when it is tight the work is done.
    stationary
        The Frank-Wolfe gap of ``objective`` itself at which to stop.
    steps
        Most Newton steps.

    Returns
    -------
    Array
        The last point ``(d,)``.
    """
    free = isinstance(domain, Unbounded)
    form = start.size <= FORMED_DIMENSION and objective.hessian_cost <= FORMED_COST
    point = start
    margins = objective.margins(point)
    smoothed = objective is not certifier.objective
    for _ in range(steps):
        _, slopes = certifier.offer_point(point, margins)
        if smoothed:
            _, slopes = objective.link.evaluate(margins)
        gradient = objective.gradient(slopes)
        certifier.offer_dual(slopes, gradient)
        gap = _frank_wolfe_gap(domain, gradient, point)
        if certifier.tight or gap <= stationary():
            break
        hessian = objective.hessian(margins, form)
        accuracy = 0.1 * stationary() + (0.01 * gap if domain.bounded else 0.0)
        near, model = domain, hessian
        if free:
            near = Ball(REACH * (1.0 + float(np.linalg.norm(point)))).with_shape(domain.shape)
        elif not domain.bounded:
            model = DampedHessian(hessian, _damping(domain, gradient, point))
        elif smoothed and hessian.matrix is not None and not isinstance(domain, Ball):
            model = DampedHessian(hessian, KINKED_DAMPING * float(np.trace(hessian.matrix)) / point.size)
        target = minimise_quadratic(model, gradient, point, near, accuracy)
        target = domain.project(target.reshape(domain.shape)).ravel()
        direction = target - point
        change = objective.margins(direction)
        slope = float(gradient @ direction)
        if not slope < 0.0:
            break
        linearised = objective.link.clip(objective.linearised_slopes(margins, slopes, change))
        if free:
            certifier.receding = objective.link.recedes(change, slack=0.01)
        if not domain.bounded:
            linearised = _balance(objective, domain, hessian, margins, linearised)
        certifier.offer_dual(linearised)
        if certifier.tight:
            break
        length = line_search(objective, margins, change, slope)
        if length == 0.0:
            break
        point = target if length == 1.0 else point + length * direction
        margins = objective.margins(point) if length == 1.0 else margins + length * change
    return point


def _balance(objective: Objective, domain: Domain, hessian: Hessian, margins: Array, slopes: Array) -> Array:
    """Slopes corrected until ``-A' slopes`` is a direction along which the unbounded domain is bounded."""
    whole = Unbounded(domain.dimension)
    for _ in range(3):
        pull = objective.gradient(slopes).reshape(domain.shape)
        excess = (pull + bounded_part(domain, -pull)).ravel()
        change = objective.margins(minimise_quadratic(hessian, excess, np.zeros(excess.size), whole, 0.0))
        slopes = objective.link.clip(objective.linearised_slopes(margins, slopes, change))
    return slopes


def _damping(domain: Domain, gradient: Array, point: Array) -> float:
    """A multiple of I that keeps steps of singular models in reach, and vanishes as the point becomes stationary."""
    reach, length = 1.0 + float(np.linalg.norm(point)), float(np.linalg.norm(gradient))
    if length == 0.0:
        return 0.0
    moved = domain.project((point - (reach / length) * gradient).reshape(domain.shape)).ravel() - point
    return float(np.linalg.norm(moved)) * length / (REACH * reach**2)


def _frank_wolfe_gap(domain: Domain, gradient: Array, point: Array) -> float:
    if not domain.bounded:
        return math.inf if np.any(gradient) else 0.0
    return float(gradient @ point) + domain.support(-gradient.reshape(domain.shape))


def line_search(objective: Objective, margins: Array, change: Array, slope: float) -> float:
    """Near the minimiser of the segment, at most 1; 0 where only rounding is left to gain.

    The derivative along the segment rises from ``slope`` < 0; a zero of it is bracketed, by the secant with bisection
    where that is slow, until it is a tenth of ``slope``.
    """
    low, high, below = 0.0, 1.0, slope
    length, above = 1.0, 0.0
    for count in range(30):
        here = float(np.vdot(objective.link.evaluate(margins + length * change)[1], change))
        if here <= 0.0 and length == 1.0:
            return 1.0
        if abs(here) <= 0.1 * abs(slope):
            return length
        if here < 0.0:
            low, below = length, here
        else:
            high, above = length, here
        secant = low - below * (high - low) / (above - below)
        length = secant if count % 3 else 0.5 * (low + high)
    return low
