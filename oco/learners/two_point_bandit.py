"""Bandit gradient descent from two values of the loss a round."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oco.learners._finite import finite_update
from oco.learners._smoothing import IN_EXPECTATION, Shrunken, direction
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, required_diameter, required_gradient_bound
from oco.needs import PROMPT, TWO_VALUES
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class TwoPointState:
    """The center x_t of the points played, the direction u_t, the round, the sum of squared estimates."""

    point: Array
    direction: Array
    round: int
    squares: float


class TwoPointBandit(Learner):
    r"""Two-point bandit gradient descent: the difference of two values estimates the gradient.

    .. math::
        \text{play } x_t \pm \delta u_t, \quad
        \tilde g_t = \frac{d}{2\delta} \bigl(f_t(x_t + \delta u_t) - f_t(x_t - \delta u_t)\bigr) u_t, \quad
        x_{t+1} = \Pi_{(1-\xi) K}(x_t - \eta \tilde g_t)

    with u_t drawn uniformly from the unit sphere and ``xi = delta / r``. The loss suffered is the mean of both values.

    Parameters
    ----------
    learning_rate
        eta; None for ``D / (G sqrt(d T))``.
    exploration
        delta; None for ``r / T``.
    inner_radius
        r, the radius of a ball around the domain's start that lies in the domain; None for the radius of a domain that
        is a ball. An unbounded domain needs none, but then exploration must be given.

    Raises
    ------
    ConfigError
        At the start, if a default needs a constant that the problem does not state, or exploration exceeds r.

    Notes
    -----
    Cost O(d) a round; state 2 d + 2 floats.

    Expected regret of the points played, on a domain of diameter D with ``|g| <= G`` and ``|x - x_1| <= R``:

    .. math::
        E R_T \le \frac{D^2}{2\eta} + \frac{\eta}{2} E \sum_t |\tilde g_t|^2 + G T \delta (2 + R / r)

    On linear losses ``E |g~|^2 = d |g|^2``, which makes it ``D G sqrt(d T)`` and a constant. `bound` has the sum that
    was observed; it bounds the mean over draws, so that for one game an assumption counts as violated.

    References
    ----------
    Agarwal, Dekel, Xiao, COLT 2010, Section 3 (cited from memory, constants re-derived); the factor d for linear losses
    is that of Shamir, JMLR 18 (2017).

    Departures: plays on a domain that is shrunken around its start, not around the origin.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.TwoPointBandit(learning_rate=0.5, exploration=0.1)
    >>> learner.start(oco.Problem(oco.Ball(radius=1.0, dimension=1), horizon=9))
    >>> above, below = learner.queries
    >>> learner.update(np.array([3.0 * above[0], 3.0 * below[0]]))  # the loss 3 x
    >>> learner.prediction  # on the edge of 0.9 times the ball
    array([-0.9])
    """

    name = "two_point_bandit"
    source = "Agarwal, Dekel, Xiao 2010, Section 3; Shamir 2017"
    guarantee = "in expectation D G sqrt(d T) + O(1) on linear losses; bounded domain"
    needs = (TWO_VALUES, PROMPT, DIAMETER, GRADIENT_BOUND)
    draws = True
    examples = ({}, {"learning_rate": 0.05, "exploration": 0.01, "inner_radius": 0.2})
    look = Look("two-point bandit", "#CC3311", "<")
    state: TwoPointState

    def __init__(
        self,
        learning_rate: float | None = None,
        exploration: float | None = None,
        inner_radius: float | None = None,
    ) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.exploration = positive_or_none(self, "exploration", exploration)
        self.inner_radius = positive_or_none(self, "inner_radius", inner_radius)

    def start(self, problem: Problem) -> None:
        """Set the rates, shrink the domain, and draw the first direction."""
        self._slope = problem.gradient_bound
        if self.learning_rate is None:
            slope = required_gradient_bound(self, problem, "learning_rate") or 1.0
            length = math.sqrt(problem.domain.dimension * problem.horizon)
            self._rate = required_diameter(self, problem) / (slope * length)
        else:
            self._rate = self.learning_rate
        self._inside = Shrunken.of(self, problem.domain, self.inner_radius, self.exploration, 1.0 / problem.horizon)
        self._seed = problem.seed
        start = problem.domain.start
        self.state = TwoPointState(start, direction(self._seed, 0, start.shape), 0, 0.0)

    @property
    def queries(self) -> tuple[Array, Array]:
        """``x_t + delta u_t`` and ``x_t - delta u_t``."""
        offset = self._inside.exploration * self.state.direction
        return self.state.point + offset, self.state.point - offset

    @finite_update
    def update(self, values: Array) -> None:
        """Estimate the gradient, step, project on the shrunken domain, draw the next direction; O(d)."""
        state = self.state
        slope = state.point.size * float(values[0] - values[1]) / (2.0 * self._inside.exploration)
        state.squares += slope**2
        state.round += 1
        state.point = self._inside.project(state.point - self._rate * slope * state.direction)
        state.direction = direction(self._seed, state.round, state.point.shape)

    def memory(self, problem: Problem) -> Memory:
        """``2 d + 2``: the center, the direction, the round, one sum."""
        return Memory("2 d + 2", 2 * problem.domain.dimension + 2)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain, and without a bound on gradients."""
        if not observed.domain.bounded or self._slope is None:
            return None
        diameter = observed.domain.diameter()
        steps = diameter**2 / (2.0 * self._rate) + 0.5 * self._rate * self.state.squares
        return Bound(
            theorem="two-point bandit gradient descent (Agarwal, Dekel, Xiao 2010), constants derived here",
            value=steps + self._slope * observed.rounds * self._inside.cost(2.0),
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("gradient bound (l2 norm)", self._slope, "domain"),
                Constant("sum of squared estimates", self.state.squares, "observed"),
            ),
            assumptions=(IN_EXPECTATION,),
        )
