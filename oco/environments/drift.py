"""Games with a moving best point, for dynamic regret: the moving comparator and its path length are known."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from oco.domains import Ball
from oco.domains.base import Domain
from oco.environments.base import Environment, Rounds
from oco.environments.drawn import DrawnLosses, Draws, RotatedRows
from oco.environments.motion import MOTIONS, Motion, MotionLike, Phases, Recurring, Rotation, Switches, motion_of
from oco.environments.regression import noisy_targets
from oco.environments.row_data import ROUNDING
from oco.environments.row_stream import RowStream
from oco.errors import ConfigError
from oco.losses.quadratic_terms import TiltedQuadratic
from oco.losses.scalar import ScalarLoss, scalar_loss
from oco.needs import FULL_INFORMATION, PROX
from oco.types import Array

__all__ = [
    "MOTIONS",
    "Drifting",
    "DriftingQuadratic",
    "DriftingRegression",
    "DriftingRows",
    "Motion",
    "MotionLike",
    "Phases",
    "Recurring",
    "Rotation",
    "Switches",
]


class Drifting(Environment):
    """Base class of drifting games, whose comparators u_1, u_2, ... follow from ``problem_seed`` and the motion."""

    motion: Motion
    signal: float
    problem_seed: int

    def comparators(self, start: int, stop: int) -> Array:
        """``(stop - start, d)``: the comparator of rounds ``start`` to ``stop - 1`` (counted from 0)."""
        return self.signal * self.motion.points(np.arange(start, stop), self.domain.dimension, self.problem_seed)

    @property
    def path_length(self) -> float:
        """``sum_t |u_{t+1} - u_t|_2`` over the game."""
        pieces = (self.comparators(start, min(start + 4097, self.horizon)) for start in range(0, self.horizon, 4096))
        return float(sum(np.linalg.norm(np.diff(piece, axis=0), axis=1).sum() for piece in pieces))

    def comparator_losses(self, rounds: Rounds) -> Array:
        """``sum_{s<=t} f_s(u_s)`` for every t in ``rounds``, on the stream that `restart` drew.

        A learner's dynamic regret is its cumulative loss at those rounds minus these values.
        """
        totals = np.cumsum(self._comparator_losses())
        chosen: Array = totals[np.asarray(rounds) - 1]
        return chosen

    @abstractmethod
    def _comparator_losses(self) -> Array:
        """``(T,)``: ``f_t(u_t)``."""

    def describe(self) -> dict[str, Any]:
        """Name and parameters."""
        return super().describe() | {"motion": self.motion.describe(), "signal": self.signal}


class DriftingRows(Drifting, RowStream):
    """Base class of drifting games whose rounds are rows."""

    def _comparator_losses(self) -> Array:
        pieces = []
        for start in range(0, self.horizon, 4096):
            stop = min(start + 4096, self.horizon)
            block = self.block(start, stop)
            rows: Any = block.rows
            margins = np.einsum("ij,ij->i", rows, self.comparators(start, stop))
            pieces.append(self.loss.values_and_derivatives(margins, block.targets)[0])
        return np.concatenate(pieces)


class DriftingRegression(DriftingRows, RotatedRows):
    """Regression or classification whose weights move: ``f_t(x) = phi(<a_t, x>, y_t)`` with ``y_t`` made from u_t.

    Targets are ``<a_t, u_t> + noise v_t`` with v_t uniform of variance 1, or classes from the logistic model. Without
    noise the squared, absolute and Huber losses are zero at u_t, so the total loss is the dynamic regret.

    Parameters
    ----------
    dimension, horizon
        d and T.
    motion
        ``"switches"``, ``"recurring"`` (with ``concepts``), ``"rotation"`` or ``"phases"`` (with ``storm``), each with
        a ``period``; or a motion.
    loss
        Name of a scalar loss, or the loss.
    condition
        Condition number of the features' covariance, as in `NoisyRegression`.
    noise
        Standard deviation of the noise in the targets.
    signal
        Length of every u_t.
    draws
        ``"signs"`` gives rows of length 1 and known constants; with ``"normal"`` nothing is bounded.
    domain
        A ball of radius ``signal`` by default.
    problem_seed
        Draws the rotation and the path. The seed of a stream draws features and noise.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.DriftingRegression(4, 1000, motion={"kind": "rotation", "period": 1000}, noise=0.0)
    >>> round(game.path_length, 2)
    6.28
    """

    name: ClassVar[str] = "drifting_regression"

    def __init__(
        self,
        dimension: int = 16,
        horizon: int = 4000,
        *,
        motion: MotionLike = "switches",
        loss: ScalarLoss | str = "squared",
        condition: float = 1.0,
        noise: float = 0.0,
        signal: float = 1.0,
        draws: Draws = "signs",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        if not (condition >= 1.0 and noise >= 0.0 and signal > 0.0):
            raise ConfigError(
                f"condition must be >= 1, noise >= 0 and signal > 0, got {condition!r}, {noise!r} and {signal!r}"
            )
        self.motion = motion_of(motion, dimension)
        self.condition, self.noise, self.signal = condition, noise, signal
        eigenvalues = np.geomspace(1.0, 1.0 / condition, dimension)
        super().__init__(
            scales=np.sqrt(eigenvalues / eigenvalues.sum()),
            horizon=horizon,
            domain=domain or Ball(radius=signal),
            loss=scalar_loss(loss),
            draws=draws,
            problem_seed=problem_seed,
        )
        self.largest_target = signal + np.sqrt(3.0) * noise

    def _draw_targets(self, rows: Array, rounds: Rounds, generator: np.random.Generator) -> Array:
        weights = self.signal * self.motion.points(rounds, self.dimension, self.problem_seed)
        return noisy_targets(np.einsum("ij,ij->i", rows, weights), self.noise, self.loss, generator)


class DriftingQuadratic(Drifting, DrawnLosses):
    """Tracking a moving point: ``f_t(x) = |x - u_t|^2 / 2 + noise <v_t, x>`` with v_t uniform on the sphere.

    Every loss is 1-strongly convex. Without noise, u_t is its minimizer.

    Parameters
    ----------
    dimension, horizon, motion, signal, problem_seed
        As in `DriftingRegression`.
    noise
        Length of the random slope of a loss.
    domain
        A ball of radius ``signal`` by default (``G = R + signal + noise``).

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.DriftingQuadratic(4, 1000, motion={"kind": "recurring", "period": 250, "concepts": 2})
    >>> target = game.comparators(0, 1)[0]
    >>> float(abs(game.reveal(target).gradient(target)).max())
    0.0
    """

    name: ClassVar[str] = "drifting_quadratic"

    def __init__(
        self,
        dimension: int = 16,
        horizon: int = 4000,
        *,
        motion: MotionLike = "switches",
        noise: float = 0.0,
        signal: float = 1.0,
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        if dimension < 1 or horizon < 1:
            raise ConfigError(f"dimension and horizon must be at least 1, got {dimension} and {horizon}")
        if noise < 0.0 or signal <= 0.0:
            raise ConfigError(f"noise must be >= 0 and signal > 0, got {noise!r} and {signal!r}")
        self._dimension, self.motion = dimension, motion_of(motion, dimension)
        self.horizon, self.noise, self.signal, self.problem_seed = horizon, noise, signal, problem_seed
        self.domain = (domain or Ball(radius=signal)).with_shape((dimension,))
        self.restart(0)

    @property
    def gives(self) -> tuple[str, ...]:
        """Everything that whole losses tell, and their proximal steps."""
        return (*FULL_INFORMATION, PROX)

    def loss_at(self, round_index: int) -> TiltedQuadratic:
        """The loss of round ``round_index`` (counted from 0)."""
        center = self.comparators(round_index, round_index + 1)[0]
        direction = self._generator(round_index).standard_normal(center.size)
        return TiltedQuadratic(1.0, center, self.noise / np.linalg.norm(direction) * direction)

    def _comparator_losses(self) -> Array:
        points = (self.comparators(t, t + 1)[0] for t in range(self.horizon))
        return np.array([self.loss_at(t).value(point) for t, point in enumerate(points)])

    @property
    def strong_convexity(self) -> float:
        """1."""
        return 1.0

    @property
    def gradient_bound(self) -> float | None:
        """``R + signal + noise`` on a bounded domain, where R is the largest norm of a point."""
        return (self.domain.radius("l2") + self.signal + self.noise) * ROUNDING if self.domain.bounded else None

    @property
    def exp_concavity(self) -> float | None:
        """``1 / G^2`` if there is a gradient bound G."""
        bound = self.gradient_bound
        return None if bound is None else 1.0 / bound**2
