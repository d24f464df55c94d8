"""Proximal Newton: minimize a smooth cumulative loss over a domain, offering points and duals as it goes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from oco.comparators.certificate import Certifier, bounded_part
from oco.comparators.objective import DampedHessian, Hessian, Objective
from oco.comparators.quadratic import minimize_quadratic
from oco.domains import Ball, Unbounded
from oco.domains.base import Domain
from oco.types import Array

FORMED_DIMENSION = 4096
"""Largest d for which a Hessian is formed."""
FORMED_COST = 3e11
"""Most multiplications that forming one Hessian may take."""
REACH = 4.0
"""On an unbounded domain Newton steps stay within about ``REACH (1 + |x|)``, as singular models have no minimizer."""
EXPENSIVE = 0.1
"""A Hessian is reused if forming it costs more than this fraction of d^3."""
NEAR = 30.0
"""Duals are computed once the predicted decrease of a step is at most this many times the allowed gap."""
KINKED_DAMPING = 1e-4
"""Damping of the Hessian of a smoothed kinked loss, relative to its mean eigenvalue. If few rounds are near their kink
the Hessian has low rank, and a quadratic that is flat in many directions is slow to minimize over a polyhedron."""


def minimize(
    objective: Objective,
    domain: Domain,
    start: Array,
    certifier: Certifier,
    *,
    stationary: Callable[[], float],
    steps: int = 100,
    hessian: Hessian | None = None,
) -> tuple[Array, Hessian | None]:
    """Minimize ``objective`` over ``domain`` from the feasible point ``start``.

    Each step minimizes the quadratic model over the domain (`minimize_quadratic`) and searches the segment to the
    model's minimizer. The line search costs O(n) a trial, because margins are linear along the segment. It is nearly
    exact, because plain step halving makes no progress on kinked losses that are smoothed over a small width. If a
    Hessian costs more than the rest of a step, it is reused for the first step of a longer prefix, and whenever the
    next step with it is expected to be the last.

    Parameters
    ----------
    objective
        The function to minimize. ``certifier`` may belong to another objective, of which this one is a smoothing; the
        slopes certify both.
    domain, start
        Feasible set and starting point.
    certifier
        Is offered every point and every promising dual; the search stops when it is tight.
    stationary
        The Frank-Wolfe gap of ``objective`` itself at which to stop.
    steps
        Most Newton steps.
    hessian
        The Hessian returned by this function for a shorter prefix, near ``start``.

    Returns
    -------
    point, hessian
        The last point ``(d,)``, and the Hessian that was used last.
    """
    form = is_formed(objective, start.size)
    smoothed = objective is not certifier.objective
    keeps = form and not smoothed and domain.bounded and domain.as_ball() is not None
    keeps = keeps and objective.hessian_cost > EXPENSIVE * float(start.size) ** 3
    at, promised = _Place.of(objective, start), math.inf
    for _ in range(steps):
        value, _ = certifier.offer_point(at.point, at.margins, None if smoothed else (at.losses, at.slopes))
        if certifier.finished:
            return at.point, hessian
        gradient = objective.gradient(at.slopes)
        gap = _frank_wolfe_gap(domain, gradient, at.point)
        if smoothed or not domain.bounded or gap <= certifier.allowed_gap:
            certifier.offer_dual(at.slopes, gradient)
        if certifier.finished or gap <= stationary():
            break
        accuracy = 0.1 * stationary() + (0.01 * gap if domain.bounded else 0.0)
        target = at.point
        if keeps and hessian is not None:
            hessian = objective.extended(hessian, at.margins)
            target = _model_minimizer(hessian, gradient, at.point, domain, accuracy, smoothed)
            # Steps with a fixed Hessian shrink by a constant factor, so the remaining error can be predicted.
            promise = -float(gradient @ (target - at.point))
            if not 0.0 < promise <= min(0.5 * promised, math.sqrt(promised * certifier.allowed_gap)):
                hessian = None
        if not keeps or hessian is None:
            hessian = objective.hessian(at.margins, form)
            target = _model_minimizer(hessian, gradient, at.point, domain, accuracy, smoothed)
        ahead, slope = objective.margins(target), float(gradient @ (target - at.point))
        if not slope < 0.0:
            break
        if smoothed or not domain.bounded or -slope <= NEAR * certifier.allowed_gap:
            change = ahead - at.margins
            linearized = objective.link.clip(objective.linearized_slopes(hessian, at.slopes, change))
            if not domain.bounded and domain.as_ball() is not None:
                certifier.receding = objective.link.recedes(change, slack=0.01)
            if not domain.bounded:
                linearized = _balance(objective, domain, hessian, linearized)
            certifier.offer_dual(linearized)
            if certifier.finished:
                return at.point, hessian
        length, margins, losses, slopes = line_search(objective, at.margins, ahead, slope)
        if length == 0.0:
            break
        promised = -slope if length == 1.0 else 0.0
        before = at
        point = target if length == 1.0 else at.point + length * (target - at.point)
        at = _Place(point, margins, losses, slopes)
        if domain.bounded and objective.link.infimum >= 0.0 and float(losses.sum()) < 0.5 * value:
            at = _go_on(objective, domain, before, at)
    certifier.offer_dual(at.slopes)
    return at.point, hessian


def is_formed(objective: Objective, dimension: int) -> bool:
    """Whether Hessians are formed, rather than known by their products."""
    return dimension <= FORMED_DIMENSION and objective.hessian_cost <= FORMED_COST


class _Place(NamedTuple):
    """A point with its margins, losses and slopes."""

    point: Array
    margins: Array
    losses: Array
    slopes: Array

    @classmethod
    def of(cls, objective: Objective, point: Array) -> _Place:
        margins = objective.margins(point)
        return cls(point, margins, *objective.link.evaluate(margins))


def _go_on(objective: Objective, domain: Domain, before: _Place, at: _Place) -> _Place:
    """Continue along the projected ray from ``before`` through ``at``, doubling the step while the loss falls.

    For losses that fall exponentially, as on nearly separable rows, the steps of quadratic models are far too short.
    """
    direction = at.point - before.point
    for doubled in range(1, 40):
        further = domain.project((before.point + 2.0**doubled * direction).reshape(domain.shape)).ravel()
        there = _Place.of(objective, further)
        if not float(there.losses.sum()) < float(at.losses.sum()):
            break
        at = there
    return at


def _model_minimizer(
    hessian: Hessian, gradient: Array, point: Array, domain: Domain, accuracy: float, smoothed: bool
) -> Array:
    """The point of the domain that minimizes the quadratic model, damped where necessary."""
    near, model = domain, hessian
    if not domain.bounded and domain.as_ball() is not None:
        near = Ball(REACH * (1.0 + float(np.linalg.norm(point)))).with_shape(domain.shape)
    elif not domain.bounded:
        model = DampedHessian(hessian, _damping(domain, gradient, point))
    elif smoothed and hessian.matrix is not None and domain.as_ball() is None:
        model = DampedHessian(hessian, KINKED_DAMPING * float(np.trace(hessian.matrix)) / point.size)
    target = minimize_quadratic(model, gradient, point, near, accuracy)
    return domain.project(target.reshape(domain.shape)).ravel()


def _balance(objective: Objective, domain: Domain, hessian: Hessian, slopes: Array) -> Array:
    """Correct the slopes until the unbounded domain is bounded along ``-A' slopes``."""
    whole = Unbounded(domain.dimension)
    for _ in range(3):
        pull = objective.gradient(slopes).reshape(domain.shape)
        excess = (pull + bounded_part(domain, -pull)).ravel()
        change = objective.margins(minimize_quadratic(hessian, excess, np.zeros(excess.size), whole, 0.0))
        slopes = objective.link.clip(objective.linearized_slopes(hessian, slopes, change))
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


def line_search(objective: Objective, margins: Array, ahead: Array, slope: float) -> tuple[float, Array, Array, Array]:
    """The step length in [0, 1] that nearly minimizes the loss on a segment; 0 if only rounding is left to gain.

    ``margins`` and ``ahead`` are the margins at its two ends. Also returns the margins, losses and slopes at the step.
    The derivative along the segment increases from ``slope`` < 0. Its zero is bracketed by the secant method, with
    bisection where that is slow, until the derivative is a tenth of ``slope``.
    """
    change = ahead - margins
    low, high, below = 0.0, 1.0, slope
    length, above = 1.0, 0.0
    for count in range(30):
        here = ahead if length == 1.0 else margins + length * change
        losses, slopes = objective.link.evaluate(here)
        derivative = float(np.vdot(slopes, change))
        if abs(derivative) <= 0.1 * abs(slope) or (derivative <= 0.0 and length == 1.0):
            return length, here, losses, slopes
        if derivative < 0.0:
            low, below = length, derivative
        else:
            high, above = length, derivative
        secant = low - below * (high - low) / (above - below)
        length = secant if count % 3 else 0.5 * (low + high)
    here = margins + low * change
    return low, here, *objective.link.evaluate(here)
