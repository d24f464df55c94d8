"""FD-SON and RFD-SON: second-order online learning on a Frequent Directions sketch."""

from __future__ import annotations

import math

import numpy as np

from oco.learners._records import Recipe
from oco.learners._sketched import SketchedLearner, checked_buffer
from oco.learners.base import Look, Problem
from oco.learners.requirements import nonnegative, positive, reach, whole
from oco.learners.son import curvature_assumption, sum_of_weights
from oco.regret.bounds import Bound, Constant, Observed


class _SketchedSON(SketchedLearner):
    """Hyper-parameters, parameters of the kernel and the first terms of both bounds."""

    _compensation: float

    def __init__(
        self,
        rank: int,
        learning_rate: float = 1.0,
        delta: float = 1.0,
        curvature: float = 0.0,
        exponent: float = 0.5,
        buffer: int | None = None,
    ) -> None:
        who = type(self).__name__
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.delta = self._checked_delta(delta)
        self.curvature = nonnegative(self, "curvature", curvature)
        self.exponent = nonnegative(self, "exponent", exponent)
        self.buffer = checked_buffer(who, buffer)

    def _checked_delta(self, delta: float) -> float:
        return positive(self, "delta", delta)

    def _family(self, problem: Problem, radius: float) -> Recipe:
        return Recipe(
            rate=1.0,
            root=False,
            inner=self.delta,
            compensation=self._compensation,
            radius=radius,
            curvature=self.curvature,
            weight_scale=1.0 / self.learning_rate,
            weight_exponent=self.exponent,
        )

    def weight(self, round_index: int) -> float:
        """``sigma + 1 / (learning_rate t^exponent)``."""
        return float(self.curvature + 1.0 / (self.learning_rate * round_index**self.exponent))

    def _slack(self, observed: Observed) -> float:
        """``delta/2 |x_1 - x*|^2 + (GD)^2/2 sum eta_t``."""
        slope = observed.largest_gradient * observed.domain.diameter()
        weights = sum_of_weights(self.learning_rate, self.exponent, observed.rounds)
        return 0.5 * self.delta * reach(observed.domain) ** 2 + 0.5 * slope**2 * weights

    def _constants(self, observed: Observed) -> tuple[Constant, ...]:
        return (
            Constant("distance to the comparator (l2 norm)", reach(observed.domain), "domain"),
            Constant("diameter (l2 norm)", observed.domain.diameter(), "domain"),
            Constant("largest gradient (l2 norm)", observed.largest_gradient, "observed"),
            Constant("weight of the last round", self.weight(observed.rounds), "given"),
            Constant("delta", self.delta, "given"),
            Constant("escaped mass", self.escaped_mass, "observed"),
        )


class FDSON(_SketchedSON):
    r"""SON on a Frequent Directions sketch; what escapes is lost.

    .. math::
        \hat g_t = \sqrt{\sigma + \eta_t}\, g_t, \quad \eta_t = 1 / (\lambda t^p), \quad
        \bar G_t = \mathrm{FD}(\bar G_{t-1}, \hat g_t \hat g_t^\top), \quad A_t = \delta I + \bar G_t, \qquad
        x_{t+1} = \Pi_K^{A_t}\bigl(x_t - A_t^{-1} g_t\bigr)

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch has m = k + 1 rows.
    learning_rate
        lambda: there is no step size besides it.
    delta
        Multiple of the identity in A, positive; the paper's alpha.
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
        R_T \le \tfrac{\delta}{2} |x_1 - x^*|^2 + \tfrac{(GD)^2}{2} \sum_t \eta_t
              + \tfrac{m}{2 w_T} \ln\Bigl(1 + \tfrac{\mathrm{tr} \bar G_T}{m \delta}\Bigr)
              + \tfrac{m}{2 w_T \delta} \rho_{1:T}

    Luo et al. have 2 (CL)^2 for (GD)^2/2 on their slab and ``Omega_k / (m - k)`` for rho (cited from memory and
    re-derived, not checked against the paper). A variant has Omega of the gradients times w_1.

    References
    ----------
    Luo, Agarwal, Cesa-Bianchi, Langford, NeurIPS 2016, FD-SON.

    Departures: projects on the domain rather than on the slab of the next feature vector, which the protocol does not
    show.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.FDSON(rank=1, learning_rate=1.0, delta=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([1.0, 0.0]))
    >>> learner.prediction
    array([-0.5,  0. ])
    """

    name = "fd_son"
    source = "Luo, Agarwal, Cesa-Bianchi, Langford 2016, FD-SON"
    guarantee = (
        "delta/2 |x_1 - x*|^2 + (GD)^2/2 sum eta_t + m/(2 w_T) (ln(1 + tr Gbar/(m delta)) + rho/delta); bounded domain"
    )
    examples = ({"rank": 2}, {"rank": 50, "exponent": 0.0})
    look = Look("FD-SON", "#CC79A7", "P")
    _compensation = 0.0

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded or observed.rounds == 0:
            return None
        sketch, last, slack = self.state.sketch, self.weight(observed.rounds), self._slack(observed)
        size = min(self.rank + 1, sketch.dimension)
        growth = size * math.log1p(float(sketch.eigenvalues.sum()) / (size * self.delta))
        lost = size * sketch.escaped_mass / self.delta
        exact = float(np.sum(np.log1p(sketch.eigenvalues / self.delta)))
        variants = {"observed log-determinant": slack + (exact + lost) / (2.0 * last)}
        if observed.spectrum is not None:
            omega = self.weight(1) * observed.spectrum.omega(self.rank + 1)
            variants["with Omega"] = slack + (growth + size * omega / self.delta) / (2.0 * last)
        return Bound(
            theorem="FD-SON (Luo et al. 2016) on a bounded domain, constants re-derived",
            value=slack + (growth + lost) / (2.0 * last),
            constants=self._constants(observed),
            assumptions=curvature_assumption(self.curvature),
            variants=variants,
        )


