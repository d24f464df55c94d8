"""The cache of compiled kernels, in a directory that only this user can write, because its files are code.

Numba reads its cache with `pickle`, so anyone who can write there can run code as the user who reads it. A directory
that another user owns or may write is therefore not used. Each file has a checksum. A file that is truncated, damaged
or owned by another user counts as missing, and the kernel is compiled again.

The directory is in the user's cache (``OCO_CACHE_DIR`` overrides it), so a read-only installation works. If it cannot
be used, kernels are kept in a temporary directory for the lifetime of the process.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import pickle
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core.caching import FunctionCache, IndexDataCacheFile

from oco._version import __version__

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_DIGEST_BYTES = hashlib.sha256().digest_size


def cache_directory() -> Path:
    """Directory of this package's caches: ``OCO_CACHE_DIR``, else the user's cache directory."""
    return Path(os.environ.get("OCO_CACHE_DIR") or platformdirs.user_cache_dir("oco"))


def open_cache() -> tuple[Path | None, str]:
    """The directory for kernels, and the reason if it is not the requested one.

    Numba's own ``NUMBA_CACHE_DIR`` takes precedence; through it worker processes find a temporary directory.
    """
    directory = Path(os.environ.get("NUMBA_CACHE_DIR") or _directory_of_sources())
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
        refused = why_not_private(directory)
    except OSError as error:
        refused = f"{directory} cannot be written ({error.strerror or error})"
    return (_temporary_cache(), refused) if refused else (directory.resolve(), "")


def why_not_private(directory: Path) -> str:
    """Say who else could put files into ``directory``; an empty string if nobody can.

    The directory must belong to this user, and nobody else may write it. The directories above it must belong to this
    user or the superuser, and others may write them only if they cannot replace files of other users (a sticky
    ``/tmp``). A group with the user's own number, which many systems create for every user, counts as the user.
    """
    if not hasattr(os, "getuid"):
        return ""
    user, place = os.getuid(), directory.resolve()
    facts = place.stat()
    if facts.st_uid != user:
        return f"{directory} belongs to another user"
    if facts.st_mode & _OTHERS_WRITE:
        return f"{directory} can be written by others (mode {stat.S_IMODE(facts.st_mode):o})"
    for above in place.parents[:-1]:  # the owner of the root of the file system owns everything
        facts = above.stat()
        others = stat.S_IWOTH if facts.st_gid == user else _OTHERS_WRITE
        if facts.st_uid not in (0, user):
            return f"{above}, above {directory}, belongs to another user"
        if facts.st_mode & others and not facts.st_mode & stat.S_ISVTX:
            return f"{above}, above {directory}, can be written by others (mode {stat.S_IMODE(facts.st_mode):o})"
    return ""


class KernelCache(FunctionCache):
    """Numba's cache of one function; a damaged file or a full disk only causes another compilation.

    ``wrapped`` says whether Python can call what is compiled. What it cannot has a key of its own.
    """

    def __init__(self, function: Any, *, wrapped: bool = True) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._wrapped = wrapped
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _CheckedFiles(self._cache_path, self._impl.filename_base, stamp)  # type: ignore[no-untyped-call]

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Save the compiled code, if there is room for it."""
        with suppress(OSError):
            super().save_overload(signature, compiled)  # type: ignore[no-untyped-call]

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        return (*super()._index_key(signature, codegen), self._wrapped)  # type: ignore[no-untyped-call]


class _CheckedFiles(IndexDataCacheFile):
    """Numba's index and data files of one function, each with a checksum before its pickle."""

    _cache_path: str
    _index_path: str

    def load(self, key: Any) -> Any:
        """The data saved under ``key``; None if missing, damaged or, after two concurrent saves, of another key."""
        found = super().load(key)  # type: ignore[no-untyped-call]
        return found[1] if found is not None and found[0] == key else None

    def save(self, key: Any, data: Any) -> None:
        """Save ``data`` together with its key."""
        super().save(key, (key, data))  # type: ignore[no-untyped-call]

    def _load_index(self) -> dict[Any, str]:
        sealed = _read(self._index_path)
        if sealed is None:
            return {}
        stamp, names = pickle.loads(sealed)
        return names if stamp == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write(self._index_path, ((self._version, self._source_stamp), overloads))

    def _load_data(self, name: str) -> Any:
        sealed = _read(os.path.join(self._cache_path, name))
        return None if sealed is None else pickle.loads(sealed)

    def _save_data(self, name: str, data: Any) -> None:
        self._write(os.path.join(self._cache_path, name), data)

    def _write(self, path: str, value: Any) -> None:
        data = self._dump(value)  # type: ignore[no-untyped-call]
        with self._open_for_write(path) as stream:
            os.chmod(stream.name, 0o600)
            stream.write(hashlib.sha256(data).digest() + data)


def _read(path: str) -> bytes | None:
    """The pickle in a file of the cache; None unless it is complete and only this user can write it."""
    try:
        with open(path, "rb") as stream:
            facts = os.fstat(stream.fileno())
            if hasattr(os, "getuid") and (facts.st_uid != os.getuid() or facts.st_mode & _OTHERS_WRITE):
                return None
            sealed = stream.read()
    except OSError:
        return None
    digest, data = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
    return data if hashlib.sha256(data).digest() == digest else None


def _directory_of_sources() -> Path:
    """A directory name that hashes all sources, because Numba checks a kernel's own file but not those it imports."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        text = source.read_bytes()
        if b"kernel" in text:  # defines kernels, or constants that they are compiled with
            digest.update(text)
    version = f"{__version__}-py{sys.version_info.major}.{sys.version_info.minor}-numba{numba.__version__}"
    return cache_directory() / "kernels" / f"{version}-{digest.hexdigest()[:16]}"


def _temporary_cache() -> Path | None:
    """A directory for the lifetime of this process, used by its workers too; None if none can be written."""
    try:
        directory = Path(tempfile.mkdtemp(prefix="oco-kernels-"))
    except OSError:
        return None
    atexit.register(_remove, directory, os.getpid())
    os.environ["NUMBA_CACHE_DIR"] = str(directory)
    return directory


def _remove(directory: Path, maker: int) -> None:
    """Remove a temporary cache, unless this process is a fork of the one that made it."""
    if os.getpid() == maker:
        shutil.rmtree(directory, ignore_errors=True)
