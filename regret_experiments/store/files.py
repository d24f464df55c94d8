"""Write files so that a reader sees a whole file or none, even if the writer is killed."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from io import BufferedWriter
from pathlib import Path

from oco.errors import StoreError
from regret_experiments.store.sealed import Damaged

_numbers = itertools.count()
TEMPORARY = ".tmp"
"""Ending of files that are being written; readers never look at them."""

LARGEST_DOCUMENT = 1 << 30
"""Bytes of a JSON file beyond which it is not one of ours: a plan of a million runs has a fifth of that."""


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
            temporary = path.with_name(f".{path.name}.{os.getpid()}.{next(_numbers)}{TEMPORARY}")
            written.append((temporary, path))
            with _opened(temporary) as stream:
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


def _opened(path: Path) -> BufferedWriter:
    """A new file; its directory is made where it is missing, as it rarely is."""
    try:
        return open(path, "wb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "wb")


def read_file(path: str | Path, size: int | None = None) -> bytes:
    """Return the bytes of a file: ``size`` of them, or at most as many as a document has.

    Raises
    ------
    FileNotFoundError
        If there is none.
    Damaged
        If it has another size, is no regular file, or cannot be read.
    """
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise Damaged("it is not a file")
        if facts.st_size > LARGEST_DOCUMENT if size is None else facts.st_size != size:
            expected = f"at most {LARGEST_DOCUMENT}" if size is None else str(size)
            raise Damaged(f"it has {facts.st_size} bytes where {expected} were written")
        with open(path, "rb", buffering=0) as stream:
            return stream.readall()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise Damaged(f"it cannot be read: {error.strerror or error}") from None


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