class RFDSON(_SketchedSON):
    r"""SON on a robust Frequent Directions sketch; half of what escapes is put back.

    .. math::
        \hat g_t = \sqrt{\sigma + \eta_t}\, g_t, \quad \eta_t = 1 / (\lambda t^p), \quad
        (\rho_t, \bar G_t) = \mathrm{FD}(\bar G_{t-1}, \hat g_t \hat g_t^\top), \quad
        A_t = \bar G_t + \alpha_t I, \quad \alpha_t = \delta + \tfrac12 \rho_{1:t}, \qquad
        x_{t+1} = \Pi_K^{A_t}\bigl(x_t - A_t^{-1} g_t\bigr)

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch has m = k + 1 rows.
    learning_rate
        lambda: there is no step size besides it.
    delta
        alpha_0; at 0 this is RFD0, which has one hyper-parameter less, and the inverse is Moore-Penrose.
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

    Regret on a bounded domain for delta > 0, with ``w_t = sigma + eta_t`` and ``m = min(k + 1, d)``:

    .. math::
        R_T \le \tfrac{\delta}{2} |x_1 - x^*|^2 + \tfrac{(GD)^2}{2} \sum_t \eta_t
              + \tfrac{m}{2 w_T} \ln\Bigl(\tfrac{\mathrm{tr} \bar G_T}{m \delta} + \tfrac{\alpha_T}{\delta}\Bigr)
              + \tfrac{d - m}{2 w_T} \ln\tfrac{\alpha_T}{\delta}
              + \tfrac{m}{4 w_T} \sum_t \tfrac{\rho_t}{\alpha_t} + \tfrac{D^2}{4} \rho_{1:T},

    and ``sum rho_t / alpha_t <= 2 ln(alpha_T / delta)``, which is what is used here. This is Theorem 5 with C = D/2
    (cited from memory and re-derived, not checked against the paper). For RFD0, Theorem 7 could not be
    restated, and no bound is given.

    References
    ----------
    Luo, Chen, Zhang, Li, Zhang, JMLR 20 (2019), Algorithms 2 and 3, Theorems 5 and 7.

    Departures: points are projected on the game's domain.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.RFDSON(rank=1, learning_rate=1.0, delta=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([1.0, 0.0]))
    >>> learner.prediction
    array([-0.5,  0. ])
    """

    name = "rfd_son"
    source = "Luo, Chen, Zhang, Li, Zhang 2019, Algorithm 3, Theorem 5"
    guarantee = (
        "delta/2 |x_1 - x*|^2 + (GD)^2/2 sum eta_t + m/(2 w_T) ln(tr Gbar/(m delta) + alpha/delta) + Omega; delta > 0"
    )
    examples = ({"rank": 2}, {"rank": 2, "delta": 0.0}, {"rank": 50, "exponent": 0.0})
    look = Look("RFD-SON", "#009E73", "X")
    _compensation = 0.5

    def __init__(
        self,
        rank: int,
        learning_rate: float = 1.0,
        delta: float = 1.0,
        curvature: float = 0.0,
        exponent: float = 1.0,
        buffer: int | None = None,
    ) -> None:
        super().__init__(rank, learning_rate, delta, curvature, exponent, buffer)

    def _checked_delta(self, delta: float) -> float:
        return nonnegative(self, "delta", delta)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain or at delta = 0."""
        if not observed.domain.bounded or observed.rounds == 0 or self.delta == 0.0:
            return None
        sketch, last, slack = self.state.sketch, self.weight(observed.rounds), self._slack(observed)
        dimension, size = sketch.dimension, min(self.rank + 1, sketch.dimension)
        alpha = self.delta + 0.5 * sketch.escaped_mass
        grown = math.log(alpha / self.delta)
        growth = size * math.log(float(sketch.eigenvalues.sum()) / (size * self.delta) + alpha / self.delta)
        exact = float(np.sum(np.log((sketch.eigenvalues + alpha) / self.delta))) + (dimension - sketch.rank) * grown
        rest = size * grown / (2.0 * last) + 0.25 * observed.domain.diameter() ** 2 * sketch.escaped_mass
        return Bound(
            theorem="RFD-SON (Luo et al. 2019, Theorem 5), constants re-derived",
            value=slack + (growth + (dimension - size) * grown) / (2.0 * last) + rest,
            constants=(*self._constants(observed), Constant("alpha", alpha, "observed")),
            assumptions=curvature_assumption(self.curvature),
            variants={"observed log-determinant": slack + exact / (2.0 * last) + rest},
        )
