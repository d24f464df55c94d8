"""The result: for every budget a sequence of points, and an interval that holds the least loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from oco.regret.interval import Interval
from oco.types import Array


@dataclass(frozen=True)
class PathComparator:
    """The best sequence of points that was found for one budget.

    Attributes
    ----------
    budget
        Its bound on the path, in the measure that was asked for; infinite if there is none.
    points
        ``(T, d)``, flat points of the domain. Their path is within the budget, and their loss at most ``value.upper``.
    value
        Encloses ``min sum_t f_t(u_t)`` over all sequences within the budget.
    tight
        Whether the width is within the tolerance that was asked for. A wide interval is still certified.
    """

    budget: float
    points: Array
    value: Interval
    tight: bool


@dataclass(frozen=True)
class PathCurve(Sequence[PathComparator]):
    """Comparators for rising budgets on one stream of losses.

    Attributes
    ----------
    comparators
        One for each budget, in rising order.
    measure
        How paths are measured: ``"length"``, ``"squares"`` or ``"switches"``.
    rounds
        T.
    """

    comparators: tuple[PathComparator, ...]
    measure: str
    rounds: int

    def __len__(self) -> int:
        """Number of budgets."""
        return len(self.comparators)

    @overload
    def __getitem__(self, index: int) -> PathComparator: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PathComparator, ...]: ...
    def __getitem__(self, index: int | slice) -> PathComparator | tuple[PathComparator, ...]:
        """The comparator of a budget."""
        return self.comparators[index]

    def __iter__(self) -> Iterator[PathComparator]:
        """Comparators in order."""
        return iter(self.comparators)

    @property
    def budgets(self) -> Array:
        """The budgets."""
        return np.array([one.budget for one in self.comparators])

    @property
    def lower(self) -> Array:
        """Certified lower bounds on the least loss."""
        return np.array([one.value.lower for one in self.comparators])

    @property
    def upper(self) -> Array:
        """Losses of the best sequences found: upper bounds on the least loss."""
        return np.array([one.value.upper for one in self.comparators])

    @property
    def within(self) -> Array:
        """The radius within which each interval holds; infinite if it holds on the whole domain."""
        return np.array([one.value.within for one in self.comparators])

    @property
    def tight(self) -> bool:
        """Whether every interval is within the tolerance."""
        return all(one.tight for one in self.comparators)
