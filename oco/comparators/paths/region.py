"""A domain seen by all rounds at once: projections and support functions of many rows."""

from __future__ import annotations

import math

import numpy as np

from oco.comparators.certificate import FAR, support_within
from oco.comparators.faces import faces_of
from oco.comparators.paths.measures import lengths
from oco.domains._region import BOX
from oco.domains.base import Domain
from oco.types import Array


class Rows:
    """Projections and support functions of a domain for the rows of ``(n, d)`` arrays."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._ball = domain.as_ball()
        region = domain.as_region()
        self._box = region if region is not None and region.kind == BOX else None
        self._faces = None if domain.bounded else faces_of(domain)
        self.start: Array = domain.start.ravel()
        self.bounded = domain.bounded

    def project(self, points: Array) -> Array:
        """The nearest points of the domain."""
        if self._ball is not None:
            center, radius = self._ball
            if math.isinf(radius):
                return points
            offsets = points - center.ravel()
            sizes = lengths(offsets)
            outside = np.where(sizes > radius, radius / np.where(sizes > 0.0, sizes, 1.0), 1.0)
            inside: Array = center.ravel() + outside[:, None] * offsets
            return inside
        if self._box is not None:
            return np.clip(points, self._box.lower, self._box.upper)
        shape = self._domain.shape
        return np.array([self._domain.project(point.reshape(shape)).ravel() for point in points])

    def maximizers(self, directions: Array) -> Array:
        """A point of a bounded domain that attains the support function, for every row."""
        if self._ball is not None:
            center, radius = self._ball
            sizes = lengths(directions)
            farthest: Array = center.ravel() + directions * (radius / np.where(sizes > 0.0, sizes, 1.0))[:, None]
            return farthest
        if self._box is not None:
            return np.where(directions >= 0.0, self._box.upper, self._box.lower)
        shape = self._domain.shape
        return np.array([self._domain.maximizer(each.reshape(shape)).ravel() for each in directions])

    def reach(self, points: Array) -> float:
        """How far from the origin a certificate holds: everywhere in a bounded domain."""
        radius = self._domain.radius("l2")
        if math.isfinite(radius):
            return radius
        return FAR * (1.0 + float(lengths(points).max()))

    def support(self, directions: Array, reach: float) -> Array:
        """``max <direction, x>`` over the points x within ``reach`` of the origin, or a bound on it, for every row."""
        if not self.bounded:
            far = np.full(self._domain.shape, 0.0)
            far.flat[0] = reach / FAR - 1.0
            shape = self._domain.shape
            return np.array(
                [support_within(self._domain, each.reshape(shape), far, self._faces)[1] for each in directions]
            )
        if self._ball is not None:
            center, radius = self._ball
            along: Array = directions @ center.ravel() + radius * lengths(directions)
            return along
        if self._box is not None:
            highest: Array = np.maximum(directions * self._box.lower, directions * self._box.upper).sum(axis=1)
            return highest
        shape = self._domain.shape
        return np.array([self._domain.support(each.reshape(shape)) for each in directions])
