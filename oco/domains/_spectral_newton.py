"""Newton methods for projections on the spectral-norm ball in a metric that couples the entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oco.domains._spectrum import coupling
from oco.domains.certificate import projection_residual, require_certified
from oco.domains.metrics import Metric
from oco.types import Array

if TYPE_CHECKING:
    from oco.domains.base import Domain

DENSE_LIMIT = 1500
"""Most entries for which a matrix of the size of the metric is formed."""

FLOOR = 5e-15
"""The h of ``H + h I``, relative to the largest eigenvalue, that stands for the limit where H is singular."""


class ClippedSingularValues:
    """The Euclidean projection of ``matrix`` on the ball, and its derivative there."""

    def __init__(self, matrix: Array, radius: float) -> None:
        self._left, sizes, self._right = np.linalg.svd(matrix, full_matrices=False)
        clipped = np.minimum(sizes, radius)
        self.value: Array = (self._left * clipped) @ self._right
        difference = sizes[:, None] - sizes[None, :]
        equal = difference == 0.0
        inside = np.broadcast_to((sizes <= radius)[:, None], equal.shape).astype(np.float64)
        self._even = np.where(equal, inside, (clipped[:, None] - clipped[None, :]) / np.where(equal, 1.0, difference))
        total = sizes[:, None] + sizes[None, :]
        self._odd = np.where(
            total == 0.0, 1.0, (clipped[:, None] + clipped[None, :]) / np.where(total == 0.0, 1.0, total)
        )
        self._outer = np.where(sizes == 0.0, 1.0, clipped / np.where(sizes == 0.0, 1.0, sizes))

    def derivative(self, direction: Array) -> Array:
        """The derivative in ``direction``, ``(m, n)`` or a stack ``(j, m, n)``."""
        left, right = self._left, self._right
        inner = left.T @ direction @ right.T
        flipped = np.swapaxes(inner, -1, -2)
        mixed = self._even * (inner + flipped) / 2 + self._odd * (inner - flipped) / 2
        # One of the two rests is zero: singular vectors fill the shorter side.
        rest_right = left.T @ direction - inner @ right
        rest_left = direction @ right.T - left @ inner
        result: Array = left @ mixed @ right
        result += left @ (self._outer[:, None] * rest_right) + (rest_left * self._outer[None, :]) @ right
        return result


def project_on_spectral_ball(domain: Domain, point: Array, metric: Metric, radius: float) -> Array:
    """The projection of ``point`` (not in the ball) on ``{|X|_op <= radius}``, certified."""
    size = float(np.max(np.abs(point)))
    shift, weights = coupling(metric, point.size)
    if weights.shape[1] == 0:
        return domain.project(point)
    projected = _coupled(point / size, shift, weights, radius / size) * size
    if projection_residual(domain, point, projected, metric) > 1e-12 and point.size <= DENSE_LIMIT:
        better = _dense(point / size, projected / size, shift, weights, radius / size) * size
        if projection_residual(domain, point, better, metric) < projection_residual(domain, point, projected, metric):
            projected = better
    return require_certified(domain, point, projected, metric)


def _coupled(y: Array, shift: float, weights: Array, radius: float) -> Array:
    """Newton in the coupling: ``X = P(Y - W w)`` with ``shift w = W'(X - Y)``; see `oco.domains._coupled`."""
    w = np.zeros(weights.shape[1])
    stack = weights.T.reshape(-1, *y.shape)

    def clip(at: Array) -> tuple[ClippedSingularValues, Array]:
        clipped = ClippedSingularValues(y - (weights @ at).reshape(y.shape), radius)
        return clipped, shift * at - weights.T @ (clipped.value - y).ravel()

    here, gradient = clip(w)
    best = float(np.linalg.norm(gradient))
    for _ in range(50):
        curvature = weights.T @ here.derivative(stack).reshape(len(w), -1).T
        step = np.linalg.solve(curvature + (shift + 1e-15) * np.eye(len(w)), -gradient)
        length, slope = 1.0, float(gradient @ step)
        while length > 1e-10:
            there, ahead = clip(w + length * step)
            # psi is convex: a step after which it still falls, or hardly rises, does not overshoot.
            if float(ahead @ step) <= -0.1 * slope:
                break
            length /= 2
        w, here, gradient = w + length * step, there, ahead
        size = float(np.linalg.norm(gradient))
        if size <= 1e-15 or (size >= best / 2 and best < 1e-12):
            break
        best = min(best, size)
    return here.value


def _dense(y: Array, start: Array, shift: float, weights: Array, radius: float) -> Array:
    """Newton on ``X = P(X - t H(X - Y))`` for ``H + h I`` with h falling, each solution the start of the next."""
    target = max(shift, FLOOR)
    x = start
    level = 1e-2
    while level > target:
        x = _fixed_point(y, x, level, weights, radius)
        level /= 10.0
    return _fixed_point(y, x, target, weights, radius)


def _fixed_point(y: Array, x: Array, shift: float, weights: Array, radius: float) -> Array:
    """Newton from ``x`` for one ``shift I + W W'``, held by the forward-backward envelope: it falls at every step."""
    size = y.size
    reach = 0.95 / (1.0 + shift)
    identity = np.eye(size)
    stack = identity.reshape(size, *y.shape)
    forward = (1.0 - reach * shift) * identity - reach * (weights @ weights.T)

    def look(x: Array) -> tuple[ClippedSingularValues, Array, float]:
        offset = (x - y).ravel()
        pulled = weights.T @ offset
        slope = shift * offset + weights @ pulled
        clipped = ClippedSingularValues(x - reach * slope.reshape(y.shape), radius)
        move = (x - clipped.value).ravel()
        # By way of W'(x - y): where H is nearly singular that is small, and its rounding too.
        envelope = 0.5 * (shift * offset @ offset + pulled @ pulled) - slope @ move + move @ move / (2 * reach)
        return clipped, move, float(envelope)

    here, move, value = look(x)
    for _ in range(60):
        derivative = here.derivative(stack).reshape(size, size).T
        step = np.linalg.solve(identity - derivative @ forward, -move)
        length = 1.0
        while length > 1e-6:
            trial = x - ((1.0 - length) * move - length * step).reshape(y.shape)
            there, ahead, lower = look(trial)
            if lower <= value - 1e-3 * float(move @ move) + 1e-15 * abs(value):
                break
            length /= 2
        before = float(np.abs(move).max())
        x, here, move, value = trial, there, ahead, lower
        if before < 1e-14 and float(np.abs(move).max()) >= 0.5 * before:
            break
    return here.value
