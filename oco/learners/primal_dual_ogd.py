"""Primal-dual gradient descent for long-term constraints."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Constrained, Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none, reach, required_diameter, required_gradient_bound
from oco.needs import CONSTRAINT
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class PrimalDualState:
    """The point, the multiplier lambda_t, ``squares`` = ``sum |L_x|^2 + L_lambda^2 - damping lambda^2``."""

    point: Array
    multiplier: float
    squares: float


class PrimalDualOGD(Learner):
    r"""Primal-dual gradient descent for a constraint ``c_t(x) <= 0`` that holds in the long term.

    .. math::
        x_{t+1} = \Pi_K\bigl(x_t - \eta (g_t + \lambda_t \nabla c_t(x_t))\bigr), \qquad
        \lambda_{t+1} = \bigl[\lambda_t + \eta (c_t(x_t) - \theta \eta \lambda_t)\bigr]_+

    Parameters
    ----------
    learning_rate
        eta; None for ``min(D / (G sqrt(T)), 1 / (4 G))``, with G the problem's gradient bound.
    damping
        theta; None for 4 G^2, the theorem's if G bounds the constraint's gradients too.

    Notes
    -----
    Cost O(d) a round; state d + 2 floats.

    Regret against every u of the domain with ``c_t(u) <= 0`` in all rounds, ``|u - x_1| <= R``:

    .. math::
        R_T \le \frac{R^2}{2\eta} + \frac{\eta}{2} \sum_t |g_t + \lambda_t \nabla c_t|^2
              + (c_t - \theta \eta \lambda_t)^2 - \theta \lambda_t^2

    for any learning rate and damping, and with the damping of the theorem at most ``R^2 / (2 eta) + eta T (G^2 + C^2)``
    where C bounds ``|c_t|``. `violation_bound` is the theorem's on ``sum c_t(x_t)``, of order T^(3/4).

    References
    ----------
    Mahdavi, Jin, Yang, JMLR 13 (2012), Algorithm 1 and Theorem 4 (the number is cited from memory; both bounds are
    derived here, with the sums that were observed).

    Departures: one constraint; it may change from round to round, which the proof allows.

    Examples
    --------
    >>> import numpy as np, oco
    >>> from oco.learners.base import Constrained
    >>> learner = oco.learners.PrimalDualOGD(learning_rate=0.5, damping=0.0)
    >>> learner.start(oco.Problem(oco.Ball(radius=5.0, dimension=1), horizon=9))
    >>> for _ in range(2):
    ...     learner.update(Constrained(np.array([-1.0]), 2.0, np.array([1.0])))
    >>> learner.prediction, learner.state.multiplier
    (array([0.5]), 2.0)
    """

    name = "primal_dual_ogd"
    source = "Mahdavi, Jin, Yang 2012, Algorithm 1"
    guarantee = "R^2/(2 eta) + eta T (G^2 + C^2) against feasible points, violation of order T^(3/4); bounded domain"
    needs = (CONSTRAINT, DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"learning_rate": 0.1, "damping": 1.0})
    look = Look("primal-dual OGD", "#0077BB", "v")
    state: PrimalDualState

    def __init__(self, learning_rate: float | None = None, damping: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.damping = None if damping is None else nonnegative(self, "damping", damping)

    def start(self, problem: Problem) -> None:
        """Set the rates; start with a multiplier of zero."""
        slope = 1.0
        if self.learning_rate is None or self.damping is None:
            unset = "learning_rate" if self.learning_rate is None else "damping"
            slope = required_gradient_bound(self, problem, unset) or 1.0
        if self.learning_rate is None:
            self._rate = min(required_diameter(self, problem) / (slope * math.sqrt(problem.horizon)), 0.25 / slope)
        else:
            self._rate = self.learning_rate
        self._damping = 4.0 * slope**2 if self.damping is None else self.damping
        self._domain = problem.domain
        self.state = PrimalDualState(problem.domain.start, 0.0, 0.0)

    @finite_update
    def update(self, feedback: Constrained) -> None:
        """Step down in the point and up in the multiplier, in O(d)."""
        state = self.state
        gradient, violation, constraint_gradient = feedback
        down = gradient + state.multiplier * constraint_gradient
        up = violation - self._damping * self._rate * state.multiplier
        state.squares += float((down * down).sum()) + up**2 - self._damping * state.multiplier**2
        state.point = self._domain.project(state.point - self._rate * down)
        state.multiplier = max(0.0, state.multiplier + self._rate * up)

    def memory(self, problem: Problem) -> Memory:
        """``d + 2``: the point, the multiplier, one sum."""
        return Memory("d + 2", problem.domain.dimension + 2)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        distance = reach(observed.domain)
        return Bound(
            theorem="long-term constraints (Mahdavi, Jin, Yang 2012), from the sums observed",
            value=distance**2 / (2.0 * self._rate) + 0.5 * self._rate * self.state.squares,
            constants=(
                Constant("distance to the comparator (l2 norm)", distance, "domain"),
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("damping", self._damping, "domain" if self.damping is None else "given"),
            ),
        )

    def violation_bound(self, observed: Observed) -> float:
        """A bound on ``sum c_t(x_t)`` that holds where `bound` does; infinite on an unbounded domain."""
        bound = self.bound(observed)
        if bound is None:
            return math.inf
        gain = observed.rounds * observed.largest_gradient * observed.domain.diameter()
        weight = self._damping * self._rate * observed.rounds + 1.0 / self._rate
        return math.sqrt(2.0 * weight * max(bound.value + gain, 0.0))
