"""Checks a learner's regret against its own bound, on linear losses, whose best fixed point is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from oco.checks.failure import require
from oco.checks.playing import show, tell
from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.learners.base import Learner, Problem
from oco.losses.scalar import Linear
from oco.needs import HINT, ROW
from oco.regret.bounds import Observed, within_scales
from oco.regret.covariance import GradientCovariance
from oco.regret.verdict import Verdict, verdict
from oco.types import Array

LONG_GAME = 2000
"""Rounds of the longest games."""

SHORT_GAME = 400
"""Rounds of the games that test one property of a stream."""


@dataclass(frozen=True)
class _Stream:
    """Linear losses: the gradient of a round (from 0) at the point played, and the largest gradient norm."""

    kind: str
    rounds: int
    reveal: Callable[[int, Array], Array]
    longest: float
    largest_entry: float


def check_regret_below_bound(learner: Learner, domain: Domain) -> None:
    """On linear losses the regret stays below the learner's own bound whenever the bound's assumptions hold.

    The problem states the largest gradient norm as its gradient bound, the tightest valid one.
    """
    for stream in _streams(domain):
        player = learner.fresh()
        try:  # linear losses are neither exp-concave nor strongly convex, so these constants are not stated
            player.start(
                Problem(
                    domain,
                    stream.rounds,
                    gradient_bound=stream.longest,
                    gradient_entry_bound=stream.largest_entry,
                    loss=Linear(),
                    seed=1,
                )
            )
        except ConfigError:
            return
        if not _keeps_its_promise(player, domain, stream):
            return


def _keeps_its_promise(player: Learner, domain: Domain, stream: _Stream) -> bool:
    """Play ``stream`` and compare the regret with the bound at some rounds; False if the learner states no bound."""
    covariance = GradientCovariance(domain.dimension)
    gradients, points = np.empty((2, stream.rounds, *domain.shape))
    sees_ahead = ROW in player.needs or HINT in player.needs
    loss, done = 0.0, 0
    for rounds in sorted({1, 10, 100, 500, stream.rounds}):
        if rounds > stream.rounds:
            break
        for index in range(done, rounds):
            gradient = gradients[index] = stream.reveal(index, player.prediction)
            if sees_ahead:
                show(player, gradients, index)
            points[index] = player.prediction
            queries = player.queries
            loss += sum(float(np.vdot(gradient, query)) for query in queries) / len(queries)
            tell(player, gradient, Linear(), constrained=False)
        covariance.add_rows(gradients[done:rounds].reshape(rounds - done, -1), np.ones(rounds - done))
        done = rounds
        farthest = float(np.linalg.norm(points[:rounds].reshape(rounds, -1), axis=1).max())
        observed = Observed(
            rounds=rounds,
            domain=domain,
            gradient_squares=covariance.trace,
            coordinate_squares=covariance.coordinate_squares,
            largest_gradient=covariance.largest_gradient,
            spectrum=covariance.spectrum(),
            largest_point=farthest,
        )
        bound = within_scales(player.bound(observed), observed)
        if bound is None and rounds > 1:
            return False
        if bound is None or not bound.valid:
            continue
        regret = loss + domain.support(-gradients[:rounds].sum(axis=0))
        rounding = 1e-9 * (abs(loss) + stream.longest * (1.0 + farthest))
        require(
            verdict(regret - rounding, regret + rounding, bound.value, bound.valid) is not Verdict.BROKEN,
            f"on {stream.kind} linear losses the regret after {rounds} rounds is {regret:.4g}, above the claimed "
            f"bound {bound.value:.4g} ({bound.theorem}): the step size may not shrink (is the round counter "
            "advanced?), a gradient of zero may move the point, or the bound leaves something out",
        )
    return True


def _streams(domain: Domain) -> Iterator[_Stream]:
    noise = np.random.default_rng(5).standard_normal((LONG_GAME, *domain.shape))
    size = float(np.linalg.norm(noise.reshape(LONG_GAME, -1), axis=1).max())
    start, ones = domain.start, np.ones(domain.shape) * size / np.sqrt(domain.dimension)

    def uphill(_: int, point: Array) -> Array:
        """Points away from the middle, so that steps that do not shrink jump across the domain forever."""
        offset = point - start
        length = float(np.linalg.norm(offset))
        gradient: Array = size * offset / length if length > 0.0 else ones
        return gradient

    rounds = np.arange(LONG_GAME).reshape(-1, *[1] * len(domain.shape))
    yield _given("random", noise)
    yield _given("one-sided", 0.5 * (noise + ones))
    yield _given("alternating", (-1.0) ** (rounds // 2) * ones)
    yield _Stream("adverse", LONG_GAME, uphill, size, size)
    short, early = noise[:SHORT_GAME], rounds[:SHORT_GAME]
    yield _given("mostly zero", np.where(early % 4 == 3, ones, 0.0))
    yield _given("one-sided and often zero", np.where(early % 50 < 30, 0.0, 0.5 * (short + ones)))
    yield _given("repeated", short[early.ravel() // 40])
    yield _given("tiny", 1e-9 * short)


def _given(kind: str, gradients: Array) -> _Stream:
    longest = float(np.linalg.norm(gradients.reshape(len(gradients), -1), axis=1).max())
    return _Stream(kind, len(gradients), lambda t, _: gradients[t], longest, float(np.abs(gradients).max()))
