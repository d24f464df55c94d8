"""Environments with one planted fault each: `check_environment` names every one of them."""

import numpy as np
import pytest

import oco
from oco.checks import CheckFailed, check_environment
from oco.environments import (
    DriftingQuadratic,
    DriftingRegression,
    LinearLosses,
    LogisticRegression,
    SpectrumLinear,
    SpectrumQuadratic,
)
from oco.losses import RowBlock

ROWS = np.random.default_rng(0).standard_normal((60, 3))
CLASSES = np.where(ROWS[:, 0] > 0.0, 1.0, -1.0)


class Square:
    """``|x - center|^2 / 2``."""

    def __init__(self, center):
        self.center = center

    def value(self, point):
        return 0.5 * float((point - self.center) @ (point - self.center))

    def gradient(self, point):
        return point - self.center


class Stranger:
    """The smallest environment that plays: three attributes, no base class, a seed of its own."""

    horizon = 50
    loss = Square

    def __init__(self):
        self.domain = oco.Ball(radius=1.0, dimension=3)
        self.restart(0)

    def restart(self, seed):
        self.generator = np.random.default_rng(seed)

    def reveal(self, point):
        return self.loss(0.1 * self.generator.standard_normal(3))


class Unconvex(Square):
    def value(self, point):
        return -super().value(point)

    def gradient(self, point):
        return -super().gradient(point)


class DoubleGradient(Square):
    def gradient(self, point):
        return 2.0 * super().gradient(point)


class FlatGradient(Square):
    def gradient(self, point):
        return super().gradient(point)[None]


class NoGradient:
    def __init__(self, center):
        pass

    def value(self, point):
        return 0.0


class NotANumber(Square):
    def value(self, point):
        return float("nan")


class Global(Stranger):
    def reveal(self, point):
        return Square(np.random.standard_normal(3))  # noqa: NPY002


class Forgetful(Stranger):
    def restart(self, seed):
        if not hasattr(self, "generator"):
            super().restart(seed)

    def fresh(self, seed):
        stream = type(self)()
        stream.generator = np.random.default_rng(seed)
        return stream


class NoRounds(Stranger):
    horizon = 0


class SharedArray(Stranger):
    def restart(self, seed):
        self.generator = np.random.default_rng(seed)
        if not hasattr(self, "center"):
            self.center = np.zeros(3)

    def fresh(self, seed):
        stream = self.__class__.__new__(self.__class__)
        stream.__dict__ = dict(self.__dict__)
        stream.restart(seed)
        return stream

    def reveal(self, point):
        self.center += 0.1
        return Square(self.center.copy())


class LowBound(LogisticRegression):
    @property
    def gradient_bound(self):
        return 0.9


class TooStrong(SpectrumQuadratic):
    @property
    def strong_convexity(self):
        return 2.0 * self.curvature


class LinearIsNotExpConcave(LinearLosses):
    @property
    def exp_concavity(self):
        return 0.1


class BlockMovesTheRound(LinearLosses):
    def block(self, start, stop):
        if stop - start > 1:
            self._next += 1
        return super().block(start, stop)


class BlockRemembers(LinearLosses):
    """Hands out rows scaled by where the last block began."""

    last = 0

    def block(self, start, stop):
        block = super().block(start, stop)
        scale, self.last = 1.0 + (stop - start > 1) * self.last, start
        return RowBlock(block.scalar, block.rows * scale, block.targets)

    def restart(self, seed):
        super().restart(seed)
        self.last = 0


class WrongType(LinearLosses):
    def block(self, start, stop):
        block = super().block(start, stop)
        return RowBlock(block.scalar, block.rows.astype(np.float32), block.targets)


class WrongShape(LinearLosses):
    def block(self, start, stop):
        block = super().block(start, stop)
        return RowBlock(block.scalar, block.rows, block.targets[:, None] if stop - start > 1 else block.targets)


class Unsquared(SpectrumLinear):
    @property
    def gradient_eigenvalues(self):
        return self.scales


class StillEigenvectors(SpectrumLinear):
    def gradient_eigenvectors(self, round_index):
        return self.rotation


class PathTooShort(DriftingQuadratic):
    @property
    def path_length(self):
        return 0.5 * super().path_length


