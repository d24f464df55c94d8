"""The optimality residual of a projection, from the variational inequality."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from oco.domains._vectors import euclidean_norm
from oco.errors import DomainError
from oco.metrics import Metric, as_metric
from oco.types import Array

if TYPE_CHECKING:
    from oco.domains.base import Domain

TOLERANCE = 1e-10
"""Largest `projection_residual` that any projection of this package may have."""

FEASIBLE = 1e-13
"""How far outside the domain, relative to its size, an iteration may end; a point further out is projected."""

ROUNDING = 1e-4
"""Rounding allowance as a share of the tolerance: ``ROUNDING * TOLERANCE`` is some tens of units in the last place."""


def projection_residual(domain: Domain, point: Array, projected: Array, metric: Metric) -> float:
    r"""Certify that ``projected`` is the projection of ``point`` on ``domain`` in the norm of ``metric``.

    The x in the domain closest to y is the one with ``<H(y - x), z - x> <= 0`` for every z in the domain. The residual
    is the largest value of the left side, found through the support function, divided by

    .. math:: |y - x|_H (|y - x|_H + |x|_H) + 10^{-4} \lambda_{\max}(H) (|y|_2 + |x|_2) D,

    where D is the l2 diameter and the second term allows for rounding. If x lies outside, the residual is at least its
    Euclidean distance to the domain, divided by ``|x|_2 + |y|_2`` or by D plus the norm of its Euclidean projection,
    whichever is less. The numerator is at least half the squared H-distance to the true projection. On an unbounded
    domain z is kept within ``D = |y|_2 + |x|_2`` of x, and the numerator is an upper bound.

    Parameters
    ----------
    domain
        Any domain.
    point, projected
        y and x, of the domain's shape.
    metric
        The norm. If H is singular, x may be any of the minimizers: only the inequality is checked.

    Returns
    -------
    float
        The residual: dimensionless, unchanged when H or the space is rescaled, and below 1e-10 for projections here.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import Ball, ScaledIdentity, projection_residual
    >>> ball, point, metric = Ball(1.0, dimension=2), np.array([3.0, 4.0]), ScaledIdentity(1.0)
    >>> projection_residual(ball, point, np.array([0.6, 0.8]), metric)
    0.0
    >>> projection_residual(ball, point, np.array([0.8, 0.6]), metric) > 0.01
    True
    """
    metric = as_metric(metric, domain.shape)
    size = euclidean_norm(projected) + euclidean_norm(point)
    largest = metric.largest
    if size == 0.0:
        return 0.0
    inside = domain.project(projected)
    outside = euclidean_norm(projected - inside) / min(size, domain.diameter("l2") + euclidean_norm(inside))
    if largest == 0.0:
        return outside
    # Units in which H and the points are of size one, so that nothing overflows.
    place, difference = projected / size, (point - projected) / size
    both = metric.apply(np.stack([difference.ravel(), place.ravel()], axis=1)) / largest  # H is read once
    normal, image = (product.reshape(place.shape) for product in both.T)
    own = float(np.vdot(normal, place))
    diameter = domain.diameter("l2")
    if diameter < np.inf:
        reach = diameter / size
        gap = domain.support(normal) / size - own
    else:
        reach = 1.0
        gap = _gap_nearby(domain, inside, normal, size)
    distance = np.sqrt(max(float(np.vdot(normal, difference)), 0.0))
    length = np.sqrt(max(float(np.vdot(place, image)), 0.0))
    scale = distance * (distance + length) + ROUNDING * reach
    return float(max(max(gap, 0.0) / scale if scale > 0.0 else 0.0, outside))


def _gap_nearby(domain: Domain, inside: Array, normal: Array, size: float) -> float:
    """A bound on ``<normal, z - x> / size`` over the z of the domain within ``size`` of x.

    With p the Euclidean projection of ``x + size normal``, the rest ``x + size normal - p`` is normal to the domain at
    p exactly, hence ``<normal, z - x> <= <normal - (p - x) / size, p - x> + |p - x| |z - x| / size``.
    """
    moved = (domain.project(inside + size * normal) - inside) / size
    return float(np.vdot(normal - moved, moved)) + euclidean_norm(moved)


NEARER = (1e12, 1e8, 1e4)
"""Distances, in diameters of the domain, to which a point is moved if its own projection cannot be certified."""


def remembered_residual(domain: Domain, metric: Metric) -> Callable[[Array, Array], float]:
    """`projection_residual` of a point and its projection, computed once if asked again for the same two arrays."""
    latest: tuple[Array | None, Array | None, float] = None, None, np.nan

    def residual(point: Array, projected: Array) -> float:
        nonlocal latest
        if latest[0] is not point or latest[1] is not projected:
            latest = point, projected, projection_residual(domain, point, projected, metric)
        return latest[2]

    return residual


def first_certified(
    domain: Domain,
    point: Array,
    metric: Metric,
    solve: Callable[[Array], Array],
    residual_of: Callable[[Array, Array], float] | None = None,
) -> Array:
    """``solve(point)``, moved onto the domain if rounding left it outside; `DomainError` if it cannot be certified.

    A point that is many diameters away loses most digits of its projection to rounding. In that case points on the way
    to the domain are tried, whose projections differ by less than this rounding, and last the point of the domain that
    lies farthest in the direction ``H y``. Each candidate is certified as the projection of ``point`` itself, with the
    `remembered_residual` that ``solve`` has used, where it has.
    """
    residual_of, least = residual_of or remembered_residual(domain, metric), np.inf
    for candidate in _candidates(domain, point, metric, solve):
        if not np.isfinite(candidate).all():
            continue
        inside = candidate if domain.contains(candidate, FEASIBLE) else domain.project(candidate)
        residual = residual_of(point, inside)
        if residual <= TOLERANCE and domain.contains(inside):
            return inside
        least = min(least, residual)
    raise DomainError(
        f"The projection on {type(domain).__name__} in a {type(metric).__name__} metric reached an optimality "
        f"residual of {least:.1e}, above {TOLERANCE:.0e}",
        least,
    )


def _candidates(domain: Domain, point: Array, metric: Metric, solve: Callable[[Array], Array]) -> Iterator[Array]:
    diameter, start = domain.diameter("l2"), domain.start
    distance = euclidean_norm(point - start)
    nearer = [
        start + (reach * diameter / distance) * (point - start) for reach in NEARER if reach * diameter < distance
    ]
    with np.errstate(all="ignore"):  # candidates that are not finite are skipped
        for target in (point, *nearer):
            try:
                yield solve(target)
            except (ArithmeticError, ValueError):  # np.linalg.LinAlgError is a ValueError
                continue
        if NEARER[0] * diameter < distance:
            yield domain.maximizer(metric.apply((point - start) / distance))
