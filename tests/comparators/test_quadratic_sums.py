"""The closed form of sums of quadratic losses, and its certificate, against minima known to 15 digits."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import numpy as np
import pytest
from exact_minimum import QuadraticSum as Exactly
from exact_minimum import Region, ball, box, exact, l1_ball, minimum, simplex
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.comparators.solvers.quadratic_sums import QuadraticSum, quadratic_curve, solvable
from oco.domains import Ball, Box, Domain, FrobeniusBall, L1Ball, Simplex
from oco.losses.quadratic_terms import MatrixResidual, TiltedQuadratic

D, T = 3, 30
PREFIXES = np.array([1, 7, T])
TILTED: dict[str, tuple[Domain, Region]] = {
    "small ball": (Ball(0.2, dimension=D), ball(0.2, np.zeros(D))),
    "large ball": (Ball(5.0, dimension=D), ball(5.0, np.zeros(D))),
    "box": (Box(-0.1, 0.3, dimension=D), box(-0.1, 0.3, D)),
    "simplex": (Simplex(1.0, dimension=D), simplex(1.0, D)),
    "l1 ball": (L1Ball(0.3, dimension=D), l1_ball(0.3, D)),
}
MATRICES: dict[str, tuple[Domain, Region]] = {
    "small frobenius ball": (FrobeniusBall(0.5, shape=(2, D)), ball(0.5, np.zeros(2 * D))),
    "large frobenius ball": (FrobeniusBall(9.0, shape=(2, D)), ball(9.0, np.zeros(2 * D))),
}
PLACES = TILTED | MATRICES


@cache
def losses(where: str) -> list[TiltedQuadratic | MatrixResidual]:
    generator = np.random.default_rng(5)
    if where in TILTED:
        centers = generator.standard_normal((T, D))
        return [TiltedQuadratic(0.7, center, generator.standard_normal(D)) for center in centers]
    return [MatrixResidual(generator.standard_normal(D), generator.standard_normal(2)) for _ in range(T)]


@cache
def exactly(where: str, count: int) -> Exactly:
    chosen = losses(where)[:count]
    features, targets, slopes = [], [], []
    for loss in chosen:
        if isinstance(loss, TiltedQuadratic):
            # 0.7 / 2 |x - c|^2 = |x - c|^2 / 2 scaled; the scale is put into the sum below.
            features.append(np.eye(D))
            targets.append(loss.center)
            slopes.append(loss.slope)
        else:
            features.append(np.kron(np.eye(2), loss.features))
            targets.append(loss.targets)
            slopes.append(np.zeros(2 * D))
    found = Exactly(features, targets, slopes)
    if where in TILTED:
        found.slopes = found.slopes / Decimal(0.7)
    return found


def scale(where: str) -> Decimal:
    return Decimal(0.7) if where in TILTED else Decimal(1)


@cache
def best(where: str, count: int) -> tuple[Decimal, Decimal]:
    lower, upper, _ = minimum(exactly(where, count), PLACES[where][1])
    return lower * scale(where), upper * scale(where)


@pytest.mark.parametrize("where", PLACES)
def test_the_closed_form_holds_the_minimum_at_every_checkpoint(where: str) -> None:
    domain = PLACES[where][0]
    assert solvable(list(losses(where)), domain)
    curve = quadratic_curve(losses(where), domain, PREFIXES)
    assert curve.tight
    for found in curve:
        lower, upper = best(where, found.rounds)
        assert Decimal(found.value.lower) <= upper
        assert lower <= Decimal(found.value.upper)
        assert found.gap <= 1e-9 * max(1.0, abs(found.value.upper))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(PLACES)), st.integers(0, 10_000), st.just(0.0) | st.floats(1e-9, 5.0))
def test_a_wrong_point_has_a_gap_of_at_least_what_it_loses(where: str, seed: int, size: float) -> None:
    domain, total = PLACES[where][0], QuadraticSum()
    for loss in losses(where):
        total.add(loss)
    point = domain.project(size * np.random.default_rng(seed).standard_normal(domain.shape))
    found, (lower, upper) = total.certify(point, domain), best(where, T)
    reached = sum(exactly(where, T).losses(exact(point.ravel())), Decimal(0)) * scale(where)
    assert Decimal(found.lower) <= upper
    assert Decimal(found.upper) >= reached >= lower
    assert Decimal(found.upper) - Decimal(found.lower) >= reached - upper
