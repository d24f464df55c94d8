"""Losses of a margin that are known by value and derivative only: conjugates, curvatures and smoothing by numbers.

A conjugate is convex, and at a slope that is a derivative it is known: ``phi*(phi'(p)) = p phi'(p) - phi(p)``. So if
``phi'(p_1) <= a <= phi'(p_2)``, the chord through the two is an upper bound on ``phi*(a)``, and an upper bound is all
that a certificate needs. The margins are brought together until the bound is exact to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from oco.comparators.monotone import Bracket, bracket
from oco.comparators.objective import Link, LossLink, SmoothedLink
from oco.losses.margin import ScalarLoss
from oco.types import Array

_ROUNDING = 64.0 * float(np.finfo(np.float64).eps)
_DIFFERENCE = float(np.finfo(np.float64).eps) ** (1.0 / 3.0)
"""Relative width of central differences."""
_SEARCH = 1e-10
"""Accuracy of proximal points, on which no proof relies."""
_SAMPLE = 64
"""Rows that are tried before all are."""
LEAST_BEND = 0.05
"""Least curvature at which Newton's method is tried, times loss over squared slope: 1/2 for a parabola."""
_FAR = (1e100, 1e30, 1e10, 1e5, 500.0, 100.0, 10.0)
"""Distances at which the ends of the range of slopes are looked for."""


@dataclass
class DerivativeLink(LossLink):
    """A scalar loss without a conjugate, and its targets."""

    scalar: ScalarLoss
    targets: Array

    def __post_init__(self) -> None:
        self.infimum = self.scalar.infimum if _states_infimum(self.scalar) else -math.inf
        self.linear = self.scalar.linear
        self.range = self._far_slopes(-1.0), self._far_slopes(1.0)
        self._near = np.zeros_like(self.targets)

    def _far_slopes(self, side: float) -> Array:
        """Derivatives at the farthest of some margins where loss and derivative are finite."""
        found = np.full_like(self.targets, side * np.inf)
        with np.errstate(all="ignore"):
            for far in _FAR:
                if np.isfinite(found).all():
                    break
                values, slopes = self.scalar.values_and_derivatives(np.full_like(found, side * far), self.targets)
                found = np.where(np.isinf(found) & np.isfinite(values) & np.isfinite(slopes), slopes, found)
        return found

    def evaluate(self, margins: Array) -> tuple[Array, Array]:
        """``phi`` and ``phi'``."""
        self._near = margins
        return self.scalar.values_and_derivatives(margins, self.targets)

    def curvature(self, margins: Array) -> Array:
        """``phi''`` of the loss if it has one, else a difference of derivatives."""
        if type(self.scalar).curvature is not ScalarLoss.curvature:
            return self.scalar.curvature(margins, self.targets)
        width = _DIFFERENCE * (1.0 + np.abs(margins))
        (_, above), (_, below) = (
            self.scalar.values_and_derivatives(margins + side * width, self.targets) for side in (1.0, -1.0)
        )
        differences: Array = np.maximum((above - below) / (2.0 * width), 0.0)
        return differences

    def conjugate(self, slopes: Array) -> Array:
        """An upper bound on ``phi*``, rounding included; infinite where no derivative is that large."""
        with np.errstate(all="ignore"):
            near = self._near if self._kinks is None else self._kinks[0]
            ends = bracket(self._rows, slopes, near)
            return _chord(ends, slopes)

    def conjugate_sizes(self, slopes: Array, conjugates: Array) -> float:
        """The sizes of the conjugates: `conjugate` allows for the rounding of their terms."""
        return float(np.abs(conjugates).sum())

    @cached_property
    def _kinks(self) -> tuple[Array, Array, Array] | None:
        """Kinks between straight lines, if that is what all losses seem to be. Only the search relies on it."""
        low, high = self.range
        if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
            return None
        if low.size > _SAMPLE and self.prefix(_SAMPLE)._kinks is None:
            return None
        with np.errstate(all="ignore"):
            ends = bracket(self._rows, 0.5 * (low + high), np.zeros_like(low))
            kinks = 0.5 * (ends.low + ends.high)
            beside = [
                self.scalar.values_and_derivatives(kinks + side * 1e-9 * (1.0 + np.abs(kinks)), self.targets)[1]
                for side in (-1.0, 1.0)
            ]
        straight = np.isclose(beside[0], low) & np.isclose(beside[1], high)
        return (kinks, low, high) if straight.all() else None

    def _rows(self, margins: Array, rows: NDArray[np.intp]) -> tuple[Array, Array]:
        return self.scalar.values_and_derivatives(margins, self.targets[rows])

    def bends(self, margins: Array) -> bool:
        """Whether the losses are curved at these margins as a whole, rather than straight lines that meet in kinks."""
        _, width = self.first_multipliers(margins)
        return width * float(np.mean(self.curvature(margins))) > LEAST_BEND

    def smoothed(self, width: float, multipliers: Array) -> Link:
        """The losses, smoothed around multipliers; in closed form where each is two straight lines."""
        if self._kinks is None:
            return ProximalLink(self, width, multipliers)
        return SmoothedLink(self._kinks, width, multipliers)

    def first_multipliers(self, margins: Array) -> tuple[Array, float]:
        """The mean derivative at the margins, and the width over which derivatives vary."""
        values, slopes = self.evaluate(margins)
        squares = float(np.mean(slopes * slopes))
        width = float(np.mean(np.abs(values))) / squares if squares > 0.0 else 1.0
        return np.full_like(slopes, float(np.mean(slopes))), max(width, 1e-12)

    def prefix(self, count: int) -> DerivativeLink:
        """The first ``count`` losses."""
        return DerivativeLink(self.scalar, self.targets[:count])


