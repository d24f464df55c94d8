"""The mean of independent values, its standard error and its confidence interval."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mean:
    """A mean over independent values, and how uncertain it is.

    Attributes
    ----------
    count
        How many values.
    value
        Their mean; NaN if there are none.
    standard_error
        Their standard deviation (with n - 1) over the root of n; NaN for fewer than two values.
    low, high
        Ends of Student's confidence interval; NaN for fewer than two values.
    """

    count: int
    value: float
    standard_error: float
    low: float
    high: float


def mean_with_error(values: Iterable[float], level: float = 0.95) -> Mean:
    """Mean, standard error and Student's confidence interval ``mean -/+ t(n - 1) s / sqrt(n)``.

    Parameters
    ----------
    values
        Independent values, such as the regrets on several orders of the data; NaN are left out.
    level
        Of the confidence interval, in (0, 1).

    Examples
    --------
    >>> mean_with_error([1.0, 2.0, 3.0])
    Mean(count=3, value=2.0, standard_error=0.5773502691896258, low=-0.4841377..., high=4.4841377...)
    """
    from scipy import special

    kept = np.array([value for value in values if not math.isnan(value)], dtype=float)
    count = len(kept)
    if count < 2:
        return Mean(count, float(kept[0]) if count else math.nan, math.nan, math.nan, math.nan)
    mean = float(kept.mean())
    error = float(kept.std(ddof=1)) / math.sqrt(count)
    reach = float(special.stdtrit(count - 1, 0.5 + level / 2.0)) * error
    return Mean(count, mean, error, mean - reach, mean + reach)
