"""MetaGrad that is told no bound on the gradients: learning rates wake and retire as gradients grow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.learners._finite import finite_update
from oco.learners._side import Side
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.metagrad import bounded_diameter, expert_metric, stepped
from oco.learners.requirements import whole
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


@dataclass
class LipschitzAdaptiveMetaGradState:
    """Lengths are in units of ``longest``, the largest norm of a gradient so far.

    ``experts`` ``(N, d)``, from the start, and ``log_weights`` ``(N,)`` are those of the rates ``2^highest``,
    ``2^(highest - 1)`` and so on; the first ``awake`` of them play. ``woken`` counts all that ever did.
    """

    point: Array
    experts: Array
    log_weights: Array
    sketch: Side
    longest: float
    clipped_sum: float
    highest: int
    awake: int
    woken: int


class LipschitzAdaptiveMetaGrad(Learner):
    r"""`MetaGrad` that is told no gradient bound: it clips gradients, and its learning rates wake and retire.

    With ``b_t = D |g_t|``, ``B_t = max_{s <= t} b_s`` and ``S_t = sum_{s <= t} min(b_s, B_{s-1})``, experts see

    .. math::
        \tilde g_t = \frac{B_{t-1}}{B_t} g_t, \qquad r_{t,i} = \eta_i \langle \tilde g_t, x_t - x_t^i \rangle, \qquad
        \eta_i = 2^i,

    and those play whose rate is awake, ``1 / (2 (S_{t-1} + B_{t-1})) <= eta_i <= 1 / (2 B_{t-1})``. An expert wakes at
    the start of the domain with weight 1; a rate that is too large retires for good.

    .. math::
        x_t = \frac{\sum_i p_{t,i}\, \eta_i\, x_t^i}{\sum_i p_{t,i}\, \eta_i}, \qquad
        p_{t+1,i} = c_t\, p_{t,i} \exp(r_{t,i} - r_{t,i}^2),

    .. math::
        A_{t,i} = D^{-2} I + 2 \eta_i^2 \bar G_t, \qquad
        x_{t+1}^i = \Pi_K^{A_{t,i}}\bigl(x_t^i - \eta_i (1 - 2 r_{t,i}) A_{t,i}^{-1} \tilde g_t\bigr),

    where c_t keeps the sum of the weights that are awake, and Gbar is the covariance of the clipped gradients, or a
    sketch of it. While nothing is awake the start of the domain is played.

    Parameters
    ----------
    rank
        k, directions of the covariance that are kept; None for all d.

    Raises
    ------
    ConfigError
        At the start, if the domain is unbounded.

    Notes
    -----
    Cost O(d k^2 + N d k) a round and at most N projections, with ``N = floor(log2(T)) + 1``; state
    ``k (d + 1) + N (d + 1) + d + 6`` floats. For every u and every rate that is awake after the game, with M the rates
    that ever were and ``m = min(k + 1, d)``,

    .. math::
        R_T(u) \le B_T + \eta_i V_T^u + \frac{1}{\eta_i} \Bigl(\frac34 + \ln M + \frac{|u - x_1|^2}{2 D^2}
          + \ln \det\bigl(I + 2 \eta_i^2 D^2 \bar G_T\bigr) + 2 m\, \eta_i^2 D^2 \rho_T\Bigr), \qquad
        V_T^u = \sum_t \langle \tilde g_t, x_t - u \rangle^2

    and never more than ``S_T + B_T = D sum |g_t|``. The value stated takes ``D^2 sum |g|^2`` for V. *Proof*:

    1. Clipping costs ``sum (1 - B_{t-1} / B_t) b_t <= B_T``, and afterwards ``|r_t| <= 1/2``.
    2. ``exp(r - r^2) <= 1 + r`` and the choice of x_t: the sum of weights that are awake would not grow without c_t, so
       ``c_t >= 1``. It is at most M, so ``sum (r_{t,i}^2 - r_{t,i}) >= -ln M`` over the rounds of expert i.
    3. The surrogate loss is a quadratic function of r, hence the regret of expert i in it is that of online Newton
       steps; ``(1 - 2 r)^2 <= 4`` gives the factor 1 of the determinant, which is 1/2 for `MetaGrad`.
    4. Before rate i woke, regret was at most ``S <= 1 / (2 eta_i)``, which costs 1/2. The covariance was there before:
       it adds ``eta_i^2 sum <g~, u - x_1>^2 <= eta_i^2 S^2``, which costs 1/4.

    References
    ----------
    Van Erven, Koolen, van der Hoeven, JMLR 22 (2021), and Mhammedi, Koolen, van Erven, COLT 2019, for an unknown
    gradient bound. Of both texts the abstracts were at hand. Clipping, the grid that moves and the weights were read
    in the authors' public code of the experiments; the bound is derived here.

    Departures: their code starts all weights again when ``B_t`` outgrows what it was at the last start by more than
    ``sum b_s / B_s``. This is left out: it is there to bound M, whose logarithm is below 8 for all numbers that a
    computer holds. Experts here see the clipped gradients, as their analysis does, and share one covariance; the sketch
    shrinks in every round.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.LipschitzAdaptiveMetaGrad()
    >>> learner.start(oco.Problem(oco.Ball(radius=0.5, dimension=1), horizon=2))
    >>> learner.update(np.array([1.0]))  # the first gradient says what a large one is
    >>> learner.update(np.array([1.0]))
    >>> learner.prediction  # 2/3 of -eta / (1 + 2 eta^2), eta = 1/2, and 1/3 of eta = 1/4, which wakes at 0
    array([-0.22222222])
    """

    name = "lipschitz_adaptive_metagrad"
    source = "van Erven, Koolen, van der Hoeven, JMLR 2021, for unknown gradient bounds; bound derived here"
    guarantee = (
        "B + min_i eta_i V + (5/4 + ln M + ln det(I + 2 eta_i^2 D^2 Gbar) + 2 m eta_i^2 D^2 rho)/eta_i; bounded domain"
    )
    needs = (DIAMETER,)
    examples = ({}, {"rank": 2})
    look = Look("Lipschitz-adaptive MetaGrad", "#AA3377", "X")
    state: LipschitzAdaptiveMetaGradState

    def __init__(self, rank: int | None = None) -> None:
        self.rank = None if rank is None else whole(self, "rank", rank)

    def start(self, problem: Problem) -> None:
        """No rate is awake before the first gradient."""
        self._domain, d = problem.domain, problem.domain.dimension
        self._diameter = bounded_diameter(self, problem)
        number = most_awake(problem.horizon)
        sketch = Side.empty(d, d if self.rank is None else self.rank)
        self.state = LipschitzAdaptiveMetaGradState(
            problem.domain.start, np.zeros((number, d)), np.zeros(number), sketch, 0.0, 0.0, 0, 0, 0
        )

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far, in the units of gradients squared."""
        return self.state.longest**2 * self.state.sketch.escaped_mass

    @finite_update
    def update(self, gradient: Array) -> None:
        """Clip, sketch, weigh, step every expert that is awake, wake and retire, average."""
        state, row = self.state, gradient.ravel()
        largest = float(np.abs(row).max())
        length = largest * float(np.linalg.norm(row / largest)) if largest > 0.0 else 0.0
        longest = max(state.longest, length)
        if longest == 0.0:
            return
        if state.longest > 0.0:
            row = row / longest  # the clipped gradient over the longest so far
            state.sketch.update(row[None], 1.0)
            state.clipped_sum += min(length / state.longest, 1.0)
            self._play_experts(row)
        shrunk = state.longest / longest
        if shrunk < 1.0:
            state.sketch.eigenvalues = state.sketch.eigenvalues * shrunk**2
            state.sketch.escaped_mass *= shrunk**2
            state.clipped_sum *= shrunk
        state.longest = longest
        self._wake()
        self._average()

    def _play_experts(self, row: Array) -> None:
        """Weigh and step the experts that are awake."""
        state, domain, awake = self.state, self._domain, slice(self.state.awake)
        if not state.awake:
            return
        rates = self._rates()
        gains = rates * (((state.point - domain.start).ravel() - state.experts[awake]) @ row) / self._diameter
        before = _log_sum(state.log_weights[awake])
        state.log_weights[awake] += gains - gains**2
        state.log_weights[awake] += before - _log_sum(state.log_weights[awake])
        for n, rate in enumerate(rates):
            length = rate * (1.0 - 2.0 * gains[n]) * self._diameter
            state.experts[n] = stepped(state.experts[n], row, length, expert_metric(state.sketch, rate), domain)

    def _wake(self) -> None:
        """Move the grid of rates that are awake to ``[1 / (2 (S + B)), 1 / (2 B)]``."""
        state, number = self.state, self.state.log_weights.size
        exponent = -1.0 - math.log2(self._diameter) - math.log2(state.longest)
        highest = math.floor(exponent)
        lowest = max(math.ceil(exponent - math.log2(1.0 + state.clipped_sum)), highest - number + 1)
        kept = max(state.awake - (state.highest - highest), 0) if state.awake else 0
        retired = state.awake - kept
        for array in (state.experts, state.log_weights):
            array[:kept] = array[retired : state.awake].copy()
            array[kept:] = 0.0
        state.awake, state.highest = highest - lowest + 1, highest
        state.woken += state.awake - kept

    def _average(self) -> None:
        """The average of the experts that are awake, or the start of the domain."""
        state, awake = self.state, slice(self.state.awake)
        state.point = self._domain.start
        if state.awake:
            logs = state.log_weights[awake] - math.log(2.0) * np.arange(state.awake)
            weights = np.exp(logs - logs.max())
            average = weights @ state.experts[awake] / weights.sum()
            state.point = state.point + average.reshape(self._domain.shape)

    def _rates(self) -> Array:
        """``eta_i B`` of the rates that are awake."""
        mantissa, exponent = math.frexp(self.state.longest)
        rates: Array = np.ldexp(self._diameter * mantissa, exponent + self.state.highest - np.arange(self.state.awake))
        return rates

    def memory(self, problem: Problem) -> Memory:
        """``k (d + 1) + N (d + 1) + d + 6`` with k at most d: sketch, experts, their weights, point, five numbers."""
        d, number = problem.domain.dimension, most_awake(problem.horizon)
        rank = d if self.rank is None else min(self.rank, d)
        name = "d" if self.rank is None else "k"
        return Memory(f"{name} (d + 1) + N (d + 1) + d + 6", (rank + number) * (d + 1) + d + 6)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain."""
        if not observed.domain.bounded:
            return None
        state, sketch, largest = self.state, self.state.sketch, self._diameter * self.state.longest
        value = 1.0 + state.clipped_sum
        if state.awake:
            rates = self._rates()
            size = min(sketch.eigenvalues.size + 1, observed.domain.dimension)
            determinants = np.sum(np.log1p(2.0 * np.outer(rates**2, sketch.eigenvalues)), axis=1)
            complexity = 1.25 + math.log(state.woken) + determinants + 2.0 * size * rates**2 * sketch.escaped_mass
            squares = observed.gradient_squares / state.longest**2
            value = min(value, 1.0 + float(np.min(rates * squares + complexity / rates)))
        return Bound(
            theorem="MetaGrad for unknown gradient bounds (van Erven, Koolen, van der Hoeven 2021), derived here",
            value=largest * value,
            constants=(
                Constant("diameter (l2 norm)", self._diameter, "domain"),
                Constant("largest gradient (l2 norm)", state.longest, "observed"),
                Constant("sum of squared gradients (l2 norm)", observed.gradient_squares, "observed"),
                Constant("learning rates that were awake", float(state.woken), "observed"),
                Constant("escaped mass", self.escaped_mass, "observed"),
            ),
            assumptions=(),
        )


def most_awake(horizon: int) -> int:
    """N, the learning rates that can be awake at once in T rounds: ``floor(log2(T)) + 1``."""
    return math.floor(math.log2(max(horizon, 1))) + 1


def _log_sum(logs: Array) -> float:
    """``ln sum exp``."""
    largest = float(logs.max())
    return largest + math.log(float(np.exp(logs - largest).sum()))
