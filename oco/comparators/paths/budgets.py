"""The least loss of a sequence of points within a budget for its path, for every budget, with certificates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from oco.comparators.comparator import Comparator
from oco.comparators.fixed_point import best_fixed_point
from oco.comparators.paths.batches import Batch, RowBatch, batch_of
from oco.comparators.paths.certificates import Known, loss_of, lower_line
from oco.comparators.paths.measures import MEASURES, Measure
from oco.comparators.paths.path_curve import PathComparator, PathCurve
from oco.comparators.paths.region import Rows
from oco.comparators.paths.splitting import Splitting
from oco.comparators.solver import Losses, count_of
from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.regret.interval import Interval
from oco.types import Array

TOLERANCE = 1e-3
"""Default relative width of an interval."""
MOST_BLOCKS = 2000
"""Most points of a sequence; of a longer game every point is played for several rounds in a row."""
MOST_NUMBERS = 4_000_000
"""Most entries of all gradients together, ``T d``; about ten arrays of this size are held."""


def best_paths(
    losses: Losses,
    domain: Domain,
    budgets: Sequence[float] | Array,
    *,
    measure: str = "length",
    fixed: Comparator | None = None,
    tolerance: float = TOLERANCE,
    iterations: int = 600,
) -> PathCurve:
    """Find sequences ``u_1, ..., u_T`` of the domain with the least loss among those within each budget, certified.

    The comparators of dynamic regret: budget 0 is the best fixed point, an infinite one the minima of all losses.

    Parameters
    ----------
    losses
        As for `oco.comparators.best_fixed_point`.
    domain
        Where every u_t must lie.
    budgets
        Bounds on the path, at least 0, rising; may be infinite.
    measure
        ``"length"``: ``sum_t |u_{t+1} - u_t|_2``; ``"squares"``: ``sum_t |u_{t+1} - u_t|_2^2``.
    fixed
        The best fixed point, if it was found before.
    tolerance
        The width that counts as tight, relative to the larger of ``|value|`` and a hundredth of the loss of the best
        fixed point.
    iterations
        Most iterations for each budget, of cost O(T d).

    Returns
    -------
    PathCurve
        An interval for each budget. Both ends fall with the budget; they are convex in it, those of ``"squares"`` in
        its root, but for the lower end at 0, which is that of the best fixed point.

    Raises
    ------
    ConfigError
        If the budgets or the measure are not allowed, or ``T d`` is more than four million.

    Notes
    -----
    The least loss V(P) is convex in P, so every sequence that was found bounds it from above at larger budgets, and two
    sequences at all between theirs. The lower end is a dual value: for any minorants ``f_t(x) >= offset_t + <g_t, x>``
    (a slope and its conjugate, or a tangent), any potentials ``z_1, ..., z_{T-1}``, and ``z_0 = z_T = 0``, every
    sequence in K with steps ``d_t = u_{t+1} - u_t`` has::

        sum_t f_t(u_t)  >=  sum_t (offset_t - h_K(-(g_t + z_{t-1} - z_t))) - max_t |z_t|_2 sum_t |d_t|_2,

    because ``sum_t <z_{t-1} - z_t, u_t> = sum_t <z_t, d_t>``. One such bound holds for every budget. With squares the
    last product is that of the Euclidean norms of z and d. Points and duals come from alternating directions of
    multipliers; where it stops early the interval is wide, never wrong.

    Of more than 2,000 rounds, consecutive ones share a point while searching. Such sequences bound V from above. The
    lower end still has a potential for every round, so that it is valid for all sequences.

    On an unbounded domain the lower end holds for sequences of points within ``value.within`` of the origin.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.comparators import best_paths
    >>> from oco.domains import Ball
    >>> from oco.losses import RowBlock, Squared
    >>> rounds = RowBlock(Squared(), np.ones((4, 1)), np.array([0.0, 0.0, 2.0, 2.0]))
    >>> curve = best_paths(rounds, Ball(radius=3.0, dimension=1), [0.0, 1.0, 2.0], tolerance=1e-6)
    >>> curve.upper.round(3), curve.tight
    (array([2. , 0.5, 0. ]), True)
    """
    chosen = checked_budgets(budgets)
    if measure not in MEASURES:
        raise ConfigError(f"measure must be one of {', '.join(MEASURES)}, got {measure!r}")
    taken = _held(losses)
    best = best_fixed_point(taken, domain) if fixed is None else fixed
    search = _Search(batch_of(taken, domain.shape), domain, MEASURES[measure], best, tolerance, iterations)
    return search.curve(chosen)


class _Search:
    def __init__(
        self, batch: Batch, domain: Domain, measure: Measure, fixed: Comparator, tolerance: float, iterations: int
    ) -> None:
        self._batch, self._measure, self._fixed = batch, measure, fixed
        self._tolerance, self._iterations = tolerance, iterations
        self._rows = Rows(domain)
        start: Array = np.asarray(fixed.point, dtype=np.float64).ravel()
        self._splitting: Splitting | None = None
        if batch.rounds > 1:
            length = math.ceil(batch.rounds / MOST_BLOCKS)
            self._splitting = Splitting(batch, self._rows, measure, length, start)
        self._known = Known()
        blocks = 1 if self._splitting is None else len(self._splitting.point)
        self._known.offer(0.0, fixed.value.upper, np.tile(start, (blocks, 1)))

    def curve(self, budgets: list[float]) -> PathCurve:
        """Search for every budget; then read all off what is known in the end."""
        if self._splitting is not None:
            if isinstance(self._batch, RowBatch):
                self._offer_minima(self._batch)
            for budget in budgets:
                if budget > 0.0:
                    self._splitting.search(self._radius(budget), self._known, self._iterations, self._allowed(budget))
        found = tuple(self._comparator(budget) for budget in budgets)
        return PathCurve(found, self._measure.name, self._batch.rounds)

    def _radius(self, budget: float) -> float:
        return self._measure.radius(budget)

    def _allowed(self, budget: float) -> float:
        scales = self._known.upper(self._radius(budget))[0], 1e-2 * self._fixed.value.upper
        return self._tolerance * max(map(abs, scales))

    def _offer_minima(self, batch: RowBatch) -> None:
        """The minimum of every round by itself, as a lower bound for every budget; losses of a margin have it."""
        rows, reach = self._rows, self._rows.reach(np.atleast_2d(self._fixed.point.ravel()))
        lowest, highest = -rows.support(-batch.rows, reach), rows.support(batch.rows, reach)
        margins, minorants = batch.least(lowest, highest)
        potentials = np.zeros((batch.rounds - 1, batch.dimension))
        self._known.lines.append(lower_line(minorants, potentials, rows, self._measure, reach))
        if rows.bounded and batch.rounds <= MOST_BLOCKS:
            ends = rows.maximizers(batch.rows), rows.maximizers(-batch.rows)
            width = highest - lowest
            share = np.clip((margins - lowest) / np.where(width > 0.0, width, 1.0), 0.0, 1.0)[:, None]
            points = share * ends[0] + (1.0 - share) * ends[1]
            norm = self._measure.norm(np.diff(points, axis=0)) * (1.0 + 1e-12)
            self._known.offer(norm, loss_of(batch, points, rows), points)

    def _comparator(self, budget: float) -> PathComparator:
        if self._splitting is None:
            value, points = self._fixed.value, np.atleast_2d(self._fixed.point.ravel())
            return PathComparator(budget, points, value, self._fixed.tight)
        upper, points = self._known.upper(self._radius(budget))
        lower, within = self._known.lower(self._radius(budget))
        if budget == 0.0 and self._fixed.value.lower > lower:
            lower, within = self._fixed.value.lower, self._fixed.value.within
        value = Interval(min(lower, upper), upper, within)
        return PathComparator(budget, self._splitting.each_round(points), value, value.width <= self._allowed(budget))


def _held(losses: Any) -> Any:
    """The losses in memory; `ConfigError` if they are too many."""
    count = count_of(losses)
    if hasattr(losses, "horizon"):
        losses = losses.block(0, count)
    rows = getattr(losses, "rows", None)
    dimension = 1 if rows is None else rows.shape[1]
    if count * dimension > MOST_NUMBERS:
        raise ConfigError(
            f"budgets for paths take T x d up to {MOST_NUMBERS:,}, got {count:,} rounds in dimension {dimension:,}; "
            "play fewer rounds"
        )
    return losses


def checked_budgets(budgets: Sequence[float] | Array) -> list[float]:
    """The budgets as numbers; `ConfigError` unless they are at least 0 and rise."""
    try:
        chosen = [float(budget) for budget in budgets]
    except (TypeError, ValueError):
        raise ConfigError(f"budgets for paths must be numbers of at least 0 that rise, got {budgets!r}") from None
    rising = all(before < after for before, after in zip(chosen, chosen[1:], strict=False))
    if not chosen or not rising or not all(budget >= 0.0 for budget in chosen):
        raise ConfigError(f"budgets for paths must be numbers of at least 0 that rise, got {chosen}")
    return chosen
