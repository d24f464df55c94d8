"""Projection in any metric on boxes, simplices and l1 balls: Newton's method, then the active-set method if needed."""

from __future__ import annotations

from typing import Literal

import numpy as np

from oco.domains._active_set import FLOORS, active_set
from oco.domains.base import Domain
from oco.domains.certificate import TOLERANCE, first_certified, remembered_residual
from oco.metrics import Metric
from oco.types import Array

NEWTON_FLOOR = 1e-9
"""Smallest eigenvalue, relative to the largest, for which Newton's method is used."""

STEP_LIMIT = 30
"""Newton steps at each shift before the next, or the active-set method, takes over."""

Kind = Literal["box", "simplex", "l1_ball"]


def project_on_polyhedron(
    domain: Domain, kind: Kind, point: Array, metric: Metric, lower: Array, upper: Array, total: float
) -> Array:
    """The projection of ``point`` (not in the domain), certified.

    ``lower`` and ``upper`` are the bounds of a box, ``total`` the sum of a simplex or the radius of an l1 ball.
    """
    if metric.largest == 0.0:
        return domain.project(point)
    shift, weights = metric.coupling(point.size)
    residual = remembered_residual(domain, metric)

    def solve(target: Array) -> Array:
        flat = np.ascontiguousarray(target.ravel())
        projected, _ = newton_projection(kind, flat, shift, weights, lower, upper, total)
        newton = projected.reshape(point.shape)
        if shift >= NEWTON_FLOOR and residual(target, newton) <= 1e-12:
            return newton
        if kind == "l1_ball":
            projected *= total / float(np.abs(projected).sum())
        for floor in FLOORS:
            projected = active_set(
                flat, shift, weights, lower, upper, projected, None if kind == "box" else total, kind == "l1_ball",
                floor,
            )  # fmt: skip
            if shift >= floor or residual(target, projected.reshape(point.shape)) <= TOLERANCE:
                break
        return projected.reshape(point.shape)

    return first_certified(domain, point, metric, solve, residual)


def newton_projection(
    kind: Kind, point: Array, shift: float, weights: Array, lower: Array, upper: Array, total: float
) -> tuple[Array, int]:
    """Project by Newton's method in ``max(shift, NEWTON_FLOOR) I + W W'``; also returns the number of steps."""
    from oco.domains._coupled import BOX, L1_BALL, SIMPLEX, coupled_newton

    code = {"box": BOX, "simplex": SIMPLEX, "l1_ball": L1_BALL}[kind]
    # In units of the point, so that no square overflows or vanishes.
    unit = float(np.abs(point).max()) or 1.0
    floored = max(shift, NEWTON_FLOOR)
    projected, steps, _ = coupled_newton(
        code, point / unit, floored, weights, lower / unit, upper / unit, total / unit, STEP_LIMIT
    )
    return projected * unit, steps
