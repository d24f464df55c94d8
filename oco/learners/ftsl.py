"""FTSL: follow the sketchy leader, primal-dual AdaGrad on a sketch plus the escaped mass."""

from __future__ import annotations

import math
from typing import final

import numpy as np

from oco.learners._records import Recipe
from oco.learners._sketched import SketchedPlayer, SketchedState, checked_buffer, sketched_memory
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import (
    at_most,
    nonnegative,
    positive_or_none,
    reach,
    renamed,
    required_gradient_bound,
    required_reach,
    whole,
)
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.sketching.state import SketchState
from oco.types import Array


@final
class FTSL(Learner):
    r"""Primal-dual AdaGrad on a Frequent Directions sketch with the escaped mass put back.

    .. math::
        (\rho_t, \bar G_t) = \mathrm{FD}(\bar G_{t-1}, g_t g_t^\top), \qquad
        H_t = \epsilon I + (\bar G_t + \rho_{1:t} I)^{1/2}, \qquad
        x_{t+1} = \arg\min_{x \in K} \eta \Bigl\langle \sum_{s \le t} g_s, x \Bigr\rangle
                  + \tfrac12 \langle x - x_1, H_t (x - x_1) \rangle

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch size is k + 1.
    learning_rate
        eta; None for ``|x*| / sqrt(2)`` at the farthest comparator from the start.
    ridge
        epsilon, the multiple of the identity in H, added to the root; None for the problem's gradient bound.
    buffer
        As for `FDAdaGrad`.

    Notes
    -----
    Cost O(d k) a round; state is `FDAdaGrad`'s and the sum of gradients, d floats more. At ``k >= d - 1`` it is
    `PrimalDualFullMatrixAdaGrad`.

    With a ridge of at least every ``|g_t|``, x* relative to the start and ``rho <= Omega_{k+1}``,

    .. math::
        R_T \le \frac{|x^*|^2}{2 \eta} \Bigl(\epsilon + \sqrt{\lambda_1(\bar G_T) + \rho_{1:T}}\Bigr)
              + \eta\, \mathrm{tr}(G_T^{1/2})

    (derived here: the published constants were not seen). No factor d multiplies
    ``sqrt(rho)``; but as ``sqrt(rho) <= tr(G^{1/2})`` for every k, the bound does not say what a larger sketch gains.

    References
    ----------
    Yang, Wan, Li, Wang, Zhang, Wei, Zhang, ICML 2025. Its abstract states that Frequent Directions is used in the
    primal-dual framework, that all that was discarded is added back, and that the regret bound is free of d; update and
    bound here have these properties. How the discarded part enters H, the ridge and the constants are reconstructed.

    Departures: not known beyond that, since the algorithm's text was not at hand.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.FTSL(rank=1, learning_rate=1.0, ridge=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 0.0]))
    >>> learner.prediction
    array([-0.75,  0.  ])
    """

    name = "ftsl"
    source = "Yang et al. 2025 (abstract confirms the parts, details reconstructed), bound derived here"
    guarantee = "|x*|^2/(2 eta) (ridge + sqrt(lambda_1(Gbar) + rho)) + eta tr G^(1/2); ridge >= max |g|_2"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({"rank": 2}, {"rank": 50, "ridge": 0.0})
    look = Look("FTSL", "#AA4499", "h")
    state: SketchedState

    @renamed(delta="ridge")
    def __init__(
        self,
        rank: int,
        learning_rate: float | None = None,
        ridge: float | None = None,
        buffer: int | None = None,
    ) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.ridge = None if ridge is None else nonnegative(self, "ridge", ridge)
        self.buffer = checked_buffer(self, buffer)

    def recipe(self, problem: Problem) -> Recipe:
        """``H = ridge I + (Gbar + rho I)^{1/2}`` on the sum of gradients; eta and ridge of the theorem if not given."""
        rate = self.learning_rate or required_reach(self, problem) / math.sqrt(2.0)
        ridge = required_gradient_bound(self, problem, "ridge") if self.ridge is None else self.ridge
        return Recipe(rate=rate, outer=ridge, averaging=True)

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
        """See the notes of the class; None on an unbounded domain."""
        recipe = self._player.recipe
        rate = Constant.resolved("learning rate", recipe.rate, self.learning_rate)
        ridge = Constant.resolved("ridge", recipe.outer, self.ridge)
        return ftsl_bound(self, observed, self.state.sketch, rate, ridge)


def ftsl_bound(
    learner: Learner, observed: Observed, sketch: SketchState, rate: Constant, ridge: Constant
) -> Bound | None:
    """The bound in the notes of `FTSL`; None on an unbounded domain."""
    if not observed.domain.bounded:
        return None
    eta, distance = rate.value, reach(observed.domain)
    largest = math.sqrt(float(sketch.eigenvalues.max(initial=0.0)) + sketch.escaped_mass)
    if observed.spectrum is not None:
        trace = observed.spectrum.trace_root().upper
    else:  # G <= Gbar + rho I
        rest = (sketch.dimension - sketch.rank) * math.sqrt(sketch.escaped_mass)
        trace = float(np.sum(np.sqrt(sketch.eigenvalues + sketch.escaped_mass))) + rest
    return Bound(
        theorem=f"{type(learner).__name__} (Yang et al. 2025), reconstructed and derived here",
        value=distance**2 / (2.0 * eta) * (ridge.value + largest) + eta * trace,
        constants=(
            Constant("distance to the comparator (l2 norm)", distance, "domain"),
            rate,
            ridge,
            Constant("sqrt(lambda_1(Gbar) + rho)", largest, "observed"),
            Constant("tr G^(1/2)", trace, "observed"),
        ),
        assumptions=(
            Assumption("ridge is at least the largest gradient", at_most(observed.largest_gradient, ridge.value)),
        ),
    )
