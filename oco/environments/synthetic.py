"""Streams made from a seed: linear losses with a prescribed spectrum, and ill-conditioned regression."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np

from oco.domains import Ball, from_config
from oco.domains.base import Domain
from oco.environments.row_data import ROUNDING
from oco.environments.row_stream import RowStream
from oco.errors import ConfigError
from oco.losses.rows import RowBlock
from oco.losses.scalar import Absolute, Linear, ScalarLoss
from oco.types import Array

_CHUNK = 256
"""Rounds that are drawn together; a chunk depends on the seeds and its number alone, so any round is reachable."""

Draws = Literal["signs", "normal"]


class DrawnRows(RowStream):
    """Rows ``a_t = Q diag(scales) xi_t`` with a random rotation Q and i.i.d. coordinates xi of mean 0 and variance 1.

    A subclass gives the scales, the loss and the targets. The covariance of the rows is ``Q diag(scales^2) Q'``.
    ``problem_seed`` draws what is fixed (the rotation, the weights to be found); `restart`'s seed draws the rounds.
    With ``draws="signs"`` the xi are fair coins, so that every row has the length ``|scales|_2`` exactly.
    """

    def __init__(
        self, *, scales: Array, horizon: int, domain: Domain, loss: ScalarLoss, draws: Draws, problem_seed: int
    ) -> None:
        if horizon < 1:
            raise ConfigError(f"horizon must be at least 1, got {horizon}")
        if draws not in ("signs", "normal"):
            raise ConfigError(f'draws must be "signs" or "normal", got {draws!r}')
        self.dimension = int(scales.size)
        self.horizon = int(horizon)
        self.domain = domain.with_shape((self.dimension,))
        self.loss = loss
        self.scales = scales
        self.draws: Draws = draws
        self.problem_seed = problem_seed
        self.rotation = random_rotation(self.dimension, problem_seed)
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1 of the stream of ``seed``."""
        super().restart(seed)
        self._seed = seed
        self._drawn: tuple[int, RowBlock] | None = None

    def targets(self, rows: Array) -> Array:
        """Targets that go with ``rows``."""
        return np.zeros(rows.shape[0])

    def block(self, start: int, stop: int) -> RowBlock:
        """Rounds ``start`` to ``stop - 1``; costs the drawing of their chunks of 256, wherever they are."""
        self._check_range(start, stop)
        first, last = start // _CHUNK, (stop - 1) // _CHUNK
        chunks = [self._chunk(number) for number in range(first, last + 1)]
        inside = slice(start - first * _CHUNK, stop - first * _CHUNK)
        rows = np.concatenate([chunk.rows for chunk in chunks])[inside]
        targets = np.concatenate([chunk.targets for chunk in chunks])[inside]
        return RowBlock(self.loss, rows, targets)

    def _chunk(self, number: int) -> RowBlock:
        if self._drawn is None or self._drawn[0] != number:
            generator = np.random.default_rng([self.problem_seed, self._seed, number])
            shape = (_CHUNK, self.dimension)
            if self.draws == "signs":
                coordinates = generator.integers(0, 2, shape) * 2.0 - 1.0
            else:
                coordinates = generator.standard_normal(shape)
            rows = (coordinates * self.scales) @ self.rotation.T
            self._drawn = number, RowBlock(self.loss, rows, self.targets(rows))
        return self._drawn[1]

    @property
    def gradient_bound(self) -> float | None:
        """``|phi'| |scales|_2`` with signs, where the derivative is bounded; normal rows have no bound."""
        if self.draws == "normal" or not np.isfinite(self.loss.lipschitz):
            return None
        return float(self.loss.lipschitz * np.linalg.norm(self.scales)) * ROUNDING

    def describe(self) -> dict[str, Any]:
        """Name and parameters."""
        return super().describe() | {
            "dimension": self.dimension,
            "draws": self.draws,
            "problem_seed": self.problem_seed,
        }


def random_rotation(dimension: int, problem_seed: int) -> Array:
    """An orthogonal matrix ``(d, d)`` from the uniform (Haar) distribution."""
    normal = np.random.default_rng([problem_seed, 0x407A]).standard_normal((dimension, dimension))
    basis, triangle = np.linalg.qr(normal)
    rotation: Array = basis * np.where(np.diag(triangle) < 0.0, -1.0, 1.0)
    return rotation


