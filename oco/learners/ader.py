"""Ader, which plays a learner with many learning rates at once and weighs them, for comparators that move."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oco.errors import ConfigError
from oco.learners._experts import advance, checked_base, loss_range, point_of
from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.fd_adagrad import FDAdaGrad
from oco.learners.ogd import OGD
from oco.learners.requirements import required_diameter, required_gradient_bound, whole
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class AderState:
    """``losses`` ``(N,)`` are cumulative linear losses of the experts, ``squared_ranges`` sums their squared ranges."""

    point: Array
    losses: Array
    squared_ranges: float
    experts: list[Any]


class Ader(Learner):
    r"""A grid of learning rates, one expert for each, weighed by Hedge on linearized losses.

    .. math::
        x_t = \sum_i p_{t,i} x_t^i, \qquad
        p_{t,i} \propto \frac{1}{i (i + 1)} \exp\Bigl(-\alpha \sum_{s<t} \langle g_s, x_s^i \rangle\Bigr), \qquad
        \eta_i = 2^{i-1} \eta_1

    Parameters
    ----------
    base
        The experts' learner, one of gradients with a ``learning_rate``; ``OGD(schedule="constant")`` by default. Its
        learning rate is the smallest one, eta_1; for OGD None means ``D / (G sqrt(T))``.
    experts
        N; None for ``ceil(log2(1 + 2 T) / 2) + 1``, enough for every path that a comparator can take.

    Raises
    ------
    ConfigError
        If the base needs other feedback than gradients, has no learning rate, or is not told its smallest one; at the
        start, if the domain is unbounded or no gradient bound is stated.

    Notes
    -----
    All experts are shown the gradient at the point that was played, so one gradient a round is enough. Cost N times the
    base's and O(N d); state N times the base's and ``d + N + 1`` floats. The rate of Hedge is
    ``alpha = sqrt(8 / T) / (G D)``.

    With base ``OGD(schedule="constant")``, for every sequence u_1, ..., u_T in the domain of path length
    ``P = sum_t |u_t - u_{t-1}|``,

    .. math::
        \sum_t f_t(x_t) - f_t(u_t) \le \min_i \frac{D^2 + 2 D P}{2 \eta_i} + \frac{\eta_i}{2} \sum_t |g_t|^2
        + \frac{2 \ln(i + 1)}{\alpha} + \frac{\alpha}{8} \sum_t (\max_j \langle g_t, x_t^j \rangle
        - \min_j \langle g_t, x_t^j \rangle)^2,

    which is ``O(G sqrt(T D (D + P)))``, up to a double logarithm. `dynamic_bound` is this number. `bound`, on the
    regret against a fixed point, has the base's own bound for the first two terms, whichever learner it is. For another
    base than OGD no bound on the dynamic regret is promised.

    References
    ----------
    Zhang, Lu, Zhou, "Adaptive online learning in dynamic environments", NeurIPS 2018, Algorithms 3 and 4 and Theorem 4
    (improved Ader; the number of the theorem is cited from memory). The constants are derived here and tested. The
    theorem promises the best expert's dynamic regret and that of Hedge on top. Where speeds of drift alternate
    (`drifting_regression` with the motion "phases") it can have less than every single rate; the tests have such a
    game.

    Departures: the grid begins at ``D / (G sqrt(T))`` where the paper's has ``sqrt(7/2)`` times that, because the bound
    of the experts is a little tighter; the prior weights are ``1 / (i (i + 1))`` up to their sum. Other bases are an
    extension.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.Ader(oco.FDAdaGrad(rank=2, learning_rate=0.1), experts=3)
    >>> learner.start(oco.Problem(oco.Ball(dimension=4), horizon=9, gradient_bound=1.0))
    >>> learner.update(np.array([1.0, 0.0, 0.0, 0.0]))  # experts step by 0.1, 0.2 and 0.4
    >>> learner.prediction.round(6)
    array([-0.155556,  0.      ,  0.      ,  0.      ])
    """

    name = "ader"
    source = "Zhang, Lu, Zhou, NeurIPS 2018, Algorithms 3 and 4, Theorem 4"
    guarantee = "min_i (D^2 + 2DP)/(2 eta_i) + eta_i sum |g|^2/2 + meta regret, for every path of length P (base OGD)"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"base": FDAdaGrad(rank=2, learning_rate=0.5)}, {"experts": 2})
    look = Look("Ader", "#88CCEE", "H")
    parts = ("base",)
    state: AderState

    def __init__(self, base: Learner | None = None, experts: int | None = None) -> None:
        self.base = checked_base(self, OGD(schedule="constant") if base is None else base)
        rate = self.base.hyperparameters().get("learning_rate", math.nan)
        if rate is None and not self._plain_descent:
            raise ConfigError(f"base of Ader must be given its smallest learning_rate, got {base!r}")
        if rate is not None and math.isnan(rate):
            raise ConfigError(f"base of Ader must have a learning_rate, got {base!r}")
        self.experts = None if experts is None else whole(self, "experts", experts)

    @property
    def _plain_descent(self) -> bool:
        """Whether the experts are those of the theorem."""
        return isinstance(self.base, OGD) and self.base.schedule == "constant"

    def start(self, problem: Problem) -> None:
        """Start an expert with every rate of the grid."""
        smallest = self.base.hyperparameters()["learning_rate"]
        if smallest is None:
            slope = required_gradient_bound(self.base, problem, "learning_rate") or 1.0
            smallest = required_diameter(self.base, problem) / (slope * math.sqrt(problem.horizon))
        self._rates = smallest * 2.0 ** np.arange(self._count(problem))
        self._rate = math.sqrt(8.0 / problem.horizon) / loss_range(self, problem)
        order = np.arange(1.0, self._rates.size + 1.0)
        self._prior = 1.0 / (order * (order + 1.0))
        self._prior /= self._prior.sum()
        given = self.base.hyperparameters()
        self._experts = [type(self.base)(**(given | {"learning_rate": float(rate)})) for rate in self._rates]
        for expert in self._experts:
            expert.start(problem)
        states = [expert.state for expert in self._experts]
        self.state = AderState(problem.domain.start, np.zeros(self._rates.size), 0.0, states)

    def _count(self, problem: Problem) -> int:
        return self.experts or math.ceil(0.5 * math.log2(1.0 + 2.0 * problem.horizon)) + 1

    @finite_update
    def update(self, gradient: Array) -> None:
        """Add the experts' linear losses, let each take its step, and average their points with the new weights."""
        state = self.state
        pairs = list(zip(self._experts, state.experts, strict=True))
        losses = np.array([float(np.vdot(gradient, point_of(*pair))) for pair in pairs])
        state.losses = state.losses + losses
        state.squared_ranges += float(np.ptp(losses)) ** 2
        state.experts = [advance(*pair, gradient) for pair in pairs]
        weights = self._prior * np.exp(-self._rate * (state.losses - state.losses.min()))
        points = [point_of(*pair) for pair in zip(self._experts, state.experts, strict=True)]
        state.point = np.tensordot(weights / weights.sum(), points, axes=1)

    def memory(self, problem: Problem) -> Memory | None:
        """``N`` times the base's, and ``d + N + 1``: the point, the losses of experts, one sum."""
        base, count = self.base.memory(problem), self._count(problem)
        if base is None:
            return None
        size = count * base.floats + problem.domain.dimension + count + 1
        return Memory(f"{count} ({base.formula}) + d + {count + 1}", size)

    def bound(self, observed: Observed) -> Bound | None:
        """The regret against a fixed point: the least of the experts' bounds, plus the regret against that expert."""
        found = []
        for i, (expert, state) in enumerate(zip(self._experts, self.state.experts, strict=True)):
            expert.state = state
            bound = expert.bound(observed)
            if bound is not None:
                found.append(replace(bound, value=bound.value + self._regret_against(i), variants={}))
        if not found:
            return None
        best = min(found, key=lambda bound: (not bound.valid, bound.value))
        return replace(best, theorem=f"Ader (Zhang, Lu, Zhou 2018) over {best.theorem}")

    def dynamic_bound(self, observed: Observed, path_length: float) -> Bound | None:
        """The inequality in the notes of the class, for comparators of this path length; None for another base."""
        diameter = observed.domain.diameter("l2")
        if not self._plain_descent:
            return None
        values = [
            (diameter**2 + 2.0 * diameter * path_length) / (2.0 * rate)
            + 0.5 * rate * observed.gradient_squares
            + self._regret_against(i)
            for i, rate in enumerate(self._rates)
        ]
        return Bound(
            theorem="Ader (Zhang, Lu, Zhou 2018), Theorem 4",
            value=min(values),
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant("path length (l2 norm)", path_length, "given"),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
                Constant("learning rate", float(self._rates[int(np.argmin(values))]), "domain"),
            ),
        )

    def _regret_against(self, i: int) -> float:
        """Hedge's bound on the linear loss of the points played minus that of expert i."""
        return -math.log(self._prior[i]) / self._rate + 0.125 * self._rate * self.state.squared_ranges
