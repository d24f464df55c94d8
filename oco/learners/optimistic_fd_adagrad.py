"""Optimistic FD-AdaGrad: a sketch of the errors of hints shapes the step along the next hint."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import at_most, positive_or_none, required_gradient_bound, theorem_rate, whole
from oco.metrics import LowRankPlusScaledIdentity
from oco.needs import HINT, PROMPT
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.sketching import batch
from oco.types import Array


@dataclass
class SketchedHints:
    """The sketch ``basis' diag(values) basis`` ``(k, d)`` of the errors, what escaped, and the points.

    ``base`` is y_t, ``hint`` m_t, ``largest`` the largest ``|g_t - m_t|``. Unused rows of the basis are zero.
    """

    point: Array
    base: Array
    hint: Array
    basis: Array
    values: Array
    escaped: float
    largest: float


class OptimisticFDAdaGrad(Learner):
    r"""FD-AdaGrad whose metric sketches the errors of the hints, not the gradients.

    .. math::
        H_t = \bigl((E^2 + \rho_{t-1}) I + \bar G_{t-1}\bigr)^{1/2}, \quad
        x_t = \Pi_K^{H_t}(y_t - \eta H_t^{-1} m_t), \quad y_{t+1} = \Pi_K^{H_t}(y_t - \eta H_t^{-1} g_t)

    where ``(rho_t, Gbar_t)`` is the sketch of the errors ``e_t = g_t - m_t``.

    Parameters
    ----------
    rank
        k, the directions that the sketch keeps.
    learning_rate
        eta; None for the theorem's, ``D / sqrt(2)``.
    error_bound
        E, a bound on ``|e_t|``; None for 2 G, with the problem's bound G on gradients.

    Notes
    -----
    Cost O(d k^2) a round; state ``k (d + 1) + 3 d + 2`` floats.

    Regret on a domain of diameter D if no error is longer than E:

    .. math::
        R_T \le \Bigl(\frac{D^2}{2\eta} + \eta\Bigr) \operatorname{tr} \bigl((E^2 + \rho_T) I + \bar G_T\bigr)^{1/2}

    Perfect hints leave the sketch empty, and the regret at most ``sqrt(2) D E d``, whatever the horizon. Zero hints
    give FD-AdaGrad with a ridge of E^2 under the root, one round late.

    References
    ----------
    Derived here, from Rakhlin, Sridharan, COLT 2013, Lemma 1, in the norm of round t, and the sketch's
    ``G <= Gbar + rho I`` (Feinberg et al. 2023); no published counterpart was confirmed. E^2 makes H_t dominate the
    root of the errors' covariance up to round t, which a method that steps before it sees e_t needs.

    Departures: none, as there is no paper.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.SpectrumLinear(6, 300, domain=oco.Ball(radius=1.0))
    >>> hinted = oco.environments.Hinted(game, hint="future+noise", noise=0.1)
    >>> record = oco.play(hinted, oco.learners.OptimisticFDAdaGrad(rank=2, error_bound=0.5))
    >>> record.regret.upper <= record.bound.value and not record.violations
    True
    """

    name = "optimistic_fd_adagrad"
    source = "derived here from Rakhlin, Sridharan 2013, and Feinberg et al. 2023"
    guarantee = "sqrt(2) D tr((E^2 + rho) I + Gbar)^(1/2) for the sketch of the hints' errors; bounded domain"
    needs = (HINT, PROMPT, DIAMETER, GRADIENT_BOUND)
    examples = ({"rank": 2}, {"rank": 50, "learning_rate": 0.5})
    look = Look("optimistic FD-AdaGrad", "#1B9E77", "D")
    state: SketchedHints

    def __init__(self, rank: int, learning_rate: float | None = None, error_bound: float | None = None) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.error_bound = positive_or_none(self, "error_bound", error_bound)

    @property
    def escaped_mass(self) -> float:
        """Bound on the operator norm of the errors' covariance less its sketch."""
        return self.state.escaped

    def start(self, problem: Problem) -> None:
        """Set the learning rate and the bound on errors; start with an empty sketch and a hint of zero."""
        self._rate = theorem_rate(self, problem) if self.learning_rate is None else self.learning_rate
        if self.error_bound is None:
            self._error = 2.0 * required_gradient_bound(self, problem, "error_bound") or 1.0
        else:
            self._error = self.error_bound
        self._domain = problem.domain
        start, dimension = problem.domain.start, problem.domain.dimension
        rank = min(self.rank, dimension)
        self.state = SketchedHints(
            start, start.copy(), np.zeros(start.shape), np.zeros((rank, dimension)), np.zeros(rank), 0.0, 0.0
        )

    def _metric(self) -> LowRankPlusScaledIdentity:
        """H_t, in the units of E, in which it is at least the identity."""
        state, kept = self.state, self.state.values > 0.0
        beyond = 1.0 + state.escaped / self._error**2
        values = np.sqrt(beyond + state.values[kept] / self._error**2)
        return LowRankPlusScaledIdentity(np.ascontiguousarray(state.basis[kept].T), values, math.sqrt(beyond))

    def _stepped(self, gradient: Array) -> Array:
        """``P_H(y_t - eta H^{-1} gradient)``."""
        metric = self._metric()
        step = metric.power(-1.0).apply(gradient.ravel()).reshape(gradient.shape) / self._error
        return self._domain.project_in(self.state.base - self._rate * step, metric)

    @np.errstate(all="ignore")  # a point that is not finite is an error of the game
    def observe(self, context: Array) -> None:
        """Step from the base along the hint."""
        self.state.hint = np.array(context, dtype=np.float64)
        self.state.point = self._stepped(self.state.hint)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Step from the base along the gradient, and sketch the error; the base is played if no hint follows."""
        state = self.state
        state.base = self._stepped(gradient)
        state.point = state.base.copy()
        error = (gradient - state.hint).ravel()
        state.largest = max(state.largest, float(np.linalg.norm(error)))
        kept = state.values > 0.0
        values, basis, escaped = batch.shrink(
            state.values[kept], state.basis[kept], error[None], self.state.values.size, 1.0
        )
        state.values, state.basis = np.zeros(kept.size), np.zeros(state.basis.shape)
        state.values[: values.size], state.basis[: values.size] = values, basis
        state.escaped += escaped

    def memory(self, problem: Problem) -> Memory:
        """``k (d + 1) + 3 d + 2`` with k at most d: basis and values, point, base, hint, two numbers."""
        d = problem.domain.dimension
        rank = min(self.rank, d)
        return Memory("k (d + 1) + 3 d + 2", rank * (d + 1) + 3 * d + 2)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        diameter, state = observed.domain.diameter(), self.state
        beyond = self._error**2 + state.escaped
        rest = observed.domain.dimension - state.values.size
        trace = float(np.sum(np.sqrt(state.values + beyond))) + rest * math.sqrt(beyond)
        return Bound(
            theorem="optimistic FD-AdaGrad (derived here)",
            value=(diameter**2 / (2.0 * self._rate) + self._rate) * trace,
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("error bound", self._error, "domain" if self.error_bound is None else "given"),
                Constant("trace of the metric", trace, "observed"),
            ),
            assumptions=(Assumption("no hint errs by more than the error bound", at_most(state.largest, self._error)),),
        )
