"""Snapshots of a game as plain values, from which another process can continue it bit for bit."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, Protocol

import numpy as np

from oco.errors import OcoError


class SnapshotError(OcoError):
    """A state holds an object that cannot be stored, or a snapshot does not fit the state to be restored."""


FORMAT = 3
"""Version of the format. Snapshots of another version are ignored, and the game starts again."""


class Snapshots(Protocol):
    """Storage of the snapshots from which `oco.play` continues a game."""

    def load(self) -> dict[str, Any] | None:
        """The newest snapshot that was saved, or None."""

    def due(self) -> bool:
        """Whether a snapshot should be taken now; called often, whenever one can be taken."""

    def save(self, snapshot: dict[str, Any]) -> None:
        """Keep ``snapshot``: nested mappings and lists of arrays, numbers, strings and None."""


class Keeper:
    """Takes snapshots of a game when they are due, and restores the newest one at the start."""

    def __init__(
        self,
        snapshots: Snapshots | None,
        player: Any,
        tracker: Any,
        earlier: dict[str, Any] | None = None,
        exchange: Any = None,
        progress: Any = None,
    ) -> None:
        self._progress = progress
        self._snapshots = snapshots
        self._exchange = exchange
        self._earlier = earlier
        self._player = player
        self._tracker = tracker

    def go_on(self) -> tuple[int, int]:
        """Restore the newest snapshot, or else the one given as ``earlier``.

        Returns the numbers of its rounds and checkpoints, or zeros.
        """
        snapshot = None if self._snapshots is None else self._snapshots.load()
        if snapshot is None or snapshot.get("format") != FORMAT:
            snapshot = self._earlier
        if snapshot is None:
            return 0, 0
        # A copy, because the learner may use an array of its first state elsewhere too.
        self._player.state = restore(copy.deepcopy(self._player.state), snapshot["learner"])
        if self._exchange is not None:
            self._exchange.restore(snapshot["exchange"], int(snapshot["rounds"]))
        return int(snapshot["rounds"]), self._tracker.restore(snapshot["tracker"])

    def after(self, rounds: int) -> None:
        """Take a snapshot after ``rounds`` rounds, if one is due, and tell how far the game is."""
        if self._progress is not None:
            self._progress.to(rounds)
        if self._snapshots is None or not self._snapshots.due():
            return
        try:
            snapshot = state_of(self._player, self._tracker, rounds, self._exchange)
        except SnapshotError:
            # A user's learner may have any object in its state; then its games start again.
            self._snapshots = None
            return
        self._snapshots.save(snapshot)


def state_of(player: Any, tracker: Any, rounds: int, exchange: Any = None) -> dict[str, Any]:
    """The snapshot of a game after ``rounds`` rounds; `SnapshotError` if it cannot be stored."""
    kept = {"format": FORMAT, "rounds": rounds, "learner": capture(player.state), "tracker": tracker.snapshot()}
    return kept if exchange is None else kept | {"exchange": exchange.snapshot()}


def capture(value: Any) -> Any:
    """Return a copy of a plain record as nested mappings, lists, arrays, numbers, strings and None.

    Dataclasses and mappings with keys that are strings or integers become mappings, random generators their state.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise SnapshotError("an array of objects cannot be kept in a snapshot")
        return value.copy()
    if isinstance(value, np.random.Generator):
        return capture(value.bit_generator.state)
    if dataclasses.is_dataclass(value):
        return {field.name: capture(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {_key(key): capture(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [capture(item) for item in value]
    raise SnapshotError(f"a {type(value).__name__} cannot be kept in a snapshot")


def restore(template: Any, captured: Any) -> Any:
    """Return ``template``, a record of the same kind, with the values of ``captured``."""
    if isinstance(template, np.random.Generator):
        template.bit_generator.state = copy.deepcopy(captured)
        return template
    if dataclasses.is_dataclass(template) and isinstance(captured, dict):
        for field in dataclasses.fields(template):
            if field.name not in captured:
                raise SnapshotError(f"the snapshot has no {field.name!r}; it is of another version")
            # Bypasses the guard of a frozen dataclass, for this purpose only.
            object.__setattr__(template, field.name, restore(getattr(template, field.name), captured[field.name]))
        return template
    if isinstance(template, dict) and isinstance(captured, dict):
        named = {_key(key): key for key in template}
        values = {
            named.get(key, _unkey(key)): restore(template.get(named.get(key)), item) for key, item in captured.items()
        }
        template.clear()
        template.update(values)
        return template
    if isinstance(captured, dict):
        return {_unkey(key): restore(None, item) for key, item in captured.items()}
    if isinstance(captured, list):
        old = list(template) if isinstance(template, (list, tuple)) and len(template) == len(captured) else []
        values_in_order = [restore(old[i] if old else None, item) for i, item in enumerate(captured)]
        return tuple(values_in_order) if isinstance(template, tuple) else values_in_order
    return captured.copy() if isinstance(captured, np.ndarray) else captured


def _key(key: Any) -> str:
    if isinstance(key, str) and not key.startswith("#"):
        return key
    if isinstance(key, int):
        return f"#{key}"
    raise SnapshotError(f"a mapping with the key {key!r} cannot be kept in a snapshot")


def _unkey(key: str) -> Any:
    return int(key[1:]) if key.startswith("#") else key
