"""Losses that a user wrote: known by value and derivative, on the domains of the library and on one of his own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from exact_minimum import exact
from hypothesis import given, settings
from hypothesis import strategies as st

import oco
from oco.comparators import best_fixed_point, certify
from oco.comparators.by_derivative import DerivativeLink, ProximalLink
from oco.comparators.monotone import bracket
from oco.domains import Ball, Box, Domain, Unbounded
from oco.losses import Loss, RowBlock, ScalarLoss, scalar_loss
from oco.types import Array


class LogCosh(ScalarLoss):
    """``log cosh(p - y)``; its conjugate is ``a y + ((1 + a) log(1 + a) + (1 - a) log(1 - a)) / 2``."""

    name = "log_cosh"

    def values_and_derivatives(self, margins: Array, targets: Array) -> tuple[Array, Array]:
        errors = margins - targets
        return np.logaddexp(errors, -errors) - np.log(2.0), np.tanh(errors)


class Poisson(ScalarLoss):
    """``e^p - y p``, which is not bounded below by zero."""

    name = "poisson"

    def values_and_derivatives(self, margins: Array, targets: Array) -> tuple[Array, Array]:
        with np.errstate(over="ignore"):
            rate = np.exp(margins)
        return rate - targets * margins, rate - targets


class Same(ScalarLoss):
    """A loss of the library without what the library knows about it."""

    name = "same"

    def __init__(self, known: ScalarLoss) -> None:
        object.__setattr__(self, "known", known)

    def values_and_derivatives(self, margins: Array, targets: Array) -> tuple[Array, Array]:
        return self.known.values_and_derivatives(margins, targets)  # type: ignore[attr-defined, no-any-return]


class Insensitive(ScalarLoss):
    """``max(|p - y| - 1/4, 0)``: two kinks."""

    name = "insensitive"

    def values_and_derivatives(self, margins: Array, targets: Array) -> tuple[Array, Array]:
        errors = margins - targets
        outside = np.abs(errors) > 0.25
        return np.where(outside, np.abs(errors) - 0.25, 0.0), np.where(outside, np.sign(errors), 0.0)


class Ellipsoid(Domain):
    """``sum_i (x_i / r_i)^2 <= 1``, with a projection by bisection."""

    name = "own_ellipsoid"

    def __init__(self, axes: Sequence[float]) -> None:
        self.axes = np.asarray(axes, dtype=np.float64)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.axes.shape

    @property
    def start(self) -> Array:
        return np.zeros(self.axes.size)

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        return bool(np.sum((point / self.axes) ** 2) <= 1.0 + tolerance)

    def project(self, point: Array) -> Array:
        if np.sum((point / self.axes) ** 2) <= 1.0:
            return point.copy()
        low, high = 0.0, float(np.linalg.norm(point) * self.axes.max())
        squares = self.axes**2
        while low < (middle := 0.5 * (low + high)) < high:
            if np.sum((point * self.axes / (squares + middle)) ** 2) > 1.0:
                low = middle
            else:
                high = middle
        projected: Array = point * squares / (squares + high)
        return projected

    def support(self, direction: Array) -> float:
        return float(np.linalg.norm(self.axes * direction))

    def maximizer(self, direction: Array) -> Array:
        length = self.support(direction)
        return self.axes**2 * direction / length if length else self.start

    def diameter(self, norm: str = "l2") -> float:
        return 2.0 * self.radius(norm)

    def radius(self, norm: str = "l2") -> float:
        return float(self.axes.max()) if norm != "l1" else float(np.linalg.norm(self.axes))


D = 3
DOMAINS: dict[str, Domain] = {
    "ball": Ball(0.8, dimension=D),
    "box": Box(-0.4, 0.5, dimension=D),
    "own ellipsoid": Ellipsoid([0.5, 1.0, 1.5]),
    "unbounded": Unbounded(D),
}
KNOWN = ["squared", "logistic", "huber", "squared_hinge", "absolute", "quantile", "hinge"]


def game(seed: int = 0, count: int = 60, labels: bool = False) -> tuple[Array, Array]:
    """Rows and targets of a regression with noise, or of a classification."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((count, D))
    targets = rows @ generator.standard_normal(D) + 0.5 * generator.standard_normal(count)
    return rows, np.where(targets > 0.0, 1.0, -1.0) if labels else targets


