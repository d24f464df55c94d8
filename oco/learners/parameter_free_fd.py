"""Parameter-free full-matrix AdaGrad on a Frequent Directions sketch."""

from __future__ import annotations

from oco.learners._finite import finite_update
from oco.learners._parameter_free import ParameterFreePlayer, ParameterFreeState, parameter_free_player
from oco.learners._side import Side
from oco.learners.base import GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, whole
from oco.metrics import LowRankPlusScaledIdentity
from oco.regret.bounds import Bound, Observed
from oco.types import Array


class ParameterFreeFD(Learner):
    r"""Bets in the norm of a sketched covariance: no learning rate, and a bound in the comparator's own directions.

    .. math::
        (\rho_t, \bar G_t) = \mathrm{FD}_k\bigl(\bar G_{t-1}, g_t g_t^\top / \Gamma^2\bigr), \qquad
        H_t = \bigl(\bar G_t + (1 + \rho_{1:t}) I\bigr)^{1/2}

    .. math::
        y_{t+1} = x_1 - F_{V_t}'(z_t) \frac{H_t^{-1} s_t}{z_t}, \quad z_t = |s_t|_{H_t^{-1}}, \qquad
        x_{t+1} = \Pi_K^{H_t}(y_{t+1})

    Here ``s_t = sum_s c_s`` and ``V_t = sum_s |c_s|^2`` in the norm of ``H_{s-1}^{-1}``, with outcomes
    ``c_t = g_t / Gamma + max(0, -<g_t, v> / Gamma) H_{t-1} v``; v is the unit vector, in the norm of ``H_{t-1}``, from
    x_t to y_t, and zero where they agree. The potential F is a sum over betting fractions ``beta_i = 2^(-1 - i/2)``:

    .. math::
        F_V(z) = \sum_{i=0}^{39} a_i \bigl(\cosh(\beta_i z) e^{-\psi(\beta_i) V} - 1\bigr), \qquad
        a_i = \frac{\ln 2}{2 \beta_i} \epsilon, \qquad \psi(\beta) = -\beta - \ln(1 - \beta)

    Parameters
    ----------
    rank
        k >= 1, directions that are kept. With ``k >= d`` it is `ParameterFreeFullMatrix`.
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
    Cost O(d k^2) a round; state ``k (d + 1) + 2 d + 3`` floats. For every comparator u,

    .. math::
        R_T(u) \le \Gamma F_{V_T}^*\bigl(|u - x_1|_{H_T}\bigr)
               = O\Bigl(\Gamma |u - x_1|_{H_T} \sqrt{V_T \ln (|u - x_1|_{H_T} / \epsilon)}
                        + \Gamma \epsilon \sqrt{V_T}\Bigr)

    with ``V_T <= 2 tr(G_T^{1/2}) / Gamma`` and ``|u|_{H_T}^2 <= <u, G_T^{1/2} u> / Gamma + sqrt(1 + rho) |u|^2`` for
    the covariance G_T of the gradients themselves (docs/parameter_free.md has the proof). Neither the learning rate nor
    the dimension enters. The value stated is the conjugate itself, with the observed V_T, for the comparator found;
    where none is known before the game, for all of a bounded domain.

    References
    ----------
    Derived here. The aim, a bound in ``<u, G^{1/2} u> tr G^{1/2}`` with no learning rate, and increasing norms are
    those of Cutkosky, NeurIPS 2020 ("Better full-matrix regret via parameter-free online learning"), of which only the
    abstract and the first lines were at hand; the reduction to a domain is Cutkosky, Orabona, COLT 2018, Theorem 3
    (number cited from memory), in the norm of H_t. The sketch is that of Feinberg et al., NeurIPS 2023.

    Departures: that paper composes a direction and a magnitude, this is one potential, which saves a term; the sketch
    is ours.

    Examples
    --------
    >>> import numpy as np, oco
    >>> game = oco.environments.NaturalImages(5, 300)
    >>> record = oco.play(game, oco.learners.ParameterFreeFD(rank=4))
    >>> record.regret.upper <= record.bound.value < oco.play(game, oco.learners.AdaGradNorm()).bound.value
    True
    """

    name = "parameter_free_fd"
    source = "derived here, after Cutkosky 2020 and Feinberg et al. 2023"
    guarantee = "about Gamma |u|_H sqrt(2 V ln(|u|_H/scale)), V <= 2 tr G^(1/2)/Gamma, for every u; |g| <= Gamma"
    needs = (GRADIENT_BOUND,)
    bound_needs_comparator = True
    examples = ({"rank": 2}, {"rank": 1, "scale": 0.01})
    look = Look("parameter-free FD", "#332288", "o")
    state: ParameterFreeState

    def __init__(self, rank: int, gradient_bound: float | None = None, scale: float | None = None) -> None:
        self.rank = whole(self, "rank", rank)
        self.gradient_bound = positive_or_none(self, "gradient_bound", gradient_bound)
        self.scale = positive_or_none(self, "scale", scale)

    def start(self, problem: Problem) -> None:
        """Start with no bet and an empty sketch."""
        self._player: ParameterFreePlayer = parameter_free_player(
            self, problem, self.rank, self.gradient_bound, self.scale
        )
        self.state = self._player.first_state()

    @finite_update
    def update(self, gradient: Array) -> None:
        """Collect the outcome, sketch the gradient, bet, and project in the norm of H."""
        self._player.update(self.state, gradient)

    def memory(self, problem: Problem) -> Memory:
        """``k (d + 1) + 2 d + 3`` with k at most d: sketch, point, sum of outcomes, three numbers."""
        d = problem.domain.dimension
        return Memory("k (d + 1) + 2 d + 3", 2 * d + 2 + Side.floats(d, self.rank))

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far, in the units of gradients squared."""
        return self._player.gradient_bound**2 * self.state.sketch.escaped_mass

    def metric(self) -> LowRankPlusScaledIdentity:
        """The norm of the newest round's projection, as eigenvalues and eigenvectors."""
        return self._player.norm(self.state)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain if no comparator is known before the game."""
        return self._player.bound(self.state, observed, "sketched parameter-free full-matrix (derived here)")
