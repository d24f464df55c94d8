"""A primal-dual interior point method for losses with one kink on a box: a linear program, solved from inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from oco.comparators.certificate import Certifier
from oco.comparators.interior import Sides, longest
from oco.comparators.objective import Objective
from oco.comparators.preconditioner import BlockPreconditioner, Inverse
from oco.types import Array

STEPS = 60
"""Most steps; few programs need more than 25."""
_LEAST = 1e-4
"""Steps shorter than this have stalled."""


class Pair(NamedTuple):
    """Distances to a side and their multipliers, both positive; ``sign`` is that of the distances' change."""

    distance: Array
    multiplier: Array
    sign: float


def solve_kinked_in_box(objective: Objective, sides: Sides, point: Array, certifier: Certifier) -> None:
    """Offer points and duals until the certifier is tight, or no step is left.

    The saddle point of ``sum_i a_i (<a_i, x> - kink_i)`` over x in the box and slopes a in their ranges is found by
    Mehrotra's predictor and corrector: two systems with one factor of ``A' W A + S``, W and S diagonal. Every slope
    inside its range is a dual, so each step gives a lower end. See Nocedal and Wright (2006), section 14.2.
    """
    at = _State.first(objective, sides, point)
    for _ in range(STEPS):
        certifier.offer_point(at.point, at.margins)
        certifier.offer_dual(at.slopes)
        if certifier.finished or not at.advance():
            return


@dataclass
class _State:
    """The iterate: x and the slopes strictly inside, and the multipliers of both sides of each."""

    objective: Objective
    sides: Sides
    ranges: Sides
    kink: Array
    point: Array
    margins: Array
    slopes: Array
    of_point: tuple[Array, Array]
    of_slopes: tuple[Array, Array]

    @classmethod
    def first(cls, objective: Objective, sides: Sides, point: Array) -> _State:
        """Somewhat inside the box, with slopes in the middle of their ranges."""
        kinks = objective.link.kinks()
        assert kinks is not None
        kink, low, high = kinks
        width = sides.upper - sides.lower
        start = np.clip(point, sides.lower + 0.1 * width, sides.upper - 0.1 * width)
        margins, slopes = objective.margins(start), 0.5 * (low + high)
        pull, excess = objective.gradient(slopes), margins - kink
        of_point, of_slopes = (
            (np.maximum(change, 0.0) + least, np.maximum(-change, 0.0) + least)
            for change, least in (
                (pull, float(np.abs(pull).mean()) + 1e-12),
                (-excess, float(np.abs(excess).mean()) + 1e-12),
            )
        )
        return cls(objective, sides, Sides(low, high), kink, start, margins, slopes, of_point, of_slopes)

    def pairs(self) -> tuple[Pair, Pair, Pair, Pair]:
        """Of the two sides of the box, then of those of the slopes' ranges."""
        low, high = self.of_point
        below, above = self.of_slopes
        return (
            Pair(self.point - self.sides.lower, low, 1.0),
            Pair(self.sides.upper - self.point, high, -1.0),
            Pair(self.slopes - self.ranges.lower, below, 1.0),
            Pair(self.ranges.upper - self.slopes, above, -1.0),
        )

    def advance(self) -> bool:
        """One step of predictor and corrector; whether it went anywhere."""
        pairs = self.pairs()
        parts = [pair.multiplier / pair.distance for pair in pairs]
        shift, width = parts[0] + parts[1], parts[2] + parts[3]
        inverse = BlockPreconditioner([self.objective.rows.gram(1.0 / width)]).inverse(shift)
        count = sum(pair.distance.size for pair in pairs)
        mean = sum(float(pair.distance @ pair.multiplier) for pair in pairs) / count
        changes = self._direction(inverse, width, pairs, [np.zeros(pair.distance.size) for pair in pairs])
        primal, dual = self._lengths(pairs, changes)
        predicted = 0.0
        for pair, length, other, change, moved in zip(
            pairs, (primal, primal, dual, dual), (dual, dual, primal, primal), changes.distances, changes.multipliers,
            strict=True,
        ):  # fmt: skip
            predicted += float((pair.distance + length * change) @ (pair.multiplier + other * moved))
        aim = mean * min(1.0, max(predicted / count / mean, 0.0)) ** 3
        aims = [aim - change * moved for change, moved in zip(changes.distances, changes.multipliers, strict=True)]
        changes = self._direction(inverse, width, pairs, aims)
        primal, dual = self._lengths(pairs, changes)
        if not max(primal, dual) > _LEAST:
            return False
        self.point = self.point + primal * changes.point
        self.margins = self.margins + primal * changes.margins
        self.slopes = self.slopes + dual * changes.slopes
        low, high, below, above = (
            pair.multiplier + length * moved
            for pair, length, moved in zip(pairs, (dual, dual, primal, primal), changes.multipliers, strict=True)
        )
        self.of_point, self.of_slopes = (low, high), (below, above)
        return True

    def _direction(self, inverse: Inverse, width: Array, pairs: tuple[Pair, ...], aims: list[Array]) -> _Changes:
        """Newton's step toward products of distances and multipliers of ``aims``."""
        targets = [pair.sign * aim / pair.distance for pair, aim in zip(pairs, aims, strict=True)]
        excess = self.margins - self.kink + targets[2] + targets[3]
        right = targets[0] + targets[1] - self.objective.gradient(self.slopes + excess / width)
        point = inverse(right)
        margins = self.objective.margins(point)
        slopes = (excess + margins) / width
        distances = [pair.sign * change for pair, change in zip(pairs, (point, point, slopes, slopes), strict=True)]
        multipliers = [
            (aim - pair.multiplier * change) / pair.distance - pair.multiplier
            for pair, aim, change in zip(pairs, aims, distances, strict=True)
        ]
        return _Changes(point, margins, slopes, distances, multipliers)

    def _lengths(self, pairs: tuple[Pair, ...], changes: _Changes) -> tuple[float, float]:
        """The longest steps of x with the slopes' multipliers, and of the slopes with those of x."""
        lengths = [
            (longest(pair.distance, change), longest(pair.multiplier, moved))
            for pair, change, moved in zip(pairs, changes.distances, changes.multipliers, strict=True)
        ]
        primal = min(lengths[0][0], lengths[1][0], lengths[2][1], lengths[3][1])
        return primal, min(lengths[0][1], lengths[1][1], lengths[2][0], lengths[3][0])


class _Changes(NamedTuple):
    """A direction, and how it changes the distances and the multipliers of the four pairs."""

    point: Array
    margins: Array
    slopes: Array
    distances: list[Array]
    multipliers: list[Array]
