"""How every learner that is preconditioned by a sketch plays its recipe: state, rounds, streams, memory."""

from __future__ import annotations

import numbers as number_types
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, final

import numpy as np

from oco.compile import entry_point
from oco.domains import Domain
from oco.domains._vectors import euclidean_norm
from oco.errors import ConfigError
from oco.learners._adaptive_rank import grown
from oco.learners._anchored import Anchorage, Held
from oco.learners._block_ahead import Room, block_length, play_stream
from oco.learners._block_rotation import Deferring
from oco.learners._common import flat_gradient, refuse
from oco.learners._deferred_rotation import may_defer, play_deferring
from oco.learners._ground import Ground
from oco.learners._nested_blocks import LONG, long_blocks, most_nonzeros, play_long_stream
from oco.learners._nested_coordinates import Nest
from oco.learners._preconditioner import preconditioner
from oco.learners._records import Moving, Recipe, Stream
from oco.learners._settled import REFUSED, SETTLED
from oco.learners._sketched_ground import play_online_on, play_stream_on
from oco.learners._sketched_rounds import play_online
from oco.learners.base import Learner, Memory
from oco.losses.rows import BlockOutcome, RowBlock
from oco.metrics import LowRankPlusScaledIdentity
from oco.sketching.numerics import INSIDE_SPAN
from oco.sketching.state import SketchState, default_buffer, rotates_every_round
from oco.types import Array

_Arguments: TypeAlias = tuple[Any, ...]
"""What kernels take beside the gradient: `Moving`, `Sketch`, the packed recipe, `Scratch`, and off balls `Ground`."""


def checked_buffer(learner: Learner, buffer: Any) -> int | None:
    """``buffer`` as an int or None; `ConfigError` unless it is an integer that is not negative."""
    if buffer is None:
        return None
    if not isinstance(buffer, number_types.Integral) or isinstance(buffer, bool) or buffer < 0:
        raise ConfigError(f"buffer of {type(learner).__name__} must be 0 or a positive integer, got {buffer!r}")
    return int(buffer)


@dataclass
class SketchedState:
    """The point that is played, the sketch, and a vector beside the point.

    ``offset`` is the point less the center of a ball where that is not the origin, ``gradient_sum`` the sum of all
    gradients of a learner that averages; both are None otherwise.
    """

    point: Array
    sketch: SketchState
    offset: Array | None = None
    gradient_sum: Array | None = None

    @property
    def moving(self) -> Moving:
        """The vectors that the kernels move."""
        moved = self.point.reshape(-1) if self.offset is None else self.offset
        return Moving(moved, moved if self.gradient_sum is None else self.gradient_sum)


