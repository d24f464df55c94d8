"""Hash of rows and targets that does not depend on the file format, the compression or the block size."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oco.types import Array

if TYPE_CHECKING:
    from oco.datasets.dataset import Rows


class ContentHash:
    """Running hash of rows and targets, fed in blocks of any size."""

    def __init__(self) -> None:
        self._parts = {name: hashlib.sha256() for name in ("values", "indices", "lengths", "targets")}
        self._rows = 0

    def add(self, rows: Rows, targets: Array) -> None:
        """Add the next block of rows, shape (m, d), and their targets, shape (m,)."""
        if isinstance(rows, np.ndarray):
            self._feed("values", rows, "<f8")
        else:
            self._feed("values", rows.data, "<f8")
            self._feed("indices", rows.indices, "<i8")
            self._feed("lengths", np.diff(rows.indptr), "<i8")
        self._feed("targets", targets, "<f8")
        self._rows += int(rows.shape[0])

    def hexdigest(self, dimension: int) -> str:
        """Return the hash of all rows so far, as a matrix with ``dimension`` columns."""
        parts = {name: part.hexdigest() for name, part in self._parts.items()}
        return combine({"shape": [self._rows, dimension], **parts})

    def _feed(self, part: str, values: np.ndarray[Any, Any], kind: str) -> None:
        # In pieces, so that neither the type conversion nor the copy of a memory map is ever as large as the data.
        for start in range(0, len(values), 1 << 16):
            piece = np.ascontiguousarray(values[start : start + (1 << 16)], dtype=kind)
            self._parts[part].update(piece.data.cast("B") if piece.size else b"")


def combine(facts: dict[str, Any]) -> str:
    """Hash a record of plain values."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
