"""Adam and AMSGrad, for reference: a mean of gradients divided by the root of a mean of their squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.domains.base import Domain
from oco.learners._finite import finite_update
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import fraction, nonnegative, positive
from oco.metrics import Diagonal
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class AdamState:
    """Exponentially weighted means of the gradients and of their squares."""

    point: Array
    mean: Array
    square: Array
    round: int


class Adam(Learner):
    r"""Adam with bias correction, projected in its own diagonal norm.

    .. math::
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \quad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \quad
        x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \eta H_t^{-1} m_t / (1 - \beta_1^t)\bigr), \quad
        H_t = \sqrt{v_t / (1 - \beta_2^t)} + \epsilon

    Parameters
    ----------
    learning_rate
        eta, constant.
    beta1, beta2
        Decay of the two means, in [0, 1).
    epsilon
        Added to the root; 0 or more.

    Notes
    -----
    Cost O(d) a round; state ``3 d + 1`` floats. No regret bound: on some linear games its average regret does not go to
    zero (Reddi, Kale, Kumar 2018, Theorem 1).

    References
    ----------
    Kingma, Ba, ICLR 2015, Algorithm 1.

    Departures: the projection on the domain, which Algorithm 1 does not have.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import Adam, Problem
    >>> learner = Adam(learning_rate=0.5, epsilon=0.0)
    >>> learner.start(Problem(Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, -4.0]))
    >>> learner.prediction
    array([-0.5,  0.5])
    """

    name = "adam"
    source = "Kingma, Ba 2015, Algorithm 1"
    guarantee = "none: average regret need not vanish (Reddi, Kale, Kumar 2018, Theorem 1)"
    look = Look("Adam", "#CC6677", "8")
    state: AdamState

    def __init__(
        self, learning_rate: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.beta1 = fraction(self, "beta1", beta1)
        self.beta2 = fraction(self, "beta2", beta2)
        self.epsilon = nonnegative(self, "epsilon", epsilon)

    def start(self, problem: Problem) -> None:
        """Start at the domain's start with both means zero."""
        self._domain = problem.domain
        shape = problem.domain.shape
        self.state = AdamState(problem.domain.start, np.zeros(shape), np.zeros(shape), 0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Advance both means, step and project, in O(d)."""
        state = self.state
        state.round += 1
        state.mean = self.beta1 * state.mean + (1.0 - self.beta1) * gradient
        state.square = self.beta2 * state.square + (1.0 - self.beta2) * gradient**2
        mean = state.mean / (1.0 - self.beta1**state.round)
        metric = np.sqrt(state.square / (1.0 - self.beta2**state.round)) + self.epsilon
        state.point = projected_step(self._domain, state.point, metric, self.learning_rate * mean)

    def memory(self, problem: Problem) -> Memory:
        """``3 d + 1``: point, two means, round."""
        return Memory("3 d + 1", 3 * problem.domain.dimension + 1)


@dataclass
class AMSGradState:
    """The fields of `AdamState`, and the largest mean of squares so far."""

    point: Array
    mean: Array
    square: Array
    largest_square: Array
    round: int


class AMSGrad(Learner):
    r"""AMSGrad: Adam with a preconditioner that never decreases.

    .. math::
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \quad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \quad
        \hat v_t = \max(\hat v_{t-1}, v_t), \quad
        x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \tfrac{\eta}{\sqrt t} H_t^{-1} m_t\bigr), \quad
        H_t = \sqrt{\hat v_t} + \epsilon

    Parameters
    ----------
    learning_rate
        eta; the step of round t is ``eta / sqrt(t)``.
    beta1, beta2
        Decay of the two means, in [0, 1).
    epsilon
        Added to the root; 0 in the paper.

    Notes
    -----
    Cost O(d) a round; state ``4 d + 1`` floats. With ``beta1 = 0`` it is mirror descent in an increasing norm, hence

    .. math::
        R_T \le \frac{D_\infty^2 \sqrt T}{2 \eta} \sum_i \bigl(\sqrt{\hat v_{T,i}} + \epsilon\bigr)
              + \frac{\eta \sqrt{1 + \ln T}}{2 \sqrt{1 - \beta_2}} \sum_i |g_{1:T,i}|_2

    (derived here; constant re-derived, not seen in print). For beta1 > 0 the published Theorem 4 is known to have a gap
    in its proof, and no bound is stated here.

    References
    ----------
    Reddi, Kale, Kumar, ICLR 2018, Algorithm 2.

    Departures: the optional epsilon.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import AMSGrad, Problem
    >>> learner = AMSGrad(learning_rate=0.5, beta1=0.0, beta2=0.75)
    >>> learner.start(Problem(Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, -4.0]))
    >>> learner.prediction
    array([-1.,  1.])
    """

    name = "amsgrad"
    source = "Reddi, Kale, Kumar 2018, Algorithm 2"
    guarantee = (
        "beta1 = 0: Dinf^2 sqrt(T)/(2 eta) sum_i sqrt(vhat_i) + eta sqrt((1 + ln T)/(1 - beta2))/2 sum_i |g_{1:T,i}|"
    )
    examples = ({}, {"learning_rate": 0.1, "beta1": 0.0})
    look = Look("AMSGrad", "#332288", "8")
    state: AMSGradState

    def __init__(
        self, learning_rate: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 0.0
    ) -> None:
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.beta1 = fraction(self, "beta1", beta1)
        self.beta2 = fraction(self, "beta2", beta2)
        self.epsilon = nonnegative(self, "epsilon", epsilon)

    def start(self, problem: Problem) -> None:
        """Start at the domain's start with all means zero."""
        self._domain = problem.domain
        shape = problem.domain.shape
        self.state = AMSGradState(problem.domain.start, np.zeros(shape), np.zeros(shape), np.zeros(shape), 0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Advance the means and the largest mean of squares, step and project, in O(d)."""
        state = self.state
        state.round += 1
        state.mean = self.beta1 * state.mean + (1.0 - self.beta1) * gradient
        state.square = self.beta2 * state.square + (1.0 - self.beta2) * gradient**2
        state.largest_square = np.maximum(state.largest_square, state.square)
        metric = np.sqrt(state.largest_square) + self.epsilon
        step = self.learning_rate / np.sqrt(state.round) * state.mean
        state.point = projected_step(self._domain, state.point, metric, step)

    def memory(self, problem: Problem) -> Memory:
        """``4 d + 1``: point, two means, the largest mean of squares, round."""
        return Memory("4 d + 1", 4 * problem.domain.dimension + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain or with beta1 > 0."""
        if self.beta1 > 0.0 or not observed.domain.bounded:
            return None
        eta, rounds, diameter = self.learning_rate, observed.rounds, observed.domain.diameter("linf")
        metric = float(np.sum(np.sqrt(self.state.largest_square) + self.epsilon))
        lengths = float(np.sum(np.sqrt(observed.coordinate_squares)))
        value = diameter**2 * np.sqrt(rounds) / (2.0 * eta) * metric
        value += eta * np.sqrt((1.0 + np.log(rounds)) / (1.0 - self.beta2)) / 2.0 * lengths
        return Bound(
            theorem="AMSGrad with beta1 = 0, derived here",
            value=float(value),
            constants=(
                Constant("diameter (max norm)", diameter, "domain"),
                Constant("learning rate", eta, "given"),
                Constant("sum of roots of the largest mean squares", metric, "observed"),
                Constant("sum of coordinate norms", lengths, "observed"),
            ),
            assumptions=(Assumption("beta1 is 0", True),),
        )


def projected_step(domain: Domain, point: Array, metric: Array, direction: Array) -> Array:
    """``Pi_K^H(x - H^+ direction)`` for a diagonal H; a coordinate whose metric is zero does not move."""
    step = np.divide(direction, metric, out=np.zeros_like(direction), where=metric > 0.0)
    return domain.project_in(point - step, Diagonal(metric))
