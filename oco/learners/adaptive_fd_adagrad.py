"""FD-AdaGrad with the rank chosen on the way: full-matrix AdaGrad's bound up to a chosen factor."""

from __future__ import annotations

import math
from typing import final

from oco.learners._adaptive_rank import certified_bound
from oco.learners._records import Recipe
from oco.learners._sketched import SketchedPlayer, SketchedState, checked_buffer, sketched_memory
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem, state_floats
from oco.learners.requirements import nonnegative, positive_or_none, theorem_rate, whole
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Bound, Observed
from oco.types import Array


@final
class AdaptiveFDAdaGrad(Learner):
    r"""`FDAdaGrad` whose sketch grows by a direction whenever a shrink would cost more than a tolerance.

    .. math::
        H_t = (\bar G_t + (\delta + \rho_{1:t}) I)^{1/2}, \qquad
        x_{t+1} = \Pi_K^{H_t}(x_t - \eta H_t^{-1} g_t)

    where a round that would shrink the sketch does so only while ``tr (Gbar + rho I)^{1/2} <= (1 + eps) tr
    Gbar^{1/2}``, and takes another direction otherwise. It starts with one; its memory is what the stream needs.

    Parameters
    ----------
    learning_rate
        eta > 0; by default the theorem's, ``D / sqrt(2)`` with D the domain's l2 diameter.
    delta
        >= 0, added to the covariance *under* the root. With 0 the pseudo-inverse is taken.
    buffer
        As for `FDAdaGrad`; by default 0, with which the state is the least.
    tolerance
        eps >= 0: the trace of the preconditioner is kept within ``1 + eps`` of the sketch's.
    max_rank
        Most directions, after which it shrinks as a fixed rank does; None for d.
    projection_delta
        Added to the covariance in the norm of the *projection* only. Voids the bound.

    Notes
    -----
    *Cost* and *state* are `FDAdaGrad`'s at the rank that is reached.

    *Regret*, for convex losses on a bounded domain: ``(D^2 (1 + eps) / (2 eta) + eta) tr G^{1/2}``, hence ``sqrt(2) D
    (1 + eps/2) tr G^{1/2}`` at the theorem's eta, full-matrix AdaGrad's bound up to a chosen factor (derived here;
    docs/adaptive_rank.md). Where ``max_rank`` is reached, with the factor that was reached.

    References
    ----------
    Feinberg, Chen, Sun, Anil, Hazan, "Sketchy", NeurIPS 2023, Algorithm 2, for a fixed rank.

    Departures: the choice of the rank is not in the paper.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.AdaptiveFDAdaGrad(learning_rate=1.0, tolerance=0.5)
    >>> learner.start(oco.Problem(domain=oco.Unbounded(3), horizon=10))
    >>> for row in np.diag([3.0, 2.0, 1.0]):
    ...     learner.update(row)
    >>> learner.current_rank, learner.escaped_mass
    (2, 1.0)
    """

    name = "adaptive_fd_adagrad"
    source = "Feinberg et al., Sketchy, NeurIPS 2023, Algorithm 2, with the rank chosen on the way (derived here)"
    guarantee = "sqrt(2) D (1 + eps/2) tr G^(1/2) on a bounded domain (learning rate D / sqrt 2)"
    needs = (DIAMETER,)
    examples = ({}, {"tolerance": 0.1, "max_rank": 3, "buffer": 0})
    look = Look("adaptive FD-AdaGrad", "#56B4E9", "D")
    state: SketchedState

    def __init__(
        self,
        learning_rate: float | None = None,
        delta: float = 0.0,
        buffer: int | None = None,
        tolerance: float = 1.0,
        max_rank: int | None = None,
        projection_delta: float = 0.0,
    ) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = nonnegative(self, "delta", delta)
        self.buffer = checked_buffer(self, buffer)
        self.tolerance = nonnegative(self, "tolerance", tolerance)
        self.max_rank = None if max_rank is None else whole(self, "max_rank", max_rank)
        self.projection_delta = nonnegative(self, "projection_delta", projection_delta)

    def recipe(self, problem: Problem) -> Recipe:
        """``H = (Gbar + (delta + rho) I)^{1/2}`` within the tolerance; the theorem's eta where none was given."""
        return Recipe(
            rate=self.learning_rate or theorem_rate(self, problem),
            inner=self.delta,
            tolerance=self.tolerance,
            projection=self.projection_delta,
        )

    def start(self, problem: Problem) -> None:
        """Resolve the recipe from the problem; begin at the domain's start with an empty sketch."""
        most = problem.domain.dimension if self.max_rank is None else self.max_rank
        self._player = SketchedPlayer(self.recipe(problem), problem.domain, 1, self.buffer or 0, most_directions=most)
        self.state = self._player.first_state()

    def update(self, gradient: Array) -> None:
        """Sketch the gradient, step with the new preconditioner, and project in its norm."""
        self._player.update(self, gradient)

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        return self._player.play_block(self, block)

    def memory(self, problem: Problem) -> Memory:
        """Floats of the state as it is now, of a sketch of rank 1 before the start."""
        floats = state_floats(self.state) if hasattr(self, "state") else 0
        floats = floats or sketched_memory(problem.domain, 1, self.buffer or 0).floats
        return Memory("d (k + 1) + d + k + 9 for the k that was needed", floats)

    @property
    def current_rank(self) -> int:
        """k, room for directions now."""
        return self.state.sketch.capacity

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far."""
        return self.state.sketch.escaped_mass

    def bound(self, observed: Observed) -> Bound | None:
        """The certified form in the notes of the class; None where unbounded, or with ``projection_delta``."""
        diameter = observed.domain.diameter("l2")
        if not math.isfinite(diameter) or self.projection_delta > 0.0:
            return None
        rate, given = self._player.recipe.rate, self.learning_rate is not None
        return certified_bound(observed, self.state.sketch, diameter, rate, given, self.delta, self.tolerance)
