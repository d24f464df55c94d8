"""Online Frank-Wolfe, which minimizes a linear function over the domain in every round and never projects."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import at_most, positive_or_none, reach, required_gradient_bound, required_oracle
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class FrankWolfeState:
    """The point, the sum of gradients, rounds, and ``slack``, the sum of ``|g_t| sqrt(gap_t)``."""

    point: Array
    gradient_sum: Array
    round: int
    slack: float


class OnlineFrankWolfe(Learner):
    r"""Online conditional gradient: one step of Frank-Wolfe a round on the regularized sum of the losses so far.

    .. math::
        F_t(x) = \eta \Bigl\langle \sum_{s < t} g_s, x \Bigr\rangle + |x - x_1|^2, \quad
        v_t \in \arg\min_{v \in K} \langle \nabla F_t(x_t), v \rangle, \quad
        x_{t+1} = (1 - \sigma_t) x_t + \sigma_t v_t

    with ``sigma_t = min(1, 2 / sqrt(t))``. The domain's `maximizer` gives v_t.

    Parameters
    ----------
    learning_rate
        eta; None for the theorem's, ``D / (2 G T^(3/4))``.

    Raises
    ------
    ConfigError
        At the start, if the domain is unbounded or has no `maximizer`, or the problem states no gradient bound and
        ``learning_rate`` is not given.

    Notes
    -----
    Cost O(d) and one call of `maximizer` a round; state 2 d + 2 floats.

    Regret on a domain of diameter D with ``|g_t| <= G``, at the theorem's learning rate: ``8 D G T^(3/4)``.

    `bound` states what that rests on, for any learning rate. With ``|x - x_1| <= R`` on the domain and the gap
    ``gap_t = <grad F_t(x_t), x_t - v_t>``, which bounds ``|x_t - argmin F_t|^2``,

    .. math::
        R_T \le \frac{R^2}{\eta} + \frac{\eta}{4} \sum_t |g_t|^2 + \sum_t |g_t| \sqrt{\mathrm{gap}_t}

    The first two terms are the regret of the minimizers of F_t (follow the regularized leader), the last one is what
    their distance costs (derived here).

    References
    ----------
    Hazan, Kale, ICML 2012; Hazan, Introduction to Online Convex Optimization, second edition, Algorithm 27 and its
    theorem (numbers and the constant 8 are cited from memory).

    Departures: where the gradient of F_t is zero the point stays.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.OnlineFrankWolfe(learning_rate=0.5)
    >>> learner.start(oco.Problem(oco.Simplex(dimension=3), horizon=9))
    >>> for _ in range(2):
    ...     learner.update(np.array([1.0, 0.0, 1.0]))
    >>> learner.prediction
    array([0., 1., 0.])
    """

    name = "online_frank_wolfe"
    source = "Hazan, Kale 2012; Hazan, Introduction to Online Convex Optimization, Algorithm 27"
    guarantee = "8 D G T^(3/4), with one linear minimization a round; bounded domain"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"learning_rate": 0.1})
    look = Look("online Frank-Wolfe", "#44AA99", "h")
    state: FrankWolfeState

    def __init__(self, learning_rate: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)

    def start(self, problem: Problem) -> None:
        """Set the learning rate and the first point."""
        required_oracle(self, problem)
        self._slope = problem.gradient_bound
        if self.learning_rate is None:
            slope = required_gradient_bound(self, problem, "learning_rate") or 1.0
            self._rate = (problem.domain.diameter() or 1.0) / (2.0 * slope * problem.horizon**0.75)
        else:
            self._rate = self.learning_rate
        self._domain, self._horizon = problem.domain, problem.horizon
        start = problem.domain.start
        self.state = FrankWolfeState(start, np.zeros(start.shape), 0, 0.0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Step towards the vertex that the sum of the earlier gradients asks for, then add this gradient to it."""
        state = self.state
        state.round += 1
        ascent = self._rate * state.gradient_sum + 2.0 * (state.point - self._domain.start)
        if ascent.any():
            move = self._domain.maximizer(-ascent) - state.point
            gap = max(0.0, -float(np.vdot(ascent, move)))
            state.slack += float(np.linalg.norm(gradient)) * math.sqrt(gap)
            state.point = state.point + min(1.0, 2.0 / math.sqrt(state.round)) * move
        state.gradient_sum = state.gradient_sum + gradient

    def memory(self, problem: Problem) -> Memory:
        """``2 d + 2``: point, sum of gradients, rounds, one sum."""
        return Memory("2 d + 2", 2 * problem.domain.dimension + 2)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class."""
        length, slack = reach(observed.domain), self.state.slack
        variants = {}
        slope = self._slope
        if self.learning_rate is None and slope is not None and at_most(observed.largest_gradient, slope):
            variants["printed: 8 D G T^(3/4)"] = 8.0 * observed.domain.diameter() * slope * self._horizon**0.75
        return Bound(
            theorem="online Frank-Wolfe (Hazan, Kale 2012), with the gaps observed",
            value=length**2 / self._rate + 0.25 * self._rate * observed.gradient_squares + slack,
            constants=(
                Constant("largest distance from the start (l2 norm)", length, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
                Constant("cost of inexact minimizers", slack, "observed"),
            ),
            variants=variants,
        )
