"""Online Newton Step, a second-order learner with logarithmic regret for exp-concave losses."""

from __future__ import annotations

import numpy as np

from oco.errors import ConfigError
from oco.learners._finite import finite_update
from oco.learners._newton import NewtonState, newton_memory
from oco.learners.base import DIAMETER, EXP_CONCAVITY, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import (
    positive_or_none,
    reach,
    renamed,
    required_diameter,
    required_gradient_bound,
)
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


class OnlineNewtonStep(Learner):
    r"""Online Newton Step for exp-concave losses.

    .. math::
        A_t = A_{t-1} + \gamma g_t g_t^\top, \quad A_0 = \epsilon I, \qquad
        x_{t+1} = \Pi_K^{A_t}\bigl(x_t - A_t^{-1} g_t\bigr)

    Parameters
    ----------
    curvature
        gamma; None for ``min(1 / (4 G D), alpha) / 2`` from the problem's diameter D, gradient bound G and
        exp-concavity alpha, all of which are then required.
    ridge
        epsilon, with ``A_0 = epsilon I``; None for ``1 / (gamma D^2)``.

    Raises
    ------
    ConfigError
        At the start, if a default needs a constant that the problem does not state.

    Notes
    -----
    Cost O(d^2) a round, O(d^3) where the step leaves the domain; state ``d^2 + d + 1`` floats.

    Regret on a domain of diameter D with ``f_t(u) >= f_t(x) + <g, u - x> + (gamma/2) <g, u - x>^2``:

    .. math::
        R_T \le \tfrac{\epsilon}{2} |x_1 - x^*|^2
              + \tfrac{d}{2\gamma} \ln\Bigl(1 + \tfrac{\gamma}{d \epsilon} \sum_t |g_t|^2\Bigr)

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
    guarantee = "ridge/2 |x_1 - x*|^2 + d/(2 gamma) ln(1 + gamma sum|g|^2/(d ridge)); exp-concave losses"
    needs = (DIAMETER, GRADIENT_BOUND, EXP_CONCAVITY)
    look = Look("ONS", "#882255", "p")

    @renamed(delta="ridge")
    def __init__(self, curvature: float | None = None, ridge: float | None = None) -> None:
        self.curvature = positive_or_none(self, "curvature", curvature)
        self.ridge = positive_or_none(self, "ridge", ridge)

    def start(self, problem: Problem) -> None:
        """Set gamma and the ridge, by default from the problem."""
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
        if self.ridge is not None:
            self._ridge = self.ridge
        else:
            self._ridge = 1.0 / (self._curvature * required_diameter(self, problem, unset="ridge") ** 2)
        self._domain = problem.domain
        self.state = NewtonState.first(problem.domain, self._ridge)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Count the round, add the outer product, step and project, in O(d^2), or O(d^3) with a projection."""
        self.state.round += 1
        self.state.step(self._domain, gradient, self._curvature)

    def memory(self, problem: Problem) -> Memory:
        """``d^2 + d + 1``: a factor of A, the point, the round."""
        return newton_memory(problem.domain)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        gamma, ridge, dimension = self._curvature, self._ridge, observed.domain.dimension
        distance = reach(observed.domain)
        start = 0.5 * ridge * distance**2
        growth = np.log1p(gamma * observed.gradient_squares / (dimension * ridge))
        known = self._largest_curvature
        variants = {"observed log-determinant": start + self.state.log_determinant(ridge) / (2.0 * gamma)}
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
                Constant.resolved("gamma", gamma, self.curvature),
                Constant.resolved("ridge", ridge, self.ridge),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
            ),
            assumptions=(
                Assumption(
                    "curvature is at most min(1/(4GD), alpha)/2 of the losses", known is not None and gamma <= known
                ),
            ),
            variants=variants,
        )
