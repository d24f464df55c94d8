"""The thresholds that bring a sum of positive parts to a given total, by sorting."""

from __future__ import annotations

import numpy as np

from oco.types import Array

FAR_OFF = 1e-13
"""Largest relative error of a sum; beyond it (rounding with widely spread weights) the sum is corrected."""


def sum_threshold(sizes: Array, total: float) -> float:
    """The theta with ``sum_i max(sizes_i - theta, 0) = total``."""
    descending = np.sort(sizes)[::-1]
    thresholds = (np.cumsum(descending) - total) / np.arange(1, len(sizes) + 1)
    return float(thresholds[np.flatnonzero(descending > thresholds)[-1]])


def weighted_simplex(sizes: Array, weights: Array, total: float) -> Array:
    """The x of the simplex of sum ``total`` that minimizes ``sum_i weights_i (x_i - sizes_i)^2``, weights >= 0.

    This is the limit as all zero weights fall to zero together: coordinates without weight share what the others leave
    of ``total``, and the others are shrunk only if they exceed ``total`` on their own.
    """
    weightless = weights == 0.0
    if weightless.any():
        held = np.where(weightless, 0.0, np.maximum(sizes, 0.0))
        left = total - held.sum()
        if left > 0.0:
            shares = sizes[weightless] - sizes[weightless].max()
            held[weightless] = np.maximum(shares - sum_threshold(shares, left), 0.0)
            return held
        sizes, weights = np.where(weightless, -np.inf, sizes), np.where(weightless, 1.0, weights)
    # x_i = max(y_i - theta / w_i, 0) with theta = max_j w_j y_j - tau; in terms of tau, distant entries drop out.
    weights = weights / weights.max()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        heights = weights * sizes
        top = float(heights.max())
        order = np.argsort(-heights)
        order = order[np.isfinite(sizes[order])]
        inverse = 1.0 / weights[order]
        below = top * inverse - sizes[order]
        below[0] = 0.0
        heights = top - heights[order]
        levels = (total + np.cumsum(below)) / np.cumsum(inverse)
        fits = np.flatnonzero(heights < levels)
        count = int(fits[-1]) + 1 if fits.size else 1
        support = order[:count]
        # Once more around the mean of the positive coordinates, for the last digits.
        excess = (sizes[support] - total / count).sum() if abs(top) < 1e8 * total else np.nan
        inverse = inverse[:count]
        moved = sizes[support] - inverse * (excess / inverse.sum())
        if not np.isfinite(moved).all():
            moved = levels[count - 1] * inverse - below[:count]
    result = np.zeros_like(sizes)
    result[support] = np.clip(moved, 0.0, total)
    reached = float(result.sum())
    if abs(reached - total) > FAR_OFF * total:
        result *= total / reached
    return result
