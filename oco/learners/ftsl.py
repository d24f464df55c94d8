"""FTSL and FTFSL: follow the sketchy leader, primal-dual AdaGrad on a sketch plus the escaped mass."""

from __future__ import annotations

import math

import numpy as np

from oco.learners._records import Recipe
from oco.learners._sketched import SketchedLearner, checked_buffer
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Look, Problem
from oco.learners.requirements import (
    at_most,
    nonnegative,
    positive_or_none,
    reach,
    required_gradient_bound,
    required_reach,
    whole,
)
from oco.regret.bounds import Assumption, Bound, Constant, Observed


class FTSL(SketchedLearner):
    r"""Primal-dual AdaGrad on a Frequent Directions sketch with the escaped mass put back.

    .. math::
        (\rho_t, \bar G_t) = \mathrm{FD}(\bar G_{t-1}, g_t g_t^\top), \qquad
        H_t = \delta I + (\bar G_t + \rho_{1:t} I)^{1/2}, \qquad
        x_{t+1} = \arg\min_{x \in K} \eta \Bigl\langle \sum_{s \le t} g_s, x \Bigr\rangle
                  + \tfrac12 \langle x - x_1, H_t (x - x_1) \rangle

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch size is k + 1.
    learning_rate
        eta; None for ``|x*| / sqrt(2)`` at the farthest comparator from the start.
    delta
        Added to the root; None for the problem's gradient bound.
    buffer
        As for `FDAdaGrad`.

    Notes
    -----
    Cost O(d k) a round; state is `FDAdaGrad`'s and the sum of gradients, d floats more. At ``k >= d - 1`` it is
    `PrimalDualFullMatrixAdaGrad`.

    With delta at least every ``|g_t|``, x* relative to the start and ``rho <= Omega_{k+1}``,

    .. math::
        R_T \le \frac{|x^*|^2}{2 \eta} \Bigl(\delta + \sqrt{\lambda_1(\bar G_T) + \rho_{1:T}}\Bigr)
              + \eta\, \mathrm{tr}(G_T^{1/2})

    (reconstructed from the abstract and derived here: the published constants were not seen). No factor d multiplies
    ``sqrt(rho)``; but as ``sqrt(rho) <= tr(G^{1/2})`` for every k, the bound does not say what a larger sketch gains.

    References
    ----------
    Yang, Wan, Li, Wang, Zhang, Wei, Zhang, ICML 2025; the update is reconstructed from the abstract.

    Departures: not known, since only the abstract was at hand.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.FTSL(rank=1, learning_rate=1.0, delta=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 0.0]))
    >>> learner.prediction
    array([-0.75,  0.  ])
    """

    name = "ftsl"
    source = "Yang et al. 2025 (abstract; update reconstructed), bound derived here"
    rank: int
    guarantee = "|x*|^2/(2 eta) (delta + sqrt(lambda_1(Gbar) + rho)) + eta tr G^(1/2); delta >= max |g|_2"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({"rank": 2}, {"rank": 50, "delta": 0.0})
    look = Look("FTSL", "#AA4499", "h")
    _averaging = True
    _keep = False

    def __init__(
        self,
        rank: int,
        learning_rate: float | None = None,
        delta: float | None = None,
        buffer: int | None = None,
    ) -> None:
        who = type(self).__name__
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = None if delta is None else nonnegative(self, "delta", delta)
        self.buffer = checked_buffer(who, buffer)

    def _family(self, problem: Problem, radius: float) -> Recipe:
        rate = self.learning_rate or required_reach(self, problem) / math.sqrt(2.0)
        delta = required_gradient_bound(self, problem, "delta") if self.delta is None else self.delta
        keep = self.rank if self._keep else 0
        return Recipe(rate=rate, outer=delta, compensation=1.0, radius=radius, keep=keep)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        sketch, eta, distance = self.state.sketch, self.rate, reach(observed.domain)
        delta = self.added_to_root
        largest = math.sqrt(float(sketch.eigenvalues.max(initial=0.0)) + sketch.escaped_mass)
        if observed.spectrum is not None:
            trace = observed.spectrum.trace_root().upper
        else:  # G <= Gbar + rho I
            rest = (sketch.dimension - sketch.rank) * math.sqrt(sketch.escaped_mass)
            trace = float(np.sum(np.sqrt(sketch.eigenvalues + sketch.escaped_mass))) + rest
        return Bound(
            theorem=f"{type(self).__name__} (Yang et al. 2025), reconstructed and derived here",
            value=distance**2 / (2.0 * eta) * (delta + largest) + eta * trace,
            constants=(
                Constant("distance to the comparator (l2 norm)", distance, "domain"),
                Constant("learning rate", eta, "domain" if self.learning_rate is None else "given"),
                Constant("delta", delta, "domain" if self.delta is None else "given"),
                Constant("sqrt(lambda_1(Gbar) + rho)", largest, "observed"),
                Constant("tr G^(1/2)", trace, "observed"),
            ),
            assumptions=(
                Assumption("delta is at least the largest gradient", at_most(observed.largest_gradient, delta)),
            ),
        )


class FTFSL(FTSL):
    r"""FTSL with a doubled buffer: the sketch fills up to 2k directions, then shrinks to k.

    The update is `FTSL`'s, with Gbar and rho as in `AdaFFD`.

    Parameters
    ----------
    rank
        k, directions that a shrink keeps; twice as many are held before it.
    learning_rate
        eta; None for ``|x*| / sqrt(2)`` at the farthest comparator from the start.
    delta
        Added to the root; None for the problem's gradient bound.
    buffer
        As for `FDAdaGrad`, beside the 2k directions.

    Notes
    -----
    State is `FTSL`'s at rank 2k; the bound is `FTSL`'s, with the same tag: ``Gbar + rho I`` still dominates G and still
    grows.

    References
    ----------
    Yang et al., ICML 2025; the update is reconstructed from the abstract.

    Departures: independent directions fill the buffer, not rows, as for `AdaFFD`; others are not known.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.FTFSL(rank=1, learning_rate=1.0, delta=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(3), horizon=9))
    >>> for row in np.diag([3.0, 2.0, 1.0]):
    ...     learner.update(row)
    >>> learner.escaped_mass
    4.0
    """

    name = "ftfsl"
    source = "Yang et al. 2025 (abstract; update reconstructed), bound derived here"
    guarantee = "FTSL's"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({"rank": 1}, {"rank": 2, "buffer": 0})
    look = Look("FTFSL", "#DD77DD", "h")
    _keep = True

    def _rank(self, dimension: int) -> int:
        return min(2 * self.rank, dimension)