@pytest.mark.parametrize("where", DOMAINS)
@pytest.mark.parametrize("name", KNOWN)
def test_a_hidden_loss_has_the_minimum_of_the_known_one(name: str, where: str) -> None:
    """What is known of a loss changes how its comparator is found, not what it is."""
    known = scalar_loss(name)
    rows, targets = game(labels=known.binary)
    right = best_fixed_point(RowBlock(known, rows, targets), DOMAINS[where], tolerance=1e-7)
    found = best_fixed_point(RowBlock(Same(known), rows, targets), DOMAINS[where])
    assert found.tight
    assert found.value.lower <= right.value.upper
    assert right.value.lower <= found.value.upper
    assert found.gap <= 1e-4 * max(abs(found.value.upper), 1.0)


@pytest.mark.parametrize("where", DOMAINS)
@pytest.mark.parametrize("loss", [LogCosh(), Poisson(), Insensitive()], ids=lambda loss: loss.name)
def test_a_loss_of_ones_own_is_certified_on_every_domain(loss: ScalarLoss, where: str) -> None:
    """The interval holds: no point of 2,000 is below its lower end, and its upper end is the loss of its point."""
    rows, targets = game(1)
    targets = np.abs(np.round(targets)) if loss.name == "poisson" else targets
    domain = DOMAINS[where]
    found = best_fixed_point(RowBlock(loss, rows, targets), domain)
    assert found.tight
    generator = np.random.default_rng(2)
    for scale in (1e-3, 0.1, 1.0):
        for point in found.point + scale * generator.standard_normal((700, D)):
            inside = domain.project(point)
            assert loss.values_and_derivatives(rows @ inside, targets)[0].sum() >= found.value.lower
    at_point = loss.values_and_derivatives(rows @ found.point, targets)[0].sum()
    assert at_point == pytest.approx(found.value.upper, rel=1e-9)


def test_the_least_log_cosh_loss_to_30_digits() -> None:
    """For rows 1 and targets -1, -1, 2 the minimizer solves ``2 tanh(x + 1) = tanh(2 - x)``: bisection in decimals."""
    from decimal import Decimal, localcontext

    with localcontext(prec=40):

        def tanh(x: Decimal) -> Decimal:
            return ((2 * x).exp() - 1) / ((2 * x).exp() + 1)

        low, high = Decimal(-1), Decimal(2)
        for _ in range(120):
            middle = (low + high) / 2
            low, high = (middle, high) if 2 * tanh(middle + 1) < tanh(2 - middle) else (low, middle)
        least = sum(
            weight * ((error.exp() + (-error).exp()) / 2).ln() for weight, error in ((2, low + 1), (1, low - 2))
        )
        found = best_fixed_point(
            RowBlock(LogCosh(), np.ones((3, 1)), np.array([-1.0, -1.0, 2.0])), Unbounded(1), tolerance=1e-9
        )
        lower, upper = exact([found.value.lower, found.value.upper])
        assert lower <= least <= upper
        assert found.gap < 1e-8


@given(st.floats(-0.999, 0.999), st.floats(-5.0, 5.0))
@settings(max_examples=60, deadline=None)
def test_the_numerical_conjugate_is_an_upper_bound_and_close(slope: float, target: float) -> None:
    """The conjugate of log cosh has a closed form."""
    closed = slope * target + 0.5 * ((1 + slope) * np.log1p(slope) + (1 - slope) * np.log1p(-slope))
    found = float(DerivativeLink(LogCosh(), np.array([target])).conjugate(np.array([slope]))[0])
    assert found >= closed - 1e-15 * (1.0 + abs(closed))
    assert found <= closed + 1e-11 * (1.0 + abs(slope * target))


