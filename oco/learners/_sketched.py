"""Learners that are preconditioned by a sketch: state, round by round play, streams, memory."""

from __future__ import annotations

import numbers as number_types
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from oco.compile import entry_point
from oco.domains._vectors import euclidean_norm
from oco.domains.metrics import LowRankPlusScaledIdentity
from oco.errors import ConfigError
from oco.learners._anchored import Anchorage
from oco.learners._block_ahead import Room, block_length, play_stream
from oco.learners._common import flat_gradient, refuse
from oco.learners._preconditioner import preconditioner
from oco.learners._records import Moving, Recipe, Stream
from oco.learners._sketched_rounds import play_round
from oco.learners.base import Learner, Memory, Problem
from oco.losses.rows import BlockOutcome, RowBlock
from oco.sketching.numerics import INSIDE_SPAN
from oco.sketching.state import SketchState, default_buffer, rotates_every_round
from oco.types import Array


def checked_buffer(learner: str, buffer: Any) -> int | None:
    """``buffer`` as an int or None; `ConfigError` unless it is an integer that is not negative."""
    if buffer is None:
        return None
    if not isinstance(buffer, number_types.Integral) or isinstance(buffer, bool) or buffer < 0:
        raise ConfigError(f"buffer of {learner} must be 0 or a positive integer, got {buffer!r}")
    return int(buffer)


@dataclass
class SketchedState:
    """The point that is played, the sketch, and a vector beside the point.

    ``offset`` is the point less the centre of a ball where that is not the origin, ``gradient_sum`` the sum of all
    gradients of a learner that averages; both are None otherwise.
    """

    point: Array
    sketch: SketchState
    offset: Array | None = None
    gradient_sum: Array | None = None


