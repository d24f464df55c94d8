"""Learners whose point is a domain's start plus a vector that kernels move: the bookkeeping that they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np

from oco.domains import Domain
from oco.domains._vectors import euclidean_norm
from oco.learners._finite import lost
from oco.learners._records import Stream
from oco.learners._settled import FEASIBLE, REFUSED, SETTLED
from oco.learners.base import Learner
from oco.types import Array, Shape

Arguments = TypeVar("Arguments", bound=tuple[Any, ...])


class Held(Generic[Arguments]):
    """A compiled round and what it takes beside the gradient: views of one ``state``, which are made once.

    A copy of a learner makes its own: copied or pickled this is None.
    """

    __slots__ = ("arguments", "play", "rounds", "state")

    def __init__(self, state: Any, play: Callable[..., int], arguments: Arguments, rounds: Array) -> None:
        self.state = state
        self.play = play
        self.arguments = arguments
        self.rounds = rounds
        """How many rounds went into the state, an array of no dimension."""

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """What takes its place in copies: nothing."""
        return type(None), ()


class Anchorage:
    """Where the kernels' vector is measured from, and how it becomes the point that is played.

    Kernels work in coordinates whose origin is the center of the ball. Where that is the origin of the space, the
    kernels' vector is the point itself; else the point is kept beside it.
    """

    def __init__(self, domain: Domain) -> None:
        ball = domain.as_ball()
        self.domain = domain
        self.shape: Shape = domain.shape
        self.compiled = ball is not None
        """Whether the domain is a ball for the kernels, or the whole space."""
        self.region = domain.as_region() if ball is None else None
        """What kernels project on off balls; what they cannot certify there is left to the domain."""
        center, self.radius = (domain.start, np.inf) if ball is None else ball
        self.center: Array | None = center.ravel().copy() if self.compiled and np.any(center) else None
        self.is_point = self.center is None and (self.compiled or self.region is not None)
        """Whether the kernels' vector, once it is settled, is the point that is played."""

    def first_point(self) -> tuple[Array, Array | None]:
        """The domain's start, and the vector that the kernels move where it is not the point itself."""
        point = np.ascontiguousarray(self.domain.start, dtype=np.float64)
        return point, None if self.center is None else np.zeros(point.size)

    def publish(self, state: Any) -> None:
        """Make ``state.point`` follow ``state.offset``."""
        if self.center is not None:
            np.add(state.offset, self.center, out=state.point.reshape(-1))

    def play_stream(
        self, learner: Learner, begin: int, stream: Stream, play: Callable[..., tuple[int, int]],
        held: Held[Any], project: Callable[[Array], Array],
    ) -> int:  # fmt: skip
        """The rounds of ``stream`` from ``begin`` on, on a region; the first that was refused, else -1.

        ``play`` returns in between where a projection is left to the domain.
        """
        while True:
            stopped, played = play(begin, stream, *held.arguments)
            if stopped < 0 or played == REFUSED:
                return stopped
            gradient = stream.gradient_at(stopped, self.domain.dimension)
            self.settle(learner, played, held.rounds, gradient, project)
            begin = stopped + 1

    def settle(
        self, learner: Learner, played: int, rounds: Array, gradient: Array, project: Callable[[Array], Array]
    ) -> None:
        """Make the point of round ``rounds + 1`` what is played: projected off balls, in its ball, finite.

        ``played`` is what the compiled round says became of it. A `NumericsError` names the round, the learner and the
        cause where that cannot be.
        """
        state = learner.state
        if self.compiled:
            self.publish(state)
            if played != SETTLED:
                moved = state.point.reshape(-1) if state.offset is None else state.offset
                if not self.holds(moved):
                    raise lost(learner, int(rounds), "the point is not finite, or not in its ball,", gradient)
            return
        try:
            with np.errstate(all="ignore"):  # overflow is reported by an error, not by a warning
                state.point[...] = project(state.point)
        except (ArithmeticError, ValueError) as error:
            raise lost(learner, int(rounds), str(error).rstrip("."), gradient) from error

    def holds(self, moved: Array) -> bool:
        """Whether the kernels' vector is finite and in the ball, whatever its scale."""
        return bool(np.isfinite(moved).all()) and euclidean_norm(moved) <= self.radius * (1.0 + FEASIBLE)
