"""The best sequences of points of a bounded path: certified intervals against closed forms, an oracle, wrong duals."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from opaque_loss import Opaque

import oco
from oco.comparators import best_fixed_point, best_paths, best_switching, certify
from oco.comparators.paths import budgets as search
from oco.comparators.paths.batches import Minorants, RowBatch
from oco.comparators.paths.certificates import loss_of, lower_line
from oco.comparators.paths.measures import MEASURES
from oco.comparators.paths.region import Rows
from oco.domains import Ball, Box, HalfSpace, L1Ball, Simplex, Unbounded
from oco.errors import ConfigError
from oco.losses import Absolute, Hinge, Linear, Logistic, RowBlock, RowLoss, Squared

pytestmark = pytest.mark.filterwarnings("ignore:Solution may be inaccurate:UserWarning")

LOSSES = (Squared(), Absolute(), Logistic(), Hinge(), Linear())


def game(seed: int) -> tuple[RowBlock, Any]:
    """A few rounds whose best point moves, on a domain of each kind."""
    generator = np.random.default_rng(seed)
    count, dimension = int(generator.integers(3, 9)), int(generator.integers(2, 4))
    rows = generator.standard_normal((count, dimension))
    scalar = LOSSES[seed % len(LOSSES)]
    targets = np.sign(generator.standard_normal(count)) if scalar.binary else generator.standard_normal(count)
    domains = (
        Ball(1.0, dimension=dimension),
        Box(-0.7, 0.5, dimension=dimension),
        L1Ball(1.2, dimension=dimension),
        Simplex(dimension=dimension),
    )
    return RowBlock(scalar, rows, targets), domains[(seed // len(LOSSES)) % len(domains)]


def by_cvxpy(block: RowBlock, domain: Any, budget: float, measure: str = "length") -> float:
    """The least loss, from a conic solver."""
    cp = pytest.importorskip("cvxpy")
    count, dimension = block.rows.shape
    path = cp.Variable((count, dimension))
    margins = cp.sum(cp.multiply(block.rows, path), axis=1)
    terms = {
        "squared": lambda: 0.5 * cp.sum_squares(margins - block.targets),
        "absolute": lambda: cp.norm1(margins - block.targets),
        "logistic": lambda: cp.sum(cp.logistic(-cp.multiply(block.targets, margins))),
        "hinge": lambda: cp.sum(cp.pos(1.0 - cp.multiply(block.targets, margins))),
        "linear": lambda: cp.sum(margins),
    }
    steps = path[1:] - path[:-1]
    norm = cp.sum(cp.norm(steps, axis=1)) if measure == "length" else cp.norm(steps, "fro")
    inside = {
        "ball": lambda: [cp.norm(path, axis=1) <= 1.0],
        "box": lambda: [path >= -0.7, path <= 0.5],
        "l1_ball": lambda: [cp.norm1(path[i]) <= 1.2 for i in range(count)],
        "simplex": lambda: [path >= 0.0, cp.sum(path, axis=1) == 1.0],
    }[domain.name]()
    problem = cp.Problem(cp.Minimize(terms[block.scalar.name]()), [*inside, norm <= MEASURES[measure].radius(budget)])
    return float(problem.solve(solver=cp.CLARABEL))


def compare(seed: int, measure: str) -> None:
    block, domain = game(seed)
    budgets = [0.0, 0.3, 1.0, 3.0, 1e3]
    curve = best_paths(block, domain, budgets, measure=measure)
    for one in curve:
        exact = by_cvxpy(block, domain, one.budget, measure)
        slack = 1e-6 * (1.0 + abs(exact))
        assert one.value.lower - slack <= exact <= one.value.upper + slack, (seed, one.budget)
        assert one.value.width <= 0.02 * (1.0 + abs(exact)), (seed, one.budget)
        steps = np.diff(one.points, axis=0)
        assert MEASURES[measure].norm(steps) <= MEASURES[measure].radius(one.budget) * (1.0 + 1e-9)
        assert all(domain.contains(point) for point in one.points)


@pytest.mark.parametrize("seed", range(20))
def test_intervals_hold_what_a_conic_solver_finds(seed: int) -> None:
    compare(seed, "length" if seed % 4 else "squares")


@pytest.mark.slow
def test_intervals_hold_what_a_conic_solver_finds_in_many_games() -> None:
    for seed in range(20, 220):
        compare(seed, "length" if seed % 4 else "squares")


def test_two_levels_in_closed_form() -> None:
    """Rounds at 0, 0, 2, 2: with a path P the sequence stays (2 - P) / 2 away from each."""
    rounds = RowBlock(Squared(), np.ones((4, 1)), np.array([0.0, 0.0, 2.0, 2.0]))
    budgets = np.array([0.0, 0.25, 1.0, 1.5, 2.0, 9.0])
    curve = best_paths(rounds, Ball(3.0, dimension=1), budgets, tolerance=1e-5)
    exact = 0.5 * np.maximum(2.0 - budgets, 0.0) ** 2
    assert (curve.lower <= exact + 1e-12).all()
    assert (exact <= curve.upper + 1e-12).all()
    assert curve.upper == pytest.approx(exact, abs=1e-4)
    assert curve.tight


@pytest.mark.parametrize("loss", ["squared", "absolute", "logistic"])
def test_from_the_static_regret_to_the_sum_of_minima(loss: str) -> None:
    environment = oco.environments.DriftingRegression(
        3, 60, motion={"kind": "switches", "period": 15}, loss=loss, noise=0.2
    )
    budgets = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 1e4, np.inf]
    record = oco.play(environment, oco.OGD(0.3), path_budgets=budgets)
    regret = record.path_regret
    assert regret[0].regret == record.regret
    stream = environment.fresh(0)
    least = sum(best_fixed_point(stream.block(t, t + 1), stream.domain).value.middle for t in range(60))
    for one in regret[-2:]:
        assert one.regret.lower - 1e-3 <= record.cumulative_loss - least <= one.regret.upper + 1e-3
        assert one.regret.width <= 1e-3 * record.cumulative_loss
    for end in ("lower", "upper"):
        values = np.array([getattr(one.regret, end) for one in regret[:-1]])
        slopes = np.diff(values) / np.diff(budgets[:-1])
        assert (slopes >= -1e-9).all()
        first = 1 if end == "upper" else 0  # at 0 the upper end of regret is that of the best fixed point
        assert (np.diff(slopes[first:]) <= 1e-9).all()
    assert np.isfinite([one.regret.upper for one in regret]).all()


def test_a_game_that_stops_early_is_compared_on_its_own_rounds() -> None:
    environment = oco.environments.DriftingRegression(2, 40, motion={"kind": "switches", "period": 10}, noise=0.3)
    record = oco.play(environment, oco.OGD(0.3), path_budgets=[0.0, np.inf], until=15)
    stream = environment.fresh(0)
    least = sum(best_fixed_point(stream.block(t, t + 1), stream.domain).value.middle for t in range(15))
    assert record.path_regret[0].regret == record.regret
    assert record.path_regret[1].regret.middle == pytest.approx(record.cumulative_loss - least, abs=1e-3)


def random_path(domain: Any, count: int, generator: np.random.Generator) -> np.ndarray:
    """A feasible sequence with steps of all sizes."""
    steps = generator.standard_normal((count, domain.dimension)) * generator.choice([0.0, 0.1, 2.0], (count, 1))
    return Rows(domain).project(np.cumsum(steps, axis=0))


@pytest.mark.parametrize("measure", MEASURES)
def test_any_dual_is_below_the_loss_of_any_sequence(measure: str) -> None:
    """Wrong slopes, wrong potentials and wrong points prove less, and never anything false."""
    finite = 0
    for seed in range(200):
        block, domain = game(seed)
        generator = np.random.default_rng([seed, 1])
        batch, rows, kind = RowBatch(block), Rows(domain), MEASURES[measure]
        low, high = block.scalar.dual_range(block.targets)
        slopes = np.clip(generator.standard_normal(len(block)), np.maximum(low, -3.0), np.minimum(high, 3.0))
        minorants = batch.minorants(slopes, np.zeros(len(block)))
        size = generator.choice([0.0, 0.3, 10.0])
        potentials = size * generator.standard_normal((len(block) - 1, domain.dimension))
        line = lower_line(minorants, potentials, rows, kind, domain.radius("l2"))
        finite += np.isfinite(line.height)
        for _ in range(5):
            path = random_path(domain, len(block), generator)
            loss = sum(
                block.scalar.at(float(row @ point), target)[0]
                for row, point, target in zip(block.rows, path, block.targets, strict=True)
            )
            assert line.height - line.slope * kind.norm(np.diff(path, axis=0)) <= loss + 1e-12 * abs(loss)
            assert loss_of(batch, path, rows) >= loss
    assert finite >= 100
    broken = Minorants(np.full_like(minorants.gradients, np.nan), minorants.offsets, minorants.sizes)
    assert lower_line(broken, potentials, rows, kind, 1.0).height == -np.inf


def test_a_wrong_fixed_point_widens_the_interval_at_zero_and_breaks_none() -> None:
    block, domain = game(0)
    wrong = certify(block, domain, np.full(domain.dimension, 0.5))
    right = best_paths(block, domain, [0.0, 1.0])
    curve = best_paths(block, domain, [0.0, 1.0], fixed=wrong)
    for one, other in zip(curve, right, strict=True):
        assert one.value.lower <= other.value.upper
        assert other.value.lower <= one.value.upper
    assert curve[0].value.width > right[0].value.width


def test_stopping_early_makes_wide_intervals_that_still_hold() -> None:
    block, domain = game(1)
    good = best_paths(block, domain, [0.5, 2.0], tolerance=1e-5, iterations=3000)
    hasty = best_paths(block, domain, [0.5, 2.0], iterations=1)
    for one, other in zip(hasty, good, strict=True):
        assert one.value.lower <= other.value.upper
        assert other.value.lower <= one.value.upper
    assert not hasty.tight


def test_rounds_that_share_a_point_while_searching_still_bound_all_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    game = oco.environments.DriftingRegression(2, 60, motion={"kind": "switches", "period": 20}, noise=0.2).fresh(0)
    losses = game.block(0, 60)
    fine = best_paths(losses, game.domain, [0.5, 2.0, 6.0])
    monkeypatch.setattr(search, "MOST_BLOCKS", 20)
    coarse = best_paths(losses, game.domain, [0.5, 2.0, 6.0])
    for one, other in zip(coarse, fine, strict=True):
        assert one.value.lower <= other.value.upper
        assert other.value.lower <= one.value.upper
        assert one.points.shape == (60, 2)
        assert (one.points[::3] == one.points[2::3]).all()


@pytest.mark.parametrize("domain", [Unbounded(dimension=2), HalfSpace(np.ones(2), 0.2)])
def test_unbounded_domains_say_within_which_radius_they_hold(domain: Any) -> None:
    generator = np.random.default_rng(0)
    block = RowBlock(Squared(), generator.standard_normal((20, 2)), generator.standard_normal(20))
    curve = best_paths(block, domain, [0.0, 1.0, 5.0])
    assert np.isfinite(curve.within[1:]).all()
    wide = best_paths(block, Ball(20.0, dimension=2), [0.0, 1.0, 5.0])
    if isinstance(domain, Unbounded):
        for one, other in zip(curve, wide, strict=True):
            assert one.value.lower <= other.value.upper
            assert other.value.lower <= one.value.upper
            assert one.value.width <= 5e-3 * one.value.upper


def test_losses_known_by_value_and_gradient_only() -> None:
    block, domain = game(0)
    opaque = [Opaque(RowLoss(block.scalar, row, target)) for row, target in zip(block.rows, block.targets, strict=True)]
    rows, others = best_paths(block, domain, [0.5, 2.0]), best_paths(opaque, domain, [0.5, 2.0])
    for one, other in zip(rows, others, strict=True):
        assert one.value.lower <= other.value.upper
        assert other.value.lower <= one.value.upper
        assert other.value.width <= 0.02 * (1.0 + abs(other.value.upper))


def by_brute_force(values: Any, count: int, switches: int) -> float:
    """Every way to cut the rounds into at most ``switches + 1`` pieces."""
    best = np.inf
    for number in range(switches + 1):
        for cuts in itertools.combinations(range(1, count), number):
            ends = [0, *cuts, count]
            best = min(best, sum(values(first, last) for first, last in itertools.pairwise(ends)))
    return best


@pytest.mark.parametrize("seed", [0, 2, 4, 6])
def test_switches_by_dynamic_programming_are_those_of_brute_force(seed: int) -> None:
    block, domain = game(seed)
    count = len(block)

    def least(first: int, last: int) -> float:
        part = RowBlock(block.scalar, block.rows[first:last], block.targets[first:last])
        return best_fixed_point(part, domain).value.middle

    curve = best_switching(block, domain, [0, 1, 2, count])
    for one in curve:
        exact = by_brute_force(least, count, min(int(one.budget), count - 1))
        assert one.value.lower - 1e-3 <= exact <= one.value.upper + 1e-3
        assert np.any(np.diff(one.points, axis=0), axis=1).sum() <= one.budget
        total = sum(
            block.scalar.at(float(row @ point), target)[0]
            for row, point, target in zip(block.rows, one.points, block.targets, strict=True)
        )
        assert total <= one.value.upper + 1e-9


def test_one_round_and_bad_requests() -> None:
    block = RowBlock(Squared(), np.ones((1, 2)), np.ones(1))
    domain = Ball(1.0, dimension=2)
    assert best_paths(block, domain, [0.0, 2.0]).upper == pytest.approx(0.0, abs=1e-9)
    for budgets in ([], [1.0, 1.0], [2.0, 1.0], [-1.0], [np.nan], ["a"], 3.0):
        with pytest.raises(
            ConfigError, match="^budgets for paths must be numbers of at least 0 that rise, got [^\n]*$"
        ):
            best_paths(block, domain, budgets)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="^measure must be one of length, squares, got 'steps'$"):
        best_paths(block, domain, [1.0], measure="steps")
    for switches in ([], [1, 0], [-1], [0.5]):
        with pytest.raises(ConfigError, match="^switches must be integers of at least 0 that rise"):
            best_switching(block, domain, switches)  # type: ignore[arg-type]
    large = RowBlock(Squared(), np.broadcast_to(np.zeros(3000), (2000, 3000)), np.zeros(2000))
    with pytest.raises(
        ConfigError, match="^budgets for paths take T x d up to 4,000,000, got 2,000 rounds in dimension"
    ):
        best_paths(large, Ball(1.0, dimension=3000), [1.0])
