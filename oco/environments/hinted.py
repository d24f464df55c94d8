"""Hints: a guess of the coming gradient, shown before play."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from oco.environments.row_stream import RowStream
from oco.environments.wrapper import Wrapper, innermost
from oco.errors import ConfigError
from oco.losses.base import Loss
from oco.losses.rows import RowLoss, dense_row
from oco.needs import HINT
from oco.types import Array


class Hinted(Wrapper):
    """Before play, learners that want one are shown a hint m_t of the coming gradient g_t.

    Parameters
    ----------
    environment
        The environment whose gradients are guessed.
    hint
        ``"last"``: the gradient that was shown last, zero in round 1. ``"future+noise"``: the gradient of the coming
        loss at the point played before, or at the domain's start, plus normal noise; for losses that do not depend on
        the points played.
    noise
        Root of the mean squared norm of the noise; with 0 the hint of a linear loss is perfect.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.Hinted(oco.environments.SpectrumLinear(4, 100), hint="last")
    >>> "a hint of the coming gradient" in game.gives
    True
    """

    name = "hinted"

    def __init__(self, environment: Any, hint: Literal["last", "future+noise"] = "last", noise: float = 0.0) -> None:
        super().__init__(environment)
        if hint not in ("last", "future+noise"):
            raise ConfigError(f'hint must be "last" or "future+noise", got {hint!r}')
        if not 0.0 <= noise < np.inf:
            raise ConfigError(f"noise of a hint must be a number of 0 or more, got {noise!r}")
        self.hint = hint
        self.noise = noise
        self.restart(0)
        if hint == "future+noise":
            self._coming(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1 of the stream of ``seed``, which draws the noise too."""
        super().restart(seed)
        self._seed = seed

    @property
    def gives(self) -> tuple[str, ...]:
        """What the environment inside gives, and a hint."""
        return (*self.given_inside, HINT)

    def hint_of(self, round_index: int, point: Array, gradient: Array) -> Array:
        """m_t of a round (counted from 0), given the ``point`` played last and the ``gradient`` shown last."""
        if self.hint == "last":
            return gradient.copy()
        generator = np.random.default_rng([self._seed, round_index, 0x4117])
        noise = self.noise * generator.standard_normal(self.domain.shape) / np.sqrt(self.domain.dimension)
        coming: Array = self._coming(round_index).gradient(point) + noise
        return coming

    def _coming(self, round_index: int) -> Loss:
        stream = innermost(self)
        if isinstance(stream, RowStream):
            block = stream.block(round_index, round_index + 1)
            return RowLoss(stream.loss, dense_row(block.rows, 0), block.targets[0])
        losses: Any = self.declared_losses(round_index, round_index + 1)
        if not isinstance(losses, list):
            raise ConfigError(f"a hint of the future needs losses that are known ahead, which {stream!r} does not give")
        coming: Loss = losses[0]
        return coming