class ComparatorOutside(DriftingRegression):
    def comparators(self, start, stop):
        return 3.0 * super().comparators(start, stop)


def with_loss(loss):
    stranger = Stranger()
    stranger.loss = loss
    return stranger


def linear(kind):
    return kind(ROWS, domain=oco.Ball(radius=1.0))


FAULTS = [
    (lambda: object(), "the environment has no domain: it needs domain, horizon and reveal"),
    (NoRounds, "horizon must be a whole number of rounds, at least 1, got 0"),
    (lambda: with_loss(NoGradient), "reveal returned NoGradient, which has no gradient"),
    (lambda: with_loss(NotANumber), "the first loss at the domain's start is nan, not a number"),
    (lambda: with_loss(Unconvex), r"round 1: .*(midpoint|below the tangent)"),
    (lambda: with_loss(DoubleGradient), "round 1: the gradient's slope along a direction is"),
    (lambda: with_loss(FlatGradient), r"round 1: the gradient has shape \(1, 3\), the point \(3,\)"),
    (Global, "two streams of seed 5 differ in round 1: .*a global random state"),
    (SharedArray, "two streams of seed 5 differ in round 1: .*an array that copies share"),
    (Forgetful, r"after restart\(9\) in mid-stream .* restart keeps a counter, a generator"),
    (lambda: LowBound(ROWS, CLASSES, domain=oco.Ball(radius=1.0)), r"and gradient_bound is 0.9"),
    (lambda: TooStrong(3, 50), r"not strongly convex with strong_convexity = 2: .*\(factor 2"),
    (
        lambda: linear(LinearIsNotExpConcave),
        "not concave with exp_concavity = 0.1: a linear or hinge loss has no alpha",
    ),
    (lambda: linear(BlockMovesTheRound), "reveal and block disagree on the loss"),
    (lambda: linear(BlockRemembers), r"block\(\d+, \d+\) differs from its two halves"),
    (lambda: linear(WrongType), r"block\(0, 40\) has rows that are neither C-contiguous float64"),
    (lambda: linear(WrongShape), r"block\(0, 40\) has targets of shape \(40, 1\), not \(40,\)"),
    (lambda: Unsquared(4, 5000, exponent=2.0), "departs from the stated spectrum by a factor .* unsquared"),
    (
        lambda: StillEigenvectors(4, 5000, exponent=2.0, drift={"name": "switching", "period": 1000}),
        "eigenvectors are not those of the round",
    ),
    (lambda: PathTooShort(3, 600, motion={"name": "switches", "period": 100}), "path_length is stated as"),
    (lambda: ComparatorOutside(3, 600), "a comparator lies outside the domain"),
]


def test_the_stranger_without_a_fault_passes():
    check_environment(Stranger())


@pytest.mark.parametrize(("make", "sentence"), FAULTS)
def test_a_planted_fault_is_named(make, sentence):
    with pytest.raises(CheckFailed, match=sentence):
        check_environment(make())


class SeededInRestart:
    """An honest environment that has no stream before `restart`."""

    horizon = 50

    def __init__(self):
        self.domain = oco.Ball(radius=1.0, dimension=3)

    def restart(self, seed):
        self.centers = iter(np.random.default_rng(seed).standard_normal((self.horizon, 3)).tolist())

    def reveal(self, point):
        return Square(np.array(next(self.centers)))


def test_an_environment_that_only_restart_seeds_is_honest():
    check_environment(SeededInRestart())


class Forgets(SeededInRestart):
    def restart(self, seed):
        self.seen = getattr(self, "seen", 0) + 1
        self.centers = iter(np.random.default_rng(self.seen).standard_normal((self.horizon, 3)).tolist())


def test_its_faults_are_found():
    with pytest.raises(CheckFailed, match="restart keeps a counter"):
        check_environment(Forgets())


class Breaks(SeededInRestart):
    def reveal(self, point):
        raise ZeroDivisionError("a bug")


def test_what_an_environment_raises_is_a_failure_that_says_where():
    with pytest.raises(CheckFailed, match=r"ZeroDivisionError in reveal \(.*test_planted_faults.py:\d+\): a bug"):
        check_environment(Breaks())
