"""Plain values and arrays as one ``.npz`` file without pickles, with a format and a checksum."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from oco._version import __version__
from oco.errors import ConfigError, StoreError

_ARRAY = "$array"
_UNREADABLE = (
    OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError, NotImplementedError,
    MemoryError, RuntimeError, OverflowError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy, zipfile and json raise for bytes that are not an ``.npz`` file of ours."""


def save(path: str | os.PathLike[str], tree: Any, kind: str, version: int) -> None:
    """Write ``tree`` to ``path``, whole or not at all.

    Parameters
    ----------
    path
        A file; one that exists is replaced.
    tree
        Nested mappings with keys that are strings, lists, arrays of numbers, numbers, strings and None.
    kind, version
        What the file holds, and the version of its layout; `load` asks for them.

    Raises
    ------
    ConfigError
        If ``path`` is no path.
    StoreError
        If the file cannot be written.
    """
    target = checked_path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(_sealed(tree, kind, version))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StoreError(f"{target} cannot be written: {error.strerror or error}") from error


def load(path: str | os.PathLike[str], kind: str, version: int) -> Any:
    """Read what `save` wrote.

    Raises
    ------
    StoreError
        If there is no such file, it is of another kind or of another version, or it is damaged.
    """
    try:
        data = checked_path(path).read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as members:
            contents = {name: members[name] for name in members.files}
        facts = json.loads(str(contents.pop("facts")[()]))
        found, written = facts["kind"], facts["version"]
    except _UNREADABLE as error:
        raise StoreError(f"{path} is not an oco {kind}, or it is damaged") from error
    if found != kind:
        raise StoreError(f"{path} is an oco {found}, not an oco {kind}")
    if written != version:
        raise StoreError(
            f"{path} is an oco {kind} of version {written}, written by oco {facts.get('oco')}; this is oco "
            f"{__version__}, which reads version {version}"
        )
    try:
        if facts["sha256"] != _checksum(contents):
            raise ValueError("wrong checksum")
        return with_arrays(json.loads(str(contents.pop("tree")[()])), contents)
    except _UNREADABLE as error:
        raise StoreError(f"{path} is damaged: its contents do not have the checksum of what was written") from error


def checked_path(path: Any) -> Path:
    """``path`` as one; `ConfigError` if it is none, or an empty one."""
    if not isinstance(path, (str, os.PathLike)) or not str(path):
        raise ConfigError(f"a file is given by its path, a string or a pathlib.Path, got {path!r}")
    return Path(path)


def without_arrays(value: Any, arrays: dict[str, Any]) -> Any:
    """``value`` with a reference in the place of every array; the arrays are added to ``arrays``."""
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}
    if isinstance(value, dict):
        return {key: without_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [without_arrays(item, arrays) for item in value]
    return value


def with_arrays(value: Any, stored: Any) -> Any:
    """The inverse of `without_arrays`."""
    if isinstance(value, dict):
        if list(value) == [_ARRAY]:
            return stored[value[_ARRAY]]
        return {key: with_arrays(item, stored) for key, item in value.items()}
    if isinstance(value, list):
        return [with_arrays(item, stored) for item in value]
    return value


def _sealed(tree: Any, kind: str, version: int) -> bytes:
    contents: dict[str, Any] = {}
    contents["tree"] = np.array(json.dumps(without_arrays(tree, contents)))
    facts = {"kind": kind, "version": version, "oco": __version__, "sha256": _checksum(contents)}
    stream = io.BytesIO()
    np.savez_compressed(stream, facts=np.array(json.dumps(facts)), **contents)
    return stream.getvalue()


def _checksum(contents: dict[str, Any]) -> str:
    """SHA-256 of all arrays with their names, types and shapes."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        array = np.ascontiguousarray(contents[name])
        digest.update(f"{name} {array.dtype.str} {contents[name].shape}\n".encode() + array.tobytes())
    return digest.hexdigest()
