"""Every check of domains, environments, losses and sketches passes an honest thing and refuses a planted bug.

The same for learners is in test_planted_bugs.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oco
from oco.checks import CheckFailed
from oco.checks.domain import DOMAIN_CHECKS
from oco.checks.environment import ENVIRONMENT_CHECKS
from oco.checks.loss import LOSS_CHECKS
from oco.checks.sketch import SKETCH_CHECKS
from oco.domains import Ball
from oco.environments import DriftingQuadratic, LinearLosses, LogisticRegression, SpectrumLinear, SpectrumQuadratic
from oco.losses import RowBlock
from oco.types import Array

Planted = tuple[Callable[[], Any], Callable[[], Any], str]
"""An honest thing, the same with a bug, and the sentence that names it."""


class OneStart(Ball):
    """Hands out one array as its start."""

    @property
    def start(self) -> Array:
        if not hasattr(self, "kept"):
            self.kept = super().start
        return self.kept


class HalfBall(Ball):
    """Projects on the part of a ball where the first coordinate is not positive, and still says that it is a ball."""

    def project(self, point: Array) -> Array:
        shortened = super().project(point)
        shortened[0] = min(shortened[0], 0.0)
        return shortened

    def as_ball(self) -> tuple[Array, float]:
        return self.start, self.radius()


class Elsewhere(Ball):
    """Projects on the ball around the origin."""

    def project(self, point: Array) -> Array:
        return Ball(radius=self.radius()).with_shape(self.shape).project(point)


class TowardsTheCenter(Ball):
    """Sends everything that is outside to the center."""

    def project(self, point: Array) -> Array:
        return point if self.contains(point) else self.start

    def as_ball(self) -> None:
        return None


class Radial(Ball):
    """Projects in every metric as in the Euclidean one."""

    def project_in(self, point: Array, metric: object) -> Array:
        return self.project(point)


class SupportOfHalf(Ball):
    def support(self, direction: Array) -> float:
        return 0.5 * super().support(direction)


class DiameterIsRadius(Ball):
    def diameter(self, norm: str = "l2") -> float:
        return 0.5 * super().diameter(norm)


def ball(kind: type[Ball] = Ball) -> Callable[[], Ball]:
    return lambda: kind(radius=1.0, center=np.array([3.0, 0.5, -1.0]))


DOMAINS: dict[str, Planted] = {
    "check_start_is_inside": (ball(), ball(OneStart), "start hands out one shared array"),
    "check_is_the_ball_that_it_says": (
        lambda: Ball(radius=1.0, dimension=3),
        lambda: HalfBall(radius=1.0, dimension=3),
        "as_ball says a ball of radius 1, and the projection",
    ),
    "check_projection_lands_inside": (ball(), ball(Elsewhere), "lies outside the domain"),
    "check_projection_is_nearest": (ball(), ball(TowardsTheCenter), "in the Euclidean norm a point .* is nearer to"),
    "check_projection_in_metrics": (ball(), ball(Radial), "in a diagonal metric a point of the domain is nearer to"),
    "check_support_function": (ball(), ball(SupportOfHalf), "where a point of the domain reaches"),
    "check_diameter": (ball(), ball(DiameterIsRadius), "apart in l1, the diameter is stated as"),
}


class Square:
    """``|x - center|^2 / 2``, honest."""

    def __init__(self, center: Array) -> None:
        self.center = center

    def value(self, point: Array) -> float:
        return 0.5 * float((point - self.center) @ (point - self.center))

    def gradient(self, point: Array) -> Array:
        return point - self.center


class WritesIntoThePoint(Square):
    def value(self, point: Array) -> float:
        point -= self.center
        return 0.5 * float(point @ point)


class HalfAGradient(Square):
    def gradient(self, point: Array) -> Array:
        return 0.5 * super().gradient(point)


class Hill(Square):
    def value(self, point: Array) -> float:
        return -super().value(point)

    def gradient(self, point: Array) -> Array:
        return -super().gradient(point)


def square(kind: type[Square] = Square) -> Callable[[], Square]:
    return lambda: kind(np.array([0.3, -0.2, 0.1]))


LOSSES: dict[str, Planted] = {
    "check_gradient_shape": (square(), square(WritesIntoThePoint), "changed the point that it was given"),
    "check_gradient_by_differences": (square(), square(HalfAGradient), "differences of the value give"),
    "check_midpoint_convexity": (square(), square(Hill), "above the chord"),
    "check_subgradient": (square(), square(HalfAGradient), r"lies below the tangent .*a wrong sign or factor"),
}


class Svd:
    """Frequent Directions by an SVD every round; ``escaped_mass`` is all that was subtracted."""

    def __init__(self, dimension: int, rank: int) -> None:
        self.rank, self.rows, self.escaped_mass = rank, np.zeros((0, dimension)), 0.0

    def update(self, vector: Array) -> None:
        _, values, directions = np.linalg.svd(np.vstack([self.rows, vector]), full_matrices=False)
        self.shrink(values**2, directions)

    def shrink(self, squares: Array, directions: Array) -> None:
        cut = float(squares[self.rank]) if squares.size > self.rank else 0.0
        self.rows = np.sqrt(np.maximum(squares[: self.rank] - cut, 0.0))[:, None] * directions[: self.rank]
        self.escaped_mass += cut

    def covariance(self) -> Array:
        return self.rows.T @ self.rows


class Late(Svd):
    """Takes in every vector one round late."""

    pending: Array | None = None

    def update(self, vector: Array) -> None:
        late, self.pending = self.pending, vector
        if late is not None:
            super().update(late)


class Truncates(Svd):
    """Drops the last direction and counts nothing."""

    def shrink(self, squares: Array, directions: Array) -> None:
        self.rows = np.sqrt(squares[: self.rank])[:, None] * directions[: self.rank]


class OneMore(Svd):
    """Keeps one direction more than it was asked for."""

    def __init__(self, dimension: int, rank: int) -> None:
        super().__init__(dimension, rank + 1)


class CountsTwice(Svd):
    def shrink(self, squares: Array, directions: Array) -> None:
        super().shrink(squares, directions)
        self.escaped_mass += float(squares[self.rank]) if squares.size > self.rank else 0.0


SKETCHES: dict[str, Planted] = {
    "check_exact_while_it_fits": (lambda: Svd, lambda: Late, "vectors in a buffer are left out"),
    "check_sandwich": (lambda: Svd, lambda: Truncates, "more than the escaped mass 0: what was subtracted"),
    "check_rank": (lambda: Svd, lambda: OneMore, "a sketch of rank 3 holds 4 directions"),
    "check_trace_identity": (lambda: Svd, lambda: CountsTwice, "the trace fell by .* 4 times the escaped mass is"),
}


class Stranger:
    """The smallest environment that plays."""

    horizon = 50
    loss: type[Square] = Square

    def __init__(self) -> None:
        self.domain = oco.Ball(radius=1.0, dimension=3)
        self.restart(0)

    def restart(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def reveal(self, point: Array) -> Square:
        return self.loss(0.1 * self.generator.standard_normal(3))


class WithoutRounds(Stranger):
    horizon = 0


class SharesAGenerator(Stranger):
    shared = np.random.default_rng(0)

    def restart(self, seed: int) -> None:
        self.generator = self.shared

    def fresh(self, seed: int) -> Stranger:
        return type(self)()


class RestartsNothing(Stranger):
    def restart(self, seed: int) -> None:
        if not hasattr(self, "generator"):
            super().restart(seed)

    def fresh(self, seed: int) -> Stranger:
        stream = type(self)()
        stream.generator = np.random.default_rng(seed)
        return stream


class Hills(Stranger):
    loss = Hill


ROWS = np.random.default_rng(0).standard_normal((60, 3))
CLASSES = np.where(ROWS[:, 0] > 0.0, 1.0, -1.0)


class LowBound(LogisticRegression):
    @property
    def gradient_bound(self) -> float:
        return 0.9


class TooStrong(SpectrumQuadratic):
    @property
    def strong_convexity(self) -> float:
        return 2.0 * self.curvature


class LinearIsNotExpConcave(LinearLosses):
    @property
    def exp_concavity(self) -> float:
        return 0.1


class SinglePrecision(LinearLosses):
    def block(self, start: int, stop: int) -> RowBlock:
        block = super().block(start, stop)
        return RowBlock(block.scalar, block.rows.astype(np.float32), block.targets)


class BlockMovesTheRound(LinearLosses):
    def block(self, start: int, stop: int) -> RowBlock:
        if stop - start > 1:
            self._next += 1
        return super().block(start, stop)


class AnyRound(Stranger):
    """Has its losses ready, in any order."""

    def restart(self, seed: int) -> None:
        self.centers = 0.1 * np.random.default_rng(seed).standard_normal((self.horizon, 3))
        self.round = 0

    def reveal(self, point: Array) -> Square:
        self.round += 1
        return Square(self.centers[self.round - 1])

    def loss_at(self, round_index: int) -> Square:
        return Square(self.centers[round_index])


class OneRoundOff(AnyRound):
    def loss_at(self, round_index: int) -> Square:
        return super().loss_at((round_index + 1) % self.horizon)


class Unsquared(SpectrumLinear):
    @property
    def gradient_eigenvalues(self) -> Array:
        return self.scales


class PathTooShort(DriftingQuadratic):
    @property
    def path_length(self) -> float:
        return 0.5 * super().path_length


def linear(kind: type[LinearLosses] = LinearLosses) -> Callable[[], LinearLosses]:
    return lambda: kind(ROWS, domain=oco.Ball(radius=1.0))


def logistic(kind: type[LogisticRegression] = LogisticRegression) -> Callable[[], LogisticRegression]:
    return lambda: kind(ROWS, CLASSES, domain=oco.Ball(radius=1.0))


def drifting(kind: type[DriftingQuadratic] = DriftingQuadratic) -> Callable[[], DriftingQuadratic]:
    return lambda: kind(3, 600, motion={"name": "switches", "period": 100})


ENVIRONMENTS: dict[str, Planted] = {
    "check_protocol": (Stranger, WithoutRounds, "horizon must be a whole number of rounds, at least 1, got 0"),
    "check_block_form": (linear(), linear(SinglePrecision), "rows that are neither C-contiguous float64"),
    "check_same_seed_same_stream": (Stranger, SharesAGenerator, "two streams of seed 5 differ in round 1"),
    "check_restart": (Stranger, RestartsNothing, r"after restart\(9\) in mid-stream"),
    "check_losses": (Stranger, Hills, "round 1: .*above the chord"),
    "check_gradient_bound": (logistic(), logistic(LowBound), "and gradient_bound is 0.9"),
    "check_strong_convexity": (
        lambda: SpectrumQuadratic(3, 50),
        lambda: TooStrong(3, 50),
        "not strongly convex with strong_convexity = 2",
    ),
    "check_exp_concavity": (logistic(), linear(LinearIsNotExpConcave), "not concave with exp_concavity = 0.1"),
    "check_blocks": (linear(), linear(BlockMovesTheRound), "reveal and block disagree on the loss"),
    "check_any_round": (AnyRound, OneRoundOff, r"loss_at\(7\) is not the loss that round 8 reveals"),
    "check_spectrum": (
        lambda: SpectrumLinear(4, 5000, exponent=2.0),
        lambda: Unsquared(4, 5000, exponent=2.0),
        "departs from the stated spectrum",
    ),
    "check_comparators": (drifting(), drifting(PathTooShort), "path_length is stated as"),
}

POINTS = np.random.default_rng(1).standard_normal((10, 3))

CASES: list[tuple[list[Callable[..., None]], dict[str, Planted], tuple[Any, ...]]] = [
    (DOMAIN_CHECKS, DOMAINS, ()),
    (ENVIRONMENT_CHECKS, ENVIRONMENTS, ()),
    (LOSS_CHECKS, LOSSES, (POINTS,)),
    (SKETCH_CHECKS, SKETCHES, ()),
]
KINDS = ["domains", "environments", "losses", "sketches"]


@pytest.mark.parametrize(("checks", "planted", "more"), CASES, ids=KINDS)
def test_every_check_has_a_planted_bug_and_none_is_left_over(checks: Any, planted: Any, more: Any) -> None:
    assert [check.__name__ for check in checks] == list(planted)


@pytest.mark.parametrize(
    ("check", "planted", "more"),
    [pytest.param(check, planted, more, id=check.__name__) for checks, planted, more in CASES for check in checks],
)
def test_it_refuses_the_planted_bug_and_passes_the_honest_thing(check: Any, planted: Any, more: Any) -> None:
    honest, faulty, sentence = planted[check.__name__]
    check(honest(), *more)
    with pytest.raises(CheckFailed, match=sentence):
        check(faulty(), *more)


def test_every_check_that_is_written_is_run() -> None:
    """A function ``check_...`` of a module that no list names would never be called."""
    import importlib
    import pkgutil

    import oco.checks
    from oco.checks.learner import LEARNER_CHECKS

    listed = {check for checks in (LEARNER_CHECKS, *(checks for checks, _, _ in CASES)) for check in checks}
    doors = {"check_learner", "check_domain", "check_environment", "check_loss", "check_sketch", "check_answer"}
    for found in pkgutil.iter_modules(oco.checks.__path__):
        module = importlib.import_module(f"oco.checks.{found.name}")
        written = {name: thing for name, thing in vars(module).items() if name.startswith("check_")}
        assert {name for name, thing in written.items() if thing not in listed} <= doors, found.name
