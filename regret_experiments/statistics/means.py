"""The mean of independent values, its standard error and its confidence interval."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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
    known = [float(value) for value in values if not math.isnan(value)]
    count = len(known)
    if count < 2:
        return Mean(count, known[0] if count else math.nan, math.nan, math.nan, math.nan)
    kept = np.array(known)
    mean = float(kept.mean())
    error = float(kept.std(ddof=1)) / math.sqrt(count)
    reach = error * _quantile(count, level)
    return Mean(count, mean, error, mean - reach, mean + reach)


@lru_cache(maxsize=1024)
def _quantile(count: int, level: float) -> float:
    return float(student_reach(1.0, count, level))


def student_reach(error: Any, count: Any, level: float = 0.95) -> Any:
    """How far Student's interval reaches on either side of means of ``count`` values with these standard errors.

    NaN for fewer than two values.

    Examples
    --------
    >>> round(float(student_reach(1.0, 2)), 3)  # 0.975 quantile of Student's t with one degree of freedom
    12.706
    """
    from scipy.special import stdtrit

    freedom = np.asarray(count, dtype=float) - 1.0
    return error * stdtrit(np.where(freedom > 0.0, freedom, np.nan), 0.5 + level / 2.0)
