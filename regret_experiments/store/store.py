"""A directory of results: one set of files for every run, written whole, read whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oco.errors import StoreError
from regret_experiments.plan.content import canonical, content_hash, plain
from regret_experiments.store.arrays import Arrays, pack, unpack
from regret_experiments.store.claims import Claims
from regret_experiments.store.files import remove_leftovers, write_atomic

FINISHED, FAILED = "finished", "failed"


@dataclass
class StoredRun:
    """One stored run.

    Attributes
    ----------
    metadata
        ``id``, ``status``, ``content``, ``seeds``, ``scalars``, ``timings``, ``violations``, ``provenance``; of a
        failed run ``error``, ``message`` and ``traceback``.
    arrays
        Curves and other arrays by name; empty where the run failed.
    """

    metadata: dict[str, Any]
    arrays: Arrays = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Hash of the content."""
        return str(self.metadata["id"])

    @property
    def finished(self) -> bool:
        """Whether there is a result."""
        return bool(self.metadata["status"] == FINISHED)


class Store:
    """Results in a directory.

    ::

        config.yaml            the config as it was given
        plan.json              which runs it asks for, under which names
        runs/ab/ab12....json   one run: what it was, how it ended, final numbers
        runs/ab/ab12....npy    its curves; names and shapes are in the json
        games/                 the best fixed points in hindsight, shared by all learners of a game
        unfinished/            snapshots of long runs, to go on from
        provenance/            versions, machine, threads, git state and command line, shared by runs

    The json is put in place last and holds the checksum of its arrays: a run without one does not exist.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.claims = Claims(self.path / "claims")

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """Work on the directory: make it, and clear what killed processes left half-written if nobody else is here."""
        try:
            if self.claims.enter():
                remove_leftovers(self.path)
            self.claims.share()
            yield self
        finally:
            self.claims.leave()

    def write(self, kind: str, metadata: dict[str, Any], arrays: Arrays) -> None:
        """Store ``metadata`` (with its ``id``) and its arrays under ``kind``: ``runs`` or ``games``."""
        home = self._home(kind, metadata["id"])
        data, description = pack(arrays)
        text = json.dumps(plain(metadata | {"arrays": description}), indent=1, ensure_ascii=False)
        files = [(home.with_suffix(".npy"), data)] if arrays else []
        write_atomic(*files, (home.with_suffix(".json"), text.encode()))

    def snapshot_path(self, identifier: str) -> Path:
        """Where a run that is being played leaves what it needs to go on."""
        return self.path.absolute() / "unfinished" / f"{identifier}.npz"

    def read(self, kind: str, identifier: str, *, arrays: bool = True) -> StoredRun | None:
        """Read what is stored under ``identifier``; None where there is nothing, or nothing whole."""
        return self._read(self._home(kind, identifier), arrays)

    def status(self, identifier: str) -> str | None:
        """``"finished"``, ``"failed"`` or None for a run."""
        stored = self.read("runs", identifier)
        return None if stored is None else str(stored.metadata["status"])

    def runs(self, *, arrays: bool = True) -> Iterator[StoredRun]:
        """Every whole run in the directory, in the order of its id."""
        for home in sorted((self.path / "runs").glob("??/*.json")):
            stored = self._read(home.with_suffix(""), arrays)
            if stored is not None:
                yield stored

    def write_provenance(self, facts: dict[str, Any]) -> str:
        """Store what a process ran under, once; returns its name."""
        name = content_hash(facts)
        path = self.path / "provenance" / f"{name}.json"
        if not path.exists():
            write_atomic((path, json.dumps(plain(facts), indent=1).encode()))
        return name

    def write_json(self, name: str, value: Any) -> None:
        """Store a small file of plain values, where it has changed."""
        self.write_text(name, json.dumps(plain(value), indent=1) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Store a small text, where it has changed."""
        path = self.path / name
        data = text.encode()
        if not (path.is_file() and path.read_bytes() == data):
            write_atomic((path, data))

    def read_json(self, name: str) -> Any:
        """Read what `write_json` wrote; None where there is none.

        Raises
        ------
        StoreError
            If the file is there and cannot be read.
        """
        path = self.path / name
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read: {error}") from error

    def _home(self, kind: str, identifier: str) -> Path:
        return self.path / kind / identifier[:2] / identifier

    def _read(self, home: Path, wants_arrays: bool) -> StoredRun | None:
        try:
            metadata = json.loads(home.with_suffix(".json").read_bytes())
            description = metadata["arrays"]
            stored = StoredRun(metadata)
            if description["shapes"] and wants_arrays:
                arrays = unpack(home.with_suffix(".npy").read_bytes(), description)
                if arrays is None:
                    return None
                stored.arrays = arrays
            elif description["shapes"] and home.with_suffix(".npy").stat().st_size != description["bytes"]:
                return None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError):
            return None
        except OSError as error:
            raise StoreError(f"results in {self.path} cannot be read: {error.strerror or error}") from error
        return stored


def same_numbers(first: StoredRun, second: StoredRun) -> bool:
    """Whether two runs ended the same, bit for bit, timings aside."""
    import numpy as np

    keys = ("status", "scalars", "violations")
    if any(canonical(first.metadata.get(key)) != canonical(second.metadata.get(key)) for key in keys):
        return False
    return list(first.arrays) == list(second.arrays) and all(
        np.array_equal(first.arrays[name], second.arrays[name], equal_nan=True) for name in first.arrays
    )
