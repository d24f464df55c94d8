"""How far a mean over data orders reaches: the range, the standard error, or a confidence interval of the mean."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from regret_experiments.statistics import student_reach

Band = Literal["range", "se", "ci"]
"""What is drawn around a mean."""
BANDS: dict[Band, str] = {
    "range": "the range over the data orders of the certified intervals",
    "se": "one standard error of the mean over the data orders",
    "ci": "the 95 % confidence interval of the mean over the data orders (Student's t)",
}
"""The bands in words, as captions say them."""


def half_width(error: Any, count: Any, band: Band) -> Any:
    """How far a band reaches on either side of a mean of ``count`` values, given the standard error of that mean."""
    return np.asarray(error, dtype=float) if band == "se" else student_reach(error, count)
