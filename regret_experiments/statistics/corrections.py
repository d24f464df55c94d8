"""Correction of p-values for several tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values by Holm's step-down method, which keeps the family-wise error rate whatever the dependence.

    The i-th smallest of m is multiplied by m - i + 1; each is at least the one before and at most 1. A NaN, a test that
    could not be done, stays NaN and is not counted.

    References
    ----------
    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p_values, dtype=float)
    adjusted = np.full(len(given), np.nan)
    done = np.flatnonzero(~np.isnan(given))
    rising = done[np.argsort(given[done], kind="stable")]
    factors = len(done) - np.arange(len(done))
    adjusted[rising] = np.minimum(1.0, np.maximum.accumulate(given[rising] * factors))
    return [float(value) for value in adjusted]
