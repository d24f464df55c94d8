"""Where downloads and parsed forms are kept, and how a file is parsed into the cache at most once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from oco.datasets.compact import Compact, CompactWriter, open_compact


def cache_directory() -> Path:
    """Directory of cached data sets: under ``OCO_CACHE_DIR``, else under the user's cache directory."""
    import platformdirs

    return Path(os.environ.get("OCO_CACHE_DIR") or platformdirs.user_cache_dir("oco")) / "datasets"


def parse_once(
    key: str, parse: Callable[[CompactWriter], int | None], check: Callable[[Compact], None] | None = None
) -> Compact:
    """Return the compact form under ``key``, parsing it first if this was never done.

    Nothing is kept unless parsing and ``check`` both succeed: the directory gets its final name last.  Two processes
    may parse at once; the first to finish wins.  Where the cache cannot be written, the form is parsed into memory.

    Parameters
    ----------
    key : str
        Hash of the source's bytes and of every option of its reader.
    parse : callable
        Feeds a `CompactWriter` and returns the number of columns, or None for as many as were seen.
    check : callable, optional
        Raises if the parsed form is not what was expected.
    """
    final = cache_directory() / "parsed" / key[:32]
    if (final / "facts.json").exists():
        return open_compact(final)
    kept = True
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix=f"{key[:8]}.", dir=final.parent))
    except OSError:
        kept = False
        directory = Path(tempfile.mkdtemp(prefix="oco-"))
    try:
        writer = CompactWriter(directory)
        try:
            writer.finish(parse(writer))
        finally:
            writer.close()
        compact = open_compact(directory, in_memory=not kept)
        if check is not None:
            check(compact)
        if not kept:
            return compact
        del compact  # some systems refuse to rename what is mapped
        with suppress(OSError):  # another process was first
            directory.rename(final)
        return open_compact(final)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
