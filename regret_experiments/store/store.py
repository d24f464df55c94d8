"""A directory of results: one set of files for every run, written whole, read whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oco.errors import StoreError
from regret_experiments.plan.content import content_hash, plain
from regret_experiments.store.arrays import Arrays, pack
from regret_experiments.store.claims import Claims
from regret_experiments.store.documents import check_plan
from regret_experiments.store.files import read_file, remove_leftovers, write_atomic
from regret_experiments.store.reading import Fault, StoredRun, examined, places
from regret_experiments.store.sealed import Damaged, UnknownSchema, parse, seal, unseal


class Store:
    """Results in a directory.

    ::

        config.yaml            the config as it was given
        plan.json              which runs it asks for, under which names
        runs/ab/ab12....json   one run: what it was, how it ended, final numbers
        runs/ab/ab12....npy    its curves; names and shapes are in the json
        games/                 the best fixed points in hindsight, shared by all learners of a game
        unfinished/            snapshots of long runs, to continue from
        provenance/            versions, machine, threads, git state and command line, shared by runs

    The JSON is put in place last, so a run without it does not exist. It holds a checksum of itself and one of its
    arrays, and the id in its name is the hash of its content. All of this is checked whenever a run is read. A run that
    fails the check counts as missing; `faults` names it, and the next sweep plays it again.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.claims = Claims(self.path / "claims")

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """Work on the directory: make it, and clear what killed processes left half-written if nobody else is here.

        Raises
        ------
        StoreError
            If the directory cannot be written, or a newer version of this program wrote it.
        """
        self._refuse_newer()
        try:
            if self.claims.enter():
                remove_leftovers(self.path)
            self.claims.share()
            yield self
        finally:
            self.claims.leave()

    def write(self, kind: str, metadata: dict[str, Any], arrays: Arrays) -> None:
        """Store ``metadata`` (with its ``id``) and its arrays under ``kind``: ``runs`` or ``games``."""
        path = self._path(kind, metadata["id"])
        data, description = pack(arrays)
        files = [(path.with_suffix(".npy"), data)] if arrays else []
        write_atomic(*files, (path, seal(metadata | {"arrays": description})))

    def snapshot_path(self, identifier: str) -> Path:
        """The path of the snapshot from which an unfinished run continues."""
        return self.path.absolute() / "unfinished" / f"{identifier}.snapshot"

    def remove_snapshot(self, identifier: str) -> None:
        """Delete the snapshot of a run that was stored, where there is one."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.path}/unfinished/{identifier}.snapshot")

    def read(self, kind: str, identifier: str) -> StoredRun | None:
        """Read the result stored under ``identifier``; None if there is none, or it is damaged."""
        stored = examined(kind, str(self.path / kind / identifier[:2]), identifier)
        return stored if isinstance(stored, StoredRun) else None

    def status(self, identifier: str) -> str | None:
        """``"finished"``, ``"failed"`` or None for a run."""
        stored = self.read("runs", identifier)
        return None if stored is None else str(stored.metadata["status"])

    def examine(self, kind: str) -> Iterator[StoredRun | Fault]:
        """Everything stored under ``kind`` in the order of its id: whole results, and faults of the damaged ones."""
        for folder, name in places(self.path, kind):
            found = examined(kind, folder, name)
            if found is not None:
                yield found

    def runs(self) -> Iterator[StoredRun]:
        """Every whole run in the directory, in the order of its id."""
        return (found for found in self.examine("runs") if isinstance(found, StoredRun))

    def games(self) -> Iterator[StoredRun]:
        """The best fixed points of every game in the directory, in the order of its id."""
        return (found for found in self.examine("games") if isinstance(found, StoredRun))

    def faults(self, *kinds: str) -> list[Fault]:
        """What is damaged in the directory, or of another origin; of ``kinds`` (``runs``, ``games``,
        ``provenance``) where any are given.
        """
        faults: list[Fault] = []
        for kind in ("runs", "games"):
            if not kinds or kind in kinds:
                faults += (found for found in self.examine(kind) if isinstance(found, Fault))
        if not kinds or "provenance" in kinds:
            names = sorted(path.stem for path in (self.path / "provenance").glob("*.json"))
            faults += (found for found in map(self._provenance, names) if isinstance(found, Fault))
        return faults

    def write_provenance(self, facts: dict[str, Any]) -> str:
        """Store the provenance of a process once; returns its name."""
        name = content_hash(facts)
        if self.provenance(name) is None:
            data = json.dumps(plain(facts), indent=1).encode()
            write_atomic((self.path / "provenance" / f"{name}.json", data))
        return name

    def provenance(self, name: str) -> dict[str, Any] | None:
        """The provenance stored under ``name``; None if there is none, or it is damaged."""
        facts = self._provenance(name)
        return facts if isinstance(facts, dict) else None

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Store which runs a sweep asks for, where that has changed."""
        self._write("plan.json", seal(plan))

    def plan(self) -> dict[str, Any] | None:
        """Read what `write_plan` wrote; None where there is none.

        Raises
        ------
        StoreError
            If the file is there and is damaged, or of a newer version.
        """
        path = self.path / "plan.json"
        try:
            plan = unseal(read_file(path))
            check_plan(plan)
        except FileNotFoundError:
            return None
        except Damaged as error:
            raise StoreError(f"{path} cannot be read: {error}; the sweep that wrote it writes it again") from None
        return plan

    def has_text(self, name: str, text: str) -> bool:
        """Whether this text is stored under that name."""
        path = self.path / name
        return path.is_file() and path.read_bytes() == text.encode()

    def write_text(self, name: str, text: str) -> None:
        """Store a small text, where it has changed."""
        self._write(name, text.encode())

    def _refuse_newer(self) -> None:
        path = self.path / "plan.json"
        try:
            unseal(read_file(path))
        except UnknownSchema as error:
            raise StoreError(f"{path} is not of this version: {error}; write to another directory") from None
        except (FileNotFoundError, Damaged):
            pass  # it is written anew

    def _write(self, name: str, data: bytes) -> None:
        path = self.path / name
        if not (path.is_file() and path.read_bytes() == data):
            write_atomic((path, data))

    def _path(self, kind: str, identifier: str) -> Path:
        return self.path / kind / identifier[:2] / f"{identifier}.json"

    def _provenance(self, name: str) -> dict[str, Any] | Fault | None:
        path = self.path / "provenance" / f"{name}.json"
        try:
            facts = parse(read_file(path))
            if content_hash(facts) != name:
                raise Damaged("its name is not the hash of what it holds")
        except FileNotFoundError:
            return None
        except Damaged as error:
            return Fault(path, str(error))
        return facts