@pytest.mark.parametrize("slope", [-1.5, 1.0 + 1e-9, 7.0])
def test_a_slope_that_no_margin_has_proves_nothing(slope: float) -> None:
    """The conjugate of log cosh is infinite beyond -1 and 1."""
    assert DerivativeLink(LogCosh(), np.zeros(1)).conjugate(np.array([slope]))[0] == np.inf


@pytest.mark.parametrize("loss", [LogCosh(), Poisson(), Insensitive()], ids=lambda loss: loss.name)
def test_wrong_points_and_wrong_duals_stay_valid(loss: ScalarLoss) -> None:
    """A certificate of a wrong point, with a wrong dual, has a gap of at least the point's excess."""
    rows, targets = game(3)
    targets = np.abs(np.round(targets)) if loss.name == "poisson" else targets
    block, domain = RowBlock(loss, rows, targets), DOMAINS["ball"]
    least = best_fixed_point(block, domain, tolerance=1e-6).value
    generator = np.random.default_rng(4)
    for _ in range(20):
        point = domain.project(generator.standard_normal(D))
        dual = generator.uniform(-1.2, 1.2, targets.size)
        found = certify(block, domain, point, dual=dual)
        assert found.value.lower <= least.upper
        assert found.value.upper >= least.lower
        excess = loss.values_and_derivatives(rows @ point, targets)[0].sum() - least.upper
        assert found.gap >= excess * (1.0 - 1e-12)


def test_the_default_infimum_of_a_loss_is_no_fact_about_it() -> None:
    """``e^p - y p`` is negative for y = 3; a class that does not state its infimum proves nothing by it."""
    block = RowBlock(Poisson(), np.ones((1, 1)), np.array([3.0]))
    found = best_fixed_point(block, Ball(5.0, dimension=1))
    assert found.tight
    assert 3.0 - 3.0 * np.log(3.0) in found.value


@pytest.mark.parametrize("where", DOMAINS)
@pytest.mark.parametrize("batched", [False, True])
def test_losses_with_value_and_gradient_reach_the_minimum(where: str, batched: bool) -> None:
    """Objects that only have value and gradient, with and without `batch`, agree with rows of the same loss."""
    rows, targets = game(5)
    calls: list[int] = []
    kind = make_batched(calls) if batched else Alone
    losses = [kind(row, y) for row, y in zip(rows, targets, strict=True)]
    right = best_fixed_point(RowBlock(LogCosh(), rows, targets), DOMAINS[where], tolerance=1e-6)
    found = best_fixed_point(losses, DOMAINS[where])
    assert found.tight
    assert found.value.lower <= right.value.upper
    assert right.value.lower <= found.value.upper
    assert bool(calls) == batched


class Alone(Loss):
    """One loss that knows nothing of rows."""

    def __init__(self, row: Array, target: float) -> None:
        self.row, self.target = row, target

    def value(self, point: Array) -> float:
        return float(np.log(np.cosh(self.row @ point - self.target)))

    def gradient(self, point: Array) -> Array:
        gradient: Array = np.tanh(self.row @ point - self.target) * self.row
        return gradient


def make_batched(calls: list[int]) -> type[Alone]:
    """The loss with a `batch` that counts its calls and never asks a loss alone."""

    class Together(Alone):
        def value(self, point: Array) -> float:
            raise AssertionError("asked alone")

        @classmethod
        def batch(cls, losses: Sequence[Alone]) -> Callable[[Array], tuple[Array, Array]]:
            rows = np.array([loss.row for loss in losses])
            targets = np.array([loss.target for loss in losses])

            def evaluate(point: Array) -> tuple[Array, Array]:
                calls.append(len(losses))
                errors = rows @ point - targets
                return np.log(np.cosh(errors)), np.tanh(errors)[:, None] * rows

            return evaluate

    return Together


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_brackets_hold_what_is_sought(seed: int) -> None:
    """Increasing functions with jumps: the ends lie on both sides, and the area between them is lost in rounding."""
    generator = np.random.default_rng(seed)
    kinks = generator.normal(0.0, 3.0, 20)

    def heights(points: Array, rows: Any) -> tuple[Array, Array]:
        errors = points - kinks[rows]
        return np.abs(errors) + 0.5 * errors**2, np.sign(errors) + errors

    sought = generator.normal(0.0, 2.0, 20)
    found = bracket(heights, sought, np.zeros(20))
    assert np.all(found.at_low <= sought)
    assert np.all(sought <= found.at_high)
    added = [found.value_low, found.value_high, found.low * found.at_low, found.high * found.at_high]
    assert np.all((found.high - found.low) * (found.at_high - found.at_low) <= 1e-12 * np.abs(added).sum(axis=0))
    inside = np.sign(sought) * np.maximum(np.abs(sought) - 1.0, 0.0) + kinks  # the inverse of the heights
    assert np.all((found.low - 1e-6 <= inside) & (inside <= found.high + 1e-6))


