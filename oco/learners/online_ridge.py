"""Online ridge regression: the point that was best so far, with a ridge."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.learners._finite import finite_update
from oco.learners._triangular import add_row, comparator_norm, constrained_solution, first_factor, log_determinant
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import positive, required_squared_loss, required_vector, squared_row
from oco.needs import WHOLE_LOSS
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class RidgeState:
    """``factor`` as in `_triangular.first_factor`; ``root_errors^2`` is ``sum (y_t - p_t)^2 a_t' A_t^{-1} a_t``."""

    point: Array
    factor: Array
    root_errors: float
    largest_error: float


class OnlineRidge(Learner):
    r"""Online ridge regression: follow the regularized leader on squared losses.

    .. math::
        x_{t+1} = \arg\min_{x \in K} \tfrac{1}{2} \sum_{s \le t} (\langle a_s, x \rangle - y_s)^2
                  + \tfrac{\lambda}{2} |x|^2, \qquad A_t = \lambda I + \sum_{s \le t} a_s a_s^\top

    Parameters
    ----------
    ridge
        lambda, positive.

    Raises
    ------
    ConfigError
        At the start, if the losses are rows of another loss than the squared one.

    Notes
    -----
    Cost O(d^2) a round, O(d^3) where the step leaves the domain; state ``d^2 + 3 d + 3`` floats.

    Regret of the losses ``(p_t - y_t)^2 / 2`` of predictions ``p_t = <a_t, x_t>``, against every u:

    .. math::
        R_T(u) \le \tfrac{\lambda}{2} |u|^2 + \tfrac{1}{2} \sum_t (y_t - p_t)^2 a_t^\top A_t^{-1} a_t
               \le \tfrac{\lambda}{2} |u|^2 + \tfrac{1}{2} \max_t (y_t - p_t)^2 \ln \det(A_T / \lambda)

    The largest error may be far above the largest label; `VovkAzouryWarmuth`, which sees the row first, has the label
    in its place.

    References
    ----------
    Azoury, Warmuth, Machine Learning 43 (2001), Theorem 4.4 (the number is cited from memory; on the whole space the
    first inequality is an identity, and it is tested as one).

    Departures: the loss is halved; on a domain the point is the constrained leader.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.OnlineRidge(ridge=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(1), horizon=9))
    >>> learner.update(oco.losses.RowLoss(oco.losses.Squared(), np.array([1.0]), 3.0))
    >>> learner.prediction
    array([1.5])
    """

    name = "online_ridge"
    source = "Azoury, Warmuth 2001, Theorem 4.4"
    guarantee = "ridge/2 |u|^2 + (max (y_t - p_t)^2/2) ln det(A_T/ridge) for every u; squared losses"
    decision = "vector"
    needs = (WHOLE_LOSS,)
    examples = ({}, {"ridge": 0.1})
    look = Look("online ridge", "#33BBEE", "P")
    state: RidgeState

    def __init__(self, ridge: float = 1.0) -> None:
        self.ridge = positive(self, "ridge", ridge)

    def start(self, problem: Problem) -> None:
        """Start from ``A_0 = ridge I`` and no moments."""
        required_vector(self, problem)
        required_squared_loss(self, problem)
        self._domain = problem.domain
        factor = first_factor(problem.domain.dimension, self.ridge)
        self.state = RidgeState(constrained_solution(factor, problem.domain), factor, 0.0, 0.0)

    @finite_update
    def update(self, loss: Any) -> None:
        """Add the row and its label, and solve, in O(d^2), and O(d^3) where it projects."""
        row, target = squared_row(self, loss)
        state = self.state
        error = abs(target - float(row @ state.point))
        add_row(state.factor, row, target)
        along = scipy.linalg.solve_triangular(state.factor[:-1, :-1], row, trans="T", check_finite=False)
        state.root_errors = math.hypot(state.root_errors, error * float(np.linalg.norm(along)))  # squares may overflow
        state.largest_error = max(state.largest_error, error)
        state.point = constrained_solution(state.factor, self._domain)

    def memory(self, problem: Problem) -> Memory:
        """``d^2 + 3 d + 3``: a factor of A with the moments beside it, the point, two numbers about errors."""
        d = problem.domain.dimension
        return Memory("d^2 + 3 d + 3", d * d + 3 * d + 3)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; for all comparators of a bounded domain, else for the comparator found."""
        norm = comparator_norm(observed.domain, observed.comparator_distance)
        if np.isnan(norm):
            return None
        start = 0.5 * self.ridge * norm**2
        growth = log_determinant(self.state.factor, self.ridge)
        errors, largest = self.state.root_errors * self.state.root_errors, self.state.largest_error
        return Bound(
            theorem="online ridge regression (Azoury, Warmuth 2001), from the errors",
            value=start + 0.5 * errors,
            constants=(
                Constant("norm of the comparator (l2 norm)", norm, "domain" if observed.domain.bounded else "observed"),
                Constant("ridge", self.ridge, "given"),
                Constant("sum of weighted squared errors", errors, "observed"),
            ),
            variants={"from the largest error": start + 0.5 * largest * largest * growth},
        )
