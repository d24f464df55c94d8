"""The two bounds of a comparator's interval, proved from a solver's result: a point, and duals.

No intermediate result of the solver is used. Margins and products with the rows are computed again, with an error
bound for each entry, so that a column with a large scale does not spoil the bound of one with a small scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from oco.comparators.certificate import FAR, held_back
from oco.comparators.everywhere import FINE, bound_everywhere
from oco.comparators.faces import Faces, faces_of
from oco.comparators.objective import Objective
from oco.domains._vectors import euclidean_norm
from oco.domains.base import Domain
from oco.regret.certificate import Certificate
from oco.regret.interval import Interval
from oco.types import Array

_UNIT = float(np.finfo(np.float64).eps)
_SUM = 64.0 * _UNIT
"""Relative error of a pairwise sum of a million terms that were each computed to a few units in the last place."""
_LEAST = 16.0 * float(np.finfo(np.float64).smallest_subnormal)
"""Allowance for underflow in a loss or a conjugate."""
_OUTSIDE = 128.0 * _UNIT
"""How far outside its domain rounding may leave a point, relative to its entries."""


def prove(
    objective: Objective, domain: Domain, point: Array, duals: Iterable[Array], allowed: float
) -> tuple[Interval, Certificate]:
    """An interval that holds ``min_x F(x)`` over the domain, and how its lower bound was proved.

    Parameters
    ----------
    objective, domain
        F and its feasible set.
    point
        Feasible, flat.
    duals
        Slopes of the losses' margins; each of them proves a lower bound. Taken one by one, while they are needed.
    allowed
        The width at which to stop trying further duals.
    """
    upper = upper_end(objective, domain, point)
    infimum = objective.link.infimum
    everywhere = objective.rows.count * infimum if infimum > -math.inf else -math.inf
    how = Certificate.NON_NEGATIVE if infimum > -math.inf else Certificate.NONE
    faces = None if domain.bounded else faces_of(domain)
    limited, within = -math.inf, math.inf
    tried: list[Array] = []
    for slopes in duals:
        tried.append(slopes)
        for fine in (False, True):
            bound, reach = lower_end(objective, domain, faces, point, slopes, fine)
            if math.isinf(reach) and bound > everywhere:
                everywhere, how = bound, Certificate.FENCHEL_DUAL
            elif math.isfinite(reach) and bound > limited:
                limited, within = bound, reach
            if upper - max(everywhere, limited) <= allowed or objective.rows.count * objective.rows.dimension > FINE:
                break
        if upper - everywhere <= allowed:
            break
    for slopes in tried:
        if faces is not None and upper - everywhere > allowed:
            bound = bound_everywhere(objective, faces, slopes)
            if bound > everywhere:
                everywhere, how = bound, Certificate.FENCHEL_DUAL
    if upper - everywhere > max(allowed, 10.0 * (upper - limited)) and limited > everywhere:
        return Interval(min(limited, upper), upper, within), Certificate.FENCHEL_DUAL
    return Interval(min(everywhere, upper), upper), how


def allowed_width(tolerance: float, upper: float, at_start: float, count: int) -> float:
    """The width that counts as tight, relative to the value or to a thousandth of the loss at the domain's start."""
    return tolerance * max(abs(upper), 1e-3 * abs(at_start)) + 4.0 * count * _LEAST


def upper_end(objective: Objective, domain: Domain, point: Array) -> float:
    """An upper bound on the loss of the domain's point nearest to ``point``; infinite where it is not known."""
    sizes = (objective.rows.dimension + 8.0) * _UNIT * np.abs(point) + _beside(domain, point)
    with np.errstate(over="ignore", invalid="ignore"):
        margins = objective.margins(point)
        errors = objective.margin_sizes(1.01 * sizes) + _UNIT * np.abs(margins)
        total, terms = objective.link.worst(margins, errors)
    exact = objective.link.linear and not np.any(point)
    found = total + _SUM * terms + (0.0 if exact else objective.rows.count * _LEAST)
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
    """A lower bound on F from slopes, and the radius within which it holds; ``-inf`` if they prove nothing.

    For any slopes alpha, ``F(x) >= -sum_i phi_i*(alpha_i) + <A' alpha, x>``.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        conjugates = objective.link.conjugate(slopes)
        total = float(conjugates.sum())
        if not math.isfinite(total):
            return -math.inf, math.inf
        pull, error = objective.pull(slopes, fine)
        terms = objective.link.conjugate_sizes(slopes, conjugates)
        terms += 0.0 if objective.link.linear else objective.rows.count * _LEAST / _SUM
        if domain.bounded:
            supported, off = _support(domain, pull, error)
            within = math.inf
        else:
            unit = min(1.0, math.sqrt(objective.rows.count) / max(objective.rows.length, 1e-300))
            reach = FAR * (unit + euclidean_norm(point))
            supported, off, missed = held_back(domain, faces, pull, error)
            within = math.inf if missed == 0.0 else reach
            off += 0.0 if missed == 0.0 else missed * reach
        bound = -total - supported - off - _SUM * (terms + abs(supported))
    return (bound, within) if math.isfinite(bound) else (-math.inf, math.inf)


def _support(domain: Domain, pull: Array, error: Array) -> tuple[float, float]:
    """``h_K(-pull)`` of a bounded domain, and a bound on its error."""
    if not (np.isfinite(pull).all() and np.isfinite(error).all()):
        return math.inf, 0.0
    radius, faces = domain.radius("l2"), faces_of(domain)
    of_pull = radius * euclidean_norm(error)
    if faces is not None and np.isfinite(faces.lower).all() and np.isfinite(faces.upper).all():
        of_pull = min(of_pull, float(error @ np.maximum(np.abs(faces.lower), np.abs(faces.upper))))
    of_support = (pull.size + 8.0) * _UNIT * radius * euclidean_norm(pull)
    return domain.support(-pull.reshape(domain.shape)), 1.01 * (of_pull + of_support)
