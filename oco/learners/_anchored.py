"""Learners whose point is a domain's start plus a vector that kernels move: the bookkeeping that they share."""

from __future__ import annotations

from typing import Any

import numpy as np

from oco.domains import Domain
from oco.learners._common import ball_radius
from oco.types import Array, Shape


class Anchorage:
    """Where the kernels' vector is measured from, and how it becomes the point that is played.

    Kernels work in coordinates whose origin is the centre of the ball. Where that is the origin of the space, the
    kernels' vector is the point itself; else the point is kept beside it.
    """

    def __init__(self, domain: Domain) -> None:
        start = domain.start
        radius = ball_radius(domain)
        self.domain = domain
        self.shape: Shape = domain.shape
        self.compiled = radius is not None
        """Whether the projection happens in the kernels."""
        self.radius: float = np.inf if radius is None else radius
        self.center: Array | None = start.ravel().copy() if self.compiled and np.any(start) else None
        self.is_point = self.compiled and self.center is None
        """Whether the kernels' vector is the point itself."""

    def first_point(self) -> tuple[Array, Array | None]:
        """The domain's start, and the vector that the kernels move where it is not the point itself."""
        point = np.ascontiguousarray(self.domain.start, dtype=np.float64)
        return point, None if self.center is None else np.zeros(point.size)

    def publish(self, state: Any) -> None:
        """Make ``state.point`` follow ``state.offset``."""
        if self.center is not None:
            np.add(state.offset, self.center, out=state.point.reshape(-1))
