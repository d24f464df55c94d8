"""FD-AdaGrad, the paper's Sketchy AdaGrad: full-matrix AdaGrad on a rank-k sketch that is paid back what it loses."""

from __future__ import annotations

import math

from oco.learners._common import not_negative, positive, theorem_rate
from oco.learners._preconditioner import parameters
from oco.learners._sketched import SketchedLearner, checked_buffer, checked_rank
from oco.learners._trace_bounds import trace_root_bound
from oco.learners.base import Problem
from oco.regret.bounds import Bound, Observed
from oco.types import Array


class FDAdaGrad(SketchedLearner):
    r"""AdaGrad preconditioned by a Frequent Directions sketch plus the mass that escaped from it.

    Every round, with the gradient g:

    1. ``(rho_t, Gbar_t) = FD-update(Gbar_{t-1}, g g')``, rank k, and ``rho = rho_1 + ... + rho_t``
    2. ``H = (Gbar_t + (delta + rho) I)^{1/2}``
    3. ``y = x - eta H^{-1} g`` (pseudo-inverse)
    4. ``x = argmin_{x in domain} (y - x)' H (y - x)``

    Parameters
    ----------
    rank
        k >= 1, directions that are kept; the paper's sketch size is ``ell = k + 1``. With ``k >= d - 1`` this is
        full-matrix AdaGrad exactly; larger than d means d.
    learning_rate
        eta > 0; by default the theorem's, ``D / sqrt(2)`` with D the domain's l2 diameter.
    delta
        >= 0, added to the covariance *under* the root. With 0 the pseudo-inverse is taken.
    buffer
        Residuals b held between two compressions of the basis: speed against memory, of no consequence for the
        trajectory. By default ``min(k, 8 + k // 4)``; with 0 the eigenvectors are rotated every round and the state is
        the least, ``d (k + 1)`` and the point.

    Notes
    -----
    *Cost* of a round: ``O(d k + k^2 (k + b))``, amortised ``O(d k^2 / b)`` more; in a loop over CSR rows ``O(nnz k +
    k^2 (k + b))`` and an amortised ``O(d k^2 / b)``. The projection on a ball is exact and costs nothing of order d.

    *State*: ``d (k + b) + d + (k + 1)(k + b) + k + 9`` floats (``k + 2`` for ``k + 1`` on a ball), or ``d (k + 1) + d
    + k + 9`` where ``b = 0`` or ``k + b >= d``.

    *Regret*, for convex losses on a bounded domain, with G the gradient covariance and ``ell = k + 1``: Theorem 3 for
    any eta, ``D^2/(2 eta) (tr G^{1/2} + d sqrt(Omega_ell)) + eta tr G^{1/2}`` (``D (sqrt(2) tr G^{1/2} + d
    sqrt(Omega_ell / 2))`` at the theorem's eta), with ``Omega_ell = min_{j<ell} (sum_{i>j} lambda_i(G)) / (ell - j)``;
    Corollary 4 has ``sqrt(d (d - ell) Omega_ell)`` for ``d sqrt(Omega_ell)``. A delta adds ``D^2/(2 eta) d
    sqrt(delta)``. Hypotheses, Omega and eta are the paper's; the right-hand sides were re-derived.

    References
    ----------
    Feinberg, Chen, Sun, Anil, Hazan, "Sketchy", NeurIPS 2023, Algorithm 2 (S-AdaGrad), Theorem 3, Corollary 4.
    Departures: singular values below 1e-12 of the largest are zero; delta (their experiments have one, as here).

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.FDAdaGrad(rank=1, learning_rate=1.0)
    >>> learner.start(oco.Problem(domain=oco.Unbounded(2), horizon=10))
    >>> learner.update(np.array([2.0, 0.0]))
    >>> learner.update(np.array([0.0, 1.0]))
    >>> learner.prediction, learner.escaped_mass
    (array([-1., -1.]), 1.0)
    """

    name = "fd_adagrad"
    source = "Feinberg et al., Sketchy, NeurIPS 2023, Algorithm 2, Theorem 3, Corollary 4"
    guarantee = "D (sqrt(2) tr G^(1/2) + d sqrt(Omega_(k+1) / 2)) on a bounded domain (learning rate D / sqrt 2)"

    def __init__(
        self, rank: int, learning_rate: float | None = None, delta: float = 0.0, buffer: int | None = None
    ) -> None:
        self.rank = checked_rank("FDAdaGrad", rank)
        self.learning_rate = positive("FDAdaGrad", "learning_rate", learning_rate)
        self.delta = not_negative("FDAdaGrad", "delta", delta)
        self.buffer = checked_buffer("FDAdaGrad", buffer)

    def _family(self, problem: Problem, radius: float) -> Array:
        rate = self.learning_rate or theorem_rate("FDAdaGrad", "learning_rate", problem.domain)
        return parameters(rate=rate, power=0.5, inner=self.delta, compensation=1.0, radius=radius)

    def bound(self, observed: Observed) -> Bound | None:
        """Theorem 3, with Corollary 4 and the versions in observed quantities as variants; None where unbounded."""
        diameter = observed.domain.diameter("l2")
        if not math.isfinite(diameter):
            return None
        return trace_root_bound(
            observed,
            self.state.sketch,
            diameter,
            float(self._parameters[4]),
            self.delta,
            self.learning_rate is not None,
        )
