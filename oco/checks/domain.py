"""Checks of a domain: projection, support function, diameter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from oco.checks.failure import Check, bind, require
from oco.domains.base import Domain
from oco.metrics import Dense, Diagonal, LowRankPlusScaledIdentity, Metric, ScaledIdentity
from oco.types import Array

_SAMPLES = 12


def check_domain(domain: Domain) -> None:
    """Run every check on ``domain``, whose shape must be known; raise `CheckFailed` at the first failure.

    Examples
    --------
    >>> import oco
    >>> check_domain(oco.Ball(radius=2.0, dimension=3))
    """
    for _, check in domain_checks(domain):
        check()


def domain_checks(domain: Domain) -> Iterator[tuple[str, Check]]:
    """Every check as ``(name, function)``."""
    yield from bind(DOMAIN_CHECKS, domain)


def check_start_is_inside(domain: Domain) -> None:
    """The starting point belongs to the domain, and is a fresh array each time."""
    require(domain.contains(domain.start), "the domain does not contain its own starting point")
    domain.start[...] = np.nan
    require(np.isfinite(domain.start).all(), "start hands out one shared array: return a copy")


def check_projection_lands_inside(domain: Domain) -> None:
    """Projections lie in the domain, and projecting again changes nothing."""
    for point in _outside(domain):
        projected = domain.project(point)
        require(domain.contains(projected, 1e-8), f"the projection of {_brief(point)} lies outside the domain")
        again = domain.project(projected)
        require(
            np.allclose(again, projected, rtol=1e-9, atol=1e-9),
            f"projecting the projection of {_brief(point)} again moves it: contains and project disagree on the set",
        )


def check_is_the_ball_that_it_says(domain: Domain) -> None:
    """If `as_ball` states a ball, the projection is the ball's, because learners then use the ball's closed forms."""
    ball = domain.as_ball()
    if ball is None:
        return
    center, radius = ball
    require(np.array_equal(center, domain.start), "as_ball has another center than the domain's start")
    for point in _outside(domain):
        offset = point - center
        length = float(np.linalg.norm(offset))
        nearest = point if length <= radius else center + offset * (radius / length)
        require(
            np.allclose(domain.project(point), nearest, rtol=1e-9, atol=1e-9),
            f"as_ball says a ball of radius {radius:g}, and the projection of {_brief(point)} is not the ball's: "
            "return None from as_ball",
        )


def check_projection_is_nearest(domain: Domain) -> None:
    """No point of the domain is nearer than the projection: ``<y - p, x - p> <= 0`` for every x in it."""
    inside = _inside(domain)
    for point in _outside(domain):
        _require_nearest(domain, inside, point, domain.project(point), ScaledIdentity(1.0), "the Euclidean norm")


def check_projection_in_metrics(domain: Domain) -> None:
    """Projections in a diagonal, a dense and a low-rank metric are nearest points too."""
    inside = _inside(domain)
    for name, metric in _metrics(domain).items():
        for point in _outside(domain):
            projected = domain.project_in(point, metric)
            require(domain.contains(projected, 1e-7), f"the projection in a {name} metric lies outside the domain")
            _require_nearest(domain, inside, point, projected, metric, f"a {name} metric")


def check_support_function(domain: Domain) -> None:
    """``support(g)`` is at least ``<g, x>`` on the domain, and `maximizer` attains it."""
    inside = _inside(domain)
    for direction in _directions(domain):
        support = domain.support(direction)
        best = max(float(np.vdot(direction, x)) for x in inside)
        scale = 1.0 + abs(support) if np.isfinite(support) else 1.0
        require(
            best <= support + 1e-8 * scale, f"support is {support:.6g} where a point of the domain reaches {best:.6g}"
        )
        if np.isfinite(support):
            attained = domain.maximizer(direction)
            require(domain.contains(attained, 1e-8), "maximizer returned a point outside the domain")
            require(
                abs(float(np.vdot(direction, attained)) - support) <= 1e-8 * scale,
                f"maximizer reaches {float(np.vdot(direction, attained)):.6g}, support says {support:.6g}",
            )


def check_diameter(domain: Domain) -> None:
    """No two points are further apart than the diameter."""
    if not domain.bounded:
        return
    inside = _inside(domain)
    norms: dict[str, Callable[[Array], float]] = {
        "l1": lambda x: np.abs(x).sum(),
        "l2": lambda x: np.sqrt((x * x).sum()),
        "linf": lambda x: np.abs(x).max(),
    }
    for name, norm in norms.items():
        largest = max(float(norm(x - y)) for x in inside for y in inside)
        diameter = domain.diameter(name)
        require(
            largest <= diameter * (1.0 + 1e-9) + 1e-12,
            f"two points of the domain are {largest:.6g} apart in {name}, the diameter is stated as {diameter:.6g}",
        )


DOMAIN_CHECKS: list[Callable[..., None]] = [
    check_start_is_inside,
    check_is_the_ball_that_it_says,
    check_projection_lands_inside,
    check_projection_is_nearest,
    check_projection_in_metrics,
    check_support_function,
    check_diameter,
]
"""All checks of a domain."""


def _directions(domain: Domain) -> list[Array]:
    generator = np.random.default_rng(3)
    return [generator.standard_normal(domain.shape) for _ in range(_SAMPLES)]


def _outside(domain: Domain) -> list[Array]:
    size = domain.diameter() if domain.bounded else 10.0
    return [domain.start + size * direction for direction in _directions(domain)]


def _inside(domain: Domain) -> list[Array]:
    points = [domain.start]
    for direction in _directions(domain):
        if np.isfinite(domain.support(direction)):
            points.append(domain.maximizer(direction))
        points.append(domain.project(domain.start + direction))
    return points


def _metrics(domain: Domain) -> dict[str, Metric]:
    d = domain.dimension
    generator = np.random.default_rng(4)
    basis = np.linalg.qr(generator.standard_normal((d, d)))[0]
    weights = np.geomspace(1.0, 100.0, d)
    rank = max(1, d // 2)
    return {
        "diagonal": Diagonal(weights),
        "dense": Dense(basis, weights),
        "low-rank": LowRankPlusScaledIdentity(np.ascontiguousarray(basis[:, :rank]), 2.0 + weights[:rank], 0.5),
    }


def _require_nearest(
    domain: Domain, inside: list[Array], point: Array, projected: Array, metric: Metric, norm: str
) -> None:
    pull = metric.apply((point - projected).ravel()).reshape(domain.shape)
    worst = max(float(np.vdot(pull, x - projected)) for x in inside)
    scale = float(np.linalg.norm(pull)) * max(float(np.linalg.norm(x - projected)) for x in inside) + 1e-300
    require(
        worst <= 1e-7 * scale,
        f"in {norm} a point of the domain is nearer to {_brief(point)} than its projection "
        f"(variational inequality violated by {worst:.3g})",
    )


def _brief(point: Array) -> str:
    return np.array2string(point.ravel()[:4], precision=3, separator=", ")
