"""The intersection of a ball and a box."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from oco.domains._active_set import active_set
from oco.domains._polyhedra import NEWTON_FLOOR, newton_projection
from oco.domains._vectors import ROUNDING, euclidean_norm
from oco.domains.ball import Ball
from oco.domains.base import Domain
from oco.domains.box import Box
from oco.domains.certificate import first_certified
from oco.errors import DomainError
from oco.metrics import Metric, as_metric
from oco.types import Array, Shape

FLOOR = 5e-15
"""The h of ``H + h I``, relative to the largest eigenvalue, that approximates the limit where H is singular."""


class BallBox(Domain):
    """Points of a ball between two bounds: ``{x : |x - center|_2 <= radius, lower <= x <= upper}``.

    Parameters
    ----------
    radius, center
        As for `Ball`.
    lower, upper
        As for `Box`. The ball must meet the box.
    dimension
        ``d`` where no array gives it. Without it the shape is left to `with_shape`.

    Notes
    -----
    The Euclidean projection of y is ``clip(center + t (y - center))`` with the largest t <= 1 that stays in the ball,
    from one sort: O(d log d). In the metric H it is the projection on the box in ``H + mu I`` with the mu that puts it
    in the ball, which takes about ten projections on a box. Eigenvalues of H below 5e-15 of the largest are raised to
    that value.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import BallBox
    >>> BallBox(radius=1.0, lower=0.0, upper=np.inf, dimension=3).project(np.array([3.0, 4.0, -1.0]))
    array([0.6, 0.8, 0. ])
    """

    name = "ball_box"

    def __init__(
        self,
        radius: float = 1.0,
        center: ArrayLike | None = None,
        lower: ArrayLike = -1.0,
        upper: ArrayLike = 1.0,
        dimension: int | Shape | None = None,
    ) -> None:
        self._ball, self._box = Ball(radius, center, dimension), Box(lower, upper, dimension)
        known = self._ball._shape or self._box._shape
        if known is not None:
            self._place(known)

    def _place(self, shape: Shape) -> None:
        """Take ``shape``, and check that ball and box meet."""
        self._ball, self._box = self._ball.with_shape(shape), self._box.with_shape(shape)
        self._shape = self._ball.shape
        self._middle = self._ball.start
        self._reach = self._ball.radius("l2") if self._ball._center is None else self._ball.diameter("l2") / 2
        nearest = self._box.project(self._middle)
        if euclidean_norm(nearest - self._middle) > self._reach:
            raise DomainError("The ball and the box of BallBox have no point in common")

    def with_shape(self, shape: Shape) -> Self:
        """The intersection for decisions of ``shape``: itself where that is its shape, a copy where it had none."""
        domain = super().with_shape(shape)
        if domain is not self:
            domain._place(domain.shape)
        return domain

    def keywords(self) -> dict[str, Any]:
        """The constructor's keywords: those of the ball and of the box."""
        return self._ball.keywords() | self._box.keywords()

    @property
    def start(self) -> Array:
        """The point of the box closest to the ball's center."""
        return self._box.project(self._ball.start)

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether both the ball and the box contain the point."""
        return self._ball.contains(point, tolerance) and self._box.contains(point, tolerance)

    def project(self, point: Array) -> Array:
        """Euclidean projection; see the notes of the class for the formula."""
        point = self._checked(point)
        clipped = self._box.project(point)
        if euclidean_norm(clipped - self._middle) <= self._reach:
            return clipped
        return self._along(point - self._middle)

    def _along(self, direction: Array) -> Array:
        """``clip(center + t direction)`` with the largest t that stays in the ball; the distance grows with t."""
        lower, upper = self._box._lower - self._middle, self._box._upper - self._middle
        unit = np.abs(direction) / np.max(np.abs(direction))
        # The distance to the center in coordinate i is clip(t unit_i, least_i, most_i).
        least = np.maximum(np.maximum(lower, -upper), 0.0)
        most = np.maximum(np.where(direction > 0.0, upper, -lower), least)
        moving = (unit > 0.0) & (most > least)
        most = np.where(moving, most, least)
        signs = np.where(lower > 0.0, 1.0, np.where(upper < 0.0, -1.0, np.sign(direction)))
        if euclidean_norm(most) <= self._reach:
            return self._box.project(self._middle + signs * most)
        with np.errstate(over="ignore"):
            enters = np.divide(least, unit, where=moving, out=np.full(unit.shape, np.inf))
            leaves = np.divide(most, unit, where=moving, out=np.full(unit.shape, -np.inf))
        stops = np.concatenate([enters[moving], leaves[moving]])
        stops = np.sort(stops[np.isfinite(stops)])
        left, right = 0, len(stops)
        while left < right:
            middle = (left + right) // 2
            if euclidean_norm(np.clip(stops[middle] * unit, least, most)) <= self._reach:
                left = middle + 1
            else:
                right = middle
        first = float(stops[left - 1]) if left > 0 else 0.0
        last = float(stops[left]) if left < len(stops) else np.inf
        free = (enters <= first) & (leaves >= last)
        sizes = np.where(free, 0.0, np.clip(first * unit, least, most))
        rest = euclidean_norm(sizes)
        if free.any():
            left_over = float(np.sqrt(max((self._reach - rest) * (self._reach + rest), 0.0)))
            sizes = np.where(free, unit * (left_over / euclidean_norm(unit[free])), sizes)
        return self._box.project(self._middle + signs * sizes)

    def _bounds(self) -> tuple[Array, Array]:
        return self._box._lower, self._box._upper

    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the norm of ``metric``; see the notes of the class for the method and the cost."""
        point = self._checked(point)
        if self.contains(point, ROUNDING):
            return point.copy()
        metric = as_metric(metric, self.shape)
        if metric.isotropic or metric.largest == 0.0:
            return self.project(point)
        boxed = self._box.project_in(point, metric)
        if euclidean_norm(boxed - self._middle) <= self._reach:
            return boxed
        return first_certified(self, point, metric, lambda target: self._on_sphere(target, metric))

    def _on_sphere(self, point: Array, metric: Metric) -> Array:
        """The projection where the ball binds: the root mu of ``|x(mu) - center| = radius``."""
        from scipy.optimize import brentq

        shift, weights = metric.coupling(point.size)
        shift = max(shift, FLOOR)
        strengths = np.sum(weights**2, axis=0)
        lower, upper = (np.ascontiguousarray(bound).ravel() for bound in self._bounds())
        offset = (point - self._middle).ravel()
        coordinates = weights.T @ offset

        def closest(logarithm: float) -> Array:
            multiplier = float(np.exp(logarithm))
            total = shift + multiplier
            # (H + mu I)^{-1} H offset, written as the offset minus a correction that vanishes with mu.
            taken = (multiplier / total) * (offset - weights @ (coordinates / (total + strengths)))
            target = self._middle.ravel() + (offset - taken)
            projected, _ = newton_projection("box", target, total, weights, lower, upper, 0.0)
            if total < NEWTON_FLOOR:
                projected = active_set(target, total, weights, lower, upper, projected)
            return projected.reshape(point.shape)

        def excess(logarithm: float) -> float:
            return float(np.log(euclidean_norm(closest(logarithm) - self._middle) / self._reach))

        low, high = float(np.log(shift)) - 5.0, 1.0
        if excess(low) <= 0.0:
            low = float(np.log(np.finfo(np.float64).eps * shift))  # H + mu I is H to the last digit
            if excess(low) <= 0.0:
                return closest(low)
        while excess(high) > 0.0:
            high += 5.0
            if high > 60.0:
                return self.start
        root: float = brentq(excess, low, high, xtol=1e-300, rtol=1e-15, maxiter=200)
        return closest(root)

    def support(self, direction: Array) -> float:
        """``<direction, maximizer>``."""
        return float(np.vdot(direction, self.maximizer(direction)))

    def maximizer(self, direction: Array) -> Array:
        """``clip(center + t direction)`` with the largest t that stays in the ball, in O(d log d)."""
        direction = self._checked(direction)
        return self._along(direction) if np.any(direction) else self.start

    def diameter(self, norm: str = "l2") -> float:
        """Exact where the box is centered on the ball; else the smaller of the two diameters, an upper bound."""
        bound = min(self._ball.diameter(norm), self._box.diameter(norm))
        if norm != "l1":
            return bound
        widths = self._box._upper - self._box._lower
        doubled = BallBox(2.0 * self._reach, None, -widths, widths, None)
        return doubled.support(np.ones(self.shape))

    def radius(self, norm: str = "l2") -> float:
        """Exact where ball and box are both centered on the origin; else an upper bound."""
        bound = min(self._ball.radius(norm), self._box.radius(norm))
        lower, upper = self._bounds()
        return (
            min(bound, self.diameter(norm) / 2) if np.array_equal(-lower, upper) and not self._middle.any() else bound
        )
