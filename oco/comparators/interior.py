"""A primal-dual interior point method for smooth cumulative losses on a box in many dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from oco.comparators.certificate import Certifier
from oco.comparators.faces import faces_of
from oco.comparators.objective import Hessian, Objective
from oco.comparators.preconditioner import Inverse, Preconditioner
from oco.domains.base import Domain
from oco.types import Array

STEPS = 80
"""Most Newton steps."""
_PRODUCTS = 100
"""Most products with a Hessian in one step."""
_NEAREST = 0.05
"""How far inside the box the search starts, relative to its sides."""
_BOUNDARY = 0.995
"""Share of the way to the boundary that a step may go."""
_SLACK = 0.2
"""The residual of a step that is left by conjugate gradients, relative to the barrier's share of the gap."""
_LEFT = 0.1
"""The same, relative to the dual residual before the step."""
_STALE = 0.3
"""Change of the second derivatives, relative to themselves, after which the preconditioner is made again."""
_HALVINGS = 20
"""Most trials along a direction."""
_LEAST_DECREASE = 1e-4
"""Share of the decrease that the slope promises, which a step must reach (Armijo's condition)."""
_ROUNDING = 1e-12
"""Relative rise of the barrier function that may be rounding."""


class Sides(NamedTuple):
    """A box for flat points, wider than nothing in every coordinate."""

    lower: Array
    upper: Array

    @classmethod
    def of(cls, domain: Domain) -> Sides | None:
        """The domain's sides; None if it is no bounded box with an interior."""
        faces = faces_of(domain) if domain.bounded else None
        if faces is None or faces.rows.size or not np.all(faces.lower < faces.upper):
            return None
        return cls(faces.lower, faces.upper)


def solve_in_box(objective: Objective, sides: Sides, point: Array, certifier: Certifier) -> None:
    """Minimize over a box from near ``point``, offering every point and its slopes, until the certifier is tight.

    The barrier's Newton systems ``(H + z_l / s_l + z_u / s_u) dx = -(g - m / s_l + m / s_u)`` are solved by conjugate
    gradients, preconditioned by blocks of H; s are the distances to the sides, z their multipliers, and m is where
    all products s z go. On the central path the Frank-Wolfe gap is at most d m, so no set of active sides has to
    be guessed. See Nocedal and Wright (2006), section 19.3.
    """
    width = sides.upper - sides.lower
    start = np.clip(point, sides.lower + _NEAREST * width, sides.upper - _NEAREST * width)
    at = _Place.of(objective, start)
    low, high = _first_multipliers(sides, at)
    share, preconditioner, kept = 0.3, None, np.zeros(0)
    for _ in range(STEPS):
        certifier.offer_point(at.point, at.margins, (at.losses, at.slopes))
        certifier.offer_dual(at.slopes, at.gradient)
        if certifier.finished:
            return
        below, above = at.point - sides.lower, sides.upper - at.point
        aim = share * float(low @ below + high @ above) / (2 * point.size)
        hessian = objective.hessian(at.margins, False)
        weights = hessian.weights
        if preconditioner is None or float(np.abs(weights - kept).sum()) > _STALE * float(weights.sum()):
            preconditioner, kept = objective.preconditioner(hessian), weights
        system = _System(hessian, low / below + high / above, preconditioner, width)
        right = aim / below - aim / above - at.gradient
        residual = float(np.abs(at.gradient - low + high) @ width)
        change = system.solve(right, _SLACK * aim * point.size + _LEFT * residual)
        low_change = (aim - low * change) / below - low
        high_change = (aim + high * change) / above - high
        length = min(longest(below, change), longest(above, -change))
        dual_length = min(longest(low, low_change), longest(high, high_change))
        found = _Barrier(objective, sides, aim).search(at, length * change, -length * float(right @ change))
        if found is None:
            return
        at, taken = found
        low, high = low + taken * dual_length * low_change, high + taken * dual_length * high_change
        reached = min(taken * length, dual_length)
        share = 0.1 if reached > 0.9 else 0.2 if reached > 0.5 else 0.5 if reached > 0.2 else 0.8


class _Place(NamedTuple):
    """A point with its margins, losses, slopes and gradient."""

    point: Array
    margins: Array
    losses: Array
    slopes: Array
    gradient: Array

    @classmethod
    def of(cls, objective: Objective, point: Array) -> _Place:
        margins = objective.margins(point)
        losses, slopes = objective.link.evaluate(margins)
        return cls(point, margins, losses, slopes, objective.gradient(slopes))


def _first_multipliers(sides: Sides, at: _Place) -> tuple[Array, Array]:
    """Multipliers whose difference is the gradient, and whose products with the distances sum to about the gap."""
    gradient = at.gradient
    parts = np.where(gradient > 0.0, gradient * (at.point - sides.lower), -gradient * (sides.upper - at.point))
    least = 2.0 * float(parts.mean()) / float((sides.upper - sides.lower).mean())
    return np.maximum(gradient, 0.0) + least, np.maximum(-gradient, 0.0) + least


def longest(distance: Array, change: Array) -> float:
    """The longest step up to 1 that leaves all distances positive."""
    falling = change < 0.0
    return min(1.0, _BOUNDARY * float((-distance[falling] / change[falling]).min(initial=np.inf)))


@dataclass
class _System:
    """``H + diag(shift)``."""

    hessian: Hessian
    shift: Array
    preconditioner: Preconditioner
    width: Array
    """Of the box: a residual counts in the gap by so much."""

    def solve(self, right: Array, enough: float) -> Array:
        """Conjugate gradients until the residual counts for at most ``enough``, but one step at least."""
        inverse: Inverse = self.preconditioner.inverse(self.shift)
        solution, remaining = np.zeros_like(right), right.copy()
        turned = inverse(remaining)
        direction, square = turned, float(remaining @ turned)
        for count in range(_PRODUCTS):
            if count > 0 and float(np.abs(remaining) @ self.width) <= enough:
                break
            product = self.hessian.apply(direction) + self.shift * direction
            curvature = float(direction @ product)
            if not curvature > 0.0:
                break
            solution += (square / curvature) * direction
            remaining -= (square / curvature) * product
            turned = inverse(remaining)
            following = float(remaining @ turned)
            direction, square = turned + (following / square) * direction, following
        return solution


@dataclass
class _Barrier:
    """``F(x) - m sum log(distances to the sides)``."""

    objective: Objective
    sides: Sides
    weight: float

    def search(self, at: _Place, change: Array, slope: float) -> tuple[_Place, float] | None:
        """A point of the segment where the barrier function is lower, and its length; None if there is none."""
        if not slope < 0.0:
            return None
        ahead = self.objective.margins(at.point + change)
        value = self._value(at.losses, at.point)
        length = 1.0
        for _ in range(_HALVINGS):
            point, margins = at.point + length * change, ahead
            if length < 1.0:
                margins = at.margins + length * (ahead - at.margins)
            losses, slopes = self.objective.link.evaluate(margins)
            lower = self._value(losses, point)
            if lower <= value + _LEAST_DECREASE * length * slope + _ROUNDING * abs(value):
                return _Place(point, margins, losses, slopes, self.objective.gradient(slopes)), length
            length *= 0.5
        return None

    def _value(self, losses: Array, point: Array) -> float:
        logarithms = np.log(point - self.sides.lower).sum() + np.log(self.sides.upper - point).sum()
        return float(losses.sum()) - self.weight * float(logarithms)
