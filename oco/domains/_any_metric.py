"""Projection in any metric on any domain, by its Euclidean projection: slow, and certified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oco.domains.certificate import first_certified, projection_residual
from oco.metrics import Metric
from oco.types import Array

if TYPE_CHECKING:
    from oco.domains.base import Domain

MOST_STEPS = 20_000
"""Most Euclidean projections; a metric that needs more is too badly conditioned for this method."""
LOOKS = 50
"""Steps between two evaluations of the certificate, which costs as much as a few steps."""
ENOUGH = 1e-12
"""The residual at which the iteration stops, below the promised `TOLERANCE`."""


def project_by_gradients(domain: Domain, point: Array, metric: Metric) -> Array:
    """The projection of ``point`` in ``metric``, by accelerated gradient steps and Euclidean projections, certified.

    Momentum restarts wherever it points uphill (O'Donoghue and Candes, 2015), so the method converges at the rate of
    the metric's condition number without knowing that number.
    """
    largest = metric.largest

    def solve(target: Array) -> Array:
        x = ahead = domain.project(target)
        best, least, weight = x, np.inf, 1.0
        for step in range(MOST_STEPS):
            moved = domain.project(ahead - metric.apply(ahead - target) / largest)
            change = moved - x
            if float(np.vdot(ahead - moved, change)) > 0.0:
                weight = 1.0
            following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * weight * weight))
            ahead, x, weight = moved + (weight - 1.0) / following * change, moved, following
            if step % LOOKS == LOOKS - 1 or not np.any(change):
                residual = projection_residual(domain, target, x, metric)
                if residual < least:
                    best, least = x, residual
                if residual <= ENOUGH or not np.any(change):
                    break
        return best

    return first_certified(domain, point, metric, solve)
