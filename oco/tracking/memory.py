"""Observes the learner's state: how many numbers it holds, at most and at the end, and how many it claims."""

from __future__ import annotations

from dataclasses import dataclass

from oco.learners.base import state_bytes, state_floats
from oco.tracking.observer import Columns, Curves, Game, Observer, Scalars


@dataclass
class PeakMemory:
    """The most numbers that the state held at the start and at the checkpoints so far."""

    floats: int


class MemoryObserver(Observer):
    """Counts the learner's state at checkpoints."""

    state: PeakMemory

    def __init__(self, game: Game) -> None:
        self._game = game
        self.state = PeakMemory(state_floats(game.player.state))

    def checkpoint(self, round_index: int) -> Columns:
        """Numbers in the state."""
        floats = state_floats(self._game.player.state)
        self.state.floats = max(self.state.floats, floats)
        return {"state_floats": floats}

    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """Numbers and bytes in the state, and the learner's own formula."""
        player = self._game.player
        claimed = player.memory(self._game.problem)
        return {}, {
            "state_floats": state_floats(player.state),
            "state_bytes": state_bytes(player.state),
            "peak_state_floats": self.state.floats,
            "memory_formula": None if claimed is None else claimed.formula,
            "memory_floats": None if claimed is None else claimed.floats,
        }
