"""The mean loss of a point on a stream that no learner plays."""

from __future__ import annotations

from typing import Any

from oco.domains.base import Domain
from oco.environments.row_stream import RowStream
from oco.errors import ConfigError
from oco.losses.rows import rows_at_once
from oco.types import Array

HELD_OUT_SEED = 0x4E1D0017
"""Seed of the held-out stream, the same in every game. It differs from the seeds of games in use, so an environment
that draws its rounds can be evaluated on an independent stream of itself."""


class HeldOutLoss:
    """``x -> (1/n) sum_t f_t(x)`` over the n losses of an environment.

    Parameters
    ----------
    environment
        An environment whose losses do not depend on the points played. If its rounds are drawn, they are drawn from a
        seed of their own, whatever the seed of the game.
    domain
        Where the points to be evaluated lie.

    Raises
    ------
    ConfigError
        If the losses depend on the points played, or take points of another shape.

    Examples
    --------
    >>> import numpy as np, oco
    >>> losses = oco.environments.LinearLosses(np.array([[1.0, 0.0], [0.0, 3.0]]), domain=oco.Ball(radius=1.0))
    >>> HeldOutLoss(losses, losses.domain)(np.array([1.0, 1.0]))
    2.0
    """

    def __init__(self, environment: Any, domain: Domain) -> None:
        if getattr(environment, "declared_losses", lambda *_: None)(0, 1) is None:
            raise ConfigError(
                f"evaluate takes an environment that declares its losses (declared_losses), got {environment!r}, whose "
                "losses may depend on the points played"
            )
        if environment.domain.shape != domain.shape:
            raise ConfigError(
                f"evaluate takes losses of points of shape {domain.shape}, those of the game, got losses of points of "
                f"shape {environment.domain.shape}"
            )
        self._stream = environment.fresh(HELD_OUT_SEED)

    def __call__(self, point: Array) -> float:
        """The mean loss at ``point``: one pass over the stream."""
        stream = self._stream
        count = int(stream.horizon)
        total = 0.0
        if isinstance(stream, RowStream):
            step = rows_at_once(stream.domain.dimension, sparse=stream.block(0, 1).sparse)
            for start in range(0, count, step):
                block = stream.block(start, min(start + step, count))
                total += float(block.scalar.values_and_derivatives(block.rows @ point, block.targets)[0].sum())
        else:
            stream.restart(HELD_OUT_SEED)
            total = sum(float(stream.reveal(point).value(point)) for _ in range(count))
        return total / count
