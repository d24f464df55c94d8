"""Quadratic losses of vectors and matrices, and the best fixed point of their sums."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from oco.domains.base import Domain
from oco.environments.base import Rounds
from oco.losses.base import Loss
from oco.regret.interval import Interval
from oco.types import Array

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve


class TiltedQuadratic(Loss):
    """``f(x) = curvature / 2 |x - center|^2 + <slope, x>``; gradient ``curvature (x - center) + slope``."""

    def __init__(self, curvature: float, center: Array, slope: Array) -> None:
        self.curvature = curvature
        self.center = center
        self.slope = slope

    def value(self, point: Array) -> float:
        """``curvature / 2 |point - center|^2 + <slope, point>``."""
        offset = point - self.center
        return 0.5 * self.curvature * float(np.vdot(offset, offset)) + float(np.vdot(self.slope, point))

    def gradient(self, point: Array) -> Array:
        """``curvature (point - center) + slope``."""
        gradient: Array = self.curvature * (point - self.center) + self.slope
        return gradient


class MatrixResidual(Loss):
    """``f(X) = |X a - b|^2 / 2`` for matrices X ``(m, n)``; gradient ``(X a - b) a'``, of rank one."""

    def __init__(self, features: Array, targets: Array) -> None:
        self.features = features
        self.targets = targets

    def value(self, point: Array) -> float:
        """``|X a - b|^2 / 2``."""
        residual = point @ self.features - self.targets
        return 0.5 * float(residual @ residual)

    def gradient(self, point: Array) -> Array:
        """``(X a - b) a'``."""
        return np.outer(point @ self.features - self.targets, self.features)


class QuadraticSum:
    """``F(X) = <X, X A> / 2 - <B, X> + c``, the sum of losses of one kind; A is a number for `TiltedQuadratic`."""

    def __init__(self) -> None:
        self.count = 0
        self.matrix: Array | float = 0.0
        self.linear: Array | float = 0.0
        self.constant = 0.0
        self.matrix_size = self.linear_size = 0.0
        """Sums of the norms of the terms of A and of B: what rounding is relative to."""

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

    def minimiser(self, domain: Domain) -> Array:
        """Exact: a projection where the sum is as curved in all directions, else on a ball a root in one multiplier."""
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
        """The minimum lies between F at a feasible point, less its Frank-Wolfe gap, and F there.

        From both ends an allowance for rounding is taken: the sums go through as many roundings as there are losses.
        """
        gradient = self._image(point) - self.linear
        value, gap = self.value(point), max(0.0, float(np.vdot(gradient, point)) + domain.support(-gradient))
        length, radius = float(np.linalg.norm(point)), domain.radius()
        unit = (self.count + 2.0 * point.size + 64.0) * float(np.finfo(np.float64).eps)
        of_value = unit * (0.5 * self.matrix_size * length**2 + self.linear_size * length + self.constant)
        of_gap = unit * (self.matrix_size * length + self.linear_size) * (length + radius)
        return Interval(value - gap - of_value - of_gap, value + of_value)


def solvable(losses: list[Loss], domain: Domain) -> bool:
    """Whether `quadratic_curve` knows the minimiser: sums of one kind, on a domain that suits it and is bounded."""
    kinds = {type(loss) for loss in losses}
    ball = domain.as_ball()
    centred = ball is not None and not ball[0].any()
    return domain.bounded and (kinds == {TiltedQuadratic} or (kinds == {MatrixResidual} and centred))


def quadratic_curve(losses: Iterable[Loss], domain: Domain, rounds: Rounds) -> ComparatorCurve:
    """The best fixed point of every prefix in closed form, certified by the Frank-Wolfe gap, in one pass."""
    from oco.comparators import Comparator, ComparatorCurve

    total, found, totals = QuadraticSum(), [], []
    wanted = {int(count) for count in rounds}
    for count, loss in enumerate(losses, start=1):
        assert isinstance(loss, (TiltedQuadratic, MatrixResidual))
        total.add(loss)
        if count in wanted:
            point = total.minimiser(domain)
            value = total.certify(point, domain)
            tight = value.width <= 1e-6 * max(abs(value.upper), 1e-3 * abs(total.value(domain.start)))
            found.append(Comparator(count, point, value, "Frank-Wolfe gap", tight))
            totals.append((total.matrix, total.linear, total.constant))
    final = []
    for total.matrix, total.linear, total.constant in totals:
        final.append(total.value(found[-1].point))
    return ComparatorCurve(tuple(found), np.array(final))
