"""The sketched learners the way their papers print them, with a decomposition every round: definitions to read.

The compiled learners of the same names are tested against these, and are some ten to a hundred times as fast. Points
start at the origin and stay in a ball around it, of infinite ``radius`` for an unbounded domain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from oco.decomposition import thin_svd
from oco.types import Array

ZERO = 1e-12
"""Singular values below this fraction of the largest are zero: they are dropped, and never enter the escaped mass."""


class FrequentDirections:
    """``(rho_t, Gbar_t) = FD_k(Gbar_{t-1}, g_t g_t')``, the sketch ``Gbar = rows' rows`` with at most k rows.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.learners import plain
    >>> sketch = plain.FrequentDirections(dimension=3, rank=1)
    >>> for row in np.diag([3.0, 2.0, 0.0])[:2]:
    ...     sketch.update(row)
    >>> sketch.values, sketch.escaped_mass
    (array([5.]), 4.0)
    """

    def __init__(self, dimension: int, rank: int) -> None:
        self.rank = rank
        self.rows = np.zeros((0, dimension))
        self.values, self.vectors = np.zeros(0), np.zeros((0, dimension))
        self.escaped_mass = 0.0

    def update(self, vector: Array) -> None:
        """Add ``vector vector'``; subtract the (k + 1)-th eigenvalue from all, and drop what is zero then."""
        _, s, v = thin_svd(np.vstack([self.rows, vector]))
        s = np.where(s > ZERO * s[0], s, 0.0)
        if s.size > self.rank:
            rho = s[self.rank] ** 2
            self.escaped_mass += float(rho)
            s = np.sqrt(np.maximum(s[: self.rank] ** 2 - rho, 0.0))
        keep = s > ZERO * s[0]
        self.values, self.vectors = s[keep] ** 2, v[: s.size][keep]
        self.rows = s[keep, None] * self.vectors

    def covariance(self) -> Array:
        """Gbar, ``(d, d)``."""
        return self.rows.T @ self.rows


class FDAdaGrad:
    """Sketchy AdaGrad: ``H = (Gbar + (delta + rho) I)^{1/2}``, ``x <- P_H(x - eta H^+ g)``."""

    def __init__(self, dimension: int, rank: int, rate: float, radius: float = math.inf, delta: float = 0.0) -> None:
        self.sketch = FrequentDirections(dimension, rank)
        self.rate, self.radius, self.delta = rate, radius, delta
        self.point = np.zeros(dimension)

    def update(self, gradient: Array) -> None:
        """Sketch, step, project."""
        if gradient.any():
            self.sketch.update(gradient)
            alpha = self.delta + self.sketch.escaped_mass
            metric = np.sqrt(self.sketch.values + alpha), self.sketch.vectors, math.sqrt(alpha)
            self.point = project(self.point - self.rate * solve(*metric, gradient), *metric, self.radius)


class AdaFD:
    """Ada-FD: ``H = ridge I + Gbar^{1/2}``, ``x <- P_H(x - eta H^{-1} g)``; what escapes is lost."""

    def __init__(self, dimension: int, rank: int, rate: float, radius: float = math.inf, ridge: float = 1.0) -> None:
        self.sketch = FrequentDirections(dimension, rank)
        self.rate, self.radius, self.ridge = rate, radius, ridge
        self.point = np.zeros(dimension)

    def update(self, gradient: Array) -> None:
        """Sketch, step, project."""
        if gradient.any():
            self.sketch.update(gradient)
            metric = self.ridge + np.sqrt(self.sketch.values), self.sketch.vectors, self.ridge
            self.point = project(self.point - self.rate * solve(*metric, gradient), *metric, self.radius)


class SketchedSON:
    """FD-SON and RFD-SON: ``A = (ridge + c rho) I + Gbar`` of the ``g_t sqrt(sigma + eta_t)``, ``x <- P_A(x - A^+ g)``.

    ``eta_t = 1 / (lambda t^p)``; c, the ``compensation``, is 0 for FD-SON and 1/2 for RFD-SON.
    """

    def __init__(
        self, dimension: int, rank: int, compensation: float, exponent: float, learning_rate: float = 1.0,
        radius: float = math.inf, ridge: float = 1.0, curvature: float = 0.0,
    ) -> None:  # fmt: skip
        self.sketch = FrequentDirections(dimension, rank)
        self.compensation, self.exponent, self.learning_rate = compensation, exponent, learning_rate
        self.radius, self.ridge, self.curvature = radius, ridge, curvature
        self.point, self.round = np.zeros(dimension), 0

    def update(self, gradient: Array) -> None:
        """Weigh, sketch, step, project."""
        self.round += 1
        if gradient.any():
            weight = self.curvature + 1.0 / (self.learning_rate * self.round**self.exponent)
            self.sketch.update(math.sqrt(weight) * gradient)
            alpha = self.ridge + self.compensation * self.sketch.escaped_mass
            metric = self.sketch.values + alpha, self.sketch.vectors, alpha
            self.point = project(self.point - solve(*metric, gradient), *metric, self.radius)


class FTSL:
    """Follow the sketchy leader: ``H = ridge I + (Gbar + rho I)^{1/2}``, ``x <- P_H(-eta H^+ sum_s g_s)``."""

    def __init__(self, dimension: int, rank: int, rate: float, radius: float = math.inf, ridge: float = 1.0) -> None:
        self.sketch = FrequentDirections(dimension, rank)
        self.rate, self.radius, self.ridge = rate, radius, ridge
        self.point, self.gradient_sum = np.zeros(dimension), np.zeros(dimension)

    def update(self, gradient: Array) -> None:
        """Sketch, add up, step from the start, project."""
        if gradient.any():
            self.sketch.update(gradient)
            self.gradient_sum = self.gradient_sum + gradient
            rho = self.sketch.escaped_mass
            metric = self.ridge + np.sqrt(self.sketch.values + rho), self.sketch.vectors, self.ridge + math.sqrt(rho)
            self.point = project(-self.rate * solve(*metric, self.gradient_sum), *metric, self.radius)


class ParameterFreeFD:
    """``H = (Gbar + (1 + rho) I)^{1/2}``, ``y <- -F_V'(z) H^{-1} s / z`` with ``z = |s|_{H^{-1}}``, ``x <- P_H(y)``.

    The gradient bound is 1. ``wealth`` is ``-sum <c_t, y_t>``, at least ``F_V(z)``.
    """

    def __init__(self, dimension: int, rank: int, scale: float, radius: float = math.inf) -> None:
        self.sketch = FrequentDirections(dimension, rank)
        self.scale, self.radius = scale, radius
        self.point, self.bet, self.outcomes = np.zeros(dimension), np.zeros(dimension), np.zeros(dimension)
        self.squares = self.wealth = 0.0
        self.metric: tuple[Array, Array, float] = np.zeros(0), np.zeros((0, dimension)), 1.0

    def update(self, gradient: Array) -> None:
        """Drop what pushes the bet further out, sketch, bet, project."""
        outcome, outward = gradient, self.bet - self.point
        if outward.any():
            normal = apply(*self.metric, outward)
            outward, normal = np.array([outward, normal]) / math.sqrt(outward @ normal)
            outcome = gradient + max(0.0, -float(gradient @ outward)) * normal
        self.wealth -= float(outcome @ self.bet)
        self.outcomes = self.outcomes + outcome
        self.squares += float(outcome @ solve(*self.metric, outcome))
        if gradient.any():
            self.sketch.update(gradient)
        beyond = 1.0 + self.sketch.escaped_mass
        self.metric = np.sqrt(self.sketch.values + beyond), self.sketch.vectors, math.sqrt(beyond)
        direction = solve(*self.metric, self.outcomes)
        z = math.sqrt(float(self.outcomes @ direction))
        self.bet = -self.slope(z) * direction / z if z > 0.0 else np.zeros_like(direction)
        self.point = project(self.bet, *self.metric, self.radius)

    def terms(self) -> Iterator[tuple[float, float]]:
        """The betting fractions beta_i and their weights ``a_i exp(-psi(beta_i) V)``."""
        for i in range(40):
            beta = 2.0 ** (-1.0 - i / 2.0)
            yield beta, self.scale * math.log(2.0) / (2.0 * beta) * math.exp((beta + math.log1p(-beta)) * self.squares)

    def slope(self, z: float) -> float:
        """``F_V'(z)``."""
        return sum(weight * beta * math.sinh(beta * z) for beta, weight in self.terms())


class FullMatrixAdaGrad:
    """``H = G^{1/2}`` with ``G = sum_s g_s g_s'``, ``x <- P_H(x - eta H^+ g)``."""

    def __init__(self, dimension: int, rate: float, radius: float = math.inf) -> None:
        self.covariance = np.zeros((dimension, dimension))
        self.rate, self.radius = rate, radius
        self.point = np.zeros(dimension)

    def update(self, gradient: Array) -> None:
        """Add up, decompose, step, project."""
        self.covariance += np.outer(gradient, gradient)
        values, vectors = np.linalg.eigh(self.covariance)
        keep = values > 1e-14 * values[-1]
        metric = np.sqrt(values[keep]), vectors.T[keep], 0.0
        self.point = project(self.point - self.rate * solve(*metric, gradient), *metric, self.radius)


def apply(values: Array, vectors: Array, rest: float, vector: Array) -> Array:
    """``H vector`` for ``H = V' diag(values) V + rest (I - V'V)``."""
    along = vectors @ vector
    product: Array = vectors.T @ (along * values) + rest * (vector - vectors.T @ along)
    return product


def solve(values: Array, vectors: Array, rest: float, vector: Array) -> Array:
    """``H^+ vector`` for ``H = V' diag(values) V + rest (I - V'V)``, the pseudo-inverse where ``rest`` is 0."""
    along = vectors @ vector
    step: Array = vectors.T @ (along / values)
    return step + (vector - vectors.T @ along) / rest if rest > 0.0 else step


def project(point: Array, values: Array, vectors: Array, rest: float, radius: float) -> Array:
    """Projection on the ball in the norm of ``H = V' diag(values) V + rest (I - V'V)``: bisection on the multiplier."""
    if np.linalg.norm(point) <= radius:
        return point
    along = vectors @ point
    outside = point - vectors.T @ along
    if rest == 0.0:  # what is outside costs nothing
        inside = np.linalg.norm(along)
        if inside <= radius:
            length: float = np.sqrt((radius - inside) * (radius + inside)) / np.linalg.norm(outside)
            return vectors.T @ along + outside * length
        outside, rest = np.zeros_like(outside), 1.0
    beyond = float(np.linalg.norm(outside))

    def norm(multiplier: float) -> float:
        return math.hypot(np.linalg.norm(along * values / (values + multiplier)), beyond * rest / (rest + multiplier))

    low, high = 0.0, 1.0
    while norm(high) > radius:
        high *= 2.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if norm(middle) > radius else (low, middle)
    return vectors.T @ (along * values / (values + high)) + outside * (rest / (rest + high))
