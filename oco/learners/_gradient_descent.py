"""Gradient descent with one step size for all coordinates: what `OGD` and `AdaGradNorm` do with a gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from oco.domains.base import Domain
from oco.learners._anchored import Anchorage
from oco.learners._common import flat_gradient, refuse
from oco.learners._isotropic import (
    ADAPTIVE,
    CONSTANT,
    HARMONIC,
    ROUNDS,
    SQUARE_ROOT,
    isotropic_dense,
    isotropic_round,
    isotropic_sparse,
)
from oco.learners._records import Stream
from oco.learners.base import Learner, Memory
from oco.losses.rows import BlockOutcome, RowBlock
from oco.types import Array

StepSizes = Literal["sqrt", "constant", "strongly_convex", "adaptive"]
_SCHEDULES = {"sqrt": SQUARE_ROOT, "constant": CONSTANT, "strongly_convex": HARMONIC, "adaptive": ADAPTIVE}


@dataclass
class DescentState:
    """The point, three counters (rounds, unit of gradients, sum of their squares), the point less a centre if any."""

    point: Array
    numbers: Array
    offset: Array | None = None


class GradientDescent:
    """``x <- P(x - eta_t g_t)`` with the Euclidean projection P and ``eta_t`` from a schedule and a rate."""

    def __init__(self, domain: Domain, schedule: StepSizes, rate: float) -> None:
        self.rate = rate
        self._schedule = _SCHEDULES[schedule]
        self._anchorage = Anchorage(domain)

    def first_state(self) -> DescentState:
        """The domain's start and nothing counted."""
        point, offset = self._anchorage.first_point()
        return DescentState(point, np.zeros(3), offset)

    def update(self, learner: Learner, gradient: Array) -> None:
        """Step and project ``learner.state``, in O(d); errors name the learner."""
        where, state = self._anchorage, learner.state
        flat = flat_gradient(gradient, where.shape)
        moved = state.point.reshape(-1) if state.offset is None else state.offset
        if not isotropic_round(flat, 1.0, moved, state.numbers, self._schedule, self.rate, where.radius):
            raise refuse(learner, int(state.numbers[ROUNDS]) + 1, flat)
        where.settle(learner, int(state.numbers[ROUNDS]), flat, where.domain.project)

    def play_block(self, state: DescentState, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop, O(nnz) each for CSR rows; None off balls and unbounded."""
        where = self._anchorage
        if not where.compiled:
            return None
        stream = Stream.of(block, where.center)
        moved = state.point.reshape(-1) if state.offset is None else state.offset
        loop = isotropic_sparse if block.sparse else isotropic_dense
        stopped = loop(stream, moved, state.numbers, self._schedule, self.rate, where.radius)
        where.publish(state)
        return stream.played("fused loop over sparse rows" if block.sparse else "fused loop", stopped)


def descent_memory(domain: Domain) -> Memory:
    """``d + 3`` floats, ``2 d + 3`` where a ball's centre is not the origin."""
    d = domain.dimension
    apart = Anchorage(domain).center is not None
    return Memory("2 d + 3" if apart else "d + 3", (2 if apart else 1) * d + 3)
