"""Diagonal AdaGrad, with a learning rate for every coordinate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from oco.compile import entry_point
from oco.learners._anchored import Anchorage, Held
from oco.learners._common import flat_gradient, refuse
from oco.learners._coordinatewise import ROUNDS, RULE, UNIT, diagonal_dense, diagonal_online, diagonal_sparse
from oco.learners._diagonal_ground import diagonal_on, diagonal_stream_on
from oco.learners._ground import Ground
from oco.learners._records import Stream
from oco.learners._settled import REFUSED, SETTLED
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none, theorem_rate
from oco.losses.rows import BlockOutcome, RowBlock
from oco.metrics import Diagonal
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class DiagonalState:
    """The point, sums of squared gradient coordinates (in units squared), rounds and unit, the point minus a center."""

    point: Array
    sums: Array
    numbers: Array
    offset: Array | None = None


class DiagonalAdaGrad(Learner):
    r"""``x_{t+1} = P_H(x_t - eta H^{-1} g_t)``, ``H = diag(delta + sum_{s<=t} g_s^2)^{1/2}``, projected in H's norm.

    Parameters
    ----------
    learning_rate
        eta > 0; by default the theorem's, ``D_inf / sqrt(2)`` with D_inf the domain's l-infinity diameter.
    delta
        >= 0, added to the sums *under* the root. With 0, a coordinate without gradients so far does not move.

    Notes
    -----
    *Cost* O(d) a round; in a loop over CSR rows O(nnz), plus O(d) in rounds that leave a ball. *State* 2 d + 2 floats.

    *Regret*, convex losses on a bounded domain: ``(D_inf^2 / (2 eta)) sum_i sqrt(delta + h_i) + eta sum_i sqrt(h_i)``
    with ``h_i = sum_t g_{t,i}^2``; at delta = 0 and the theorem's eta ``sqrt(2) D_inf sum_i sqrt(h_i)``.

    References
    ----------
    Duchi, Hazan, Singer, JMLR 12 (2011), Theorem 5 and Corollary 6, composite mirror descent.

    Departures: delta is added under the root, as in the convex experiments of Feinberg et al. (2023), where Duchi et
    al. add it to the root; the bound is re-derived for it.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.DiagonalAdaGrad(learning_rate=1.0)
    >>> learner.start(oco.Problem(domain=oco.Unbounded(3), horizon=10))
    >>> learner.update(np.array([3.0, -0.1, 0.0]))
    >>> learner.prediction
    array([-1.,  1.,  0.])
    """

    name = "diagonal_adagrad"
    source = "Duchi, Hazan, Singer, JMLR 2011, Theorem 5 and Corollary 6"
    guarantee = "sqrt(2) D_inf sum_i sqrt(sum_t g_ti^2) on a bounded domain (learning rate D_inf / sqrt 2)"
    needs = (DIAMETER,)
    examples = ({}, {"delta": 0.1})
    look = Look("diagonal AdaGrad", "#E69F00", "^")

    state: DiagonalState

    def __init__(self, learning_rate: float | None = None, delta: float = 0.0) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = nonnegative(self, "delta", delta)

    def start(self, problem: Problem) -> None:
        """Set the learning rate, the first point and empty sums."""
        self._rate = self.learning_rate or theorem_rate(self, problem, "linf")
        self._anchorage = Anchorage(problem.domain)
        self._rule = np.array([(self._rate, self.delta, self._anchorage.radius)], dtype=RULE)
        point, offset = self._anchorage.first_point()
        self.state = DiagonalState(point, np.zeros(point.size), np.zeros(2), offset)
        self._held: Held[tuple[Any, ...]] | None = None
        self._work = np.zeros((2, point.size if 0.0 < self._anchorage.radius < math.inf else 0))

    def update(self, gradient: Array) -> None:
        """Add the squared gradient to the sums, step, and project in the new norm, in O(d)."""
        where = self._anchorage
        flat = flat_gradient(gradient, where.shape)
        held = self._held
        if held is None or held.state is not self.state:
            held = self._hold()
        played = held.play(flat, *held.arguments)
        if played == REFUSED:
            raise refuse(self, int(held.rounds) + 1, flat)
        if played != SETTLED or not where.is_point:
            where.settle(self, played, held.rounds, flat, self._project)

    def _hold(self) -> Held[tuple[Any, ...]]:
        held, state = self._held, self.state
        if held is None or held.state is not state:
            arguments: tuple[Any, ...] = self._moving()
            online: Any = diagonal_online
            where = self._anchorage
            if where.region is not None:
                online, arguments = diagonal_on, (*arguments, Ground.of(where.domain, where.region, 1))
            play = entry_point(online, arguments[0], *arguments)
            held = self._held = Held(state, play, arguments, state.numbers[ROUNDS : ROUNDS + 1].reshape(()))
        return held

    def _project(self, point: Array) -> Array:
        state, unit = self.state, float(self.state.numbers[UNIT])
        # All weights are in the same unit, because a common factor does not change the projection.
        size = unit if unit > 0.0 else 1.0
        weights = np.sqrt(state.sums + self.delta / size / size).reshape(point.shape)
        return self._anchorage.domain.project_in(point, Diagonal(weights))

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        where, state = self._anchorage, self.state
        if where.region is not None:
            stream = Stream.of(block, None)
            stopped = where.play_stream(self, 0, stream, diagonal_stream_on, self._hold(), self._project)
            return stream.played("fused loop", stopped)
        if not where.compiled:
            return None
        stream = Stream.of(block, where.center)
        loop = diagonal_sparse if block.sparse else diagonal_dense
        stopped = loop(stream, *self._moving())
        where.publish(state)
        return stream.played("fused loop over sparse rows" if block.sparse else "fused loop", stopped)

    def _moving(self) -> tuple[Any, ...]:
        """The last arguments of every kernel: the moving arrays and the parameters of the step."""
        state = self.state
        moved = state.point.reshape(-1) if state.offset is None else state.offset
        return moved, state.sums, state.numbers, self._rule, self._work

    def memory(self, problem: Problem) -> Memory:
        """``2 d + 2`` floats, ``3 d + 2`` if a ball's center is not the origin."""
        d = problem.domain.dimension
        apart = Anchorage(problem.domain).center is not None
        return Memory("3 d + 2" if apart else "2 d + 2", (3 if apart else 2) * d + 2)

    def bound(self, observed: Observed) -> Bound | None:
        """Theorem 5 of Duchi et al., for the learning rate in use; None on an unbounded domain."""
        diameter = observed.domain.diameter("linf")
        if not math.isfinite(diameter):
            return None
        rate = self._rate
        with_delta = float(np.sum(np.sqrt(observed.coordinate_squares + self.delta)))
        without = float(np.sum(np.sqrt(observed.coordinate_squares)))
        return Bound(
            theorem="Duchi, Hazan, Singer 2011, Theorem 5 (mirror descent)",
            value=diameter**2 / (2.0 * rate) * with_delta + rate * without,
            constants=(
                Constant("diameter (max norm)", diameter, "domain"),
                Constant.resolved("learning rate", rate, self.learning_rate),
                Constant("sum of root sums of squares", without, "observed"),
            ),
            assumptions=(
                Assumption("the domain is bounded", True),
                Assumption("points are projected in the norm of diag(h)^(1/2)", True),
            ),
        )
