"""The thresholds that bring a sum of positive parts to a given total, by sorting."""

from __future__ import annotations

import numpy as np

from oco.types import Array


def sum_threshold(sizes: Array, total: float) -> float:
    """The theta with ``sum_i max(sizes_i - theta, 0) = total``."""
    descending = np.sort(sizes)[::-1]
    thresholds = (np.cumsum(descending) - total) / np.arange(1, len(sizes) + 1)
    return float(thresholds[np.flatnonzero(descending > thresholds)[-1]])


def weighted_simplex(sizes: Array, weights: Array, total: float) -> Array:
    """The x of the simplex of sum ``total`` that minimises ``sum_i weights_i (x_i - sizes_i)^2``, weights >= 0.

    Coordinates without weight give way first: as all their weights fall to zero together they share what the others
    leave, and only if these take more than ``total`` on their own are they shrunk.
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
    # x_i = max(y_i - theta / w_i, 0) is positive for theta < w_i y_i: the breakpoints, in falling order.
    order = np.argsort(-weights * sizes)
    order = order[np.isfinite(sizes[order])]
    lengths = np.cumsum(1.0 / weights[order])
    thresholds = (np.cumsum(sizes[order]) - total) / lengths
    support = order[: np.flatnonzero(weights[order] * sizes[order] > thresholds)[-1] + 1]
    # Again from the coordinates that stay, with the sum taken around the mean: no digits are lost to a far point.
    inverse = 1.0 / weights[support]
    excess = (sizes[support] - total / len(support)).sum()
    result = np.zeros_like(sizes)
    result[support] = np.maximum(sizes[support] - inverse * (excess / inverse.sum()), 0.0)
    return result
