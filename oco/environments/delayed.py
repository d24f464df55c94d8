"""Feedback that arrives late: after a fixed number of rounds, a random one, or given ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from oco.environments.base import Rounds
from oco.environments.wrapper import Wrapper
from oco.errors import ConfigError
from oco.needs import PROMPT


class Delayed(Wrapper):
    """The feedback of round t arrives at the end of round ``t + d_t``, and not at all after the last round.

    Parameters
    ----------
    environment
        The environment whose feedback is delayed.
    delay
        ``d_t``: a number of rounds, ``"geometric"`` for independent draws, or a list of numbers, repeated where it is
        shorter than the game. Feedback may overtake other feedback.
    mean
        Mean of geometric delays.

    Notes
    -----
    Any learner whose needs allow it is played: its ``update`` is called when feedback arrives, zero or more times a
    round. Feedback that arrives in one round is handed out in the order of the rounds that it is about.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.Delayed(oco.environments.SpectrumLinear(4, 100), delay=3)
    >>> game.total_delay(100)
    294
    """

    name = "delayed"

    def __init__(
        self, environment: Any, delay: int | Literal["geometric"] | Sequence[int] = 1, mean: float = 5.0
    ) -> None:
        super().__init__(environment)
        given = [delay] if isinstance(delay, (int, np.integer)) else delay
        if isinstance(delay, bool) or (isinstance(delay, str) and delay != "geometric") or not len(given):
            raise ConfigError(f'delay must be a number of rounds, "geometric" or a list of numbers, got {delay!r}')
        if not isinstance(delay, str) and any(not isinstance(d, (int, np.integer)) or d < 0 for d in given):
            raise ConfigError(f"delays must be whole numbers of 0 or more, got {delay!r}")
        if not 0.0 <= mean < np.inf:
            raise ConfigError(f"mean of geometric delays must be a number of 0 or more, got {mean!r}")
        self.delay = delay
        self.mean = mean
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1 of the stream of ``seed``, which draws geometric delays too."""
        super().restart(seed)
        self.delays: Rounds
        """``(T,)``: ``d_t``."""
        if isinstance(self.delay, str):
            generator = np.random.default_rng([seed, 0xDE1A])
            self.delays = generator.geometric(1.0 / (1.0 + self.mean), self.horizon).astype(np.int64) - 1
        else:
            self.delays = np.resize(np.asarray(self.delay, dtype=np.int64), self.horizon)

    @property
    def gives(self) -> tuple[str, ...]:
        """What the environment inside gives; not promptly if any delay is positive."""
        late = bool(self.delays.any())
        return tuple(word for word in self.given_inside if word != PROMPT or not late)

    def total_delay(self, rounds: int) -> int:
        """``sum_{t <= T} min(d_t, T - t)`` for T ``rounds``: every round counts the feedback that is missing then."""
        left = rounds - 1 - np.arange(rounds)
        return int(np.minimum(self.delays[:rounds], left).sum())
