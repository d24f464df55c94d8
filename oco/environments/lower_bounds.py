"""Adversaries that attain the lower bounds, up to a constant, against every learner."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from oco.domains import Ball, Simplex
from oco.environments.base import Environment, Rounds
from oco.environments.drawn import DrawnRows
from oco.environments.row_data import ROUNDING, unit_rows
from oco.errors import ConfigError, ProtocolError
from oco.losses.rows import RowLoss
from oco.losses.scalar import Linear
from oco.types import Array


class AdaptiveBallLowerBound(Environment):
    """An adaptive adversary that forces regret of exactly ``R sqrt(T)`` on every learner, on a ball of radius R.

    ``f_t(x) = <g_t, x>`` with a random unit vector g_t orthogonal to x_t and to ``S_{t-1} = g_1 + ... + g_{t-1}``. The
    learner's loss is 0 in every round and ``|S_T| = sqrt(T)``, so the best fixed point has loss ``-R sqrt(T)``. That is
    the minimax regret of the game (Abernethy, Bartlett, Rakhlin, Tewari, COLT 2008): with D = 2R, ``D G sqrt(T) / 2``.

    Parameters
    ----------
    dimension
        d >= 3, so that there is room for an orthogonal vector.
    horizon
        T.
    radius
        R, of a ball around the origin.

    Notes
    -----
    The seed of a stream draws g_t among the unit vectors that are orthogonal to both. G = 1.

    Examples
    --------
    >>> import numpy as np, oco
    >>> game = oco.environments.AdaptiveBallLowerBound(3, 10)
    >>> point = np.array([0.0, 0.6, 0.0])
    >>> bool(abs(game.reveal(point).value(point)) < 1e-15)
    True
    """

    name: ClassVar[str] = "adaptive_ball_lower_bound"

    def __init__(self, dimension: int = 16, horizon: int = 1000, *, radius: float = 1.0) -> None:
        if dimension < 3:
            raise ConfigError(f"the adaptive adversary on the ball needs dimension >= 3, got {dimension}")
        if horizon < 1:
            raise ConfigError(f"horizon must be at least 1, got {horizon}")
        self.dimension, self.horizon, self._radius = dimension, horizon, radius
        self.domain: Ball = Ball(radius=radius).with_shape((dimension,))
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1 and forget what was played."""
        self._generator = np.random.default_rng([seed, 0xBA11])
        self._sum: Array = np.zeros(self.dimension)
        self._next = 0

    def reveal(self, point: Array) -> RowLoss:
        """A linear loss whose gradient is orthogonal to ``point`` and to the sum of those before."""
        if self._next >= self.horizon:
            raise ProtocolError(f"{type(self).__name__} has {self.horizon} rounds and all of them were played")
        self._next += 1
        first = _unit(point)
        second = _unit_orthogonal(_unit(self._sum), first)
        gradient = _unit_orthogonal(self._generator.standard_normal(self.dimension), first, second)
        self._sum = self._sum + gradient
        return RowLoss(Linear(), gradient, 0.0)

    @property
    def gradient_bound(self) -> float:
        """1."""
        return ROUNDING


class BallLowerBound(DrawnRows):
    """Linear losses with g_t uniform on the unit sphere: expected regret about ``R sqrt(T)`` for every learner.

    For every learner ``E <g_t, x_t> = 0``, and ``E |g_1 + ... + g_T|`` is between ``sqrt(2 T / pi)`` (d = 1, T large)
    and ``sqrt(T)`` (d large). The adversary is oblivious: it draws all losses in advance.

    Parameters
    ----------
    dimension, horizon
        d and T.
    radius
        R, of a ball around the origin.

    Notes
    -----
    The seed of a stream draws the g_t. G = 1, D = 2R.

    Examples
    --------
    >>> import numpy as np, oco
    >>> block = oco.environments.BallLowerBound(4, 100).block(0, 100)
    >>> bool(np.allclose(np.linalg.norm(block.rows, axis=1), 1.0))
    True
    """

    name: ClassVar[str] = "ball_lower_bound"

    def __init__(self, dimension: int = 16, horizon: int = 1000, *, radius: float = 1.0) -> None:
        self._radius = radius
        super().__init__(
            dimension=dimension, horizon=horizon, domain=Ball(radius=radius), loss=Linear(), problem_seed=0
        )

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Array, Array]:
        rows: Array = generator.standard_normal((rounds.size, self.dimension))
        return unit_rows(rows), np.zeros(rounds.size)

    @property
    def gradient_bound(self) -> float:
        """1."""
        return ROUNDING


class SimplexLowerBound(DrawnRows):
    """Linear losses on the simplex whose d entries are fair coins -1 or +1: expected regret of order ``sqrt(T log d)``.

    For every learner the expected loss is 0, and the best of d random walks is at about ``-sqrt(2 T log d)`` for large
    d and T (Cesa-Bianchi and Lugosi 2006, Theorem 3.7), and at ``-0.68 sqrt(T log d)`` already for d = 2.

    Parameters
    ----------
    dimension, horizon
        d >= 2 experts and T.

    Notes
    -----
    The seed of a stream draws the coins. ``G = sqrt(d)`` in the l2 norm; entries are at most 1.

    Examples
    --------
    >>> import numpy as np, oco
    >>> block = oco.environments.SimplexLowerBound(4, 100).block(0, 100)
    >>> np.unique(block.rows)
    array([-1.,  1.])
    """

    name: ClassVar[str] = "simplex_lower_bound"

    def __init__(self, dimension: int = 16, horizon: int = 1000) -> None:
        if dimension < 2:
            raise ConfigError(f"the adversary on the simplex needs dimension >= 2, got {dimension}")
        super().__init__(dimension=dimension, horizon=horizon, domain=Simplex(), loss=Linear(), problem_seed=0)

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Array, Array]:
        coins: Array = generator.integers(0, 2, (rounds.size, self.dimension)).astype(np.float64)
        return 2.0 * coins - 1.0, np.zeros(rounds.size)

    @property
    def gradient_bound(self) -> float:
        """``sqrt(d)``."""
        return float(np.sqrt(self.dimension)) * ROUNDING

    @property
    def gradient_entry_bound(self) -> float:
        """1."""
        return 1.0


def _unit(vector: Array) -> Array:
    length = float(np.linalg.norm(vector))
    unit: Array = vector / length if length > 0.0 else vector
    return unit


def _unit_orthogonal(vector: Array, *directions: Array) -> Array:
    """``vector`` projected off the orthonormal ``directions`` and normalized; zero if only rounding is left."""
    rest = vector
    for _ in range(2):  # the second time removes rounding errors
        for direction in directions:
            rest = rest - (rest @ direction) * direction
        if np.linalg.norm(rest) <= 1e-12 * np.linalg.norm(vector):
            return np.zeros_like(vector)
        rest = _unit(rest)
    return rest
