"""Exponentiated gradient (Hedge) on the probability simplex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.domains.simplex import Simplex
from oco.learners._finite import finite_update
from oco.learners.base import GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, required_entry_bound, required_simplex
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class HedgeState:
    """``losses`` is the running sum of gradients, ``largest_squares`` the running sum of ``max_i g_{t,i}^2``."""

    point: Array
    losses: Array
    largest_squares: float


class Hedge(Learner):
    r"""Exponentiated gradient: weights fall exponentially in the cumulative loss of each coordinate.

    .. math::
        x_{t+1,i} \propto \exp\Bigl(-\eta \sum_{s \le t} g_{s,i}\Bigr)

    Parameters
    ----------
    learning_rate
        eta; None for ``sqrt(2 ln d / T) / G``, with T the horizon and G the problem's bound on the entries of gradients
        (if none is stated, the bound on their norm, which is up to ``sqrt(d)`` times larger).

    Raises
    ------
    ConfigError
        At the start, if the domain is not a simplex, or if neither a learning rate nor a gradient bound is given.

    Notes
    -----
    Cost O(d) a round; state ``2 d + 1`` floats. With r the sum of a point's weights (1 on the probability simplex),

    .. math::
        R_T \le r \Bigl(\frac{\ln d}{\eta} + \frac{\eta}{2} \sum_t |g_t|_\infty^2\Bigr),

    for losses of any sign: entropy is 1-strongly convex in the l1 norm. At the default rate it is
    ``r G sqrt(2 T ln d)``, so d = 1 has rate 0 and regret 0.

    References
    ----------
    Kivinen, Warmuth 1997 (exponentiated gradient); Freund, Schapire 1997 (Hedge); the bound in this form is
    Shalev-Shwartz, Foundations and Trends 4 (2012), Theorem 2.21 (its number is cited from memory, its constant is
    re-derived).

    Departures: none in the update; the simplex may have any size.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.Hedge(learning_rate=np.log(2.0))
    >>> learner.start(oco.Problem(oco.Simplex(dimension=2), horizon=9))
    >>> learner.update(np.array([1.0, 0.0]))
    >>> np.round(learner.prediction, 12)
    array([0.33333333, 0.66666667])
    """

    name = "hedge"
    source = "Kivinen, Warmuth 1997; Freund, Schapire 1997; Shalev-Shwartz 2012, Theorem 2.21"
    guarantee = "ln d/eta + (eta/2) sum |g|_inf^2 on the simplex"
    decision = "simplex"
    needs = (GRADIENT_BOUND,)
    examples = ({}, {"learning_rate": 0.3})
    look = Look("Hedge", "#117733", "d")
    state: HedgeState

    def __init__(self, learning_rate: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)

    def start(self, problem: Problem) -> None:
        """Start from equal weights."""
        domain = problem.domain
        self._total = required_simplex(self, problem)
        if self.learning_rate is not None:
            self._rate = self.learning_rate
        else:
            slope = required_entry_bound(self, problem, "learning_rate")
            self._rate = float(np.sqrt(2.0 * np.log(domain.dimension) / problem.horizon)) / slope if slope > 0 else 1.0
        self.state = HedgeState(domain.start, np.zeros(domain.shape), 0.0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Add the gradient to the losses and compute the new weights, in O(d)."""
        state = self.state
        state.losses = state.losses + gradient
        state.largest_squares += float(np.max(np.abs(gradient))) ** 2
        # Shifted by the smallest loss, so that the largest exponential is exp(0) and nothing overflows.
        weights = np.exp(-self._rate * (state.losses - state.losses.min()))
        state.point = self._total * weights / weights.sum()

    def memory(self, problem: Problem) -> Memory:
        """``2 d + 1``: point, cumulative losses, one sum."""
        return Memory("2 d + 1", 2 * problem.domain.dimension + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class."""
        dimension = observed.domain.dimension
        entropy = float(np.log(dimension)) / self._rate if dimension > 1 else 0.0
        return Bound(
            theorem="exponentiated gradient (Shalev-Shwartz 2012, Theorem 2.21)",
            value=self._total * (entropy + 0.5 * self._rate * self.state.largest_squares),
            constants=(
                Constant("sum of weights (l1 norm)", self._total, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant("sum of squared gradients (max norm)", self.state.largest_squares, "observed"),
            ),
            assumptions=(Assumption("the domain is a simplex", type(observed.domain) is Simplex),),
        )
