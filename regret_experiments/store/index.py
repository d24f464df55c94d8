"""The index of a directory: final numbers of the runs whose files are still those that were read whole."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from oco.errors import StoreError
from regret_experiments.store.documents import check_summary
from regret_experiments.store.files import read_file, write_atomic
from regret_experiments.store.reading import Fault, StoredRun, examined, places
from regret_experiments.store.sealed import Damaged

NAME = "index.jsonl"
SCHEMA = 1
LEAST = 1000
"""Runs below which there is no index: they are read in a fifth of a second."""
SETTLED = 2.0
"""Seconds for which a file has not changed before it is indexed: clocks of file systems are that coarse."""
MOST_STALE = 0.02
"""Share of runs that an index may lack before it is written again: a sweep that is watched changes all the time."""

Summary = dict[str, Any]
"""Of the metadata of a run what tables need, and ``files``: size, times and number of its files."""

_KEPT = ("id", "status", "scalars", "timings", "violations", "seconds", "message")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def summaries(
    directory: Path, keep: Callable[[StoredRun], None], *, indexed: bool = True
) -> tuple[dict[str, Summary], list[Fault]]:
    """The summary of every whole run in ``directory`` by its id, in the order of ids, and the damaged files.

    A run is read, checked and given to ``keep`` unless its files have the size, the times and the inode that they had
    when the index was written. The index is written again where many have changed and the directory can be written. It
    has a checksum, and one that is damaged or of another version counts as missing.

    Parameters
    ----------
    directory
        Of the results.
    keep
        Is given every run that was read.
    indexed
        False reads every byte of every run, whatever the index says.
    """
    path = directory / NAME
    known = _read(path)
    trusted = known if indexed else {}
    found: dict[str, Summary] = {}
    faults: list[Fault] = []
    settled: list[Summary] = []
    latest = 1e9 * (time.time() - SETTLED)
    for folder, name in places(directory, "runs"):
        files, changed = _files(f"{folder}/{name}")
        summary = trusted.get(name)
        if summary is None or summary["files"] != files:
            run = examined("runs", folder, name)
            if isinstance(run, Fault):
                faults.append(run)
            if not isinstance(run, StoredRun):
                continue
            keep(run)
            summary = {key: run.metadata[key] for key in _KEPT if key in run.metadata} | {"files": files}
        found[name] = summary
        if changed < latest:
            settled.append(summary)
    same = sum(known.get(each["id"]) == each for each in settled)
    if len(settled) >= LEAST and max(len(settled), len(known)) - same > MOST_STALE * len(settled):
        with suppress(StoreError):  # a directory that cannot be written is read without an index
            _write(path, settled)
    return found, faults


def _files(home: str) -> tuple[str, float]:
    """What tells the files of a run from changed ones, and when they changed last, in nanoseconds."""
    parts, changed = [], 0
    for ending in (".json", ".npy"):
        try:
            facts = os.stat(home + ending)
        except OSError:
            parts.append("-")
            continue
        parts.append(f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}")
        changed = max(changed, facts.st_mtime_ns, facts.st_ctime_ns)
    return " ".join(parts), changed


def _read(path: Path) -> dict[str, Summary]:
    try:
        head, _, body = read_file(path, os.stat(path).st_size).partition(b"\n")
        if head != _head(body):
            return {}
        entries = [from_json(line, allow_inf_nan=False, cache_strings="all") for line in body.split(b"\n")]
        for entry in entries:
            check_summary(entry)
    except (OSError, ValueError, Damaged):
        return {}
    return {entry["id"]: entry for entry in entries}


def _write(path: Path, entries: list[Summary]) -> None:
    body = "\n".join(map(_encode, entries)).encode()
    write_atomic((path, _head(body) + b"\n" + body))


def _head(body: bytes) -> bytes:
    """The first line: a schema that is not this one's, or a byte that was changed, makes another line."""
    return _encode({"schema": SCHEMA, "sha256": hashlib.sha256(body).hexdigest()}).encode()
