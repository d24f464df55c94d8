"""An interval that is certain to hold a number."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A certified enclosure ``[lower, upper]`` of a number, both ends in the number's unit.

    Examples
    --------
    >>> regret = Interval(2.0, 2.5)
    >>> regret.width
    0.5
    """

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """``upper - lower``."""
        return self.upper - self.lower

    @property
    def middle(self) -> float:
        """The midpoint, or the finite end where the other is infinite."""
        if math.isinf(self.lower):
            return self.upper
        if math.isinf(self.upper):
            return self.lower
        return 0.5 * (self.lower + self.upper)

    def __contains__(self, number: float) -> bool:
        """Whether ``number`` lies in the interval, ends included."""
        return self.lower <= number <= self.upper

    def __str__(self) -> str:
        """``[lower, upper]`` to six digits."""
        return f"[{self.lower:.6g}, {self.upper:.6g}]"
