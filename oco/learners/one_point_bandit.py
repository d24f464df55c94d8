"""Bandit gradient descent without a gradient: one value of the loss a round."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oco.learners._finite import finite_update
from oco.learners._smoothing import IN_EXPECTATION, Shrunken, direction
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, required_diameter, required_gradient_bound
from oco.needs import ONE_VALUE, PROMPT
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class OnePointState:
    """The point played, the center it was perturbed from, the direction, the round, the sum of squared estimates."""

    point: Array
    center: Array
    direction: Array
    round: int
    squares: float


class OnePointBandit(Learner):
    r"""One-point bandit gradient descent: one value at a perturbed point estimates a gradient of the smoothed loss.

    .. math::
        \text{play } y_t = x_t + \delta u_t, \quad \tilde g_t = \frac{d}{\delta} f_t(y_t) u_t, \quad
        x_{t+1} = \Pi_{(1-\xi) K}(x_t - \eta \tilde g_t)

    with u_t drawn uniformly from the unit sphere and ``xi = delta / r``.

    Parameters
    ----------
    learning_rate
        eta; None for ``D delta / (d C sqrt(T))``, with C the value bound.
    exploration
        delta; None for ``sqrt(D d C / (G (2 + R / r))) T^(-1/4)``, at most r / 2.
    inner_radius
        r, as in `TwoPointBandit`.
    value_bound
        C, a bound on ``|f_t|``; None for G times the largest norm of a point, which bounds linear losses.

    Raises
    ------
    ConfigError
        At the start, if a default needs a constant that the problem does not state.

    Notes
    -----
    Cost O(d) a round; state 3 d + 2 floats.

    Expected regret of the points played, on a domain of diameter D with ``|g| <= G`` and ``|x - x_1| <= R``:

    .. math::
        E R_T \le \frac{D^2}{2\eta} + \frac{\eta}{2} E \sum_t |\tilde g_t|^2 + G T \delta (2 + R / r)

    which is of order ``sqrt(d) T^(3/4)`` at the defaults, as ``|g~| <= d C / delta``. `bound` has the sum that was
    observed, and counts as violated for one game.

    References
    ----------
    Flaxman, Kalai, McMahan, SODA 2005, Theorem 3.3 (the number is cited from memory, constants re-derived).

    Departures: plays on a domain that is shrunken around its start.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.OnePointBandit(learning_rate=0.01, exploration=0.1)
    >>> learner.start(oco.Problem(oco.Ball(radius=1.0, dimension=1), horizon=9))
    >>> point = learner.prediction.copy()
    >>> learner.update(np.array([2.0]))  # 0.01 * 2.0 / 0.1 away from the point played
    >>> np.round(learner.state.center * np.sign(point), 12)
    array([-0.2])
    """

    name = "one_point_bandit"
    source = "Flaxman, Kalai, McMahan 2005, Theorem 3.3"
    guarantee = "in expectation of order sqrt(d) T^(3/4); bounded domain"
    needs = (ONE_VALUE, PROMPT, DIAMETER, GRADIENT_BOUND)
    draws = True
    examples = ({}, {"learning_rate": 0.001, "exploration": 0.1, "inner_radius": 0.2})
    look = Look("one-point bandit", "#009988", "<")
    state: OnePointState

    def __init__(
        self,
        learning_rate: float | None = None,
        exploration: float | None = None,
        inner_radius: float | None = None,
        value_bound: float | None = None,
    ) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.exploration = positive_or_none(self, "exploration", exploration)
        self.inner_radius = positive_or_none(self, "inner_radius", inner_radius)
        self.value_bound = positive_or_none(self, "value_bound", value_bound)

    def start(self, problem: Problem) -> None:
        """Set the rates, shrink the domain, and perturb the first point."""
        domain, horizon = problem.domain, problem.horizon
        self._slope = problem.gradient_bound
        value, exploration = self.value_bound, self.exploration
        if exploration is None or self.learning_rate is None:
            unset = "learning_rate" if self.learning_rate is None else "exploration"
            slope = required_gradient_bound(self, problem, unset) or 1.0
            diameter = required_diameter(self, problem, unset=unset)
            value = slope * domain.radius() if value is None else value
            if exploration is None:
                ball = domain.as_ball()
                radius = self.inner_radius or (0.5 * diameter if ball is None else ball[1])
                wanted = math.sqrt(diameter * domain.dimension * value / (slope * 3.0)) * horizon**-0.25
                exploration = min(wanted, 0.5 * radius)
        self._inside = Shrunken.of(self, domain, self.inner_radius, exploration, 1.0)
        if self.learning_rate is None:
            assert value is not None
            self._rate = diameter * self._inside.exploration / (domain.dimension * value * math.sqrt(horizon))
        else:
            self._rate = self.learning_rate
        self._seed = problem.seed
        start = domain.start
        self.state = OnePointState(start, start.copy(), start, 0, 0.0)
        self._perturb()

    def _perturb(self) -> None:
        state = self.state
        state.direction = direction(self._seed, state.round, state.center.shape)
        state.point = state.center + self._inside.exploration * state.direction

    @finite_update
    def update(self, values: Array) -> None:
        """Estimate the gradient, step, project on the shrunken domain, perturb; O(d)."""
        state = self.state
        slope = state.center.size * float(values[0]) / self._inside.exploration
        state.squares += slope**2
        state.round += 1
        state.center = self._inside.project(state.center - self._rate * slope * state.direction)
        self._perturb()

    def memory(self, problem: Problem) -> Memory:
        """``3 d + 2``: point, center, direction, round, one sum."""
        return Memory("3 d + 2", 3 * problem.domain.dimension + 2)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain, and without a bound on gradients."""
        if not observed.domain.bounded or self._slope is None:
            return None
        diameter = observed.domain.diameter()
        steps = diameter**2 / (2.0 * self._rate) + 0.5 * self._rate * self.state.squares
        return Bound(
            theorem="bandit gradient descent (Flaxman, Kalai, McMahan 2005), constants derived here",
            value=steps + self._slope * observed.rounds * self._inside.cost(2.0),
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("exploration", self._inside.exploration, "domain" if self.exploration is None else "given"),
                Constant("gradient bound (l2 norm)", self._slope, "domain"),
                Constant("sum of squared estimates", self.state.squares, "observed"),
            ),
            assumptions=(IN_EXPECTATION,),
        )
