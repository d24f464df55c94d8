"""What a line of a figure goes through: plain numbers, which Matplotlib and the report page draw alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from oco.errors import ConfigError
from oco.types import Array
from regret_experiments.figures.common import numbers, ranked
from regret_experiments.figures.selection import Rate
from regret_experiments.tables.bands import Band, half_width, one_each

RANGE = ("", "_low", "_high")
"""Mean over the orders and its range, as the columns of the table are called."""


@dataclass(frozen=True)
class Line:
    """A line with its band, or a row of points with their whiskers.

    Attributes
    ----------
    x
        Rising along a line.
    middle, low, high
        Over the data orders: the mean, and the two ends of its band.
    ranks
        Directions kept at each point; empty for a learner without a rank, which is drawn as points or level lines.
    """

    x: Array
    middle: Array
    low: Array
    high: Array
    ranks: tuple[int, ...] = ()

    @property
    def ranked(self) -> bool:
        """Whether it is a line over ranks."""
        return bool(self.ranks)

    @property
    def regrets(self) -> tuple[Array, Array, Array]:
        """The mean, and the two ends of its band."""
        return self.middle, self.low, self.high


def ranks_of(rows: pd.DataFrame) -> tuple[int, ...]:
    """The ranks of a learner's rows; empty for a learner without."""
    return tuple(int(rank) for rank in rows["rank"]) if ranked(rows) else ()


def table_lines(table: pd.DataFrame, x: str, rate: Rate, band: Band = "range") -> dict[str, Line]:
    """Regret at a learning rate against the column ``x``, by learner, from the table of one environment."""
    table = table[table["state_floats"].notna()]
    across, ups = numbers(table[x]), _with_band(table, rate, band)
    ranks, floats = numbers(table["rank"]), numbers(table["state_floats"])
    places: dict[str, list[int]] = {}
    for place, name in enumerate(table["learner"].tolist()):
        places.setdefault(str(name), []).append(place)
    found = {}
    for name, own in places.items():
        is_ranked = not np.isnan(ranks[own]).any()
        rows = np.array(own)[np.argsort((ranks if is_ranked else floats)[own], kind="stable")]
        kept = tuple(int(rank) for rank in ranks[rows]) if is_ranked else ()
        middle, low, high = (up[rows] for up in ups)
        found[name] = Line(across[rows], middle, low, high, kept)
    return found


def over_orders(values: pd.Series[Any], by: Any, band: Band, orders: Any = None) -> pd.DataFrame:
    """Mean of ``values`` in every group, with the ends of its band: columns ``mean``, ``low``, ``high``.

    ``orders`` are the orders that the values are of; by default every value is of another one.
    """
    grouped = values.astype(float).groupby(np.asarray(by))
    if band == "range":
        return pd.DataFrame({"mean": grouped.mean(), "low": grouped.min(), "high": grouped.max()})
    means = grouped if orders is None else one_each(values, orders, by).groupby(level="group")
    frame = means.agg(["mean", "sem", "count"]).reindex(grouped.mean().index)
    reach = half_width(frame["sem"], frame["count"], band)
    return pd.DataFrame({"mean": frame["mean"], "low": frame["mean"] - reach, "high": frame["mean"] + reach})


def _with_band(rows: pd.DataFrame, rate: Rate, band: Band) -> tuple[Array, Array, Array]:
    def column(name: str) -> Array:
        return np.asarray(numbers(rows[name] if name in rows else [np.nan] * len(rows)), dtype=float)

    mean, low, high = (column(f"regret_{rate}{end}") for end in RANGE)
    if band == "range":
        return mean, low, high
    if f"regret_{rate}_se" not in rows:
        raise ConfigError(f"the table has no column regret_{rate}_se, which the band {band!r} needs; make it again")
    if band == "ci":  # its degrees of freedom are of the orders, and the column `orders` counts repetitions too
        return mean, column(f"regret_{rate}_ci_low"), column(f"regret_{rate}_ci_high")
    error = column(f"regret_{rate}_se")
    return mean, mean - error, mean + error
