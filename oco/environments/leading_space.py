"""Motions of the leading eigenspace of a gradient covariance: fixed, rotating slowly, or switching abruptly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from oco.environments.base import Rounds
from oco.environments.spectra import from_names
from oco.errors import ConfigError
from oco.types import Array


@dataclass(frozen=True)
class LeadingSpace(ABC):
    """A motion of eigenvectors; `turn` is an orthogonal map that depends on the round."""

    name: ClassVar[str]

    def check(self, dimension: int) -> None:  # noqa: B027 - an optional hook
        """Raise `ConfigError` unless the motion is possible in ``dimension``."""

    @abstractmethod
    def turn(self, coordinates: Array, rounds: Rounds) -> Array:
        """Apply the motion to coordinates ``(n, d)`` of ``rounds`` ``(n,)``."""

    def describe(self) -> dict[str, Any]:
        """Name and parameters, as a config would give them."""
        return {"name": self.name} | asdict(self)


@dataclass(frozen=True)
class Fixed(LeadingSpace):
    """The eigenvectors stay where they are."""

    name = "fixed"

    def turn(self, coordinates: Array, rounds: Rounds) -> Array:
        """The coordinates themselves."""
        return coordinates


@dataclass(frozen=True)
class Rotating(LeadingSpace):
    """The first ``leading`` eigenvectors turn through the last ones, a full circle in ``period`` rounds.

    Eigenvector i turns in the plane that it spans with eigenvector d - 1 - i, by ``2 pi t / period`` in round t.
    """

    leading: int = 1
    period: int = 1000
    name = "rotating"

    def check(self, dimension: int) -> None:
        """Require two dimensions for every rotating eigenvector."""
        _check("rotating", self.leading, self.period, dimension // 2, f"d / 2 = {dimension // 2}")

    def turn(self, coordinates: Array, rounds: Rounds) -> Array:
        """A rotation by the round's angle in ``leading`` planes."""
        angle = (2.0 * np.pi / self.period) * (rounds % self.period)
        cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
        turned = coordinates.copy()
        first, last = coordinates[:, : self.leading], coordinates[:, ::-1][:, : self.leading]
        turned[:, : self.leading] = cosine * first - sine * last
        turned[:, ::-1][:, : self.leading] = sine * first + cosine * last
        return turned


@dataclass(frozen=True)
class Switching(LeadingSpace):
    """Every ``period`` rounds the first ``leading`` eigenvectors move to directions orthogonal to where they were.

    All directions are shifted cyclically by ``leading`` places, so the space returns after d / leading switches if that
    is an integer.
    """

    leading: int = 1
    period: int = 1000
    name = "switching"

    def check(self, dimension: int) -> None:
        """Require that consecutive leading spaces be disjoint."""
        _check("switching", self.leading, self.period, dimension // 2, f"d / 2 = {dimension // 2}")

    def turn(self, coordinates: Array, rounds: Rounds) -> Array:
        """A circular shift by ``leading`` for every switch so far."""
        dimension = coordinates.shape[1]
        shift = (rounds // self.period) * self.leading
        source = (np.arange(dimension)[None, :] - shift[:, None]) % dimension
        return np.take_along_axis(coordinates, source, axis=1)


LEADING_SPACES: dict[str, type[LeadingSpace]] = {motion.name: motion for motion in (Fixed, Rotating, Switching)}
"""All motions by their names in configs."""


def leading_space(given: LeadingSpace | str | Mapping[str, Any], dimension: int) -> LeadingSpace:
    """A motion from a motion, its name, or a mapping such as ``{"kind": "rotating", "period": 500}``."""
    motion: LeadingSpace = given if isinstance(given, LeadingSpace) else from_names("drift", given, LEADING_SPACES)
    motion.check(dimension)
    return motion


def _check(name: str, leading: int, period: int, largest: int, shown: str) -> None:
    if not 1 <= leading <= largest:
        raise ConfigError(f"leading of the {name} drift must be in 1..{shown}, got {leading}")
    if period < 1:
        raise ConfigError(f"period of the {name} drift must be at least 1, got {period}")
