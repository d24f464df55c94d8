"""Oja-SON: second-order online learning on eigenvectors tracked by Oja's rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive, renamed, whole
from oco.metrics import LowRankPlusScaledIdentity
from oco.types import Array


@dataclass
class OjaState:
    """``directions`` ``(k, d)`` has orthonormal rows; ``averages`` are the mean squared coordinates along them."""

    point: Array
    directions: Array
    averages: Array
    round: int


class OjaSON(Learner):
    r"""SON whose matrix is sketched by Oja's rule.

    .. math::
        \hat g = \sqrt{\sigma + \eta_t}\, g_t, \quad \eta_t = 1 / (\lambda t^p), \qquad
        \Lambda_t = (1 - \tfrac1t) \Lambda_{t-1} + \tfrac1t \mathrm{diag}(V_{t-1} \hat g)^2, \quad
        V_t = \mathrm{orth}\bigl(V_{t-1} + \tfrac1t V_{t-1} \hat g \hat g^\top\bigr), \\
        A_t = \epsilon I + t V_t^\top \Lambda_t V_t, \qquad x_{t+1} = \Pi_K^{A_t}\bigl(x_t - A_t^{-1} g_t\bigr)

    Parameters
    ----------
    rank
        k, the number of tracked directions (all d if k >= d).
    learning_rate
        lambda, which enters through ``eta_t = 1 / (learning_rate t^exponent)`` only.
    ridge
        epsilon, the multiple of the identity in A, positive.
    curvature
        sigma of the losses; 0 for merely convex ones.
    exponent
        p.

    Notes
    -----
    Cost O(d k^2) a round; state ``d k + k + d + 1`` floats. The first directions are drawn from the problem's seed.

    Regret bound: none known (Luo et al. give none).

    References
    ----------
    Luo, Agarwal, Cesa-Bianchi, Langford, NeurIPS 2016, Oja's sketch; cited from memory, not checked against the paper.

    Departures: projects on the domain rather than on the slab of the next feature vector.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Unbounded
    >>> from oco.learners import OjaSON, Problem
    >>> learner = OjaSON(rank=1, learning_rate=1.0, ridge=1.0)
    >>> learner.start(Problem(Unbounded(1), horizon=9))
    >>> learner.update(np.array([3.0]))  # A = 1 + 9
    >>> np.round(learner.prediction, 12)
    array([-0.3])
    """

    name = "oja_son"
    source = "Luo, Agarwal, Cesa-Bianchi, Langford 2016, Oja's sketch (cited from memory)"
    guarantee = "none known"
    draws = True
    examples = ({"rank": 2}, {"rank": 50, "curvature": 0.1})
    look = Look("Oja-SON", "#44AA99", "<")
    state: OjaState

    @renamed(delta="ridge")
    def __init__(
        self,
        rank: int,
        learning_rate: float = 1.0,
        ridge: float = 1.0,
        curvature: float = 0.0,
        exponent: float = 0.5,
    ) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.ridge = positive(self, "ridge", ridge)
        self.curvature = nonnegative(self, "curvature", curvature)
        self.exponent = nonnegative(self, "exponent", exponent)

    def start(self, problem: Problem) -> None:
        """Draw the first directions."""
        self._domain = problem.domain
        dimension = problem.domain.dimension
        rank = min(self.rank, dimension)
        gaussian = np.random.default_rng([problem.seed, 0x07A]).standard_normal((dimension, rank))
        self.state = OjaState(problem.domain.start, orthonormal_rows(gaussian.T), np.zeros(rank), 0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Oja's rule, then the step and the projection, in O(d k^2)."""
        state = self.state
        state.round += 1
        flat = gradient.ravel()
        weighted = np.sqrt(self.curvature + 1.0 / (self.learning_rate * state.round**self.exponent)) * flat
        coordinates = state.directions @ weighted
        state.averages = state.averages + (coordinates**2 - state.averages) / state.round
        state.directions = orthonormal_rows(state.directions + np.outer(coordinates / state.round, weighted))
        values = self.ridge + state.round * state.averages
        along = state.directions @ flat
        step = flat / self.ridge + state.directions.T @ (along / values - along / self.ridge)
        metric = LowRankPlusScaledIdentity(state.directions.T, values, self.ridge)
        state.point = self._domain.project_in(state.point - step.reshape(gradient.shape), metric)

    def memory(self, problem: Problem) -> Memory:
        """``d k + k + d + 1``: directions, averages, point, round."""
        dimension = problem.domain.dimension
        rank = min(self.rank, dimension)
        return Memory("d k + k + d + 1", dimension * rank + rank + dimension + 1)


def orthonormal_rows(rows: Array) -> Array:
    """Gram-Schmidt on rows, in order, keeping their signs."""
    basis, triangle = np.linalg.qr(rows.T)
    signs = np.where(np.diag(triangle) < 0.0, -1.0, 1.0)
    return np.ascontiguousarray((basis * signs).T)
