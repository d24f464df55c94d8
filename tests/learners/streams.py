"""Streams of linear losses, random and adversarial, whose regret has a closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from oco.checks.playing import show, tell
from oco.domains.base import Domain
from oco.learners.base import Learner, Problem
from oco.losses import Linear
from oco.needs import HINT, ROW
from oco.regret.bounds import Bound, Observed
from oco.regret.covariance import GradientCovariance
from oco.types import Array


@dataclass(frozen=True)
class Adversary:
    """The gradient of round t (from 0) when the given point was played, and the tightest bounds on it."""

    reveal: Callable[[int, Array], Array]
    longest: float
    largest_entry: float

    def __call__(self, t: int, point: Array) -> Array:
        return self.reveal(t, point)

    @property
    def facts(self) -> dict[str, float]:
        """What a problem may state of these gradients: their actual maxima."""
        return {"gradient_bound": self.longest, "gradient_entry_bound": self.largest_entry}


def given(gradients: Array) -> Adversary:
    """These gradients, whatever is played."""
    lengths = np.linalg.norm(gradients.reshape(len(gradients), -1), axis=1)
    return Adversary(lambda t, _: gradients[t], float(lengths.max()), float(np.abs(gradients).max()))


def spectrum_stream(dimension: int, rounds: int, decay: float, seed: int) -> Array:
    """Rows with a power-law covariance behind a random rotation and a drift that a comparator can use."""
    generator = np.random.default_rng(seed)
    rotation = np.linalg.qr(generator.standard_normal((dimension, dimension)))[0]
    scales = np.arange(1, dimension + 1) ** -decay
    drift = generator.standard_normal(dimension) * generator.choice([0.0, 0.5])
    rows: Array = (generator.standard_normal((rounds, dimension)) * scales + drift) @ rotation
    return rows


@lru_cache(maxsize=64)
def adversaries(shape: tuple[int, ...], rounds: int, seed: int) -> Mapping[str, Adversary]:
    """Named streams: random with decaying spectra, one-sided, alternating, axis by axis, with zeros and repetitions.

    Three see the point: two push it uphill, from the origin and from where it was first, and one opposes it. Learners
    leave gradients alone, which the conformance checks hold them to, so that a stream is made once for all of them.
    """
    generator = np.random.default_rng(seed)
    size = int(np.prod(shape))
    smooth = spectrum_stream(size, rounds, 1.0, seed).reshape(rounds, *shape)
    flat = spectrum_stream(size, rounds, 0.0, seed + 1).reshape(rounds, *shape)
    ones = np.ones(shape) / np.sqrt(size)
    axes = np.eye(size)[generator.integers(size, size=rounds)].reshape(rounds, *shape)
    times = np.arange(rounds).reshape(-1, *[1] * len(shape))
    signs = generator.choice([-1.0, 1.0], size=rounds).reshape(times.shape)
    opposed = given(smooth)
    first: list[Array] = []

    def uphill(t: int, point: Array) -> Array:
        length = float(np.linalg.norm(point))
        return point / length if length > 0.0 else ones

    def away(t: int, point: Array) -> Array:
        if t == 0:
            first[:] = [point.copy()]
        return uphill(t, point - first[0])

    def against(t: int, point: Array) -> Array:
        inner = float(np.vdot(smooth[t], point))
        gradient: Array = smooth[t] if inner >= 0.0 else -smooth[t]
        return gradient

    return {
        "smooth": given(smooth),
        "flat": given(flat),
        "one-sided": given(np.array([ones] * rounds)),
        "alternating": given((-1.0) ** times * ones),
        "axes": given(axes),
        "signed axes": given(signs * axes),
        "growing": given(smooth * 1.2 ** np.minimum(times, 40)),
        "zero": given(np.zeros(smooth.shape)),
        "zero at first": given(np.where(times < rounds / 3, 0.0, smooth)),
        "mostly zero": given(np.where(times % 4 == 0, ones, 0.0)),
        "often zero": given(np.where(times % 7 < 4, 0.0, flat)),
        "repeated": given(flat[times.ravel() // 5]),
        "tiny": given(1e-9 * smooth),
        "now and then": given(np.where(times % 9 == 3, flat, 1e-7 * flat)),
        "uphill": Adversary(uphill, 1.0, 1.0),
        "away": Adversary(away, 1.0, 1.0),
        "against": Adversary(against, opposed.longest, opposed.largest_entry),
    }


def play_linear(
    learner: Learner,
    domain: Domain,
    reveal: Callable[[int, Array], Array],
    rounds: int,
    after: Callable[[int, Array], None] | None = None,
    **facts: object,
) -> tuple[float, Bound | None, Observed]:
    """Regret over ``domain`` (by its support function), the learner's bound, and what was observed."""
    learner.start(Problem(domain, rounds, **facts))  # type: ignore[arg-type]
    gradients, points = np.empty((2, rounds, *domain.shape))
    sees_ahead = ROW in learner.needs or HINT in learner.needs
    loss = 0.0
    for t in range(rounds):
        gradient = gradients[t] = reveal(t, learner.prediction)
        if sees_ahead:
            show(learner, gradients, t)
        points[t] = learner.prediction
        loss += float(np.vdot(gradient, points[t]))
        tell(learner, gradient, Linear(), constrained=False)
        if after is not None:
            after(t, gradient)
    covariance = GradientCovariance(domain.dimension)
    covariance.add_rows(gradients.reshape(rounds, -1), np.ones(rounds))
    observed = Observed(
        rounds=rounds,
        domain=domain,
        gradient_squares=covariance.trace,
        coordinate_squares=covariance.coordinate_squares,
        largest_gradient=covariance.largest_gradient,
        spectrum=covariance.spectrum(),
        largest_point=float(np.linalg.norm(points.reshape(rounds, -1), axis=1).max()),
    )
    return loss + domain.support(-gradients.sum(axis=0)), learner.bound(observed), observed


def play(learner: Learner, domain: Domain, gradients: Array, **facts: object) -> Array:
    """Points that the learner plays before each gradient and after the last."""
    learner.start(Problem(domain, len(gradients), **facts))  # type: ignore[arg-type]
    points = [learner.prediction.copy()]
    for gradient in gradients:
        learner.update(gradient)
        points.append(learner.prediction.copy())
    return np.array(points)
