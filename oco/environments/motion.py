"""Motions of a game's best point: switches, recurring concepts, slow rotation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from oco.environments.base import Rounds
from oco.environments.drawn import random_direction
from oco.environments.spectra import from_names
from oco.errors import ConfigError
from oco.types import Array


@dataclass(frozen=True)
class Motion(ABC):
    """A path of unit vectors, one for every round."""

    name: ClassVar[str]
    period: int = 500

    def __post_init__(self) -> None:
        if self.period < 1:
            raise ConfigError(f"period of the {self.name} motion must be at least 1, got {self.period}")

    @abstractmethod
    def points(self, rounds: Rounds, dimension: int, problem_seed: int) -> Array:
        """``(n, d)`` unit vectors of ``rounds`` ``(n,)`` (counted from 0)."""

    def check(self, dimension: int) -> None:  # noqa: B027 - an optional hook
        """Raise `ConfigError` unless the motion is possible in ``dimension``."""

    def describe(self) -> dict[str, Any]:
        """Name and parameters, as a config would give them."""
        return {"name": self.name} | asdict(self)


@dataclass(frozen=True)
class Switches(Motion):
    """Abrupt switches: every ``period`` rounds a new direction is drawn."""

    name = "switches"

    def points(self, rounds: Rounds, dimension: int, problem_seed: int) -> Array:
        """The direction of each round's concept."""
        return _concepts(rounds // self.period, dimension, problem_seed)


@dataclass(frozen=True)
class Recurring(Motion):
    """Recurring concepts: ``concepts`` directions in turn, for ``period`` rounds each."""

    concepts: int = 3
    name = "recurring"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.concepts < 2:
            raise ConfigError(f"concepts of the recurring motion must be at least 2, got {self.concepts}")

    def points(self, rounds: Rounds, dimension: int, problem_seed: int) -> Array:
        """The direction of each round's concept."""
        return _concepts(rounds // self.period % self.concepts, dimension, problem_seed)


@dataclass(frozen=True)
class Rotation(Motion):
    """Slow rotation: a full circle in a random plane in ``period`` rounds."""

    name = "rotation"

    def check(self, dimension: int) -> None:
        """Require at least two dimensions."""
        if dimension < 2:
            raise ConfigError("the rotation motion needs at least 2 dimensions, got 1")

    def points(self, rounds: Rounds, dimension: int, problem_seed: int) -> Array:
        """``cos(angle) e + sin(angle) f`` with e, f orthonormal."""
        first = random_direction(dimension, problem_seed, 0xD21F, 0)
        other = random_direction(dimension, problem_seed, 0xD21F, 1)
        second = other - (other @ first) * first
        second /= np.linalg.norm(second)
        angle = (2.0 * np.pi / self.period) * (rounds % self.period)
        points: Array = np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second
        return points


@dataclass(frozen=True)
class Phases(Motion):
    """Calm and stormy phases in turn, ``period`` rounds each: every ``storm`` rounds of a storm draw a new direction.

    In a calm phase the point stays where the last storm left it, so a learning rate that suits one kind of phase does
    not suit the other.
    """

    storm: int = 25
    name = "phases"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.storm <= self.period:
            raise ConfigError(f"storm of the phases motion must lie in 1..{self.period}, its period, got {self.storm}")

    def points(self, rounds: Rounds, dimension: int, problem_seed: int) -> Array:
        """The direction of each round."""
        in_storm = -(-self.period // self.storm)
        phase, within = rounds // self.period, rounds % self.period
        before = phase // 2 * in_storm  # directions drawn by the storms before this phase
        numbers = np.where(phase % 2 == 0, before, before + 1 + within // self.storm)
        return _concepts(numbers, dimension, problem_seed)


MOTIONS: dict[str, type[Motion]] = {motion.name: motion for motion in (Switches, Recurring, Rotation, Phases)}
"""All motions by their names in configs."""

MotionLike = Motion | str | Mapping[str, Any]


def motion_of(given: MotionLike, dimension: int) -> Motion:
    """A motion from itself, its name, or its name and parameters; `ConfigError` unless it is possible."""
    motion: Motion = given if isinstance(given, Motion) else from_names("motion", given, MOTIONS)
    motion.check(dimension)
    return motion


def _concepts(numbers: Rounds, dimension: int, problem_seed: int) -> Array:
    """``(n, d)``: the random direction of each numbered concept."""
    concepts, places = np.unique(numbers, return_inverse=True)
    drawn = np.array([random_direction(dimension, problem_seed, 0xC04C, int(number)) for number in concepts])
    directions: Array = drawn[places]
    return directions
