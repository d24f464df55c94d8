"""How far a mean over data orders reaches: the range, the standard error, or a confidence interval of the mean."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from regret_experiments.statistics import student_reach
from regret_experiments.tables.run_columns import independent

Band = Literal["range", "se", "ci"]
"""What is drawn around a mean."""
BANDS: dict[Band, str] = {
    "range": "the range over the data orders of the certified intervals",
    "se": "one standard error of the mean over the data orders (over the learner's draws where there is one order)",
    "ci": "the 95 % confidence interval of the mean over the data orders (over the learner's draws where there is one "
    "order; Student's t)",
}
"""The bands in words, as captions say them."""


def one_each(values: pd.Series[float], orders: Any, by: Any = None) -> pd.Series[float]:
    """Independent values: the mean of every order's repetitions, or of one order alone the repetitions themselves.

    Repetitions on one order share its losses, so they tell nothing of how regret varies from order to order. On a
    single order they are independent draws of a learner that draws, and their mean estimates its expected regret;
    equal repetitions, of a learner that does not draw, are one value.

    Parameters
    ----------
    values
        A number for every run.
    orders
        The order that each is of.
    by
        What divides the values into groups, such as their round; None for one group.

    Returns
    -------
    Series
        If there are groups, its index is the group and within it the order or the repetition.
    """
    if by is None:
        return pd.Series(np.array(independent(np.asarray(values, dtype=np.float64), list(orders)), dtype=np.float64))
    groups = pd.Series(np.asarray(by), index=values.index)
    frame = pd.DataFrame({"group": groups, "order": np.asarray(orders), "value": values.astype(float)}).dropna()
    if frame["order"].nunique() == 1 and frame.groupby("group")["value"].nunique().max() > 1:
        frame["order"] = frame.groupby("group").cumcount()
    means: pd.Series[float] = frame.groupby(["group", "order"])["value"].mean()
    return means


def half_width(error: Any, count: Any, band: Band) -> Any:
    """How far a band reaches on either side of a mean of ``count`` values, given the standard error of that mean."""
    return np.asarray(error, dtype=float) if band == "se" else student_reach(error, count)
