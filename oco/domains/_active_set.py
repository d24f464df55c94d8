"""Exact active-set method for projections in ``shift I + W W'``: slow steps, but right for any conditioning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oco.decomposition import thin_svd
from oco.types import Array

FLOORS = (1e-13, 1e-14, 1e-15)
"""Values of h in ``H + h I``, relative to the largest eigenvalue, that approximate the limit during the search."""


def active_set(
    y: Array,
    shift: float,
    weights: Array,
    lower: Array,
    upper: Array,
    start: Array,
    total: float | None = None,
    signed: bool = False,
    floor: float = FLOORS[0],
) -> Array:
    """Minimize ``(x - y)'(shift I + W W')(x - y)`` from ``start``, a point of the set close to the minimizer.

    The set is ``lower <= x <= upper``; with ``total`` it is ``{x >= 0, sum x = total}`` instead, and with ``signed``
    the sphere ``|x|_1 = total``. One coordinate is bound or released at a time, so that the objective falls; each step
    is a singular value decomposition of the free rows of W, O(d j^2) for W ``(d, j)``.
    """
    x = start.copy()
    signs = np.zeros_like(y) if total is None else np.sign(x)
    if total is not None:
        lower = np.where(signs < 0.0, -np.inf, 0.0)
        upper = np.where(signs > 0.0, np.inf, 0.0)
    free = (x > lower) & (x < upper)
    barred = np.zeros(len(y), dtype=bool)
    released, left = -1, np.nan
    floored = max(shift, floor)
    for _ in range(100 + 10 * len(y)):
        target, push = _face_minimizer(y, x, floored, weights, free, signs, total)
        step = target - x[free]
        room = np.where(step < 0.0, lower[free], upper[free]) - x[free]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            lengths = np.where(step != 0.0, room / step, np.inf)
        length = min(1.0, float(lengths.min(initial=1.0)))
        if length < 1.0:
            free_indices = np.flatnonzero(free)
            stopped = free_indices[lengths <= length]
            x[free] += length * step
            x[stopped] = np.where(step[lengths <= length] < 0.0, lower[stopped], upper[stopped])
            free[stopped] = False
            # Rounding moves this coordinate straight back to its bound: do not release it again.
            barred[:] = barred & (length == 0.0)
            if released in stopped and x[released] == left:
                barred[released] = True
            continue
        x[free] = target
        if total is not None and not free.any():
            break  # the point is so far away that rounding has lost the sum
        normal = floored * (y - x) - weights @ push
        noise = 4e-15 * (floored * (np.abs(y) + np.abs(x)) + np.abs(weights) @ np.abs(push))
        if total is None:
            violation = np.where(x <= lower, normal, -normal)
            violation[lower == upper] = -np.inf
        else:
            violation = (np.abs(normal) if signed else normal) - np.mean((signs * normal)[free])
        violation[free | barred] = -np.inf
        released = int(np.argmax(violation - noise))
        if violation[released] <= noise[released]:
            break
        free[released] = True
        left = x[released]
        if total is not None:
            signs[released] = -1.0 if signed and normal[released] < 0.0 else 1.0
            lower[released] = -np.inf if signs[released] < 0.0 else 0.0
            upper[released] = 0.0 if signs[released] < 0.0 else np.inf
    if shift < floored and free.any():
        target, _ = _face_minimizer(y, x, shift, weights, free, signs, total)
        if np.all(target >= lower[free]) and np.all(target <= upper[free]):
            x[free] = target
    return x


def _face_minimizer(
    y: Array, x: Array, shift: float, weights: Array, free: NDArray[np.bool_], signs: Array, total: float | None
) -> tuple[Array, Array]:
    """The free coordinates of the minimizer with the others kept, and ``W'(minimizer - y)``.

    Written in the singular values of the free rows of W, nothing is squared and ``shift = 0`` gives the limit.
    """
    base = y[free]
    rows = weights[free]
    scale = float(np.linalg.norm(rows))
    if total is not None:
        direction = signs[free]
        base = base + direction * ((total - direction @ base) / len(direction))
        rows = rows - np.outer(direction, (direction @ rows) / len(direction))
    offset = x - y
    offset[free] = base - y[free]
    misfit = weights.T @ offset
    left, singular, right = thin_svd(rows)
    coordinates = right @ misfit
    # Below that singular values are rounding of the rows, and so are their vectors.
    kept = singular > (1e-15 if shift > 0.0 else 1e-13) * len(rows) * scale
    denominator = shift + singular**2
    held = np.where(kept, singular, 0.0) / np.where(denominator > 0.0, denominator, 1.0)
    left_over = np.where(kept, shift / np.where(denominator > 0.0, denominator, 1.0), 1.0)
    push = right.T @ (left_over * coordinates)
    if len(singular) < weights.shape[1]:
        push = push + misfit - right.T @ coordinates
    move = left @ (held * coordinates)
    if total is not None:
        move -= direction * ((direction @ move) / len(direction))
    return base - move, push
