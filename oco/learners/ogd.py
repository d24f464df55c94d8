"""Online gradient descent."""

from __future__ import annotations

import math
from typing import Literal

from oco.errors import ConfigError
from oco.learners._gradient_descent import DescentState, GradientDescent, descent_memory
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, required_diameter, required_gradient_bound
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array

Schedule = Literal["sqrt", "constant", "strongly_convex"]


class OGD(Learner):
    r"""Online gradient descent: ``x_{t+1} = P(x_t - eta_t g_t)`` with the Euclidean projection P.

    Parameters
    ----------
    learning_rate
        c > 0. By default the theorem's: ``D / G`` for ``"sqrt"``, ``D / (G sqrt(T))`` for ``"constant"``, and ``1 /
        sigma`` for ``"strongly_convex"``, with D the domain's l2 diameter, G the environment's bound on gradients, T
        the horizon and sigma the environment's strong convexity.
    schedule
        ``"sqrt"``: ``eta_t = c / sqrt(t)``; ``"constant"``: ``eta_t = c``; ``"strongly_convex"``: ``eta_t = c / t``.

    Notes
    -----
    *Cost* O(d) a round, O(nnz) in a loop over CSR rows. *State* d + 3 floats.

    *Regret*, for convex losses on a bounded domain with ``|g_t| <= G``: ``D^2 sqrt(T) / (2 c) + c G^2 sqrt(T)`` for
    ``"sqrt"`` (with ``c = D / G``: ``3/2 D G sqrt(T)``); ``D^2 / (2 c) + (c / 2) sum_t |g_t|^2`` for ``"constant"``;
    ``(c G^2 / 2)(1 + ln T)`` for ``"strongly_convex"`` with ``c >= 1 / sigma``.

    References
    ----------
    Zinkevich, ICML 2003; Hazan, Agarwal, Kale, Machine Learning 69 (2007); the constants for a general c are re-derived
    from the usual proof and agree with Hazan, Introduction to Online Convex Optimization, Theorems 3.1 and 3.3.

    Departures: none in the update; the constant c is free, and the bounds are re-derived for it.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.OGD(learning_rate=0.5, schedule="constant")
    >>> learner.start(oco.Problem(domain=oco.Unbounded(2), horizon=10))
    >>> learner.update(np.array([1.0, -2.0]))
    >>> learner.prediction
    array([-0.5,  1. ])
    """

    name = "ogd"
    source = "Zinkevich, ICML 2003; Hazan, Introduction to Online Convex Optimization, Theorems 3.1, 3.3"
    guarantee = "3/2 D G sqrt(T) on a bounded domain (schedule sqrt, learning rate D / G)"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = (
        {},
        {"learning_rate": 0.5, "schedule": "constant"},
        {"learning_rate": 2.0, "schedule": "strongly_convex"},
    )
    look = Look("OGD", "#7F7F7F", "s")
    state: DescentState

    def __init__(self, learning_rate: float | None = None, schedule: Schedule = "sqrt") -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        if schedule not in ("sqrt", "constant", "strongly_convex"):
            raise ConfigError(f"schedule of OGD must be 'sqrt', 'constant' or 'strongly_convex', got {schedule!r}")
        self.schedule: Schedule = schedule

    def start(self, problem: Problem) -> None:
        """Set the learning rate and the first point."""
        self._curvature = problem.strong_convexity
        rate = self._theorem_rate(problem) if self.learning_rate is None else self.learning_rate
        self._descent = GradientDescent(problem.domain, self.schedule, rate)
        self.state = self._descent.first_state()

    def update(self, gradient: Array) -> None:
        """``x <- P(x - eta_t gradient)``, in O(d)."""
        self._descent.update(self, gradient)

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        return self._descent.play_block(self, block)

    def memory(self, problem: Problem) -> Memory:
        """``d + 3`` floats, ``2 d + 3`` if a ball's center is not the origin."""
        return descent_memory(problem.domain)

    def _theorem_rate(self, problem: Problem) -> float:
        if self.schedule == "strongly_convex":
            if not problem.strong_convexity:
                raise ConfigError("OGD with schedule 'strongly_convex' needs a learning_rate or strongly convex losses")
            return 1.0 / problem.strong_convexity
        # If all gradients are zero, any rate works.
        rate = required_diameter(self, problem) / (required_gradient_bound(self, problem, "learning_rate") or 1.0)
        return rate / math.sqrt(problem.horizon) if self.schedule == "constant" else rate

    def bound(self, observed: Observed) -> Bound | None:
        """The schedule's theorem, for the learning rate in use; None on an unbounded domain."""
        diameter = observed.domain.diameter("l2")
        if not math.isfinite(diameter) or observed.rounds == 0:
            return None
        rate, rounds, largest = self._descent.rate, observed.rounds, observed.largest_gradient
        constants = [
            Constant("diameter (l2 norm)", diameter, "domain"),
            Constant.resolved("learning rate", rate, self.learning_rate),
            Constant("largest gradient (l2 norm)", largest, "observed"),
        ]
        assumptions = [Assumption("the domain is bounded", True)]
        if self.schedule == "sqrt":
            theorem = "Hazan, OCO, Theorem 3.1, for any learning rate"
            value = math.sqrt(rounds) * (diameter**2 / (2.0 * rate) + rate * largest**2)
        elif self.schedule == "constant":
            theorem = "Zinkevich 2003, constant learning rate"
            value = diameter**2 / (2.0 * rate) + 0.5 * rate * observed.gradient_squares
            constants[2] = Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed")
        else:
            theorem = "Hazan, Agarwal, Kale 2007, Theorem 1"
            value = 0.5 * rate * largest**2 * (1.0 + math.log(rounds))
            curvature = self._curvature or 0.0
            constants.append(Constant("strong convexity sigma (l2 norm)", curvature, "domain"))
            assumptions.append(
                Assumption(
                    "losses are sigma-strongly convex with learning rate >= 1 / sigma", rate * curvature >= 1.0 - 1e-12
                )
            )
        return Bound(theorem, value, tuple(constants), tuple(assumptions))
