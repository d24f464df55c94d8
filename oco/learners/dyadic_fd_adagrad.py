"""FD-AdaGrad on dyadic blocks: sketches whose size doubles when the error that was allowed is used up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.decomposition import thin_svd
from oco.learners._finite import finite_update
from oco.learners._side import Side
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem, state_floats
from oco.learners.requirements import positive, positive_or_none, theorem_rate, whole
from oco.metrics import LowRankPlusScaledIdentity
from oco.regret.bounds import Bound, Constant, Observed
from oco.sketching.batch import ZERO_SINGULAR_VALUE
from oco.types import Array


@dataclass
class DyadicState:
    """``closed`` ``(r, d)``, rows whose covariance is that of all closed blocks' sketches, and the open block."""

    point: Array
    closed: Array
    escaped: float
    block: int
    open: Side


class DyadicFDAdaGrad(Learner):
    r"""AdaGrad on a sum of sketches, one for each block of rounds, of sizes k, 2 k, 4 k, ...

    .. math::
        H_t = \Bigl(\sum_b \bar G_b + \sum_b \rho_b\, I\Bigr)^{1/2}, \qquad
        x_{t+1} = \Pi_K^{H_t}(x_t - \eta H_t^{-1} g_t)

    Block b = 0, 1, ... is a Frequent Directions sketch ``Gbar_b`` of rank ``2^b k``. It is closed, and block b + 1
    begins, when a shrink would bring the mass rho_b that escaped from it above ``error / 2^(b + 1)``. A block of rank d
    or more is exact and never closes.

    Parameters
    ----------
    error
        Positive, a bound on the mass that escapes from all blocks together, in the units of gradients squared.
    rank
        k >= 1, the rank of the first block.
    learning_rate
        eta > 0; by default the theorem's, ``D / sqrt(2)`` with D the domain's l2 diameter.

    Notes
    -----
    Cost O(d K^2) a round and state ``(r + k 2^b)(d + 1)`` floats and the point, with r <= d directions of closed blocks
    and K the sum of both: it grows to what the error takes, at most about ``3 d`` directions.

    Sketches of parts add up, so ``sum Gbar_b <= G <= sum Gbar_b + sum rho_b I``, where the right side increases. As in
    Theorem 3 of Sketchy, on a bounded domain,

    .. math::
        R_T \le \frac{D^2}{2 \eta} \bigl(\mathrm{tr}\, G_T^{1/2} + d \sqrt{\textstyle\sum_b \rho_b}\bigr)
                + \eta\, \mathrm{tr}\, G_T^{1/2}, \qquad \sum_b \rho_b \le \mathrm{error},

    so the cost of sketching is known before the game. `AdaptiveFDAdaGrad` bounds it relative to full-matrix AdaGrad,
    with one sketch that grows by a direction at a time.

    References
    ----------
    Wen, Yin, Zhang, Zhao, Zhang, Wei, arXiv 2410.10258 (Dyadic Block Sketching), for linear bandits; only the abstract
    was at hand: sizes that double from block to block with the error under control are theirs. The step is that of
    Feinberg et al., NeurIPS 2023, Algorithm 2, with its Theorem 3.

    Departures: the game is another one. When blocks end, and the budgets ``error / 2^(b + 1)``, are ours; closed blocks
    are merged without loss where they have more than d rows together.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.DyadicFDAdaGrad(error=4.0, learning_rate=1.0)
    >>> learner.start(oco.Problem(domain=oco.Unbounded(3), horizon=10))
    >>> for row in np.diag([3.0, 1.0, 2.0]):
    ...     learner.update(row)
    >>> learner.state.block, learner.current_rank, learner.escaped_mass
    (1, 3, 1.0)
    """

    name = "dyadic_fd_adagrad"
    source = "Wen et al. 2024 (blocks; abstract) in Feinberg et al. 2023, Algorithm 2"
    guarantee = "D (sqrt(2) tr G^(1/2) + d sqrt(error / 2)) on a bounded domain (learning rate D / sqrt 2)"
    needs = (DIAMETER,)
    examples = ({"error": 1.0}, {"error": 0.01, "rank": 2})
    look = Look("dyadic FD-AdaGrad", "#332288", "D")
    state: DyadicState

    def __init__(self, error: float, rank: int = 1, learning_rate: float | None = None) -> None:
        self.error = positive(self, "error", error)
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)

    def start(self, problem: Problem) -> None:
        """Resolve the learning rate; begin with an empty first block."""
        self._domain, d = problem.domain, problem.domain.dimension
        self._rate = self.learning_rate or theorem_rate(self, problem)
        self.state = DyadicState(problem.domain.start, np.zeros((0, d)), 0.0, 0, Side.empty(d, self.rank))

    @finite_update
    def update(self, gradient: Array) -> None:
        """Sketch the gradient, in a new block if it is time, step, and project in the norm of H."""
        if not np.any(gradient):
            return
        self._sketch(gradient.ravel())
        metric = self.metric()
        step = metric.power(-1.0).apply(gradient.ravel()).reshape(gradient.shape)
        self.state.point = self._domain.project_in(self.state.point - self._rate * step, metric)

    def _sketch(self, row: Array) -> None:
        state, d = self.state, row.size
        tried = Side(state.open.eigenvalues, state.open.eigenvectors, state.open.escaped_mass)
        tried.update(row[None], 1.0)
        if tried.escaped_mass > max(state.open.escaped_mass, self.error / 2.0 ** (state.block + 1)):
            rows = np.sqrt(state.open.eigenvalues)[:, None] * state.open.eigenvectors
            singular, right = decomposed(np.vstack([state.closed, rows]))
            state.closed = singular[:, None] * right
            state.escaped += state.open.escaped_mass
            state.block += 1
            tried = Side.empty(d, self.rank * 2**state.block)
            tried.update(row[None], 1.0)
        state.open = tried

    def metric(self) -> LowRankPlusScaledIdentity:
        """H of the newest round, as eigenvalues and eigenvectors."""
        state = self.state
        rows = np.sqrt(state.open.eigenvalues)[:, None] * state.open.eigenvectors
        singular, right = decomposed(np.vstack([state.closed, rows]))
        values = np.hypot(singular, math.sqrt(self.escaped_mass))
        return LowRankPlusScaledIdentity(right.T, values, math.sqrt(self.escaped_mass))

    @property
    def current_rank(self) -> int:
        """Room for directions now, of closed blocks and of the open one."""
        return len(self.state.closed) + self.state.open.eigenvalues.size

    @property
    def escaped_mass(self) -> float:
        """What all blocks have subtracted together."""
        return self.state.escaped + self.state.open.escaped_mass

    def memory(self, problem: Problem) -> Memory:
        """Floats of the state as it is now, of the first block before the start."""
        floats = state_floats(self.state) if hasattr(self, "state") else 0
        d = problem.domain.dimension
        return Memory("r d + k 2^b (d + 1) + d + 3 for what was needed", floats or d + 2 + Side.floats(d, self.rank))

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        diameter, d = observed.domain.diameter("l2"), observed.domain.dimension
        metric, weight = self.metric(), diameter**2 / (2.0 * self._rate)
        root = metric.trace if observed.spectrum is None else observed.spectrum.trace_root().upper
        return Bound(
            theorem="Theorem 3 of Sketchy with dyadic blocks",
            value=weight * (root + d * math.sqrt(self.error)) + self._rate * root,
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant("tr G^(1/2)", root, "observed"),
                Constant("error", self.error, "given"),
                Constant("escaped mass", self.escaped_mass, "observed"),
            ),
            variants={
                "with the escaped mass": weight * (root + d * math.sqrt(self.escaped_mass)) + self._rate * root,
                "a posteriori": weight * metric.trace + self._rate * root,
            },
        )


def decomposed(rows: Array) -> tuple[Array, Array]:
    """The singular values of ``rows`` that are not round-off, and their directions."""
    if not rows.any():
        return np.zeros(0), np.zeros((0, rows.shape[1]))
    _, singular, right = thin_svd(rows)
    kept = singular > ZERO_SINGULAR_VALUE * singular[0]
    return singular[kept], right[kept]
