"""Ada-LR and RadaGrad: full-matrix AdaGrad through a random projection of the gradient covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.decomposition import thin_svd
from oco.domains.base import Domain
from oco.learners._finite import finite_update, is_finite
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive, renamed, whole
from oco.metrics import LowRankPlusScaledIdentity
from oco.types import Array

RELATIVE_RANK_THRESHOLD = 1e-12
"""Singular values of the projected covariance below this fraction of the largest count as zero (rounding)."""


def require_finite(matrix: Array) -> None:
    """Raise `ArithmeticError` if a matrix is not finite, since its singular value decomposition may never return."""
    if not is_finite(matrix):
        raise ArithmeticError("the covariance is not finite")


def random_frame(dimension: int, rank: int, seed: int) -> Array:
    """``(d, min(rank, d))``, orthogonal columns of squared length d/rank, uniformly distributed: ``E[P P'] = I``."""
    columns = min(rank, dimension)
    gaussian = np.random.default_rng([seed, 0x9A]).standard_normal((dimension, columns))
    basis, triangle = np.linalg.qr(gaussian)
    frame: Array = basis * np.sign(np.diag(triangle)) * np.sqrt(dimension / columns)
    return frame


@dataclass(frozen=True)
class ProjectedSteps:
    """The step shared by `AdaLR` and `RadaGrad`, with eta, the ridge epsilon and the domain."""

    domain: Domain
    learning_rate: float
    ridge: float

    def step(
        self, point: Array, gradient: Array, basis: Array, eigenvalues: Array, *, complement: float, move: float
    ) -> Array:
        """``Pi_H(x - eta [V (Sigma^(1/2) + ridge)^-1 V' g + move (I - V V') g])``; H is ``complement`` off V."""
        kept = eigenvalues > RELATIVE_RANK_THRESHOLD * np.max(eigenvalues, initial=0.0)
        basis, roots = np.ascontiguousarray(basis[:, kept]), np.sqrt(eigenvalues[kept]) + self.ridge
        flat = gradient.ravel()
        coordinates = basis.T @ flat
        step = basis @ (coordinates / roots)
        if move > 0.0:
            step += move * (flat - basis @ coordinates)
        target = point - self.learning_rate * step.reshape(gradient.shape)
        projected: Array = self.domain.project_in(target, LowRankPlusScaledIdentity(basis, roots, complement))
        return projected


@dataclass
class AdaLRState:
    """``covariance`` is G_t ``(d, d)``, ``projection`` is P ``(d, k)``."""

    point: Array
    covariance: Array
    projection: Array


class AdaLR(Learner):
    r"""Ada-LR: a rank-k approximation of the full covariance by random projection, which saves time but no memory.

    .. math::
        G_t = G_{t-1} + g_t g_t^\top, \quad Q R = G_t P, \quad U \Sigma V^\top = Q^\top G_t, \qquad
        x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \eta V (\Sigma^{1/2} + \epsilon I)^{-1} V^\top g_t\bigr)

    Parameters
    ----------
    rank
        k, columns of the random P (all d where k >= d).
    learning_rate
        eta.
    ridge
        epsilon, added to the root.

    Notes
    -----
    Cost O(d^2 k) a round; state ``d^2 + d k + d`` floats. P is drawn at the start from the problem's seed. With
    ``k >= d`` the step is full-matrix AdaGrad's with the ridge outside the root.

    Regret bound: none is stated here. The comparison table of Feinberg et al. (2023) lists
    ``tr(G^{1/2}) + lambda_{k+1}^{1/2} k^{3/4} d^{1/4}`` up to constants (cited from memory, not confirmed).

    References
    ----------
    Krummenacher, McWilliams, Kilcher, Buhmann, Meinshausen, NeurIPS 2016, Algorithm 1; cited from memory, not checked
    against the paper.

    Departures: P has uniformly distributed orthogonal columns in place of a subsampled randomized Hadamard transform;
    points are projected on the domain, in the norm ``V (Sigma^{1/2} + ridge) V' + ridge (I - V V')``.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import AdaLR, Problem
    >>> learner = AdaLR(rank=2, learning_rate=1.0, ridge=5.0)
    >>> learner.start(Problem(Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 4.0]))
    >>> np.round(learner.prediction, 12)
    array([-0.3, -0.4])
    """

    name = "ada_lr"
    source = "Krummenacher et al. 2016, Algorithm 1 (cited from memory)"
    guarantee = "none stated: the published form is not confirmed"
    draws = True
    examples = ({"rank": 2}, {"rank": 50})
    look = Look("Ada-LR", "#999933", ">")
    state: AdaLRState

    @renamed(delta="ridge")
    def __init__(self, rank: int, learning_rate: float = 0.1, ridge: float = 1e-3) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.ridge = nonnegative(self, "ridge", ridge)

    def start(self, problem: Problem) -> None:
        """Draw the projection."""
        dimension = problem.domain.dimension
        self._steps = ProjectedSteps(problem.domain, self.learning_rate, self.ridge)
        self.state = AdaLRState(
            problem.domain.start,
            np.zeros((dimension, dimension)),
            random_frame(dimension, self.rank, problem.seed),
        )

    @finite_update
    def update(self, gradient: Array) -> None:
        """Project the covariance, take its singular values, step and project, in O(d^2 k)."""
        state = self.state
        flat = gradient.ravel()
        state.covariance = state.covariance + np.outer(flat, flat)
        require_finite(state.covariance)
        orthogonal = np.linalg.qr(state.covariance @ state.projection)[0]
        _, eigenvalues, right = thin_svd(orthogonal.T @ state.covariance)
        state.point = self._steps.step(state.point, gradient, right.T, eigenvalues, complement=self.ridge, move=0.0)

    def memory(self, problem: Problem) -> Memory:
        """``d^2 + d k + d``: covariance, projection, point."""
        dimension = problem.domain.dimension
        return Memory("d^2 + d k + d", dimension * (dimension + min(self.rank, dimension) + 1))


@dataclass
class RadaGradState:
    """``sketch`` is ``G_t P`` ``(d, k)``, ``projection`` is P ``(d, k)``."""

    point: Array
    sketch: Array
    projection: Array


class RadaGrad(Learner):
    r"""RadaGrad: Ada-LR with only the projected covariance, and plain gradient steps outside its range.

    .. math::
        S_t = S_{t-1} + g_t (P^\top g_t)^\top = V \Sigma W^\top, \qquad
        x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \eta [V (\Sigma^{1/2} + \epsilon I)^{-1} V^\top g_t + (I - V V^\top) g_t]\bigr)

    Parameters
    ----------
    rank
        k, columns of the random P (all d where k >= d).
    learning_rate
        eta.
    ridge
        epsilon, added to the root.

    Notes
    -----
    Cost O(d k^2) a round; state ``2 d k + d`` floats, P included. P is drawn at the start from the problem's seed. With
    ``k >= d`` the step is full-matrix AdaGrad's with the ridge outside the root.

    Regret bound: none (Feinberg et al. 2023 say that it has no guarantee and fails with probability O(1/k)).

    References
    ----------
    Krummenacher, McWilliams, Kilcher, Buhmann, Meinshausen, NeurIPS 2016, Algorithm 2; cited from memory, not checked
    against the paper.

    Departures: P as for `AdaLR`; points are projected on the domain, in the norm
    ``V (Sigma^{1/2} + ridge) V' + (I - V V')``.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import Problem, RadaGrad
    >>> learner = RadaGrad(rank=2, learning_rate=1.0, ridge=5.0)
    >>> learner.start(Problem(Unbounded(2), horizon=9))
    >>> learner.update(np.array([3.0, 4.0]))
    >>> np.round(learner.prediction, 12)
    array([-0.3, -0.4])
    """

    name = "radagrad"
    source = "Krummenacher et al. 2016, Algorithm 2 (cited from memory)"
    guarantee = "none known"
    draws = True
    examples = ({"rank": 2}, {"rank": 50})
    look = Look("RadaGrad", "#6699CC", "H")
    state: RadaGradState

    @renamed(delta="ridge")
    def __init__(self, rank: int, learning_rate: float = 0.1, ridge: float = 1e-3) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.ridge = nonnegative(self, "ridge", ridge)

    def start(self, problem: Problem) -> None:
        """Draw the projection."""
        dimension = problem.domain.dimension
        self._steps = ProjectedSteps(problem.domain, self.learning_rate, self.ridge)
        projection = random_frame(dimension, self.rank, problem.seed)
        self.state = RadaGradState(problem.domain.start, np.zeros(projection.shape), projection)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Update the projected covariance, take its singular values, step and project, in O(d k^2)."""
        state = self.state
        flat = gradient.ravel()
        state.sketch = state.sketch + np.outer(flat, flat @ state.projection)
        require_finite(state.sketch)
        basis, eigenvalues, _ = thin_svd(state.sketch)
        state.point = self._steps.step(state.point, gradient, basis, eigenvalues, complement=1.0, move=1.0)

    def memory(self, problem: Problem) -> Memory:
        """``2 d k + d``: projected covariance, projection, point."""
        dimension = problem.domain.dimension
        return Memory("2 d k + d", dimension * (2 * min(self.rank, dimension) + 1))
