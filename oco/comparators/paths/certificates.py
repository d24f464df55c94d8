"""Both ends of the interval of a budget, from any sequence of points and any dual, and what is known of all budgets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from oco.comparators.paths.batches import Batch, Minorants
from oco.comparators.paths.measures import Measure, lengths
from oco.comparators.paths.region import Rows
from oco.types import Array

_UNIT = float(np.finfo(np.float64).eps)
_SUM = 64.0 * _UNIT
"""Relative error of a pairwise sum of a million terms that were each computed to a few units in the last place."""
_OUTSIDE = 128.0
"""How far outside its domain rounding may leave a point, in units in the last place."""


class Line(NamedTuple):
    """A lower bound ``height - slope radius`` on the least loss, for every radius of the measure."""

    height: float
    slope: float
    within: float


def lower_line(minorants: Minorants, potentials: Array, rows: Rows, measure: Measure, reach: float) -> Line:
    """The lower bound for every budget that minorants of the losses and any potentials prove.

    Parameters
    ----------
    minorants
        ``f_t(x) >= offset_t + <g_t, x>``.
    potentials
        z, ``(T - 1, d)``. With ``z_0 = z_T = 0``, for every sequence of points,
        ``sum_t <z_{t-1} - z_t, u_t> = sum_t <z_t, u_{t+1} - u_t> <= dual(z) norm(steps)``, so

            sum_t f_t(u_t)  >=  sum_t (offset_t - h_K(-(g_t + z_{t-1} - z_t))) - dual(z) norm(steps).
    rows, measure
        The domain K, and how paths are measured.
    reach
        How far from the origin points are considered, in an unbounded domain.
    """
    padded = np.pad(potentials, ((1, 1), (0, 0)))
    pulls = padded[:-1] - padded[1:]
    if not all(np.isfinite(part).all() for part in (pulls, *minorants)):
        return Line(-math.inf, 0.0, math.inf)
    supports = rows.support(-(minorants.gradients + pulls), reach)
    sizes = lengths(minorants.gradients) + 4.0 * lengths(pulls) + lengths(padded[1:])
    rounding = _SUM * (float(minorants.sizes.sum()) + float(np.abs(supports).sum()))
    rounding += (potentials.shape[1] + 16.0) * _UNIT * reach * float(sizes.sum())
    height = float(minorants.offsets.sum()) - float(supports.sum()) - rounding
    if not math.isfinite(height):
        return Line(-math.inf, 0.0, math.inf)
    within = math.inf if rows.bounded else reach
    return Line(height, measure.dual(potentials) * (1.0 + _SUM), within)


def loss_of(batch: Batch, points: Array, rows: Rows) -> float:
    """An upper bound on the loss of the points of the domain nearest to ``points``, one for every round."""
    values, slopes = batch.evaluate(points)
    total = float(values.sum())
    if not math.isfinite(total):
        return math.inf
    sizes = lengths(points) + float(np.linalg.norm(rows.start))
    error = (points.shape[1] + 8.0 + _OUTSIDE) * _UNIT * float(slopes @ sizes)
    found: float = total + _SUM * float(np.abs(values).sum()) + error
    return found


@dataclass
class Known:
    """Sequences and lower bounds found so far; each of them says something of every budget, by convexity.

    Attributes
    ----------
    radii, losses, sequences
        Norms of the steps, losses and points of sequences, one point for every block of rounds.
    lines
        Lower bounds.
    """

    radii: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    sequences: list[Array] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def offer(self, radius: float, loss: float, points: Array) -> None:
        """Keep a sequence."""
        if math.isfinite(loss):
            self.radii.append(radius)
            self.losses.append(loss)
            self.sequences.append(points)

    def upper(self, radius: float) -> tuple[float, Array]:
        """The least loss of a sequence within ``radius`` that is known, or of one between two sequences."""
        radii, losses = np.array(self.radii), np.array(self.losses)
        inside, outside = radii <= radius, (radii > radius) & np.isfinite(radii)
        best = int(np.flatnonzero(inside)[np.argmin(losses[inside])])
        value, points = losses[best], self.sequences[best]
        for i in np.flatnonzero(inside):
            for j in np.flatnonzero(outside):
                share = (1.0 - _SUM) * (radius - radii[i]) / (radii[j] - radii[i])
                between = losses[i] + share * (losses[j] - losses[i])
                between += _SUM * (abs(losses[i]) + abs(losses[j]))
                if between < value:
                    value = between
                    points = self.sequences[i] + share * (self.sequences[j] - self.sequences[i])
        return float(value), points

    def lower(self, radius: float) -> tuple[float, float]:
        """The best lower bound for ``radius``, and how far from the origin it holds."""
        found = [(_height(line, radius), line.within) for line in self.lines]
        return max(found, default=(-math.inf, math.inf), key=lambda pair: pair[0])


def _height(line: Line, radius: float) -> float:
    """The line's height, rounded down; of a slope of zero at any radius."""
    fall = 0.0 if line.slope == 0.0 else line.slope * radius
    height = line.height - fall
    return height - _UNIT * (abs(line.height) + fall) if math.isfinite(height) else -math.inf
