"""Minima of sums of convex losses to 15 digits, by a barrier method in decimal arithmetic: an independent oracle.

Everything is `decimal.Decimal` with 50 digits. Only the definitions of losses and domains are written down here; rows,
targets and radii are the floats of the game, taken over exactly. A barrier method ends with a duality gap that is
known: the number of barrier terms divided by the final weight of the objective.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np

DIGITS = 50
FINAL_WEIGHT = Decimal(10) ** 18
Exact = Any
"""An object array of decimals, or one."""


def exact(values: Any) -> Exact:
    """The same numbers as decimals, without rounding."""
    return np.vectorize(Decimal, otypes=[object])(np.asarray(values, dtype=np.float64))


class ScalarSum:
    """``sum_i phi(<a_i, x>, y_i)`` by name; losses with a kink are smoothed by their own barrier."""

    def __init__(self, name: str, rows: Any, targets: Any, parameter: float = 0.0) -> None:
        self.name, self.rows, self.targets = name, exact(rows), exact(targets)
        self.parameter = Decimal(parameter)
        self.barrier_terms = 2 * len(self.targets) if name in ("absolute", "hinge", "quantile") else 0

    def losses(self, point: Exact) -> list[Decimal]:
        """Every loss at a point."""
        return [self._loss(p, y) for p, y in zip(self.rows @ point, self.targets, strict=True)]

    def _loss(self, p: Decimal, y: Decimal) -> Decimal:
        zero, one, half = Decimal(0), Decimal(1), Decimal("0.5")
        residual = p - y
        if self.name == "linear":
            return p
        if self.name == "squared":
            return half * residual * residual
        if self.name == "absolute":
            return abs(residual)
        if self.name == "quantile":
            return max(-self.parameter * residual, (one - self.parameter) * residual)
        if self.name == "huber":
            size, width = abs(residual), self.parameter
            return half * residual * residual if size <= width else width * (size - half * width)
        if self.name == "hinge":
            return max(zero, one - y * p)
        if self.name == "squared_hinge":
            return max(zero, one - y * p) ** 2
        assert self.name == "logistic"
        return (one + (-y * p).exp()).ln()

    def derivatives(self, point: Exact, weight: Decimal) -> tuple[Decimal, Exact, Exact]:
        """``weight`` times the sum (with its barrier), the gradient, the Hessian."""
        total, slopes, curvatures = Decimal(0), [], []
        for p, y in zip(self.rows @ point, self.targets, strict=True):
            if self.barrier_terms:
                value, slope, curvature = self._smoothed(p, y, weight)
            else:
                value = weight * self._loss(p, y)
                slope, curvature = (weight * d for d in self._smooth_derivatives(p, y))
            total += value
            slopes.append(slope)
            curvatures.append(curvature)
        weighted = self.rows * np.array(curvatures, dtype=object)[:, None]
        return total, self.rows.T @ np.array(slopes, dtype=object), self.rows.T @ weighted

    def _smooth_derivatives(self, p: Decimal, y: Decimal) -> tuple[Decimal, Decimal]:
        zero, one, two = Decimal(0), Decimal(1), Decimal(2)
        if self.name == "linear":
            return one, zero
        if self.name == "squared":
            return p - y, one
        if self.name == "huber":
            inside = abs(p - y) <= self.parameter
            return (p - y, one) if inside else (self.parameter.copy_sign(p - y), zero)
        if self.name == "squared_hinge":
            short = one - y * p
            return (-two * y * short, two) if short > 0 else (zero, zero)
        probability = one / (one + (y * p).exp())
        return -y * probability, probability * (one - probability)

    def _smoothed(self, p: Decimal, y: Decimal, weight: Decimal) -> tuple[Decimal, Decimal, Decimal]:
        """``min over s of weight s - log(s - a r) - log(s - b r)`` for ``phi = max(a r, b r)``, r past the kink."""
        if self.name == "hinge":
            a, b = (Decimal(-1), Decimal(0)) if y > 0 else (Decimal(0), Decimal(1))
        elif self.name == "quantile":
            a, b = -self.parameter, 1 - self.parameter
        else:
            a, b = Decimal(-1), Decimal(1)
        r = p - y
        apart = weight * (a - b) * r
        root = (apart * apart + 4).sqrt()
        u, v = (2 - apart + root) / (2 * weight), (2 + apart + root) / (2 * weight)
        moved = (a / u**2 + b / v**2) / (1 / u**2 + 1 / v**2)
        value = weight * (u + a * r) - u.ln() - v.ln()
        return value, a / u + b / v, -a * (moved - a) / u**2 - b * (moved - b) / v**2


class MultinomialSum:
    """``sum_i log sum_c exp(<W_c, a_i>) - <W_{y_i}, a_i>`` of flat matrices W."""

    barrier_terms = 0

    def __init__(self, rows: Any, labels: Any, classes: int) -> None:
        self.rows, self.labels, self.classes = exact(rows), [int(label) for label in labels], classes

    def losses(self, point: Exact) -> list[Decimal]:
        """Every loss at a point."""
        margins = self.rows @ point.reshape(self.classes, -1).T
        normalizers = [sum((m.exp() for m in row), Decimal(0)).ln() for row in margins]
        return [log - row[y] for log, row, y in zip(normalizers, margins, self.labels, strict=True)]

    def derivatives(self, point: Exact, weight: Decimal) -> tuple[Decimal, Exact, Exact]:
        """``weight`` times the sum, the gradient, the Hessian."""
        gradient, hessian = 0, 0
        for row, label in zip(self.rows, self.labels, strict=True):
            powers = np.array([m.exp() for m in point.reshape(self.classes, -1) @ row], dtype=object)
            shares = powers / powers.sum()
            off = shares.copy()
            off[label] -= 1
            gradient = gradient + np.kron(off, row)
            hessian = hessian + np.kron(np.diag(shares) - np.outer(shares, shares), np.outer(row, row))
        return weight * sum(self.losses(point), Decimal(0)), weight * gradient, weight * hessian


class QuadraticSum:
    """``sum_i |F_i x - t_i|^2 / 2 + <s_i, x>`` from pairs of matrices and targets, and slopes."""

    barrier_terms = 0

    def __init__(self, features: Any, targets: Any, slopes: Any) -> None:
        self.features, self.targets, self.slopes = exact(features), exact(targets), exact(slopes)

    def losses(self, point: Exact) -> list[Decimal]:
        """Every loss at a point."""
        terms = zip(self.features, self.targets, self.slopes, strict=True)
        residuals = ((matrix @ point - target, slope) for matrix, target, slope in terms)
        return [residual @ residual / 2 + slope @ point for residual, slope in residuals]

    def derivatives(self, point: Exact, weight: Decimal) -> tuple[Decimal, Exact, Exact]:
        """``weight`` times the sum, the gradient, the Hessian."""
        gradient, hessian = self.slopes.sum(axis=0), 0
        for matrix, target in zip(self.features, self.targets, strict=True):
            gradient = gradient + matrix.T @ (matrix @ point - target)
            hessian = hessian + matrix.T @ matrix
        return weight * sum(self.losses(point), Decimal(0)), weight * gradient, weight * hessian


class Region:
    """``x = origin + basis z`` with ``faces z < limits``, and where there is a radius ``|x - centre|^2 < radius^2``."""

    def __init__(
        self, start: Exact, basis: Exact, origin: Exact, faces: Exact, limits: Exact, ball: tuple[Exact, Decimal] | None
    ) -> None:
        self.start, self.basis, self.origin = start, basis, origin
        self.faces, self.limits, self.ball = faces, limits, ball

    @property
    def barrier_terms(self) -> int:
        """The parameter of the barrier."""
        return len(self.limits) + (self.ball is not None)

    def place(self, z: Exact) -> Exact:
        """The point x."""
        return self.origin + self.basis @ z

    def inside(self, z: Exact) -> bool:
        """Whether the barrier is finite."""
        if any(slack <= 0 for slack in self.limits - self.faces @ z):
            return False
        return self.ball is None or self._ball_slack(z)[0] > 0

    def _ball_slack(self, z: Exact) -> tuple[Decimal, Exact]:
        assert self.ball is not None
        offset = self.place(z) - self.ball[0]
        return self.ball[1] ** 2 - offset @ offset, offset

    def derivatives(self, z: Exact) -> tuple[Decimal, Exact, Exact]:
        """The barrier, its gradient and its Hessian in z."""
        slacks = self.limits - self.faces @ z
        inverse = np.array([1 / slack for slack in slacks], dtype=object)
        value = -sum((slack.ln() for slack in slacks), Decimal(0))
        gradient = self.faces.T @ inverse + exact(np.zeros(len(z)))
        hessian = self.faces.T @ (self.faces * (inverse * inverse)[:, None]) + exact(np.zeros((len(z), len(z))))
        if self.ball is not None:
            slack, offset = self._ball_slack(z)
            pull = self.basis.T @ offset * 2 / slack
            value -= slack.ln()
            gradient = gradient + pull
            hessian = hessian + self.basis.T @ self.basis * 2 / slack + np.outer(pull, pull)
        return value, gradient, hessian


def ball(radius: float, center: Any) -> Region:
    """``|x - center|_2 <= radius``."""
    middle = exact(center)
    none = exact(np.zeros((0, len(middle))))
    return Region(middle, exact(np.eye(len(middle))), middle * 0, none, none[:, 0], (middle, Decimal(radius)))


def polyhedron(faces: Any, limits: Any, start: Any, within: float | None = None) -> Region:
    """``faces x <= limits`` with ``start`` inside, cut with a ball around the origin of radius ``within``."""
    middle = exact(start)
    disc = None if within is None else (middle * 0, Decimal(within))
    return Region(middle, exact(np.eye(len(middle))), middle * 0, exact(faces), exact(limits), disc)


def box(lower: float, upper: float, dimension: int, within: float | None = None) -> Region:
    """``lower <= x <= upper``; ends may be infinite."""
    eye, ends = np.eye(dimension), []
    faces = [sign * eye for sign, end in ((1.0, upper), (-1.0, -lower)) if np.isfinite(end)]
    ends = [np.full(dimension, end) for end in (upper, -lower) if np.isfinite(end)]
    middle = 0.5 * (lower + upper) if np.isfinite(lower) and np.isfinite(upper) else (lower + 1.0)
    return polyhedron(np.vstack(faces), np.concatenate(ends), np.full(dimension, middle), within)


def simplex(total: float, dimension: int) -> Region:
    """``x >= 0, sum x = total``, by its first d - 1 coordinates."""
    basis = np.vstack([np.eye(dimension - 1), -np.ones((1, dimension - 1))])
    origin = exact(np.zeros(dimension))
    origin[-1] = Decimal(total)
    start = exact(np.full(dimension - 1, total / dimension))
    return Region(start, exact(basis), origin, exact(-basis), origin, None)


def l1_ball(radius: float, dimension: int) -> Region:
    """``|x|_1 <= radius``, as the difference of two points of the orthant."""
    basis = np.hstack([np.eye(dimension), -np.eye(dimension)])
    faces = np.vstack([-np.eye(2 * dimension), np.ones((1, 2 * dimension))])
    limits = exact(np.zeros(2 * dimension + 1))
    limits[-1] = Decimal(radius)
    start = exact(np.full(2 * dimension, radius / (4 * dimension)))
    return Region(start, exact(basis), exact(np.zeros(dimension)), exact(faces), limits, None)


def hyperplane(normal: Any, height: float) -> Region:
    """``<normal, x> = height``, by all coordinates but the one with the largest entry of the normal."""
    vector = exact(normal)
    pivot = int(np.argmax(np.abs(np.asarray(normal, dtype=float))))
    basis = np.delete(exact(np.eye(len(vector))), pivot, axis=1)
    basis[pivot] = np.delete(-vector / vector[pivot], pivot)
    origin = vector * 0
    origin[pivot] = Decimal(height) / vector[pivot]
    none = exact(np.zeros((0, len(vector) - 1)))
    return Region(exact(np.zeros(len(vector) - 1)), basis, origin, none, none[:, 0], None)


def everything(dimension: int) -> Region:
    """The whole space."""
    none, zero = exact(np.zeros((0, dimension))), exact(np.zeros(dimension))
    return Region(zero, exact(np.eye(dimension)), zero, none, none[:, 0], None)


def minimum(total: ScalarSum | MultinomialSum | QuadraticSum, region: Region) -> tuple[Decimal, Decimal, Exact]:
    """Ends of an interval that holds the minimum, about 1e-15 wide, and the point."""
    with localcontext() as context:
        context.prec = DIGITS
        terms = region.barrier_terms + total.barrier_terms
        z, weight = region.start, Decimal(1) if terms else FINAL_WEIGHT
        while True:
            z, decrement = _centred(total, region, z, weight)
            if weight >= FINAL_WEIGHT:
                break
            weight *= 1000
        upper = sum(total.losses(region.place(z)), Decimal(0))
        gap = (2 * terms + 2 * decrement) / weight
        return upper - gap, upper, region.place(z)


def _centred(total: Any, region: Region, z: Exact, weight: Decimal) -> tuple[Exact, Decimal]:
    """Damped Newton steps to the minimizer of ``weight F + barrier``; returns it and the last Newton decrement."""

    def derivatives_at(z: Exact) -> tuple[Decimal, Exact, Exact]:
        value, slope, curvature = total.derivatives(region.place(z), weight)
        barrier, pull, bend = region.derivatives(z)
        basis = region.basis
        return value + barrier, basis.T @ slope + pull, basis.T @ curvature @ basis + bend

    damping, here = Decimal("1e-40"), derivatives_at(z)
    for _ in range(400):
        value, gradient, curvature = here
        step = _solve(curvature, -gradient, damping)
        decrement = -(gradient @ step)
        if decrement < Decimal("1e-12"):
            return z, abs(decrement)
        length = Decimal(1)
        while length >= Decimal("1e-6"):
            ahead = z + length * step
            if region.inside(ahead):
                there = derivatives_at(ahead)
                if there[0] <= value - length * decrement / 10:
                    z, here, damping = ahead, there, Decimal("1e-40")
                    break
            length /= 2
        else:  # a curvature that vanishes along some direction sends steps anywhere
            damping = max(damping * 100, Decimal("1e-6"))
    raise AssertionError("Newton's method did not converge")


def _solve(matrix: Exact, right: Exact, damping: Decimal) -> Exact:
    """Gaussian elimination with pivoting, after adding ``damping`` times the trace to the diagonal."""
    size = len(right)
    shift = sum((matrix[i, i] for i in range(size)), Decimal(0)) * damping + Decimal("1e-45")
    system = np.hstack([matrix + shift * exact(np.eye(size)), right[:, None]])
    for column in range(size):
        pivot = column + max(range(size - column), key=lambda row: abs(system[column + row, column]))
        system[[column, pivot]] = system[[pivot, column]]
        system[column] = system[column] / system[column, column]
        for row in range(size):
            if row != column:
                system[row] = system[row] - system[row, column] * system[column]
    return system[:, -1]
