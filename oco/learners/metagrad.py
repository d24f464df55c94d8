"""MetaGrad, which plays many learning rates at once and weighs them, with the full covariance or a sketch of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.domains import Domain
from oco.errors import ConfigError
from oco.learners._finite import finite_update
from oco.learners._side import Side
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import at_most, positive_or_none, required_gradient_bound, whole
from oco.metrics import LowRankPlusScaledIdentity
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class MetaGradState:
    """``experts`` ``(N, d)`` are their points from the start, ``losses`` ``(N,)`` their surrogate losses."""

    point: Array
    experts: Array
    losses: Array
    sketch: Side


class MetaGrad(Learner):
    r"""Online Newton steps, one learner for each rate ``eta_i = 2^-i / (5 D Gamma)``, averaged by exponential weights.

    .. math::
        x_t = \frac{\sum_i p_i e^{-L_{t-1,i}} \eta_i\, x_t^i}{\sum_i p_i e^{-L_{t-1,i}} \eta_i}, \qquad
        L_{t,i} = \sum_{s \le t} (r_{s,i}^2 - r_{s,i}), \; r_{t,i} = \eta_i \langle g_t, x_t - x_t^i \rangle

    .. math::
        A_{t,i} = D^{-2} I + 2 \eta_i^2 \bar G_t, \qquad
        x_{t+1}^i = \Pi_K^{A_{t,i}}\bigl(x_t^i - \eta_i (1 - 2 r_{t,i}) A_{t,i}^{-1} g_t\bigr)

    Gbar is the covariance of the gradients, or a sketch of it. Experts see the gradient at the point that was played,
    so that one covariance serves them all.

    Parameters
    ----------
    rank
        k, directions of the covariance that are kept; None for all d.
    gradient_bound
        Gamma with ``|g_t| <= Gamma``; None for the problem's.

    Raises
    ------
    ConfigError
        At the start, if the domain is unbounded, or no gradient bound is given or stated.

    Notes
    -----
    There are ``N = ceil(log2(T) / 2) + 1`` learning rates with prior weights p_i proportional to
    ``1 / ((i + 1) (i + 2))``. Cost O(d k^2 + N d k) a round and N projections; state ``k (d + 1) + N (d + 1) + d + 1``
    floats. With ``k >= d`` the sketch is the covariance. For every u and i, with ``m = min(k + 1, d)``,

    .. math::
        R_T(u) \le \eta_i V_T^u + \frac{1}{\eta_i} \Bigl(\ln \frac1{p_i} + \frac{|u - x_1|^2}{2 D^2}
          + \frac12 \ln \det\bigl(I + 2 \eta_i^2 D^2 \bar G_T\bigr) + m\, \eta_i^2 D^2 \rho_T\Bigr), \qquad
        V_T^u = \sum_t \langle g_t, x_t - u \rangle^2

    for all convex losses at once. V is at most ``D^2 sum |g|^2``, which the value stated takes; for exp-concave or
    strongly convex losses it is of the order of the regret, which makes that logarithmic without being told.

    References
    ----------
    Van Erven, Koolen, van der Hoeven, JMLR 22 (2021), MetaGrad Full and Sketched; the grid, the prior and the factor 5
    are those of van Erven, Koolen, NeurIPS 2016, where Gamma is known (Theorem 7; cited from memory). Of the texts only
    abstracts were at hand: updates were checked with the authors' public code, and the bound is derived here, from the
    product inequality ``exp(r - r^2) <= 1 + r`` for the weights and online Newton steps for the experts.

    Departures: the JMLR version finds Gamma itself, as `LipschitzAdaptiveMetaGrad` does. The sketch shrinks in every
    round where theirs fills a buffer of k rows first; one covariance serves all experts.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.SpectrumLinear(6, 300, domain=oco.Ball(radius=1.0))
    >>> record = oco.play(game, oco.learners.MetaGrad(rank=2))
    >>> record.regret.upper <= record.bound.value and not record.violations
    True
    """

    name = "metagrad"
    source = "van Erven, Koolen, van der Hoeven, JMLR 2021; grid of van Erven, Koolen 2016; bound derived here"
    guarantee = (
        "min_i eta_i V + (ln(1/p_i) + 1/2 + ln det(I + 2 eta_i^2 D^2 Gbar)/2 + m eta_i^2 D^2 rho)/eta_i; "
        "bounded domain, |g| <= Gamma"
    )
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"rank": 2})
    look = Look("MetaGrad", "#004488", "<")
    state: MetaGradState

    def __init__(self, rank: int | None = None, gradient_bound: float | None = None) -> None:
        self.rank = None if rank is None else whole(self, "rank", rank)
        self.gradient_bound = positive_or_none(self, "gradient_bound", gradient_bound)

    def start(self, problem: Problem) -> None:
        """Set the grid of learning rates; every expert starts at the domain's start."""
        self._domain, d = problem.domain, problem.domain.dimension
        self._diameter = bounded_diameter(self, problem)
        self._slope = self.gradient_bound or required_gradient_bound(self, problem, "gradient_bound") or 1.0
        indices = np.arange(rates_for(problem.horizon))
        self._rates = 2.0**-indices / 5.0  # of gradients over D Gamma
        self._prior = prior(indices.size)
        experts = np.zeros((indices.size, d))
        sketch = Side.empty(d, d if self.rank is None else self.rank)
        self.state = MetaGradState(problem.domain.start, experts, np.zeros(indices.size), sketch)

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far, in the units of gradients squared."""
        return self._slope**2 * self.state.sketch.escaped_mass

    @finite_update
    def update(self, gradient: Array) -> None:
        """Sketch, weigh, step every expert, average."""
        state, domain = self.state, self._domain
        row = (gradient / self._slope).ravel()
        state.sketch.update(row[None], 1.0)
        ahead = ((state.point - domain.start).ravel() - state.experts) @ row / self._diameter
        gains = self._rates * ahead
        state.losses = state.losses + gains**2 - gains
        for i, rate in enumerate(self._rates):
            length = rate * (1.0 - 2.0 * gains[i]) * self._diameter
            state.experts[i] = stepped(state.experts[i], row, length, expert_metric(state.sketch, rate), domain)
        weights = self._prior * self._rates * np.exp(state.losses.min() - state.losses)
        state.point = domain.start + (weights @ state.experts / weights.sum()).reshape(domain.shape)

    def memory(self, problem: Problem) -> Memory:
        """``k (d + 1) + N (d + 1) + d + 1`` with k at most d: sketch, experts, their losses, point."""
        d, number = problem.domain.dimension, rates_for(problem.horizon)
        rank = d if self.rank is None else min(self.rank, d)
        name = "d" if self.rank is None else "k"
        return Memory(f"{name} (d + 1) + N (d + 1) + d + 1", (rank + number) * (d + 1) + d + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        sketch, unit = self.state.sketch, self._slope * self._diameter
        squares = observed.gradient_squares / self._slope**2
        size = min(sketch.eigenvalues.size + 1, observed.domain.dimension)
        squared_rates = self._rates**2
        determinants = np.sum(np.log1p(2.0 * np.outer(squared_rates, sketch.eigenvalues)), axis=1)
        complexity = 0.5 - np.log(self._prior) + 0.5 * determinants + size * squared_rates * sketch.escaped_mass
        value = unit * float(np.min(self._rates * squares + complexity / self._rates))
        return Bound(
            theorem="MetaGrad (van Erven, Koolen, van der Hoeven 2021), derived here",
            value=value,
            constants=(
                Constant("diameter (l2 norm)", self._diameter, "domain"),
                Constant.resolved("gradient bound (l2 norm)", self._slope, self.gradient_bound),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
                Constant("escaped mass", self.escaped_mass, "observed"),
            ),
            assumptions=(
                Assumption(
                    "no gradient was longer than the gradient bound", at_most(observed.largest_gradient, self._slope)
                ),
            ),
        )


def bounded_diameter(learner: Learner, problem: Problem, norm: str = "l2") -> float:
    """The domain's diameter, 1 for a single point; `ConfigError` where it is infinite."""
    if problem.domain.bounded:
        return problem.domain.diameter(norm) or 1.0
    raise ConfigError(
        f"{type(learner).__name__} takes the domain's diameter in place of a learning_rate, so the domain must be "
        f"bounded, got {problem.domain!r}"
    )


