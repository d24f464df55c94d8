"""Implicit online gradient descent: proximal steps of the whole losses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from oco.errors import ConfigError
from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, required_diameter, required_gradient_bound, required_vector
from oco.needs import PROX, WHOLE_LOSS
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class ImplicitState:
    """``gap`` is ``sum f_t(x_t) - f_t(y_t) - |x_t - y_t|^2 / (2 eta_t)`` over the proximal points y_t."""

    point: Array
    round: int
    gap: float


class ImplicitOGD(Learner):
    r"""Implicit online gradient descent, which minimizes the loss that it was shown near the point that it played.

    .. math::
        y_t = \arg\min_y f_t(y) + \tfrac{1}{2 \eta_t} |y - x_t|^2, \qquad x_{t+1} = \Pi_K(y_t)

    Parameters
    ----------
    learning_rate
        c > 0; None for the theorem's, ``D / G`` for ``"sqrt"`` and ``D / (G sqrt(T))`` for ``"constant"``.
    schedule
        ``"sqrt"``: ``eta_t = c / sqrt(t)``; ``"constant"``: ``eta_t = c``.

    Notes
    -----
    Cost O(d) a round for losses of a margin, whose proximal point is a step along the row; state d + 2 floats.

    Regret on a domain of diameter D, with the gap ``delta_t = f_t(x_t) - f_t(y_t) - |x_t - y_t|^2 / (2 eta_t)``, which
    is between 0 and ``eta_t |g_t|^2 / 2``:

    .. math::
        R_T \le \frac{D^2}{2 \eta_T} + \sum_t \delta_t

    On linear losses the proximal point is the gradient step, and the learner is `OGD`.

    References
    ----------
    Kulis, Bartlett, ICML 2010; Campolongo, Orabona, NeurIPS 2020, Theorem 5.3 (its number is cited from memory; the
    bound is derived from the three-point inequality of the proximal step).

    Departures: the proximal step is taken in the whole space and then projected, which the bound covers; the paper
    minimizes over the domain.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.ImplicitOGD(learning_rate=1.0, schedule="constant")
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(oco.losses.RowLoss(oco.losses.Squared(), np.array([1.0, 0.0]), 4.0))
    >>> learner.prediction  # half way to the target, where a gradient step would reach it
    array([2., 0.])
    """

    name = "implicit_ogd"
    source = "Kulis, Bartlett 2010; Campolongo, Orabona 2020"
    guarantee = "D^2/(2 eta_T) + sum of proximal gaps, each at most eta_t |g_t|^2/2; bounded domain"
    decision = "vector"
    needs = (WHOLE_LOSS, PROX, DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"learning_rate": 0.5, "schedule": "constant"})
    look = Look("implicit OGD", "#222255", "s")
    state: ImplicitState

    def __init__(self, learning_rate: float | None = None, schedule: Literal["sqrt", "constant"] = "sqrt") -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        if schedule not in ("sqrt", "constant"):
            raise ConfigError(f"schedule of ImplicitOGD must be 'sqrt' or 'constant', got {schedule!r}")
        self.schedule: Literal["sqrt", "constant"] = schedule

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
        self._domain = problem.domain
        self.state = ImplicitState(problem.domain.start, 0, 0.0)

    @finite_update
    def update(self, loss: Any) -> None:
        """Take a proximal step of the loss, and project."""
        state = self.state
        state.round += 1
        step = self._step(state.round)
        moved = loss.prox(state.point, step)
        offset = (moved - state.point).ravel()
        fallen = float(loss.value(state.point)) - float(loss.value(moved))
        state.gap += max(fallen - float(offset @ offset) / (2.0 * step), 0.0)
        state.point = self._domain.project(moved)

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
        start = diameter**2 / (2.0 * self._step(observed.rounds))
        if self.schedule == "sqrt":
            steps = self._rate * math.sqrt(observed.rounds) * observed.largest_gradient**2
        else:
            steps = 0.5 * self._rate * observed.gradient_squares
        return Bound(
            theorem="implicit updates (Campolongo, Orabona 2020), from the gaps",
            value=start + self.state.gap,
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("sum of proximal gaps", self.state.gap, "observed"),
            ),
            variants={"with gradients for gaps": start + steps},
        )
