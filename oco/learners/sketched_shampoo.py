"""Shampoo whose two sides are sketched by Frequent Directions: S-Shampoo, and its one-sided form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.domains.base import Domain
from oco.domains.metrics import Dense, Kronecker, LowRankPlusScaledIdentity
from oco.errors import ConfigError
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
from oco.learners.shampoo import shampoo_bound
from oco.regret.bounds import Bound, Constant, Observed
from oco.sketching.batch import shrink
from oco.types import Array


@dataclass
class Side:
    """A rank-k sketch of one side's covariance and its escaped mass; eigenpairs beyond the rank in use are zero."""

    eigenvalues: Array
    eigenvectors: Array
    escaped_mass: float

    @classmethod
    def empty(cls, dimension: int, rank: int) -> Side:
        """A sketch of nothing with ``min(rank, dimension)`` directions."""
        rank = min(rank, dimension)
        return cls(np.zeros(rank), np.zeros((rank, dimension)), 0.0)

    @staticmethod
    def floats(dimension: int, rank: int) -> int:
        """``(d + 1) k + 1``."""
        return (dimension + 1) * min(rank, dimension) + 1

    def update(self, rows: Array, decay: float) -> None:
        """``(rho, Gbar) = FD-update(decay Gbar, rows' rows)``, and ``rho_sum = decay rho_sum + rho``."""
        used = int(np.count_nonzero(self.eigenvalues))
        values, vectors, escaped = shrink(
            self.eigenvalues[:used], self.eigenvectors[:used], rows, self.eigenvalues.size, decay
        )
        self.eigenvalues = np.zeros_like(self.eigenvalues)
        self.eigenvectors = np.zeros_like(self.eigenvectors)
        self.eigenvalues[: values.size] = values
        self.eigenvectors[: values.size] = vectors
        self.escaped_mass = decay * self.escaped_mass + escaped

    def power(self, exponent: float, delta: float) -> LowRankPlusScaledIdentity:
        """``(Gbar + (rho + delta) I)^exponent``, Moore-Penrose where that is singular."""
        used = int(np.count_nonzero(self.eigenvalues))
        shift = self.escaped_mass + delta
        complement = float(shift**exponent) if shift > 0.0 else 0.0
        values = (self.eigenvalues[:used] + shift) ** exponent
        return LowRankPlusScaledIdentity(self.eigenvectors[:used].T, values, complement)

    def trace_power(self, exponent: float, delta: float) -> float:
        """``tr((Gbar + (rho + delta) I)^exponent)``."""
        metric = self.power(exponent, delta)
        dimension, used = metric.basis.shape
        return float(np.sum(metric.values) + (dimension - used) * metric.complement)


def apply(metric: LowRankPlusScaledIdentity, matrix: Array) -> Array:
    """``H matrix`` for a matrix with d rows."""
    coordinates = metric.basis.T @ matrix
    lifted = (metric.values - metric.complement)[:, None] * coordinates
    product: Array = metric.complement * matrix + metric.basis @ lifted
    return product


def dense(metric: LowRankPlusScaledIdentity) -> Dense:
    """The same metric by a full set of eigenvectors, the complement's chosen by a QR decomposition."""
    dimension, used = metric.basis.shape
    basis = np.linalg.qr(metric.basis, mode="complete")[0] if used else np.eye(dimension)
    basis[:, :used] = metric.basis
    return Dense(basis, np.append(metric.values, np.full(dimension - used, metric.complement)))


@dataclass
class SketchedShampooState:
    """Sketches of both sides."""

    point: Array
    left: Side
    right: Side


class SketchedShampoo(Learner):
    r"""S-Shampoo: Shampoo with both sides sketched, the escaped mass put back.

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
        beta_2 in (0, 1]; below 1 sketch and escaped mass are exponentially weighted, both by beta_2.
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
        R_T \le \Bigl(\frac{D^2}{2 \eta} + \eta r\Bigr) \mathrm{tr}(\tilde L_T^{1/4}) \, \mathrm{tr}(\tilde R_T^{1/4})
            \le \Bigl(\frac{D^2}{2 \eta} + \eta r\Bigr) \bigl(\mathrm{tr}(L_T^{1/4}) + m \Omega_L^{1/4}\bigr)
                \bigl(\mathrm{tr}(R_T^{1/4}) + n \Omega_R^{1/4}\bigr).

    The second is Theorem 5 at the theorem's learning rate (cited from memory and re-derived, not checked against the
    paper), see `theorem_5`; the first is what the run certifies from the sketches alone.

    References
    ----------
    Feinberg, Chen, Sun, Anil, Hazan, NeurIPS 2023, Algorithm 3, Theorem 5, Observation 6.

    Departures: the delta that starts both sides is kept in the update, where the printed one drops it; points are
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
        half = apply(state.left.power(-0.25, self.delta), gradient)
        step = apply(state.right.power(-0.25, self.delta), half.T).T
        state.point = projected(
            self._domain,
            state.point - self._rate * step,
            state.left.power(0.25, self.delta),
            state.right.power(0.25, self.delta),
        )

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
            self._rate,
            "domain" if self.learning_rate is None else "given",
            self._gradient_rank,
            self.gradient_rank is None,
            self.state.left.trace_power(0.25, self.delta) * self.state.right.trace_power(0.25, self.delta),
            variants,
        )


def theorem_5(left: Array, right: Array, rank: int, delta: float = 0.0) -> float:
    """``(tr L^(1/4) + m Omega_L^(1/4)) (tr R^(1/4) + n Omega_R^(1/4))`` from the eigenvalues of both covariances."""
    product = 1.0
    for eigenvalues in (left, right):
        falling = np.sort(np.maximum(eigenvalues, 0.0))[::-1]
        product *= float(np.sum((falling + delta) ** 0.25)) + falling.size * omega(falling, rank) ** 0.25
    return product


def omega(falling: Array, rank: int) -> float:
    """``min_{j <= k} (sum of all but the top j eigenvalues) / (k + 1 - j)``: Lemma 1's bound on the escaped mass."""
    return min(float(np.sum(falling[j:])) / (rank + 1 - j) for j in range(rank + 1))


