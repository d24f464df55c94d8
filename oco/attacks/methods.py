"""Methods of search: each proposes streams in batches and is told their scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oco.attacks.arena import Arena
from oco.attacks.families import FAMILIES, PARAMETERS
from oco.types import Array

BATCH = 12
"""Streams proposed at once. It does not depend on the number of workers, so that results do not either."""


@dataclass
class Trail:
    """What a method carries from batch to batch: plain values, so that a search can go on where it stopped.

    Attributes
    ----------
    rows, score
        The best stream so far, of any method.
    batch
        Number of batches that this method has proposed.
    places
        ``(n, p)``, what a method searches among; its meaning is the method's.
    values
        ``(n,)``, scores of the places.
    width
        Scale of the next changes.
    """

    rows: Array
    score: float
    batch: int
    places: Array
    values: Array
    width: float


class Method(ABC):
    """A method of search. Random numbers come from the seed, the method and the batch, and from nothing else."""

    name: ClassVar[str]

    def __init__(self, arena: Arena, seed: int) -> None:
        self._arena, self._seed = arena, seed

    @abstractmethod
    def begin(self, rows: Array, score: float) -> Trail:
        """The trail at the start, from the best stream of earlier methods; score minus infinity without one."""

    @abstractmethod
    def propose(self, trail: Trail) -> list[Array]:
        """The next `BATCH` streams."""

    @abstractmethod
    def learn(self, trail: Trail, streams: list[Array], scores: Array) -> None:
        """Take in their scores; `Trail.rows` is the best already."""

    def _generator(self, trail: Trail) -> np.random.Generator:
        return np.random.default_rng([self._seed, list(METHODS).index(self.name), trail.batch])


class Structured(Method):
    """Evolution (mu, lambda) of the parameters of the structured adversaries; every family has a place that stays."""

    name: ClassVar[str] = "structured"

    def begin(self, rows: Array, score: float) -> Trail:
        """One place for each family."""
        return Trail(rows, score, 0, np.full((len(FAMILIES), PARAMETERS), 0.5), np.full(len(FAMILIES), -np.inf), 0.3)

    def propose(self, trail: Trail) -> list[Array]:
        """Random parameters first; then changes of each family's best, more of the families that do well."""
        families = list(FAMILIES.values())
        self._tried = self._parameters(trail)
        return [self._arena.inside(families[which](place, self._arena)) for which, place in self._tried]

    def learn(self, trail: Trail, streams: list[Array], scores: Array) -> None:
        """Keep each family's best; narrow the changes where none was better."""
        better = False
        for (which, place), score in zip(self._tried, scores, strict=True):
            if score > trail.values[which]:
                trail.places[which], trail.values[which], better = place, score, True
        trail.width = max(0.01, trail.width * (1.1 if better else 0.9))

    def _parameters(self, trail: Trail) -> list[tuple[int, Array]]:
        generator, count = self._generator(trail), len(FAMILIES)
        if trail.batch < 4:
            return [(i % count, generator.random(PARAMETERS)) for i in range(BATCH)]
        order = np.argsort(-trail.values)
        chosen = order[np.minimum(generator.geometric(0.5, BATCH) - 1, count - 1)]
        found = []
        for which in chosen:
            fresh = generator.random() < 0.15
            change = trail.width * generator.standard_normal(PARAMETERS)
            place = generator.random(PARAMETERS) if fresh else np.clip(trail.places[which] + change, 0.0, 1.0)
            found.append((int(which), place))
        return found


class Signs(Method):
    """Coordinate search: flip, zero, exchange or turn a few consecutive rounds of the best stream."""

    name: ClassVar[str] = "signs"

    def begin(self, rows: Array, score: float) -> Trail:
        """Random signs along the first axis, if nothing was found before."""
        if not np.any(rows):
            rows = np.zeros(self._arena.shape)
            rows[:, 0] = np.random.default_rng([self._seed, 0x51]).choice((-1.0, 1.0), len(rows))
            score = self._arena.score(rows)
        return Trail(rows, score, 0, np.zeros((0, 0)), np.zeros(0), 1.0)

    def propose(self, trail: Trail) -> list[Array]:
        """Changes of the best stream."""
        generator = self._generator(trail)
        return [self._arena.inside(self._changed(trail.rows, generator)) for _ in range(BATCH)]

    def learn(self, trail: Trail, streams: list[Array], scores: Array) -> None:
        """Nothing but the best stream is kept."""

    def _changed(self, rows: Array, generator: np.random.Generator) -> Array:
        rounds, dimension = rows.shape
        changed = rows.copy()
        length = min(rounds, int(generator.geometric(0.5 if generator.random() < 0.7 else 2.0 / (rounds + 2))))
        first = int(generator.integers(0, rounds - length + 1))
        part = slice(first, first + length)
        kind = generator.integers(0, 6)
        axis = int(generator.integers(0, dimension))
        if kind <= 1:
            changed[part] *= -1.0
        elif kind == 2:
            changed[part] = 0.0
            changed[part, axis] = generator.choice((-1.0, 1.0))
        elif kind == 3:
            changed[part] = changed[part][::-1]
        elif kind == 4:
            changed = np.roll(changed, int(generator.integers(1, max(2, rounds))), axis=0)
        else:
            changed[part] *= generator.choice((0.0, 0.5, 2.0, 1.0 / max(1e-9, float(np.abs(changed[part]).max()))))
        return changed


class Ascent(Method):
    """Gradient ascent by finite differences along random directions, in pairs, and back into the class."""

    name: ClassVar[str] = "ascent"

    def begin(self, rows: Array, score: float) -> Trail:
        """From the best stream, or a random one."""
        if not np.any(rows):
            rows = self._arena.inside(np.random.default_rng([self._seed, 0xA5]).standard_normal(self._arena.shape))
            score = self._arena.score(rows)
        return Trail(rows, score, 0, rows.copy(), np.array([score]), 0.1)

    def propose(self, trail: Trail) -> list[Array]:
        """Pairs on both sides of the place, and the step that the last pairs ask for."""
        generator = self._generator(trail)
        self._directions = generator.standard_normal((BATCH // 2, *self._arena.shape))
        sides = (trail.places + sign * trail.width * each for each in self._directions for sign in (1.0, -1.0))
        return [self._arena.inside(rows) for rows in sides]

    def learn(self, trail: Trail, streams: list[Array], scores: Array) -> None:
        """Step along the mean of the directions, weighed by their differences; narrow where nothing was better."""
        known = np.isfinite(scores[::2]) & np.isfinite(scores[1::2])
        differences = np.subtract(scores[::2], scores[1::2], where=known, out=np.zeros(len(known)))
        if scores.max() > trail.values[0]:
            trail.places, trail.values = streams[int(np.argmax(scores))].copy(), np.array([scores.max()])
        elif known.any():
            gradient = np.tensordot(differences[known], self._directions[known], axes=1)
            size = float(np.abs(gradient).max())
            if size > 0.0:
                trail.places = self._arena.inside(trail.rows + trail.width * gradient / size)
            trail.width = max(1e-3, 0.8 * trail.width)


METHODS: dict[str, type[Method]] = {method.name: method for method in (Structured, Signs, Ascent)}
"""All methods by name, in the order in which an attack uses them."""
