"""The best fixed point that keeps a sum of constraints, certified by Lagrangian duality."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from oco.comparators.comparator import Comparator, ComparatorCurve
from oco.comparators.fixed_point import anytime
from oco.comparators.solver import Losses, count_of
from oco.comparators.solvers.bundle import one_by_one
from oco.domains.base import Domain
from oco.losses.base import Loss
from oco.losses.rows import RowBlock, rows_at_once, squared_lengths
from oco.regret.certificate import Certificate
from oco.regret.interval import Interval
from oco.types import Array

STEPS = 60
"""Most multipliers that are tried; the two points between which the optimum lies move closer with each of them."""
INNER_TOLERANCE = 1e-4
"""Relative gap of the problem for one multiplier, small beside `TOLERANCE`, which it adds to."""
TOLERANCE = 1e-3
"""Relative gap that counts as tight, as for all losses of which only values and gradients are used."""
NUDGE = 1e-9
"""How much nearer to the point that keeps the constraint a mixture goes than the lines' zero, against rounding."""
_UNIT = float(np.finfo(np.float64).eps)


class TotalLoss(Loss):
    """``F(x) = sum_t (f_t(x) - limit)`` as one loss, evaluated by blocks where the losses are rows.

    Parameters
    ----------
    losses, count
        The losses, and how many of them.
    limit
        Subtracted from each.
    """

    def __init__(self, losses: Losses, count: int, limit: float = 0.0) -> None:
        self._losses: Any = losses
        self._count = count
        self._limit = limit
        self.rounding = 0.0
        """A bound on the rounding of every value so far."""

    def value(self, point: Array) -> float:
        """``F(point)``."""
        total, size = -self._limit * self._count, abs(self._limit) * self._count
        reach = float(np.linalg.norm(point))
        for piece in self._pieces():
            if isinstance(piece, RowBlock):
                values, slopes = piece.scalar.values_and_derivatives(piece.rows @ point.ravel(), piece.targets)
                size += float(np.abs(slopes) @ np.sqrt(squared_lengths(piece.rows))) * reach
            else:
                values = np.array([loss.value(point) for loss in piece])
                size += sum(float(np.linalg.norm(loss.gradient(point))) for loss in piece) * reach
            total += float(values.sum())
            size += float(np.abs(values).sum())
        self.rounding = max(self.rounding, (self._count + point.size + 64.0) * _UNIT * size)
        return total

    def gradient(self, point: Array) -> Array:
        """A subgradient of F."""
        total: Array = np.zeros(point.shape)
        for piece in self._pieces():
            if isinstance(piece, RowBlock):
                slopes = piece.scalar.values_and_derivatives(piece.rows @ point.ravel(), piece.targets)[1]
                total += (piece.rows.T @ slopes).reshape(point.shape)
            else:
                total += sum((loss.gradient(point) for loss in piece), np.zeros(point.shape))
        return total

    def _pieces(self) -> Iterator[Any]:
        """The losses as blocks of rows, or all of them as a list."""
        losses = self._losses
        if isinstance(losses, RowBlock):
            yield RowBlock(losses.scalar, losses.rows[: self._count], losses.targets[: self._count])
        elif hasattr(losses, "block"):
            first = losses.block(0, 1)
            step = rows_at_once(first.rows.shape[1], sparse=first.sparse)
            for start in range(0, self._count, step):
                yield losses.block(start, min(start + step, self._count))
        else:
            yield one_by_one(losses, self._count)


class Lagrangian(Loss):
    """``F(x) + multiplier * C(x)``."""

    def __init__(self, objective: TotalLoss, constraint: TotalLoss, multiplier: float) -> None:
        self._objective = objective
        self._constraint = constraint
        self._multiplier = multiplier

    def value(self, point: Array) -> float:
        """Its value."""
        return self._objective.value(point) + self._multiplier * self._constraint.value(point)

    def gradient(self, point: Array) -> Array:
        """A subgradient."""
        return self._objective.gradient(point) + self._multiplier * self._constraint.gradient(point)


class _End:
    """A point with its total loss and its total violation."""

    def __init__(self, point: Array, objective: TotalLoss, constraint: TotalLoss) -> None:
        self.point = point
        self.loss = objective.value(point)
        self.violation = constraint.value(point) + constraint.rounding


