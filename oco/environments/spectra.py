"""Shapes of a spectrum: prescribed eigenvalues of a stream's gradient covariance, which sum to 1."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from oco.errors import ConfigError
from oco.keywords import check_names, did_you_mean, listed, parameters
from oco.numbers import real_numbers
from oco.types import Array


@dataclass(frozen=True)
class SpectrumShape(ABC):
    """A family of spectra; ``eigenvalues(d)`` is decreasing and sums to 1."""

    name: ClassVar[str]

    def eigenvalues(self, dimension: int) -> Array:
        """``(d,)`` eigenvalues in decreasing order, scaled to sum to 1."""
        shape = self._shape(np.arange(dimension, dtype=np.float64))
        eigenvalues: Array = shape / shape.sum()
        return eigenvalues

    @abstractmethod
    def _shape(self, index: Array) -> Array:
        """Eigenvalues at positions ``index`` ``(d,)``, counted from 0, before scaling."""

    def describe(self) -> dict[str, Any]:
        """Name and parameters, as a config would give them."""
        return {"name": self.name} | asdict(self)


@dataclass(frozen=True)
class PowerLaw(SpectrumShape):
    """``lambda_i ~ i^-exponent``; 0 is isotropic."""

    exponent: float = 1.0
    name = "power_law"

    def __post_init__(self) -> None:
        _at_least("exponent", self.exponent, 0.0)

    def _shape(self, index: Array) -> Array:
        return (index + 1.0) ** -self.exponent


@dataclass(frozen=True)
class Exponential(SpectrumShape):
    """``lambda_i ~ exp(-rate i)``."""

    rate: float = 0.1
    name = "exponential"

    def __post_init__(self) -> None:
        _at_least("rate", self.rate, 0.0)

    def _shape(self, index: Array) -> Array:
        return np.exp(-self.rate * index)


@dataclass(frozen=True)
class LowRank(SpectrumShape):
    """``rank`` equal eigenvalues with ``1 - noise`` of the mass, and equal small ones with the rest."""

    rank: int = 8
    noise: float = 0.01
    name = "low_rank"

    def __post_init__(self) -> None:
        _at_least("rank", self.rank, 1)
        if not 0.0 <= self.noise < 1.0:
            raise ConfigError(f"noise of the low_rank spectrum must lie in [0, 1), got {self.noise!r}")

    def _shape(self, index: Array) -> Array:
        rest = index.size - self.rank
        if rest < 0 or (rest == 0 and self.noise > 0.0):
            raise ConfigError(f"rank of the low_rank spectrum must be less than d = {index.size}, got {self.rank}")
        return np.where(index < self.rank, (1.0 - self.noise) / self.rank, self.noise / max(rest, 1))


@dataclass(frozen=True)
class Spiked(SpectrumShape):
    """A flat bulk of 1 with ``rank`` spikes above it: ``lambda_i ~ 1 + strength 2^-i`` (i from 0) before scaling."""

    rank: int = 3
    strength: float = 50.0
    name = "spiked"

    def __post_init__(self) -> None:
        _at_least("rank", self.rank, 0)
        _at_least("strength", self.strength, 0.0)

    def _shape(self, index: Array) -> Array:
        return 1.0 + np.where(index < self.rank, self.strength * 0.5**index, 0.0)


@dataclass(frozen=True)
class Isotropic(SpectrumShape):
    """All eigenvalues equal."""

    name = "isotropic"

    def _shape(self, index: Array) -> Array:
        return np.ones(index.size)


@dataclass(frozen=True)
class Given(SpectrumShape):
    """The eigenvalues themselves, non-negative; they are sorted and scaled to sum to 1."""

    values: tuple[float, ...] = (1.0,)
    name = "given"

    def _shape(self, index: Array) -> Array:
        given = real_numbers(self.values, "the eigenvalues of a spectrum")
        values = np.sort(given.astype(np.float64))[::-1]
        if values.shape != index.shape or not (np.isfinite(values).all() and values[-1] >= 0.0 and values[0] > 0.0):
            raise ConfigError(f"a given spectrum must be {index.size} numbers >= 0, not all 0, got {self.values!r}")
        return values


SPECTRA: dict[str, type[SpectrumShape]] = {
    shape.name: shape for shape in (PowerLaw, Exponential, LowRank, Spiked, Isotropic, Given)
}
"""All shapes by their names in configs."""


def spectrum_shape(spectrum: SpectrumShape | str | Mapping[str, Any] | Sequence[float] | Array) -> SpectrumShape:
    """A shape from a shape, its name, a mapping such as ``{"kind": "power_law", "exponent": 2}``, or eigenvalues."""
    if isinstance(spectrum, SpectrumShape):
        return spectrum
    if isinstance(spectrum, (str, Mapping)):
        named: SpectrumShape = from_names("spectrum", spectrum, SPECTRA)
        return named
    return Given(tuple(float(value) for value in real_numbers(spectrum, "the eigenvalues of a spectrum")))


def from_names(what: str, given: str | Mapping[str, Any], families: Mapping[str, Any]) -> Any:
    """The member of ``families`` that ``given`` names by its ``kind`` (or ``name``), with the rest as keywords."""
    keywords: dict[str, Any] = {"kind": given} if isinstance(given, str) else dict(given)
    name = keywords.pop("kind" if "kind" in keywords else "name", "")
    if name not in families:
        raise ConfigError(f"{what} must be one of {listed(families)}, got {name!r}{did_you_mean(name, families)}")
    check_names(f"{what} {name}", keywords, parameters(families[name]))
    return families[name](
        **{key: tuple(value) if isinstance(value, list) else value for key, value in keywords.items()}
    )


def _at_least(name: str, value: float, least: float) -> None:
    if not (value >= least and np.isfinite(value)):
        raise ConfigError(f"{name} must be a number >= {least:g}, got {value!r}")
