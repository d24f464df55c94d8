"""Certificates against minima known to 15 digits: right points, wrong points, wrong duals; every loss and domain."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
from exact_minimum import (
    MultinomialSum,
    Region,
    ScalarSum,
    ball,
    box,
    everything,
    exact,
    hyperplane,
    l1_ball,
    minimum,
    polyhedron,
    simplex,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from opaque_loss import Opaque

from oco.comparators import Comparator, anytime, best_fixed_point, best_fixed_point_of, certify
from oco.domains import (
    AffineSlice,
    Ball,
    BallBox,
    Box,
    Domain,
    FrobeniusBall,
    HalfSpace,
    L1Ball,
    Simplex,
    SpectralBall,
    Unbounded,
)
from oco.errors import DomainError
from oco.losses import MultinomialBlock, MultinomialLogistic, RowBlock, RowLoss, scalar_loss
from oco.losses.base import Loss

D, T = 3, 24
SIZES = st.just(0.0) | st.floats(1e-9, 5.0)
PREFIXES = [12, 17, T]
NORMAL = np.array([1.0, -2.0, 0.5])
DOMAINS: dict[str, tuple[Domain, Region]] = {
    "ball": (Ball(0.7, dimension=D), ball(0.7, np.zeros(D))),
    "ball off centre": (Ball(0.7, center=NORMAL), ball(0.7, NORMAL)),
    "large ball": (Ball(9.0, dimension=D), ball(9.0, np.zeros(D))),
    "box": (Box(-0.3, 0.2, dimension=D), box(-0.3, 0.2, D)),
    "simplex": (Simplex(1.0, dimension=D), simplex(1.0, D)),
    "l1 ball": (L1Ball(0.8, dimension=D), l1_ball(0.8, D)),
    "ball and box": (BallBox(0.45, lower=-0.3, upper=0.4, dimension=D), box(-0.3, 0.4, D, within=0.45)),
    "orthant": (Box(0.0, np.inf, dimension=D), box(0.0, np.inf, D)),
    "half-space": (HalfSpace(NORMAL, -1.0), polyhedron(NORMAL[None], [-1.0], -0.5 * NORMAL)),
    "slice": (AffineSlice(NORMAL[None], [1.0]), hyperplane(NORMAL, 1.0)),
    "unbounded": (Unbounded(D), everything(D)),
}
LOSSES = ["linear", "squared", "absolute", "hinge", "squared_hinge", "logistic", "quantile", "huber"]
KINKED = ["absolute", "hinge", "quantile"]
CASES = [
    (name, where)
    for name in LOSSES
    for where in DOMAINS
    if name != "linear" or DOMAINS[where][0].bounded  # elsewhere they are unbounded below
]
CLASSES = 3
MATRICES: dict[str, tuple[Domain, Region]] = {
    "frobenius ball": (FrobeniusBall(0.8, shape=(CLASSES, 2)), ball(0.8, np.zeros(2 * CLASSES))),
    "box": (Box(-0.2, 0.3).with_shape((CLASSES, 2)), box(-0.2, 0.3, 2 * CLASSES)),
}


@cache
def rounds(name: str) -> RowBlock:
    generator = np.random.default_rng(11)
    scalar = scalar_loss(name, tau=0.8) if name == "quantile" else scalar_loss(name)
    rows = generator.standard_normal((T, D))
    targets = rows @ generator.standard_normal(D) + 2.0 * generator.standard_normal(T)
    return RowBlock(scalar, rows, np.sign(targets) if scalar.binary else targets)


def total(name: str, count: int = T) -> ScalarSum:
    block = rounds(name)
    rows: Any = block.rows
    return ScalarSum(name, rows[:count], block.targets[:count], block.scalar.parameter)


@cache
def best(name: str, where: str, count: int = T) -> tuple[Decimal, Decimal]:
    return minimum(total(name, count), DOMAINS[where][1])[:2]


@cache
def multinomial() -> tuple[MultinomialBlock, MultinomialSum]:
    generator = np.random.default_rng(3)
    rows, labels = generator.standard_normal((T, 2)), generator.integers(0, CLASSES, T)
    return MultinomialBlock(rows, labels, CLASSES), MultinomialSum(rows, labels, CLASSES)


@cache
def best_multinomial(where: str) -> tuple[Decimal, Decimal]:
    return minimum(multinomial()[1], MATRICES[where][1])[:2]


def holds(found: Comparator, ends: tuple[Decimal, Decimal]) -> bool:
    """Whether the certified interval holds the minimum, which is known to lie between ``ends``."""
    return Decimal(found.value.lower) <= ends[1] and ends[0] <= Decimal(found.value.upper)


def honest(found: Comparator, reached: Decimal, ends: tuple[Decimal, Decimal]) -> bool:
    """Whether the gap is at least what the point loses to the best one."""
    return Decimal(found.value.upper) - Decimal(found.value.lower) >= reached - ends[1] and (
        holds(found, ends) and Decimal(found.value.upper) >= reached
    )


def feasible(domain: Domain, seed: int, size: float) -> np.ndarray:
    return domain.project(size * np.random.default_rng(seed).standard_normal(domain.shape))


@pytest.mark.parametrize(("name", "where"), CASES)
def test_the_interval_holds_the_minimum(name: str, where: str) -> None:
    domain = DOMAINS[where][0]
    for tolerance in (None, 1e-9):
        found = best_fixed_point(rounds(name), domain, tolerance=tolerance)
        assert holds(found, best(name, where))
        assert found.tight or (tolerance is not None and name in KINKED)
        assert found.note == ""


@pytest.mark.parametrize("where", ["ball", "box", "simplex", "l1 ball", "unbounded"])
@pytest.mark.parametrize("name", LOSSES)
def test_intervals_hold_the_minimum_at_every_checkpoint(name: str, where: str) -> None:
    if (name, where) not in CASES:
        curve = anytime(rounds(name), Unbounded(D), PREFIXES)
        assert np.all(curve.lower == -np.inf)
        return
    curve = anytime(rounds(name), DOMAINS[where][0], PREFIXES)
    for found in curve:
        assert holds(found, best(name, where, found.rounds))
    # What the last point loses along the way is known exactly too.
    losses = np.array(total(name).losses(exact(curve.point)))
    for value, count in zip(curve.final, PREFIXES, strict=True):
        assert abs(Decimal(float(value)) - losses[:count].sum()) <= Decimal("1e-12") * (1 + abs(losses).sum())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 10_000), SIZES)
def test_a_wrong_point_has_a_gap_of_at_least_what_it_loses(case: tuple[str, str], seed: int, size: float) -> None:
    name, where = case
    domain = DOMAINS[where][0]
    point = feasible(domain, seed, size)
    found = certify(rounds(name), domain, point)
    reached = sum(total(name).losses(exact(found.point)), Decimal(0))
    assert honest(found, reached, best(name, where))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 10_000), SIZES, st.booleans())
def test_a_wrong_dual_proves_nothing_false(case: tuple[str, str], seed: int, size: float, in_range: bool) -> None:
    name, where = case
    domain, block = DOMAINS[where][0], rounds(name)
    low, high = block.scalar.dual_range(block.targets)
    dual = size * np.random.default_rng(seed).standard_normal(T)
    dual = np.clip(dual, low, high) if in_range else dual
    point = feasible(domain, seed + 1, 1.0)
    found = certify(block, domain, point, dual=dual)
    reached = sum(total(name).losses(exact(found.point)), Decimal(0))
    assert honest(found, reached, best(name, where))
    assert found.value.lower >= certify(block, domain, point).value.lower


def opaque(block: RowBlock | MultinomialBlock) -> list[Loss]:
    rows: Any = block.rows
    if isinstance(block, MultinomialBlock):
        return [Opaque(MultinomialLogistic(row, int(y), CLASSES)) for row, y in zip(rows, block.labels, strict=True)]
    return [Opaque(RowLoss(block.scalar, row, y)) for row, y in zip(rows, block.targets, strict=True)]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 10_000), SIZES)
def test_the_cut_of_a_wrong_point_is_honest(case: tuple[str, str], seed: int, size: float) -> None:
    name, where = case
    domain = DOMAINS[where][0]
    found = certify(opaque(rounds(name)), domain, feasible(domain, seed, size))
    reached = sum(total(name).losses(exact(found.point)), Decimal(0))
    assert found.certificate in ("Frank-Wolfe gap", "none")
    assert honest(found, reached, best(name, where))


@pytest.mark.parametrize("where", ["ball", "box", "simplex", "l1 ball", "ball and box"])
@pytest.mark.parametrize("name", LOSSES)
def test_the_bundle_holds_the_minimum(name: str, where: str) -> None:
    found = best_fixed_point_of(opaque(rounds(name)), DOMAINS[where][0])
    assert holds(found, best(name, where))
    assert found.tight


@pytest.mark.parametrize("where", MATRICES)
def test_multinomial_intervals_hold_the_minimum(where: str) -> None:
    block, _ = multinomial()
    for tolerance in (None, 1e-9):
        found = best_fixed_point(block, MATRICES[where][0], tolerance=tolerance)
        assert holds(found, best_multinomial(where))
        assert found.tight
    assert holds(best_fixed_point_of(opaque(block), MATRICES[where][0]), best_multinomial(where))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(MATRICES)), st.integers(0, 10_000), SIZES, st.booleans())
def test_a_wrong_matrix_or_dual_of_multinomial_losses_is_honest(
    where: str, seed: int, size: float, shares: bool
) -> None:
    block, sums = multinomial()
    domain, generator = MATRICES[where][0], np.random.default_rng(seed)
    point = feasible(domain, seed, size)
    dual = generator.dirichlet(np.ones(CLASSES), T) if shares else generator.standard_normal((T, CLASSES))
    dual[np.arange(T), block.labels] -= 1.0
    reached = sum(sums.losses(exact(domain.project(point).ravel())), Decimal(0))
    for found in (certify(block, domain, point), certify(block, domain, point, dual=dual)):
        assert honest(found, reached, best_multinomial(where))
    assert honest(certify(opaque(block), domain, point), reached, best_multinomial(where))


@pytest.mark.parametrize("where", [where for where in DOMAINS if where != "unbounded"])
def test_a_point_outside_the_domain_is_refused(where: str) -> None:
    domain = DOMAINS[where][0]
    inside = domain.start
    outside = next(y for y in (inside + 9.0, inside - 9.0, inside + NORMAL) if not domain.contains(y))
    for losses in (rounds("squared"), opaque(rounds("squared"))):
        certify(losses, domain, inside)
        with pytest.raises(DomainError, match="must lie in its domain"):
            certify(losses, domain, outside)


def test_a_matrix_outside_the_spectral_ball_is_refused() -> None:
    block, _ = multinomial()
    domain = SpectralBall(1.0, shape=(CLASSES, 2))
    assert certify(block, domain, np.zeros((CLASSES, 2))).gap >= best_fixed_point(block, domain).gap
    with pytest.raises(DomainError, match="must lie in its domain"):
        certify(block, domain, np.ones((CLASSES, 2)))
