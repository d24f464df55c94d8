"""SON: second-order online Newton with the whole matrix, which its sketches are compared to."""

from __future__ import annotations

import numpy as np

from oco.learners._finite import finite_update
from oco.learners._newton import NewtonState, newton_memory
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive, reach, renamed
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


class SON(Learner):
    r"""Second-order online Newton with a decaying weight: exact, for comparison with its sketches.

    .. math::
        A_t = A_{t-1} + (\sigma + \eta_t) g_t g_t^\top, \quad A_0 = \epsilon I, \quad \eta_t = 1 / (\lambda t^p), \qquad
        x_{t+1} = \Pi_K^{A_t}\bigl(x_t - A_t^{-1} g_t\bigr)

    Parameters
    ----------
    learning_rate
        lambda: there is no step size besides it, ``eta_t = 1 / (learning_rate t^exponent)``.
    ridge
        epsilon, the multiple of the identity that A starts from, positive.
    curvature
        sigma of the losses, ``f(u) >= f(x) + <g, u - x> + (sigma/2) <g, u - x>^2``; 0 for merely convex ones.
    exponent
        p; 1/2 is FD-SON's schedule in the public reference code, 1 is RFD-SON's, 0 a constant weight.

    Notes
    -----
    Cost O(d^2) a round, O(d^3) where the step leaves the domain; state ``d^2 + d + 1`` floats.

    Regret on a domain of diameter D, with G the largest gradient and w_t = sigma + eta_t,

    .. math::
        R_T \le \tfrac{\epsilon}{2} |x_1 - x^*|^2 + \tfrac{(GD)^2}{2} \sum_t \eta_t
              + \tfrac{d}{2 w_T} \ln\Bigl(1 + \tfrac{w_1}{d \epsilon} \sum_t |g_t|^2\Bigr).

    Luo et al. state it with 2 (CL)^2 sum eta_t on the slab ``|w.x_t| <= C`` (cited from memory and
    re-derived, not checked against the paper); here the slab is replaced by the game's domain, hence (GD)^2/2, and
    the logarithm has w_1, which is what the derivation gives for weights that fall.

    References
    ----------
    Luo, Agarwal, Cesa-Bianchi, Langford, NeurIPS 2016, Section 2.

    Departures: projects on the domain rather than on the slab of the next feature vector; `SlabSON` has the slab.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Ball
    >>> from oco.learners import SON, Problem
    >>> learner = SON(learning_rate=1.0, ridge=1.0)
    >>> learner.start(Problem(Ball(radius=5.0, dimension=2), horizon=9))
    >>> learner.update(np.array([1.0, 0.0]))
    >>> learner.prediction
    array([-0.5,  0. ])
    """

    name = "son"
    source = "Luo, Agarwal, Cesa-Bianchi, Langford 2016, Section 2"
    guarantee = "ridge/2 |x_1 - x*|^2 + (GD)^2/2 sum eta_t + d/(2 w_T) ln(1 + w_1 sum|g|^2/(d ridge)); bounded domain"
    examples = ({}, {"learning_rate": 0.5, "exponent": 0.0})
    look = Look("SON", "#661100", "d")

    @renamed(delta="ridge")
    def __init__(
        self, learning_rate: float = 1.0, ridge: float = 1.0, curvature: float = 0.0, exponent: float = 0.5
    ) -> None:
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.ridge = positive(self, "ridge", ridge)
        self.curvature = nonnegative(self, "curvature", curvature)
        self.exponent = nonnegative(self, "exponent", exponent)

    def start(self, problem: Problem) -> None:
        """Start from ``A_0 = ridge I``."""
        self._domain = problem.domain
        self.state = NewtonState.first(problem.domain, self.ridge)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Count the round, add the outer product, step and project, in O(d^2), and O(d^3) where it projects."""
        self.state.round += 1
        self.state.step(self._domain, gradient, self.weight(self.state.round))

    def memory(self, problem: Problem) -> Memory:
        """``d^2 + d + 1``: a factor of A, the point, the round."""
        return newton_memory(problem.domain)

    def weight(self, round_index: int) -> float:
        """``sigma + 1 / (learning_rate t^exponent)``."""
        return float(self.curvature + 1.0 / (self.learning_rate * round_index**self.exponent))

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded or self.state.round == 0:
            return None
        dimension, ridge = observed.domain.dimension, self.ridge
        distance, slope = reach(observed.domain), observed.largest_gradient * observed.domain.diameter()
        last = self.weight(observed.rounds)
        slack = 0.5 * ridge * distance**2 + 0.5 * slope**2 * sum_of_weights(
            self.learning_rate, self.exponent, observed.rounds
        )
        growth = np.log1p(self.weight(1) * observed.gradient_squares / (dimension * ridge))
        return Bound(
            theorem="SON (Luo et al. 2016) on a bounded domain, constant re-derived",
            value=slack + dimension / (2.0 * last) * float(growth),
            constants=(
                Constant("distance to the comparator (l2 norm)", distance, "domain"),
                Constant("largest gradient times diameter (l2 norm)", slope, "observed"),
                Constant("weight of the last round", last, "given"),
                Constant("ridge", ridge, "given"),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
            ),
            assumptions=curvature_assumption(self.curvature),
            variants={"observed log-determinant": slack + self.state.log_determinant(ridge) / (2.0 * last)},
        )


def sum_of_weights(learning_rate: float, exponent: float, rounds: int) -> float:
    """``sum_{t <= T} 1 / (learning_rate t^exponent)``."""
    return float(np.sum(np.arange(1, rounds + 1, dtype=np.float64) ** -exponent)) / learning_rate


def curvature_assumption(curvature: float) -> tuple[Assumption, ...]:
    """What a positive ``curvature`` asks of the losses; a game does not check it, so it counts as not shown."""
    if curvature == 0.0:
        return ()
    return (Assumption(f"f(u) >= f(x) + <g, u - x> + ({curvature:g}/2) <g, u - x>^2 was shown for the losses", False),)
