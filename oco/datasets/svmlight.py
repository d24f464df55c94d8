"""Read svmlight / LIBSVM files in blocks with scikit-learn's parser, and locate format errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np

from oco.datasets.compact import CompactWriter, make_csr
from oco.datasets.decompress import open_guarded
from oco.datasets.packages import needs_package
from oco.datasets.svmlight_faults import BLANK_LINE, find_fault
from oco.errors import DataError

_BLOCK_BYTES = 8 << 20
_LONGEST_LINE = 64 << 20
_BLANK = re.compile(rb"^[ \t\r\f\v]*$", re.MULTILINE)


def read_svmlight(
    path: Path,
    writer: CompactWriter,
    *,
    n_features: int | None = None,
    zero_based: bool = False,
    max_bytes: int | None = None,
) -> None:
    """Parse a svmlight file (plain, .gz, .bz2 or .xz) into ``writer``.

    Parameters
    ----------
    path : Path
        Lines of ``<label> <index>:<value> ...`` with ascending indices; ``#`` starts a comment.
    writer : CompactWriter
        Receives the rows, block by block.
    n_features : int, optional
        Number of columns, beyond which an index is an error. By default it is given by the largest index.
    zero_based : bool, default=False
        Whether indices count from 0 rather than from 1.
    max_bytes : int, optional
        Most bytes that a compressed file may expand to.

    Raises
    ------
    DataError
        At the first fault, with its line, its column and the expected content.
    """
    blank: int | None = None  # blank lines are allowed at the end only
    with open_guarded(path, max_bytes) as stream:
        for first_line, block in _line_blocks(stream, path):
            if first_line == 1:
                block = block.removeprefix(b"\xef\xbb\xbf")
            body = block.rstrip(b" \t\r\n")
            if not body:
                blank = blank or first_line
                continue
            if blank is not None:
                raise DataError(f"{path}, line {blank}, column 1: {BLANK_LINE}")
            _parse(body, first_line, path, n_features, zero_based, writer)
            if block.count(b"\n", len(body)) > 1:
                blank = first_line + body.count(b"\n") + 1
    if writer.n_rows == 0:
        raise DataError(f"{path}: holds no rows; expected lines of '<label> <index>:<value> ...'")


def _parse(
    block: bytes, first_line: int, path: Path, n_features: int | None, zero_based: bool, writer: CompactWriter
) -> None:
    with needs_package("scikit-learn"):
        from sklearn.datasets import load_svmlight_file

    failure: Exception | None = None
    try:
        rows, targets = load_svmlight_file(
            BytesIO(block), n_features=n_features, dtype=np.float64, zero_based=zero_based
        )
        blank = len(targets) <= block.count(b"\n") and _BLANK.search(block)  # fewer rows than lines: or else comments
        finite = np.isfinite(targets).all() and np.isfinite(rows.data).all()
        sound = finite and not blank and b"_" not in block  # Python parses 1_000 as a number
    except (ValueError, OverflowError) as error:
        failure, sound = error, False
    if not sound:
        fault = find_fault(block, first_line, n_features, zero_based=zero_based)
        if fault is not None:
            raise DataError(f"{path}, {fault}")
        if failure is not None:
            raise DataError(f"{path}, from line {first_line}: not in svmlight format ({failure})") from failure
    if len(targets):
        writer.append(make_csr(rows.data, rows.indices.astype(np.int32), rows.indptr, rows.shape[1]), targets)


def _line_blocks(stream: IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines in blocks of some megabytes, each with the number of its first line."""
    line = 1
    rest = b""
    while piece := stream.read(_BLOCK_BYTES):
        rest += piece
        end = rest.rfind(b"\n") + 1
        if end:
            yield line, rest[:end]
            line += rest.count(b"\n", 0, end)
            rest = rest[end:]
        elif len(rest) > _LONGEST_LINE:
            raise DataError(f"{path}, line {line}: longer than {_LONGEST_LINE:,} bytes; expected one row per line")
    if rest:
        yield line, rest
