"""Bandit feedback: the values of the loss at the points played, and nothing else."""

from __future__ import annotations

from typing import Any

from oco.environments.wrapper import Wrapper
from oco.errors import ConfigError
from oco.needs import ONE_VALUE, PROMPT, TWO_VALUES


class Bandit(Wrapper):
    """Learners are shown the value of the loss at one point a round, or at two, and neither gradients nor losses.

    Parameters
    ----------
    environment
        The environment whose losses are hidden.
    points
        1, or 2 for learners that may play two points a round and suffer the mean of the two losses.

    Notes
    -----
    A game without this wrapper can be played by learners of values too, and by learners of gradients besides, which
    shows what the missing information costs. The wrapper rejects learners that need more than values.

    Examples
    --------
    >>> import oco
    >>> oco.environments.Bandit(oco.environments.ExpertAdvice(3, 10)).gives
    ('one value of the loss', 'feedback in the round it is about')
    """

    name = "bandit"

    def __init__(self, environment: Any, points: int = 1) -> None:
        super().__init__(environment)
        if points not in (1, 2) or isinstance(points, bool):
            raise ConfigError(f"points of Bandit must be 1 or 2, got {points!r}")
        self.points = points
        self.restart(0)

    @property
    def gives(self) -> tuple[str, ...]:
        """Values, promptly if the environment inside is prompt."""
        values = (ONE_VALUE,) if self.points == 1 else (ONE_VALUE, TWO_VALUES)
        return (*values, *(word for word in self.given_inside if word == PROMPT))
