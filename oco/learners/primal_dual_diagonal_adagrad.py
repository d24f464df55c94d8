"""AdaGrad in its primal-dual (dual averaging) form with a diagonal matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners._primal_dual_bound import primal_dual_bound
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none, renamed, required_gradient_bound, required_reach
from oco.metrics import Diagonal
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class DualAveragingState:
    """``squares`` are the sums of squared gradient entries."""

    point: Array
    gradient_sum: Array
    squares: Array


class PrimalDualDiagonalAdaGrad(Learner):
    r"""Diagonal AdaGrad by dual averaging.

    .. math::
        H_t = \epsilon I + \mathrm{diag}(s_t), \quad s_{t,i} = |g_{1:t,i}|_2, \qquad
        x_{t+1} = \arg\min_{x \in K} \eta \Bigl\langle \sum_{s \le t} g_s, x \Bigr\rangle
                  + \tfrac12 \langle x - x_1, H_t (x - x_1) \rangle

    Parameters
    ----------
    learning_rate
        eta; None for the farthest comparator's max norm from the start.
    ridge
        epsilon, the multiple of the identity in H, added to the root; None for the problem's gradient bound.

    Notes
    -----
    Cost O(d) a round; state ``3 d`` floats. Unconstrained the step is ``x_1 - eta H_t^{-1} sum g``; on a domain that
    point is projected in the norm of H_t, which solves the same problem. With a ridge of at least every ``|g_t|_inf``,

    .. math::
        R_T \le \tfrac{\epsilon}{\eta} |x^*|_2^2
              + \Bigl(\tfrac{1}{\eta} |x^*|_\infty^2 + \eta\Bigr) \sum_i |g_{1:T,i}|_2

    with x* relative to the start. The first two terms can be halved (derived here; a variant of the bound).

    References
    ----------
    Duchi, Hazan, Singer, JMLR 12 (2011), equation PD, Theorem 5.

    Departures: the regularizer is centered at the domain's start, not at the origin.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import PrimalDualDiagonalAdaGrad, Problem
    >>> learner = PrimalDualDiagonalAdaGrad(learning_rate=1.0, ridge=1.0)
    >>> learner.start(Problem(Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 0.0]))
    >>> learner.prediction
    array([-0.75,  0.  ])
    """

    name = "primal_dual_diagonal_adagrad"
    source = "Duchi, Hazan, Singer 2011, Theorem 5 (primal-dual)"
    guarantee = "ridge/eta |x*|^2 + (|x*|_inf^2/eta + eta) sum_i |g_{1:T,i}|; ridge >= max |g|_inf"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"ridge": 0.0})
    look = Look("PD diagonal AdaGrad", "#6B4400", "v")
    state: DualAveragingState

    @renamed(delta="ridge")
    def __init__(self, learning_rate: float | None = None, ridge: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.ridge = None if ridge is None else nonnegative(self, "ridge", ridge)

    def start(self, problem: Problem) -> None:
        """Set the learning rate and the ridge, by default from the problem."""
        self._rate = self.learning_rate or required_reach(self, problem, "linf")
        self._ridge = required_gradient_bound(self, problem, "ridge") if self.ridge is None else self.ridge
        self._domain = problem.domain
        self._origin = problem.domain.start
        shape = problem.domain.shape
        self.state = DualAveragingState(problem.domain.start, np.zeros(shape), np.zeros(shape))

    @finite_update
    def update(self, gradient: Array) -> None:
        """Add the gradient to both sums and minimize, in O(d)."""
        state = self.state
        state.gradient_sum = state.gradient_sum + gradient
        state.squares = state.squares + gradient**2
        metric = self._ridge + np.sqrt(state.squares)
        step = np.divide(state.gradient_sum, metric, out=np.zeros_like(metric), where=metric > 0.0)
        state.point = self._domain.project_in(self._origin - self._rate * step, Diagonal(metric))

    def memory(self, problem: Problem) -> Memory:
        """``3 d``: point, sum of gradients, sums of squares."""
        return Memory("3 d", 3 * problem.domain.dimension)

    def bound(self, observed: Observed) -> Bound | None:
        """Theorem 5; None on an unbounded domain."""
        trace = float(np.sum(np.sqrt(observed.coordinate_squares)))
        largest_entry = min(observed.largest_gradient, float(np.sqrt(np.max(observed.coordinate_squares))))
        return primal_dual_bound(
            observed,
            "AdaGrad, primal-dual (Duchi et al. 2011, Theorem 5)",
            "linf",
            Constant.resolved("learning rate", self._rate, self.learning_rate),
            Constant.resolved("ridge", self._ridge, self.ridge),
            trace,
            largest_entry,
        )