class SketchedLearner(Learner):
    """A learner of the family in `oco.learners._preconditioner`: a subclass names its parameters and its bound.

    The rounds, the sketch and the projections are here, once for all of them.
    """

    rank: Any
    buffer: int | None
    _averaging: ClassVar[bool] = False
    """Whether steps are taken from the sum of all gradients (dual averaging) rather than from the point."""
    state: SketchedState
    _held: tuple[SketchedState, Callable[..., bool], tuple[Any, ...]] | None = None

    @abstractmethod
    def _family(self, problem: Problem, radius: float) -> Recipe:
        """The recipe of this learner, for a ball of ``radius`` around the start (infinite: none)."""

    def _rank(self, dimension: int) -> int:
        return int(min(self.rank, dimension))

    def start(self, problem: Problem) -> None:
        """Set the parameters, the first point and an empty sketch."""
        where = self._anchorage = Anchorage(problem.domain)
        self._recipe = self._family(problem, where.radius)._replace(averaging=self._averaging)
        self._packed = self._recipe.packed()
        point, offset = where.first_point()
        sketch = SketchState.empty(
            point.size, self._rank(point.size), self._buffer(point.size), self._tracks(where.radius)
        )
        self.state = SketchedState(point, sketch, offset, np.zeros(point.size) if self._averaging else None)
        self._scratch = sketch.scratch()
        self._room: tuple[tuple[int, int, int], Room] | None = None

    def _buffer(self, dimension: int) -> int:
        rank = self._rank(dimension)
        return min(default_buffer(rank) if self.buffer is None else self.buffer, dimension)

    @classmethod
    def _tracks(cls, radius: float) -> bool:
        """Whether the kernels carry a vector's coordinates in the basis along."""
        return cls._averaging or radius < np.inf

    @property
    def _arguments(self) -> tuple[Any, ...]:
        """The kernels' arguments for the state that is held now."""
        return self._hold()[2]

    def _hold(self) -> tuple[SketchedState, Callable[..., bool], tuple[Any, ...]]:
        """That state, which may be one put back from a checkpoint, a round of play, and the kernels' arguments."""
        held = self._held
        if held is None or held[0] is not self.state:
            arguments = self._kernel_arguments()
            held = self._held = self.state, entry_point(play_round, arguments[0].point, 1.0, *arguments), arguments
        return held

    def __getstate__(self) -> dict[str, Any]:
        """Without what is held for the kernels: views into the state."""
        return {name: value for name, value in self.__dict__.items() if name != "_held"}

    def _kernel_arguments(self) -> tuple[Any, ...]:
        state = self.state
        sketch = state.sketch
        moved = state.point.reshape(-1) if state.offset is None else state.offset
        anchor = moved if state.gradient_sum is None else state.gradient_sum
        return Moving(moved, anchor), sketch.arrays(), self._packed, self._scratch

    def update(self, gradient: Array) -> None:
        """One round: sketch the gradient, step with the new preconditioner, project in its norm."""
        where = self._anchorage
        flat = flat_gradient(gradient, where.shape)
        _, play, arguments = self._hold()
        while not play(flat, 1.0, *arguments):
            if not np.isfinite(flat).all() or not self._grow():
                raise refuse(self, self.state.sketch.rounds + 1, flat)
            arguments = self._arguments
        where.settle(self, self.state.sketch.rounds, flat, self._project)

    def _project(self, point: Array) -> Array:
        total = self.state.gradient_sum
        target = point if total is None else self._leader(total)
        return self._anchorage.domain.project_in(target, self.metric())

    def _leader(self, total: Array) -> Array:
        """``x_1 - rate H^{-1} sum_s g_s``, which dual averaging projects.

        It is a function of the state alone, so that a round whose gradient is zero leads to the same point.
        """
        domain, metric = self._anchorage.domain, self.metric()
        along = metric.basis.T @ total
        step = metric.basis @ np.divide(along, metric.values, out=np.zeros_like(along), where=metric.values > 0.0)
        if metric.complement > 0.0 and metric.values.size < total.size:
            rest = total - metric.basis @ along
            rest -= metric.basis @ (metric.basis.T @ rest)  # what round-off left along the basis
            if euclidean_norm(rest) > INSIDE_SPAN * euclidean_norm(total):  # else it is round-off
                step += rest / metric.complement
        leader: Array = domain.start - self.rate * step.reshape(domain.shape)
        return leader

    def _grow(self) -> bool:
        """Make room for another direction where the learner may and a shrink would exceed its tolerance."""
        return False

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None off balls and unbounded domains."""
        where = self._anchorage
        if not where.compiled:
            return None
        stream = Stream.of(block, where.center)
        nonzeros = stream.data.size / max(len(block), 1) if block.sparse else None
        begin, online = 0, 0
        while True:
            length, room = self._block_room(nonzeros)
            stopped, more = play_stream(begin, length, stream, *self._arguments, room)
            online += more
            if stopped < 0 or not stream.finite_at(stopped) or not self._grow():
                break
            begin = stopped
        where.publish(self.state)
        if self.state.sketch.basis.shape[0] == 0:
            return stream.played("fused loop", stopped)
        return stream.played("block-ahead and online" if online else "block-ahead", stopped)

    def _block_room(self, nonzeros: float | None) -> tuple[int, Room]:
        """The length of blocks, and scratch memory for them. ``nonzeros`` are those of a row, None of dense rows."""
        sketch = self.state.sketch
        d, k = sketch.dimension, sketch.capacity
        length = 0 if sketch.basis.shape[0] == 0 else block_length(d, k, nonzeros)
        if self._room is None or self._room[0] != (k, length, d):
            self._room = (k, length, d), Room.empty(k, length, d)
        return length, self._room[1]

    def metric(self) -> LowRankPlusScaledIdentity:
        """The norm of the newest round's projection, as eigenvalues and eigenvectors."""
        sketch = self.state.sketch
        values = np.empty(sketch.rank)
        rest = preconditioner(sketch.arrays(), self._packed, values)
        added = self._recipe.projection
        if added > 0.0:
            values, rest = np.sqrt(values**2 + added), float(np.sqrt(rest**2 + added))
        return LowRankPlusScaledIdentity(sketch.eigenvectors.T, values, rest)

    @property
    def rate(self) -> float:
        """The learning rate in use, the theorem's where none was given."""
        return self._recipe.rate

    @property
    def added_to_root(self) -> float:
        """The multiple of the identity that is added to the root, the problem's gradient bound where none was given."""
        return self._recipe.outer

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the sketch has subtracted so far."""
        return self.state.sketch.escaped_mass

    def memory(self, problem: Problem) -> Memory:
        """Floats of the state: the point, the basis, the eigenvectors in the basis, eigenvalues and counters."""
        where = Anchorage(problem.domain)
        d = problem.domain.dimension
        k, b = self._rank(d), self._buffer(d)
        vectors = 1 + (where.center is not None) + self._averaging
        tracks = self._tracks(where.radius)
        floats = vectors * d + SketchState.floats(d, k, b, tracks)
        point = "d" if vectors == 1 else f"{vectors} d"
        if rotates_every_round(d, k, b):
            rows = "d^2" if k >= d else "d (k + 1)"
            return Memory(f"{rows} + {point} + k + 9", floats)
        return Memory(f"d (k + {b}) + {point} + (k + {2 if tracks else 1})(k + {b}) + k + 9", floats)
