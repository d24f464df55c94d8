"""The mean of a serially dependent series, and its standard error."""

from __future__ import annotations

import math

import numpy as np

from oco.errors import ConfigError
from oco.types import Array


def usual_lag(length: int) -> int:
    """The common choice of the last lag, ``floor(4 (T / 100)^(2/9))`` for T values.

    Examples
    --------
    >>> usual_lag(100), usual_lag(10_000)
    (4, 11)
    """
    return min(length - 1, math.floor(4.0 * math.pow(length / 100.0, 2.0 / 9.0)))


def newey_west(series: Array, lag: int | None = None) -> tuple[float, float]:
    """Mean of a series and its heteroskedasticity and autocorrelation consistent (HAC) standard error.

    With the autocovariances ``c_j = sum_t (z_t - m)(z_{t-j} - m) / T`` the squared error is
    ``(c_0 + 2 sum_{j <= L} (1 - j / (L + 1)) c_j) / T``: Bartlett's weights keep it from being negative.

    Parameters
    ----------
    series
        One value for every round, ``(T,)``, at least two.
    lag
        Last lag L with a weight, below T; `usual_lag` of T by default.

    Returns
    -------
    mean, standard error
        The error holds for a series whose mean does not drift.

    Raises
    ------
    ConfigError
        If the series is shorter than two values, or the lag is not in 0..T - 1.

    References
    ----------
    W. K. Newey and K. D. West, A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent
    covariance matrix, Econometrica 55 (1987).

    Examples
    --------
    >>> newey_west([1.0, -1.0, 1.0, -1.0], lag=0)
    (0.0, 0.5)
    """
    values = np.asarray(series, dtype=float)
    length = len(values)
    if length < 2:
        raise ConfigError(f"a standard error needs at least two rounds, got {length}")
    last = usual_lag(length) if lag is None else lag
    if not 0 <= last < length:
        raise ConfigError(f"lag must be in 0..{length - 1}, got {last}")
    mean = values.mean()
    centered = values - mean
    long_run = centered @ centered / length
    for j in range(1, last + 1):
        long_run += 2.0 * (1.0 - j / (last + 1.0)) * (centered[j:] @ centered[:-j]) / length
    return float(mean), math.sqrt(max(0.0, float(long_run)) / length)
