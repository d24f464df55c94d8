"""FD-AdaGrad with what escapes kept as a diagonal matrix, where the paper keeps a multiple of the identity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.decomposition import thin_svd
from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, theorem_rate, whole
from oco.metrics import Dense
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.sketching.batch import ZERO_SINGULAR_VALUE
from oco.types import Array


@dataclass
class DiagonalTail:
    """Eigenpairs of the sketch, ``(k,)`` and ``(k, d)``, the unused ones zero, and the diagonal ``tail`` ``(d,)``."""

    point: Array
    values: Array
    vectors: Array
    tail: Array
    escaped: float


class DiagonalFDAdaGrad(Learner):
    r"""AdaGrad preconditioned by a Frequent Directions sketch plus a diagonal matrix that dominates what escaped.

    .. math::
        (\rho_t, P_t, \bar G_t) = \mathrm{FD}_k(\bar G_{t-1}, g_t g_t^\top), \qquad
        \Delta_t = \Delta_{t-1} + \rho_t M(P_t), \qquad
        H_t = (\bar G_t + \Delta_t)^{1/2}, \qquad
        x_{t+1} = \Pi_K^{H_t}(x_t - \eta H_t^{-1} g_t)

    Frequent Directions subtracts ``rho_t P_t``, with P_t the projector on the k + 1 directions at hand. `FDAdaGrad`
    puts back ``rho_t I``. Here M(P) is the diagonal matrix of least trace among those below, all of which are at least
    P. With p the diagonal of P, n the number of its entries that are not zero, S the j <= n largest of them and m the
    sum of the others,

    .. math::
        M_{ii} = 1 + \tau \ (i \in S), \qquad M_{ii} = (1 + 1 / \tau)\, m \ (i \notin S,\ p_i > 0), \qquad
        \tau = \sqrt{m (n - j) / j}

    and zero elsewhere. Their traces are ``(sqrt(j) + sqrt(m (n - j)))^2``, so n for j = n.

    Parameters
    ----------
    rank
        k >= 1, directions that are kept; with ``k >= d`` this is full-matrix AdaGrad, larger than d means d.
    learning_rate
        eta > 0; by default the theorem's, ``D / sqrt(2)`` with D the domain's l2 diameter.

    Notes
    -----
    Cost O(d^3) a round, for the root of a matrix without structure; state ``k (d + 1) + 2 d + 1`` floats. The inverse
    is the pseudo-inverse. On streams along the axes nothing is lost at any rank: ``Gbar + Delta = G``, and this is
    diagonal AdaGrad with the projection of full-matrix AdaGrad.

    *Regret*, for convex losses on a bounded domain:

    .. math::
        R_T \le \frac{D^2}{2 \eta} \mathrm{tr} (\bar G_T + \Delta_T)^{1/2} + \eta\, \mathrm{tr}\, G_T^{1/2}, \qquad
        \mathrm{tr} (\bar G_T + \Delta_T)^{1/2} \le \mathrm{tr}\, G_T^{1/2} + \sum_i \sqrt{\Delta_{T,ii}}
              \le \mathrm{tr}\, G_T^{1/2} + d \sqrt{\rho_{1:T}}

    so the bound is at most Theorem 3 of Sketchy, whatever the stream. *Proof*: ``P <= (1 + tau) P_SS + (1 + 1/tau)
    P_RR`` for the blocks of S and of the rest R, where ``P_SS <= I`` and ``P_RR <= tr(P_RR) I = m I``; hence ``M(P) >=
    P``. So ``Gbar_t + Delta_t >= Gbar_{t-1} + g g' + Delta_{t-1}``: it is at least G_t and increases, which is all that
    the proof of Theorem 3 uses of ``Gbar + rho I``. The trace of M is at most that of j = n, at most d; so ``tr Delta
    <= d rho`` and ``sum sqrt(Delta_ii) <= sqrt(d tr Delta) <= d sqrt(rho)``.

    References
    ----------
    Derived here, from Feinberg, Chen, Sun, Anil, Hazan, "Sketchy", NeurIPS 2023, Algorithm 2 and Theorem 3; no
    published counterpart was looked up beyond the abstract of SLR-FTRL (TMLR submission 8256), which combines sparse
    and low-rank preconditioners in another way.

    Departures: the diagonal in place of the multiple of the identity is ours. Singular values below 1e-12 of the
    largest and entries of eigenvectors below 1e-12 count as zero.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.DiagonalFDAdaGrad(rank=1, learning_rate=1.0)
    >>> learner.start(oco.Problem(domain=oco.Unbounded(3), horizon=10))
    >>> for gradient in np.diag([2.0, 1.0, 0.0])[:2]:
    ...     learner.update(gradient)
    >>> learner.state.values, learner.state.tail
    (array([3.]), array([1., 1., 0.]))
    """

    name = "diagonal_fd_adagrad"
    source = "derived here, from Feinberg et al., Sketchy, NeurIPS 2023, Algorithm 2, Theorem 3"
    guarantee = "D (sqrt(2) tr G^(1/2) + sum_i sqrt(Delta_ii / 2)) <= Theorem 3 of Sketchy, on a bounded domain"
    needs = (DIAMETER,)
    examples = ({"rank": 2}, {"rank": 50})
    look = Look("FD-AdaGrad, diagonal tail", "#AA4466", "D")
    state: DiagonalTail

    def __init__(self, rank: int, learning_rate: float | None = None) -> None:
        self.rank = whole(self, "rank", rank)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)

    def start(self, problem: Problem) -> None:
        """Resolve the learning rate; begin at the domain's start with an empty sketch and no tail."""
        self._domain, d = problem.domain, problem.domain.dimension
        self._rate = self.learning_rate or theorem_rate(self, problem)
        rank = min(self.rank, d)
        self.state = DiagonalTail(problem.domain.start, np.zeros(rank), np.zeros((rank, d)), np.zeros(d), 0.0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Sketch the gradient, add to the tail what escapes, step, and project in the norm of H."""
        state = self.state
        if not np.any(gradient):
            return
        self._sketch(gradient.ravel())
        metric = self.metric()
        step = metric.power(-1.0).apply(gradient.ravel()).reshape(gradient.shape)
        state.point = self._domain.project_in(state.point - self._rate * step, metric)

    def _sketch(self, row: Array) -> None:
        state, rank = self.state, self.state.values.size
        _, singular, right = thin_svd(np.vstack([np.sqrt(state.values)[:, None] * state.vectors, row]))
        singular = singular[singular > ZERO_SINGULAR_VALUE * singular[0]]
        last = float(singular[rank]) if singular.size > rank else 0.0
        kept = np.zeros(rank)
        kept[: singular.size] = (singular[:rank] - last) * (singular[:rank] + last)
        if last > 0.0:
            spread = np.where(np.abs(right) > ZERO_SINGULAR_VALUE, right, 0.0)[: rank + 1]
            state.tail = state.tail + last**2 * majorant(np.sum(spread**2, axis=0))
            state.escaped += last**2
        state.values, vectors = kept, np.zeros_like(state.vectors)
        used = int(np.count_nonzero(kept))
        vectors[:used] = right[:used]
        state.vectors = vectors

    def metric(self) -> Dense:
        """H, through the singular values of ``[Gbar^{1/2}; Delta^{1/2}]``, of which no squares are taken."""
        state = self.state
        stacked = np.vstack([np.sqrt(state.values)[:, None] * state.vectors, np.diag(np.sqrt(state.tail))])
        _, singular, right = thin_svd(stacked)
        return Dense(right.T, np.where(singular > ZERO_SINGULAR_VALUE * singular[0], singular, 0.0))

    def memory(self, problem: Problem) -> Memory:
        """``k (d + 1) + 2 d + 1`` with k at most d: eigenpairs, point, tail, escaped mass."""
        d = problem.domain.dimension
        return Memory("k (d + 1) + 2 d + 1", min(self.rank, d) * (d + 1) + 2 * d + 1)

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far."""
        return self.state.escaped

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        diameter, state = observed.domain.diameter("l2"), self.state
        trace = float(np.sum(self.metric().values))
        root = trace if observed.spectrum is None else observed.spectrum.trace_root().upper
        tail = float(np.sum(np.sqrt(state.tail)))
        weight = diameter**2 / (2.0 * self._rate)
        return Bound(
            theorem="Theorem 3 of Sketchy with a diagonal tail (derived here)",
            value=weight * trace + self._rate * root,
            constants=(
                Constant("diameter (l2 norm)", diameter, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant("tr G^(1/2)", root, "observed"),
                Constant("tr (Gbar + Delta)^(1/2)", trace, "observed"),
                Constant("sum of the roots of the tail", tail, "observed"),
                Constant("escaped mass", state.escaped, "observed"),
            ),
            assumptions=(Assumption("the domain is bounded", True),),
            variants={"with the roots of the tail": (weight + self._rate) * root + weight * tail},
        )


def majorant(diagonal: Array) -> Array:
    """The diagonal of M(P), for a projector P with this ``diagonal`` ``(d,)``."""
    order = np.argsort(-diagonal, kind="stable")
    entries = diagonal[order]
    used = int(np.count_nonzero(entries))
    inside = np.arange(1, used + 1)
    beyond = np.append(np.cumsum(entries[:used][::-1])[::-1][1:], 0.0)
    best = int(np.argmin(np.sqrt(inside) + np.sqrt(beyond * (used - inside))))
    size, mass = best + 1, float(beyond[best])
    tau = math.sqrt(mass * (used - size) / size)
    result = np.zeros(diagonal.size)
    result[order[:size]] = 1.0 + tau
    if tau > 0.0:
        result[order[size:used]] = (1.0 + 1.0 / tau) * mass
    return result