class ProximalLink(Link):
    """Losses smoothed around multipliers ``alpha``: ``max over a of  a p - phi*(a) - (width / 2) (a - alpha)^2``.

    The a that attains the maximum is a derivative at the proximal point, the q with ``q + width phi'(q) = p + width
    alpha``, so it is a valid dual of the loss itself.
    """

    def __init__(self, link: DerivativeLink, width: float, alpha: Array) -> None:
        self._link, self._width, self._alpha = link, width, alpha

    def evaluate(self, margins: Array) -> tuple[Array, Array]:
        """Smoothed losses, and the a that attains the maximum."""
        shifted = margins + self._width * self._alpha
        points, values = self._proximal(shifted)
        slopes = self._link.clip((shifted - points) / self._width)
        return slopes * (margins - points) + values - 0.5 * self._width * (slopes - self._alpha) ** 2, slopes

    def curvature(self, margins: Array) -> Array:
        """``phi'' / (1 + width phi'')`` at the proximal points: ``1 / width`` in a kink."""
        points, _ = self._proximal(margins + self._width * self._alpha)
        inner = self._link.curvature(points)
        return inner / (1.0 + self._width * inner)

    def conjugate(self, slopes: Array) -> Array:
        """``phi*(a) + (width / 2) (a - alpha)^2``."""
        return self._link.conjugate(slopes) + 0.5 * self._width * (slopes - self._alpha) ** 2

    def clip(self, slopes: Array) -> Array:
        """Slopes in the range of the losses' own."""
        return self._link.clip(slopes)

    def prefix(self, count: int) -> ProximalLink:
        """The first ``count`` losses."""
        return ProximalLink(self._link.prefix(count), self._width, self._alpha[:count])

    def _proximal(self, shifted: Array) -> tuple[Array, Array]:
        """The points q with ``q + width phi'(q)`` equal to ``shifted`` or jumping over it, and the losses there."""
        scalar, targets, width = self._link.scalar, self._link.targets, self._width

        def increasing(points: Array, rows: NDArray[np.intp]) -> tuple[Array, Array]:
            values, slopes = scalar.values_and_derivatives(points, targets[rows])
            return values, points + width * slopes

        with np.errstate(all="ignore"):
            ends = bracket(increasing, shifted, shifted - width * self._alpha, steep=True, fine=_SEARCH)
        share = _share(ends, shifted)
        points = ends.low + share * (ends.high - ends.low)
        return points, scalar.values_and_derivatives(points, targets)[0]


def _chord(ends: Bracket, slopes: Array) -> Array:
    """The chord of the conjugate over a bracket, and its rounding; infinite where there is no bracket."""
    share = _share(ends, slopes)
    parts = [
        (weight * derivative * point, weight * value)
        for weight, point, value, derivative in (
            (1.0 - share, ends.low, ends.value_low, ends.at_low),
            (share, ends.high, ends.value_high, ends.at_high),
        )
    ]
    chord = sum(product - value for product, value in parts)
    sizes = sum(np.abs(product) + np.abs(value) for product, value in parts)
    bound = chord + _ROUNDING * sizes
    held: Array = np.where(np.isfinite(bound) & (ends.at_low <= slopes) & (slopes <= ends.at_high), bound, np.inf)
    return held


def _share(ends: Bracket, sought: Array) -> Array:
    rise = ends.at_high - ends.at_low
    return np.clip(np.where(rise > 0.0, (sought - ends.at_low) / np.where(rise > 0.0, rise, 1.0), 0.0), 0.0, 1.0)


def _states_infimum(scalar: ScalarLoss) -> bool:
    """Whether the class of the loss states its infimum; the default of zero is not a fact about it."""
    return any("infimum" in vars(kind) for kind in type(scalar).__mro__ if kind is not ScalarLoss)
