"""Follow the augmented matrix leader: a learner on the spectral ball that never projects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.domains._vectors import euclidean_norm
from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.metagrad import bounded_diameter
from oco.learners.requirements import at_most, positive_or_none, reach, required_gradient_bound, required_matrix
from oco.metrics import Dense
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class FAMLState:
    """``outcomes`` ``(m, n)`` is S and ``left`` ``(m, m)`` is L, over the gradient bound; ``squares`` is Q."""

    point: Array
    outcomes: Array
    left: Array
    squares: float


class FAML(Learner):
    r"""Plays the gradient of a smoothed nuclear norm of the sum of all gradients.

    .. math::
        S_t = \sum_{s \le t} \tilde G_s, \qquad L_t = \sum_{s \le t} \tilde G_s \tilde G_s^\top, \qquad
        Y_{t+1} = X_1 - q \bigl(S_t S_t^\top + L_t + \Gamma^2 I\bigr)^{-1/2} S_t, \qquad
        X_{t+1} = \Pi_K(Y_{t+1})

    The norm smoothed is ``tr (S S' + L + Gamma^2 I)^{1/2}``, the nuclear norm of the augmented matrix
    ``[S, L^{1/2}, Gamma I]``. As ``Y - X_1`` has a spectral norm below q, nothing is projected on the spectral ball of
    radius q around the start. On other domains q is their reach in spectral norm, and ``G~`` is G without the part that
    pushes Y further out, as in `CoinBetting`.

    Parameters
    ----------
    gradient_bound
        Gamma with ``|G_t|_F <= Gamma``; None for the problem's.

    Raises
    ------
    ConfigError
        By `start`, if decisions are not matrices, if the domain is unbounded, or if no gradient bound is given or
        stated.

    Notes
    -----
    Cost O(m^3 + m^2 n) a round; state ``2 m n + m^2 + 1`` floats. With ``A_t = S_t S_t' + L_t + Gamma^2 I``,

    .. math::
        R_T \le q \Bigl(m \Gamma + \sum_t \mathrm{tr}\, A_{t-1}^{-1/2} \tilde G_t \tilde G_t^\top\Bigr)
            \le q \bigl(m \Gamma + 2\, \mathrm{tr}\, L_T^{1/2}\bigr)

    with half the spectral diameter q, where one-sided Shampoo has ``sqrt(2) D_op tr L^{1/2}`` and a projection.
    *Proof*: ``tr A^{1/2}`` is concave in A, so ``tr A_t^{1/2} - tr A_{t-1}^{1/2}`` is at most ``tr A_{t-1}^{-1/2} (A_t
    - A_{t-1}) / 2``, which is ``<A_{t-1}^{-1/2} S_{t-1}, G_t> + tr A_{t-1}^{-1/2} G_t G_t'``. Summed up, with ``q
    |S_T|_* <= q tr A_T^{1/2}`` for the best fixed point, this is the first bound. Since ``Gamma^2 I >= G_t G_t'``,
    ``A_{t-1} >= L_t``, and ``tr L_t^{-1/2} G_t G_t' <= 2 (tr L_t^{1/2} - tr L_{t-1}^{1/2})``.

    References
    ----------
    Jiang, Mhammedi, Mohri, Mokhtari, COLT 2026 (arXiv 2602.08232), FAML; only the abstract was
    at hand, which says that it is a deterministic hyperbolic smoothing in an augmented matrix space with closed-form
    updates. The formula and its proof are derived here from that.

    Departures: not known, since the algorithm's text was not at hand; domains that are not spectral balls are ours.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.FAML(gradient_bound=1.0)
    >>> learner.start(oco.Problem(oco.SpectralBall(3.0, shape=(2, 2)), horizon=9))
    >>> learner.update(np.diag([1.0, 0.0]))
    >>> np.round(learner.prediction, 4) + 0.0  # -3 / sqrt(1 + 1 + 1)
    array([[-1.7321,  0.    ],
           [ 0.    ,  0.    ]])
    """

    name = "faml"
    source = "Jiang et al. 2026 (abstract; update and bound derived here)"
    guarantee = "q (m Gamma + 2 tr L^(1/2)), q the reach in spectral norm; |G|_F <= Gamma"
    decision = "matrix"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({},)
    look = Look("FAML", "#88CCEE", ">")
    state: FAMLState

    def __init__(self, gradient_bound: float | None = None) -> None:
        self.gradient_bound = positive_or_none(self, "gradient_bound", gradient_bound)

    def start(self, problem: Problem) -> None:
        """Start at the domain's start with empty sums."""
        rows, columns = required_matrix(self, problem)
        bounded_diameter(self, problem, "spectral")
        self._domain, self._reach = problem.domain, reach(problem.domain, "spectral")
        self._slope = self.gradient_bound or required_gradient_bound(self, problem, "gradient_bound") or 1.0
        self.state = FAMLState(problem.domain.start, np.zeros((rows, columns)), np.zeros((rows, rows)), 0.0)

    def _augmented(self) -> Dense:
        """A, over Gamma^2; its smallest eigenvalue is 1 at least."""
        state = self.state
        values, basis = np.linalg.eigh(state.outcomes @ state.outcomes.T + state.left)
        return Dense(basis, 1.0 + np.maximum(values, 0.0))

    def _leader(self, augmented: Dense) -> Array:
        """Y."""
        return self._domain.start - self._reach * augmented.power(-0.5).apply(self.state.outcomes)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Drop what pushes Y further out, add up, and play the gradient of the smoothed norm."""
        state, augmented = self.state, self._augmented()
        outward = self._leader(augmented) - state.point
        distance = euclidean_norm(outward)
        outcome = gradient / self._slope
        if distance > 0.0:
            outward = outward / distance
            outcome = outcome - min(0.0, float(np.vdot(outcome, outward))) * outward
        state.squares += float(np.sum(augmented.power(-0.25).apply(outcome) ** 2))
        state.outcomes = state.outcomes + outcome
        state.left = state.left + outcome @ outcome.T
        leader = self._leader(self._augmented())
        inside = self._domain.contains(leader, tolerance=0.0)
        state.point = leader if inside else self._domain.project(leader)

    def memory(self, problem: Problem) -> Memory:
        """``2 m n + m^2 + 1``: point, sum of outcomes, left factor, a number."""
        rows, columns = required_matrix(self, problem)
        return Memory("2 m n + m^2 + 1", 2 * rows * columns + rows**2 + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        rows, unit = observed.domain.shape[0], self._reach * self._slope
        trace = float(np.sum(np.sqrt(np.maximum(np.linalg.eigvalsh(self.state.left), 0.0))))
        return Bound(
            theorem="FAML (Jiang et al. 2026), derived here",
            value=unit * (rows + self.state.squares),
            constants=(
                Constant("distance to the comparator (spectral norm)", self._reach, "domain"),
                Constant.resolved("gradient bound (Frobenius norm)", self._slope, self.gradient_bound),
                Constant("sum of squared gradients (dual norm)", self._slope * self.state.squares, "observed"),
                Constant("tr L^(1/2)", self._slope * trace, "observed"),
            ),
            assumptions=(
                Assumption(
                    "no gradient was longer than the gradient bound", at_most(observed.largest_gradient, self._slope)
                ),
            ),
            variants={"from the trace": unit * (rows + 2.0 * trace)},
        )
