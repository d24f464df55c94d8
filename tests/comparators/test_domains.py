"""Comparators over every domain: certificates hold, and agree with a conic solver."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from oco.comparators import best_fixed_point
from oco.domains import AffineSlice, Ball, BallBox, Box, Domain, HalfSpace, L1Ball, Simplex, Slab, Unbounded
from oco.losses import SCALAR_LOSSES, RowBlock, scalar_loss

D = 6
NORMAL = np.array([1.0, -2.0, 0.5, 0.0, 1.0, 3.0])
BOUNDED: dict[str, tuple[Domain, Any]] = {
    "ball": (Ball(0.7, dimension=D), lambda x: [cp.norm(x, 2) <= 0.7]),
    "ball off centre": (Ball(0.7, center=NORMAL), lambda x: [cp.norm(x - NORMAL, 2) <= 0.7]),
    "box": (Box(-0.3, 0.2, dimension=D), lambda x: [x >= -0.3, x <= 0.2]),
    "simplex": (Simplex(1.0, dimension=D), lambda x: [x >= 0.0, cp.sum(x) == 1.0]),
    "l1 ball": (L1Ball(0.8, dimension=D), lambda x: [cp.norm(x, 1) <= 0.8]),
    "ball and box": (
        BallBox(0.6, lower=-0.3, upper=0.4, dimension=D),
        lambda x: [cp.norm(x, 2) <= 0.6, x >= -0.3, x <= 0.4],
    ),
}
UNBOUNDED: dict[str, tuple[Domain, Any]] = {
    "unbounded": (Unbounded(D), lambda x: []),
    "half-space": (HalfSpace(NORMAL, -1.0), lambda x: [NORMAL @ x <= -1.0]),
    "slab": (Slab(NORMAL, 0.5), lambda x: [cp.abs(NORMAL @ x) <= 0.5]),
    "slice": (AffineSlice(NORMAL[None, :], [1.0]), lambda x: [NORMAL @ x == 1.0]),
    "orthant": (Box(0.0, np.inf, dimension=D), lambda x: [x >= 0.0]),
}
NAMES = sorted(set(SCALAR_LOSSES) - {"logarithmic"})


def rounds(name: str, count: int = 120) -> RowBlock:
    generator = np.random.default_rng(7)
    scalar = scalar_loss(name)
    rows = generator.standard_normal((count, D))
    targets = rows @ generator.standard_normal(D) + generator.standard_normal(count)
    return RowBlock(scalar, rows, np.where(targets > 0.0, 1.0, -1.0) if scalar.binary else targets)


def by_conic_solver(block: RowBlock, constraints: Any) -> float:
    x = cp.Variable(D)
    p, y = block.rows @ x, block.targets
    name = block.scalar.name
    value = {
        "linear": lambda: cp.sum(p),
        "squared": lambda: 0.5 * cp.sum_squares(p - y),
        "absolute": lambda: cp.norm(p - y, 1),
        "hinge": lambda: cp.sum(cp.pos(1.0 - cp.multiply(y, p))),
        "squared_hinge": lambda: cp.sum_squares(cp.pos(1.0 - cp.multiply(y, p))),
        "logistic": lambda: cp.sum(cp.logistic(-cp.multiply(y, p))),
        "quantile": lambda: 0.5 * cp.norm(p - y, 1),
        "huber": lambda: 0.5 * cp.sum(cp.huber(p - y, 1.0)),
        "logarithmic": lambda: -cp.sum(cp.log(p)),
    }[name]()
    problem = cp.Problem(cp.Minimize(value), constraints(x))
    return float(problem.solve(solver=cp.CLARABEL))


@pytest.mark.parametrize("where", BOUNDED)
@pytest.mark.parametrize("name", NAMES)
def test_bounded_domains(name: str, where: str) -> None:
    domain, constraints = BOUNDED[where]
    block = rounds(name)
    best = best_fixed_point(block, domain)
    assert best.tight
    assert domain.contains(best.point, 1e-12)
    expected = by_conic_solver(block, constraints)
    accuracy = 1e-5 * max(1.0, abs(expected))
    assert best.value.lower <= expected + accuracy
    assert best.value.upper >= expected - accuracy
    attained = block.scalar.values_and_derivatives(block.rows @ best.point, block.targets)[0].sum()
    assert attained <= best.value.upper


@pytest.mark.parametrize("where", UNBOUNDED)
@pytest.mark.parametrize("name", sorted(set(NAMES) - {"linear"}))
def test_unbounded_domains(name: str, where: str) -> None:
    domain, constraints = UNBOUNDED[where]
    block = rounds(name)
    best = best_fixed_point(block, domain)
    assert domain.contains(best.point, 1e-9)
    expected = by_conic_solver(block, constraints)
    accuracy = 1e-5 * max(1.0, abs(expected))
    assert best.value.lower <= expected + accuracy
    assert best.value.upper >= expected - accuracy
    assert best.tight


def test_portfolio_losses_on_the_simplex() -> None:
    generator = np.random.default_rng(0)
    relatives = np.exp(0.1 * generator.standard_normal((200, D)))
    block = RowBlock(scalar_loss("logarithmic"), relatives, np.zeros(200))
    best = best_fixed_point(block, Simplex(1.0, dimension=D))
    assert best.tight
    assert best.value.upper == pytest.approx(by_conic_solver(block, BOUNDED["simplex"][1]), rel=1e-5)
    assert best.value.lower <= best.value.upper


def test_linear_losses_that_an_unbounded_domain_holds_back() -> None:
    rows = np.abs(rounds("linear").rows)
    best = best_fixed_point(RowBlock(scalar_loss("linear"), rows, np.zeros(120)), Box(0.0, np.inf, dimension=D))
    assert best.value.upper == pytest.approx(0.0, abs=1e-9)
    assert best.value.lower == pytest.approx(0.0, abs=1e-7)
    assert best.note == ""
