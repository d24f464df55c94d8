"""AdaGrad in its primal-dual (dual averaging) form with a full matrix."""

from __future__ import annotations

from typing import final

import numpy as np

from oco.learners._primal_dual_bound import primal_dual_bound
from oco.learners._records import Recipe
from oco.learners._sketched import SketchedPlayer, SketchedState, sketched_memory
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none, renamed, required_gradient_bound, required_reach
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@final
class PrimalDualFullMatrixAdaGrad(Learner):
    r"""Full-matrix AdaGrad by dual averaging.

    .. math::
        H_t = \epsilon I + G_t^{1/2}, \quad G_t = \sum_{s \le t} g_s g_s^\top, \qquad
        x_{t+1} = \arg\min_{x \in K} \eta \Bigl\langle \sum_{s \le t} g_s, x \Bigr\rangle
                  + \tfrac12 \langle x - x_1, H_t (x - x_1) \rangle

    Parameters
    ----------
    learning_rate
        eta; None for the farthest comparator's distance from the start.
    ridge
        epsilon, the multiple of the identity in H, added to the root; None for the problem's gradient bound.

    Notes
    -----
    Cost O(d^3) a round, one matrix product: it is the sketched learner at rank d, which never loses anything. State
    ``d^2 + 3 d + 9`` floats. With a ridge of at least every ``|g_t|_2``,

    .. math::
        R_T \le \tfrac{\epsilon}{\eta} |x^*|^2 + \Bigl(\tfrac{1}{\eta} |x^*|^2 + \eta\Bigr) \mathrm{tr}(G_T^{1/2})

    with x* relative to the start. The first two terms can be halved (derived here; a variant of the bound).

    References
    ----------
    Duchi, Hazan, Singer, JMLR 12 (2011), equation PD, Theorem 7.

    Departures: the regularizer is centered at the domain's start, not at the origin.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import PrimalDualFullMatrixAdaGrad, Problem
    >>> learner = PrimalDualFullMatrixAdaGrad(learning_rate=1.0, ridge=5.0)
    >>> learner.start(Problem(Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 4.0]))
    >>> np.round(learner.prediction, 12)
    array([-0.3, -0.4])
    """

    name = "primal_dual_full_matrix_adagrad"
    source = "Duchi, Hazan, Singer 2011, Theorem 7 (primal-dual)"
    guarantee = "ridge/eta |x*|^2 + (|x*|^2/eta + eta) tr G^(1/2); ridge >= max |g|_2"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"ridge": 0.0})
    look = Look("PD full-matrix AdaGrad", "#555555", "*")
    state: SketchedState

    @renamed(delta="ridge")
    def __init__(self, learning_rate: float | None = None, ridge: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.ridge = None if ridge is None else nonnegative(self, "ridge", ridge)

    def recipe(self, problem: Problem) -> Recipe:
        """``H = ridge I + G^{1/2}`` on the sum of gradients; the theorem's eta and ridge where they are not given."""
        rate = self.learning_rate or required_reach(self, problem)
        ridge = required_gradient_bound(self, problem, "ridge") if self.ridge is None else self.ridge
        return Recipe(rate=rate, outer=ridge, averaging=True)

    def start(self, problem: Problem) -> None:
        """Resolve the recipe from the problem; begin at the domain's start with an empty sketch."""
        self._player = SketchedPlayer(self.recipe(problem), problem.domain, problem.domain.dimension, 0)
        self.state = self._player.first_state()

    def update(self, gradient: Array) -> None:
        """Add ``g g'`` to the eigen-decomposition and g to the sum, and minimize over the domain."""
        self._player.update(self, gradient)

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        return self._player.play_block(self, block)

    def memory(self, problem: Problem) -> Memory:
        """Floats of the state, from the shapes alone."""
        return sketched_memory(problem.domain, problem.domain.dimension, 0, averaging=True)

    @property
    def escaped_mass(self) -> float:
        """``rho``, which is 0: nothing is subtracted."""
        return self.state.sketch.escaped_mass

    def bound(self, observed: Observed) -> Bound | None:
        """Theorem 7; None on an unbounded domain."""
        known = np.sqrt(self.state.sketch.eigenvalues)
        trace = float(known.sum()) if observed.spectrum is None else observed.spectrum.trace_root().upper
        return primal_dual_bound(
            observed,
            "AdaGrad, primal-dual (Duchi et al. 2011, Theorem 7)",
            "l2",
            Constant.resolved("learning rate", self._player.recipe.rate, self.learning_rate),
            Constant.resolved("ridge", self._player.recipe.outer, self.ridge),
            trace,
            observed.largest_gradient,
        )
