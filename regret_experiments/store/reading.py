"""The one reader of stored runs and games: every check of a stored result is here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regret_experiments.plan.content import RESULT_SCHEMA, WorkType, content_hash_of_json, work_type
from regret_experiments.store.arrays import Arrays, unpack
from regret_experiments.store.documents import check_arrays, check_stored
from regret_experiments.store.files import read_file
from regret_experiments.store.sealed import Damaged, unseal

FINISHED = "finished"

MOST_SHARED = 1000
"""Environments that are held for readers of further runs."""


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
    def type(self) -> WorkType:
        """``"game"``, ``"run"`` or ``"training"``."""
        return work_type(self.metadata["content"])

    @property
    def finished(self) -> bool:
        """Whether there is a result."""
        return bool(self.metadata["status"] == FINISHED)


@dataclass(frozen=True)
class Fault:
    """A stored file that cannot be used.

    Attributes
    ----------
    path
        Which; of a run or a game, ``path.stem`` is its id.
    reason
        What is wrong with it.
    """

    path: Path
    reason: str

    def __str__(self) -> str:
        """One sentence."""
        return f"{self.path}: {self.reason}"


def places(directory: Path, kind: str) -> Iterator[tuple[str, str]]:
    """The folder and the name of everything that is stored under ``kind`` (``runs`` or ``games``), by name."""
    home = directory / kind
    for part in _names(home):
        if len(part) == 2:
            folder = f"{home}/{part}"
            for name in _names(folder):
                if name.endswith(".json"):
                    yield folder, name.removesuffix(".json")


def _names(folder: Path | str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def examined(kind: str, folder: str, name: str) -> StoredRun | Fault | None:
    """A stored run or game, what is wrong with it, or None if there is none."""
    path = f"{folder}/{name}.json"
    try:
        metadata = unseal(read_file(path))
        check_stored(kind, metadata)
        _check_name(kind, folder, name, metadata)
    except FileNotFoundError:
        return None
    except Damaged as error:
        return Fault(Path(path), str(error))
    path = f"{folder}/{name}.npy"
    try:
        description = metadata.pop("arrays")  # arrays have their own shapes from here on
        arrays: Arrays = {}
        if description["shapes"]:
            arrays = packed = unpack(read_file(path, description["bytes"]), description)
            check_arrays(kind, metadata, packed.shapes)
        else:
            check_arrays(kind, metadata, {})
    except FileNotFoundError:
        return Fault(Path(path), "it is missing")
    except Damaged as error:
        return Fault(Path(path), str(error))
    return StoredRun(metadata, arrays)


def _check_name(kind: str, folder: str, name: str, metadata: dict[str, Any]) -> None:
    content, identifier = metadata["content"], metadata["id"]
    if identifier != name or os.path.basename(folder) != identifier[:2]:
        raise Damaged(f"it holds {identifier}, whose place is {identifier[:2]}/{identifier}.json")
    hashed = {"schema": RESULT_SCHEMA, "game": content} if kind == "games" else content
    if content_hash_of_json(hashed) != identifier:
        raise Damaged("its id is not the hash of its content")
    content["environment"] = _shared(content["environment"])


_environments: dict[str, Any] = {}
"""Environments that were read, by their text."""


def _shared(environment: dict[str, Any]) -> dict[str, Any]:
    """The first equal environment that was read: the runs of a sweep have few, and each takes a kilobyte or two."""
    text = repr(environment)
    if len(_environments) >= MOST_SHARED:
        _environments.clear()
    shared: dict[str, Any] = _environments.setdefault(text, environment)
    return shared
