"""Regression and classification on random features that are ill-conditioned and randomly rotated."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import scipy  # its special functions are loaded when they are first used

from oco.domains import Ball
from oco.domains.base import Domain
from oco.environments.base import Rounds
from oco.environments.drawn import Draws, RotatedRows, random_direction
from oco.errors import ConfigError
from oco.losses.scalar import Absolute, ScalarLoss, scalar_loss
from oco.types import Array


class IllConditionedRegression(RotatedRows):
    """Noiseless absolute-loss regression on rotated features whose scales span orders of magnitude.

    ``f_t(x) = |<a_t, x> - <a_t, w>|``. Feature scales are log-spaced from 1 to ``smallest_scale`` behind a random
    rotation. The weights w are inverse to the scales and of unit norm, so most of the loss lies in directions in which
    a learning rate fitted to the large features makes little progress. Full-matrix AdaGrad adapts to the rotated
    directions, diagonal AdaGrad cannot.

    Parameters
    ----------
    dimension, horizon
        d and T.
    smallest_scale
        Scale of the smallest feature; the largest is 1.
    draws
        Distribution of the coordinates behind the rotation: ``"normal"``, or ``"signs"`` for rows of equal length, so
        that the gradient bound ``G = |scales|_2`` holds.
    domain
        A ball of radius 1, which holds the weights on its boundary, by default.
    problem_seed
        Draws the rotation and the signs of the weights. The seed of a stream draws the features.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.IllConditionedRegression(8, 100)
    >>> float(abs(game.block(0, 3).rows @ game.weights - game.block(0, 3).targets).max()) < 1e-14
    True
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
        self.weights: Array = self.rotation @ inverse_weights(self.scales, problem_seed)
        """``(d,)``, the unit vector w whose margins are the targets."""
        self.largest_target = float(np.linalg.norm(self.scales))

    def _draw_targets(self, rows: Array, rounds: Rounds, generator: np.random.Generator) -> Array:
        targets: Array = rows @ self.weights
        return targets


class NoisyRegression(RotatedRows):
    """Linear or logistic regression with noise, on features whose covariance has a chosen condition number.

    Targets are ``<a_t, w> + noise u_t`` with u_t uniform of variance 1, or, where the loss is for classes, +1 with
    probability ``1 / (1 + exp(-<a_t, w>))`` and -1 otherwise. The covariance of the features has eigenvalues log-spaced
    from 1 to ``1 / condition`` behind a random rotation, scaled to sum to 1.

    Parameters
    ----------
    dimension, horizon
        d and T.
    loss
        Name of a scalar loss, or the loss: ``"squared"``, ``"absolute"``, ``"huber"``, ``"logistic"``, ``"hinge"``, ...
    condition
        Condition number of the covariance of the features, at least 1.
    noise
        Standard deviation of the noise in the targets; unused for classes, which are random already.
    signal
        Length of the weights w: how strongly targets depend on the features.
    draws
        ``"signs"`` gives rows of length 1 and known constants (G, alpha); with ``"normal"`` nothing is bounded.
    domain
        A ball of radius ``2 signal`` by default.
    problem_seed
        Draws the rotation and w. The seed of a stream draws features and noise.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.NoisyRegression(8, 100, loss="logistic", condition=1000.0, signal=5.0)
    >>> round(game.gradient_bound, 3)
    1.0
    """

    name: ClassVar[str] = "noisy_regression"

    def __init__(
        self,
        dimension: int = 32,
        horizon: int = 4000,
        *,
        loss: ScalarLoss | str = "squared",
        condition: float = 100.0,
        noise: float = 0.1,
        signal: float = 1.0,
        draws: Draws = "signs",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        if not (condition >= 1.0 and np.isfinite(condition)):
            raise ConfigError(f"condition must be a number >= 1, got {condition!r}")
        if noise < 0.0 or signal <= 0.0:
            raise ConfigError(f"noise must be >= 0 and signal > 0, got {noise!r} and {signal!r}")
        self.condition, self.noise, self.signal = condition, noise, signal
        eigenvalues = np.geomspace(1.0, 1.0 / condition, dimension)
        super().__init__(
            scales=np.sqrt(eigenvalues / eigenvalues.sum()),
            horizon=horizon,
            domain=domain or Ball(radius=2.0 * signal),
            loss=scalar_loss(loss),
            draws=draws,
            problem_seed=problem_seed,
        )
        self.weights: Array = signal * random_direction(dimension, problem_seed, 0x5160)
        """``(d,)``, the weights that targets depend on."""
        self.largest_target = signal + np.sqrt(3.0) * noise

    def _draw_targets(self, rows: Array, rounds: Rounds, generator: np.random.Generator) -> Array:
        return noisy_targets(rows @ self.weights, self.noise, self.loss, generator)


def inverse_weights(scales: Array, problem_seed: int) -> Array:
    """The unit vector inverse to ``scales`` with signs that ``problem_seed`` draws."""
    signs = np.random.default_rng([problem_seed, 0x5160]).choice((-1.0, 1.0), size=scales.size)
    weights: Array = signs / scales
    return weights / np.linalg.norm(weights)


def noisy_targets(margins: Array, noise: float, loss: ScalarLoss, generator: np.random.Generator) -> Array:
    """Targets for ``margins``: classes drawn from the logistic model, or the margins plus uniform noise."""
    uniform = generator.random(margins.size)
    if loss.binary:
        return np.where(uniform < scipy.special.expit(margins), 1.0, -1.0)
    targets: Array = margins + noise * np.sqrt(3.0) * (2.0 * uniform - 1.0)
    return targets
