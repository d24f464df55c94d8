"""The truncated model of aProx: a gradient step that stops where the loss's linear model meets its infimum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from oco.errors import ConfigError
from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import (
    finite,
    positive_or_none,
    required_diameter,
    required_gradient_bound,
    required_vector,
)
from oco.needs import WHOLE_LOSS
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class ModelState:
    """``gap`` is ``sum s_t |g_t|^2 - s_t^2 |g_t|^2 / (2 eta_t)`` over the steps s_t that were made."""

    point: Array
    round: int
    gap: float


class AProx(Learner):
    r"""aProx with the truncated model: proximal steps of a better model of the loss than its linear one.

    .. math::
        x_{t+1} = \Pi_K(x_t - s_t g_t), \qquad s_t = \min\Bigl(\eta_t, \frac{f_t(x_t) - f^*}{|g_t|^2}\Bigr)

    which is the proximal step of ``max(f_t(x_t) + <g_t, x - x_t>, f*)``.

    Parameters
    ----------
    learning_rate
        c > 0; None for the theorem's, ``D / G`` for ``"sqrt"`` and ``D / (G sqrt(T))`` for ``"constant"``.
    schedule
        ``"sqrt"``: ``eta_t = c / sqrt(t)``; ``"constant"``: ``eta_t = c``.
    infimum
        f*, a lower bound on every loss.

    Notes
    -----
    Cost O(d) a round; state d + 2 floats.

    Regret on a domain of diameter D if no loss falls below f*, since the model lies below the loss:

    .. math::
        R_T \le \frac{D^2}{2 \eta_T} + \sum_t s_t |g_t|^2 - \frac{s_t^2 |g_t|^2}{2 \eta_t}
            \le \frac{D^2}{2 \eta_T} + \sum_t \frac{\eta_t}{2} |g_t|^2

    Where the steps are Polyak's, at any learning rate however large, the learner is `PolyakOGD`.

    References
    ----------
    Asi, Duchi, SIAM J. Optim. 29 (2019), the truncated model (cited from memory; the bound is derived here, as that of
    `ImplicitOGD` for the model).

    Departures: projects after the step; the paper minimizes over the domain.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.AProx(learning_rate=100.0)
    >>> learner.start(oco.Problem(oco.Unbounded(1), horizon=9))
    >>> learner.update(oco.losses.RowLoss(oco.losses.Absolute(), np.array([2.0]), 6.0))
    >>> learner.prediction  # a gradient step would be 200 long
    array([3.])
    """

    name = "aprox"
    source = "Asi, Duchi 2019, the truncated model"
    guarantee = (
        "D^2/(2 eta_T) + sum of gaps, each at most eta_t |g_t|^2/2; bounded domain, losses of at least the infimum"
    )
    decision = "vector"
    needs = (WHOLE_LOSS, DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"learning_rate": 0.5, "schedule": "constant"})
    look = Look("aProx", "#BBCC33", "s")
    state: ModelState

    def __init__(
        self,
        learning_rate: float | None = None,
        schedule: Literal["sqrt", "constant"] = "sqrt",
        infimum: float = 0.0,
    ) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        if schedule not in ("sqrt", "constant"):
            raise ConfigError(f"schedule of AProx must be 'sqrt' or 'constant', got {schedule!r}")
        self.schedule: Literal["sqrt", "constant"] = schedule
        self.infimum = finite(self, "infimum", infimum)

    def start(self, problem: Problem) -> None:
        """Set the learning rate and the first point."""
        required_vector(self, problem)
        if self.learning_rate is None:
            slope = required_gradient_bound(self, problem, "learning_rate") or 1.0
            self._rate = required_diameter(self, problem) / slope
            if self.schedule == "constant":
                self._rate /= math.sqrt(problem.horizon)
        else:
            self._rate = self.learning_rate
        self._above = problem.loss is not None and problem.loss.infimum >= self.infimum
        self._domain = problem.domain
        self.state = ModelState(problem.domain.start, 0, 0.0)

    @finite_update
    def update(self, loss: Any) -> None:
        """Step along the gradient, no further than to the infimum of the model, and project, in O(d)."""
        state = self.state
        state.round += 1
        gradient = np.asarray(loss.gradient(state.point))
        length = math.hypot(*gradient)
        above = max(float(loss.value(state.point)) - self.infimum, 0.0)
        if length == 0.0 or above == 0.0:
            return
        longest = self._step(state.round)
        moved = min(longest * length, above / length)  # |s_t g_t|
        state.gap += moved * (length - moved / (2.0 * longest))
        state.point = self._domain.project(state.point - moved * (gradient / length))

    def _step(self, round_index: int) -> float:
        return self._rate / math.sqrt(round_index) if self.schedule == "sqrt" else self._rate

    def memory(self, problem: Problem) -> Memory:
        """``d + 2``: the point, the round, the sum of gaps."""
        return Memory("d + 2", problem.domain.dimension + 2)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        diameter = observed.domain.diameter("l2")
        if not math.isfinite(diameter) or observed.rounds == 0:
            return None
        return Bound(
            theorem="aProx with the truncated model (Asi, Duchi 2019), derived here from the gaps",
            value=diameter**2 / (2.0 * self._step(observed.rounds)) + self.state.gap,
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("sum of gaps of the models", self.state.gap, "observed"),
            ),
            assumptions=(Assumption(f"the losses are known to be at least {self.infimum:g}", self._above),),
        )
