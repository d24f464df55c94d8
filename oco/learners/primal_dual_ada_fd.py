"""Primal-dual Ada-FD: Ada-FD by dual averaging."""

from __future__ import annotations

from typing import final

from oco.learners._primal_dual_bound import primal_dual_bound
from oco.learners._records import Recipe
from oco.learners._sketched import SketchedPlayer, SketchedState, checked_buffer, sketched_memory
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import positive, positive_or_none, renamed, required_reach, whole
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@final
class PrimalDualAdaFD(Learner):
    r"""Ada-FD by dual averaging.

    .. math::
        H_t = \epsilon I + \bar G_t^{1/2}, \qquad
        x_{t+1} = \arg\min_{x \in K} \eta \Bigl\langle \sum_{s \le t} g_s, x \Bigr\rangle
                  + \tfrac12 \langle x - x_1, H_t (x - x_1) \rangle

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch has k + 1 rows.
    learning_rate
        eta; None for the farthest comparator's distance from the start, the value for k = d.
    ridge
        epsilon, the multiple of the identity in H, added to the root; positive, in the unit of gradients.
    buffer
        As for `FDAdaGrad`.

    Notes
    -----
    Cost O(d k) a round; state is `FDAdaGrad`'s and the sum of gradients, d floats more.

    Regret bound: none is stated here unless nothing escaped, when it is primal-dual full-matrix AdaGrad, Theorem 7 of
    Duchi et al. (the published theorem, in run-time quantities, could not be confirmed).

    References
    ----------
    Wan, Wei, Zhang, IJCAI 2018, primal-dual form; cited from memory, not checked against the paper.

    Departures: not known, since the paper was not at hand.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.PrimalDualAdaFD(rank=1, learning_rate=1.0, ridge=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 0.0]))
    >>> learner.prediction
    array([-0.75,  0.  ])
    """

    name = "primal_dual_ada_fd"
    source = "Wan, Wei, Zhang 2018, primal-dual (cited from memory)"
    guarantee = "none stated, but primal-dual full-matrix AdaGrad's while nothing escaped"
    needs = (DIAMETER,)
    examples = ({"rank": 2}, {"rank": 50, "ridge": 20.0})
    look = Look("PD Ada-FD", "#EE9966", ">")
    state: SketchedState

    @renamed(delta="ridge")
    def __init__(
        self, rank: int, learning_rate: float | None = None, ridge: float = 1.0, buffer: int | None = None
    ) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.ridge = positive(self, "ridge", ridge)
        self.buffer = checked_buffer(self, buffer)

    def recipe(self, problem: Problem) -> Recipe:
        """``H = ridge I + Gbar^{1/2}`` on the sum of gradients; the theorem's eta where none was given."""
        rate = self.learning_rate or required_reach(self, problem)
        return Recipe(rate=rate, outer=self.ridge, compensation=0.0, averaging=True)

    def start(self, problem: Problem) -> None:
        """Resolve the recipe from the problem; begin at the domain's start with an empty sketch."""
        self._player = SketchedPlayer(self.recipe(problem), problem.domain, self.rank, self.buffer)
        self.state = self._player.first_state()

    def update(self, gradient: Array) -> None:
        """Sketch the gradient, and minimize the regularized sum of all gradients over the domain."""
        self._player.update(self, gradient)

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        return self._player.play_block(self, block)

    def memory(self, problem: Problem) -> Memory:
        """Floats of the state, from the shapes alone."""
        return sketched_memory(problem.domain, self.rank, self.buffer, averaging=True)

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far."""
        return self.state.sketch.escaped_mass

    def bound(self, observed: Observed) -> Bound | None:
        """Theorem 7 of Duchi et al. while nothing escaped; None afterwards or on an unbounded domain."""
        if self.escaped_mass > 0.0:
            return None
        return primal_dual_bound(
            observed,
            "AdaGrad, primal-dual (Duchi et al. 2011, Theorem 7)",
            "l2",
            Constant.resolved("learning rate", self._player.recipe.rate, self.learning_rate),
            Constant("ridge", self.ridge, "given"),
            float((self.state.sketch.eigenvalues**0.5).sum()),
            observed.largest_gradient,
        )
