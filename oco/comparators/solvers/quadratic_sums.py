"""Sums of quadratic losses of one kind: the minimizer in closed form, certified by the Frank-Wolfe gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from oco.comparators.comparator import Comparator, ComparatorCurve
from oco.comparators.solver import Losses, Request, Solver, feasible, require_tight
from oco.domains.base import Domain
from oco.losses.base import Loss
from oco.losses.quadratic_terms import MatrixResidual, TiltedQuadratic
from oco.regret.certificate import Certificate
from oco.regret.interval import Interval
from oco.types import Array

TOLERANCE = 1e-6
"""Default relative gap."""


class QuadraticSumSolver(Solver):
    """Sequences of `TiltedQuadratic`, or on balls of matrices of `MatrixResidual`."""

    order: ClassVar[int] = 20

    def taken(self, losses: Losses, domain: Domain) -> Any | None:
        """The losses themselves if they are `solvable`."""
        return losses if isinstance(losses, Sequence) and solvable(losses, domain) else None

    def curve(self, taken: Any, domain: Domain, rounds: list[int], request: Request) -> ComparatorCurve:
        """Find all comparators in one pass over the losses."""
        tolerance = TOLERANCE if request.tolerance is None else request.tolerance
        curve = quadratic_curve(taken[: rounds[-1]], domain, rounds, tolerance)
        for found in curve if request.strict else ():
            require_tight(found, tolerance)
        return curve

    def certify(
        self, taken: Any, domain: Domain, point: Array, dual: Array | None, tolerance: float | None
    ) -> Comparator:
        """Certify by the Frank-Wolfe gap."""
        total = QuadraticSum()
        for loss in taken:
            total.add(loss)
        return _comparator(total, feasible(domain, point), domain, TOLERANCE if tolerance is None else tolerance)


class QuadraticSum:
    """``F(X) = <X, X A> / 2 - <B, X> + c``, the sum of losses of one kind; A is a number for `TiltedQuadratic`."""

    def __init__(self) -> None:
        self.count = 0
        self.matrix: Array | float = 0.0
        self.linear: Array | float = 0.0
        self.constant = 0.0
        self.matrix_size = self.linear_size = 0.0
        """Sums of the norms of the terms of A and of B, to which rounding is relative."""

    def add(self, loss: TiltedQuadratic | MatrixResidual) -> None:
        """Add one loss."""
        self.count += 1
        if isinstance(loss, TiltedQuadratic):
            self.matrix = self.matrix + loss.curvature
            self.linear = self.linear + loss.curvature * loss.center - loss.slope
            self.constant += 0.5 * loss.curvature * float(loss.center @ loss.center)
            self.matrix_size += loss.curvature
            self.linear_size += loss.curvature * float(np.linalg.norm(loss.center)) + float(np.linalg.norm(loss.slope))
        else:
            self.matrix = self.matrix + np.outer(loss.features, loss.features)
            self.linear = self.linear + np.outer(loss.targets, loss.features)
            self.constant += 0.5 * float(loss.targets @ loss.targets)
            length = float(np.linalg.norm(loss.features))
            self.matrix_size += length**2
            self.linear_size += length * float(np.linalg.norm(loss.targets))

    def value(self, point: Array) -> float:
        """F at a point."""
        return 0.5 * float(np.vdot(point, self._image(point))) - float(np.vdot(self.linear, point)) + self.constant

    def _image(self, point: Array) -> Array:
        image: Array = point @ self.matrix if isinstance(self.matrix, np.ndarray) else self.matrix * point
        return image

    def minimizer(self, domain: Domain) -> Array:
        """The exact minimizer: a projection if A is a number, else (on a ball) by a root in one multiplier."""
        if not isinstance(self.matrix, np.ndarray):
            return domain.project(np.asarray(self.linear / self.matrix))
        values, basis = np.linalg.eigh(self.matrix)
        values = np.where(values > 1e-13 * values[-1], values, 0.0)
        weights = np.asarray(self.linear @ basis)
        weights[:, values == 0.0] = 0.0  # targets are sums over the same features

        def shrunk(multiplier: float) -> Array:
            scaled: Array = weights / np.where(values > 0.0, values + multiplier, 1.0)
            return scaled

        from scipy.optimize import brentq  # 0.1 s to import

        radius = domain.radius()
        if np.linalg.norm(shrunk(0.0)) <= radius:
            return np.asarray(shrunk(0.0) @ basis.T)
        most = float(np.linalg.norm(weights)) / radius
        multiplier = brentq(lambda mu: np.linalg.norm(shrunk(mu)) - radius, 0.0, most, xtol=1e-14 * most, rtol=1e-14)
        return domain.project(np.asarray(shrunk(float(multiplier)) @ basis.T))

    def certify(self, point: Array, domain: Domain) -> Interval:
        """The minimum lies between F at a feasible point minus its Frank-Wolfe gap, and F there.

        Both bounds include an allowance for rounding, because the sums take one rounding per loss.
        """
        gradient = self._image(point) - self.linear
        value, gap = self.value(point), max(0.0, float(np.vdot(gradient, point)) + domain.support(-gradient))
        length, radius = float(np.linalg.norm(point)), domain.radius()
        unit = (self.count + 2.0 * point.size + 64.0) * float(np.finfo(np.float64).eps)
        of_value = unit * (0.5 * self.matrix_size * length**2 + self.linear_size * length + self.constant)
        of_gap = unit * (self.matrix_size * length + self.linear_size) * (length + radius)
        return Interval(value - gap - of_value - of_gap, value + of_value)


def solvable(losses: Sequence[Loss], domain: Domain) -> bool:
    """Whether `quadratic_curve` applies: losses of one kind, on a suitable bounded domain."""
    kinds = {type(loss) for loss in losses}
    if kinds not in ({TiltedQuadratic}, {MatrixResidual}) or not domain.bounded:
        return False
    ball = domain.as_ball()
    return kinds == {TiltedQuadratic} or (ball is not None and not ball[0].any())


def quadratic_curve(
    losses: Iterable[Any], domain: Domain, rounds: Iterable[int], tolerance: float = TOLERANCE
) -> ComparatorCurve:
    """The best fixed point of every prefix in closed form, certified by the Frank-Wolfe gap, in one pass."""
    total, found, totals = QuadraticSum(), [], []
    wanted = {int(count) for count in rounds}
    for count, loss in enumerate(losses, start=1):
        total.add(loss)
        if count in wanted:
            found.append(_comparator(total, total.minimizer(domain), domain, tolerance))
            totals.append((total.matrix, total.linear, total.constant))
    final = []
    for total.matrix, total.linear, total.constant in totals:
        final.append(total.value(found[-1].point))
    return ComparatorCurve(tuple(found), np.array(final))


def _comparator(total: QuadraticSum, point: Array, domain: Domain, tolerance: float) -> Comparator:
    value = total.certify(point, domain)
    tight = value.width <= tolerance * max(abs(value.upper), 1e-3 * abs(total.value(domain.start)))
    return Comparator(total.count, point, value, Certificate.FRANK_WOLFE_GAP, tight)
