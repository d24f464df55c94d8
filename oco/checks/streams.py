"""Streams of an environment, points at which to evaluate their losses, and comparisons of losses."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from oco.domains.base import Domain
from oco.types import Array

ROUNDS = 24
"""Rounds of a stream that are checked one by one."""


def stream_of(environment: Any, seed: int) -> Any:
    """A stream of ``seed``, by whichever method the environment has."""
    if hasattr(environment, "fresh"):
        return environment.fresh(seed)
    stream = copy.deepcopy(environment)
    if hasattr(stream, "restart"):
        stream.restart(seed)
    return stream


def points_inside(domain: Domain, generator: np.random.Generator, count: int) -> list[Array]:
    """Random points of the domain, of all sizes up to its boundary."""
    size = domain.radius() if domain.bounded else 3.0
    points = []
    for _ in range(count):
        direction = generator.standard_normal(domain.shape)
        length = size * generator.uniform(0.0, 1.5) / float(np.linalg.norm(direction))
        points.append(domain.project(domain.start + length * direction))
    return points


def sampled_losses(environment: Any) -> Iterator[tuple[int, Any, Array]]:
    """Rounds from the beginning of a stream and, if reachable, from all of it, with points to evaluate them at."""
    generator = np.random.default_rng(4)
    domain = environment.domain
    stream = stream_of(environment, 5)
    for i in range(min(ROUNDS, environment.horizon)):
        points = points_inside(domain, generator, 5)
        loss = stream.reveal(points[0])
        gradient = np.asarray(loss.gradient(points[0]))
        for direction in (gradient, -gradient):
            if gradient.shape == domain.shape and np.isfinite(domain.support(direction)):
                points.append(domain.maximizer(direction))
        yield i, loss, np.array(points)
    if hasattr(environment, "loss_at"):
        for i in np.linspace(0, environment.horizon - 1, 8).astype(int):
            yield int(i), stream.loss_at(int(i)), np.array(points_inside(domain, generator, 5))


def pairs_of(domain: Domain, loss: Any, points: Array) -> Iterator[tuple[Array, Array]]:
    """Pairs of points: some far apart, and some close together along the gradient."""
    yield from zip(points[:-1], points[1:], strict=True)
    for point in points:
        gradient = np.asarray(loss.gradient(point))
        length = float(np.linalg.norm(gradient))
        for step in (0.3, 0.03):
            if length > 0.0:
                yield point, domain.project(point - step * gradient / length)


def numbers_of(loss: Any, point: Array) -> tuple[float, Array]:
    """Value and gradient of a loss."""
    return float(loss.value(point)), np.asarray(loss.gradient(point))


def same(ours: tuple[float, Array], theirs: tuple[float, Array]) -> bool:
    """Whether two losses are equal to the last bit."""
    return ours[0] == theirs[0] and np.array_equal(ours[1], theirs[1])


def same_all(ours: list[tuple[float, Array]], theirs: list[tuple[float, Array]]) -> bool:
    """Whether two lists of losses are equal to the last bit."""
    return all(same(one, other) for one, other in zip(ours, theirs, strict=True))


def played(stream: Any, rounds: int) -> list[tuple[float, Array]]:
    """The losses of the first ``rounds`` rounds, always at the same random points."""
    points = points_inside(stream.domain, np.random.default_rng(8), min(rounds, stream.horizon))
    return [numbers_of(stream.reveal(point), point) for point in points]


def played_as_given(environment: Any) -> list[tuple[float, Array]]:
    """The first losses of a copy; with seed 0 if the stream must be restarted before it can be played."""
    try:
        return played(copy.deepcopy(environment), 3)
    except Exception:
        if not (hasattr(environment, "restart") or hasattr(environment, "fresh")):
            raise
        return played(stream_of(environment, 0), 3)