def rates_for(horizon: int) -> int:
    """N, the number of learning rates for a horizon T: ``ceil(log2(T) / 2) + 1``."""
    return math.ceil(0.5 * math.log2(max(horizon, 1))) + 1


def prior(number: int) -> Array:
    """Weights proportional to ``1 / ((i + 1) (i + 2))`` that sum to one."""
    indices = np.arange(number)
    weights: Array = (1.0 + 1.0 / number) / ((indices + 1.0) * (indices + 2.0))
    return weights


def expert_metric(sketch: Side, rate: float) -> LowRankPlusScaledIdentity:
    """``I + 2 eta^2 D^2 Gbar``, which is ``D^2 A``."""
    used = int(np.count_nonzero(sketch.eigenvalues))
    values = 1.0 + 2.0 * rate**2 * sketch.eigenvalues[:used]
    return LowRankPlusScaledIdentity(sketch.eigenvectors[:used].T, values, 1.0)


def stepped(expert: Array, row: Array, length: float, metric: LowRankPlusScaledIdentity, domain: Domain) -> Array:
    """An expert, seen from the domain's start, after a step of online Newton and the projection in its metric."""
    step = metric.power(-1.0).apply(row) * length
    target = domain.start + (expert - step).reshape(domain.shape)
    inside = domain.contains(target, tolerance=0.0)
    projected = target if inside else domain.project_in(target, metric)
    moved: Array = (projected - domain.start).ravel()
    return moved