class SpectrumLinear(DrawnRows):
    """Linear losses ``<g_t, x>`` whose gradient covariance has a power-law spectrum, ``lambda_i ~ i^-exponent``.

    The g_t have that covariance behind a random rotation, scaled so that ``E |g_t|^2 = 1``; drawn as signs, every g_t
    has length 1.

    Parameters
    ----------
    dimension, horizon
        d and T.
    exponent
        Decay of the eigenvalues; 0 is isotropic.
    draws
        What the coordinates behind the rotation are: ``"signs"`` or ``"normal"``.
    domain
        A ball of radius 1 by default.
    problem_seed
        Draws the rotation.
    """

    name: ClassVar[str] = "spectrum_linear"

    def __init__(
        self,
        dimension: int = 64,
        horizon: int = 4000,
        *,
        exponent: float = 1.0,
        draws: Draws = "signs",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        if exponent < 0.0:
            raise ConfigError(f"exponent must be 0 or more, got {exponent!r}")
        self.exponent = exponent
        eigenvalues = np.arange(1, dimension + 1, dtype=np.float64) ** -exponent
        scales = np.sqrt(eigenvalues / eigenvalues.sum())
        super().__init__(
            scales=scales,
            horizon=horizon,
            domain=domain or Ball(radius=1.0),
            loss=Linear(),
            draws=draws,
            problem_seed=problem_seed,
        )

    def describe(self) -> dict[str, Any]:
        """Name and parameters."""
        return super().describe() | {"exponent": self.exponent}

    @classmethod
    def from_config(cls, *, domain: dict[str, Any] | None = None, **keywords: Any) -> Self:
        """Build from the plain values of a config."""
        return cls(domain=from_config(domain) if domain else None, **keywords)


class IllConditionedRegression(DrawnRows):
    """Noiseless absolute-loss regression on rotated features whose scales span orders of magnitude.

    Feature scales are log-spaced from 1 to ``smallest_scale`` behind a random rotation; the weights to be found are
    inverse to the scales and of unit norm, so the loss sits in the directions that a step size fitted to the large
    ones hardly moves. Full-matrix AdaGrad sees through the rotation, diagonal AdaGrad cannot.

    Parameters
    ----------
    dimension, horizon
        d and T.
    smallest_scale
        Scale of the smallest feature; the largest is 1.
    draws
        What the coordinates behind the rotation are: ``"signs"`` or ``"normal"``.
    domain
        A ball of radius 1, which holds the weights on its boundary, by default.
    problem_seed
        Draws the rotation and the signs of the weights.
    """

    name: ClassVar[str] = "ill_conditioned_regression"

    def __init__(
        self,
        dimension: int = 64,
        horizon: int = 4000,
        *,
        smallest_scale: float = 0.01,
        draws: Draws = "normal",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        if not 0.0 < smallest_scale <= 1.0:
            raise ConfigError(f"smallest_scale must lie in (0, 1], got {smallest_scale!r}")
        self.smallest_scale = smallest_scale
        super().__init__(
            scales=np.geomspace(1.0, smallest_scale, dimension),
            horizon=horizon,
            domain=domain or Ball(radius=1.0),
            loss=Absolute(),
            draws=draws,
            problem_seed=problem_seed,
        )
        signs = np.random.default_rng([problem_seed, 0x5160]).choice((-1.0, 1.0), size=self.dimension)
        inverse = signs / self.scales
        self.weights: Array = self.rotation @ (inverse / np.linalg.norm(inverse))
        """``(d,)``, the unit vector of which every round's target is the margin."""

    def targets(self, rows: Array) -> Array:
        """``<a_t, weights>``."""
        targets: Array = rows @ self.weights
        return targets

    def describe(self) -> dict[str, Any]:
        """Name and parameters."""
        return super().describe() | {"smallest_scale": self.smallest_scale}

    @classmethod
    def from_config(cls, *, domain: dict[str, Any] | None = None, **keywords: Any) -> Self:
        """Build from the plain values of a config."""
        return cls(domain=from_config(domain) if domain else None, **keywords)
