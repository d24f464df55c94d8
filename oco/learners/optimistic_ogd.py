"""Optimistic gradient descent, which steps along a hint of the coming gradient before it plays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import at_most, positive_or_none, required_gradient_bound, theorem_rate
from oco.needs import HINT, PROMPT
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class OptimisticState:
    """``base`` is y_t, ``hint`` m_t, ``squares`` ``sum |g_t - m_t|^2``, ``largest`` the largest ``|g_t - m_t|``."""

    point: Array
    base: Array
    hint: Array
    squares: float
    largest: float


class OptimisticOGD(Learner):
    r"""Optimistic online gradient descent, with a step size for each coming error of the hints.

    .. math::
        x_t = \Pi_K(y_t - \eta_t m_t), \quad y_{t+1} = \Pi_K(y_t - \eta_t g_t), \quad
        \eta_t = c \Big/ \sqrt{E^2 + \textstyle\sum_{s<t} |g_s - m_s|^2}

    Parameters
    ----------
    learning_rate
        c > 0; None for the theorem's, ``D / sqrt(2)``.
    error_bound
        E, a bound on ``|g_t - m_t|``; None for 2 G, with the problem's bound G on gradients.

    Notes
    -----
    Cost O(d) a round; state 3 d + 2 floats.

    Regret on a domain of diameter D if no hint errs by more than E, with ``S = sum_t |g_t - m_t|^2``:

    .. math::
        R_T \le \frac{D^2}{2c} \sqrt{E^2 + S} + c \sqrt{S}

    (derived here from the paper's lemma for one step size). Perfect hints give the constant ``D^2 E / (2 c)``.

    References
    ----------
    Rakhlin, Sridharan, COLT 2013, Lemma 1, with the mirror map ``|x|^2 / 2``; Chiang et al., COLT 2012.

    Departures: the step size adapts to the errors seen so far; the paper's has all of them, or is doubled.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.OptimisticOGD(learning_rate=1.0, error_bound=1.0)
    >>> learner.start(oco.Problem(oco.Ball(radius=5.0, dimension=2), horizon=9))
    >>> learner.observe(np.array([1.0, 0.0]))
    >>> learner.prediction
    array([-1.,  0.])
    """

    name = "optimistic_ogd"
    source = "Rakhlin, Sridharan 2013, Lemma 1; Chiang et al. 2012"
    guarantee = "sqrt(2) D sqrt(E^2 + sum |g_t - m_t|^2), with errors of at most E; bounded domain"
    needs = (HINT, PROMPT, DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"learning_rate": 0.5})
    look = Look("optimistic OGD", "#EE7733", "^")
    state: OptimisticState

    def __init__(self, learning_rate: float | None = None, error_bound: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.error_bound = positive_or_none(self, "error_bound", error_bound)

    def start(self, problem: Problem) -> None:
        """Set the learning rate and the bound on errors; start with a hint of zero."""
        self._rate = theorem_rate(self, problem) if self.learning_rate is None else self.learning_rate
        if self.error_bound is None:
            self._error = 2.0 * required_gradient_bound(self, problem, "error_bound") or 1.0
        else:
            self._error = self.error_bound
        self._domain = problem.domain
        start = problem.domain.start
        self.state = OptimisticState(start, start.copy(), np.zeros(start.shape), 0.0, 0.0)

    @np.errstate(all="ignore")  # a point that is not finite is an error of the game
    def observe(self, context: Array) -> None:
        """Step from the base along the hint."""
        self.state.hint = np.array(context, dtype=np.float64)
        self.state.point = self._domain.project(self.state.base - self._step() * self.state.hint)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Step from the base along the gradient; the next point is the base, until there is a hint."""
        state = self.state
        step = self._step()
        error = float(np.linalg.norm(gradient - state.hint))
        state.base = self._domain.project(state.base - step * gradient)
        state.squares += error**2
        state.largest = max(state.largest, error)
        state.point = state.base.copy()

    def _step(self) -> float:
        return self._rate / math.hypot(self._error, math.sqrt(self.state.squares))

    def memory(self, problem: Problem) -> Memory:
        """``3 d + 2``: point, base, hint, two numbers about the errors."""
        return Memory("3 d + 2", 3 * problem.domain.dimension + 2)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        diameter, squares = observed.domain.diameter(), self.state.squares
        start = diameter**2 / (2.0 * self._rate) * math.hypot(self._error, math.sqrt(squares))
        return Bound(
            theorem="optimistic mirror descent (Rakhlin, Sridharan 2013), adaptive step derived here",
            value=start + self._rate * math.sqrt(squares),
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("error bound", self._error, "domain" if self.error_bound is None else "given"),
                Constant("sum of squared errors of the hints", squares, "observed"),
            ),
            assumptions=(
                Assumption("no hint errs by more than the error bound", at_most(self.state.largest, self._error)),
            ),
        )
