"""How far a mean over data orders reaches: the range, the standard error, or a confidence interval of the mean."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

Band = Literal["range", "se", "ci"]
"""What is drawn around a mean."""
BANDS: dict[Band, str] = {
    "range": "the range over the data orders of the certified intervals",
    "se": "one standard error of the mean over the data orders",
    "ci": "the 95 % confidence interval of the mean over the data orders (Student's t)",
}
"""The bands in words, as captions say them."""
CONFIDENCE = 0.95


def half_width(error: Any, count: Any, band: Band) -> Any:
    """How far a band reaches on either side of a mean of ``count`` values, given the standard error of that mean.

    Examples
    --------
    >>> float(half_width(1.0, 2, "se"))
    1.0
    >>> round(float(half_width(1.0, 2, "ci")), 3)  # 0.975 quantile of Student's t with one degree of freedom
    12.706
    """
    from scipy.special import stdtrit

    error, freedom = np.asarray(error, dtype=float), np.asarray(count, dtype=float) - 1.0
    if band == "se":
        return error
    return error * stdtrit(np.where(freedom > 0.0, freedom, np.nan), 0.5 + CONFIDENCE / 2.0)