def test_smoothed_losses_are_proximal() -> None:
    """Around multipliers zero the smoothed absolute loss is Huber's: ``p^2 / (2 w)`` up to |p| = w."""
    margins = np.linspace(-2.0, 2.0, 41)
    link = ProximalLink(DerivativeLink(Same(scalar_loss("absolute")), np.zeros(41)), 0.5, np.zeros(41))
    values, slopes = link.evaluate(margins)
    inside = np.abs(margins) <= 0.5
    right = np.where(inside, margins**2, np.abs(margins) - 0.25)
    np.testing.assert_allclose(values, right, atol=1e-7)
    np.testing.assert_allclose(slopes, np.clip(2.0 * margins, -1.0, 1.0), atol=1e-7)


def test_a_game_on_a_loss_and_a_domain_of_ones_own_has_a_certified_regret() -> None:
    """The documented log cosh, 500 rows, an ellipsoid: the case that took minutes."""
    rows, targets = game(6, 500)
    stream = oco.environments.GeneralizedLinear(rows, targets, loss=LogCosh(), domain=Ellipsoid([0.5, 1.0, 1.5]))
    record = oco.play(stream, oco.OGD(learning_rate=0.1))
    assert record.scalars["comparator_tight"]
    assert record.regret.width <= 2e-4 * record.curves["comparator_upper"][-1]


@pytest.mark.parametrize("kind", ["rows", "objects"])
def test_a_search_that_runs_out_of_time_has_an_honest_interval(kind: str) -> None:
    """No time at all: the interval is wide, and holds the minimum."""
    rows, targets = game(7)
    block, domain = RowBlock(LogCosh(), rows, targets), DOMAINS["ball"]
    losses = block if kind == "rows" else [Alone(row, y) for row, y in zip(rows, targets, strict=True)]
    least = best_fixed_point(block, domain, tolerance=1e-7)
    hurried = best_fixed_point(losses, domain, seconds=0.0)
    assert not hurried.tight
    assert hurried.gap > 100.0 * least.gap
    assert hurried.value.lower <= least.value.upper
    assert least.value.lower <= hurried.value.upper


def test_play_takes_a_tolerance_and_a_time() -> None:
    """A loose tolerance gives a wider interval than the default; no time gives one that is not tight."""
    rows, targets = game(8)
    stream = oco.environments.GeneralizedLinear(rows, targets, loss=LogCosh(), domain=Ball(1.0), order="file")
    usual = oco.play(stream, oco.OGD())
    loose = oco.play(stream, oco.OGD(), comparator_tolerance=0.1)
    hurried = oco.play(stream, oco.OGD(), comparator_time=0.0)
    assert usual.regret.width < loose.regret.width < hurried.regret.width
    assert not hurried.scalars["comparator_tight"]
    for record in (loose, hurried):
        assert record.regret.lower <= usual.regret.upper
        assert usual.regret.lower <= record.regret.upper


@pytest.mark.parametrize("name", ["tolerance", "seconds"])
@pytest.mark.parametrize("value", [-1.0, np.inf, np.nan])
def test_limits_of_a_search_are_finite(name: str, value: float) -> None:
    """One sentence with what was given."""
    rows, targets = game(9)
    with pytest.raises(oco.errors.ConfigError, match=f"{name} of a comparator must be a finite number of at least 0"):
        best_fixed_point(RowBlock(LogCosh(), rows, targets), Ball(1.0, dimension=D), **{name: value})
