"""AdaGrad with a single scalar: gradient descent tuned to the sum of squared gradients."""

from __future__ import annotations

import math

from oco.learners._gradient_descent import DescentState, GradientDescent, descent_memory
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, theorem_rate
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


class AdaGradNorm(Learner):
    r"""``x_{t+1} = P(x_t - eta g_t / sqrt(sum_{s<=t} |g_s|^2))`` with the Euclidean projection P.

    Parameters
    ----------
    learning_rate
        eta > 0; by default the theorem's, ``D / sqrt(2)`` with D the domain's l2 diameter.

    Notes
    -----
    *Cost* O(d) a round, O(nnz) in a loop over CSR rows. *State* d + 3 floats.

    *Regret*, for convex losses on a bounded domain: ``(D^2 / (2 eta) + eta) sqrt(sum_t |g_t|^2)``, which is ``sqrt(2) D
    sqrt(sum_t |g_t|^2)`` at the theorem's eta. It is never larger than the bound of any AdaGrad with a matrix in terms
    of the l2 diameter: ``tr(G^(1/2)) >= sqrt(tr G)``.

    References
    ----------
    Streeter and McMahan, 2010; Duchi, Hazan, Singer, JMLR 12 (2011). The constant is re-derived from their proof.

    Departures: none in the update; zero gradients before the first nonzero one do not move the point.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.AdaGradNorm(learning_rate=1.0)
    >>> learner.start(oco.Problem(domain=oco.Unbounded(2), horizon=10))
    >>> learner.update(np.array([3.0, -4.0]))
    >>> learner.prediction
    array([-0.6,  0.8])
    """

    name = "adagrad_norm"
    source = "Streeter and McMahan 2010; Duchi, Hazan, Singer, JMLR 2011"
    guarantee = "sqrt(2) D sqrt(sum |g_t|^2) on a bounded domain (learning rate D / sqrt 2)"
    needs = (DIAMETER,)
    look = Look("AdaGrad-norm", "#56B4E9", "D")
    state: DescentState

    def __init__(self, learning_rate: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)

    def start(self, problem: Problem) -> None:
        """Set the learning rate and the first point."""
        rate = self.learning_rate or theorem_rate(self, problem)
        self._descent = GradientDescent(problem.domain, "adaptive", rate)
        self.state = self._descent.first_state()

    def update(self, gradient: Array) -> None:
        """Add the squared norm of the gradient to the sum, step and project, in O(d)."""
        self._descent.update(self, gradient)

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        return self._descent.play_block(self, block)

    def memory(self, problem: Problem) -> Memory:
        """``d + 3`` floats, ``2 d + 3`` if a ball's center is not the origin."""
        return descent_memory(problem.domain)

    def bound(self, observed: Observed) -> Bound | None:
        """``(D^2 / (2 eta) + eta) sqrt(sum |g_t|^2)``; None on an unbounded domain."""
        diameter = observed.domain.diameter("l2")
        if not math.isfinite(diameter):
            return None
        rate = self._descent.rate
        return Bound(
            theorem="AdaGrad with a scalar, for any learning rate",
            value=(diameter**2 / (2.0 * rate) + rate) * math.sqrt(observed.gradient_squares),
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant.resolved("learning rate", rate, self.learning_rate),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
            ),
            assumptions=(Assumption("the domain is bounded", True),),
        )
