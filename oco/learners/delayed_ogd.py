"""Online gradient descent with delayed feedback, tuned for the total delay."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, required_diameter, required_gradient_bound
from oco.needs import TOTAL_DELAY
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class DelayedState:
    """The point, and how many gradients have arrived."""

    point: Array
    arrived: int


class DelayedOGD(Learner):
    r"""Online gradient descent that steps along every gradient when it arrives, at whatever point it was taken.

    .. math::
        x_{t+1} = \Pi_K(\ldots \Pi_K(x_t - \eta g_s) \ldots) \quad \text{for all } s \text{ with } s + d_s = t

    Parameters
    ----------
    learning_rate
        eta; None for the theorem's, ``D / (G sqrt(T + 2 B))`` with B the total delay.

    Notes
    -----
    Cost O(d) a gradient; state d + 1 floats.

    Regret on a domain of diameter D with ``|g_t| <= G`` and ``B = sum_t min(d_t, T - t)``, the number of rounds played
    without a feedback that was due to some earlier round, counted once for each:

    .. math::
        R_T \le \frac{D^2}{2\eta} + \frac{\eta}{2} \sum_t |g_t|^2 + \eta G^2 B

    Any learner of gradients can be played with delays in the same way; their bounds are marked as violated then.

    References
    ----------
    Quanrud, Khashabi, NeurIPS 2015, Theorem 2.1, O(D G sqrt(T + B)) (the number is cited from memory; the constants are
    derived here: every pair of gradients is applied out of order with respect to at most one of the two points).

    Departures: none in the update.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.SpectrumLinear(4, 200, domain=oco.Ball(radius=1.0))
    >>> record = oco.play(oco.environments.Delayed(game, delay=5), oco.learners.DelayedOGD())
    >>> record.regret.upper <= record.bound.value and not record.violations
    True
    """

    name = "delayed_ogd"
    source = "Quanrud, Khashabi 2015, Theorem 2.1"
    guarantee = "D G sqrt(T + 2 B) for the total delay B; bounded domain"
    needs = (DIAMETER, GRADIENT_BOUND, TOTAL_DELAY)
    examples = ({}, {"learning_rate": 0.5})
    look = Look("delayed OGD", "#AA3377", "s")
    state: DelayedState

    def __init__(self, learning_rate: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)

    def start(self, problem: Problem) -> None:
        """Set the learning rate and the first point."""
        if self.learning_rate is None:
            slope = required_gradient_bound(self, problem, "learning_rate") or 1.0
            length = math.sqrt(problem.horizon + 2 * problem.total_delay)
            self._rate = required_diameter(self, problem) / (slope * length)
        else:
            self._rate = self.learning_rate
        self._domain = problem.domain
        self.state = DelayedState(problem.domain.start, 0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """``x <- P(x - eta gradient)``, in O(d)."""
        self.state.arrived += 1
        self.state.point = self._domain.project(self.state.point - self._rate * gradient)

    def memory(self, problem: Problem) -> Memory:
        """``d + 1``: the point and a counter."""
        return Memory("d + 1", problem.domain.dimension + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        diameter, late = observed.domain.diameter(), float(observed.total_delay)
        steps = 0.5 * observed.gradient_squares + observed.largest_gradient**2 * late
        return Bound(
            theorem="delayed gradient descent (Quanrud, Khashabi 2015), constants derived here",
            value=diameter**2 / (2.0 * self._rate) + self._rate * steps,
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
                Constant("largest gradient (l2 norm)", observed.largest_gradient, "observed"),
                Constant("total delay", late, "observed"),
            ),
        )
