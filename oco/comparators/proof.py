"""The two ends of a comparator's interval, each proved from what a solver leaves behind: a point, and duals.

Nothing that a solver computed on its way is taken over. Margins and products with the rows are formed again, and what
they may be off is bounded entry by entry, so that columns of very different scales do not spoil each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from oco.comparators.certificate import FAR, bounded_part
from oco.comparators.everywhere import FINE, bound_everywhere
from oco.comparators.faces import Faces, faces_of
from oco.comparators.objective import Objective
from oco.domains._vectors import euclidean_norm
from oco.domains.base import Domain
from oco.regret.interval import Interval
from oco.types import Array

_UNIT = float(np.finfo(np.float64).eps)
_SUM = 64.0 * _UNIT
"""Relative error of a pairwise sum of a million terms that were each computed to a few units in the last place."""
_LEAST = 16.0 * float(np.finfo(np.float64).smallest_subnormal)
"""What a loss or a conjugate may lose to underflow."""
_OUTSIDE = 128.0 * _UNIT
"""How far outside of its domain rounding may leave a point, relative to its entries."""


def prove(
    objective: Objective, domain: Domain, point: Array, duals: Sequence[Array], allowed: float
) -> tuple[Interval, str]:
    """An interval that holds ``min_x F(x)`` over the domain, and how its lower end was proved.

    Parameters
    ----------
    objective, domain
        F, and where x must lie.
    point
        Feasible, flat.
    duals
        Slopes of the losses' margins, each of which proves a lower end.
    allowed
        The width that is good enough.
    """
    upper = upper_end(objective, domain, point)
    infimum = objective.link.infimum
    everywhere = objective.rows.count * infimum if infimum > -math.inf else -math.inf
    how = "losses are non-negative" if infimum > -math.inf else "none"
    faces = None if domain.bounded else faces_of(domain)
    limited, within, chosen = -math.inf, math.inf, None
    for slopes in duals:
        for fine in (False, True):
            bound, reach = lower_end(objective, domain, faces, point, slopes, fine)
            if math.isinf(reach) and bound > everywhere:
                everywhere, how = bound, "Fenchel dual"
            elif math.isfinite(reach) and bound > limited:
                limited, within, chosen = bound, reach, slopes
            if upper - max(everywhere, limited) <= allowed or objective.rows.count * objective.rows.dimension > FINE:
                break
    if chosen is not None and faces is not None and upper - everywhere > allowed:
        bound = bound_everywhere(objective, faces, chosen)
        if bound > everywhere:
            everywhere, how = bound, "Fenchel dual"
    if upper - everywhere > max(allowed, 10.0 * (upper - limited)) and limited > everywhere:
        return Interval(min(limited, upper), upper, within), "Fenchel dual"
    return Interval(min(everywhere, upper), upper), how


def upper_end(objective: Objective, domain: Domain, point: Array) -> float:
    """At least what the point of the domain that is nearest to ``point`` loses; infinite where that is not known."""
    sizes = (objective.rows.dimension + 8.0) * _UNIT * np.abs(point) + _beside(domain, point)
    with np.errstate(over="ignore", invalid="ignore"):
        margins = objective.margins(point)
        errors = objective.margin_sizes(1.01 * sizes) + _UNIT * np.abs(margins)
        total, terms = objective.link.worst(margins, errors)
    found = total + _SUM * terms + objective.rows.count * _LEAST
    return found if math.isfinite(found) else math.inf


def _beside(domain: Domain, point: Array) -> Array:
    """How far, in each coordinate, ``point`` may be from the domain."""
    faces = None if domain.bounded else faces_of(domain)
    if faces is None:
        return _OUTSIDE * (np.abs(point) + np.abs(domain.start.ravel()))
    if not faces.rows.size:
        return np.zeros_like(point)
    fine = np.longdouble
    heights = faces.rows.astype(fine) @ point.astype(fine)
    outside = np.maximum(np.maximum(faces.low - heights, heights - faces.high), 0.0).astype(np.float64)
    outside += 4.0 * _UNIT * np.abs(faces.rows) @ np.abs(point)
    back: Array = np.abs(np.linalg.pinv(faces.rows, rcond=1e-12)) @ outside
    return 1.01 * back


def lower_end(
    objective: Objective, domain: Domain, faces: Faces | None, point: Array, slopes: Array, fine: bool
) -> tuple[float, float]:
    """A lower bound on F from slopes, and the radius within which it holds; ``-inf`` where they prove nothing.

    For any slopes alpha, ``F(x) >= -sum_i phi_i*(alpha_i) + <A' alpha, x>``.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        conjugates = objective.link.conjugate(slopes)
        total = float(conjugates.sum())
        if not math.isfinite(total):
            return -math.inf, math.inf
        pull, error = objective.pull(slopes, fine)
        terms = objective.link.conjugate_sizes(slopes, conjugates) + objective.rows.count * _LEAST / _SUM
        if domain.bounded:
            supported, off = _support(domain, pull, error)
            within = math.inf
        else:
            unit = min(1.0, math.sqrt(objective.rows.count) / max(objective.rows.length, 1e-300))
            reach = FAR * (unit + euclidean_norm(point))
            supported, off, missed = _held(domain, faces, pull, error)
            within = math.inf if missed == 0.0 else reach
            off += 0.0 if missed == 0.0 else missed * reach
        bound = -total - supported - off - _SUM * (terms + abs(supported))
    return (bound, within) if math.isfinite(bound) else (-math.inf, math.inf)


