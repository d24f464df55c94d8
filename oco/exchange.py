"""What is handed to a learner in every round, before play and after it, where that is more than one gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from oco.errors import NumericsError, ProtocolError
from oco.learners._finite import is_finite
from oco.learners.base import Constrained, Learner
from oco.needs import CONSTRAINT, GRADIENT, HINT, ROW, WHOLE_LOSS, feedback_of
from oco.snapshot import Keeper, capture
from oco.tracking import Tracker
from oco.types import Array


def only_gradients(stream: Any, learner: Learner | type[Learner]) -> bool:
    """Whether every round shows the learner one gradient, at once, so that its compiled loop may play the game."""
    delays = getattr(stream, "delays", None)
    late = delays is not None and bool(np.any(delays))
    before = ROW in learner.needs or HINT in learner.needs
    return not (late or before or hasattr(stream, "reveal_constraint")) and feedback_of(learner.needs) == GRADIENT


class Exchange:
    """Plays rounds one by one: shows the context, reveals the loss, and hands out the feedback that is due.

    Every array that a learner is shown is a copy, through which it reaches nothing else.

    Parameters
    ----------
    stream
        The environment, with the members that `oco.environments.Wrapper` describes.
    player
        The learner, whose `needs` say what is handed out.
    """

    def __init__(self, stream: Any, player: Learner) -> None:
        self._stream = stream
        self._player = player
        self._feedback = feedback_of(player.needs)
        self._delays = getattr(stream, "delays", None)
        self._due: dict[int, list[tuple[int, Any]]] = {}
        self._played: Array = stream.domain.start
        self._shown: Array = np.zeros(stream.domain.shape)

    def play(self, tracker: Tracker, start: int, stop: int, keeper: Keeper) -> None:
        """Play rounds ``start`` to ``stop - 1`` (counted from 0)."""
        for index in range(start, stop):
            self._show(index)
            feedback = self._round(tracker, index)
            arrival = index if self._delays is None else index + int(self._delays[index])
            self._due.setdefault(arrival, []).append((index, feedback))
            self._hand_out(feedback for _, feedback in self._due.pop(index, ()))
            keeper.after(index + 1)
        if not is_finite(self._player.prediction):
            raise lost_point(stop, self._player)

    def snapshot(self) -> dict[str, Any]:
        """The feedback on its way, and the last point and gradient that hints are made of, as plain values.

        A whole loss is left out, because the stream reveals it again.
        """
        whole = self._feedback == WHOLE_LOSS and CONSTRAINT not in self._player.needs
        due = [
            [arrival, index, None if whole else feedback]
            for arrival, waiting in self._due.items()
            for index, feedback in waiting
        ]
        return {"due": capture(due), "played": self._played.copy(), "shown": self._shown.copy()}

    def restore(self, snapshot: dict[str, Any], rounds: int) -> None:
        """Go on after ``rounds`` rounds from `snapshot`, on a fresh stream whose losses do not depend on the points."""
        self._played, self._shown = snapshot["played"].copy(), snapshot["shown"].copy()
        waiting = {index for _, index, _ in snapshot["due"]}
        losses = {}
        for index in range(rounds):
            loss = self._stream.reveal(self._stream.domain.start)
            if hasattr(self._stream, "reveal_constraint"):
                self._stream.reveal_constraint(self._stream.domain.start)
            if index in waiting:
                losses[index] = loss
        self._due = {}
        for arrival, index, feedback in snapshot["due"]:
            if isinstance(feedback, list):
                feedback = Constrained(*feedback)
            self._due.setdefault(arrival, []).append((index, losses[index] if feedback is None else feedback))

    def _show(self, index: int) -> None:
        """Show what is known before play."""
        if ROW in self._player.needs:
            self._player.observe(self._stream.row(index))
        if HINT in self._player.needs:
            self._player.observe(self._stream.hint_of(index, self._played, self._shown))

    def _round(self, tracker: Tracker, index: int) -> Any:
        """Play one round; returns its feedback."""
        player, stream = self._player, self._stream
        queries = [checked_point(player, query, index + 1, stream.domain.shape) for query in player.queries]
        point = checked_point(player, player.prediction, index + 1, stream.domain.shape)
        loss = stream.reveal(point)
        values = np.array([float(loss.value(query)) for query in queries])
        value = float(values[0]) if values.size == 1 else float(values.mean())
        gradient = checked_gradient(loss, point, index + 1)
        require_finite(index + 1, player, value, gradient)
        tracker.observe_round(loss, value, gradient)
        constraint = None
        if hasattr(stream, "reveal_constraint"):
            revealed = stream.reveal_constraint(point)
            excess = float(np.mean([revealed.value(query) for query in queries]))
            slope = checked_gradient(revealed, point, index + 1)
            require_finite(index + 1, player, excess, slope)
            tracker.observe_constraint(excess, float(np.linalg.norm(slope) * np.linalg.norm(point)))
            constraint = Constrained(gradient.copy(), excess, slope.copy())
        self._played = point.copy()
        if CONSTRAINT in player.needs and constraint is not None:
            return constraint
        if self._feedback == WHOLE_LOSS:
            return loss
        return gradient.copy() if self._feedback == GRADIENT else values

    def _hand_out(self, arrived: Iterable[Any]) -> None:
        for feedback in arrived:
            if HINT in self._player.needs and self._feedback in (GRADIENT, WHOLE_LOSS):
                self._shown = self._gradient_in(feedback)
            self._player.update(feedback)

    def _gradient_in(self, feedback: Any) -> Array:
        if self._feedback == WHOLE_LOSS:
            return checked_gradient(feedback, self._player.prediction, 0).copy()
        gradient: Array = feedback.gradient if isinstance(feedback, Constrained) else feedback
        return gradient.copy()


def checked_point(
    player: Learner, point: Any, round_index: int, shape: tuple[int, ...]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A read-only view of a point that a learner plays; `ProtocolError` where it has another shape."""
    if not isinstance(point, np.ndarray) or point.shape != shape:
        got = getattr(point, "shape", type(point).__name__)
        raise ProtocolError(
            f"round {round_index}: {type(player).__name__} must play an array of shape {shape}, got {got}"
        )
    view = point.view()
    view.flags.writeable = False
    return view


def checked_gradient(loss: Any, point: Array, round_index: int) -> Array:
    """The gradient of ``loss`` at ``point``; `ProtocolError` where it has another shape."""
    gradient = np.asarray(loss.gradient(point), dtype=np.float64)
    if gradient.shape != point.shape:
        raise ProtocolError(
            f"round {round_index}: the loss's gradient has shape {gradient.shape}, the decision {point.shape}"
        )
    return gradient


def lost_point(round_index: int, player: Learner) -> NumericsError:
    """The error for an update that left a point that is not finite."""
    return NumericsError(
        f"round {round_index}: the update of {player!r} left a point with an entry that is not finite; a smaller "
        "learning rate, or losses on another scale, may help"
    )


def require_finite(round_index: int, player: Learner, value: float, gradient: Any) -> None:
    """Raise `NumericsError` with the cause unless loss and gradient are finite."""
    if not np.isfinite(value):
        cause = f"the loss is {value}"
    elif not np.all(np.isfinite(gradient)):
        cause = "the gradient has an entry that is not finite"
    elif not np.all(np.isfinite(player.prediction)):
        cause = "the point has an entry that is not finite"
    else:
        return
    raise NumericsError(
        f"round {round_index}: {cause} at the point that {player!r} played "
        f"(largest coordinate {np.max(np.abs(player.prediction)):.3g}); a smaller learning rate may help"
    )
