"""FD-SON on the slab of the coming row, as printed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners._slab import COMPARATOR_IN_SLABS, excess_of, required_whole_space, slope_of
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive, required_vector, whole
from oco.learners.son import curvature_assumption, sum_of_weights
from oco.metrics import LowRankPlusScaledIdentity
from oco.needs import ROW
from oco.regret.bounds import Bound, Constant, Observed
from oco.sketching import batch
from oco.types import Array


@dataclass
class SlabSketch:
    """The sketch ``basis' diag(values) basis`` of weighted gradients, ``(k, d)``; unused rows are zero."""

    point: Array
    row: Array
    basis: Array
    values: Array
    escaped: float
    round: int
    largest_slope: float


class SlabFDSON(Learner):
    r"""Sketched second-order online Newton that keeps its prediction, not its point, within bounds.

    .. math::
        A_t = \epsilon I + \bar G_t, \qquad
        x_{t+1} = \arg\min_{|\langle a_{t+1}, x \rangle| \le C} |x - (x_t - A_t^{-1} g_t)|_{A_t}

    where Gbar_t is a rank-k sketch of ``g_t sqrt(sigma + eta_t)`` with ``eta_t = 1 / (lambda t^p)``, and a_t the row
    of the coming loss.

    Parameters
    ----------
    rank
        k, directions that are kept; the paper's sketch has k + 1 rows.
    prediction_bound
        C, positive: predictions are at most this in size.
    learning_rate, ridge, curvature, exponent
        lambda, epsilon, sigma and p, as in `FDSON`.

    Raises
    ------
    ConfigError
        At the start, if the domain is bounded: the slab is in its place.

    Notes
    -----
    Cost O(d k^2) a round; state ``k (d + 1) + 2 d + 3`` floats. With ``k >= d`` it is `SlabSON`.

    Regret against every u with ``|<a_t, u>| <= C`` in all rounds, for losses of a margin whose slopes are at most L in
    size, with ``w_t = sigma + eta_t``, ``m = min(k + 1, d)`` and rho the mass that escaped:

    .. math::
        R_T(u) \le \tfrac{\epsilon}{2} |u|^2 + 2 (C L)^2 \sum_t \eta_t
              + \tfrac{m}{2 w_T} \ln\Bigl(1 + \tfrac{\mathrm{tr} \bar G_T}{m \epsilon}\Bigr)
              + \tfrac{m}{2 w_T \epsilon} \rho_{1:T}

    References
    ----------
    Luo, Agarwal, Cesa-Bianchi, Langford, NeurIPS 2016, FD-SON and Theorem 3 (cited from memory and re-derived, as for
    `FDSON`).

    Departures: none known.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.SlabFDSON(rank=1, prediction_bound=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.observe(np.array([1.0, 0.0]))
    >>> learner.update(np.array([-5.0, 0.0]))
    >>> learner.observe(np.array([10.0, 0.0]))
    >>> learner.prediction
    array([0.1, 0. ])
    """

    name = "slab_fd_son"
    source = "Luo, Agarwal, Cesa-Bianchi, Langford 2016, FD-SON"
    guarantee = (
        "ridge/2 |u|^2 + 2 (CL)^2 sum eta_t + m/(2 w_T) (ln(1 + tr Gbar/(m ridge)) + rho/ridge); |<a_t, u>| <= C"
    )
    decision = "unbounded"
    needs = (ROW,)
    examples = ({"rank": 2}, {"rank": 50, "prediction_bound": 2.0, "exponent": 0.0})
    look = Look("FD-SON on the slab", "#EEDD88", "P")
    state: SlabSketch

    def __init__(
        self,
        rank: int,
        prediction_bound: float = 1.0,
        learning_rate: float = 1.0,
        ridge: float = 1.0,
        curvature: float = 0.0,
        exponent: float = 0.5,
    ) -> None:
        self.rank = whole(self, "rank", rank)
        self.prediction_bound = positive(self, "prediction_bound", prediction_bound)
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.ridge = positive(self, "ridge", ridge)
        self.curvature = nonnegative(self, "curvature", curvature)
        self.exponent = nonnegative(self, "exponent", exponent)

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far."""
        return self.state.escaped

    def start(self, problem: Problem) -> None:
        """Start with an empty sketch at the origin."""
        required_vector(self, problem)
        required_whole_space(self, problem, "FDSON")
        d = problem.domain.dimension
        rank = min(self.rank, d)
        self.state = SlabSketch(problem.domain.start, np.zeros(d), np.zeros((rank, d)), np.zeros(rank), 0.0, 0, 0.0)

    def _solve(self, vector: Array) -> Array:
        """``A^{-1} vector`` in O(dk)."""
        kept = self.state.values > 0.0
        basis = np.ascontiguousarray(self.state.basis[kept].T)
        metric = LowRankPlusScaledIdentity(basis, self.ridge + self.state.values[kept], self.ridge)
        return metric.power(-1.0).apply(vector)

    @np.errstate(all="ignore")  # a point that is not finite is an error of the game
    def observe(self, context: Array) -> None:
        """Move the point to where the coming row is predicted within the bound, in O(dk)."""
        state = self.state
        state.row = np.array(context, dtype=np.float64)
        excess = excess_of(state.row, state.point, self.prediction_bound)
        if excess != 0.0:
            direction = self._solve(state.row)
            state.point = state.point - excess / float(state.row @ direction) * direction

    @finite_update
    def update(self, gradient: Array) -> None:
        """Count the round, sketch the weighted gradient and step, in O(d k^2)."""
        state = self.state
        state.round += 1
        if not gradient.any():
            return
        kept = state.values > 0.0
        weighted = math.sqrt(self.weight(state.round)) * gradient
        values, basis, escaped = batch.shrink(state.values[kept], state.basis[kept], weighted[None], kept.size)
        state.values, state.basis = np.zeros(kept.size), np.zeros(state.basis.shape)
        state.values[: values.size], state.basis[: values.size] = values, basis
        state.escaped += escaped
        state.point = state.point - self._solve(gradient)
        state.largest_slope = max(state.largest_slope, slope_of(gradient, state.row))

    def memory(self, problem: Problem) -> Memory:
        """``k (d + 1) + 2 d + 3`` with k at most d: basis and values, point, row, three numbers."""
        d = problem.domain.dimension
        return Memory("k (d + 1) + 2 d + 3", min(self.rank, d) * (d + 1) + 2 * d + 3)

    def weight(self, round_index: int) -> float:
        """``sigma + 1 / (learning_rate t^exponent)``."""
        return float(self.curvature + 1.0 / (self.learning_rate * round_index**self.exponent))

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None if the best fixed point is not known."""
        state, norm = self.state, observed.comparator_distance
        if np.isnan(norm) or state.round == 0:
            return None
        size, last = min(self.rank + 1, observed.domain.dimension), self.weight(state.round)
        reach = 2.0 * (self.prediction_bound * state.largest_slope) ** 2
        slack = 0.5 * self.ridge * norm**2 + reach * sum_of_weights(self.learning_rate, self.exponent, state.round)
        growth = size * (math.log1p(float(state.values.sum()) / (size * self.ridge)) + state.escaped / self.ridge)
        return Bound(
            theorem="FD-SON on the slab (Luo et al. 2016), constants re-derived",
            value=slack + growth / (2.0 * last),
            constants=(
                Constant("norm of the comparator (l2 norm)", norm, "observed"),
                Constant("prediction bound", self.prediction_bound, "given"),
                Constant("largest slope", state.largest_slope, "observed"),
                Constant("weight of the last round", last, "given"),
                Constant("ridge", self.ridge, "given"),
                Constant("escaped mass", state.escaped, "observed"),
            ),
            assumptions=(*curvature_assumption(self.curvature), COMPARATOR_IN_SLABS),
        )
