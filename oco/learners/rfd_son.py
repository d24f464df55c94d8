"""RFD-SON: second-order online learning on a robust Frequent Directions sketch."""

from __future__ import annotations

import math
from typing import final

import numpy as np

from oco.learners._records import Recipe
from oco.learners._sketched import SketchedPlayer, SketchedState, checked_buffer, sketched_memory
from oco.learners._sketched_son import SONTerms
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive, renamed, whole
from oco.learners.son import curvature_assumption
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@final
class RFDSON(Learner):
    r"""SON on a robust Frequent Directions sketch; half of what escapes is put back.

    .. math::
        \hat g_t = \sqrt{\sigma + \eta_t}\, g_t, \quad \eta_t = 1 / (\lambda t^p), \quad
        (\rho_t, \bar G_t) = \mathrm{FD}(\bar G_{t-1}, \hat g_t \hat g_t^\top), \quad
        A_t = \bar G_t + \alpha_t I, \quad \alpha_t = \epsilon + \tfrac12 \rho_{1:t}, \qquad
        x_{t+1} = \Pi_K^{A_t}\bigl(x_t - A_t^{-1} g_t\bigr)

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch has m = k + 1 rows.
    learning_rate
        lambda: there is no step size besides it.
    ridge
        epsilon, the multiple of the identity in A before anything escapes; alpha_0 in the paper. At 0 this is RFD0,
        which has one hyper-parameter less, and the inverse is Moore-Penrose.
    curvature
        sigma of the losses; 0 for merely convex ones.
    exponent
        p; 1 in the paper and in the public reference code.
    buffer
        As for `FDAdaGrad`.

    Notes
    -----
    Cost O(d k) a round; state is `FDAdaGrad`'s. With ``k >= d`` it is `SON`. Half is the middle of what is possible:
    ``|G - A| <= rho/2`` in spectral norm, for rho where none (FD) or all (FD-AdaGrad) is put back; but A need not
    dominate G.

    Regret on a bounded domain for epsilon > 0, with ``w_t = sigma + eta_t`` and ``m = min(k + 1, d)``:

    .. math::
        R_T \le \tfrac{\epsilon}{2} |x_1 - x^*|^2 + \tfrac{(GD)^2}{2} \sum_t \eta_t
              + \tfrac{m}{2 w_T} \ln\Bigl(\tfrac{\mathrm{tr} \bar G_T}{m \epsilon} + \tfrac{\alpha_T}{\epsilon}\Bigr)
              + \tfrac{d - m}{2 w_T} \ln\tfrac{\alpha_T}{\epsilon}
              + \tfrac{m}{4 w_T} \sum_t \tfrac{\rho_t}{\alpha_t} + \tfrac{D^2}{4} \rho_{1:T},

    and ``sum rho_t / alpha_t <= 2 ln(alpha_T / epsilon)``, which is what is used here. This is Theorem 5 with C = D/2
    (cited from memory and re-derived, not checked against the paper). For RFD0, Theorem 7 could not be
    restated, and no bound is given.

    References
    ----------
    Luo, Chen, Zhang, Li, Zhang, JMLR 20 (2019), Algorithms 2 and 3, Theorems 5 and 7.

    Departures: points are projected on the game's domain.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.RFDSON(rank=1, learning_rate=1.0, ridge=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([1.0, 0.0]))
    >>> learner.prediction
    array([-0.5,  0. ])
    """

    name = "rfd_son"
    source = "Luo, Chen, Zhang, Li, Zhang 2019, Algorithm 3, Theorem 5"
    guarantee = (
        "ridge/2 |x_1 - x*|^2 + (GD)^2/2 sum eta_t + m/(2 w_T) ln(tr Gbar/(m ridge) + alpha/ridge) + Omega; ridge > 0"
    )
    examples = ({"rank": 2}, {"rank": 2, "ridge": 0.0}, {"rank": 50, "exponent": 0.0})
    look = Look("RFD-SON", "#009E73", "X")
    state: SketchedState

    @renamed(delta="ridge")
    def __init__(
        self,
        rank: int,
        learning_rate: float = 1.0,
        ridge: float = 1.0,
        curvature: float = 0.0,
        exponent: float = 1.0,
        buffer: int | None = None,
    ) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.ridge = nonnegative(self, "ridge", ridge)
        self.curvature = nonnegative(self, "curvature", curvature)
        self.exponent = nonnegative(self, "exponent", exponent)
        self.buffer = checked_buffer(self, buffer)

    def recipe(self, problem: Problem) -> Recipe:
        """``A = (ridge + rho / 2) I + Gbar`` of gradients times ``sqrt(sigma + eta_t)``, and steps of rate 1."""
        return Recipe(
            rate=1.0,
            root=False,
            inner=self.ridge,
            compensation=0.5,
            curvature=self.curvature,
            weight_scale=1.0 / self.learning_rate,
            weight_exponent=self.exponent,
        )

    def start(self, problem: Problem) -> None:
        """Resolve the recipe from the problem; begin at the domain's start with an empty sketch."""
        self._player = SketchedPlayer(self.recipe(problem), problem.domain, self.rank, self.buffer)
        self.state = self._player.first_state()

    def update(self, gradient: Array) -> None:
        """Sketch the gradient, step with the new preconditioner, and project in its norm."""
        self._player.update(self, gradient)

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        return self._player.play_block(self, block)

    def memory(self, problem: Problem) -> Memory:
        """Floats of the state, from the shapes alone."""
        return sketched_memory(problem.domain, self.rank, self.buffer)

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far."""
        return self.state.sketch.escaped_mass

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain or at ridge = 0."""
        if not observed.domain.bounded or observed.rounds == 0 or self.ridge == 0.0:
            return None
        sketch = self.state.sketch
        terms = SONTerms(self.ridge, self.learning_rate, self.curvature, self.exponent)
        last, slack = terms.weight(observed.rounds), terms.slack(observed)
        dimension, size = sketch.dimension, min(self.rank + 1, sketch.dimension)
        alpha = self.ridge + 0.5 * sketch.escaped_mass
        grown = math.log(alpha / self.ridge)
        growth = size * math.log(float(sketch.eigenvalues.sum()) / (size * self.ridge) + alpha / self.ridge)
        exact = float(np.sum(np.log((sketch.eigenvalues + alpha) / self.ridge))) + (dimension - sketch.rank) * grown
        rest = size * grown / (2.0 * last) + 0.25 * observed.domain.diameter() ** 2 * sketch.escaped_mass
        return Bound(
            theorem="RFD-SON (Luo et al. 2019, Theorem 5), constants re-derived",
            value=slack + (growth + (dimension - size) * grown) / (2.0 * last) + rest,
            constants=(*terms.constants(observed, sketch.escaped_mass), Constant("alpha", alpha, "observed")),
            assumptions=curvature_assumption(self.curvature),
            variants={"observed log-determinant": slack + exact / (2.0 * last) + rest},
        )
