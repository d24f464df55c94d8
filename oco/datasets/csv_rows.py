"""Read CSV row by row with Python's reader, for very wide tables and to locate the first format error of a file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from oco.datasets.csv_header import NUMBER
from oco.datasets.decompress import open_guarded
from oco.datasets.options import WORDS_HINT
from oco.errors import DataError


@dataclass(frozen=True)
class CsvLayout:
    """Layout of a CSV file, determined before its rows are read.

    Attributes
    ----------
    path, separator
        The file, and the separator of its fields.
    header : list of str or None
        Names of the columns, if the first line gives them.
    width, column
        Number of columns, and position of the target.
    text_labels : mapping of str to float, or None
        Numbers for the words in that column.
    max_bytes : int or None
        Most bytes that a compressed file may expand to.
    """

    path: Path
    separator: str
    header: list[str] | None
    width: int
    column: int
    text_labels: Mapping[str, float] | None
    max_bytes: int | None


def read_rows(layout: CsvLayout) -> Iterator[list[float]]:
    """Yield every row as numbers, the target among them.

    Raises
    ------
    DataError
        At the first fault, with its line, its column and the expected content.
    """
    with open_guarded(layout.path, layout.max_bytes) as stream:
        lines = csv.reader(_text(stream), delimiter=layout.separator)
        try:
            for number, fields in enumerate(lines):
                if number > 0 or layout.header is None:
                    yield _numbers(layout, fields, lines.line_num)
        except UnicodeDecodeError as error:
            raise DataError(f"{layout.path}, after line {lines.line_num}: not UTF-8 text; expected CSV") from error
        except csv.Error as error:
            raise DataError(f"{layout.path}, line {lines.line_num}: {error}; expected CSV") from error


def raise_first_fault(layout: CsvLayout, reason: str) -> None:
    """Raise an error for the first fault of a file that a faster reader rejected for ``reason``."""
    for _ in read_rows(layout):
        pass
    raise DataError(f"{layout.path}: cannot be read as CSV ({reason})")


def _text(stream: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, "utf-8-sig", newline=None)


def _numbers(layout: CsvLayout, fields: list[str], line: int) -> list[float]:
    where = f"{layout.path}, line {line}"
    if not fields:
        raise DataError(f"{where}: a blank line; expected {layout.width} fields")
    if len(fields) != layout.width:
        raise DataError(f"{where}: has {len(fields)} fields; expected {layout.width} as in line 1")
    label = None
    if layout.text_labels is not None:
        label = layout.text_labels.get(fields[layout.column])
        if label is None:
            known = ", ".join(map(repr, layout.text_labels))
            name = _column_name(layout, layout.column)
            raise DataError(f"{where}, {name}: expected one of the labels {known}, got {fields[layout.column]!r}")
    numbers = []
    for position, field in enumerate(fields):
        if label is not None and position == layout.column:
            numbers.append(label)
            continue
        if not NUMBER.fullmatch(field):
            hint = f"; {WORDS_HINT}" if position == layout.column and field else ""
            kind = "a finite number" if field.strip().lower().lstrip("+-") in ("nan", "inf", "infinity") else "a number"
            raise DataError(f"{where}, {_column_name(layout, position)}: expected {kind}, got {_shown(field)}{hint}")
        number = float(field)
        if math.isinf(number):
            name = _column_name(layout, position)
            raise DataError(f"{where}, {name}: expected a finite number, got {_shown(field)}")
        numbers.append(number)
    return numbers


def _column_name(layout: CsvLayout, position: int) -> str:
    return f"column {position + 1}" + (f" ({layout.header[position]})" if layout.header else "")


def _shown(field: str) -> str:
    return repr(field if len(field) <= 40 else field[:40] + "...")