def _support(domain: Domain, pull: Array, error: Array) -> tuple[float, float]:
    """``h_K(-pull)`` of a bounded domain, and what it may be off."""
    if not (np.isfinite(pull).all() and np.isfinite(error).all()):
        return math.inf, 0.0
    radius, faces = domain.radius("l2"), faces_of(domain)
    of_pull = radius * euclidean_norm(error)
    if faces is not None and np.isfinite(faces.lower).all() and np.isfinite(faces.upper).all():
        of_pull = min(of_pull, float(error @ np.maximum(np.abs(faces.lower), np.abs(faces.upper))))
    of_support = (pull.size + 8.0) * _UNIT * radius * euclidean_norm(pull)
    return domain.support(-pull.reshape(domain.shape)), 1.01 * (of_pull + of_support)


def _held(domain: Domain, faces: Faces | None, pull: Array, error: Array) -> tuple[float, float, float]:
    """The support of the part of ``-pull`` along which an unbounded domain ends, what it may be off, and the rest."""
    if not (np.isfinite(pull).all() and np.isfinite(error).all()):
        return math.inf, 0.0, 0.0
    if faces is None:
        direction = -pull.reshape(domain.shape)
        ends = bounded_part(domain, direction)
        rest = euclidean_norm(direction - ends) + euclidean_norm(error) + 1e-9 * euclidean_norm(ends)
        return domain.support(ends), 0.0, 1.01 * rest
    rest, off = -pull, error
    total = terms = 0.0
    if faces.rows.size:
        multipliers = np.linalg.lstsq(faces.rows.T, -pull, rcond=None)[0]
        open_side = np.where(multipliers > 0.0, np.isinf(faces.high), np.isinf(faces.low))
        multipliers = np.where(open_side, 0.0, multipliers)
        ends = multipliers * np.where(multipliers > 0.0, faces.high, faces.low)
        ends = np.where(multipliers == 0.0, 0.0, ends)
        total, terms = float(ends.sum()), float(np.abs(ends).sum())
        sizes = np.abs(faces.rows).T @ np.abs(multipliers) + np.abs(pull)
        rest, off = rest - faces.rows.T @ multipliers, off + (multipliers.size + 4) * _UNIT * sizes
    lower, upper = np.isfinite(faces.lower), np.isfinite(faces.upper)
    held = (lower & upper) | ((rest > 0.0) & upper) | ((rest < 0.0) & lower)
    sure = (lower & upper) | (held & (np.abs(rest) > off))
    ends = np.where(rest > 0.0, faces.upper, faces.lower)
    parts = np.where(held & (rest != 0.0), rest * np.where(np.isfinite(ends), ends, 0.0), 0.0)
    sizes = np.maximum(np.where(lower, np.abs(faces.lower), 0.0), np.where(upper, np.abs(faces.upper), 0.0))
    total, terms = total + float(parts.sum()), terms + float(np.abs(parts).sum())
    missed = euclidean_norm(np.where(held, 0.0, np.abs(rest)) + np.where(sure, 0.0, off))
    return total, 1.01 * float((off * np.where(held, sizes, 0.0)).sum()) + _SUM * terms, 1.01 * missed
