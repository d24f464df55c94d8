"""Ada-FD: AdaGrad on a sketch without the escaped mass, in three forms."""

from __future__ import annotations

from oco.learners._records import Recipe
from oco.learners._sketched import SketchedLearner, checked_buffer
from oco.learners.base import DIAMETER, Look, Problem
from oco.learners.primal_dual_adagrad import primal_dual_bound
from oco.learners.requirements import positive, positive_or_none, required_reach, theorem_rate, whole
from oco.regret.bounds import Bound, Constant, Observed


class _AdaFDFamily(SketchedLearner):
    """Hyper-parameters that the three forms share."""

    rank: int

    def __init__(
        self, rank: int, learning_rate: float | None = None, delta: float = 1.0, buffer: int | None = None
    ) -> None:
        who = type(self).__name__
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = positive(self, "delta", delta)
        self.buffer = checked_buffer(who, buffer)


class AdaFD(_AdaFDFamily):
    r"""AdaGrad preconditioned by a Frequent Directions sketch and a fixed multiple of the identity.

    .. math::
        \bar G_t = \mathrm{FD}(\bar G_{t-1}, g_t g_t^\top), \qquad H_t = \delta I + \bar G_t^{1/2}, \qquad
        x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \eta H_t^{-1} g_t\bigr)

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch has k + 1 rows.
    learning_rate
        eta; None for ``D / sqrt(2)``, the value for k = d.
    delta
        Added to the *root*, positive; in the unit of gradients. The paper tunes it.
    buffer
        As for `FDAdaGrad`.

    Notes
    -----
    Cost and state are `FDAdaGrad`'s: O(d k) a round and ``d (k + b) + d + (k + 1)(k + b) + k + 9`` floats.

    Regret on a bounded domain, with rho_t the mass that escaped in round t and ``m = min(k + 1, d)``:

    .. math::
        R_T \le \frac{D^2}{2 \eta} \Bigl(\delta + \mathrm{tr}(\bar G_T^{1/2}) + m \sum_t \sqrt{\rho_t}\Bigr)
              + \frac{\eta}{2} \Bigl(2\, \mathrm{tr}(\bar G_T^{1/2}) + \frac{m}{\delta} \sum_t \rho_t\Bigr)

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
    >>> learner = oco.learners.AdaFD(rank=1, learning_rate=1.0, delta=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 0.0]))
    >>> learner.prediction
    array([-0.75,  0.  ])
    """

    name = "ada_fd"
    source = "Wan, Wei, Zhang 2018 (mirror descent); bound derived here"
    guarantee = "D^2/(2 eta) (delta + tr Gbar^(1/2) + m sum sqrt(rho_t)) + eta/2 (2 tr Gbar^(1/2) + m/delta sum rho_t)"
    needs = (DIAMETER,)
    examples = ({"rank": 2}, {"rank": 50, "delta": 0.1})
    look = Look("Ada-FD", "#D55E00", "v")

    def _family(self, problem: Problem, radius: float) -> Recipe:
        rate = self.learning_rate or theorem_rate(self, problem)
        return Recipe(rate=rate, outer=self.delta, compensation=0.0, radius=radius)

    def _shrunk_directions(self, dimension: int) -> int:
        """How many directions a shrink takes something from, at most."""
        return min(self.rank + 1, dimension)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        diameter, eta, sketch = observed.domain.diameter(), self.rate, self.state.sketch
        directions = self._shrunk_directions(sketch.dimension)
        trace, roots, escaped = float((sketch.eigenvalues**0.5).sum()), sketch.escaped_roots, sketch.escaped_mass
        value = diameter**2 / (2.0 * eta) * (self.delta + trace + directions * roots)
        value += 0.5 * eta * (2.0 * trace + directions / self.delta * escaped)
        return Bound(
            theorem=f"{type(self).__name__}, derived here",
            value=value,
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant("learning rate", eta, "domain" if self.learning_rate is None else "given"),
                Constant("delta", self.delta, "given"),
                Constant("tr Gbar^(1/2)", trace, "observed"),
                Constant("sum of sqrt(rho_t)", roots, "observed"),
                Constant("escaped mass", escaped, "observed"),
            ),
        )


class AdaFFD(AdaFD):
    r"""Ada-FD with a doubled buffer: the sketch fills up to 2k directions, then shrinks to k.

    .. math::
        H_t = \delta I + \bar G_t^{1/2}, \qquad x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \eta H_t^{-1} g_t\bigr)

    where Gbar is exact until it has more than 2k directions; then the (k + 1)-th eigenvalue is subtracted from
    those above it and the rest are dropped.

    Parameters
    ----------
    rank
        k, directions that a shrink keeps; twice as many are held before it.
    learning_rate
        eta; None for ``D / sqrt(2)``.
    delta
        Added to the *root*, positive; in the unit of gradients.
    buffer
        As for `FDAdaGrad`, beside the 2k directions.

    Notes
    -----
    State is `FDAdaGrad`'s at rank 2k. Time is O(d k) a round as for `AdaFD`: the compiled sketch is amortised already,
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

    def _rank(self, dimension: int) -> int:
        return min(2 * self.rank, dimension)

    def _family(self, problem: Problem, radius: float) -> Recipe:
        rate = self.learning_rate or theorem_rate(self, problem)
        return Recipe(rate=rate, outer=self.delta, compensation=0.0, radius=radius, keep=self.rank)

    def _shrunk_directions(self, dimension: int) -> int:
        return min(2 * self.rank + 1, dimension)


class PrimalDualAdaFD(_AdaFDFamily):
    r"""Ada-FD by dual averaging.

    .. math::
        H_t = \delta I + \bar G_t^{1/2}, \qquad
        x_{t+1} = \arg\min_{x \in K} \eta \Bigl\langle \sum_{s \le t} g_s, x \Bigr\rangle
                  + \tfrac12 \langle x - x_1, H_t (x - x_1) \rangle

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch has k + 1 rows.
    learning_rate
        eta; None for the farthest comparator's distance from the start, the value for k = d.
    delta
        Added to the *root*, positive; in the unit of gradients.
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
    >>> learner = oco.learners.PrimalDualAdaFD(rank=1, learning_rate=1.0, delta=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 0.0]))
    >>> learner.prediction
    array([-0.75,  0.  ])
    """

    name = "primal_dual_ada_fd"
    source = "Wan, Wei, Zhang 2018, primal-dual (cited from memory)"
    _averaging = True
    guarantee = "none stated, but primal-dual full-matrix AdaGrad's while nothing escaped"
    needs = (DIAMETER,)
    examples = ({"rank": 2}, {"rank": 50, "delta": 20.0})
    look = Look("PD Ada-FD", "#EE9966", ">")

    def _family(self, problem: Problem, radius: float) -> Recipe:
        rate = self.learning_rate or required_reach(self, problem)
        return Recipe(rate=rate, outer=self.delta, compensation=0.0, radius=radius)

    def bound(self, observed: Observed) -> Bound | None:
        """Theorem 7 of Duchi et al. while nothing escaped; None afterwards or on an unbounded domain."""
        if self.escaped_mass > 0.0:
            return None
        return primal_dual_bound(
            observed,
            "AdaGrad, primal-dual (Duchi et al. 2011, Theorem 7)",
            "l2",
            Constant("learning rate", self.rate, "domain" if self.learning_rate is None else "given"),
            Constant("delta", self.delta, "given"),
            float((self.state.sketch.eigenvalues**0.5).sum()),
            observed.largest_gradient,
        )
