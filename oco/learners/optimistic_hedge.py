"""Optimistic Hedge, which counts the newest gradient twice, because it expects to see it again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.domains.simplex import Simplex
from oco.learners._finite import finite_update
from oco.learners.base import GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, required_entry_bound, required_simplex
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class OptimisticHedgeState:
    """``losses`` is the sum of gradients, ``newest`` the last one, ``changes`` ``sum max_i |g_t - g_{t-1}|_i^2``."""

    point: Array
    losses: Array
    newest: Array
    changes: float


class OptimisticHedge(Learner):
    r"""Exponential weights of the cumulative losses, with the newest gradient as a guess of the coming one.

    .. math::
        x_{t+1,i} \propto \exp\Bigl(-\eta \Bigl(\sum_{s \le t} g_{s,i} + g_{t,i}\Bigr)\Bigr)

    Parameters
    ----------
    learning_rate
        eta; None for ``sqrt(ln d / (2 T)) / G``, with T the horizon and G the problem's bound on the entries of
        gradients (on their norm if none is stated). In self-play with payoffs in [-1, 1], 1/2 gives the fast rate.

    Raises
    ------
    ConfigError
        At the start, if the domain is not a simplex, or if neither a learning rate nor a gradient bound is given.

    Notes
    -----
    Cost O(d) a round; state ``3 d + 1`` floats. With r the sum of a point's weights and ``g_0 = 0``,

    .. math::
        R_T \le r \Bigl(\frac{\ln d}{\eta} + \frac{\eta}{2} \sum_t |g_t - g_{t-1}|_\infty^2\Bigr),

    at the default rate at most ``r G sqrt(8 T ln d)``. On the unit simplex also

    .. math::
        R_T \le \frac{\ln d}{\eta} + \eta \sum_t |g_t - g_{t-1}|_\infty^2
        - \frac{1}{4 \eta} \sum_t |x_t - x_{t-1}|_1^2 .

    If two of them play a matrix game with entries in [-1, 1] against each other with ``eta <= 1/2``, the last sum pays
    for the other's changes, so the sum of their regrets is at most ``(ln n + ln m) / eta + 2 eta`` for all T.

    References
    ----------
    Rakhlin, Sridharan, NeurIPS 2013; Syrgkanis, Agarwal, Luo, Schapire, NeurIPS 2015, Proposition 7 and Theorem 4
    (numbers cited from memory; both inequalities are tested, the first one is derived from the regret of optimistic
    follow-the-regularized-leader).

    Departures: the simplex may have any size; the paper takes ``g_0`` for known, which saves the term ``2 eta``.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.OptimisticHedge(learning_rate=np.log(2.0))
    >>> learner.start(oco.Problem(oco.Simplex(dimension=2), horizon=9))
    >>> learner.update(np.array([1.0, 0.0]))
    >>> np.round(learner.prediction, 12)
    array([0.2, 0.8])
    """

    name = "optimistic_hedge"
    source = "Rakhlin, Sridharan 2013; Syrgkanis, Agarwal, Luo, Schapire 2015"
    guarantee = "ln d/eta + (eta/2) sum |g_t - g_(t-1)|_inf^2 on the simplex"
    decision = "simplex"
    needs = (GRADIENT_BOUND,)
    examples = ({}, {"learning_rate": 0.3})
    look = Look("optimistic Hedge", "#999933", "p")
    state: OptimisticHedgeState

    def __init__(self, learning_rate: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)

    def start(self, problem: Problem) -> None:
        """Start from equal weights."""
        self._total = required_simplex(self, problem)
        if self.learning_rate is not None:
            self._rate = self.learning_rate
        else:
            entry = required_entry_bound(self, problem, "learning_rate")
            logarithm = math.log(problem.domain.dimension)
            self._rate = math.sqrt(0.5 * logarithm / problem.horizon) / entry if entry > 0.0 else 1.0
        zeros = np.zeros(problem.domain.shape)
        self.state = OptimisticHedgeState(problem.domain.start, zeros, zeros, 0.0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Add the gradient to the losses, and play as if it were seen again, in O(d)."""
        state = self.state
        state.changes += float(np.abs(gradient - state.newest).max()) ** 2
        state.newest = gradient.copy()
        state.losses = state.losses + gradient
        expected = state.losses + gradient
        # Shifted by the smallest loss, so that the largest exponential is exp(0) and nothing overflows.
        weights = np.exp(-self._rate * (expected - expected.min()))
        state.point = self._total * weights / weights.sum()

    def memory(self, problem: Problem) -> Memory:
        """``3 d + 1``: point, cumulative losses, newest gradient, one sum."""
        return Memory("3 d + 1", 3 * problem.domain.dimension + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """The first inequality in the notes of the class."""
        dimension = observed.domain.dimension
        entropy = math.log(dimension) / self._rate if dimension > 1 else 0.0
        return Bound(
            theorem="optimistic Hedge (Rakhlin, Sridharan 2013)",
            value=self._total * (entropy + 0.5 * self._rate * self.state.changes),
            constants=(
                Constant("sum of weights (l1 norm)", self._total, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant("sum of squared changes of gradients (max norm)", self.state.changes, "observed"),
            ),
            assumptions=(Assumption("the domain is a simplex", type(observed.domain) is Simplex),),
        )
