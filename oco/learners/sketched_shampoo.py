"""S-Shampoo: Shampoo with both sides sketched by Frequent Directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners._side import Side, checked_decay, omega, preconditioned, projected
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none, required_diameter, required_matrix, whole
from oco.learners.shampoo import shampoo_bound
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class SketchedShampooState:
    """Sketches of both sides."""

    point: Array
    left: Side
    right: Side


class SketchedShampoo(Learner):
    r"""S-Shampoo: Shampoo with both sides sketched, plus the escaped mass.

    .. math::
        (\rho^L_t, \bar L_t) = \mathrm{FD}(\beta_2 \bar L_{t-1}, G_t G_t^\top), \quad
        \tilde L_t = \bar L_t + (\delta + \rho^L_{1:t}) I, \quad R \text{ alike with } G_t^\top G_t, \qquad
        X_{t+1} = \Pi_K^{H_t}\bigl(X_t - \eta \tilde L_t^{-1/4} G_t \tilde R_t^{-1/4}\bigr), \quad
        H_t = \tilde L_t^{1/4} \otimes \tilde R_t^{1/4}

    Parameters
    ----------
    rank
        k, directions kept on each side (all of them on a side no longer than k); the paper's sketch size is k + 1.
    learning_rate
        eta; None for the theorem's ``D / sqrt(2 r)``.
    delta
        Multiple of the identity in both sides; at 0 the roots are Moore-Penrose.
    decay
        beta_2 in (0, 1]; below 1, sketch and escaped mass are both exponentially weighted.
    gradient_rank
        r, a bound on the rank of every gradient; None for min(m, n), which always holds.

    Raises
    ------
    ConfigError
        At the start, if decisions are not matrices, or the learning rate is left open on an unbounded domain.

    Notes
    -----
    Cost O((m + n) (k + max(m, n))^2) a round, O(m^3 + n^3 + m n (m + n)) more where the step leaves the domain; state
    ``m n + k (m + n) + 2 k + 2`` floats. At k = max(m, n) - 1 it is Shampoo.

    For decay 1, with D the Frobenius diameter,

    .. math::
        \mathrm{Regret}_T
            \le \Bigl(\frac{D^2}{2 \eta} + \eta r\Bigr) \mathrm{tr}(\tilde L_T^{1/4}) \, \mathrm{tr}(\tilde R_T^{1/4})
            \le \Bigl(\frac{D^2}{2 \eta} + \eta r\Bigr) \bigl(\mathrm{tr}(L_T^{1/4}) + m \Omega_L^{1/4}\bigr)
                \bigl(\mathrm{tr}(R_T^{1/4}) + n \Omega_R^{1/4}\bigr).

    The second bound is Theorem 5 at the theorem's learning rate (cited from memory and re-derived, not checked against
    the paper), see `theorem_5`. The first is computed in the run from the sketches alone.

    References
    ----------
    Feinberg, Chen, Sun, Anil, Hazan, NeurIPS 2023, Algorithm 3, Theorem 5, Observation 6.

    Departures: the initial delta of both sides is kept in the update, where the printed algorithm drops it; points are
    projected as in the paper's Algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import Problem, SketchedShampoo
    >>> learner = SketchedShampoo(rank=1, learning_rate=0.5)
    >>> learner.start(Problem(Unbounded((2, 2)), horizon=9))
    >>> learner.update(np.diag([2.0, -4.0]))
    >>> np.round(learner.prediction, 12) + 0.0  # at k = d - 1, Shampoo's step
    array([[-0.5,  0. ],
           [ 0. ,  0.5]])
    """

    name = "sketched_shampoo"
    source = "Feinberg et al. 2023, Algorithm 3 (S-Shampoo) and Theorem 5"
    guarantee = (
        "(D^2/(2 eta) + eta r) (tr L^(1/4) + m Omega_L^(1/4)) (tr R^(1/4) + n Omega_R^(1/4)); decay 1, bounded domain"
    )
    decision = "matrix"
    needs = (DIAMETER,)
    examples = ({"rank": 1}, {"rank": 50, "delta": 1e-3}, {"rank": 1, "decay": 0.9})
    look = Look("S-Shampoo", "#EE6677", "o")
    bound_needs_sides = True
    state: SketchedShampooState

    def __init__(
        self,
        rank: int,
        learning_rate: float | None = None,
        delta: float = 0.0,
        decay: float = 1.0,
        gradient_rank: int | None = None,
    ) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = nonnegative(self, "delta", delta)
        self.decay = checked_decay(self, decay)
        self.gradient_rank = None if gradient_rank is None else whole(self, "gradient_rank", gradient_rank)

    def start(self, problem: Problem) -> None:
        """Resolve the learning rate; start with two empty sketches."""
        rows, columns = required_matrix(self, problem)
        self._domain = problem.domain
        self._gradient_rank = min(rows, columns) if self.gradient_rank is None else self.gradient_rank
        self._rate = self.learning_rate or required_diameter(self, problem) / float(np.sqrt(2.0 * self._gradient_rank))
        self.state = SketchedShampooState(
            problem.domain.start, Side.empty(rows, self.rank), Side.empty(columns, self.rank)
        )

    @finite_update
    def update(self, gradient: Array) -> None:
        """Sketch both sides, step and project."""
        state = self.state
        if not np.any(gradient) and self.decay == 1.0:
            return
        state.left.update(gradient.T, self.decay)
        state.right.update(gradient, self.decay)
        left, right = state.left.metric(self.delta), state.right.metric(self.delta)
        step = preconditioned(left, right, gradient, -0.25)
        state.point = projected(self._domain, state.point - self._rate * step, left, right, 0.25)

    def memory(self, problem: Problem) -> Memory:
        """Point and two sketches."""
        rows, columns = required_matrix(self, problem)
        floats = rows * columns + Side.floats(rows, self.rank) + Side.floats(columns, self.rank)
        return Memory("m n + k (m + n) + 2 k + 2", floats)

    @property
    def escaped_mass(self) -> float:
        """The larger of both sides' escaped masses."""
        return max(self.state.left.escaped_mass, self.state.right.escaped_mass)

    def bound(self, observed: Observed) -> Bound | None:
        """The bound that the sketches certify, Theorem 5 a variant where both sides' spectra are in ``observed.extra``.

        The names there are ``left_eigenvalues`` ``(m,)`` and ``right_eigenvalues`` ``(n,)``, of ``sum G G'`` and
        ``sum G' G``. None on an unbounded domain or with exponential weights.
        """
        if not observed.domain.bounded or self.decay < 1.0:
            return None
        diameter = observed.domain.diameter()
        variants: dict[str, float] = {}
        if "left_eigenvalues" in observed.extra and "right_eigenvalues" in observed.extra:
            traces = theorem_5(
                observed.extra["left_eigenvalues"], observed.extra["right_eigenvalues"], self.rank, self.delta
            )
            variants["Theorem 5"] = (diameter**2 / (2.0 * self._rate) + self._rate * self._gradient_rank) * traces
        return shampoo_bound(
            "S-Shampoo (Feinberg et al. 2023, Theorem 5), from the sketches",
            diameter,
            Constant.resolved("learning rate", self._rate, self.learning_rate),
            Constant.resolved("rank of a gradient", float(self._gradient_rank), self.gradient_rank),
            self.state.left.metric(self.delta).power(0.25).trace
            * self.state.right.metric(self.delta).power(0.25).trace,
            variants,
        )


def theorem_5(left: Array, right: Array, rank: int, delta: float = 0.0) -> float:
    """``(tr L^(1/4) + m Omega_L^(1/4)) (tr R^(1/4) + n Omega_R^(1/4))`` from the eigenvalues of both covariances."""
    product = 1.0
    for eigenvalues in (left, right):
        falling = np.sort(np.maximum(eigenvalues, 0.0))[::-1]
        product *= float(np.sum((falling + delta) ** 0.25)) + falling.size * omega(falling, rank) ** 0.25
    return product
