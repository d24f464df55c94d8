"""Adaptive optimistic follow the regularized leader, with a learning rate for every coordinate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import at_most, positive_or_none, reach, required_gradient_bound, required_reach
from oco.metrics import Diagonal
from oco.needs import HINT, PROMPT
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class OptimisticLeaderState:
    """``squares`` ``(d,)`` sums ``(g_{t,i} - m_{t,i})^2``, ``largest`` is the largest ``|g_{t,i} - m_{t,i}|``."""

    point: Array
    gradient_sum: Array
    hint: Array
    squares: Array
    largest: float


class OptimisticFTRL(Learner):
    r"""Dual averaging that counts the hint as if its gradient had been seen, and adapts to the errors of the hints.

    .. math::
        x_t = \arg\min_{x \in K} \eta \Bigl\langle \sum_{s < t} g_s + m_t, x \Bigr\rangle
              + \tfrac12 \langle x - x_1, H_t (x - x_1) \rangle, \quad
        H_t = \epsilon I + \mathrm{diag}\Bigl(\sum_{s < t} (g_s - m_s)^2\Bigr)^{1/2}

    Parameters
    ----------
    learning_rate
        eta > 0; None for the theorem's, ``R / sqrt(2)`` with R the largest ``|x - x_1|_inf`` on the domain.
    ridge
        epsilon, a bound on every ``|g_{t,i} - m_{t,i}|``; None for twice the problem's bound on entries of gradients,
        or on their norm.

    Notes
    -----
    Cost O(d) and two projections a round; state 4 d + 1 floats.

    Regret, if no entry of an error exceeds epsilon, with ``s_i = sum_t (g_{t,i} - m_{t,i})^2``:

    .. math::
        R_T \le \frac{R^2}{2\eta} \sum_i \bigl(\epsilon + \sqrt{s_i}\bigr) + \eta \sum_i \sqrt{s_i}

    Perfect hints give the constant ``d R^2 epsilon / (2 eta)``. Hints of zero give `PrimalDualDiagonalAdaGrad`.

    References
    ----------
    Mohri, Yang, AISTATS 2016, AO-FTRL with the regularizer of AdaGrad (the numbers of its theorem and corollary were
    not at hand; the constants are derived here); Rakhlin, Sridharan, COLT 2013.

    Departures: the regularizer is centered at the domain's start.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.OptimisticFTRL(learning_rate=1.0, ridge=2.0)
    >>> learner.start(oco.Problem(oco.Box(-1.0, 1.0, dimension=2), horizon=9))
    >>> learner.observe(np.array([1.0, 0.0]))
    >>> learner.prediction
    array([-0.5,  0. ])
    """

    name = "optimistic_ftrl"
    source = "Mohri, Yang 2016 (AO-FTRL); Rakhlin, Sridharan 2013"
    guarantee = "sqrt(2) R sum_i (epsilon/2 + sqrt(sum_t (g_ti - m_ti)^2)), errors of at most epsilon; bounded domain"
    needs = (HINT, PROMPT, DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"learning_rate": 0.5})
    look = Look("optimistic FTRL", "#DDAA33", "^")
    state: OptimisticLeaderState

    def __init__(self, learning_rate: float | None = None, ridge: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.ridge = positive_or_none(self, "ridge", ridge)

    def start(self, problem: Problem) -> None:
        """Set the learning rate and the ridge; start with a hint of zero."""
        self._rate = self.learning_rate or required_reach(self, problem, "linf") / np.sqrt(2.0)
        entry = problem.gradient_entry_bound
        if self.ridge is not None:
            self._ridge = self.ridge
        else:
            self._ridge = 2.0 * (required_gradient_bound(self, problem, "ridge") if entry is None else entry) or 1.0
        self._domain = problem.domain
        self._origin = problem.domain.start
        shape = problem.domain.shape
        self.state = OptimisticLeaderState(self._origin, np.zeros(shape), np.zeros(shape), np.zeros(shape), 0.0)

    def _leader(self) -> Array:
        """The minimizer for the gradients so far and the hint."""
        state = self.state
        metric = self._ridge + np.sqrt(state.squares)
        step = (state.gradient_sum + state.hint) / metric
        return self._domain.project_in(self._origin - self._rate * step, Diagonal(metric))

    @np.errstate(all="ignore")  # a point that is not finite is an error of the game
    def observe(self, context: Array) -> None:
        """Play the leader of the gradients so far and the hint."""
        self.state.hint = np.array(context, dtype=np.float64)
        self.state.point = self._leader()

    @finite_update
    def update(self, gradient: Array) -> None:
        """Add the gradient and the squared error of the hint to their sums; a hint of zero until the next one."""
        state = self.state
        error = gradient - state.hint
        state.largest = max(state.largest, float(np.max(np.abs(error))))
        state.squares = state.squares + error**2
        state.gradient_sum = state.gradient_sum + gradient
        state.hint = np.zeros(gradient.shape)
        state.point = self._leader()

    def memory(self, problem: Problem) -> Memory:
        """``4 d + 1``: point, sum of gradients, hint, sums of squared errors, the largest error."""
        return Memory("4 d + 1", 4 * problem.domain.dimension + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        length = reach(observed.domain, "linf")
        roots = float(np.sum(np.sqrt(self.state.squares)))
        start = observed.domain.dimension * self._ridge + roots
        return Bound(
            theorem="AO-FTRL (Mohri, Yang 2016), constants derived here",
            value=length**2 / (2.0 * self._rate) * start + self._rate * roots,
            constants=(
                Constant("largest distance from the start (max norm)", length, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant.resolved("ridge", self._ridge, self.ridge),
                Constant("sum of root sums of squared errors of the hints", roots, "observed"),
            ),
            assumptions=(
                Assumption("no entry of a hint errs by more than the ridge", at_most(self.state.largest, self._ridge)),
            ),
        )
