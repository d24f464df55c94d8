"""FD-SON: second-order online learning on a Frequent Directions sketch."""

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
from oco.regret.bounds import Bound, Observed
from oco.types import Array


@final
class FDSON(Learner):
    r"""SON on a Frequent Directions sketch; what escapes is lost.

    .. math::
        \hat g_t = \sqrt{\sigma + \eta_t}\, g_t, \quad \eta_t = 1 / (\lambda t^p), \quad
        \bar G_t = \mathrm{FD}(\bar G_{t-1}, \hat g_t \hat g_t^\top), \quad A_t = \epsilon I + \bar G_t, \qquad
        x_{t+1} = \Pi_K^{A_t}\bigl(x_t - A_t^{-1} g_t\bigr)

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch has m = k + 1 rows.
    learning_rate
        lambda: there is no step size besides it.
    ridge
        epsilon, the multiple of the identity in A, positive; the paper's alpha.
    curvature
        sigma of the losses, ``f(u) >= f(x) + <g, u - x> + (sigma/2) <g, u - x>^2``; 0 for merely convex ones.
    exponent
        p; 1/2 in the public reference code.
    buffer
        As for `FDAdaGrad`.

    Notes
    -----
    Cost O(d k) a round; state is `FDAdaGrad`'s. With ``k >= d`` it is `SON`.

    Regret on a bounded domain, with ``w_t = sigma + eta_t``, ``m = min(k + 1, d)`` and rho the mass that escaped:

    .. math::
        R_T \le \tfrac{\epsilon}{2} |x_1 - x^*|^2 + \tfrac{(GD)^2}{2} \sum_t \eta_t
              + \tfrac{m}{2 w_T} \ln\Bigl(1 + \tfrac{\mathrm{tr} \bar G_T}{m \epsilon}\Bigr)
              + \tfrac{m}{2 w_T \epsilon} \rho_{1:T}

    Luo et al. have 2 (CL)^2 for (GD)^2/2 on their slab and ``Omega_k / (m - k)`` for rho (cited from memory and
    re-derived, not checked against the paper). A variant has Omega of the gradients times w_1.

    References
    ----------
    Luo, Agarwal, Cesa-Bianchi, Langford, NeurIPS 2016, FD-SON.

    Departures: projects on the domain rather than on the slab of the next feature vector; `SlabFDSON` has the slab.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.FDSON(rank=1, learning_rate=1.0, ridge=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([1.0, 0.0]))
    >>> learner.prediction
    array([-0.5,  0. ])
    """

    name = "fd_son"
    source = "Luo, Agarwal, Cesa-Bianchi, Langford 2016, FD-SON"
    guarantee = (
        "ridge/2 |x_1 - x*|^2 + (GD)^2/2 sum eta_t + m/(2 w_T) (ln(1 + tr Gbar/(m ridge)) + rho/ridge); bounded domain"
    )
    examples = ({"rank": 2}, {"rank": 50, "exponent": 0.0})
    look = Look("FD-SON", "#CC79A7", "P")
    state: SketchedState

    @renamed(delta="ridge")
    def __init__(
        self,
        rank: int,
        learning_rate: float = 1.0,
        ridge: float = 1.0,
        curvature: float = 0.0,
        exponent: float = 0.5,
        buffer: int | None = None,
    ) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.ridge = positive(self, "ridge", ridge)
        self.curvature = nonnegative(self, "curvature", curvature)
        self.exponent = nonnegative(self, "exponent", exponent)
        self.buffer = checked_buffer(self, buffer)

    def recipe(self, problem: Problem) -> Recipe:
        """``A = ridge I + Gbar`` of gradients times ``sqrt(sigma + eta_t)``, and steps of rate 1."""
        return Recipe(
            rate=1.0,
            root=False,
            inner=self.ridge,
            compensation=0.0,
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
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded or observed.rounds == 0:
            return None
        sketch = self.state.sketch
        terms = SONTerms(self.ridge, self.learning_rate, self.curvature, self.exponent)
        last, slack = terms.weight(observed.rounds), terms.slack(observed)
        size = min(self.rank + 1, sketch.dimension)
        growth = size * math.log1p(float(sketch.eigenvalues.sum()) / (size * self.ridge))
        lost = size * sketch.escaped_mass / self.ridge
        exact = float(np.sum(np.log1p(sketch.eigenvalues / self.ridge)))
        variants = {"observed log-determinant": slack + (exact + lost) / (2.0 * last)}
        if observed.spectrum is not None:
            omega = terms.weight(1) * observed.spectrum.omega(self.rank + 1)
            variants["with Omega"] = slack + (growth + size * omega / self.ridge) / (2.0 * last)
        return Bound(
            theorem="FD-SON (Luo et al. 2016) on a bounded domain, constants re-derived",
            value=slack + (growth + lost) / (2.0 * last),
            constants=terms.constants(observed, sketch.escaped_mass),
            assumptions=curvature_assumption(self.curvature),
            variants=variants,
        )
