"""The Vovk-Azoury-Warmuth forecaster for squared losses, which sees the row before it plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oco.learners._finite import finite_update
from oco.learners._triangular import (
    add_row,
    add_target,
    comparator_norm,
    constrained_solution,
    first_factor,
    log_determinant,
)
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import positive, required_squared_loss, required_vector, squared_row
from oco.needs import ROW, WHOLE_LOSS
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class ForecasterState:
    """``factor`` as in `_triangular.first_factor`: of A_t, with the moments ``sum_{s<t} y_s a_s`` beside it."""

    point: Array
    factor: Array
    largest_target: float


class VovkAzouryWarmuth(Learner):
    r"""The Vovk-Azoury-Warmuth forecaster: ridge regression that counts the row of the coming loss already.

    .. math::
        A_t = \lambda I + \sum_{s \le t} a_s a_s^\top, \qquad
        x_t = \Pi_K^{A_t}\Bigl(A_t^{-1} \sum_{s < t} y_s a_s\Bigr)

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
    Cost O(d^2) a round, O(d^3) where the step leaves the domain; state ``d^2 + 3 d + 2`` floats.

    Regret of the losses ``(<a_t, x> - y_t)^2 / 2`` against every u, for any labels with ``|y_t| <= Y``:

    .. math::
        R_T(u) \le \tfrac{\lambda}{2} |u|^2 + \tfrac{Y^2}{2} \ln \det(A_T / \lambda)

    No bound on the comparator or on the predictions is needed.

    References
    ----------
    Vovk, International Statistical Review 69 (2001), Theorem 1; Azoury, Warmuth, Machine Learning 43 (2001), Theorem
    4.6; for a constrained x Orabona, A Modern Introduction to Online Learning, Section 7.10 (numbers cited from memory;
    the bound is derived from follow the regularized leader on the losses ``-y_t <a_t, x>``).

    Departures: the loss is halved; projects on the domain in the norm of A_t, which the bound allows.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.VovkAzouryWarmuth(ridge=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(1), horizon=9))
    >>> row = np.array([1.0])
    >>> learner.observe(row)
    >>> learner.update(oco.losses.RowLoss(oco.losses.Squared(), row, 3.0))
    >>> learner.observe(row)
    >>> learner.prediction  # 3 / (1 + 1 + 1), where ridge regression would play 3/2
    array([1.])
    """

    name = "vovk_azoury_warmuth"
    source = "Vovk 2001; Azoury, Warmuth 2001"
    guarantee = "ridge/2 |u|^2 + (Y^2/2) ln det(A_T/ridge) for every u, with Y = max |y_t|; squared losses"
    decision = "vector"
    needs = (ROW, WHOLE_LOSS)
    examples = ({}, {"ridge": 0.1})
    look = Look("VAW", "#228833", "P")
    state: ForecasterState

    def __init__(self, ridge: float = 1.0) -> None:
        self.ridge = positive(self, "ridge", ridge)

    def start(self, problem: Problem) -> None:
        """Start from ``A_0 = ridge I`` and no moments."""
        required_vector(self, problem)
        required_squared_loss(self, problem)
        self._domain = problem.domain
        factor = first_factor(problem.domain.dimension, self.ridge)
        self.state = ForecasterState(problem.domain.start, factor, 0.0)

    @np.errstate(all="ignore")  # a point that is not finite is an error of the game
    def observe(self, context: Array) -> None:
        """Add the coming row to A, and solve for the point, in O(d^2), and O(d^3) where it projects."""
        add_row(self.state.factor, context, 0.0)
        self.state.point = constrained_solution(self.state.factor, self._domain)

    @finite_update
    def update(self, loss: Any) -> None:
        """Add ``y_t a_t`` to the moments."""
        row, target = squared_row(self, loss)
        self.state.largest_target = max(self.state.largest_target, abs(target))
        add_target(self.state.factor, row, target)

    def memory(self, problem: Problem) -> Memory:
        """``d^2 + 3 d + 2``: a factor of A with the moments beside it, the point, the largest label."""
        d = problem.domain.dimension
        return Memory("d^2 + 3 d + 2", d * d + 3 * d + 2)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; for all comparators of a bounded domain, else for the comparator found."""
        norm = comparator_norm(observed.domain, observed.comparator_distance)
        if np.isnan(norm):
            return None
        root, dimension = self.state.factor[:-1, :-1], observed.domain.dimension
        growth = log_determinant(self.state.factor, self.ridge)
        spread = dimension * float(np.log(np.sum(root * root) / (dimension * self.ridge)))
        start, label = 0.5 * self.ridge * norm**2, self.state.largest_target
        return Bound(
            theorem="Vovk-Azoury-Warmuth forecaster (Vovk 2001, Theorem 1)",
            value=start + 0.5 * label**2 * growth,
            constants=(
                Constant("norm of the comparator (l2 norm)", norm, "domain" if observed.domain.bounded else "observed"),
                Constant("ridge", self.ridge, "given"),
                Constant("largest label", label, "observed"),
                Constant("log-determinant of A_T / ridge", growth, "observed"),
            ),
            variants={"from the trace of A_T": start + 0.5 * label**2 * spread},
        )
