"""Linear bandits on the ball: a self-concordant barrier shapes both the regularizer and the exploration."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.domains._vectors import euclidean_norm
from oco.errors import ConfigError
from oco.learners._finite import finite_update
from oco.learners._smoothing import IN_EXPECTATION
from oco.learners.base import GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import at_most, positive_or_none, required_gradient_bound
from oco.needs import ONE_VALUE, PROMPT
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array

LONGEST = 1e15
"""Largest ``eta |sum of estimates|`` that counts: there ``1 - |z_t|`` is the rounding of a double."""


@dataclass
class BarrierState:
    """The point played, the sum of estimates and the next one for a loss of 1 (of the unit ball), and what is counted.

    ``penalty`` is the sum of ``omega(lambda_t)``, ``largest`` the largest ``|f_t(x_t)|``; see `BarrierBandit`.
    """

    point: Array
    estimates: Array
    estimate: Array
    round: int
    penalty: float
    largest: float


class BarrierBandit(Learner):
    r"""SCRiBLe on a Euclidean ball: play an end of a random axis of the Dikin ellipsoid around the leader.

    On the unit ball, with ``B(x) = -log(1 - |x|^2)``, eigenvectors e_i and eigenvalues ``lambda_i`` of its Hessian,

    .. math::
        z_t = \arg\min_z \eta \Bigl\langle \sum_{s<t} \tilde g_s, z \Bigr\rangle + B(z), \quad
        \text{play } x_t = z_t + \epsilon_t \lambda_{i_t}^{-1/2} e_{i_t}, \quad
        \tilde g_t = d f_t(x_t) \epsilon_t \lambda_{i_t}^{1/2} e_{i_t}

    with i_t uniform among d axes and ``epsilon_t`` a random sign. A ball of radius r is scaled to the unit ball.

    Parameters
    ----------
    learning_rate
        eta; None for ``min(sqrt(2 ln(1 + T) / T), 1/2) / (d C)``, with C the value bound.
    value_bound
        C, a bound on ``|f_t|`` on the domain; None for the problem's gradient bound times the largest norm of a point,
        which bounds linear losses.

    Raises
    ------
    ConfigError
        At the start, if the domain is no Euclidean ball, or no bound on gradients replaces a missing value bound.

    Notes
    -----
    Cost O(d) a round: the leader is ``-a / (1 + sqrt(1 + a^2))`` along the sum of estimates of length a / eta, and an
    axis is a column of the reflection that maps the first unit vector to it. State 3 d + 3 floats.

    Expected regret for linear losses, with ``lambda_t = eta d |f_t(x_t)| < 1`` the length of a step in the local norm
    and ``omega(l) = -l - log(1 - l)``, which is about ``l^2 / 2``:

    .. math::
        E R_T \le \frac{\ln(1 + T)}{\eta} + \frac1\eta E \sum_t \omega(\lambda_t) + 2 C

    about ``d C sqrt(2 T ln T)`` at the default. `bound` has the sum that was observed, and counts as violated for one
    game.

    References
    ----------
    Abernethy, Hazan, Rakhlin, COLT 2008, Algorithm 1 and Theorem 1 (numbers cited from memory). The bound follows from
    their local norms with the exact conjugate omega of self-concordance, and is derived here.

    Departures: only the ball, where everything has a closed form; losses beyond C count as C, which breaks the bound's
    assumption but keeps points inside; z_t comes no nearer to the sphere than rounding.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.BarrierBandit(learning_rate=0.1, value_bound=1.0)
    >>> learner.start(oco.Problem(oco.Ball(radius=1.0, dimension=3), horizon=9))
    >>> np.round(np.linalg.norm(learner.prediction) ** 2, 12)  # half the way, squared: the Hessian at 0 is 2 I
    np.float64(0.5)
    """

    name = "barrier_bandit"
    source = "Abernethy, Hazan, Rakhlin 2008, Algorithm 1 and Theorem 1"
    guarantee = "in expectation d C (sqrt(2 T ln T) + O(ln T)) on linear losses of at most C; balls"
    needs = (ONE_VALUE, PROMPT, GRADIENT_BOUND)
    draws = True
    examples = ({}, {"learning_rate": 0.01, "value_bound": 30.0})
    look = Look("barrier bandit", "#882255", "H")
    state: BarrierState

    def __init__(self, learning_rate: float | None = None, value_bound: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.value_bound = positive_or_none(self, "value_bound", value_bound)

    def start(self, problem: Problem) -> None:
        """Set the learning rate, and draw the first point."""
        ball = problem.domain.as_ball()
        if ball is None or not math.isfinite(ball[1]):
            raise ConfigError(f"{type(self).__name__} plays on a Euclidean ball, got {problem.domain!r}")
        self._center, self._radius = ball
        if self.value_bound is None:
            self._value = required_gradient_bound(self, problem, "value_bound") * problem.domain.radius() or 1.0
        else:
            self._value = self.value_bound
        theorem = min(math.sqrt(2.0 * math.log1p(problem.horizon) / problem.horizon), 0.5)
        self._rate = self.learning_rate or theorem / (self._center.size * self._value)
        self._seed = problem.seed
        start = problem.domain.start
        self.state = BarrierState(start, np.zeros(start.shape), np.zeros(start.shape), 0, 0.0, 0.0)
        self._draw()

    def _draw(self) -> None:
        state = self.state
        generator = np.random.default_rng([self._seed, state.round, 0x5C1B])
        size = state.point.size
        place = int(generator.integers(2 * size))
        offset, state.estimate = self.end(place % size, 1.0 if place < size else -1.0)
        state.point = self._center + self._radius * offset

    def end(self, axis: int, sign: float) -> tuple[Array, Array]:
        """A point of the unit ball, and the estimate of the gradient for a loss of 1 there.

        It is the end of one axis of the Dikin ellipsoid; all ``2 d`` of them are equally likely.
        """
        total = self.state.estimates.ravel()
        size = total.size
        norm = euclidean_norm(total)
        length = min(self._rate * norm, LONGEST)
        root = math.hypot(1.0, length)
        leader, slack = length / (1.0 + root), 2.0 / (1.0 + root)  # |z| and 1 - |z|^2
        along = np.zeros(size)
        along[0] = 1.0
        if length > 0.0:
            along = -total / norm
        normal = along.copy()
        normal[0] += math.copysign(1.0, along[0])
        vector = -2.0 * normal[axis] / float(normal @ normal) * normal
        vector[axis] += 1.0
        inverse = (
            math.sqrt(2.0 * (1.0 + leader**2)) / slack if axis == 0 else math.sqrt(2.0 / slack)
        )  # of the half-axis
        point = leader * along * (length > 0.0) + sign / inverse * vector
        estimate = size * sign * inverse * vector
        shape = self.state.point.shape
        return point.reshape(shape), estimate.reshape(shape)

    @finite_update
    def update(self, values: Array) -> None:
        """Add the estimate to the sum, and draw the next point, in O(d)."""
        state = self.state
        state.largest = max(state.largest, abs(float(values[0])))
        value = min(max(float(values[0]), -self._value), self._value)
        step = self._rate * state.point.size * abs(value)
        if step < 1.0:
            state.penalty -= step + math.log1p(-step)
        state.estimates = state.estimates + value * state.estimate
        state.round += 1
        self._draw()

    def memory(self, problem: Problem) -> Memory:
        """``3 d + 3``: the point, the sum of estimates, the next estimate, the round, two numbers of the bound."""
        return Memory("3 d + 3", 3 * problem.domain.dimension + 3)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None for a learning rate that makes steps of 1 or more possible."""
        if self._rate * self._center.size * self._value >= 1.0:
            return None
        rounds, penalty = observed.rounds, self.state.penalty
        return Bound(
            theorem="SCRiBLe on the ball (Abernethy, Hazan, Rakhlin 2008), constants derived here",
            value=(math.log1p(rounds) + penalty) / self._rate + 2.0 * self._value,
            constants=(
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant.resolved("bound on losses", self._value, self.value_bound),
                Constant("sum of omega over the steps", penalty, "observed"),
            ),
            assumptions=(
                IN_EXPECTATION,
                Assumption("no loss exceeds the bound on losses", at_most(self.state.largest, self._value)),
            ),
        )
