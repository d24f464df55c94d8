"""Ada-FD: AdaGrad on a sketch without the escaped mass."""

from __future__ import annotations

from typing import final

from oco.learners._records import Recipe
from oco.learners._sketched import SketchedPlayer, SketchedState, checked_buffer, sketched_memory
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import positive, positive_or_none, renamed, theorem_rate, whole
from oco.losses.rows import BlockOutcome, RowBlock
from oco.regret.bounds import Bound, Constant, Observed
from oco.sketching.state import SketchState
from oco.types import Array


@final
class AdaFD(Learner):
    r"""AdaGrad preconditioned by a Frequent Directions sketch and a fixed multiple of the identity.

    .. math::
        \bar G_t = \mathrm{FD}(\bar G_{t-1}, g_t g_t^\top), \qquad H_t = \epsilon I + \bar G_t^{1/2}, \qquad
        x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \eta H_t^{-1} g_t\bigr)

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch has k + 1 rows.
    learning_rate
        eta; None for ``D / sqrt(2)``, the value for k = d.
    ridge
        epsilon, the multiple of the identity in H, added to the root; positive, in the unit of gradients. The paper
        tunes it.
    buffer
        As for `FDAdaGrad`.

    Notes
    -----
    Cost and state are `FDAdaGrad`'s: O(d k) a round and ``d (k + b) + d + (k + 1)(k + b) + k + 9`` floats.

    Regret on a bounded domain, with rho_t the mass that escaped in round t and ``m = min(k + 1, d)``:

    .. math::
        R_T \le \frac{D^2}{2 \eta} \Bigl(\epsilon + \mathrm{tr}(\bar G_T^{1/2}) + m \sum_t \sqrt{\rho_t}\Bigr)
              + \frac{\eta}{2} \Bigl(2\, \mathrm{tr}(\bar G_T^{1/2}) + \frac{m}{\epsilon} \sum_t \rho_t\Bigr)

    (derived here; the published theorem, which is in run-time quantities too, could not be confirmed). The
    preconditioner is not monotone, so ``sum_t sqrt(rho_t)``, which can grow like T, enters: that is what the
    ``Omega(T^{3/4})`` of the Sketchy paper's Observation 2 says of the bound. It is no lower bound on the regret.

    References
    ----------
    Wan, Wei, Zhang, IJCAI 2018, composite mirror descent form; cited from memory, not checked against the paper. The
    update is that of the public reference code.

    Departures: none from the reference code, whose sketch size is ``k + 1``.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.AdaFD(rank=1, learning_rate=1.0, ridge=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 0.0]))
    >>> learner.prediction
    array([-0.75,  0.  ])
    """

    name = "ada_fd"
    source = "Wan, Wei, Zhang 2018 (mirror descent); bound derived here"
    guarantee = "D^2/(2 eta) (ridge + tr Gbar^(1/2) + m sum sqrt(rho_t)) + eta/2 (2 tr Gbar^(1/2) + m/ridge sum rho_t)"
    needs = (DIAMETER,)
    examples = ({"rank": 2}, {"rank": 50, "ridge": 0.1})
    look = Look("Ada-FD", "#D55E00", "v")
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
        """``H = ridge I + Gbar^{1/2}``, nothing of rho in it; the theorem's eta where none was given."""
        rate = self.learning_rate or theorem_rate(self, problem)
        return Recipe(rate=rate, outer=self.ridge, compensation=0.0)

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
        sketch = self.state.sketch
        rate = Constant.resolved("learning rate", self._player.recipe.rate, self.learning_rate)
        return ada_fd_bound(self, observed, sketch, min(self.rank + 1, sketch.dimension), rate, self.ridge)


def ada_fd_bound(
    learner: Learner, observed: Observed, sketch: SketchState, directions: int, rate: Constant, ridge: float
) -> Bound | None:
    """The bound in the notes of `AdaFD`, where a shrink takes something from ``directions`` at most."""
    if not observed.domain.bounded:
        return None
    diameter, eta = observed.domain.diameter(), rate.value
    trace, roots, escaped = float((sketch.eigenvalues**0.5).sum()), sketch.escaped_roots, sketch.escaped_mass
    value = diameter**2 / (2.0 * eta) * (ridge + trace + directions * roots)
    value += 0.5 * eta * (2.0 * trace + directions / ridge * escaped)
    return Bound(
        theorem=f"{type(learner).__name__}, derived here",
        value=value,
        constants=(
            Constant("diameter (l2 norm)", diameter, "domain"),
            rate,
            Constant("ridge", ridge, "given"),
            Constant("tr Gbar^(1/2)", trace, "observed"),
            Constant("sum of sqrt(rho_t)", roots, "observed"),
            Constant("escaped mass", escaped, "observed"),
        ),
    )
