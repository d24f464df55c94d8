"""An interval that is certain to hold a number."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A certified enclosure ``[lower, upper]`` of a number, with both bounds in the number's unit.

    Attributes
    ----------
    lower, upper
        The bounds; infinite if nothing is known.
    within
        If the number refers to the best point of an unbounded domain, only points u with ``|u|_2`` up to this radius
        were compared. Infinite if all points were compared, NaN if the radius is not known.

    Examples
    --------
    >>> regret = Interval(2.0, 2.5)
    >>> regret.width
    0.5
    >>> print(Interval(2.0, 2.5, within=300.0))
    [2, 2.5] within |u| <= 300
    """

    lower: float
    upper: float
    within: float = math.inf

    @property
    def width(self) -> float:
        """``upper - lower``."""
        return self.upper - self.lower

    @property
    def middle(self) -> float:
        """The midpoint, or the finite bound if the other is infinite."""
        if math.isinf(self.lower):
            return self.upper
        if math.isinf(self.upper):
            return self.lower
        return 0.5 * (self.lower + self.upper)

    def __contains__(self, number: float) -> bool:
        """Whether ``number`` lies in the interval, bounds included."""
        return self.lower <= number <= self.upper

    def __str__(self) -> str:
        """``[lower, upper]`` to six digits, and the radius where there is one."""
        return f"[{self.lower:.6g}, {self.upper:.6g}]" + radius_text(self.within)


def radius_text(within: float) -> str:
    """`Interval.within` in words, to follow the bounds; empty if all points were compared."""
    if math.isinf(within):
        return ""
    return " within an unknown radius" if math.isnan(within) else f" within |u| <= {within:.3g}"
