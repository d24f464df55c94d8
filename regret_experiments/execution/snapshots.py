"""Snapshots of a long game in a file, so that a killed sweep continues in the middle of the game."""

from __future__ import annotations

import hashlib
import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import oco
from oco.errors import StoreError
from oco.plain_file import with_arrays, without_arrays
from regret_experiments.store.files import write_atomic


class SnapshotFile:
    """The newest snapshot of one game: an ``.npz`` file without pickles, with a checksum of it in front.

    The checksum covers the name of the file, which is the id of the run, and the version of this program as well: a run
    does not continue from another run's state, nor from one that another version left.

    Parameters
    ----------
    path
        Where it is.
    every
        Seconds between snapshots; a game that takes less leaves none.
    """

    def __init__(self, path: Path, every: float) -> None:
        self._path = path
        self._every = every
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether that many seconds have passed."""
        return time.monotonic() - self._last >= self._every

    def save(self, snapshot: dict[str, Any]) -> None:
        """Replace the last snapshot by ``snapshot``; if it cannot be written, the game continues without."""
        arrays: dict[str, Any] = {}
        text = json.dumps(without_arrays(snapshot, arrays))
        stream = io.BytesIO()
        np.savez(stream, tree=np.array(text), **arrays)
        try:
            write_atomic((self._path, self._checksum(stream.getvalue()) + stream.getvalue()))
        except StoreError:
            # A snapshot saves time, it is not a result; the result will say that the disk is full.
            self._every = float("inf")
        self._last = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """Return the newest snapshot; None where there is none, or none whole."""
        try:
            stored = self._path.read_bytes()
        except OSError:
            return None
        start = hashlib.sha256().digest_size
        if self._checksum(stored[start:]) != stored[:start]:
            return None
        with np.load(io.BytesIO(stored[start:]), allow_pickle=False) as members:
            tree = json.loads(str(members["tree"][()]))
            snapshot: dict[str, Any] = with_arrays(tree, members)
            return snapshot

    def _checksum(self, data: bytes) -> bytes:
        return hashlib.sha256(f"{oco.__version__} {self._path.stem}\n".encode() + data).digest()

    def remove(self) -> None:
        """Delete the snapshot: the game is over."""
        self._path.unlink(missing_ok=True)
