"""The cache of downloads and parsed forms, into which each file is parsed at most once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from oco.datasets.compact import Compact, CompactWriter, is_intact, open_compact
from oco.errors import DataError


class CacheError(DataError):
    """The cache cannot be written: the disk is full, or the directory belongs to another user."""


def cache_directory() -> Path:
    """Directory of cached data sets: under ``OCO_CACHE_DIR``, else under the user's cache directory."""
    import platformdirs

    return Path(os.environ.get("OCO_CACHE_DIR") or platformdirs.user_cache_dir("oco")) / "datasets"


def is_parsed(key: str) -> bool:
    """Whether the compact form under ``key`` is in the cache."""
    return (_place(key) / "facts.json").exists()


def parse_once(
    key: str, parse: Callable[[CompactWriter], int | None], check: Callable[[Compact], None] | None = None
) -> Compact:
    """Return the compact form under ``key``, parsing the source first if it is not in the cache.

    Nothing is kept unless parsing and ``check`` both succeed, because the directory gets its final name last. Two
    processes may parse at once; the first to finish wins. If the cache cannot be written, the form is parsed into
    memory. Cached files are checked against their checksums; if a byte is wrong, the source is parsed again.

    Parameters
    ----------
    key : str
        Hash of the source's bytes and of every option of its reader.
    parse : callable
        Feeds a `CompactWriter` and returns the number of columns, or None to use the number seen.
    check : callable, optional
        Raises an error if the parsed form is not the expected one.

    Raises
    ------
    CacheError
        If the disk is full. Errors of ``parse`` and ``check`` are passed on.
    """
    final = _place(key)
    if is_intact(final):
        return open_compact(final)
    shutil.rmtree(final, ignore_errors=True)
    kept = True
    directory = final.with_name(f"{final.name}.{uuid4().hex[:8]}")  # not tempfile's: others may share this cache
    try:
        directory.mkdir(parents=True)
    except OSError:
        kept = False
        directory = Path(tempfile.mkdtemp(prefix="oco-"))
    try:
        writer = CompactWriter(directory)
        try:
            writer.finish(parse(writer))
        finally:
            writer.close()
        if check is not None:
            check(open_compact(directory))
        if kept:
            with suppress(OSError):  # another process was first
                directory.rename(final)
        if is_intact(final):
            return open_compact(final)
        return open_compact(directory, in_memory=True)
    except OSError as error:
        raise CacheError(
            f"{directory.parent} cannot be written ({error.strerror or error}); "
            "set OCO_CACHE_DIR to a directory that can"
        ) from error
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _place(key: str) -> Path:
    return cache_directory() / "parsed" / key[:32]
