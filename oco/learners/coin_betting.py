"""Coin betting, a learner without a learning rate, as a reference for the value of tuning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.domains._vectors import euclidean_norm
from oco.learners._finite import finite_update
from oco.learners.base import GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive, positive_or_none, reach, required_gradient_bound
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class CoinState:
    """``bet`` is the unprojected point minus the start, ``coins`` the sum of outcomes ``-g / G``, ``wealth`` in G."""

    point: Array
    bet: Array
    coins: Array
    wealth: float
    round: int
    clipped: int


class CoinBetting(Learner):
    r"""Krichevsky-Trofimov coin betting: bet the fraction ``sum of outcomes / t`` of the wealth.

    .. math::
        c_t = -\tilde g_t / G, \qquad W_t = W_0 + \sum_{s \le t} \langle c_s, y_s \rangle, \qquad
        y_{t+1} = \frac{\sum_{s \le t} c_s}{t + 1} W_t, \qquad x_{t+1} = \Pi_K(y_{t+1})

    where, on a bounded domain, ``g~ = g - min(0, <g, v>) v`` with v the unit vector from x to y. This drops the part of
    the gradient that pushes further out of the domain, and the regret of y on g~ bounds that of x on g.

    Parameters
    ----------
    gradient_bound
        G with ``|g_t| <= G``; None for the problem's. A longer gradient is clipped to norm G, which voids the bound.
    initial_wealth
        W_0, in units of distance.

    Raises
    ------
    ConfigError
        At the start, if no gradient bound is given or stated.

    Notes
    -----
    Cost O(d) a round; state ``3 d + 3`` floats. Points are relative to the domain's start, u is any comparator:

    .. math::
        R_T(u) \le G |u| \sqrt{T \ln(1 + 24 T^2 |u|^2 / W_0^2)} + G W_0

    (Corollary 5; cited from memory and tested, not checked against the paper). On an unbounded domain the bound
    is stated for the comparator found by the tracker, at its distance from the start.

    References
    ----------
    Orabona, Pal, NeurIPS 2016, Algorithm 1 and Corollary 5; the reduction to a domain is Cutkosky, ICML 2020, Theorem 2
    (its number is cited from memory).

    Departures: none known.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import CoinBetting, Problem
    >>> learner = CoinBetting(gradient_bound=1.0)
    >>> learner.start(Problem(Unbounded(1), horizon=9))
    >>> for _ in range(3):
    ...     learner.update(np.array([-1.0]))
    >>> learner.prediction  # 3/4 of the wealth 1 + 0 + 1/2 + 2/3 * 3/2
    array([1.875])
    """

    name = "coin_betting"
    source = "Orabona, Pal 2016, Algorithm 1 and Corollary 5"
    guarantee = "G |u| sqrt(T ln(1 + 24 T^2 |u|^2/W_0^2)) + G W_0 for every u; |g| <= G"
    needs = (GRADIENT_BOUND,)
    look = Look("coin betting", "#B8A037", "s")
    state: CoinState

    def __init__(self, gradient_bound: float | None = None, initial_wealth: float = 1.0) -> None:
        self.gradient_bound = positive_or_none(self, "gradient_bound", gradient_bound)
        self.initial_wealth = positive(self, "initial_wealth", initial_wealth)

    def start(self, problem: Problem) -> None:
        """Start with all the wealth and no bet."""
        self._domain = problem.domain
        self._origin = problem.domain.start
        self._slope = self.gradient_bound or required_gradient_bound(self, problem, "gradient_bound")
        shape = problem.domain.shape
        self.state = CoinState(self._origin, np.zeros(shape), np.zeros(shape), self.initial_wealth, 0, 0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Collect the bet, place the next one, project, in O(d)."""
        state = self.state
        if not np.any(gradient):
            coin = np.zeros(gradient.shape)
        else:
            length = euclidean_norm(gradient)
            # With an allowance for rounding, because the bound may have been computed in another way.
            state.clipped += length > self._slope * (1.0 + 1e-12)
            coin = -gradient / max(length, self._slope)
        outward = self._origin + state.bet - state.point
        distance = euclidean_norm(outward)
        if distance > 0.0:
            outward = outward / distance
            coin = coin - max(0.0, float(np.vdot(coin, outward))) * outward
        state.round += 1
        # Bets below the whole wealth on outcomes of norm at most one keep it positive, except for rounding.
        state.wealth = max(state.wealth + float(np.vdot(coin, state.bet)), 0.0)
        state.coins = state.coins + coin
        state.bet = state.coins / (state.round + 1) * state.wealth
        state.point = self._domain.project(self._origin + state.bet)

    def memory(self, problem: Problem) -> Memory:
        """``3 d + 3``: point, bet, sum of outcomes, wealth, two counters."""
        return Memory("3 d + 3", 3 * problem.domain.dimension + 3)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; for all comparators of a bounded domain, else for the comparator found.

        None on an unbounded domain if no comparator is known before the game, as against adaptive adversaries.
        """
        bounded, rounds, wealth = observed.domain.bounded, observed.rounds, self.initial_wealth
        distance = reach(observed.domain) if bounded else observed.comparator_distance
        if np.isnan(distance):
            return None
        logarithm = np.log1p(24.0 * (rounds * distance / wealth) ** 2)
        return Bound(
            theorem="coin betting (Orabona, Pal 2016, Corollary 5)",
            value=self._slope * (distance * float(np.sqrt(rounds * logarithm)) + wealth),
            constants=(
                Constant("distance to the comparator (l2 norm)", distance, "domain" if bounded else "observed"),
                Constant.resolved("gradient bound (l2 norm)", self._slope, self.gradient_bound),
                Constant("initial wealth", wealth, "given"),
            ),
            assumptions=(Assumption("no gradient was longer than the gradient bound", self.state.clipped == 0),),
        )
