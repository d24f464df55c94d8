"""Shampoo on matrix decisions, with preconditioners for rows and columns, and its one-sided form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import (
    nonnegative,
    positive_or_none,
    required_diameter,
    required_matrix,
    theorem_rate,
    whole,
)
from oco.metrics import Dense, Kronecker
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class ShampooState:
    """``left`` is L_t ``(m, m)``, ``right`` is R_t ``(n, n)``."""

    point: Array
    left: Array
    right: Array


class Shampoo(Learner):
    r"""Shampoo, projected in its own Kronecker norm.

    .. math::
        L_t = L_{t-1} + G_t G_t^\top, \quad R_t = R_{t-1} + G_t^\top G_t, \quad L_0 = \delta I_m, \; R_0 = \delta I_n,
        \qquad X_{t+1} = \Pi_K^{H_t}\bigl(X_t - \eta L_t^{-1/4} G_t R_t^{-1/4}\bigr), \quad
        H_t = L_t^{1/4} \otimes R_t^{1/4}

    Parameters
    ----------
    learning_rate
        eta; None for the theorem's ``D / sqrt(2 r)``.
    delta
        Initial multiple of the identity in L and R; at 0 the roots are Moore-Penrose.
    gradient_rank
        r, a bound on the rank of every gradient; None for min(m, n), which always holds.

    Raises
    ------
    ConfigError
        At the start, if decisions are not matrices, or the learning rate is left open on an unbounded domain.

    Notes
    -----
    Cost O(m^3 + n^3) a round; state ``m n + m^2 + n^2`` floats. With D the Frobenius diameter,

    .. math::
        \mathrm{Regret}_T \le \Bigl(\frac{D^2}{2 \eta} + \eta r\Bigr) \mathrm{tr}(L_T^{1/4}) \, \mathrm{tr}(R_T^{1/4}),

    which is ``sqrt(2 r) D tr(L_T^{1/4}) tr(R_T^{1/4})`` at the theorem's learning rate (seen in print). D under the
    root, as in some lecture notes, is a misprint.

    References
    ----------
    Gupta, Koren, Singer, ICML 2018, Algorithm 1 and Theorem 7.

    Departures: the projection on the domain, for which the proof holds unchanged.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import Problem, Shampoo
    >>> learner = Shampoo(learning_rate=0.5)
    >>> learner.start(Problem(Unbounded((2, 2)), horizon=9))
    >>> learner.update(np.diag([2.0, -4.0]))
    >>> np.round(learner.prediction, 12) + 0.0
    array([[-0.5,  0. ],
           [ 0. ,  0.5]])
    """

    name = "shampoo"
    source = "Gupta, Koren, Singer 2018, Algorithm 1 and Theorem 7"
    guarantee = "(D^2/(2 eta) + eta r) tr L^(1/4) tr R^(1/4); rank(G_t) <= r, bounded domain"
    decision = "matrix"
    needs = (DIAMETER,)
    examples = ({}, {"delta": 1e-3})
    look = Look("Shampoo", "#5566CC", "p")
    state: ShampooState

    def __init__(
        self, learning_rate: float | None = None, delta: float = 0.0, gradient_rank: int | None = None
    ) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = nonnegative(self, "delta", delta)
        self.gradient_rank = None if gradient_rank is None else whole(self, "gradient_rank", gradient_rank)

    def start(self, problem: Problem) -> None:
        """Set the learning rate; start from ``delta I`` on both sides."""
        rows, columns = required_matrix(self, problem)
        self._domain = problem.domain
        self._rank = min(rows, columns) if self.gradient_rank is None else self.gradient_rank
        self._rate = self.learning_rate or required_diameter(self, problem) / float(np.sqrt(2.0 * self._rank))
        self.state = ShampooState(problem.domain.start, self.delta * np.eye(rows), self.delta * np.eye(columns))

    @finite_update
    def update(self, gradient: Array) -> None:
        """Add the gradient to both sides, step and project, in O(m^3 + n^3)."""
        state = self.state
        state.left = state.left + gradient @ gradient.T
        state.right = state.right + gradient.T @ gradient
        left, right = Dense.from_matrix(state.left), Dense.from_matrix(state.right)
        step = Kronecker(left.power(-0.25), right.power(-0.25)).apply(gradient)
        metric = Kronecker(left.power(0.25), right.power(0.25))
        state.point = self._domain.project_in(state.point - self._rate * step, metric)

    def memory(self, problem: Problem) -> Memory:
        """``m n + m^2 + n^2``: point and both sides."""
        rows, columns = required_matrix(self, problem)
        return Memory("m n + m^2 + n^2", rows * columns + rows**2 + columns**2)

    def bound(self, observed: Observed) -> Bound | None:
        """Theorem 7; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        left, right = (Dense.from_matrix(side).power(0.25).trace for side in (self.state.left, self.state.right))
        return shampoo_bound(
            "Shampoo (Gupta, Koren, Singer 2018, Theorem 7)",
            observed.domain.diameter(),
            Constant.resolved("learning rate", self._rate, self.learning_rate),
            Constant.resolved("rank of a gradient", float(self._rank), self.gradient_rank),
            left * right,
        )


