"""Full-matrix AdaGrad: the learner that the sketches approximate."""

from __future__ import annotations

import math
from typing import final

from oco.learners._records import Recipe
from oco.learners._sketched import SketchedPlayer, SketchedState, sketched_memory
from oco.learners._trace_bounds import trace_root_bound
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none, theorem_rate
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Bound, Observed
from oco.types import Array


@final
class FullMatrixAdaGrad(Learner):
    r"""``x_{t+1} = P_H(x_t - eta H^{-1} g_t)``, ``H = (delta I + sum_{s<=t} g_s g_s')^{1/2}``, projected in H's norm.

    It is the sketched learner at rank d, which never loses anything: eigenvalues and eigenvectors of the covariance are
    kept and updated for each gradient.

    Parameters
    ----------
    learning_rate
        eta > 0; by default the theorem's, ``D / sqrt(2)`` with D the domain's l2 diameter.
    delta
        >= 0, added to the covariance *under* the root. With 0 the pseudo-inverse is taken.

    Notes
    -----
    *Cost* O(d^3) a round, one matrix product; over a stream of rows one for 15 rounds, and O(d^2) numbers more of
    memory, if d is 48 or more. *State* ``d^2 + 2 d + 9`` floats.

    *Regret*, for convex losses on a bounded domain: ``D^2/(2 eta) (tr G^{1/2} + d sqrt(delta)) + eta tr G^{1/2}``,
    which is ``sqrt(2) D tr G^{1/2}`` at delta = 0 and the theorem's eta.

    References
    ----------
    Duchi, Hazan, Singer, JMLR 12 (2011), Theorem 7 and Corollary 11, composite mirror descent.

    Departures: delta is added under the root, as for `FDAdaGrad`, where Duchi et al. add it to the root; the bound is
    re-derived for it. Eigenvalues below 1e-24 of the largest count as zero.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.FullMatrixAdaGrad(learning_rate=1.0)
    >>> learner.start(oco.Problem(domain=oco.Unbounded(2), horizon=10))
    >>> learner.update(np.array([3.0, 4.0]))
    >>> learner.prediction
    array([-0.6, -0.8])
    """

    name = "full_matrix_adagrad"
    source = "Duchi, Hazan, Singer, JMLR 2011, Theorem 7 and Corollary 11"
    guarantee = "sqrt(2) D tr G^(1/2) on a bounded domain (learning rate D / sqrt 2)"
    needs = (DIAMETER,)
    examples = ({}, {"delta": 0.1})
    look = Look("full-matrix AdaGrad", "#000000", "*")
    state: SketchedState

    def __init__(self, learning_rate: float | None = None, delta: float = 0.0) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = nonnegative(self, "delta", delta)

    def recipe(self, problem: Problem) -> Recipe:
        """``H = (delta I + G)^{1/2}``; the theorem's eta where none was given."""
        return Recipe(rate=self.learning_rate or theorem_rate(self, problem), inner=self.delta)

    def start(self, problem: Problem) -> None:
        """Resolve the recipe from the problem; begin at the domain's start with an empty sketch."""
        self._player = SketchedPlayer(self.recipe(problem), problem.domain, problem.domain.dimension, 0)
        self.state = self._player.first_state()

    def update(self, gradient: Array) -> None:
        """Add ``g g'`` to the eigen-decomposition, step, and project in the new norm."""
        self._player.update(self, gradient)

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        return self._player.play_block(self, block)

    def memory(self, problem: Problem) -> Memory:
        """Floats of the state, from the shapes alone."""
        return sketched_memory(problem.domain, problem.domain.dimension, 0)

    @property
    def escaped_mass(self) -> float:
        """``rho``, which is 0: nothing is subtracted."""
        return self.state.sketch.escaped_mass

    def bound(self, observed: Observed) -> Bound | None:
        """Theorem 7 of Duchi et al. for the learning rate that is used; None on an unbounded domain."""
        diameter = observed.domain.diameter("l2")
        if not math.isfinite(diameter):
            return None
        return trace_root_bound(
            observed,
            self.state.sketch,
            diameter,
            self._player.recipe.rate,
            self.delta,
            self.learning_rate is not None,
        )
