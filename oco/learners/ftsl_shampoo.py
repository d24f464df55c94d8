"""FTSL-Shampoo: primal-dual Shampoo on sketches of both sides plus the escaped mass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners._side import Side, preconditioned, projected
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import (
    at_most,
    positive_or_none,
    reach,
    required_gradient_bound,
    required_matrix,
    required_reach,
    whole,
)
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class FTSLShampooState:
    """The point, the sum of gradients, the sketches of both sides, and ``squares``, all over the gradient bound."""

    point: Array
    gradient_sum: Array
    left: Side
    right: Side
    squares: float


class FTSLShampoo(Learner):
    r"""Shampoo as dual averaging, on Frequent Directions sketches of both sides with the escaped mass put back.

    .. math::
        (\rho^L_t, \bar L_t) = \mathrm{FD}(\bar L_{t-1}, G_t G_t^\top), \quad
        \tilde L_t = \bar L_t + (\Gamma^2 + \rho^L_{1:t}) I, \qquad \tilde R_t \text{ likewise from } G_t^\top G_t

    .. math::
        H_t = \tilde L_t^{1/4} \otimes \tilde R_t^{1/4}, \qquad
        X_{t+1} = \arg\min_{X \in K} \eta \Bigl\langle \sum_{s \le t} G_s, X \Bigr\rangle
                  + \tfrac12 |X - X_1|_{H_t}^2

    Parameters
    ----------
    rank
        k, directions of each side that are kept; all of a side of at most k.
    learning_rate
        eta; None for ``|X*| / sqrt(2 min(m, n))`` at the farthest comparator from the start, in Frobenius norm.
    gradient_bound
        Gamma with ``|G_t|_F <= Gamma``; None for the problem's.

    Raises
    ------
    ConfigError
        By `start`, if decisions are not matrices, or if something is not given that the problem does not state.

    Notes
    -----
    Cost O((m + n) (k + m)(k + n)) a round, and O(m^3 + n^3 + m n (m + n)) more if the step leaves the domain; state ``2
    m n + k (m + n) + 2 k + 3`` floats. With ``Q_T = sum_t |G_t|^2`` in the dual norm of ``H_{t-1}``, X* measured from
    the start, and ``r = min(m, n)``,

    .. math::
        R_T \le \frac{|X^*|_F^2}{2 \eta} \bigl(\lambda_1(\tilde L_T) \lambda_1(\tilde R_T)\bigr)^{1/4}
              + \frac{\eta}{2} Q_T, \qquad
        Q_T \le 2 r\, \mathrm{tr}(\tilde L_T^{1/4})\, \mathrm{tr}(\tilde R_T^{1/4})

    No power of the dimensions multiplies the escaped mass in the comparator's term, as it does for `SketchedShampoo`.
    The first form is stated, with the observed Q. *Proof*: dual averaging with increasing H (Duchi, Hazan, Singer 2011,
    Proposition 2); ``Ltil_{t-1} >= sum_{s <= t} G_s G_s'`` because of Gamma^2, likewise on the right, so that ``r
    H_{t-1}^2 >= sum_{s <= t} g_s g_s'`` (Gupta, Koren, Singer 2018, Lemma 8), and then Duchi's Lemma 10.

    References
    ----------
    Yang, Wan, Li, Wang, Zhang, Wei, Zhang, ICML 2025, the third algorithm. Only the abstract was at hand, which says
    that Shampoo is sketched with Frequent Directions in the primal-dual framework, and that the bound is free of the
    dimension. The update is reconstructed from that, the bound is derived here.

    Departures: not known, since the algorithm's text was not at hand.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.FTSLShampoo(rank=2, learning_rate=1.0, gradient_bound=2.0)
    >>> learner.start(oco.Problem(oco.Unbounded((2, 2)), horizon=9))
    >>> learner.update(np.diag([2.0, 0.0]))
    >>> np.round(learner.prediction, 4) + 0.0  # 1 / sqrt(2)
    array([[-0.7071,  0.    ],
           [ 0.    ,  0.    ]])
    """

    name = "ftsl_shampoo"
    source = "Yang et al. 2025 (abstract; update reconstructed), bound derived here"
    guarantee = "|X*|^2/(2 eta) (lambda_1(L) lambda_1(R))^(1/4) + eta r tr L^(1/4) tr R^(1/4); |G|_F <= Gamma"
    decision = "matrix"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({"rank": 1}, {"rank": 50})
    look = Look("FTSL-Shampoo", "#222255", "o")
    state: FTSLShampooState

    def __init__(self, rank: int, learning_rate: float | None = None, gradient_bound: float | None = None) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.gradient_bound = positive_or_none(self, "gradient_bound", gradient_bound)

    def start(self, problem: Problem) -> None:
        """Resolve the learning rate and the gradient bound; start with two empty sketches."""
        rows, columns = required_matrix(self, problem)
        self._domain, self._thin = problem.domain, min(rows, columns)
        self._rate = self.learning_rate or required_reach(self, problem) / math.sqrt(2.0 * self._thin)
        self._slope = self.gradient_bound or required_gradient_bound(self, problem, "gradient_bound") or 1.0
        self.state = FTSLShampooState(
            problem.domain.start,
            np.zeros((rows, columns)),
            Side.empty(rows, self.rank),
            Side.empty(columns, self.rank),
            0.0,
        )

    @finite_update
    def update(self, gradient: Array) -> None:
        """Sketch both sides, add up, step from the start, project."""
        state, unit = self.state, gradient / self._slope
        left, right = state.left.metric(1.0), state.right.metric(1.0)
        state.squares += float(np.sum(preconditioned(left, right, unit, -0.125) ** 2))
        state.left.update(unit.T, 1.0)
        state.right.update(unit, 1.0)
        left, right = state.left.metric(1.0), state.right.metric(1.0)
        state.gradient_sum = state.gradient_sum + unit
        target = self._domain.start - self._rate * preconditioned(left, right, state.gradient_sum, -0.25)
        state.point = projected(self._domain, target, left, right, 0.25)

    def memory(self, problem: Problem) -> Memory:
        """Point, sum of gradients, two sketches, and a number."""
        rows, columns = required_matrix(self, problem)
        floats = 2 * rows * columns + Side.floats(rows, self.rank) + Side.floats(columns, self.rank) + 1
        return Memory("2 m n + k (m + n) + 2 k + 3", floats)

    @property
    def escaped_mass(self) -> float:
        """The larger of both sides' escaped masses."""
        return self._slope**2 * max(self.state.left.escaped_mass, self.state.right.escaped_mass)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        left, right = self.state.left.metric(1.0).power(0.25), self.state.right.metric(1.0).power(0.25)
        distance, largest = reach(observed.domain), left.largest * right.largest
        first = distance**2 / (2.0 * self._rate) * largest
        return Bound(
            theorem="FTSL-Shampoo (Yang et al. 2025), reconstructed and derived here",
            value=self._slope * (first + 0.5 * self._rate * self.state.squares),
            constants=(
                Constant("distance to the comparator (Frobenius norm)", distance, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant.resolved("gradient bound (Frobenius norm)", self._slope, self.gradient_bound),
                Constant("largest eigenvalue of H", self._slope * largest, "observed"),
                Constant("sum of squared gradients (dual norm)", self._slope * self.state.squares, "observed"),
            ),
            assumptions=(
                Assumption(
                    "no gradient was longer than the gradient bound", at_most(observed.largest_gradient, self._slope)
                ),
            ),
            variants={
                "from the traces": self._slope * (first + self._rate * self._thin * left.trace * right.trace),
            },
        )
