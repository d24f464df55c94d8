"""What parameter-free learners with a matrix norm share: the bet in the norm of H, and the reduction to a domain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.domains._vectors import euclidean_norm
from oco.domains.base import Domain
from oco.learners._betting import conjugate, slope
from oco.learners._side import Side
from oco.learners.base import Learner, Problem
from oco.learners.requirements import reach, required_gradient_bound
from oco.metrics import LowRankPlusScaledIdentity
from oco.regret.bounds import Assumption, Bound, Constant, Observed, Origin
from oco.types import Array

INSIDE = 1e-9
"""A projection that moves a bet by less than this fraction of its length is rounding: the bet was in the domain."""


@dataclass
class ParameterFreeState:
    """``outcomes`` ``(d,)`` is s, ``squares`` V, and ``sketch`` that of the gradients over their bound."""

    point: Array
    outcomes: Array
    squares: float
    sketch: Side
    clipped: int


class ParameterFreePlayer:
    """Bets on the sum of outcomes in the norm of ``H = (I + Gbar + rho I)^{1/2}``, and projects in that norm.

    Gradients and their covariance are in units of the gradient bound, where every gradient has norm at most one.
    """

    def __init__(self, domain: Domain, rank: int, gradient_bound: Constant, scale: Constant) -> None:
        self.domain, self.rank = domain, rank
        self.gradient_bound, self.scale = gradient_bound.value, scale.value
        self._constants = gradient_bound, scale

    def first_state(self) -> ParameterFreeState:
        """No bet, and an empty sketch."""
        d = self.domain.dimension
        return ParameterFreeState(self.domain.start, np.zeros(d), 0.0, Side.empty(d, self.rank), 0)

    @staticmethod
    def norm(state: ParameterFreeState) -> LowRankPlusScaledIdentity:
        """H."""
        return state.sketch.metric(1.0).power(0.5)

    def bet(self, state: ParameterFreeState, dual: LowRankPlusScaledIdentity) -> Array:
        """``-epsilon F_V'(z) H^{-1} s / z`` with ``z = |s|_{H^{-1}}``: the unprojected point, from the start.

        ``dual`` is ``H^{-1}``.
        """
        direction = dual.apply(state.outcomes)
        z = math.sqrt(max(float(state.outcomes @ direction), 0.0))
        return direction * (-self.scale * slope(z, state.squares) / z) if z > 0.0 else np.zeros(direction.size)

    def update(self, state: ParameterFreeState, gradient: Array) -> None:
        """Collect the outcome of the bet that was projected, sketch the gradient, and bet again."""
        length = euclidean_norm(gradient)
        # With an allowance for rounding, because the bound may have been computed in another way.
        state.clipped += length > self.gradient_bound * (1.0 + 1e-12)
        row = (gradient / max(length, self.gradient_bound)).ravel()
        norm = self.norm(state)
        dual = norm.power(-1.0)
        outcome = row + self._inward(state, norm, dual, row)
        state.squares += float(outcome @ dual.apply(outcome))
        state.outcomes = state.outcomes + outcome
        state.sketch.update(row[None], 1.0)
        norm = self.norm(state)
        target = self.domain.start + self.bet(state, norm.power(-1.0)).reshape(self.domain.shape)
        inside = self.domain.contains(target, tolerance=0.0)
        state.point = target if inside else self.domain.project_in(target, norm)

    def _inward(
        self, state: ParameterFreeState, norm: LowRankPlusScaledIdentity, dual: LowRankPlusScaledIdentity, row: Array
    ) -> Array:
        """``max(0, -<c, v>) H v``, with v the unit vector from the point to the bet; zero where they agree."""
        offset = (state.point - self.domain.start).ravel()
        bet = self.bet(state, dual)
        outward = bet - offset
        if not outward.any():
            return np.zeros(row.size)
        normal = norm.apply(outward)
        beyond = math.sqrt(max(float(outward @ normal), 0.0))
        if beyond <= INSIDE * math.sqrt(max(float(bet @ norm.apply(bet)), 0.0)):
            return np.zeros(row.size)
        return max(0.0, -float(row @ outward) / beyond) * normal / beyond

    def bound(self, state: ParameterFreeState, observed: Observed, theorem: str) -> Bound | None:
        """``G epsilon F_V*(|u - x_1|_H / epsilon)`` for the comparator found, else for all of a bounded domain."""
        norm, origin = self.norm(state), _origin(observed)
        if observed.comparator is not None:
            offset = (observed.comparator - self.domain.start).ravel()
            distance = math.sqrt(float(offset @ norm.apply(offset)))
        elif observed.domain.bounded:
            distance = reach(observed.domain) * math.sqrt(norm.largest)
        else:
            return None
        unit = self.gradient_bound * self.scale
        variants: dict[str, float] = {}
        if observed.spectrum is not None:
            trace = 2.0 * observed.spectrum.trace_root().upper / self.gradient_bound
            variants["with 2 tr G^(1/2) for the squares"] = unit * conjugate(distance / self.scale, trace)
        return Bound(
            theorem=theorem,
            value=unit * conjugate(distance / self.scale, state.squares),
            constants=(
                Constant("distance to the comparator (H norm)", distance, origin),
                Constant("sum of squared outcomes (dual norm)", state.squares, "observed"),
                *self._constants,
            ),
            assumptions=(Assumption("no gradient was longer than the gradient bound", state.clipped == 0),),
            variants=variants,
        )


def parameter_free_player(
    learner: Learner, problem: Problem, rank: int, gradient_bound: float | None, scale: float | None
) -> ParameterFreePlayer:
    """The player of a learner on ``problem``; by default epsilon is a quarter of the domain's reach, or 1."""
    bound = gradient_bound or required_gradient_bound(learner, problem, "gradient_bound") or 1.0
    widest = 0.25 * reach(problem.domain) if problem.domain.bounded else 1.0
    epsilon = scale or widest or 1.0
    return ParameterFreePlayer(
        problem.domain,
        min(rank, problem.domain.dimension),
        Constant.resolved("gradient bound (l2 norm)", bound, gradient_bound),
        Constant.resolved("scale", epsilon, scale),
    )


def _origin(observed: Observed) -> Origin:
    """Where the comparator comes from."""
    return "domain" if observed.comparator is None else "observed"
