"""Where increasing functions pass given values: brackets for many functions at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oco.types import Array

Increasing: TypeAlias = Callable[[Array, NDArray[np.intp]], tuple[Array, Array]]
"""``(points, rows) -> (values, heights)``: the functions of ``rows`` at a point each, and what increases there."""

_FIRST, _GROWTH, _GROWTHS = 1e-12, 32.0, 40
_STEPS = 120


class Bracket(NamedTuple):
    """Points on the two sides of the values sought, with values and heights there; NaN heights where none was found."""

    low: Array
    value_low: Array
    at_low: Array
    high: Array
    value_high: Array
    at_high: Array


def bracket(increasing: Increasing, sought: Array, near: Array, *, steep: bool = False, fine: float = 1e-13) -> Bracket:
    """Points ``low <= high`` with heights ``at_low <= sought <= at_high``, so close that only rounding lies between.

    The search begins at ``near`` and goes out in growing steps, then comes in. A height that is not a number counts as
    beyond the end of the function's domain.

    Parameters
    ----------
    increasing
        The functions.
    sought, near
        ``(n,)`` each.
    steep
        Whether heights rise at least as fast as points do, which says how far to go out.
    fine
        The area between the ends at which to stop, relative to the sizes of what is added there.
    """
    rows = np.arange(sought.size)
    values, heights = increasing(near, rows)
    low, value_low, at_low = near.copy(), values.copy(), heights.copy()
    high, value_high, at_high = near.copy(), values.copy(), heights.copy()
    for side in (-1.0, 1.0):
        end, value, at = (low, value_low, at_low) if side < 0.0 else (high, value_high, at_high)
        open_ = rows[~(side * (at - sought) >= 0.0)]
        other = (high, value_high, at_high) if side < 0.0 else (low, value_low, at_low)
        step = 1.01 * np.abs(sought - heights)[open_] if steep else _FIRST * (1.0 + np.abs(near[open_]))
        for _ in range(_GROWTHS):
            if not open_.size:
                break
            for kept, moved in zip(other, (end, value, at), strict=True):
                kept[open_] = moved[open_]
            end[open_] += side * step
            value[open_], at[open_] = increasing(end[open_], open_)
            at[open_] = np.where(np.isnan(at[open_]), side * np.inf, at[open_])
            left = side * (at[open_] - sought[open_]) < 0.0
            open_, step = open_[left], _GROWTH * step[left]
    found = Bracket(low, value_low, at_low, high, value_high, at_high)
    _narrow(increasing, sought, found, fine)
    return found


def _narrow(increasing: Increasing, sought: Array, found: Bracket, fine: float) -> None:
    """Bring the ends together in place: the Illinois rule and halving in turn, as jumps need the latter."""
    low, _, at_low, high, _, at_high = found
    rows = np.flatnonzero((at_low < sought) & (sought < at_high) & np.isfinite(low) & np.isfinite(high))
    below, above = at_low - sought, at_high - sought
    for count in range(_STEPS):
        rows = rows[_apart(found, rows, fine)]
        if not rows.size:
            return
        a, b, fall, rise = low[rows], high[rows], below[rows], above[rows]
        middle = a + 0.5 * (b - a)
        if count % 2 == 0:
            secant = (a * rise - b * fall) / (rise - fall)
            middle = np.where(np.isfinite(secant) & (secant > a) & (secant < b), secant, middle)
        values, heights = increasing(middle, rows)
        heights = np.where(np.isnan(heights), np.where(middle - a < b - middle, -np.inf, np.inf), heights)
        left = heights - sought[rows]
        for chosen, (end, value, at), own, other in (
            (left <= 0.0, found[:3], below, above),
            (left >= 0.0, found[3:], above, below),
        ):
            taken = rows[chosen]
            end[taken], value[taken], at[taken] = middle[chosen], values[chosen], heights[chosen]
            own[taken] = left[chosen]
            other[taken] *= 0.5


def _apart(found: Bracket, rows: NDArray[np.intp], fine: float) -> NDArray[np.bool_]:
    """Where the area between the ends is not yet lost in rounding."""
    low, value_low, at_low, high, value_high, at_high = (each[rows] for each in found)
    area = (high - low) * (at_high - at_low)
    sizes = np.abs(value_low) + np.abs(value_high) + np.abs(low * at_low) + np.abs(high * at_high)
    between = low + 0.5 * (high - low)
    return ~(area <= fine * sizes) & (between > low) & (between < high) & (at_low < at_high)
