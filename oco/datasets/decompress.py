"""Open a plain, .gz, .bz2 or .xz file for reading, with a limit on its expanded size."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from oco.errors import DataError

_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}

FREE_BYTES = 64 << 20
"""A compressed file may always expand to this much."""

LARGEST_RATIO = 200
"""Past `FREE_BYTES`, a file may expand to this many times its size; real data sets stay below 60."""


def plain_suffix(path: Path) -> str:
    """Suffix of the file inside: ".csv" for "rows.csv.gz"."""
    return (path.with_suffix("") if compression(path) else path).suffix.lower()


def compression(path: Path) -> str:
    """Suffix of a file's compression: ".gz", ".bz2", ".xz", or "" for a plain file."""
    suffix = path.suffix.lower()
    return suffix if suffix in _OPENERS else ""


class GuardedReader:
    """Binary stream that raises one clear `DataError` if the file is damaged or expands too far."""

    def __init__(self, stream: IO[bytes], path: Path, limit: int | None) -> None:
        self._stream = stream
        self._path = path
        self._limit = limit
        self.position = 0

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes."""
        wanted = size if size >= 0 else 1 << 62
        if self._limit is not None:
            # One byte more than allowed is enough to detect the excess, and no more is held in memory.
            wanted = min(wanted, self._limit - self.position + 1)
        try:
            block = self._stream.read(wanted if wanted < 1 << 62 else -1)
        except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
            raise DataError(
                f"{self._path}: the compressed file is damaged or cut short after {self.position:,} bytes of content "
                f"({error}); expected a complete {self._path.suffix} file"
            ) from error
        self.position += len(block)
        if self._limit is not None and self.position > self._limit:
            raise DataError(
                f"{self._path}: expands to more than {self._limit:,} bytes from {self._path.stat().st_size:,}; "
                "pass max_bytes= if this is meant"
            )
        return block

    # pandas needs an iterator, and a text wrapper needs the flags below.
    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(1 << 20):
            yield block

    def readable(self) -> bool:
        """Return True."""
        return True

    def writable(self) -> bool:
        """Return False."""
        return False

    def seekable(self) -> bool:
        """Return False."""
        return False

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return self._stream.closed


@contextmanager
def open_guarded(path: Path, max_bytes: int | None = None) -> Iterator[IO[bytes]]:
    """Open ``path`` for reading, decompressing by its suffix.

    Parameters
    ----------
    path : Path
        A file; .gz, .bz2 and .xz are decompressed.
    max_bytes : int, optional
        Most bytes that a compressed file may expand to; by default 64 MiB or 200 times its size.

    Raises
    ------
    DataError
        If the file cannot be opened, is damaged or cut short, or expands past the limit.
    """
    try:
        size = path.stat().st_size
        raw = _OPENERS.get(compression(path), open)(path, "rb")  # type: ignore[operator]
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror})") from error
    limit = None
    if compression(path):
        limit = max_bytes if max_bytes is not None else max(FREE_BYTES, LARGEST_RATIO * size)
    reader = GuardedReader(cast(IO[bytes], raw), path, limit)
    try:
        yield cast(IO[bytes], reader)
    finally:
        reader.close()
