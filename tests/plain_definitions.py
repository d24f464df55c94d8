"""The algorithms as their papers define them, with an SVD or an eigen-decomposition every round: oracles for tests."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class PlainFrequentDirections:
    """An SVD every round; singular values below 1e-12 of the largest are zero, and never enter the escaped mass."""

    def __init__(self, dimension: int, rank: int) -> None:
        self.rank = rank
        self.rows = np.zeros((0, dimension))
        self.escaped_mass = 0.0

    def update(self, vector: Array) -> None:
        _, s, v = np.linalg.svd(np.vstack([self.rows, vector]), full_matrices=False)
        s = np.where(s > 1e-12 * s[0], s, 0.0)
        if s.size > self.rank:
            rho = s[self.rank] ** 2
            s = np.sqrt(np.maximum(s[: self.rank] ** 2 - rho, 0.0))
            self.escaped_mass += rho
        keep = s > 1e-12 * s[0] if s.size else s > 0.0
        self.values, self.vectors = s[keep] ** 2, v[: s.size][keep]
        self.rows = s[keep, None] * self.vectors

    def covariance(self) -> Array:
        return self.rows.T @ self.rows


def project_on_ball(point: Array, values: Array, vectors: Array, rest: float, radius: float) -> Array:
    """Projection in the norm of ``H = V' diag(values) V + rest (I - V'V)`` by bisection on the multiplier."""
    if np.linalg.norm(point) <= radius:
        return point
    along = vectors @ point
    outside = point - vectors.T @ along
    if rest == 0.0:
        inside = np.linalg.norm(along)
        if inside <= radius:
            return vectors.T @ along + outside * np.sqrt((radius - inside) * (radius + inside)) / np.linalg.norm(
                outside
            )
        outside = np.zeros_like(outside)
        rest = 1.0

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


class PlainFDAdaGrad:
    """Algorithm 2 of the Sketchy paper, step by step, on a ball around the origin (or unbounded)."""

    def __init__(self, dimension: int, rank: int, rate: float, radius: float = np.inf, delta: float = 0.0) -> None:
        self.sketch = PlainFrequentDirections(dimension, rank)
        self.rate, self.radius, self.delta = rate, radius, delta
        self.point = np.zeros(dimension)

    def update(self, gradient: Array) -> None:
        if not gradient.any():
            return
        self.sketch.update(gradient)
        values, vectors = self.sketch.values, self.sketch.vectors
        alpha = self.delta + self.sketch.escaped_mass
        roots, rest = np.sqrt(values + alpha), np.sqrt(alpha)
        along = vectors @ gradient
        step = vectors.T @ (along / roots)
        if rest > 0.0:
            step += (gradient - vectors.T @ along) / rest
        self.point = project_on_ball(self.point - self.rate * step, roots, vectors, float(rest), self.radius)


class PlainFullMatrixAdaGrad:
    """``x - rate (G^{1/2})^+ g`` with G summed up and decomposed every round."""

    def __init__(self, dimension: int, rate: float, radius: float = np.inf) -> None:
        self.covariance = np.zeros((dimension, dimension))
        self.rate, self.radius = rate, radius
        self.point = np.zeros(dimension)

    def update(self, gradient: Array) -> None:
        self.covariance += np.outer(gradient, gradient)
        values, vectors = np.linalg.eigh(self.covariance)
        keep = values > 1e-14 * values[-1]
        roots, vectors = np.sqrt(values[keep]), vectors.T[keep]
        point = self.point - self.rate * vectors.T @ ((vectors @ gradient) / roots)
        self.point = project_on_ball(point, roots, vectors, 0.0, self.radius)
