"""Streams of generalized linear losses: environments whose rounds are rows, known in advance and played in blocks."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from oco.environments.base import Environment
from oco.errors import ProtocolError
from oco.losses.rows import RowBlock, RowLoss, dense_row
from oco.losses.scalar import ScalarLoss
from oco.needs import FULL_INFORMATION, PROX, ROW
from oco.types import Array

if TYPE_CHECKING:
    from oco.comparators import Losses


class RowStream(Environment):
    """Round t reveals ``phi(<a_t, x>, y_t)``, and `block` returns any consecutive rounds at once.

    Compiled loops play the blocks, and solvers read them to find comparators, so no T x d array is needed.
    """

    loss: ScalarLoss
    """The loss phi of the margin and the target."""

    _next: int = 0

    @property
    def gives(self) -> tuple[str, ...]:
        """Everything that whole losses tell, their proximal steps, and the row before play."""
        return (*FULL_INFORMATION, PROX, ROW)

    @abstractmethod
    def block(self, start: int, stop: int) -> RowBlock:
        """Rounds ``start`` to ``stop - 1`` (counted from 0) of the stream that `restart` drew."""

    def restart(self, seed: int) -> None:
        """Go back before round 1; a subclass draws its stream from ``seed`` here."""
        self._next = 0

    def reveal(self, point: Array) -> RowLoss:
        """The loss of this round."""
        if self._next >= self.horizon:
            raise ProtocolError(f"{type(self).__name__} has {self.horizon} rounds and all of them were played")
        block = self.block(self._next, self._next + 1)
        self._next += 1
        return RowLoss(self.loss, dense_row(block.rows, 0).copy(), block.targets[0])

    def row(self, round_index: int) -> Array:
        """``(d,)``: the row of a round (counted from 0), for learners that see it before they play."""
        return dense_row(self.block(round_index, round_index + 1).rows, 0).copy()

    def declared_losses(self, start: int, stop: int) -> Losses:
        """The stream itself if ``start`` is 0, since it need not fit into memory; else a block."""
        return self if start == 0 else self.block(start, stop)

    def describe(self) -> dict[str, Any]:
        """Name and parameters."""
        parameter = {"loss_parameter": self.loss.parameter} if self.loss.parameter else {}
        return super().describe() | {"loss": self.loss.name} | parameter

    def _check_range(self, start: int, stop: int) -> None:
        if not 0 <= start < stop <= self.horizon:
            raise ProtocolError(
                f"{type(self).__name__}.block needs 0 <= start < stop <= {self.horizon}, got {start} and {stop}"
            )
