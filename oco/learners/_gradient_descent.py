"""Gradient descent with one step size for all coordinates: what `OGD` and `AdaGradNorm` do with a gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from oco.compile import entry_point
from oco.domains.base import Domain
from oco.learners._anchored import Anchorage, Held
from oco.learners._common import flat_gradient, refuse
from oco.learners._diagonal_ground import isotropic_on, isotropic_stream_on
from oco.learners._ground import Ground
from oco.learners._isotropic import (
    ADAPTIVE,
    CONSTANT,
    HARMONIC,
    ROUNDS,
    RULE,
    SQUARE_ROOT,
    isotropic_dense,
    isotropic_online,
    isotropic_sparse,
)
from oco.learners._records import Stream
from oco.learners._settled import REFUSED, SETTLED
from oco.learners.base import Learner, Memory
from oco.losses.rows import BlockOutcome, RowBlock
from oco.types import Array

StepSizes = Literal["sqrt", "constant", "strongly_convex", "adaptive"]
_SCHEDULES = {"sqrt": SQUARE_ROOT, "constant": CONSTANT, "strongly_convex": HARMONIC, "adaptive": ADAPTIVE}


@dataclass
class DescentState:
    """The point, three counters (rounds, unit of gradients, sum of their squares), the point less a center if any."""

    point: Array
    numbers: Array
    offset: Array | None = None


class GradientDescent:
    """``x <- P(x - eta_t g_t)`` with the Euclidean projection P and ``eta_t`` from a schedule and a rate."""

    def __init__(self, domain: Domain, schedule: StepSizes, rate: float) -> None:
        self.rate = rate
        self._anchorage = Anchorage(domain)
        self._rule = np.array([(_SCHEDULES[schedule], rate, self._anchorage.radius)], dtype=RULE)
        self._held: Held[tuple[Any, ...]] | None = None

    def first_state(self) -> DescentState:
        """The domain's start and nothing counted."""
        point, offset = self._anchorage.first_point()
        return DescentState(point, np.zeros(3), offset)

    def update(self, learner: Learner, gradient: Array) -> None:
        """Step and project ``learner.state``, in O(d); errors name the learner."""
        where = self._anchorage
        flat = flat_gradient(gradient, where.shape)
        held = self._held
        if held is None or held.state is not learner.state:
            held = self._hold(learner.state)
        played = held.play(flat, *held.arguments)
        if played == REFUSED:
            raise refuse(learner, int(held.rounds) + 1, flat)
        if played != SETTLED or not where.is_point:
            where.settle(learner, played, held.rounds, flat, where.domain.project)

    def _hold(self, state: DescentState) -> Held[tuple[Any, ...]]:
        held = self._held
        if held is None or held.state is not state:
            arguments: tuple[Any, ...] = self._moving(state)
            online: Any = isotropic_online
            where = self._anchorage
            if where.region is not None:
                online, arguments = isotropic_on, (*arguments, Ground.of(where.domain, where.region, 1))
            play = entry_point(online, arguments[0], *arguments)
            held = self._held = Held(state, play, arguments, state.numbers[ROUNDS : ROUNDS + 1].reshape(()))
        return held

    def _moving(self, state: DescentState) -> tuple[Any, ...]:
        """What every kernel takes last: what moves, and how."""
        return state.point.reshape(-1) if state.offset is None else state.offset, state.numbers, self._rule

    def play_block(self, learner: Learner, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop, O(nnz) each for CSR rows on balls; None where there is none."""
        where, state = self._anchorage, learner.state
        if where.region is not None:
            stream, project = Stream.of(block, None), where.domain.project
            stopped = where.play_stream(learner, 0, stream, isotropic_stream_on, self._hold(state), project)
            return stream.played("fused loop", stopped)
        if not where.compiled:
            return None
        stream = Stream.of(block, where.center)
        loop = isotropic_sparse if block.sparse else isotropic_dense
        stopped = loop(stream, *self._moving(state))
        where.publish(state)
        return stream.played("fused loop over sparse rows" if block.sparse else "fused loop", stopped)


def descent_memory(domain: Domain) -> Memory:
    """``d + 3`` floats, ``2 d + 3`` where a ball's center is not the origin."""
    d = domain.dimension
    apart = Anchorage(domain).center is not None
    return Memory("2 d + 3" if apart else "d + 3", (2 if apart else 1) * d + 3)