@dataclass
class SketchedOneSidedShampooState:
    """A sketch of the left side."""

    point: Array
    left: Side


class SketchedOneSidedShampoo(Learner):
    r"""One-sided Shampoo with its side sketched, the escaped mass put back.

    .. math::
        (\rho_t, \bar L_t) = \mathrm{FD}(\beta_2 \bar L_{t-1}, G_t G_t^\top), \quad
        \tilde L_t = \bar L_t + (\delta + \rho_{1:t}) I, \qquad
        X_{t+1} = \Pi_K^{H_t}\bigl(X_t - \eta \tilde L_t^{-1/2} G_t\bigr), \quad H_t = \tilde L_t^{1/2} \otimes I_n

    Parameters
    ----------
    rank
        k, directions kept (all where k >= m).
    learning_rate
        eta; None for ``D_op / sqrt(2)`` with D_op the domain's diameter in the spectral norm.
    delta
        Multiple of the identity; at 0 the root is Moore-Penrose.
    decay
        beta_2 in (0, 1]; below 1 sketch and escaped mass are exponentially weighted.

    Raises
    ------
    ConfigError
        At the start, if decisions are not matrices, or the learning rate is left open on an unbounded domain.

    Notes
    -----
    Cost O(m (k + n)^2) a round, O(m^3 + m n (m + n)) more where the step leaves the domain; state
    ``m n + k m + k + 1`` floats. At k = m - 1 it is one-sided Shampoo. For decay 1,

    .. math::
        R_T \le \Bigl(\frac{D_{op}^2}{2 \eta} + \eta\Bigr) \mathrm{tr}(\tilde L_T^{1/2})

    and ``tr(Ltil^{1/2}) <= tr(L_T^{1/2}) + m sqrt(Omega_L)`` (derived here; constant re-derived, not seen in print).

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
        """Sketch the left side, step and project."""
        state = self.state
        if not np.any(gradient) and self.decay == 1.0:
            return
        state.left.update(gradient.T, self.decay)
        step = apply(state.left.power(-0.5, self.delta), gradient)
        metric = state.left.power(0.5, self.delta)
        state.point = projected(self._domain, state.point - self._rate * step, metric, self._identity)

    def memory(self, problem: Problem) -> Memory:
        """Point and sketch."""
        rows, columns = required_matrix(self, problem)
        return Memory("m n + k m + k + 1", rows * columns + Side.floats(rows, self.rank))

    @property
    def escaped_mass(self) -> float:
        """What the sketch subtracted so far."""
        return self.state.left.escaped_mass

    def bound(self, observed: Observed) -> Bound | None:
        """The bound that the sketch certifies; None on an unbounded domain or with exponential weights.

        With ``left_eigenvalues`` ``(m,)`` in ``observed.extra`` the a-priori form is a variant.
        """
        if not observed.domain.bounded or self.decay < 1.0:
            return None
        diameter, trace = observed.domain.diameter("spectral"), self.state.left.trace_power(0.5, self.delta)
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
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("tr Ltil^(1/2)", trace, "observed"),
            ),
            variants=variants,
        )


def checked_decay(learner: Learner, decay: float) -> float:
    """``decay`` if it lies in (0, 1]; `ConfigError` otherwise."""
    if 0.0 < decay <= 1.0:
        return float(decay)
    raise ConfigError(f"decay of {type(learner).__name__} must lie in (0, 1], got {decay!r}")


def projected(
    domain: Domain, target: Array, left: LowRankPlusScaledIdentity, right: LowRankPlusScaledIdentity
) -> Array:
    """Projection in the norm of ``left (x) right``, spelled out only where the target lies outside."""
    if domain.contains(target, tolerance=0.0):
        return target
    return domain.project_in(target, Kronecker(dense(left), dense(right)))
