"""Strongly adaptive online learning: a learner that restarts on intervals of every length, for regret on each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oco.learners._experts import advance, checked_base, loss_range, point_of
from oco.learners._finite import finite_update
from oco.learners.base import DIAMETER, GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.fd_adagrad import FDAdaGrad
from oco.learners.ogd import OGD
from oco.learners.requirements import at_most
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class SAOLState:
    """``round`` is the coming one, from 1. ``weights`` ``(K,)`` and ``experts`` are those of the K interval lengths."""

    point: Array
    weights: Array
    round: int
    experts: list[Any]


class SAOL(Learner):
    r"""A copy of a learner for every geometric covering interval, weighed by its gain within that interval.

    The intervals of length 2^k are ``[i 2^k, (i + 1) 2^k - 1]`` for i >= 1, so that in round t those of
    ``floor(log2 t) + 1`` lengths are active. With x_t^k the copy of length 2^k and ``eta_k = min(1/2, 2^{-k/2})``,

    .. math::
        x_t = \sum_k p_{t,k} x_t^k, \qquad p_{t,k} \propto \eta_k w_{t,k}, \qquad
        w_{t+1,k} = w_{t,k} \Bigl(1 + \eta_k \frac{\langle g_t, x_t - x_t^k \rangle}{G D}\Bigr),

    where the copy starts anew with weight 1 when its interval does.

    Parameters
    ----------
    base
        The learner that is restarted, one of gradients; ``OGD(schedule="constant")`` by default. Each copy is told the
        length of its interval as the horizon.

    Raises
    ------
    ConfigError
        If the base needs other feedback than gradients; at the start, if the domain is unbounded or no gradient bound
        is stated.

    Notes
    -----
    All copies are shown the gradient at the point that was played. With ``K = floor(log2 T) + 1``, cost is K times the
    base's and O(K d) a round, and state K times the base's and ``d + K + 1`` floats.

    On each covering interval I that ends in round q, the linear loss of the points played exceeds that of the copy by

    .. math::
        \sum_{t \in I} \langle g_t, x_t - x_t^I \rangle \le G D \Bigl(\frac{\ln(2 q)}{\eta_I} + \eta_I |I|\Bigr),

    because the sum of all weights is the number of intervals that have begun, at most 2q, and ``ln(1 + z) >= z - z^2``
    for ``z >= -1/2``. Every interval of rounds is a union of covering intervals, at most two of each length, and
    `interval_bound` adds up the above and the base's bound over these: ``O(G D (sqrt(|I|) log T))`` for OGD. `bound` is
    that of the first T rounds. For other bases than OGD no bound is stated.

    References
    ----------
    Daniely, Gonen, Shalev-Shwartz, "Strongly adaptive online learning", ICML 2015, Algorithm 1 and Theorem 1 (numbers
    cited from memory); constants are derived in the notes and tested.

    Departures: the copies' points are averaged where the printed algorithm draws one, which convexity allows, and
    losses are linearized, so that one gradient a round is enough.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.SAOL(oco.OGD(learning_rate=0.5, schedule="constant"))
    >>> learner.start(oco.Problem(oco.Ball(dimension=2), horizon=9, gradient_bound=1.0))
    >>> learner.update(np.array([1.0, 0.0]))  # in round 2 both copies start anew
    >>> learner.update(np.array([1.0, 0.0]))  # in round 3 the one of length 2 is half a step ahead
    >>> learner.prediction
    array([-0.25,  0.  ])
    """

    name = "saol"
    source = "Daniely, Gonen, Shalev-Shwartz, ICML 2015, Algorithm 1, Theorem 1"
    guarantee = "on every interval I: sum over its covering intervals of base regret + GD (ln(2q)/eta_I + eta_I |I|)"
    needs = (DIAMETER, GRADIENT_BOUND)
    examples = ({}, {"base": OGD(learning_rate=0.5)}, {"base": FDAdaGrad(rank=2)})
    look = Look("SAOL", "#0072B2", "*")
    parts = ("base",)
    state: SAOLState

    def __init__(self, base: Learner | None = None) -> None:
        self.base = checked_base(self, OGD(schedule="constant") if base is None else base)

    def start(self, problem: Problem) -> None:
        """Make a copy for every length of interval; the one of length 1 is active."""
        self._problem = problem
        self._lengths = 2 ** np.arange(problem.horizon.bit_length())
        self._rates = np.minimum(0.5, self._lengths**-0.5)
        self._experts = [self.base.fresh() for _ in self._lengths]
        states = [self._restarted(k) for k in range(self._lengths.size)]
        self._range = loss_range(self, problem)
        self.state = SAOLState(problem.domain.start, np.ones(self._lengths.size), 1, states)

    def _restarted(self, k: int) -> Any:
        self._experts[k].start(replace(self._problem, horizon=int(self._lengths[k])))
        return self._experts[k].state

    @finite_update
    def update(self, gradient: Array) -> None:
        """Reweigh the active copies and let each take its step; begin the intervals of the coming round; average."""
        state = self.state
        for k in range(self._active):
            ahead = float(np.vdot(gradient, state.point - point_of(self._experts[k], state.experts[k]))) / self._range
            state.weights[k] *= 1.0 + self._rates[k] * min(max(ahead, -1.0), 1.0)
            state.experts[k] = advance(self._experts[k], state.experts[k], gradient)
        state.round += 1
        for k in range(self._active):
            if state.round % self._lengths[k] == 0:
                state.experts[k] = self._restarted(k)
                state.weights[k] = 1.0
        shares = (self._rates * state.weights)[: self._active]
        points = [point_of(self._experts[k], state.experts[k]) for k in range(self._active)]
        state.point = np.tensordot(shares / shares.sum(), points, axes=1)

    @property
    def _active(self) -> int:
        """How many lengths have an interval that holds the coming round."""
        return min(self.state.round.bit_length(), self._lengths.size)

    def memory(self, problem: Problem) -> Memory | None:
        """``K`` times the base's, and ``d + K + 1``: the point, the weights, the round."""
        base, count = self.base.memory(problem), problem.horizon.bit_length()
        if base is None:
            return None
        return Memory(
            f"{count} ({base.formula}) + d + {count + 1}", count * base.floats + problem.domain.dimension + count + 1
        )

    def bound(self, observed: Observed) -> Bound | None:
        """`interval_bound` of all rounds so far; None for another base than OGD, or before the first round."""
        return self.interval_bound(observed, 0, observed.rounds)

    def interval_bound(self, observed: Observed, start: int, stop: int) -> Bound | None:
        """A bound on the regret in rounds ``start`` to ``stop - 1`` (from 0) against the best fixed point for them."""
        if not isinstance(self.base, OGD) or stop <= start:
            return None
        slope, value = self._problem.gradient_bound or 0.0, 0.0
        assumptions: tuple[Assumption, ...] = ()
        for first, k in self._cover(start + 1, stop):
            length, rate = int(self._lengths[k]), float(self._rates[k])
            own = self._experts[k].bound(
                replace(observed, rounds=length, gradient_squares=length * slope**2, largest_gradient=slope)
            )
            assert own is not None
            value += own.value + self._range * (math.log(2.0 * (first + length - 1)) / rate + rate * length)
            assumptions = own.assumptions
        within = Assumption("no gradient was longer than the gradient bound", at_most(observed.largest_gradient, slope))
        return Bound(
            theorem="strongly adaptive online learning (Daniely, Gonen, Shalev-Shwartz 2015)",
            value=value,
            constants=(
                Constant("diameter (l2 norm)", observed.domain.diameter("l2"), "domain"),
                Constant("gradient bound (l2 norm)", slope, "domain"),
            ),
            assumptions=(*assumptions, within),
        )

    def _cover(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Covering intervals, by first round and exponent k, that make up the rounds ``first`` to ``last``, from 1."""
        while first <= last:
            fits = [k for k, n in enumerate(self._lengths) if first % n == 0 and first + n - 1 <= last]
            yield first, fits[-1]
            first += int(self._lengths[fits[-1]])
