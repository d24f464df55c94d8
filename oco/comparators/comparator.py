"""The result of a solver: the best fixed point in hindsight, with a certificate of how good it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from oco.regret.certificate import Certificate
from oco.regret.interval import Interval
from oco.types import Array


@dataclass(frozen=True)
class Comparator:
    """The best fixed point for rounds 1..t that was found, and an interval that holds the minimum.

    Attributes
    ----------
    rounds
        t.
    point
        A point of the domain whose cumulative loss is at most ``value.upper``.
    value
        Encloses ``min_x sum_{s<=t} f_s(x)`` (the infimum if no minimizer exists) between a certified lower bound and
        the loss of ``point``. If the lower bound does not hold on all of an unbounded domain, ``value.within`` is the
        radius within which it does.
    certificate
        How the lower bound was obtained.
    tight
        Whether the gap is within the tolerance that was asked for. A wide interval is still certified.
    note
        A warning about the result, for instance when no minimizer exists.
    """

    rounds: int
    point: Array
    value: Interval
    certificate: Certificate
    tight: bool
    note: str = ""

    @property
    def gap(self) -> float:
        """Width of the interval: how much ``point`` can be improved at most."""
        return self.value.width


@dataclass(frozen=True)
class ComparatorCurve(Sequence[Comparator]):
    """Comparators for growing prefixes of one stream of losses.

    Attributes
    ----------
    comparators
        One for each checkpoint t, in rising order.
    final
        ``sum_{s<=t} f_s(u_T)`` for each checkpoint t, where u_T is the point of the last comparator.
    """

    comparators: tuple[Comparator, ...]
    final: Array

    def __len__(self) -> int:
        """Number of checkpoints."""
        return len(self.comparators)

    @overload
    def __getitem__(self, index: int) -> Comparator: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Comparator, ...]: ...
    def __getitem__(self, index: int | slice) -> Comparator | tuple[Comparator, ...]:
        """The comparator of a checkpoint."""
        return self.comparators[index]

    def __iter__(self) -> Iterator[Comparator]:
        """Comparators in order."""
        return iter(self.comparators)

    @property
    def rounds(self) -> Array:
        """The checkpoints t."""
        return np.array([comparator.rounds for comparator in self.comparators], dtype=np.float64)

    @property
    def lower(self) -> Array:
        """Certified lower bounds on ``min_x sum_{s<=t} f_s(x)``."""
        return np.array([comparator.value.lower for comparator in self.comparators])

    @property
    def upper(self) -> Array:
        """Losses of the best points found: upper bounds on the minima."""
        return np.array([comparator.value.upper for comparator in self.comparators])

    @property
    def within(self) -> Array:
        """The radius within which each interval holds; infinite if it holds on the whole domain."""
        return np.array([comparator.value.within for comparator in self.comparators])

    @property
    def point(self) -> Array:
        """u_T, the point of the last checkpoint."""
        return self.comparators[-1].point

    @property
    def certificate(self) -> str:
        """How the lower bounds were obtained, each certificate named once; `Certificate.listed_in` reads it."""
        return ", ".join(dict.fromkeys(comparator.certificate for comparator in self.comparators))

    @property
    def tight(self) -> bool:
        """Whether every gap is within the tolerance that was asked for."""
        return all(comparator.tight for comparator in self.comparators)

    @property
    def notes(self) -> tuple[str, ...]:
        """The comparators' notes, each with the first round at which it applied."""
        first: dict[str, int] = {}
        for comparator in self.comparators:
            if comparator.note:
                first.setdefault(comparator.note, comparator.rounds)
        return tuple(f"{note} (at round {when})" for note, when in first.items())
