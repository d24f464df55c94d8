"""Decide whether the first line of a CSV file holds column names or numbers, and reject a line that may be either."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from oco.datasets.decompress import open_guarded
from oco.datasets.options import WORDS_HINT, check_column_names
from oco.errors import DataError

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_NOT_FINITE = re.compile(r"\s*[+-]?(nan|inf|infinity)\s*", re.ASCII | re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\n|\r")

_MOST_COLUMNS = 1_000_000
_LONGEST_LINE = 64 << 20
_PIECE_BYTES = 1 << 20


def read_header(
    path: Path,
    separator: str,
    *,
    header: bool | None = None,
    target: str | int = -1,
    text_labels: Mapping[str, float] | None = None,
    max_bytes: int | None = None,
) -> tuple[list[str] | None, int]:
    """Return the names of the columns (None if the first line is a row) and the number of columns.

    Parameters
    ----------
    path, separator
        The file, and the separator of its fields.
    header : bool or None
        Whether the first line names the columns. With None, a line of words does and a line of numbers does not.
    target, text_labels, max_bytes
        As in `oco.datasets.csv_table.read_csv`.

    Raises
    ------
    DataError
        If the file is empty or not text, if the first line could be either, or if a column has no name of its own.
    """
    first, following = _opening(path, max_bytes)
    if first.count(separator) >= _MOST_COLUMNS:
        raise DataError(
            f"{path}, line 1: has {first.count(separator) + 1:,} columns; at most {_MOST_COLUMNS:,} are read"
        )
    try:
        fields = next(csv.reader([first], delimiter=separator), [])
    except csv.Error as error:
        raise DataError(f"{path}, line 1: {error}; expected CSV") from error
    if len(fields) < 2:
        raise DataError(f"{path}, line 1: expected at least two columns (features and a target), got {len(fields)}")
    if header is None:
        header = _is_header(path, fields, following, separator, target, text_labels)
    if header:
        check_column_names(fields, f"{path}, line 1")
    return (fields if header else None), len(fields)


def _opening(path: Path, max_bytes: int | None) -> tuple[str, list[str]]:
    """The first line, and some whole lines that follow."""
    content = b""
    complete = False
    with open_guarded(path, max_bytes) as stream:
        while not complete and (piece := stream.read(_PIECE_BYTES)):
            content += piece
            complete = b"\n" in piece or b"\r" in piece[:-1]
            if not complete and len(content) > _LONGEST_LINE:
                raise DataError(f"{path}, line 1: longer than {_LONGEST_LINE:,} bytes; expected one row per line")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise DataError(f"{path}: is empty; expected comma-separated numbers, one row per line")
    start = re.split(rb"\r\n|\n|\r", content, maxsplit=1)[0]
    try:
        first = start.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}, line 1, column {error.start + 1}: not UTF-8 text; expected a CSV file") from error
    lines = _LINE_END.split(content[len(start) :].decode("utf-8", errors="replace"))
    return first, [line for line in lines[1:-1] if line] or [line for line in lines[1:] if line]


def _is_header(
    path: Path,
    fields: list[str],
    following: list[str],
    separator: str,
    target: str | int,
    text_labels: Mapping[str, float] | None,
) -> bool:
    words = [
        place for place, field in enumerate(fields) if not (NUMBER.fullmatch(field) or _NOT_FINITE.fullmatch(field))
    ]
    counted = [str(place) for place in range(len(fields))]
    if fields == counted:
        # The header that DataFrame.to_csv() writes for unnamed columns; its floats all have a point or an exponent.
        if following and not any(
            field.strip().lstrip("+-").isdigit() for line in following for field in line.split(separator)
        ):
            return True
        raise DataError(
            f"{path}, line 1: {separator.join(fields[:3])},... may number the columns or be a row; "
            "pass header=True or header=False"
        )
    if len(words) in (0, len(fields)):
        return bool(words)
    if isinstance(target, str) and target in fields:
        return True
    if fields[0] == "" and fields[1:] == counted[:-1]:
        return True  # the same with its index, which has no name
    position = target % len(fields) if isinstance(target, int) else None
    if words == [position] and text_labels is not None and fields[words[0]] in text_labels:
        return False
    hint = f", or {WORDS_HINT}" if words[0] == position and text_labels is None else ""
    raise DataError(
        f"{path}, line 1, column {words[0] + 1}: expected a number, got {fields[words[0]]!r}; "
        f"pass header=True if line 1 names the columns{hint}"
    )
