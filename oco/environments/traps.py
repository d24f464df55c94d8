"""Games that defeat learners with a known fault: following the leader, not projecting, projecting in a wrong norm."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from oco.domains import Ball
from oco.environments.base import Rounds
from oco.environments.drawn import DrawnLosses, DrawnRows, random_direction
from oco.environments.row_data import ROUNDING
from oco.errors import ConfigError
from oco.losses.base import Loss
from oco.losses.scalar import Linear
from oco.types import Array


class FollowTheLeaderTrap(DrawnRows):
    """Alternating linear losses, for which the best point so far is the worst next point: regret ``R (T - 1/2)``.

    ``f_1(x) = <v, x> / 2``, then ``-<v, x>`` and ``<v, x>`` in turn, v a unit vector. The leader is at one end of the
    ball and loses R in every round from the second on, while the best fixed point has a loss of -R/2 at the end. A
    learner with regularization stays near the middle and has regret of order ``sqrt(T)``.

    Parameters
    ----------
    dimension, horizon
        d and T.
    radius
        R, of a ball around the origin.
    problem_seed
        Draws v. The seed of a stream draws the sign of all its losses.

    Notes
    -----
    G = 1, D = 2R. The example is in Shalev-Shwartz, Online Learning and Online Convex Optimization (2012), Example 2.2.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.FollowTheLeaderTrap(1, 4)
    >>> (game.block(0, 4).rows[:, 0] / game.block(0, 1).rows[0, 0] * 0.5).round(9)
    array([ 0.5, -1. ,  1. , -1. ])
    """

    name: ClassVar[str] = "follow_the_leader_trap"

    def __init__(self, dimension: int = 2, horizon: int = 1000, *, radius: float = 1.0, problem_seed: int = 0) -> None:
        self._radius = radius
        super().__init__(
            dimension=dimension,
            horizon=horizon,
            domain=Ball(radius=radius),
            loss=Linear(),
            problem_seed=problem_seed,
        )
        self.direction: Array = random_direction(dimension, problem_seed, 0xF71)
        """v, ``(d,)``."""

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Array, Array]:
        side = np.random.default_rng([self.problem_seed, self._seed, 0x51DE]).choice((-1.0, 1.0))
        sizes = np.where(rounds == 0, 0.5, np.where(rounds % 2 == 0, 1.0, -1.0))
        return side * sizes[:, None] * self.direction, np.zeros(rounds.size)

    @property
    def gradient_bound(self) -> float:
        """1."""
        return ROUNDING


class CliffLoss(Loss):
    """``f(x) = -<v, x> + steepness max(0, <v, x> - edge)``: a small slope up to the edge, a steep one after it."""

    def __init__(self, direction: Array, edge: float, steepness: float) -> None:
        self.direction, self.edge, self.steepness = direction, edge, steepness

    def value(self, point: Array) -> float:
        """``-<v, x> + steepness max(0, <v, x> - edge)``."""
        height = float(self.direction @ point)
        return -height + self.steepness * max(0.0, height - self.edge)

    def gradient(self, point: Array) -> Array:
        """``-v``, or ``(steepness - 1) v`` behind the edge."""
        behind = float(self.direction @ point) > self.edge
        gradient: Array = (self.steepness - 1.0 if behind else -1.0) * self.direction
        return gradient


class UnprojectedTrap(DrawnLosses):
    """Losses that decrease toward a cliff just outside the ball, which defeats learners that do not project.

    ``f_t(x) = -<v, x> + sqrt(T) max(0, <v, x> - 1.1 R)``. On the ball it is ``-<v, x>``, G = 1, and the best point is
    ``R v``. A learner that does not project steps over the edge. The gradients there, of size ``sqrt(T)``, move it back
    so far or shrink its later steps so much that its regret grows linearly.

    Parameters
    ----------
    dimension, horizon
        d and T.
    radius
        R, of a ball around the origin.
    problem_seed
        Draws v, together with the seed of a stream.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.UnprojectedTrap(2, 100)
    >>> loss = game.loss_at(0)
    >>> round(loss.value(2.0 * loss.direction), 6)
    7.0
    """

    name: ClassVar[str] = "unprojected_trap"

    def __init__(self, dimension: int = 2, horizon: int = 1000, *, radius: float = 1.0, problem_seed: int = 0) -> None:
        if dimension < 1 or horizon < 1:
            raise ConfigError(f"dimension and horizon must be at least 1, got {dimension} and {horizon}")
        self.horizon, self.problem_seed = horizon, problem_seed
        self._dimension, self._radius = dimension, radius
        self.domain: Ball = Ball(radius=radius).with_shape((dimension,))
        self.restart(0)

    def loss_at(self, round_index: int) -> CliffLoss:
        """The loss of every round."""
        direction = random_direction(self.domain.dimension, self.problem_seed, self._seed, 0xC11F)
        return CliffLoss(direction, 1.1 * self.domain.radius("l2"), float(np.sqrt(self.horizon)))

    @property
    def gradient_bound(self) -> float:
        """1, on the domain."""
        return ROUNDING


class WrongProjectionTrap(DrawnRows):
    """Linear losses on which preconditioned steps with the *Euclidean* projection converge to a wrong point.

    ``g_t = (1, 1 + spread xi_t) / G`` with fair coins xi: the mean points along (1, 1), and the second coordinate is
    noisy, so AdaGrad's matrix is about ``diag(1, sqrt(1 + spread^2))`` and its steps point along
    ``(1, 1 / sqrt(1 + spread^2))``. On the boundary of the ball the Euclidean projection stops where the *step* is
    normal to it, which costs ``R (sqrt(2) - 1) / G`` a round as spread grows; the projection in the learner's own norm
    stops where the *gradient* is.

    Parameters
    ----------
    horizon
        T.
    spread
        Size of the noise in the second coordinate.
    radius
        R, of a ball around the origin in two dimensions.

    Notes
    -----
    The seed of a stream draws the coins. The losses are scaled to G = 1; D = 2R.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.WrongProjectionTrap(100)
    >>> round(float(abs(game.block(0, 100).rows[:, 1]).max()), 3)
    0.981
    """

    name: ClassVar[str] = "wrong_projection_trap"

    def __init__(self, horizon: int = 4000, *, spread: float = 4.0, radius: float = 1.0) -> None:
        if not (spread >= 0.0 and np.isfinite(spread)):
            raise ConfigError(f"spread must be a number >= 0, got {spread!r}")
        self.spread, self._radius = spread, radius
        super().__init__(dimension=2, horizon=horizon, domain=Ball(radius=radius), loss=Linear(), problem_seed=0)

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Array, Array]:
        coins = generator.integers(0, 2, rounds.size) * 2.0 - 1.0
        rows = np.column_stack([np.ones(rounds.size), 1.0 + self.spread * coins])
        return rows / np.hypot(1.0, 1.0 + self.spread), np.zeros(rounds.size)

    @property
    def gradient_bound(self) -> float:
        """1."""
        return ROUNDING
