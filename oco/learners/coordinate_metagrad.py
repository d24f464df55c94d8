"""MetaGrad in every coordinate by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.domains._vectors import euclidean_norm
from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.metagrad import bounded_diameter, prior, rates_for
from oco.learners.requirements import at_most, positive_or_none, reach, required_gradient_bound
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class CoordinateMetaGradState:
    """``experts`` and ``losses`` ``(N, d)``, the unprojected point ``(d,)`` from the start, and squares ``(d,)``."""

    point: Array
    unprojected: Array
    experts: Array
    losses: Array
    squares: Array


class CoordinateMetaGrad(Learner):
    r"""A copy of one-dimensional `MetaGrad` for every coordinate, on the cube around the domain.

    .. math::
        y_{t,j} = \frac{\sum_i p_i e^{-L_{t-1,i,j}} \eta_i\, x^i_{t,j}}{\sum_i p_i e^{-L_{t-1,i,j}} \eta_i}, \qquad
        x_t = \Pi_K(y_t), \qquad r_{t,i,j} = \eta_i \tilde g_{t,j} (y_{t,j} - x^i_{t,j})

    with ``L = sum (-r + r^2)``, ``eta_i = 2^-i / (5 D Gamma)``, and for each coordinate the Newton steps

    .. math::
        x^i_{t+1,j} = \mathrm{clip}\Bigl(x^i_{t,j} - \eta_i (1 - 2 r_{t,i,j})
            \frac{\tilde g_{t,j}}{D^{-2} + 2 \eta_i^2 \sum_{s \le t} \tilde g_{s,j}^2}\Bigr) .

    Clipping is to the distance ``q`` from the start in the max norm that the domain reaches, and ``D = 2 q``. On other
    domains than that cube, ``g~`` is g without the part that pushes y further out, as in `CoinBetting`.

    Parameters
    ----------
    gradient_bound
        Gamma with ``|g_t| <= Gamma`` in l2 norm; None for the problem's.

    Raises
    ------
    ConfigError
        At the start, if the domain is unbounded, or no gradient bound is given or stated.

    Notes
    -----
    Cost O(N d) a round; state ``2 N d + 3 d`` floats, with N as in `MetaGrad`. On an interval around 0 it is
    `MetaGrad` of that interval. For every u in the domain,

    .. math::
        R_T(u) \le \sum_j \min_i \Bigl(\eta_i V_j + \frac1{\eta_i} \Bigl(\ln \frac1{p_i} + \frac18
          + \frac12 \ln\bigl(1 + 2 \eta_i^2 D^2 \sum_t \tilde g_{t,j}^2\bigr)\Bigr)\Bigr), \qquad
        V_j \le D^2 \sum_t \tilde g_{t,j}^2

    References
    ----------
    Van Erven, Koolen, van der Hoeven, JMLR 22 (2021), the coordinate version of MetaGrad, seen in the abstract and the
    authors' public code; the bound is derived here as for `MetaGrad`.

    Departures: those of `MetaGrad`; on a domain that is no cube, the reduction of Cutkosky, ICML 2020, Theorem 2
    (number cited from memory) takes the place of the paper's.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.CoordinateGame(dimension=4, horizon=200)
    >>> record = oco.play(game, oco.learners.CoordinateMetaGrad())
    >>> record.regret.upper <= record.bound.value and not record.violations
    True
    """

    name = "coordinate_metagrad"
    source = "van Erven, Koolen, van der Hoeven, JMLR 2021 (abstract and code); bound derived here"
    guarantee = "sum_j min_i eta_i V_j + (ln(1/p_i) + 1/8 + ln(1 + 2 eta_i^2 D^2 G_jj)/2)/eta_i; |g| <= Gamma"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({},)
    look = Look("coordinate MetaGrad", "#EEDD88", "h")
    state: CoordinateMetaGradState

    def __init__(self, gradient_bound: float | None = None) -> None:
        self.gradient_bound = positive_or_none(self, "gradient_bound", gradient_bound)

    def start(self, problem: Problem) -> None:
        """Set the grid of learning rates; every expert starts at the domain's start."""
        self._domain, d = problem.domain, problem.domain.dimension
        bounded_diameter(self, problem, "linf")
        self._reach = reach(problem.domain, "linf") or 1.0
        self._slope = self.gradient_bound or required_gradient_bound(self, problem, "gradient_bound") or 1.0
        number = rates_for(problem.horizon)
        self._rates = 2.0 ** -np.arange(number)[:, None] / 5.0  # of gradients over D Gamma
        self._prior = prior(number)[:, None]
        zeros = np.zeros((number, d))
        self.state = CoordinateMetaGradState(problem.domain.start, np.zeros(d), zeros, zeros.copy(), np.zeros(d))

    @finite_update
    def update(self, gradient: Array) -> None:
        """Weigh and step all experts of all coordinates, average, project."""
        state, domain, diameter = self.state, self._domain, 2.0 * self._reach
        outward = (self._average() - state.point).ravel()  # exactly zero where the average was in the domain
        distance = euclidean_norm(outward)
        row = (gradient / self._slope).ravel()
        if distance > 0.0:
            outward = outward / distance
            row = row - min(0.0, float(row @ outward)) * outward
        gains = self._rates * (state.unprojected - state.experts) * row / diameter
        state.losses = state.losses + gains**2 - gains
        state.squares = state.squares + row**2
        curvatures = 1.0 + 2.0 * self._rates**2 * state.squares
        steps = self._rates * (1.0 - 2.0 * gains) * row * diameter / curvatures
        state.experts = np.clip(state.experts - steps, -self._reach, self._reach)
        weights = self._prior * self._rates * np.exp(state.losses.min(axis=0) - state.losses)
        state.unprojected = np.sum(weights * state.experts, axis=0) / weights.sum(axis=0)
        state.point = domain.project(self._average())

    def _average(self) -> Array:
        """y, the point before it is projected."""
        return self._domain.start + self.state.unprojected.reshape(self._domain.shape)

    def memory(self, problem: Problem) -> Memory:
        """``2 N d + 3 d``: experts, their losses, point, unprojected point, squares."""
        d, number = problem.domain.dimension, rates_for(problem.horizon)
        return Memory("2 N d + 3 d", 2 * number * d + 3 * d)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        squares, rates = self.state.squares, self._rates
        complexity = 0.125 - np.log(self._prior) + 0.5 * np.log1p(2.0 * rates**2 * squares)
        unit = 2.0 * self._reach * self._slope
        return Bound(
            theorem="MetaGrad in every coordinate (van Erven, Koolen, van der Hoeven 2021), derived here",
            value=unit * float(np.sum(np.min(rates * squares + complexity / rates, axis=0))),
            constants=(
                Constant("diameter (max norm)", 2.0 * self._reach, "domain"),
                Constant.resolved("gradient bound (l2 norm)", self._slope, self.gradient_bound),
                Constant("sum of squared outcomes (l2 norm)", self._slope**2 * float(squares.sum()), "observed"),
            ),
            assumptions=(
                Assumption(
                    "no gradient was longer than the gradient bound", at_most(observed.largest_gradient, self._slope)
                ),
            ),
        )
