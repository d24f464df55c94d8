"""Blocked Frank-Wolfe: one point for a block of rounds, then as many linear minimizations as its accuracy takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, reach, required_gradient_bound, required_oracle, whole
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class BlockedState:
    """The point, gradient sums of all finished blocks and of this one, and what the bound needs.

    ``round`` counts rounds of this block, ``gap`` is the accuracy of its point, ``squares`` the sum of ``|G_m|^2`` and
    ``slack`` that of ``|G_m| sqrt(gap_m)`` over finished blocks.
    """

    point: Array
    gradient_sum: Array
    block_sum: Array
    round: int
    gap: float
    squares: float
    slack: float


class BlockedFrankWolfe(Learner):
    r"""Follow the regularized leader over blocks of rounds, with leaders found by Frank-Wolfe.

    .. math::
        F_m(x) = \eta \Bigl\langle \sum_{n < m} G_n, x \Bigr\rangle + |x - x_1|^2, \quad
        \text{block } m \text{ plays } y_m \text{ with } \max_{v \in K} \langle \nabla F_m(y_m), y_m - v \rangle
        \le \epsilon

    where G_n is the sum of the K gradients of block n. Frank-Wolfe starts at the block's last point and steps exactly
    to the minimum of F_m on each segment.

    Parameters
    ----------
    learning_rate
        eta; None for the theorem's, ``2 R / (G sqrt(T K))``.
    block_length
        K, a number of rounds; None for ``ceil(sqrt(T))``.
    tolerance
        epsilon; None for ``D^2 / sqrt(T)``.

    Raises
    ------
    ConfigError
        At the start, if the domain is unbounded or has no `maximizer`, or the problem states no gradient bound and
        ``learning_rate`` is not given.

    Notes
    -----
    Cost O(d) a round, and at most ``13.5 D^2 / epsilon + 1`` calls of `maximizer` after a block (Jaggi 2013, Theorem
    2), O(T) in a game; state 3 d + 4 floats.

    Regret on a domain of diameter D with ``|x - x_1| <= R``:

    .. math::
        R_T \le \frac{R^2}{\eta} + \frac{\eta}{4} \sum_m |G_m|^2 + \sum_m |G_m| \sqrt{\mathrm{gap}_m}

    with the gaps that were reached (derived here, as in `OnlineFrankWolfe`). With ``|g_t| <= G`` it is about
    ``(R + D) G T^(3/4)`` at the defaults.

    References
    ----------
    Garber, Kretzu, AISTATS 2020 (blocks of rounds and Frank-Wolfe between them, there for bandits); Hazan, Minasyan,
    COLT 2020 also play in blocks, with random perturbations.

    Departures: their texts were not at hand. The update is the deterministic one with full gradients, and its constants
    are derived here.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.BlockedFrankWolfe(learning_rate=1.0, block_length=2, tolerance=1e-9)
    >>> learner.start(oco.Problem(oco.Ball(radius=1.0, dimension=2), horizon=9))
    >>> for _ in range(2):
    ...     learner.update(np.array([0.0, 0.5]))
    >>> np.round(learner.prediction, 4)
    array([ 0. , -0.5])
    """

    name = "blocked_frank_wolfe"
    source = "Garber, Kretzu 2020 (blocks); constants derived here"
    guarantee = "(R + D) G T^(3/4), with O(T) linear minimizations in all; bounded domain"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"learning_rate": 0.1, "block_length": 3, "tolerance": 0.01})
    look = Look("blocked Frank-Wolfe", "#117733", "h")
    state: BlockedState

    def __init__(
        self, learning_rate: float | None = None, block_length: int | None = None, tolerance: float | None = None
    ) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.block_length = None if block_length is None else whole(self, "block_length", block_length)
        self.tolerance = positive_or_none(self, "tolerance", tolerance)

    def start(self, problem: Problem) -> None:
        """Set the learning rate, the block, the accuracy and the first point."""
        required_oracle(self, problem)
        horizon, diameter = problem.horizon, problem.domain.diameter() or 1.0
        self._block = self.block_length or math.ceil(math.sqrt(horizon))
        self._gap = self.tolerance or diameter**2 / math.sqrt(horizon)
        self._calls = math.ceil(13.5 * diameter**2 / self._gap) + 1
        if self.learning_rate is None:
            slope = required_gradient_bound(self, problem, "learning_rate") or 1.0
            self._rate = 2.0 * (reach(problem.domain) or 1.0) / (slope * math.sqrt(horizon * self._block))
        else:
            self._rate = self.learning_rate
        self._domain = problem.domain
        start = problem.domain.start
        self.state = BlockedState(start, np.zeros(start.shape), np.zeros(start.shape), 0, 0.0, 0.0, 0.0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Add the gradient to the block's; at the end of a block find the next point."""
        state = self.state
        state.block_sum = state.block_sum + gradient
        state.round += 1
        if state.round < self._block:
            return
        length = float(np.linalg.norm(state.block_sum))
        state.squares += length**2
        state.slack += length * math.sqrt(state.gap)
        state.gradient_sum = state.gradient_sum + state.block_sum
        state.block_sum, state.round = np.zeros(gradient.shape), 0
        self._minimize()

    def _minimize(self) -> None:
        """Frank-Wolfe on F from the last point until the gap is small, with the best step on every segment."""
        state, start = self.state, self._domain.start
        for _ in range(self._calls):
            ascent = self._rate * state.gradient_sum + 2.0 * (state.point - start)
            move = self._domain.maximizer(-ascent) - state.point
            state.gap = max(0.0, -float(np.vdot(ascent, move)))
            if not state.gap > self._gap:
                return
            state.point = state.point + min(1.0, state.gap / (2.0 * float(np.vdot(move, move)))) * move

    def memory(self, problem: Problem) -> Memory:
        """``3 d + 4``: point, two sums of gradients, rounds of the block, three numbers of the bound."""
        return Memory("3 d + 4", 3 * problem.domain.dimension + 4)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; the block that is not finished counts as one."""
        state, length = self.state, reach(observed.domain)
        last = float(np.linalg.norm(state.block_sum))
        squares, slack = state.squares + last**2, state.slack + last * math.sqrt(state.gap)
        return Bound(
            theorem="Frank-Wolfe in blocks (after Garber, Kretzu 2020), constants derived here",
            value=length**2 / self._rate + 0.25 * self._rate * squares + slack,
            constants=(
                Constant("largest distance from the start (l2 norm)", length, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant("sum of squared gradients of blocks (l2 norm)", squares, "observed"),
                Constant("cost of inexact minimizers", slack, "observed"),
            ),
        )
