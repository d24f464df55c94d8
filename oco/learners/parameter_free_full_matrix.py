"""Full-matrix AdaGrad without a learning rate, whose bound depends on the comparator's directions."""

from __future__ import annotations

from oco.learners._finite import finite_update
from oco.learners._parameter_free import ParameterFreePlayer, ParameterFreeState, parameter_free_player
from oco.learners._side import Side
from oco.learners.base import GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none
from oco.metrics import LowRankPlusScaledIdentity
from oco.regret.bounds import Bound, Observed
from oco.types import Array


class ParameterFreeFullMatrix(Learner):
    r"""Bets in the norm of the full covariance: no learning rate, and a bound in the comparator's own directions.

    .. math::
        H_t = \bigl(I + G_t / \Gamma^2\bigr)^{1/2}, \qquad
        y_{t+1} = x_1 - F_{V_t}'(z_t) \frac{H_t^{-1} s_t}{z_t}, \quad z_t = |s_t|_{H_t^{-1}}, \qquad
        x_{t+1} = \Pi_K^{H_t}(y_{t+1})

    with the sum of outcomes s_t, their squares V_t and the potential F of `ParameterFreeFD`.

    Parameters
    ----------
    gradient_bound
        Gamma with ``|g_t| <= Gamma``; None for the problem's. A longer gradient is clipped, which voids the bound.
    scale
        epsilon > 0, a guess of the comparator's distance from the start, which costs a logarithm where it is wrong;
        None for a quarter of the domain's reach, or 1 on an unbounded one.

    Raises
    ------
    ConfigError
        At the start, if no gradient bound is given or stated.

    Notes
    -----
    Cost O(d^3) a round; state ``d^2 + 3 d + 3`` floats. For every comparator u,

    .. math::
        R_T(u) \le \Gamma F_{V_T}^*\bigl(|u - x_1|_{H_T}\bigr), \qquad
        V_T \le 2\, \mathrm{tr}(G_T^{1/2}) / \Gamma, \qquad
        |u|_{H_T}^2 \le \langle u, G_T^{1/2} u \rangle / \Gamma + |u|^2 ,

    up to logarithms ``sqrt(<u, G^{1/2} u> tr G^{1/2})``, which full-matrix AdaGrad has with the best learning rate for
    u. It is at most ``d^{-1/2} tr(G^{1/2}) |u| <= sqrt(tr G) |u|`` on average over directions of u, and far less where
    u lies in directions of small gradients.

    References
    ----------
    After Cutkosky, NeurIPS 2020, "Better full-matrix regret via parameter-free online learning", of which only the
    abstract and the first lines were at hand; the update and the bound are derived here, see docs/parameter_free.md.

    Departures: one potential in place of a direction and a magnitude; the paper's theorem numbers and constants could
    not be confirmed.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.ParameterFreeFullMatrix(gradient_bound=1.0, scale=1.0)
    >>> learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
    >>> learner.update(np.array([0.5, 0.0]))
    >>> np.round(learner.prediction, 4)
    array([-0.2603,  0.    ])
    """

    name = "parameter_free_full_matrix"
    source = "after Cutkosky 2020 (abstract); update and bound derived here"
    guarantee = "about Gamma |u|_H sqrt(2 V ln(|u|_H/scale)), V <= 2 tr G^(1/2)/Gamma, for every u; |g| <= Gamma"
    needs = (GRADIENT_BOUND,)
    bound_needs_comparator = True
    examples = ({},)
    look = Look("parameter-free full matrix", "#332288", ">")
    state: ParameterFreeState

    def __init__(self, gradient_bound: float | None = None, scale: float | None = None) -> None:
        self.gradient_bound = positive_or_none(self, "gradient_bound", gradient_bound)
        self.scale = positive_or_none(self, "scale", scale)

    def start(self, problem: Problem) -> None:
        """Start with no bet."""
        self._player: ParameterFreePlayer = parameter_free_player(
            self, problem, problem.domain.dimension, self.gradient_bound, self.scale
        )
        self.state = self._player.first_state()

    @finite_update
    def update(self, gradient: Array) -> None:
        """Collect the outcome, add the gradient to the covariance, bet, and project in the norm of H."""
        self._player.update(self.state, gradient)

    def memory(self, problem: Problem) -> Memory:
        """``d^2 + 3 d + 3``: eigenpairs, point, sum of outcomes, three numbers."""
        d = problem.domain.dimension
        return Memory("d^2 + 3 d + 3", 2 * d + 2 + Side.floats(d, d))

    def metric(self) -> LowRankPlusScaledIdentity:
        """The norm of the newest round's projection, as eigenvalues and eigenvectors."""
        return self._player.norm(self.state)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain if no comparator is known before the game."""
        return self._player.bound(self.state, observed, "parameter-free full-matrix (derived here)")
