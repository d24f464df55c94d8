"""Write files so that a reader sees the whole of one or nothing, whatever happens to the writer."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

from oco.errors import StoreError

_numbers = itertools.count()
TEMPORARY = ".tmp"
"""Ending of files that are being written; readers never look at them."""


def write_atomic(*files: tuple[Path, bytes]) -> None:
    """Write files of one directory: each to a temporary name, to the disk, and then into place in the given order.

    Raises
    ------
    StoreError
        If the disk is full, the directory cannot be written, ...; nothing that was there before is touched.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, data in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.{next(_numbers)}{TEMPORARY}")
            written.append((temporary, path))
            with temporary.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        for temporary, path in written:
            os.replace(temporary, path)
        _sync_directory(files[-1][0].parent)
    except OSError as error:
        for temporary, _ in written:
            _remove(temporary)
        raise cannot_write(files[-1][0].parent, error) from error


def cannot_write(directory: Path, error: OSError) -> StoreError:
    """The sentence for an operating system's refusal."""
    reason = error.strerror or str(error)
    return StoreError(f"results cannot be written to {directory}: {reason}; what is finished there is kept")


def remove_leftovers(directory: Path) -> None:
    """Delete temporary files that a killed process left behind; only while no other process writes here."""
    for temporary in directory.rglob(f".*{TEMPORARY}"):
        _remove(temporary)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
