"""A game in several parts: where a part stops, and the check that the next one continues the same game."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from oco.environments.row_stream import RowStream
from oco.environments.wrapper import innermost
from oco.errors import ConfigError
from oco.keywords import plain
from oco.regret.checkpoints import checkpoint_rounds
from oco.snapshot import FORMAT, SnapshotError, state_of

if TYPE_CHECKING:
    from oco.record import Record

_FIRST_ROUNDS = 256
"""Rounds whose rows are compared: enough to tell apart data sets and their orders, and read in no time."""


@dataclass(frozen=True)
class Part:
    """The part of a game that one call of `oco.play` plays.

    Attributes
    ----------
    rounds
        Checkpoints: those of the earlier parts, then those of this one, which ends with the last of them.
    facts
        What must be equal in all parts of a game, by name, as text.
    earlier
        Snapshot after the earlier parts; None in the first.
    """

    rounds: NDArray[np.int64]
    facts: dict[str, str]
    earlier: dict[str, Any] | None

    @classmethod
    def of(
        cls,
        stream: Any,
        checkpoints: int | Sequence[int],
        until: int | None,
        start: Record | None,
        **settings: Any,
    ) -> Part:
        """The part after ``start``, up to round ``until``; both may be None.

        Raises
        ------
        ConfigError
            If ``until`` is not a later round of the game, or ``start`` is a record of another game or of one that
            cannot be continued.
        """
        horizon = int(stream.horizon)
        rounds = checkpoint_rounds(checkpoints, horizon)
        if until is None and start is None:
            return cls(rounds, {}, None)
        facts = {name: json.dumps(plain(value), default=repr) for name, value in settings.items()}
        if isinstance(innermost(stream), RowStream):
            facts["first rows"] = str(_checksum(innermost(stream), min(_FIRST_ROUNDS, horizon)))
        earlier = None if start is None else _snapshot(start, facts, horizon)
        before = np.zeros(0, dtype=np.int64) if start is None else start.curves["round"].astype(np.int64)
        played = int(before[-1]) if before.size else 0
        stop = horizon if until is None else until
        if isinstance(stop, bool) or not isinstance(stop, (int, np.integer)) or not played < stop <= horizon:
            raise ConfigError(f"until must be a round in {played + 1}..{horizon}, got {until!r}")
        later = rounds[(rounds > played) & (rounds < stop)]
        return cls(np.concatenate([before, later, [stop]]), facts, earlier)

    def snapshot(self, stream: Any, player: Any, tracker: Any, exchange: Any) -> dict[str, Any] | None:
        """What the next part starts from; None after the last round, and if the game cannot be continued."""
        if self.rounds[-1] == stream.horizon or not declares(stream):
            return None
        try:
            return state_of(player, tracker, int(self.rounds[-1]), exchange) | {"facts": self.facts}
        except SnapshotError:
            return None


def advance(stream: Any, rounds: int) -> None:
    """Move a fresh stream of losses past its first rounds; a stream of rows is asked for any rounds as it is."""
    if not isinstance(stream, RowStream):
        for _ in range(rounds):
            stream.reveal(stream.domain.start)


def declares(stream: Any) -> bool:
    """Whether the losses, and those of a constraint, do not depend on the points played."""
    known = getattr(stream, "declared_losses", lambda *_: None)(0, 1) is not None
    return known and (not hasattr(stream, "reveal_constraint") or declares(stream.constraint))


def _snapshot(start: Record, facts: dict[str, str], horizon: int) -> dict[str, Any]:
    if not hasattr(start, "snapshot"):
        raise ConfigError(f"start takes the record of a game that was stopped with until, got {type(start).__name__}")
    if start.snapshot is None:
        if start.scalars["rounds"] == start.scalars["horizon"]:
            raise ConfigError(
                f"start is the record of a finished game: all {start.scalars['horizon']} rounds of it were played; a "
                "game that is to be continued is stopped with until"
            )
        raise ConfigError(
            "start is the record of a game that cannot be continued: its environment may have a state that depends on "
            "the points played, or the learner's state has more in it than arrays and numbers"
        )
    if start.snapshot["format"] != FORMAT:
        raise ConfigError("start was recorded by a version of oco whose games this version cannot continue")
    for name in start.snapshot["facts"]:
        if facts.get(name) != start.snapshot["facts"][name]:
            raise ConfigError(
                f"start is the record of another game: its {name} is {start.snapshot['facts'][name]:.200}, here it is "
                f"{facts.get(name, 'missing'):.200}; give play the same environment, learner, seed and options"
            )
    return start.snapshot


def _checksum(stream: RowStream, rounds: int) -> int:
    block: Any = stream.block(0, rounds)
    arrays = [block.rows] if not block.sparse else [block.rows.data, block.rows.indices, block.rows.indptr]
    checksum = 0
    for array in (*arrays, block.targets):
        checksum = zlib.crc32(np.ascontiguousarray(array).tobytes(), checksum)
    return checksum
