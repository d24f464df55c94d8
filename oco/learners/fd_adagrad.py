"""FD-AdaGrad, the paper's Sketchy AdaGrad: full-matrix AdaGrad on a rank-k sketch plus the escaped mass."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any, Literal, final

from oco.errors import ConfigError
from oco.learners._records import Recipe
from oco.learners._sketched import SketchedPlayer, SketchedState, checked_buffer, sketched_memory
from oco.learners._trace_bounds import trace_root_bound
from oco.learners.adaptive_fd_adagrad import AdaptiveFDAdaGrad
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none, theorem_rate, whole
from oco.losses.rows import BlockOutcome, RowBlock
from oco.metrics import LowRankPlusScaledIdentity
from oco.regret.bounds import Bound, Observed
from oco.sketching.state import COMPENSATIONS, Compensation
from oco.types import Array


@final
class FDAdaGrad(Learner):
    r"""AdaGrad preconditioned by a Frequent Directions sketch plus the mass that escaped from it.

    .. math::
        (\rho_t, \bar G_t) = \mathrm{FD}_k(\bar G_{t-1}, g_t g_t^\top), \qquad
        H_t = (\bar G_t + (\delta + \rho_{1:t}) I)^{1/2}, \qquad
        x_{t+1} = \Pi_K^{H_t}(x_t - \eta H_t^{-1} g_t)

    ``FD_k`` keeps k directions and subtracts ``rho_t``; the inverse is the pseudo-inverse, and the projection is in the
    norm of ``H_t``.

    Parameters
    ----------
    rank
        k >= 1, directions that are kept; the paper's sketch size is ``ell = k + 1``. With ``k >= d - 1`` this is
        full-matrix AdaGrad exactly; larger than d means d. `AdaptiveFDAdaGrad` chooses k itself; ``"auto"`` is its
        former spelling, which warns.
    learning_rate
        eta > 0; by default the theorem's, ``D / sqrt(2)`` with D the domain's l2 diameter.
    delta
        >= 0, added to the covariance *under* the root. With 0 the pseudo-inverse is taken.
    buffer
        Residuals b held between two compressions of the basis: speed against memory, of no consequence for the
        trajectory. By default ``min(k, 8 + k // 4)``; with 0 the eigenvectors are rotated every round and the state is
        the least, ``d (k + 1)`` and the point.
    compensation
        How much of the escaped mass is put back: ``"full"`` is the paper's and the only one with its bound, ``"half"``
        (robust FD) is nearest to G in spectral norm, ``"none"`` is plain FD. Their errors lie in ``[0, rho]``,
        ``[-rho/2, rho/2]`` and ``[-rho, 0]``.
    decay
        beta_2 in (0, 1]: weight of the past in every update, of the sketch and of the escaped mass alike
        (Observation 6). Below 1 no bound is stated.
    projection_delta
        Added to the covariance in the norm of the *projection* only; 1 is the parameter-free variant that the paper
        points to (Cutkosky 2020). Voids the bound.
    tolerance, max_rank
        `AdaptiveFDAdaGrad`'s, for ``rank="auto"``; without effect otherwise.

    Notes
    -----
    *Cost* of a round: ``O(d k + k^2 (k + b))``, amortized ``O(d k^2 / b)`` more; in a loop over CSR rows ``O(nnz k +
    k^2 (k + b))`` and an amortized ``O(d k^2 / b)``. The projection on a ball is exact and costs nothing of order d.

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

    Departures: singular values below 1e-12 of the largest count as zero; delta, which the printed algorithm does not
    have, is the one of the paper's experiments. ``compensation``, ``decay`` and ``projection_delta`` are extensions;
    their defaults leave the algorithm as printed.

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
    needs = (DIAMETER,)
    examples = (
        {"rank": 2},
        {"rank": 1, "delta": 0.1},
        {"rank": 4, "buffer": 1},
        {"rank": 50},
        {"rank": 2, "compensation": "half"},
        {"rank": 2, "compensation": "none", "delta": 0.1},
        {"rank": 2, "decay": 0.9},
        {"rank": 2, "projection_delta": 1.0},
    )
    look = Look("FD-AdaGrad", "#0072B2", "o")
    state: SketchedState

    def __init__(
        self,
        rank: int | Literal["auto"],
        learning_rate: float | None = None,
        delta: float = 0.0,
        buffer: int | None = None,
        *,
        tolerance: float = 1.0,
        max_rank: int | None = None,
        compensation: Compensation = "full",
        decay: float = 1.0,
        projection_delta: float = 0.0,
    ) -> None:
        if compensation not in COMPENSATIONS:
            raise ConfigError(f"compensation of FDAdaGrad must be 'full', 'half' or 'none', got {compensation!r}")
        if not 0.0 < decay <= 1.0:
            raise ConfigError(f"decay of FDAdaGrad must lie in (0, 1], got {decay!r}")
        self.tolerance = nonnegative(self, "tolerance", tolerance)
        self.max_rank = None if max_rank is None else whole(self, "max_rank", max_rank)
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = nonnegative(self, "delta", delta)
        self.buffer = checked_buffer(self, buffer)
        self.compensation = compensation
        self.decay = decay
        self.projection_delta = nonnegative(self, "projection_delta", projection_delta)

    @functools.wraps(__init__)  # type: ignore[misc]  # for the signature in help, docs and configs
    def __new__(cls, rank: Any = None, *arguments: Any, **keywords: Any) -> Any:
        """Return an `AdaptiveFDAdaGrad` for the former spelling ``rank="auto"``."""
        return _of_the_former_spelling(*arguments, **keywords) if rank == "auto" else super().__new__(cls)

    def recipe(self, problem: Problem) -> Recipe:
        """``H = (Gbar + (delta + rho) I)^{1/2}``; the theorem's eta where none was given."""
        return Recipe(
            rate=self.learning_rate or theorem_rate(self, problem),
            inner=self.delta,
            compensation=COMPENSATIONS[self.compensation],
            decay=self.decay,
            projection=self.projection_delta,
        )

    def start(self, problem: Problem) -> None:
        """Resolve the recipe from the problem; begin at the domain's start with an empty sketch."""
        self._player = SketchedPlayer(self.recipe(problem), problem.domain, self.rank, self.buffer)
        self.state = self._player.first_state()

    def update(self, gradient: Array) -> None:
        """Sketch the gradient, step with the new preconditioner, and project in its norm."""
        self._player.update(self, gradient)

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        return self._player.play_block(self, block)

    def memory(self, problem: Problem) -> Memory:
        """Floats of the state, from the shapes alone."""
        return sketched_memory(problem.domain, self.rank, self.buffer)

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far."""
        return self.state.sketch.escaped_mass

    def metric(self) -> LowRankPlusScaledIdentity:
        """The norm of the newest round's projection, as eigenvalues and eigenvectors."""
        return self._player.metric(self.state)

    def bound(self, observed: Observed) -> Bound | None:
        """Theorem 3 with variants; None where unbounded or not promised.

        With ``projection_delta`` the projection is in another norm: an assumption that is violated.
        """
        diameter = observed.domain.diameter("l2")
        if not math.isfinite(diameter) or self.compensation != "full" or self.decay < 1.0:
            return None
        rate, given = self._player.recipe.rate, self.learning_rate is not None
        own_norm = self.projection_delta == 0.0
        return trace_root_bound(observed, self.state.sketch, diameter, rate, self.delta, given, own_norm=own_norm)


def _of_the_former_spelling(
    learning_rate: float | None = None,
    delta: float = 0.0,
    buffer: int | None = None,
    *,
    tolerance: float = 1.0,
    max_rank: int | None = None,
    compensation: Compensation = "full",
    decay: float = 1.0,
    projection_delta: float = 0.0,
) -> AdaptiveFDAdaGrad:
    """What ``FDAdaGrad(rank="auto")`` is now, with a `DeprecationWarning`."""
    if compensation != "full" or decay != 1.0:
        raise ConfigError("FDAdaGrad with rank='auto' needs compensation 'full' and decay 1, on which its bound rests")
    message = "FDAdaGrad(rank='auto') is now called AdaptiveFDAdaGrad (adaptive_fd_adagrad in configs)"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
    return AdaptiveFDAdaGrad(learning_rate, delta, buffer, tolerance, max_rank, projection_delta)