def best_constrained_point(
    losses: Losses, constraints: Losses, domain: Domain, *, count: int | None = None, limit: float = 0.0
) -> Comparator | None:
    r"""Find the x of the domain with ``C(x) <= 0`` that minimizes the sum of the losses, with a certified gap.

    .. math::
        \min_{x \in K,\; C(x) \le 0} F(x), \qquad F = \sum_t f_t, \quad C = \sum_t (h_t - \mathrm{limit})

    Parameters
    ----------
    losses, constraints
        The f_t and the h_t, as `best_fixed_point` takes losses.
    domain
        K, bounded.
    count
        T; the number of the losses by default.
    limit
        Subtracted from every h_t.

    Returns
    -------
    Comparator | None
        The point and the interval that holds the minimum; the interval is unbounded above if no point was found that
        keeps the constraint beyond the rounding of its sum. None if it is proved that there is none.

    Notes
    -----
    A point that keeps every single constraint keeps their sum, so the lower bound holds for such points too. For every
    multiplier ``lambda >= 0`` the certified minimum of ``F + lambda C`` over K is a lower bound. The multipliers come
    from Kelley's cutting planes in one dimension: between a point that violates the constraint and one that keeps it,
    lambda is where their lines ``F(x) + lambda C(x)`` meet, and the convex combination of both with ``C <= 0`` is the
    point that is offered as the best. Each step costs some passes over the losses.

    Examples
    --------
    >>> import numpy as np, oco
    >>> from oco.comparators import best_constrained_point
    >>> from oco.losses import Linear, RowBlock
    >>> away = RowBlock(Linear(), np.array([[-1.0, 0.0]]), np.zeros(1))  # wants x_1 = 1
    >>> half = RowBlock(Linear(), np.array([[1.0, 0.0]]), np.zeros(1))  # x_1 <= 0.25
    >>> best = best_constrained_point(away, half, oco.Ball(radius=1.0, dimension=2), limit=0.25)
    >>> best.tight, -0.25 in best.value
    (True, True)
    """
    rounds = count_of(losses) if count is None else count
    objective, constraint = TotalLoss(losses, rounds), TotalLoss(constraints, rounds, limit)
    best = anytime(losses, domain, [rounds])[-1]
    outside = _End(best.point, objective, constraint)
    lower = best.value.lower
    if outside.violation <= 0.0:
        return _comparator(rounds, outside, lower, objective)
    least = anytime(constraints, domain, [rounds])[-1]
    if least.value.lower - limit * rounds > constraint.rounding:
        return None
    inside = _End(least.point, objective, constraint)
    if inside.violation > 0.0:
        return Comparator(rounds, inside.point, Interval(lower, math.inf), Certificate.FRANK_WOLFE_GAP, False, "")
    found = inside
    for _ in range(STEPS):
        share = min(1.0, outside.violation / (outside.violation - inside.violation) + NUDGE)
        mixed = _End(outside.point + share * (inside.point - outside.point), objective, constraint)
        found = min((end for end in (found, inside, mixed) if end.violation <= 0.0), key=lambda end: end.loss)
        if found.loss - lower <= TOLERANCE * max(abs(found.loss), abs(lower)):
            break
        multiplier = (inside.loss - outside.loss) / (outside.violation - inside.violation)
        if multiplier <= 0.0:
            break
        problem = Lagrangian(objective, constraint, multiplier)
        solved = anytime([problem], domain, [1], tolerance=INNER_TOLERANCE, start=mixed.point)[0]
        lower = max(lower, solved.value.lower - objective.rounding - multiplier * constraint.rounding)
        end = _End(solved.point, objective, constraint)
        if end.violation <= 0.0:
            inside = end
        else:
            outside = end
    return _comparator(rounds, found, lower, objective)


def _comparator(rounds: int, found: _End, lower: float, objective: TotalLoss) -> Comparator:
    upper = found.loss + objective.rounding
    tight = upper - lower <= TOLERANCE * max(abs(upper), abs(lower)) + 2.0 * objective.rounding
    interval = Interval(min(lower, upper), upper)
    return Comparator(rounds, found.point, interval, Certificate.FRANK_WOLFE_GAP, tight)


def constrained_curve(
    losses: Losses, constraints: Losses, domain: Domain, rounds: list[int], limit: float = 0.0
) -> ComparatorCurve:
    """`best_constrained_point` for rounds 1..t, for every t in ``rounds``; NaN where no point keeps the constraint.

    Examples
    --------
    >>> import numpy as np, oco
    >>> from oco.comparators import constrained_curve
    >>> from oco.losses import Linear, RowBlock
    >>> up = RowBlock(Linear(), -np.ones((3, 1)), np.zeros(3))
    >>> itself = RowBlock(Linear(), np.ones((3, 1)), np.zeros(3))  # x <= 0.5
    >>> constrained_curve(up, itself, oco.Ball(radius=1.0, dimension=1), [1, 3], limit=0.5).upper.round(3)
    array([-0.5, -1.5])
    """
    nothing = Interval(math.nan, math.nan)
    found = []
    for count in rounds:
        best = best_constrained_point(losses, constraints, domain, count=count, limit=limit)
        if best is None:
            note = f"no point of the domain keeps the constraint in rounds 1..{count}"
            best = Comparator(count, domain.start, nothing, Certificate.NONE, False, note)
        found.append(best)
    known = not math.isnan(found[-1].value.upper)
    final = [TotalLoss(losses, count).value(found[-1].point) if known else math.nan for count in rounds]
    return ComparatorCurve(tuple(found), np.array(final))
