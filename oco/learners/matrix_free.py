"""Matrix-free preconditioning: a bettor whose betting fraction is learned by bettors, one for each coordinate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.domains._vectors import euclidean_norm
from oco.learners._finite import finite_update
from oco.learners.base import GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive, positive_or_none, reach, required_gradient_bound
from oco.regret.bounds import Assumption, Bound, Constant, Observed, Origin
from oco.types import Array

LARGEST_FRACTION = 0.5
"""Most of the wealth that is bet, by the outer bettor and by each inner one."""
NEWTON_RATE = 0.5 / (LARGEST_FRACTION - LARGEST_FRACTION**2 * math.log(1.0 + 1.0 / LARGEST_FRACTION))
"""The largest eta with ``f(b) - f(b') <= f'(b) (b - b') - (f'(b) (b - b'))^2 / (2 eta)`` on ``|b|, |b'| <= 1/2``, for
``f(b) = -ln(1 - z b)`` and ``|z| <= 1``: ``2 / (2 - ln 3)``."""


@dataclass
class MatrixFreeState:
    """``raw_bets`` are the inner bets before they are clipped, ``curvatures`` ``(d,)`` the sums A_i."""

    point: Array
    wealth: float
    fractions: Array
    inner_wealth: Array
    curvatures: Array
    round: int
    clipped: int


class MatrixFree(Learner):
    r"""Bets the vector v of fractions of its wealth, where v is itself what coordinatewise bettors play.

    .. math::
        c_t = \tilde g_t / \Gamma, \qquad y_t = x_1 + v_t W_{t-1}, \qquad W_t = W_{t-1} (1 - \langle c_t, v_t \rangle),
        \qquad x_t = \Pi_K(y_t)

    .. math::
        z_t = \frac{c_t}{2 (1 - \langle c_t, v_t \rangle)}, \qquad
        v_{t,i} = \mathrm{clip}(b_{t,i}\, w_{t-1,i}), \qquad
        w_{t,i} = w_{t-1,i} (1 - z_{t,i} b_{t,i}), \qquad
        b_{t+1,i} = \mathrm{clip}\Bigl(b_{t,i} - \frac{\eta\, \zeta_{t,i}}{A_{t,i}}\Bigr)

    with ``zeta_i = z_i / (1 - z_i b_i)``, ``A_{t,i} = 1 + sum_s zeta_{s,i}^2``, ``eta = 2 / (2 - ln 3)`` and clipping
    to [-1/2, 1/2]. Where clipping changed v_i and z_i pushes further out, z_i counts as zero. On a bounded domain
    ``g~`` is g without the part that pushes y further out, as in `CoinBetting`.

    Parameters
    ----------
    gradient_bound
        Gamma with ``|g_t|_1 <= Gamma``; None for ``sqrt(d)`` times the problem's bound in l2 norm. A longer gradient is
        clipped, which voids the bound.
    initial_wealth
        W_0 = epsilon, in units of distance.
    inner_wealth
        ``w_{0,i} = epsilon_v``; None for ``1 / d``.

    Raises
    ------
    ConfigError
        At the start, if no gradient bound is given or stated.

    Notes
    -----
    Cost O(d) a round; state ``4 d + 3`` floats: as much as online gradient descent up to a constant. For every u, any
    ``lambda`` with ``lambda |u - x_1|_inf <= 1/2`` and any ``beta_i`` in (0, 1/2], with u measured from x_1,

    .. math::
        \frac{R_T(u)}{\Gamma} \le \epsilon + \frac1\lambda \Bigl(\ln\bigl(1 + \tfrac{1}{\lambda \epsilon}\bigr)
          + \lambda^2 \sum_t \langle c_t, u \rangle^2 + 2 \sum_i r_i(\lambda |u_i|)\Bigr)

    .. math::
        r_i(v) = \epsilon_v + \frac{v}{\beta_i} \Bigl(\ln\bigl(1 + \tfrac{v}{\beta_i \epsilon_v}\bigr)
          + \tfrac94 \beta_i^2 (A_{T,i} - 1) + \frac{\beta_i^2}{2 \eta} + \frac{\eta}{2} \ln A_{T,i}\Bigr)

    The term ``sum <c, u>^2`` is what full matrices pay, without their dimension; what is added is a bound of diagonal
    preconditioning on ``lambda u``. The value stated minimizes over powers of two, and takes
    ``|u|^2 sum |g|^2`` for ``sum <g, u>^2``, since no covariance is kept.

    References
    ----------
    Cutkosky, Sarlos, ICML 2019, RecursiveOptimizer with an inner DiagOptimizer: the update is that of the authors'
    public code (inner optimizer ONSBET); of the paper only the abstract was at hand. The bound, with its
    constants, is derived here in the way of Cutkosky, Orabona, COLT 2018.

    Departures: the gradient bound is given, where the code takes the largest gradient seen; ``A_0 = 1`` and
    ``epsilon_v = 1 / d``, where the code starts at 1e-8 and 1; the code's rescaling of inner gradients is left out, as
    it calls it a heuristic.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.MatrixFree(gradient_bound=1.0, inner_wealth=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(1), horizon=9))
    >>> for _ in range(2):
    ...     learner.update(np.array([-1.0]))
    >>> np.round(learner.prediction, 4)
    array([0.75])
    """

    name = "matrix_free"
    source = "Cutkosky, Sarlos 2019 (authors' code); bound derived here"
    guarantee = (
        "about Gamma sqrt(sum <g, u>^2 ln) plus a diagonal bound on a multiple of u, for every u; |g|_1 <= Gamma"
    )
    needs = (GRADIENT_BOUND,)
    bound_needs_comparator = True
    examples = ({}, {"initial_wealth": 0.1, "inner_wealth": 0.5})
    look = Look("matrix-free", "#EECC66", "<")
    state: MatrixFreeState

    def __init__(
        self, gradient_bound: float | None = None, initial_wealth: float = 1.0, inner_wealth: float | None = None
    ) -> None:
        self.gradient_bound = positive_or_none(self, "gradient_bound", gradient_bound)
        self.initial_wealth = positive(self, "initial_wealth", initial_wealth)
        self.inner_wealth = positive_or_none(self, "inner_wealth", inner_wealth)

    def start(self, problem: Problem) -> None:
        """Start with all the wealth and no bet."""
        d, self._domain = problem.domain.dimension, problem.domain
        self._slope = self.gradient_bound or (
            math.sqrt(d) * required_gradient_bound(self, problem, "gradient_bound") or 1.0
        )
        self._inner = self.inner_wealth or 1.0 / d
        self.state = MatrixFreeState(
            problem.domain.start, self.initial_wealth, np.zeros(d), np.full(d, self._inner), np.ones(d), 0, 0
        )

    @finite_update
    def update(self, gradient: Array) -> None:
        """Collect the outer bet, then the inner ones; take a Newton step in each coordinate; bet; project. O(d)."""
        state = self.state
        state.round += 1
        outcome = self._outcome(gradient)
        inner_bets = state.fractions * state.inner_wealth
        fractions = np.clip(inner_bets, -LARGEST_FRACTION, LARGEST_FRACTION)
        kept = 1.0 - float(outcome @ fractions)
        state.wealth *= kept
        inner = 0.5 * outcome / kept
        inner = np.where(inner * (inner_bets - fractions) < 0.0, 0.0, inner)  # pushes a clipped bet further out
        left = 1.0 - inner * state.fractions
        state.inner_wealth = state.inner_wealth * left
        slopes = inner / left
        state.curvatures = state.curvatures + slopes**2
        newton = state.fractions - NEWTON_RATE * slopes / state.curvatures
        state.fractions = np.clip(newton, -LARGEST_FRACTION, LARGEST_FRACTION)
        state.point = self._domain.project(self._bet())

    def _bet(self) -> Array:
        """y, the point that is played before it is projected."""
        state = self.state
        fractions = np.clip(state.fractions * state.inner_wealth, -LARGEST_FRACTION, LARGEST_FRACTION)
        return self._domain.start + (fractions * state.wealth).reshape(self._domain.shape)

    def _outcome(self, gradient: Array) -> Array:
        """``c_t``, ``(d,)``, of l1 norm at most one: the gradient less what pushes the bet further out, over Gamma."""
        outward = self._bet() - self.state.point
        distance = euclidean_norm(outward)
        if distance > 0.0:
            outward = outward / distance
            gradient = gradient - min(0.0, float(np.vdot(gradient, outward))) * outward
        length = float(np.sum(np.abs(gradient)))
        # With an allowance for rounding, because the bound may have been computed in another way.
        self.state.clipped += length > self._slope * (1.0 + 1e-12)
        return (gradient / max(length, self._slope)).ravel()

    def memory(self, problem: Problem) -> Memory:
        """``4 d + 3``: point, inner fractions, wealths and curvatures, outer wealth, two counters."""
        return Memory("4 d + 3", 4 * problem.domain.dimension + 3)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; for the comparator found, else for all of a bounded domain."""
        domain, d = observed.domain, observed.domain.dimension
        origin: Origin = "domain" if observed.comparator is None else "observed"
        if observed.comparator is not None:
            offsets = np.abs(observed.comparator - domain.start).ravel()
            distance = euclidean_norm(offsets)
        elif domain.bounded:
            offsets = np.full(d, reach(domain, "linf"))
            distance = reach(domain)
        else:
            return None
        squares = observed.gradient_squares / self._slope**2 * distance**2
        betas = LARGEST_FRACTION * 2.0 ** -np.arange(0.0, 30.0)
        value = math.inf
        largest = float(offsets.max(initial=0.0))
        for rate in 2.0 ** np.arange(-60.0, 11.0) / self.initial_wealth:  # lambda
            if rate * largest <= LARGEST_FRACTION:
                inner = float(np.sum(self._inner_regrets(rate * offsets, betas)))
                growth = math.log1p(1.0 / (rate * self.initial_wealth)) + rate**2 * squares + 2.0 * inner
                value = min(value, float(self._slope * (self.initial_wealth + growth / rate)))
        return Bound(
            theorem="matrix-free preconditioning (Cutkosky, Sarlos 2019), derived here",
            value=value,
            constants=(
                Constant("distance to the comparator (l2 norm)", distance, origin),
                Constant("distance to the comparator (max norm)", largest, origin),
                Constant.resolved("gradient bound (l1 norm)", self._slope, self.gradient_bound),
                Constant("initial wealth", self.initial_wealth, "given"),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
            ),
            assumptions=(Assumption("no gradient was longer than the gradient bound", self.state.clipped == 0),),
        )

    def _inner_regrets(self, targets: Array, betas: Array) -> Array:
        """``r_i`` at each of the ``targets`` ``(d,)``, minimized over ``betas``."""
        curvatures, betas = self.state.curvatures[:, None], betas[None]
        growth = np.log1p(targets[:, None] / (betas * self._inner)) + 2.25 * betas**2 * (curvatures - 1.0)
        growth = growth + betas**2 / (2.0 * NEWTON_RATE) + 0.5 * NEWTON_RATE * np.log(curvatures)
        regrets: Array = self._inner + targets * np.min(growth / betas, axis=1)
        return regrets
