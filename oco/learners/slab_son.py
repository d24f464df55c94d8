"""Second-order online Newton on the slab of the coming row, as printed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.learners._finite import finite_update
from oco.learners._newton import add_outer_product
from oco.learners._slab import COMPARATOR_IN_SLABS, excess_of, required_whole_space, slope_of
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive, required_vector
from oco.learners.son import curvature_assumption, sum_of_weights
from oco.needs import ROW
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class SlabState:
    """``factor`` is the upper-triangular R with ``R'R = A_t``; ``largest_slope`` the largest ``|phi'|`` so far."""

    point: Array
    factor: Array
    row: Array
    round: int
    largest_slope: float


class SlabSON(Learner):
    r"""Second-order online Newton that keeps its prediction, not its point, within bounds.

    .. math::
        A_t = A_{t-1} + (\sigma + \eta_t) g_t g_t^\top, \quad A_0 = \epsilon I, \quad \eta_t = 1 / (\lambda t^p), \qquad
        x_{t+1} = \arg\min_{|\langle a_{t+1}, x \rangle| \le C} |x - (x_t - A_t^{-1} g_t)|_{A_t}

    where a_t is the row of the coming loss, so that the projection has a closed form.

    Parameters
    ----------
    prediction_bound
        C, positive: predictions are at most this in size.
    learning_rate, ridge, curvature, exponent
        lambda, epsilon, sigma and p, as in `SON`.

    Raises
    ------
    ConfigError
        At the start, if the domain is bounded: the slab is in its place.

    Notes
    -----
    Cost O(d^2) a round, whatever the data, where `SON` pays O(d^3) for a projection on a domain; state
    ``d^2 + 2 d + 2`` floats.

    Regret against every u with ``|<a_t, u>| <= C`` in all rounds, for losses of a margin whose slopes are at most L in
    size, with ``w_t = sigma + eta_t``:

    .. math::
        R_T(u) \le \tfrac{\epsilon}{2} |u|^2 + 2 (C L)^2 \sum_t \eta_t
              + \tfrac{d}{2 w_T} \ln\Bigl(1 + \tfrac{w_1}{d \epsilon} \sum_t |g_t|^2\Bigr)

    It does not change if the features are transformed linearly, but for the term of the ridge.

    References
    ----------
    Luo, Agarwal, Cesa-Bianchi, Langford, NeurIPS 2016, Section 2, Theorem 1 (cited from memory and re-derived; the
    logarithm has w_1, as in `SON`).

    Departures: none known.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.SlabSON(prediction_bound=1.0, ridge=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.observe(np.array([1.0, 0.0]))
    >>> learner.update(np.array([-5.0, 0.0]))
    >>> learner.observe(np.array([10.0, 0.0]))
    >>> learner.prediction  # 10 times it would predict more than 1
    array([0.1, 0. ])
    """

    name = "slab_son"
    source = "Luo, Agarwal, Cesa-Bianchi, Langford 2016, Section 2, Theorem 1"
    guarantee = "ridge/2 |u|^2 + 2 (CL)^2 sum eta_t + d/(2 w_T) ln(1 + w_1 sum|g|^2/(d ridge)); |<a_t, u>| <= C"
    decision = "unbounded"
    needs = (ROW,)
    examples = ({}, {"prediction_bound": 2.0, "learning_rate": 0.5, "exponent": 0.0})
    look = Look("SON on the slab", "#EE7733", "d")
    state: SlabState

    def __init__(
        self,
        prediction_bound: float = 1.0,
        learning_rate: float = 1.0,
        ridge: float = 1.0,
        curvature: float = 0.0,
        exponent: float = 0.5,
    ) -> None:
        self.prediction_bound = positive(self, "prediction_bound", prediction_bound)
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.ridge = positive(self, "ridge", ridge)
        self.curvature = nonnegative(self, "curvature", curvature)
        self.exponent = nonnegative(self, "exponent", exponent)

    def start(self, problem: Problem) -> None:
        """Start from ``A_0 = ridge I`` at the origin."""
        required_vector(self, problem)
        required_whole_space(self, problem, "SON")
        dimension = problem.domain.dimension
        factor = np.sqrt(self.ridge) * np.eye(dimension)
        self.state = SlabState(problem.domain.start, factor, np.zeros(dimension), 0, 0.0)

    @np.errstate(all="ignore")  # a point that is not finite is an error of the game
    def observe(self, context: Array) -> None:
        """Move the point to where the coming row is predicted within the bound, in O(d^2)."""
        state = self.state
        state.row = np.array(context, dtype=np.float64)
        excess = excess_of(state.row, state.point, self.prediction_bound)
        if excess != 0.0:
            direction = scipy.linalg.cho_solve((state.factor, False), state.row, check_finite=False)
            state.point = state.point - excess / float(state.row @ direction) * direction

    @finite_update
    def update(self, gradient: Array) -> None:
        """Count the round, add the outer product and step, in O(d^2)."""
        state = self.state
        state.round += 1
        add_outer_product(state.factor, np.sqrt(self.weight(state.round)) * gradient)
        state.point = state.point - scipy.linalg.cho_solve((state.factor, False), gradient, check_finite=False)
        if gradient.any():
            state.largest_slope = max(state.largest_slope, slope_of(gradient, state.row))

    def memory(self, problem: Problem) -> Memory:
        """``d^2 + 2 d + 2``: a factor of A, the point, the row, the round, the largest slope."""
        d = problem.domain.dimension
        return Memory("d^2 + 2 d + 2", d * d + 2 * d + 2)

    def weight(self, round_index: int) -> float:
        """``sigma + 1 / (learning_rate t^exponent)``."""
        return float(self.curvature + 1.0 / (self.learning_rate * round_index**self.exponent))

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None if the best fixed point is not known."""
        norm, rounds = observed.comparator_distance, self.state.round
        if np.isnan(norm) or rounds == 0:
            return None
        dimension, last = observed.domain.dimension, self.weight(rounds)
        reach = 2.0 * (self.prediction_bound * self.state.largest_slope) ** 2
        slack = 0.5 * self.ridge * norm**2 + reach * sum_of_weights(self.learning_rate, self.exponent, rounds)
        growth = float(np.log1p(self.weight(1) * observed.gradient_squares / (dimension * self.ridge)))
        return Bound(
            theorem="SON on the slab (Luo et al. 2016, Theorem 1), constants re-derived",
            value=slack + dimension / (2.0 * last) * growth,
            constants=(
                Constant("norm of the comparator (l2 norm)", norm, "observed"),
                Constant("prediction bound", self.prediction_bound, "given"),
                Constant("largest slope", self.state.largest_slope, "observed"),
                Constant("weight of the last round", last, "given"),
                Constant("ridge", self.ridge, "given"),
            ),
            assumptions=(*curvature_assumption(self.curvature), COMPARATOR_IN_SLABS),
        )
