"""Observes the size of the learner's state: its peak, its final size, and the size that the learner states."""

from __future__ import annotations

from dataclasses import dataclass

from oco.learners.base import state_bytes, state_floats
from oco.tracking.observer import Columns, Curves, Game, Observer, Scalars


@dataclass
class PeakMemory:
    """Largest number of floats in the state, over the start and the checkpoints so far."""

    floats: int


class MemoryObserver(Observer):
    """Counts the numbers in the learner's state at checkpoints."""

    state: PeakMemory

    def __init__(self, game: Game) -> None:
        self._game = game
        self.state = PeakMemory(state_floats(game.player.state))

    def checkpoint(self, round_index: int) -> Columns:
        """Count the numbers in the state."""
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