@final
class SketchedPlayer:
    """Plays a `Recipe` on a domain with a sketch of rank k.

    A learner owns a player and its ``state``, which it may replace, say by one from a checkpoint: the player carries
    nothing from round to round but scratch memory.

    Parameters
    ----------
    recipe
        The learner's numbers; the radius is the domain's.
    domain
        Where points are projected: in the kernels on a ball or not at all, else by the domain in the learner's metric.
    rank, buffer
        Directions that the sketch keeps, and residuals that it holds beside them (None for the default); what is above
        d means d.
    most_directions
        Up to which rank the sketch grows where a shrink would exceed the recipe's tolerance; None for no growth.
    """

    def __init__(
        self, recipe: Recipe, domain: Domain, rank: int, buffer: int | None, *, most_directions: int | None = None
    ) -> None:
        self._anchorage = Anchorage(domain)
        self.recipe = recipe._replace(radius=float(self._anchorage.radius))
        self._rank, self._buffer = sizes(domain.dimension, rank, buffer)
        self._most_directions = most_directions
        self._held: Held[_Arguments] | None = None
        self._room: tuple[tuple[int, int, int], Room] | None = None
        self._nest: tuple[tuple[int, int, int], Nest] | None = None
        self._deferring: Deferring | None = None

    def first_state(self) -> SketchedState:
        """The domain's start and an empty sketch."""
        point, offset = self._anchorage.first_point()
        sketch = SketchState.empty(point.size, self._rank, self._buffer, self._tracks)
        return SketchedState(point, sketch, offset, np.zeros(point.size) if self.recipe.averaging else None)

    @property
    def _tracks(self) -> bool:
        return tracks(self.recipe.averaging, self._anchorage.radius)

    def update(self, learner: Learner, gradient: Array) -> None:
        """One round of ``learner.state``: sketch the gradient, step with the new preconditioner, project in its norm.

        Errors name the learner.
        """
        where, state = self._anchorage, learner.state
        flat = flat_gradient(gradient, where.shape)
        held = self._held
        if held is None or held.state is not state:
            held = self._hold(state)
        while (played := held.play(flat, *held.arguments)) == REFUSED:
            if not np.isfinite(flat).all() or not self._grow(state):
                raise refuse(learner, state.sketch.rounds + 1, flat)
            held = self._hold(state)
        if played != SETTLED or not where.is_point:
            where.settle(learner, played, held.rounds, flat, partial(self._project, state))

    def play_block(self, learner: Learner, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop; None on domains that kernels do not know."""
        where = self._anchorage
        if where.region is not None:
            return self._play_on_ground(learner, block)
        if not where.compiled:
            return None
        state = learner.state
        stream = Stream.of(block, where.center)
        if may_defer(state.sketch, self.recipe):
            if self._deferring is None:
                self._deferring = Deferring.empty(state.sketch.dimension)
            moving, sketch, recipe, scratch = self._hold(state).arguments
            stopped = play_deferring(0, stream, moving, sketch, recipe, scratch, self._deferring)
            where.publish(state)
            return stream.played("fused loop", stopped)
        nonzeros = stream.data.size / max(len(block), 1) if block.sparse else None
        begin, online = 0, 0
        while True:
            stopped, more = self._play_ahead(begin, stream, nonzeros, state)
            online += more
            if stopped < 0 or not stream.finite_at(stopped) or not self._grow(state):
                break
            begin = stopped
        where.publish(state)
        if state.sketch.basis.shape[0] == 0:
            return stream.played("fused loop", stopped)
        return stream.played("block-ahead and online" if online else "block-ahead", stopped)

    def _play_ahead(self, begin: int, stream: Stream, nonzeros: float | None, state: SketchedState) -> tuple[int, int]:
        """Rounds from ``begin`` on, with ``nonzeros`` a row, None of dense rows; as `play_stream`."""
        moving, sketch, recipe, scratch = self._hold(state).arguments
        d, k, rows = state.sketch.dimension, state.sketch.capacity, sketch.basis.shape[0]
        length = 0 if rows == 0 else block_length(d, k, nonzeros)
        if nonzeros is None or length < LONG or self.recipe.averaging:
            if self._room is None or self._room[0] != (k, length, d):
                self._room = (k, length, d), Room.empty(k, length, d)
            return play_stream(begin, length, stream, moving, sketch, recipe, scratch, self._room[1])
        length, short = long_blocks(d, k, nonzeros)
        most = most_nonzeros(stream.indptr, length)
        if self._nest is None or self._nest[0] != (k, length, d) or self._nest[1].columns.values.size < most:
            self._nest = None  # before there is another
            self._nest = (k, length, d), Nest.empty(k, rows, short, length, d, most)
        return play_long_stream(begin, stream, moving, sketch, recipe, scratch, self._nest[1])

    def _play_on_ground(self, learner: Learner, block: RowBlock) -> BlockOutcome:
        """The rounds of ``block`` off balls; a projection that the kernels leave to the domain is made in between."""
        where, state = self._anchorage, learner.state
        stream, begin = Stream.of(block, None), 0
        while True:
            project = partial(self._project, state)
            stopped = where.play_stream(learner, begin, stream, play_stream_on, self._hold(state), project)
            if stopped < 0 or not stream.finite_at(stopped) or not self._grow(state):
                break
            begin = stopped
        return stream.played("fused loop", stopped)

    def metric(self, state: SketchedState) -> LowRankPlusScaledIdentity:
        """The norm of the newest round's projection, as eigenvalues and eigenvectors."""
        sketch, added = state.sketch, self.recipe.projection
        values = np.empty(sketch.rank)
        rest = preconditioner(sketch.arrays(), self.recipe.packed(), values)
        if added > 0.0:
            values, rest = np.sqrt(values**2 + added), float(np.sqrt(rest**2 + added))
        return LowRankPlusScaledIdentity(sketch.eigenvectors.T, values, rest)

    def _hold(self, state: SketchedState) -> Held[_Arguments]:
        held = self._held
        if held is None or held.state is not state:
            sketch, recipe = state.sketch, self.recipe
            if not self._may_grow(sketch):
                recipe = recipe._replace(tolerance=-1.0)
            arrays = sketch.arrays()
            arguments: tuple[Any, ...] = state.moving, arrays, recipe.packed(), sketch.scratch()
            online: Any = play_online
            where = self._anchorage
            if where.region is not None:
                online, arguments = play_online_on, (*arguments, Ground.of(where.domain, where.region, sketch.capacity))
            play = entry_point(online, arguments[0].point, *arguments)
            held = self._held = Held(state, play, arguments, arrays.header["rounds"].reshape(()))
        return held

    def __getstate__(self) -> dict[str, Any]:
        """Without what is held for the kernels: views into the state."""
        return self.__dict__ | {"_held": None, "_room": None, "_nest": None, "_deferring": None}

    def _may_grow(self, sketch: SketchState) -> bool:
        return self._most_directions is not None and sketch.capacity < min(self._most_directions, sketch.dimension)

    def _grow(self, state: SketchedState) -> bool:
        """Make room for another direction where that is allowed; whether it was."""
        if not self._may_grow(state.sketch):
            return False
        state.sketch = grown(state.sketch, self._buffer, state.moving.point, self._tracks)
        self._held = None
        return True

    def _project(self, state: SketchedState, point: Array) -> Array:
        target = point if state.gradient_sum is None else self._leader(state)
        return self._anchorage.domain.project_in(target, self.metric(state))

    def _leader(self, state: SketchedState) -> Array:
        """``x_1 - rate H^{-1} sum_s g_s``, which dual averaging projects.

        It is a function of the state alone, so that a round whose gradient is zero leads to the same point.
        """
        domain, metric, total = self._anchorage.domain, self.metric(state), state.moving.anchor
        along = metric.basis.T @ total
        step = metric.basis @ np.divide(along, metric.values, out=np.zeros_like(along), where=metric.values > 0.0)
        if metric.complement > 0.0 and metric.values.size < total.size:
            rest = total - metric.basis @ along
            rest -= metric.basis @ (metric.basis.T @ rest)  # what round-off left along the basis
            if euclidean_norm(rest) > INSIDE_SPAN * euclidean_norm(total):  # else it is round-off
                step += rest / metric.complement
        leader: Array = domain.start - self.recipe.rate * step.reshape(domain.shape)
        return leader


def sizes(dimension: int, rank: int, buffer: int | None) -> tuple[int, int]:
    """Directions and residuals that a sketch holds: at most d each."""
    rank = min(rank, dimension)
    return rank, min(default_buffer(rank) if buffer is None else buffer, dimension)


def tracks(averaging: bool, radius: float) -> bool:
    """Whether the kernels carry a vector's coordinates in the basis along."""
    return averaging or radius < np.inf


def sketched_memory(domain: Domain, rank: int, buffer: int | None, *, averaging: bool = False) -> Memory:
    """Floats of the state: the point, the basis, the eigenvectors in the basis, eigenvalues and counters."""
    where, d = Anchorage(domain), domain.dimension
    k, b = sizes(d, rank, buffer)
    tracked = tracks(averaging, where.radius)
    vectors = 1 + (where.center is not None) + averaging
    floats = vectors * d + SketchState.floats(d, k, b, tracked)
    if k >= d:
        return Memory(f"d^2 + {vectors + 1} d + 9", floats)
    point = "d" if vectors == 1 else f"{vectors} d"
    if rotates_every_round(d, k, b):
        return Memory(f"d (k + 1) + {point} + k + 9", floats)
    return Memory(f"d (k + {b}) + {point} + (k + {2 if tracked else 1})(k + {b}) + k + 9", floats)
