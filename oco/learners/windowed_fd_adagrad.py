"""FD-AdaGrad of a sliding window: what is older than the window is forgotten, where `FDAdaGrad` keeps all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.decomposition import thin_svd
from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none, required_vector, theorem_rate, whole
from oco.metrics import LowRankPlusScaledIdentity
from oco.types import Array

NEGLIGIBLE = 1e-12
"""Singular values below this fraction of the largest are rounding, and count as zero."""


@dataclass
class WindowedState:
    """``rows`` ``(B, k, d)`` are the sketches of the blocks, newest last, and ``escaped`` ``(B,)`` what each lost."""

    point: Array
    rows: Array
    escaped: Array
    round: int


class WindowedFDAdaGrad(Learner):
    r"""AdaGrad on a sketch of the newest gradients: a Frequent Directions sketch for each block of the window.

    .. math::
        H_t = \Bigl(\sum_b \bar G_b + \bigl(\delta + \sum_b \rho_b\bigr) I\Bigr)^{1/2}, \qquad
        x_{t+1} = \Pi_K^{H_t}(x_t - \eta H_t^{-1} g_t)

    Rounds are cut into blocks of ``n = floor(W / B)``. The newest B blocks are kept, each as its own sketch ``Gbar_b``
    of rank k with escaped mass rho_b, and the oldest is dropped whole when a new one begins.

    Parameters
    ----------
    rank
        k >= 1, directions kept of every block; larger than d means d.
    window
        W >= 1, the most rounds that are remembered.
    blocks
        B >= 1; more than W means W. In the long run between ``(B - 1) n + 1`` and ``B n <= W`` rounds are covered.
    learning_rate
        eta > 0; ``D / sqrt(2)`` by default, as for `FDAdaGrad`.
    delta
        >= 0, added to the covariance under the root. With 0 the pseudo-inverse is taken.

    Notes
    -----
    Cost ``O(d (B k)^2)`` a round; state ``B k d + d + B + 1`` floats. Let G be the covariance of the gradients in the
    blocks that are kept. Sketches of parts add up, so

    .. math::
        \sum_b \bar G_b \preceq G \preceq \sum_b \bar G_b + \sum_b \rho_b I .

    No bound on the regret is promised: where a sketch forgets, H decreases, and the proof of AdaGrad needs that it does
    not. A window of at least T rounds in one block is `FDAdaGrad`. For a window without an edge, which forgets
    geometrically, give `FDAdaGrad` a ``decay`` below 1.

    References
    ----------
    Feinberg, Chen, Sun, Anil, Hazan, "Sketchy", NeurIPS 2023, Algorithm 2, for the step; Ghashami, Liberty, Phillips,
    Woodruff, SIAM Journal on Computing 45 (2016), for sketches that add up; Wei et al., SIGMOD 2016, for matrix
    sketches of sliding windows, of which this is the plain one with equal blocks.

    Departures: the window is an extension of Sketchy; the papers on sliding windows merge blocks to save memory.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.WindowedFDAdaGrad(rank=1, window=2, blocks=2, learning_rate=1.0)
    >>> learner.start(oco.Problem(domain=oco.Unbounded(2), horizon=10))
    >>> for gradient in np.array([[4.0, 0.0], [3.0, 0.0], [4.0, 0.0]]):
    ...     learner.update(gradient)
    >>> learner.prediction  # steps of 4/4, 3/5, and 4/5 again because the first gradient is forgotten
    array([-2.4,  0. ])
    """

    name = "windowed_fd_adagrad"
    source = "Feinberg et al., Sketchy, NeurIPS 2023, Algorithm 2; Wei et al., SIGMOD 2016 (windows)"
    decision = "vector"
    needs = (DIAMETER,)
    examples = (
        {"rank": 2, "window": 8},
        {"rank": 1, "window": 6, "blocks": 2, "delta": 0.1},
        {"rank": 50, "window": 5},
    )
    look = Look("windowed FD-AdaGrad", "#117733", ">")
    state: WindowedState

    def __init__(
        self, rank: int, window: int, blocks: int = 4, learning_rate: float | None = None, delta: float = 0.0
    ) -> None:
        self.rank = whole(self, "rank", rank)
        self.window = whole(self, "window", window)
        self.blocks = whole(self, "blocks", blocks)
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = nonnegative(self, "delta", delta)

    def _sizes(self, dimension: int) -> tuple[int, int]:
        """Blocks, and directions kept of each."""
        return min(self.blocks, self.window), min(self.rank, dimension)

    def start(self, problem: Problem) -> None:
        """Begin with empty sketches."""
        required_vector(self, problem)
        self._domain = problem.domain
        self._rate = self.learning_rate or theorem_rate(self, problem)
        blocks, kept = self._sizes(problem.domain.dimension)
        self._length = self.window // blocks
        rows = np.zeros((blocks, kept, problem.domain.dimension))
        self.state = WindowedState(problem.domain.start, rows, np.zeros(blocks), 0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Begin a block if it is time, sketch the gradient into the newest, step, and project in the sum's norm."""
        state = self.state
        if state.round % self._length == 0:
            state.rows = np.concatenate([state.rows[1:], np.zeros_like(state.rows[:1])])
            state.escaped = np.append(state.escaped[1:], 0.0)
        state.round += 1
        if not gradient.any():
            return
        state.rows[-1], lost = shrunk(np.vstack([state.rows[-1], gradient]), state.rows.shape[1])
        state.escaped[-1] += lost
        metric = self.metric()
        step = metric.power(-1.0).apply(gradient)
        state.point = self._domain.project_in(state.point - self._rate * step, metric)

    def metric(self) -> LowRankPlusScaledIdentity:
        """H of the newest round, as eigenvalues and eigenvectors."""
        _, s, vectors = decomposed(self.state.rows.reshape(-1, self.state.point.size))
        added = self.delta + float(self.state.escaped.sum())
        keep = s > 0.0
        return LowRankPlusScaledIdentity(vectors[keep].T, np.sqrt(s[keep] ** 2 + added), math.sqrt(added))

    @property
    def escaped_mass(self) -> float:
        """What all the sketches have subtracted together."""
        return float(self.state.escaped.sum())

    def memory(self, problem: Problem) -> Memory:
        """``B k d + d + B + 1``: the sketches, the point, what escaped, the round."""
        dimension = problem.domain.dimension
        blocks, kept = self._sizes(dimension)
        return Memory("B k d + d + B + 1", blocks * kept * dimension + dimension + blocks + 1)


def decomposed(rows: Array) -> tuple[Array, Array, Array]:
    """The thin singular value decomposition, with negligible singular values set to zero."""
    left, s, vectors = thin_svd(rows)
    return left, np.where(s > NEGLIGIBLE * s[0], s, 0.0), vectors


def shrunk(rows: Array, rank: int) -> tuple[Array, float]:
    """Frequent Directions: at most ``rank`` rows ``(rank, d)``, and the eigenvalue that was subtracted from all."""
    _, s, vectors = decomposed(rows)
    lost = float(s[rank]) ** 2 if s.size > rank else 0.0
    kept = np.sqrt(np.maximum(s[:rank] ** 2 - lost, 0.0))
    return kept[:, None] * vectors[:rank], lost
