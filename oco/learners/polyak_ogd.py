"""Gradient descent with Polyak's step, which reaches for the infimum of every loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from oco.learners._finite import finite_update
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import finite, reach, required_vector
from oco.needs import WHOLE_LOSS
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class PolyakState:
    """The point, and the sum of ``(f_t(x_t) - infimum)^2 / |g_t|^2``."""

    point: Array
    squares: float


class PolyakOGD(Learner):
    r"""Online gradient descent with Polyak's step: as long as the loss is above its infimum, and no rate to tune.

    .. math::
        x_{t+1} = \Pi_K\Bigl(x_t - \frac{f_t(x_t) - f^*}{|g_t|^2} g_t\Bigr)

    Parameters
    ----------
    infimum
        f*, a lower bound on every loss, attained where some point is best in every round at once.

    Notes
    -----
    Cost O(d) a round; state d + 1 floats.

    Regret if one point of the domain attains f* in every round (interpolation), at a distance of at most R from x_1:

    .. math::
        \sum_t \frac{(f_t(x_t) - f^*)^2}{|g_t|^2} \le R^2, \qquad
        R_T = \sum_t f_t(x_t) - f^* \le R \sqrt{\sum_t |g_t|^2}

    Without interpolation a step of this length may be too long, and `AProx` limits it; a game does not check this
    assumption, so that it counts as violated.

    References
    ----------
    Polyak, Introduction to Optimization, 1987, Section 5.3 (cited from memory, derived here).

    Departures: none; losses below the infimum that was given make no step.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.PolyakOGD()
    >>> learner.start(oco.Problem(oco.Unbounded(1), horizon=9))
    >>> learner.update(oco.losses.RowLoss(oco.losses.Absolute(), np.array([2.0]), 6.0))
    >>> learner.prediction
    array([3.])
    """

    name = "polyak_ogd"
    source = "Polyak 1987, Section 5.3"
    guarantee = "R sqrt(sum |g_t|^2) if one point attains the infimum in every round"
    decision = "vector"
    needs = (WHOLE_LOSS,)
    look = Look("Polyak OGD", "#99DDFF", "s")
    state: PolyakState

    def __init__(self, infimum: float = 0.0) -> None:
        self.infimum = finite(self, "infimum", infimum)

    def start(self, problem: Problem) -> None:
        """Set the first point."""
        required_vector(self, problem)
        self._domain = problem.domain
        self.state = PolyakState(problem.domain.start, 0.0)

    @finite_update
    def update(self, loss: Any) -> None:
        """Step down to where the linear model of the loss meets the infimum, and project, in O(d)."""
        point = self.state.point
        gradient = np.asarray(loss.gradient(point))
        length = math.hypot(*gradient)
        above = float(loss.value(point)) - self.infimum
        if length == 0.0 or above <= 0.0:
            return
        self.state.squares += (above / length) ** 2
        self.state.point = self._domain.project(point - above / length * (gradient / length))

    def memory(self, problem: Problem) -> Memory:
        """``d + 1``: the point and a sum."""
        return Memory("d + 1", problem.domain.dimension + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        distance = reach(observed.domain)
        return Bound(
            theorem="Polyak's step under interpolation (derived here)",
            value=distance * math.sqrt(observed.gradient_squares),
            constants=(
                Constant("distance to the comparator (l2 norm)", distance, "domain"),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
            ),
            assumptions=(Assumption("one point was shown to attain the infimum in every round", False),),
        )
