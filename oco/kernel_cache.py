"""The cache of compiled kernels, in a directory that only this user can write, because its files are code.

Numba reads its cache with `pickle`, so anyone who can write there can run code as the user who reads it. A directory
that another user owns or may write is therefore not used. Each file has a checksum. A file that is truncated, damaged
or owned by another user counts as missing, and the kernel is compiled again.

A wheel may carry kernels (`oco.carried_kernels`), which are read where the directory has none. They are as trusted as
the package that they lie in: each must belong to the owner of the package, and nobody else may write it.

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
from functools import cache
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core.caching import FunctionCache, IndexDataCacheFile, UserProvidedCacheLocator

from oco._version import __version__
from oco.carried_kernels import PACKAGE, carried_kernels, folder_in, portable

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
        self._cache_file = _CheckedFiles(self._cache_path, self._impl.filename_base, stamp)
        carried = carried_kernels(version_of_sources())
        folder = None if carried is None else folder_in(carried, function.__code__.co_filename)
        if folder is not None:
            owner = os.stat(__file__).st_uid
            self._cache_file.carried = _CheckedFiles(str(folder), self._impl.filename_base, stamp, owner)

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
    carried: _CheckedFiles | None = None
    """The files of the same function in the package."""

    def __init__(self, path: str, filename_base: str, stamp: Any, owner: int | None = None) -> None:
        super().__init__(path, filename_base, stamp)  # type: ignore[no-untyped-call]
        self._owner = owner

    def load(self, key: Any) -> Any:
        """The data saved under ``key``; None if missing, damaged or, after two concurrent saves, of another key."""
        found = super().load(key)  # type: ignore[no-untyped-call]
        if found is not None and found[0] == key:
            return found[1]
        return None if self.carried is None else self.carried.load(portable(key))

    def save(self, key: Any, data: Any) -> None:
        """Save ``data`` together with its key."""
        super().save(key, (key, data))  # type: ignore[no-untyped-call]

    def _load_index(self) -> dict[Any, str]:
        stamp, names = _unpickled(_read(self._index_path, self._owner), (None, {}))
        return names if stamp == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write(self._index_path, ((self._version, self._source_stamp), overloads))

    def _load_data(self, name: str) -> Any:
        return _unpickled(_read(os.path.join(self._cache_path, name), self._owner))

    def _save_data(self, name: str, data: Any) -> None:
        self._write(os.path.join(self._cache_path, name), data)

    def _write(self, path: str, value: Any) -> None:
        data = self._dump(value)  # type: ignore[no-untyped-call]
        with self._open_for_write(path) as stream:
            os.chmod(stream.name, 0o600)
            stream.write(hashlib.sha256(data).digest() + data)


def carry(compiled: Path, target: Path) -> int:
    """Copy the kernels of this package in a cache, ``compiled`` for one processor, to ``target``; returns how many.

    Unlike there, their places and keys name neither the processor nor where the package lies.
    """
    count = 0
    for folder in sorted({source.parent for source in PACKAGE.rglob("*.py")}):
        of_folder = compiled / UserProvidedCacheLocator.get_suitable_cache_subpath(str(folder / "any.py"))  # type: ignore[no-untyped-call]
        into = target / folder.relative_to(PACKAGE)
        for index in sorted(of_folder.glob("*.nbi")):
            base = index.name.removesuffix(".nbi")
            (_, stamp), names = pickle.loads(_read(str(index)) or b"")
            kept = _CheckedFiles(str(into), base, stamp)
            into.mkdir(parents=True, exist_ok=True)
            for name in names.values():
                key, data = pickle.loads(_read(str(of_folder / name)) or b"")
                kept.save(portable(key), data)
                count += 1
    return count


def _read(path: str, owner: int | None = None) -> bytes | None:
    """The pickle in a file of the cache; None unless it is complete and only ``owner`` (this user) can write it."""
    try:
        with open(path, "rb") as stream:
            facts = os.fstat(stream.fileno())
            allowed = owner if owner is not None or not hasattr(os, "getuid") else os.getuid()
            if hasattr(os, "getuid") and (facts.st_uid != allowed or facts.st_mode & _OTHERS_WRITE):
                return None
            sealed = stream.read()
    except OSError:
        return None
    digest, data = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
    return data if hashlib.sha256(data).digest() == digest else None


def _unpickled(data: bytes | None, missing: Any = None) -> Any:
    """The value; ``missing`` without one, or where it is of another NumPy, say, whose modules are not there."""
    if data is None:
        return missing
    try:
        return pickle.loads(data)
    except (ImportError, AttributeError, pickle.UnpicklingError):
        return missing


def _directory_of_sources() -> Path:
    return cache_directory() / "kernels" / version_of_sources()


@cache
def version_of_sources() -> str:
    """A directory name that hashes all sources, because Numba checks a kernel's own file but not those it imports."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        text = source.read_bytes()
        if b"kernel" in text:  # defines kernels, or constants that they are compiled with
            digest.update(text)
    version = f"{__version__}-py{sys.version_info.major}.{sys.version_info.minor}-numba{numba.__version__}"
    return f"{version}-{digest.hexdigest()[:16]}"


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
