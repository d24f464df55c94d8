"""The least loss of a sequence of points that changes at most S times, by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oco.comparators.fixed_point import anytime
from oco.comparators.paths.path_curve import PathComparator, PathCurve
from oco.comparators.solver import Losses, count_of
from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.regret.interval import Interval
from oco.types import Array

MOST_ROUNDS = 512
"""Most rounds: the best fixed points of all their T (T + 1) / 2 segments are found."""


def best_switching(losses: Losses, domain: Domain, switches: Sequence[int]) -> PathCurve:
    """Find sequences ``u_1, ..., u_T`` with the least loss among those with at most S changes, for every S given.

    Parameters
    ----------
    losses
        As for `oco.comparators.best_fixed_point`, of at most 512 rounds.
    domain
        Where every u_t must lie.
    switches
        Numbers S of rounds t with ``u_{t+1} != u_t``, at least 0, rising.

    Returns
    -------
    PathCurve
        The budgets are the numbers of switches. An end of an interval is the sum of those of the segments that
        dynamic programming chooses, so it is as tight as `oco.comparators.best_fixed_point` is on a segment.

    Raises
    ------
    ConfigError
        If there are more rounds, or the switches are not allowed.

    Notes
    -----
    With m(s, t) the least loss of one point on the rounds s + 1 to t, ``W_0(t) = m(0, t)`` and
    ``W_S(t) = min_s W_{S-1}(s) + m(s, t)``. Upper ends use the upper ends of m, lower ends the lower ones. Takes
    O(T^2) best fixed points and O(S T^2) operations.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.comparators import best_switching
    >>> from oco.domains import Ball
    >>> from oco.losses import Linear, RowBlock
    >>> rounds = RowBlock(Linear(), np.array([[1.0], [1.0], [-1.0], [1.0]]), np.zeros(4))
    >>> best_switching(rounds, Ball(radius=1.0, dimension=1), [0, 1, 2]).upper.round(6)
    array([-2., -2., -4.])
    """
    count = count_of(losses)
    chosen = [int(number) for number in switches]
    rising = all(before < after for before, after in zip(chosen, chosen[1:], strict=False))
    if not chosen or not rising or chosen[0] < 0 or chosen != list(switches):
        raise ConfigError(f"switches must be integers of at least 0 that rise, got {list(switches)}")
    if count > MOST_ROUNDS:
        raise ConfigError(f"best_switching takes at most {MOST_ROUNDS} rounds, got {count:,}; give fewer rounds")
    lower, upper, points = _segments(losses, domain, count)
    lows, _ = _least(lower, chosen[-1])
    highs, cuts = _least(upper, chosen[-1])
    found = []
    for number in chosen:
        value = Interval(min(lows[number, -1], highs[number, -1]), float(highs[number, -1]))
        path = np.concatenate(
            [
                np.tile(points[first][last - first - 1], (last - first, 1))
                for first, last in _pieces(cuts, number, count)
            ]
        )
        found.append(PathComparator(float(number), path, value, True))
    return PathCurve(tuple(found), "switches", count)


def _segments(losses: Any, domain: Domain, count: int) -> tuple[Array, Array, list[list[Array]]]:
    """Both ends of m(s, t), infinite where t <= s, and the points, by first round and length."""
    lower, upper = np.full((count, count + 1), np.inf), np.full((count, count + 1), np.inf)
    points: list[list[Array]] = []
    for first in range(count):
        curve = anytime(_from(losses, first, count), domain, range(1, count - first + 1))
        lower[first, first + 1 :], upper[first, first + 1 :] = curve.lower, curve.upper
        points.append([np.asarray(one.point).ravel() for one in curve])
    return lower, upper, points


def _from(losses: Any, first: int, count: int) -> Any:
    if hasattr(losses, "horizon"):
        return losses.block(first, count)
    if hasattr(losses, "rows"):
        tail = {"targets": losses.targets[first:]} if hasattr(losses, "targets") else {"labels": losses.labels[first:]}
        kept = {"scalar": losses.scalar} if hasattr(losses, "scalar") else {"n_classes": losses.n_classes}
        return type(losses)(rows=losses.rows[first:], **kept, **tail)
    return losses[first:]


def _least(segments: Array, switches: int) -> tuple[Array, Array]:
    """``W_S(t)`` for S up to ``switches`` and t in 0..T, and the last cut of each; -1 where the fewer switches do."""
    count = segments.shape[1] - 1
    least, cuts = np.empty((switches + 1, count + 1)), np.full((switches + 1, count + 1), -1)
    least[0] = segments[0]
    least[:, 0] = 0.0
    for number in range(1, switches + 1):
        through = least[number - 1, :count, None] + segments
        cut = np.argmin(through, axis=0)
        with_cut = np.take_along_axis(through, cut[None], axis=0)[0]
        better = with_cut < least[number - 1]
        least[number] = np.where(better, with_cut, least[number - 1])
        cuts[number] = np.where(better, cut, -1)
        least[number, 0] = 0.0
    return least, cuts


def _pieces(cuts: Array, switches: int, count: int) -> list[tuple[int, int]]:
    pieces: list[tuple[int, int]] = []
    stop, number = count, switches
    while number > 0 and stop > 0:
        cut = int(cuts[number, stop])
        if cut > 0:
            pieces.append((cut, stop))
            stop = cut
        number -= 1
    return [(0, stop), *reversed(pieces)]
