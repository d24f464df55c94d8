"""Online Newton Step: the second-order learner that exp-concave losses reward with logarithmic regret."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from oco.compile import kernel
from oco.domains.metrics import Dense
from oco.errors import ConfigError
from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, EXP_CONCAVITY, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import (
    nonnegative,
    positive,
    positive_or_none,
    reach,
    required_diameter,
    required_gradient_bound,
)
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@kernel
def add_outer_product(factor: Array, vector: Array) -> None:
    """Turn the upper-triangular R of ``A = R'R`` into that of ``A + v v'`` by Givens rotations; overwrites both."""
    for i in range(vector.size):
        length = np.hypot(factor[i, i], vector[i])
        if length == 0.0:
            continue
        cosine, sine = factor[i, i] / length, vector[i] / length
        factor[i, i] = length
        for j in range(i + 1, vector.size):
            above = factor[i, j]
            factor[i, j] = cosine * above + sine * vector[j]
            vector[j] = cosine * vector[j] - sine * above


@dataclass
class NewtonState:
    """``factor`` is the upper-triangular R with ``R'R = A_t``."""

    point: Array
    factor: Array
    round: int


class NewtonLearner(Learner):
    """The step that `OnlineNewtonStep` and `SON` share: ``A += w_t g g'``, ``x <- Pi_A(x - A^{-1} g)``."""

    state: NewtonState
    _delta: float

    def weight(self, round_index: int) -> float:
        """w_t, what the outer product of round t is multiplied by; not rising in t."""
        raise NotImplementedError

    def _start(self, problem: Problem, delta: float) -> None:
        self._delta = delta
        self._domain = problem.domain
        dimension = problem.domain.dimension
        self.state = NewtonState(problem.domain.start, np.sqrt(delta) * np.eye(dimension), 0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """``A_t = A_{t-1} + w_t g g'``, ``x_{t+1} = Pi^{A_t}(x_t - A_t^{-1} g)``, in O(d^2) and O(d^3) to project."""
        state = self.state
        state.round += 1
        flat = gradient.ravel()
        add_outer_product(state.factor, np.sqrt(self.weight(state.round)) * flat)
        step = linalg.cho_solve((state.factor, False), flat, check_finite=False)
        target = state.point - step.reshape(state.point.shape)
        if not self._domain.contains(target, tolerance=0.0):
            metric = Dense.from_matrix(state.factor.T @ state.factor)
            target = self._domain.project_in(target, metric)
        state.point = target

    def memory(self, problem: Problem) -> Memory:
        """``d^2 + d + 1``: the factor, the point, the round."""
        dimension = problem.domain.dimension
        return Memory("d^2 + d + 1", dimension**2 + dimension + 1)

    def log_determinant(self) -> float:
        """``ln det(A_t / delta)``."""
        diagonal = np.abs(np.diag(self.state.factor))
        return float(2.0 * np.sum(np.log(diagonal / np.sqrt(self._delta))))


class OnlineNewtonStep(NewtonLearner):
    r"""Online Newton Step for exp-concave losses.

    .. math::
        A_t = A_{t-1} + \gamma g_t g_t^\top, \quad A_0 = \delta I, \qquad
        x_{t+1} = \Pi_K^{A_t}\bigl(x_t - A_t^{-1} g_t\bigr)

    Parameters
    ----------
    curvature
        gamma; None for ``min(1 / (4 G D), alpha) / 2`` from the problem's diameter D, gradient bound G and
        exp-concavity alpha, all of which it must then have.
    delta
        Multiple of the identity that A starts from; None for ``1 / (gamma D^2)``.

    Raises
    ------
    ConfigError
        At the start, where a constant that is left to the theorem cannot be had from the problem.

    Notes
    -----
    Cost O(d^2) a round, O(d^3) where the step leaves the domain; state ``d^2 + d + 1`` floats.

    Regret on a domain of diameter D with ``f_t(u) >= f_t(x) + <g, u - x> + (gamma/2) <g, u - x>^2``:

    .. math::
        R_T \le \tfrac{\delta}{2} |x_1 - x^*|^2
              + \tfrac{d}{2\gamma} \ln\Bigl(1 + \tfrac{\gamma}{d\delta} \sum_t |g_t|^2\Bigr)

    (derived here; constant re-derived, not seen in print). The printed ``5 (1/alpha + G D) d ln T`` is a variant of the
    bound; its constant is cited from memory and not confirmed, and editions differ.

    References
    ----------
    Hazan, Agarwal, Kale, Machine Learning 69 (2007), Algorithm ONS.

    Departures: A is gamma times the paper's, which gives the same points.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Ball
    >>> from oco.learners import OnlineNewtonStep, Problem
    >>> learner = OnlineNewtonStep()
    >>> learner.start(Problem(Ball(radius=1.0, dimension=2), horizon=9, gradient_bound=1.0, exp_concavity=1.0))
    >>> learner.update(np.array([1.0, 0.0]))
    >>> bool(learner.prediction[0] < 0.0)
    True
    """

    name = "online_newton_step"
    source = "Hazan, Agarwal, Kale 2007, Algorithm ONS"
    guarantee = "delta/2 |x_1 - x*|^2 + d/(2 gamma) ln(1 + gamma sum|g|^2/(d delta)); exp-concave losses"
    needs = (DIAMETER, GRADIENT_BOUND, EXP_CONCAVITY)
    look = Look("ONS", "#882255", "p")

    def __init__(self, curvature: float | None = None, delta: float | None = None) -> None:
        self.curvature = positive_or_none(self, "curvature", curvature)
        self.delta = positive_or_none(self, "delta", delta)

    def start(self, problem: Problem) -> None:
        """Resolve gamma and delta from the problem where they are not given."""
        self._largest_curvature: float | None = None
        if problem.domain.bounded and problem.gradient_bound is not None and problem.exp_concavity is not None:
            slope = 4.0 * problem.gradient_bound * problem.domain.diameter()
            self._largest_curvature = 0.5 * min(1.0 / slope if slope > 0.0 else np.inf, problem.exp_concavity)
        self._alpha = problem.exp_concavity
        if self.curvature is not None:
            self._curvature = self.curvature
        else:
            if problem.exp_concavity is None:
                raise ConfigError(
                    "OnlineNewtonStep sets curvature from the losses' exp-concavity, and the environment states none; "
                    "give curvature, or play SON"
                )
            required_diameter(self, problem, unset="curvature")
            required_gradient_bound(self, problem, "curvature")
            assert self._largest_curvature is not None
            self._curvature = self._largest_curvature
        if self.delta is None:
            diameter = required_diameter(self, problem, unset="delta")
            self._start(problem, 1.0 / (self._curvature * diameter**2))
        else:
            self._start(problem, self.delta)

    def weight(self, round_index: int) -> float:
        """Gamma in every round."""
        return self._curvature

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        gamma, delta, dimension = self._curvature, self._delta, observed.domain.dimension
        distance = reach(observed.domain)
        start = 0.5 * delta * distance**2
        growth = np.log1p(gamma * observed.gradient_squares / (dimension * delta))
        known = self._largest_curvature
        variants = {"observed log-determinant": start + self.log_determinant() / (2.0 * gamma)}
        if self._alpha is not None and observed.rounds > 1:
            slope = observed.largest_gradient * observed.domain.diameter()
            variants["printed: 5 (1/alpha + GD) d ln T"] = (
                5.0 * (1.0 / self._alpha + slope) * dimension * float(np.log(observed.rounds))
            )
        return Bound(
            theorem="Online Newton Step (Hazan, Agarwal, Kale 2007), constant re-derived",
            value=start + dimension / (2.0 * gamma) * float(growth),
            constants=(
                Constant("distance to the comparator (l2 norm)", distance, "domain"),
                Constant("gamma", gamma, "domain" if self.curvature is None else "given"),
                Constant("delta", delta, "domain" if self.delta is None else "given"),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
            ),
            assumptions=(
                Assumption(
                    "curvature is at most min(1/(4GD), alpha)/2 of the losses", known is not None and gamma <= known
                ),
            ),
            variants=variants,
        )


class SON(NewtonLearner):
    r"""Second-order online Newton with a decaying weight: exact, for comparison with its sketches.

    .. math::
        A_t = A_{t-1} + (\sigma + \eta_t) g_t g_t^\top, \quad A_0 = \delta I, \quad \eta_t = 1 / (\lambda t^p), \qquad
        x_{t+1} = \Pi_K^{A_t}\bigl(x_t - A_t^{-1} g_t\bigr)

    Parameters
    ----------
    learning_rate
        lambda: there is no step size besides it, ``eta_t = 1 / (learning_rate t^exponent)``.
    delta
        Multiple of the identity that A starts from, positive.
    curvature
        sigma of the losses, ``f(u) >= f(x) + <g, u - x> + (sigma/2) <g, u - x>^2``; 0 for merely convex ones.
    exponent
        p; 1/2 is FD-SON's schedule in the public reference code, 1 is RFD-SON's, 0 a constant weight.

    Notes
    -----
    Cost O(d^2) a round, O(d^3) where the step leaves the domain; state ``d^2 + d + 1`` floats.

    Regret on a domain of diameter D, with G the largest gradient and w_t = sigma + eta_t,

    .. math::
        R_T \le \tfrac{\delta}{2} |x_1 - x^*|^2 + \tfrac{(GD)^2}{2} \sum_t \eta_t
              + \tfrac{d}{2 w_T} \ln\Bigl(1 + \tfrac{w_1}{d\delta} \sum_t |g_t|^2\Bigr).

    Luo et al. state it with 2 (CL)^2 sum eta_t on the slab ``|w.x_t| <= C`` (cited from memory and
    re-derived, not checked against the paper); here the slab is replaced by the game's domain, hence (GD)^2/2, and
    the logarithm has w_1, which is what the derivation gives for weights that fall.

    References
    ----------
    Luo, Agarwal, Cesa-Bianchi, Langford, NeurIPS 2016, Section 2.

    Departures: projects on the domain rather than on the slab of the next feature vector, which the protocol does not
    show.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Ball
    >>> from oco.learners import SON, Problem
    >>> learner = SON(learning_rate=1.0, delta=1.0)
    >>> learner.start(Problem(Ball(radius=5.0, dimension=2), horizon=9))
    >>> learner.update(np.array([1.0, 0.0]))
    >>> learner.prediction
    array([-0.5,  0. ])
    """

    name = "son"
    source = "Luo, Agarwal, Cesa-Bianchi, Langford 2016, Section 2"
    guarantee = "delta/2 |x_1 - x*|^2 + (GD)^2/2 sum eta_t + d/(2 w_T) ln(1 + w_1 sum|g|^2/(d delta)); bounded domain"
    examples = ({}, {"learning_rate": 0.5, "exponent": 0.0})
    look = Look("SON", "#661100", "d")

    def __init__(
        self, learning_rate: float = 1.0, delta: float = 1.0, curvature: float = 0.0, exponent: float = 0.5
    ) -> None:
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.delta = positive(self, "delta", delta)
        self.curvature = nonnegative(self, "curvature", curvature)
        self.exponent = nonnegative(self, "exponent", exponent)

    def start(self, problem: Problem) -> None:
        """Start from ``A_0 = delta I``."""
        self._start(problem, self.delta)

    def weight(self, round_index: int) -> float:
        """``sigma + 1 / (learning_rate t^exponent)``."""
        return float(self.curvature + 1.0 / (self.learning_rate * round_index**self.exponent))

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded or self.state.round == 0:
            return None
        dimension, delta = observed.domain.dimension, self._delta
        distance, slope = reach(observed.domain), observed.largest_gradient * observed.domain.diameter()
        last = self.weight(observed.rounds)
        slack = 0.5 * delta * distance**2 + 0.5 * slope**2 * sum_of_weights(
            self.learning_rate, self.exponent, observed.rounds
        )
        growth = np.log1p(self.weight(1) * observed.gradient_squares / (dimension * delta))
        return Bound(
            theorem="SON (Luo et al. 2016) on a bounded domain, constant re-derived",
            value=slack + dimension / (2.0 * last) * float(growth),
            constants=(
                Constant("distance to the comparator (l2 norm)", distance, "domain"),
                Constant("largest gradient times diameter (l2 norm)", slope, "observed"),
                Constant("weight of the last round", last, "given"),
                Constant("delta", delta, "given"),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
            ),
            assumptions=curvature_assumption(self.curvature),
            variants={"observed log-determinant": slack + self.log_determinant() / (2.0 * last)},
        )


def sum_of_weights(learning_rate: float, exponent: float, rounds: int) -> float:
    """``sum_{t <= T} 1 / (learning_rate t^exponent)``."""
    return float(np.sum(np.arange(1, rounds + 1, dtype=np.float64) ** -exponent)) / learning_rate


def curvature_assumption(curvature: float) -> tuple[Assumption, ...]:
    """What a positive ``curvature`` asks of the losses; a game does not check it, so it counts as not shown."""
    if curvature == 0.0:
        return ()
    return (Assumption(f"f(u) >= f(x) + <g, u - x> + ({curvature:g}/2) <g, u - x>^2 was shown for the losses", False),)
