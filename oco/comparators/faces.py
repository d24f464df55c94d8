"""Unbounded domains as inequalities, whose multipliers enter a lower bound on the whole domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oco.domains import AffineSlice, Box, HalfSpace, Slab, Unbounded
from oco.domains.base import Domain
from oco.types import Array


@dataclass(frozen=True)
class Faces:
    """``{x : lower <= x <= upper, low <= C x <= high}`` for flat points, with the numbers as given by the user.

    Attributes
    ----------
    lower, upper
        ``(d,)``, infinite where a side is open.
    rows, low, high
        C ``(r, d)`` and its bounds ``(r,)``; if there are rows, no coordinate has a bound.
    """

    lower: Array
    upper: Array
    rows: Array
    low: Array
    high: Array

    def scaled_to(self, size: float) -> Faces:
        """The same set with rows of about this length, comparable to the rows of the losses."""
        if not self.rows.size or size <= 0.0:
            return self
        lengths = np.abs(self.rows).max(axis=1)
        factors = 2.0 ** np.round(np.log2(size / lengths))
        low, high = self.low * factors, self.high * factors
        return Faces(self.lower, self.upper, self.rows * factors[:, None], low, high)


def faces_of(domain: Domain) -> Faces | None:
    """The inequalities of an unbounded domain of this package; None for other domains, and for their subclasses."""
    if type(domain) not in (Unbounded, Box, HalfSpace, Slab, AffineSlice):
        return None
    given: dict[str, Any] = domain.describe()
    none = np.empty((0, domain.dimension))
    free = np.full(domain.dimension, np.inf)
    if type(domain) is Unbounded:
        return Faces(-free, free, none, none[:, 0], none[:, 0])
    if type(domain) is Box:
        ends = (np.broadcast_to(np.asarray(given[key], dtype=np.float64), domain.shape) for key in ("lower", "upper"))
        lower, upper = (end.ravel() for end in ends)
        return Faces(lower, upper, none, none[:, 0], none[:, 0])
    if type(domain) is HalfSpace:
        normal = np.array(given["normal"], dtype=np.float64).reshape(1, -1)
        return Faces(-free, free, normal, np.array([-np.inf]), np.array([given["bound"]], dtype=np.float64))
    if type(domain) is Slab:
        row, bound = np.array(given["row"], dtype=np.float64).reshape(1, -1), np.array([given["bound"]], dtype=float)
        return Faces(-free, free, row, -bound, bound)
    values = np.array(given["right_side"], dtype=np.float64)
    return Faces(-free, free, np.array(given["matrix"], dtype=np.float64), values, values)
