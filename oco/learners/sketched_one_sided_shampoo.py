"""One-sided Shampoo on a sketch of the left factor plus the escaped mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners._side import Side, checked_decay, omega, projected
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none, required_matrix, theorem_rate, whole
from oco.metrics import LowRankPlusScaledIdentity
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class SketchedOneSidedShampooState:
    """The point, and the sketch of the left factor ``sum_t G_t G_t'``."""

    point: Array
    left: Side


class SketchedOneSidedShampoo(Learner):
    r"""One-sided Shampoo on a Frequent Directions sketch of the left factor plus the escaped mass.

    .. math::
        (\rho_t, \bar L_t) = \mathrm{FD}(\beta_2 \bar L_{t-1}, G_t G_t^\top), \quad
        \tilde L_t = \bar L_t + (\delta + \rho_{1:t}) I, \qquad
        X_{t+1} = \Pi_K^{H_t}\bigl(X_t - \eta \tilde L_t^{-1/2} G_t\bigr), \quad H_t = \tilde L_t^{1/2} \otimes I_n

    Parameters
    ----------
    rank
        k, directions of the left factor that are kept; all of them if k >= m.
    learning_rate
        eta; None for ``D_op / sqrt(2)`` with D_op the domain's diameter in the spectral norm.
    delta
        >= 0, added to the left factor *under* the root. With 0 the pseudo-inverse is taken.
    decay
        beta_2 in (0, 1], the weight of the past in every update of the sketch and of the escaped mass. Below 1 no bound
        is stated.

    Raises
    ------
    ConfigError
        By `start`, if decisions are not matrices, or if no learning rate is given and the domain is unbounded.

    Notes
    -----
    Cost O(m (k + n)^2) a round, and O(m^3 + m n (m + n)) more if the step leaves the domain; state
    ``m n + k m + k + 1`` floats. With ``k >= m - 1`` it is `OneSidedShampoo`. On a bounded domain and for decay 1,

    .. math::
        R_T \le \Bigl(\frac{D_{op}^2}{2 \eta} + \eta\Bigr) \mathrm{tr}(\tilde L_T^{1/2})

    and ``tr(Ltil^{1/2}) <= tr(L_T^{1/2}) + m (sqrt(delta) + sqrt(Omega_L))`` with ``Omega_L = min_{j <= k} (sum_{i>j}
    lambda_i(L_T)) / (k + 1 - j)`` (derived here).

    References
    ----------
    The sketch of Feinberg et al. (NeurIPS 2023) in the update of An et al. (arXiv 2503.20762).

    Departures: the combination of the two is ours.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import Problem, SketchedOneSidedShampoo
    >>> learner = SketchedOneSidedShampoo(rank=1, learning_rate=0.5)
    >>> learner.start(Problem(Unbounded((1, 2)), horizon=9))
    >>> learner.update(np.array([[3.0, 4.0]]))
    >>> np.round(learner.prediction, 12)
    array([[-0.3, -0.4]])
    """

    name = "sketched_one_sided_shampoo"
    source = "sketch of Feinberg et al. 2023 in the update of An et al. 2025; combined and bounded here"
    guarantee = "(D_op^2/(2 eta) + eta) (tr L^(1/2) + m sqrt(Omega_L)); decay 1, bounded domain"
    decision = "matrix"
    needs = (DIAMETER,)
    examples = ({"rank": 1}, {"rank": 1, "decay": 0.9})
    look = Look("one-sided S-Shampoo", "#BB5566", "^")
    bound_needs_sides = True
    state: SketchedOneSidedShampooState

    def __init__(self, rank: int, learning_rate: float | None = None, delta: float = 0.0, decay: float = 1.0) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = nonnegative(self, "delta", delta)
        self.decay = checked_decay(self, decay)

    def start(self, problem: Problem) -> None:
        """Resolve the learning rate; start with an empty sketch."""
        rows, columns = required_matrix(self, problem)
        self._domain = problem.domain
        self._identity = LowRankPlusScaledIdentity(np.zeros((columns, 0)), np.zeros(0), 1.0)
        self._rate = self.learning_rate or theorem_rate(self, problem, "spectral")
        self.state = SketchedOneSidedShampooState(problem.domain.start, Side.empty(rows, self.rank))

    @finite_update
    def update(self, gradient: Array) -> None:
        """Sketch the left factor, step, and project in the new norm."""
        state = self.state
        if not np.any(gradient) and self.decay == 1.0:
            return
        state.left.update(gradient.T, self.decay)
        left = state.left.metric(self.delta)
        step = left.power(-0.5).apply(gradient)
        state.point = projected(self._domain, state.point - self._rate * step, left, self._identity, 0.5)

    def memory(self, problem: Problem) -> Memory:
        """Floats of the point and of the sketch."""
        rows, columns = required_matrix(self, problem)
        return Memory("m n + k m + k + 1", rows * columns + Side.floats(rows, self.rank))

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far."""
        return self.state.left.escaped_mass

    def bound(self, observed: Observed) -> Bound | None:
        """The bound that the sketch certifies; None on an unbounded domain or with exponential weights.

        With ``left_eigenvalues`` ``(m,)`` in ``observed.extra`` the a-priori form is a variant.
        """
        if not observed.domain.bounded or self.decay < 1.0:
            return None
        diameter, trace = observed.domain.diameter("spectral"), self.state.left.metric(self.delta).power(0.5).trace
        factor = diameter**2 / (2.0 * self._rate) + self._rate
        variants: dict[str, float] = {}
        if "left_eigenvalues" in observed.extra:
            falling = np.sort(np.maximum(observed.extra["left_eigenvalues"], 0.0))[::-1]
            spread = falling.size * float(np.sqrt(omega(falling, self.rank)))
            variants["with Omega_L"] = factor * (float(np.sum(np.sqrt(falling + self.delta))) + spread)
        return Bound(
            theorem="sketched one-sided Shampoo, derived here, from the sketch",
            value=factor * trace,
            constants=(
                Constant("diameter (spectral norm)", diameter, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant("tr Ltil^(1/2)", trace, "observed"),
            ),
            variants=variants,
        )
