"""Ada-FFD: Ada-FD with a doubled buffer."""

from __future__ import annotations

from typing import final

from oco.learners._records import Recipe
from oco.learners._sketched import SketchedPlayer, SketchedState, checked_buffer, sketched_memory
from oco.learners.ada_fd import ada_fd_bound
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import positive, positive_or_none, renamed, theorem_rate, whole
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@final
class AdaFFD(Learner):
    r"""Ada-FD with a doubled buffer: the sketch fills up to 2k directions, then shrinks to k.

    .. math::
        H_t = \epsilon I + \bar G_t^{1/2}, \qquad x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \eta H_t^{-1} g_t\bigr)

    where Gbar is exact until it has more than 2k directions; then the (k + 1)-th eigenvalue is subtracted from
    those above it and the rest are dropped.

    Parameters
    ----------
    rank
        k, directions that a shrink keeps; twice as many are held before it.
    learning_rate
        eta; None for ``D / sqrt(2)``.
    ridge
        epsilon, the multiple of the identity in H, added to the root; positive, in the unit of gradients.
    buffer
        As for `FDAdaGrad`, beside the 2k directions.

    Notes
    -----
    State is `FDAdaGrad`'s at rank 2k. Time is O(d k) a round as for `AdaFD`: the compiled sketch is amortized already,
    so doubling changes the trajectory (it shrinks less often) rather than the order of the cost.

    Regret: `AdaFD`'s bound with ``m = min(2 k + 1, d)`` (derived here; the published theorem could not be confirmed).

    References
    ----------
    Wan, Zhang, IEEE TPAMI 44 (2022); cited from memory, not checked against the paper.

    Departures: independent directions fill the buffer, not rows, so that a repeated gradient takes no room.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.AdaFFD(rank=1, learning_rate=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(3), horizon=9))
    >>> for row in np.diag([3.0, 2.0, 1.0])[:2]:
    ...     learner.update(row)
    >>> learner.escaped_mass
    0.0
    >>> learner.update(np.array([0.0, 0.0, 1.0]))
    >>> learner.escaped_mass
    4.0
    """

    name = "ada_ffd"
    source = "Wan, Zhang 2022 (cited from memory); bound derived here"
    guarantee = "Ada-FD's with m = min(2 k + 1, d)"
    needs = (DIAMETER,)
    examples = ({"rank": 1}, {"rank": 2, "buffer": 0})
    look = Look("Ada-FFD", "#FFAA88", "v")
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
        """``H = ridge I + Gbar^{1/2}``, shrunk to k directions; the theorem's eta where none was given."""
        rate = self.learning_rate or theorem_rate(self, problem)
        return Recipe(rate=rate, outer=self.ridge, compensation=0.0, keep=self.rank)

    def start(self, problem: Problem) -> None:
        """Resolve the recipe from the problem; begin at the domain's start with an empty sketch."""
        self._player = SketchedPlayer(self.recipe(problem), problem.domain, 2 * self.rank, self.buffer)
        self.state = self._player.first_state()

    def update(self, gradient: Array) -> None:
        """Sketch the gradient, step with the new preconditioner, and project in its norm."""
        self._player.update(self, gradient)

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        return self._player.play_block(self, block)

    def memory(self, problem: Problem) -> Memory:
        """Floats of the state, from the shapes alone."""
        return sketched_memory(problem.domain, 2 * self.rank, self.buffer)

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far."""
        return self.state.sketch.escaped_mass

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of `AdaFD`; None on an unbounded domain."""
        sketch = self.state.sketch
        rate = Constant.resolved("learning rate", self._player.recipe.rate, self.learning_rate)
        return ada_fd_bound(self, observed, sketch, min(2 * self.rank + 1, sketch.dimension), rate, self.ridge)
