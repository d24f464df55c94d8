"""The regret interval of a game holds the regret that decimal arithmetic gives, at every checkpoint."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from exact_minimum import MultinomialSum, Region, ScalarSum, ball, box, everything, exact, l1_ball, minimum, simplex

import oco
from oco.domains import Ball, Box, Domain, FrobeniusBall, L1Ball, Simplex, Unbounded
from oco.losses import scalar_loss

D, T = 3, 24
CHECKPOINTS = [12, 17, T]
DOMAINS: dict[str, tuple[Domain, Region]] = {
    "ball": (Ball(0.7, dimension=D), ball(0.7, np.zeros(D))),
    "box": (Box(-0.3, 0.2, dimension=D), box(-0.3, 0.2, D)),
    "simplex": (Simplex(1.0, dimension=D), simplex(1.0, D)),
    "l1 ball": (L1Ball(0.8, dimension=D), l1_ball(0.8, D)),
    "unbounded": (Unbounded(D), everything(D)),
}
LOSSES = ["linear", "squared", "absolute", "hinge", "squared_hinge", "logistic", "quantile", "huber"]


class Watched(oco.Learner):
    """Projected gradient descent that keeps every point that it played."""

    def __init__(self) -> None:
        self.played: list[np.ndarray] = []

    def start(self, problem: oco.Problem) -> None:
        self.state = {"point": problem.domain.start}
        self._domain = problem.domain
        self.played.clear()

    def update(self, gradient: np.ndarray) -> None:
        self.played.append(self.state["point"])
        self.state = {"point": self._domain.project(self.state["point"] - 0.3 * gradient)}


def held(record: oco.Record, losses: list[Decimal], best: dict[int, tuple[Decimal, Decimal]]) -> None:
    """Every interval holds exact losses less the exact minimum."""
    curves = record.curves
    for t, lower, upper in zip(
        curves["round"].astype(int), curves["regret_lower"], curves["regret_upper"], strict=True
    ):
        total = sum(losses[:t], Decimal(0))
        assert Decimal(float(lower)) <= total - best[t][0]
        assert total - best[t][1] <= Decimal(float(upper))
        assert upper - lower <= 2e-4 * max(1.0, float(abs(total)), float(abs(best[t][1])))


@pytest.mark.parametrize("where", DOMAINS)
@pytest.mark.parametrize("name", LOSSES)
def test_the_regret_interval_holds_the_exact_regret(name: str, where: str) -> None:
    if name == "linear" and where == "unbounded":
        return  # regret is infinite there: test_linear_losses_on_the_whole_space_have_infinite_regret
    domain, region = DOMAINS[where]
    generator = np.random.default_rng(11)
    rows = generator.standard_normal((T, D))
    targets = rows @ generator.standard_normal(D) + 2.0 * generator.standard_normal(T)
    loss = scalar_loss(name)
    targets = np.sign(targets) if loss.binary else targets
    game = oco.environments.GeneralizedLinear(rows, targets, loss=loss, domain=domain)
    record = oco.play(game, Watched(), seed=5, checkpoints=CHECKPOINTS)
    block = game.fresh(5).block(0, T)
    shuffled: Any = block.rows
    total = ScalarSum(name, shuffled, block.targets, loss.parameter)
    losses = [one for t in range(T) for one in _one(total, t, record.player.played[t])]
    best = {
        t: minimum(ScalarSum(name, shuffled[:t], block.targets[:t], loss.parameter), region)[:2] for t in CHECKPOINTS
    }
    held(record, losses, best)


def _one(total: ScalarSum, t: int, point: np.ndarray) -> list[Decimal]:
    return [total._loss(total.rows[t] @ exact(point), total.targets[t])]


def test_multinomial_regret_holds_the_exact_regret() -> None:
    generator = np.random.default_rng(3)
    rows, labels = generator.standard_normal((T, 2)), generator.integers(0, 3, T)
    game = oco.environments.MultinomialRegression(rows, labels, domain=FrobeniusBall(0.8))
    record = oco.play(game, Watched(), seed=5, checkpoints=CHECKPOINTS)
    stream = game.fresh(5)
    shown = [stream.reveal(point) for point in record.player.played]
    order, classes = np.array([loss.row for loss in shown]), [loss.label for loss in shown]
    losses = [
        MultinomialSum(order[t : t + 1], classes[t : t + 1], 3).losses(exact(record.player.played[t].ravel()))[0]
        for t in range(T)
    ]
    region = ball(0.8, np.zeros(6))
    best = {t: minimum(MultinomialSum(order[:t], classes[:t], 3), region)[:2] for t in CHECKPOINTS}
    held(record, losses, best)


def test_linear_losses_on_the_whole_space_have_infinite_regret() -> None:
    rows = np.random.default_rng(0).standard_normal((20, D))
    game = oco.environments.LinearLosses(rows, domain=Unbounded(D))
    record = oco.play(game, oco.OGD(learning_rate=0.1))
    assert record.regret.upper == np.inf
    assert record.scalars["comparator_note"] is not None


def test_sums_that_cancel_are_allowed_for() -> None:
    """Losses of +-1e8 that sum to about one: what the sum may be off is in the interval."""
    signs = np.where(np.arange(4000) % 2 == 0, 1.0, -1.0)
    rows = (1e8 * signs + np.random.default_rng(0).standard_normal(4000))[:, None] * np.ones((1, 2))
    game = oco.environments.LinearLosses(rows, domain=Ball(1.0))
    record = oco.play(game, Watched(), seed=0, checkpoints=[4000])
    shuffled: Any = game.fresh(0).block(0, 4000).rows
    losses = [exact(row) @ exact(point) for row, point in zip(shuffled, record.player.played, strict=True)]
    pull = exact(shuffled).sum(axis=0)
    least = -(pull @ pull).sqrt()
    held(record, losses, {4000: (least - Decimal("1e-15"), least + Decimal("1e-15"))})
