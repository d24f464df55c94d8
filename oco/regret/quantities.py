"""The kinds of regret, each under its own name, as pure functions of a finished game's losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from oco.domains.base import Domain
from oco.regret.interval import Interval
from oco.types import Array


def regret_against_final(losses: Array, final_losses: Array) -> Array:
    """Static regret against the best point of the whole game: ``sum_{s<=t} f_s(x_s) - f_s(u_T)`` for every t.

    Parameters
    ----------
    losses
        ``f_t(x_t)``, ``(T,)``.
    final_losses
        ``f_t(u_T)``, ``(T,)``.

    Examples
    --------
    >>> import numpy as np
    >>> regret_against_final(np.array([1.0, 1.0, 1.0]), np.array([2.0, 0.0, 0.5]))
    array([-1. ,  0. ,  0.5])
    """
    regret: Array = np.cumsum(losses - final_losses)
    return regret


def regret_against_prefix_best(losses: Array, rounds: Array, lower: Array, upper: Array) -> tuple[Array, Array]:
    """Anytime static regret: ``sum_{s<=t} f_s(x_s) - min_x sum_{s<=t} f_s(x)`` at checkpoints, as an interval.

    Parameters
    ----------
    losses
        ``f_t(x_t)``, ``(T,)``.
    rounds
        Checkpoints t, counted from 1, ``(m,)``.
    lower, upper
        ``(m,)``, certified bounds on the minima, for instance from an `oco.comparators.ComparatorCurve`.

    Returns
    -------
    tuple of Array
        Lower and upper bounds on the regret, ``(m,)`` each.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = regret_against_prefix_best(np.ones(4), np.array([2, 4]), np.array([0.5, 1.0]), np.array([1.0, 1.5]))
    >>> low, high
    (array([1. , 2.5]), array([1.5, 3. ]))
    """
    cumulative = np.cumsum(losses)[np.asarray(rounds, dtype=np.intp) - 1]
    return cumulative - upper, cumulative - lower


def dynamic_regret(losses: Array, path_losses: Array) -> Array:
    """Regret against a given path u_1, u_2, ...: ``sum_{s<=t} f_s(x_s) - f_s(u_s)`` for every t.

    Parameters
    ----------
    losses, path_losses
        ``f_t(x_t)`` and ``f_t(u_t)``, ``(T,)``.

    Examples
    --------
    >>> import numpy as np
    >>> dynamic_regret(np.array([1.0, 2.0]), np.array([0.0, 0.5]))
    array([1. , 2.5])
    """
    regret: Array = np.cumsum(losses - path_losses)
    return regret


def path_length(path: Array) -> float:
    """``sum_t |u_t - u_{t-1}|_2`` of a path ``(T, ...)``, the quantity in bounds on dynamic regret.

    Examples
    --------
    >>> import numpy as np
    >>> path_length(np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]]))
    5.0
    """
    steps = np.diff(path.reshape(path.shape[0], -1), axis=0)
    return float(np.linalg.norm(steps, axis=1).sum())


@dataclass(frozen=True)
class IntervalRegret:
    """Static regret on the rounds ``start + 1, ..., stop``, against the best fixed point of these rounds."""

    start: int
    stop: int
    regret: Interval

    @property
    def length(self) -> int:
        """Number of rounds."""
        return self.stop - self.start


@dataclass(frozen=True)
class PathRegret:
    """Regret against the best sequence of points ``u_1, ..., u_T`` with ``sum_t |u_{t+1} - u_t|_2 <= budget``.

    Budget 0 is regret against the best fixed point; an infinite one is against the minima of all losses.
    """

    budget: float
    regret: Interval


def dyadic_intervals(rounds: int, shortest: int = 1) -> Iterator[tuple[int, int]]:
    """Intervals ``(start, stop)`` of 0-based rounds, ``[j 2^i, (j + 1) 2^i)``, within ``rounds``; shortest first.

    Examples
    --------
    >>> list(dyadic_intervals(5, shortest=2))
    [(0, 2), (2, 4), (0, 4)]
    """
    length = 1
    while length <= rounds:
        if length >= shortest:
            yield from ((start, start + length) for start in range(0, rounds - length + 1, length))
        length *= 2


def interval_regret(losses: Array, best: Callable[[int, int], Interval], shortest: int = 1) -> list[IntervalRegret]:
    """Strongly adaptive regret: static regret on every dyadic interval of rounds.

    Parameters
    ----------
    losses
        ``f_t(x_t)``, ``(T,)``.
    best
        ``best(start, stop)`` encloses ``min_x sum_{start <= s < stop} f_s(x)`` (0-based rounds), for instance the value
        of `oco.comparators.best_fixed_point`.
    shortest
        Intervals shorter than this are left out.

    Returns
    -------
    list of IntervalRegret
        In the order of `dyadic_intervals`; about ``2 T / shortest`` of them.

    Examples
    --------
    >>> import numpy as np
    >>> found = interval_regret(np.array([1.0, 1.0, 0.0, 0.0]), lambda start, stop: Interval(0.0, 0.5), shortest=2)
    >>> [(one.start, one.stop, str(one.regret)) for one in found]
    [(0, 2, '[1.5, 2]'), (2, 4, '[-0.5, 0]'), (0, 4, '[1.5, 2]')]
    """
    sums = np.concatenate([[0.0], np.cumsum(losses)])
    found = []
    for start, stop in dyadic_intervals(losses.size, shortest):
        played, minimum = float(sums[stop] - sums[start]), best(start, stop)
        regret = Interval(played - minimum.upper, played - minimum.lower, minimum.within)
        found.append(IntervalRegret(start, stop, regret))
    return found


def linearized_regret(played: float, gradient_sum: Array, domain: Domain) -> float:
    """Regret of the linearized losses: ``max_{u in K} sum_t <g_t, x_t - u> = sum_t <g_t, x_t> + h_K(-sum_t g_t)``.

    It is at least the static regret, and most proofs bound this quantity.

    Parameters
    ----------
    played
        ``sum_t <g_t, x_t>``.
    gradient_sum
        ``sum_t g_t``, of the domain's shape.
    domain
        K, with support function h_K; the regret is infinite if K is unbounded in the direction ``-gradient_sum``.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Ball
    >>> linearized_regret(1.0, np.array([3.0, 4.0]), Ball(radius=2.0, dimension=2))
    11.0
    """
    return played + domain.support(-gradient_sum)
