"""The base class of observers, which process rounds, and produce columns at checkpoints and final numbers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from oco.learners.base import Learner, Problem
from oco.losses.rows import RowBlock
from oco.snapshot import capture, restore
from oco.types import Array

Columns = dict[str, float]
"""One number for each curve, at a checkpoint."""

Curves = dict[str, Array]
"""The numbers of every checkpoint, by the name of the curve."""

Scalars = dict[str, float | int | str | bool | None]
"""Final numbers and facts, by name."""


@dataclass
class Clock:
    """Seconds spent, by part of the game."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the run time of the ``with`` block to ``part``."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - began


@dataclass(frozen=True)
class Game:
    """The data shared by all observers: the stream, the learner, the checkpoints and the clock."""

    stream: Any
    player: Learner
    problem: Problem
    rounds: np.ndarray[Any, np.dtype[np.int64]]
    clock: Clock


class Observer(ABC):
    """Watches one aspect of a game.

    `observe_block`, `observe_round` and `checkpoint` do nothing by default, so an observer overrides only those that it
    needs. Everything that changes during the game is in ``state``, a plain record that `snapshot` copies and `restore`
    puts back. An observer with further data extends both.
    """

    state: Any = None

    def observe_block(self, block: RowBlock, margins: Array, losses: Array, slopes: Array) -> None:
        """Process consecutive rounds of a stream of rows."""
        return

    def observe_round(self, loss: Any, value: float, gradient: Array, point: Array) -> None:
        """Process one round: the loss, with its value and its gradient at the point played."""
        return

    def checkpoint(self, round_index: int) -> Columns:
        """Columns of the checkpoint after ``round_index`` rounds."""
        return {}

    @abstractmethod
    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """More curves, and the final numbers, once ``curves`` holds the columns of every checkpoint."""

    def snapshot(self) -> Any:
        """A copy of the state as plain values."""
        return capture(self.state)

    def restore(self, snapshot: Any) -> None:
        """Restore a state from `snapshot`."""
        self.state = restore(self.state, snapshot)
