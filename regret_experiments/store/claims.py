"""Claims: if two processes work on one directory, only one of them plays a run.

A claim is a file lock that the operating system releases when the process ends for any reason, so there are no stale
claims.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from oco.errors import StoreError
from regret_experiments.store.files import cannot_write

_SESSION = "session"
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


class Claims:
    """Locks on names in one directory, held until they are released or the process ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: dict[str, int] = {}

    def enter(self) -> bool:
        """Mark the directory as in use by this process until it ends; True where nobody else uses it.

        Locks that killed processes left as files are deleted then.

        Raises
        ------
        StoreError
            If the directory cannot be written, or the system or its file system has no locks.
        """
        try:
            descriptor = self._opened(self._directory / _SESSION)
        except OSError as error:
            raise cannot_write(self._directory, error) from error
        self._held[_SESSION] = descriptor
        alone = self._lock(descriptor, shared=False)
        if alone:
            for path in self._directory.glob("*.lock"):
                path.unlink(missing_ok=True)
        return alone

    def share(self) -> None:
        """Let other processes use the directory again."""
        self._lock(self._held[_SESSION], shared=True)

    def take(self, name: str) -> bool:
        """Claim ``name``; False where another process has it."""
        path = self._path(name)
        while True:
            try:
                descriptor = self._opened(path)
            except OSError as error:
                raise cannot_write(self._directory, error) from error
            try:
                free = self._lock(descriptor, shared=False)
            except StoreError:
                os.close(descriptor)
                raise
            if not free:
                os.close(descriptor)
                return False
            # The holder deletes the file before it lets go: a lock on a deleted file is a lock on nothing.
            if _same_file(descriptor, path):
                self._held[name] = descriptor
                return True
            os.close(descriptor)

    def release(self, name: str) -> None:
        """Give ``name`` back."""
        descriptor = self._held.pop(name)
        with contextlib.suppress(OSError):
            self._path(name).unlink()
        os.close(descriptor)

    def leave(self) -> None:
        """Give everything back."""
        for name in [name for name in self._held if name != _SESSION]:
            self.release(name)
        if _SESSION in self._held:
            os.close(self._held.pop(_SESSION))

    def _lock(self, descriptor: int, *, shared: bool) -> bool:
        # Windows has no lock that is first one process's own and then shared, nor deletes a file that is locked.
        try:
            import fcntl
        except ImportError:
            raise StoreError(
                f"{self._directory}: a sweep needs the file locks of Linux or macOS (on Windows, WSL)"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            message = f"{self._directory} is on a file system without locks ({error.strerror}); use another directory"
            raise StoreError(message) from error
        return True

    def _opened(self, path: Path) -> int:
        try:
            return os.open(path, _OPEN, 0o644)
        except FileNotFoundError:
            self._directory.mkdir(parents=True, exist_ok=True)
            return os.open(path, _OPEN, 0o644)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.lock"


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        at_path = os.stat(path)
    except FileNotFoundError:
        return False
    opened = os.fstat(descriptor)
    return (opened.st_ino, opened.st_dev) == (at_path.st_ino, at_path.st_dev)