@dataclass
class OneSidedShampooState:
    """``left`` is L_t ``(m, m)``."""

    point: Array
    left: Array


class OneSidedShampoo(Learner):
    r"""One-sided Shampoo (ASGO), projected in its own norm.

    .. math::
        L_t = L_{t-1} + G_t G_t^\top, \quad L_0 = \delta I_m, \qquad
        X_{t+1} = \Pi_K^{H_t}\bigl(X_t - \eta L_t^{-1/2} G_t\bigr), \quad H_t = L_t^{1/2} \otimes I_n

    Parameters
    ----------
    learning_rate
        eta; None for ``D_op / sqrt(2)`` with D_op the domain's diameter in the spectral norm.
    delta
        Initial multiple of the identity in L; at 0 the root is Moore-Penrose.

    Raises
    ------
    ConfigError
        At the start, if decisions are not matrices, or the learning rate is left open on an unbounded domain.

    Notes
    -----
    Cost O(m^3 + m^2 n) a round; state ``m n + m^2`` floats.

    .. math::
        \mathrm{Regret}_T \le \Bigl(\frac{D_{op}^2}{2 \eta} + \eta\Bigr) \mathrm{tr}(L_T^{1/2})

    which is ``sqrt(2) D_op tr(L_T^{1/2})`` at the default learning rate (derived here; constant re-derived, not seen in
    print).

    References
    ----------
    An et al., arXiv 2503.20762 (ASGO); Xie et al., arXiv 2503.10537 (one-sided Shampoo).

    Departures: the projection on the domain; the bound is derived here.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import OneSidedShampoo, Problem
    >>> learner = OneSidedShampoo(learning_rate=0.5)
    >>> learner.start(Problem(Unbounded((1, 2)), horizon=9))
    >>> learner.update(np.array([[3.0, 4.0]]))
    >>> np.round(learner.prediction, 12)
    array([[-0.3, -0.4]])
    """

    name = "one_sided_shampoo"
    source = "An et al. 2025 (ASGO); Xie et al. 2025; bound derived here"
    guarantee = "(D_op^2/(2 eta) + eta) tr L^(1/2); bounded domain"
    decision = "matrix"
    needs = (DIAMETER,)
    examples = ({}, {"delta": 1e-3})
    look = Look("one-sided Shampoo", "#3D2C6B", "h")
    state: OneSidedShampooState

    def __init__(self, learning_rate: float | None = None, delta: float = 0.0) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = nonnegative(self, "delta", delta)

    def start(self, problem: Problem) -> None:
        """Set the learning rate; start from ``delta I``."""
        rows, columns = required_matrix(self, problem)
        self._domain = problem.domain
        self._identity = Dense(np.eye(columns), np.ones(columns))
        self._rate = self.learning_rate or theorem_rate(self, problem, "spectral")
        self.state = OneSidedShampooState(problem.domain.start, self.delta * np.eye(rows))

    @finite_update
    def update(self, gradient: Array) -> None:
        """Add the gradient, step and project, in O(m^3 + m^2 n)."""
        state = self.state
        state.left = state.left + gradient @ gradient.T
        left = Dense.from_matrix(state.left)
        step = left.power(-0.5).apply(gradient)
        metric = Kronecker(left.power(0.5), self._identity)
        state.point = self._domain.project_in(state.point - self._rate * step, metric)

    def memory(self, problem: Problem) -> Memory:
        """``m n + m^2``: point and left side."""
        rows, columns = required_matrix(self, problem)
        return Memory("m n + m^2", rows * columns + rows**2)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        diameter, trace = observed.domain.diameter("spectral"), Dense.from_matrix(self.state.left).power(0.5).trace
        return Bound(
            theorem="one-sided Shampoo, derived here",
            value=(diameter**2 / (2.0 * self._rate) + self._rate) * trace,
            constants=(
                Constant("diameter (spectral norm)", diameter, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant("tr L^(1/2)", trace, "observed"),
            ),
        )


def shampoo_bound(
    theorem: str,
    diameter: float,
    rate: Constant,
    rank: Constant,
    traces: float,
    variants: dict[str, float] | None = None,
) -> Bound:
    """``(D^2/(2 eta) + eta r) traces``, the common form of Shampoo's and S-Shampoo's theorems."""
    return Bound(
        theorem=theorem,
        value=(diameter**2 / (2.0 * rate.value) + rate.value * rank.value) * traces,
        constants=(
            Constant("diameter (Frobenius norm)", diameter, "domain"),
            rate,
            rank,
            Constant("product of the traces of both roots", traces, "observed"),
        ),
        assumptions=(
            Assumption("every gradient has at most the given rank (not checked in the run)", rank.origin == "domain"),
        ),
        variants=variants or {},
    )
