"""Read CSV files in blocks with pandas, and say where a file breaks the format."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oco.datasets.compact import CompactWriter
from oco.datasets.decompress import open_guarded, plain_suffix
from oco.errors import DataError

_BLOCK_CELLS = 1 << 20


def read_csv(
    path: Path,
    writer: CompactWriter,
    *,
    target: str | int = -1,
    text_labels: Mapping[str, float] | None = None,
    max_bytes: int | None = None,
) -> None:
    """Parse a CSV file (plain, .gz, .bz2 or .xz; tabs where the name ends in .tsv) into ``writer``.

    Parameters
    ----------
    path : Path
        Rows of numbers; a first row that is not all numbers is a header.
    writer : CompactWriter
        Where the rows go, block by block.
    target : str or int, default=-1
        Name or position of the column of targets.
    text_labels : mapping of str to float, optional
        What the words in the target column stand for, where it holds words.
    max_bytes : int, optional
        Most bytes that a compressed file may expand to.

    Raises
    ------
    DataError
        At the first fault, with its line and column and what was expected.
    """
    import pandas as pd

    separator = "\t" if plain_suffix(path) == ".tsv" else ","
    header, width = _header(path, separator, max_bytes)
    column = target_column(target, header, width, path)
    names: list[Any] = list(range(width))
    kinds: Any = dict.fromkeys(range(width), np.float64)
    if text_labels is not None:
        kinds[column] = str
    faults = _Faults(path, separator, header, width, column, text_labels, max_bytes)
    # Later versions of pandas read numbers exactly without being asked.
    precision: Any = {"float_precision": "round_trip"} if int(pd.__version__.split(".")[0]) < 3 else {}
    with open_guarded(path, max_bytes) as stream:
        try:
            blocks = pd.read_csv(
                stream,  # type: ignore[call-overload, unused-ignore]
                sep=separator,
                header=None,
                names=names,
                skiprows=1 if header else 0,
                dtype=kinds,
                chunksize=max(1, _BLOCK_CELLS // width),
                skip_blank_lines=False,
                **precision,
                keep_default_na=False,
                na_values={name: ["", "nan", "NaN"] for name in names if name != column},
                encoding="utf-8",
            )
            block: Any
            for block in blocks:
                labels = block.pop(column)
                targets = (labels.map(dict(text_labels)) if text_labels is not None else labels).to_numpy(np.float64)
                rows = np.ascontiguousarray(block.to_numpy(np.float64))
                ordinary = isinstance(block.index, pd.RangeIndex)  # pandas makes an index of surplus fields
                if not (ordinary and np.isfinite(rows).all() and np.isfinite(targets).all()):
                    faults.raise_first("a value that is missing or not finite")
                writer.append(rows, targets)
        except (ValueError, OverflowError, UnicodeError) as error:
            if isinstance(error, DataError):
                raise
            faults.raise_first(str(error))
    if writer.n_rows == 0:
        raise DataError(f"{path}: holds no rows; expected comma-separated numbers, one row per line")


def target_column(target: str | int, header: list[str] | None, width: int, path: Path) -> int:
    """Return the position of the target column, or raise with the columns that there are."""
    if isinstance(target, str):
        if header is None:
            raise DataError(f"{path}: has no header, so target must be a position in 0..{width - 1}, got {target!r}")
        if target not in header:
            raise DataError(f"{path}: target must be one of its columns {', '.join(header[:20])}; got {target!r}")
        return header.index(target)
    if not -width <= target < width:
        raise DataError(f"{path}: target must be a position in {-width}..{width - 1}, got {target}")
    return target % width


def _header(path: Path, separator: str, max_bytes: int | None) -> tuple[list[str] | None, int]:
    with open_guarded(path, max_bytes) as stream:
        start = stream.read(1 << 20)
    first = start.split(b"\n", 1)[0]
    try:
        fields = next(csv.reader([first.decode("utf-8")], delimiter=separator), [])
    except UnicodeDecodeError as error:
        raise DataError(f"{path}, line 1, column {error.start + 1}: not UTF-8 text; expected a CSV file") from error
    if not start.strip():
        raise DataError(f"{path}: is empty; expected comma-separated numbers, one row per line")
    if len(fields) < 2:
        raise DataError(f"{path}, line 1: expected at least two columns (features and a target), got {len(fields)}")
    return (None if any(_is_number(field) for field in fields) else fields), len(fields)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


class _Faults:
    """Second, slow reading of a file that the fast reader refused."""

    def __init__(
        self,
        path: Path,
        separator: str,
        header: list[str] | None,
        width: int,
        column: int,
        text_labels: Mapping[str, float] | None,
        max_bytes: int | None,
    ) -> None:
        self.path = path
        self.separator = separator
        self.header = header
        self.width = width
        self.column = column
        self.text_labels = text_labels
        self.max_bytes = max_bytes

    def raise_first(self, reason: str) -> None:
        """Raise the first fault with its line and column; ``reason`` is what the fast reader said."""
        with open_guarded(self.path, self.max_bytes) as stream:
            lines = csv.reader(io.TextIOWrapper(stream, "utf-8", newline=""), delimiter=self.separator)
            try:
                for fields in lines:
                    if self.header and lines.line_num == 1:
                        continue
                    self._check(fields, lines.line_num)
            except UnicodeDecodeError as error:
                raise DataError(f"{self.path}, after line {lines.line_num}: not UTF-8 text; expected CSV") from error
            except csv.Error as error:
                raise DataError(f"{self.path}, line {lines.line_num}: {error}; expected CSV") from error
        raise DataError(f"{self.path}: cannot be read as CSV ({reason})")

    def _check(self, fields: list[str], line: int) -> None:
        where = f"{self.path}, line {line}"
        if not fields:
            raise DataError(f"{where}: a blank line; expected {self.width} fields")
        if len(fields) != self.width:
            raise DataError(f"{where}: has {len(fields)} fields; expected {self.width} as in line 1")
        for position, field in enumerate(fields):
            name = f"column {position + 1}" + (f" ({self.header[position]})" if self.header else "")
            if position == self.column and self.text_labels is not None:
                if field not in self.text_labels:
                    known = ", ".join(map(repr, self.text_labels))
                    raise DataError(f"{where}, {name}: expected one of the labels {known}, got {field!r}")
            elif not _is_number(field):
                hint = "; pass labels={...} if the targets are words" if position == self.column and field else ""
                raise DataError(f"{where}, {name}: expected a number, got {field!r}{hint}")
            elif not math.isfinite(float(field)):
                raise DataError(f"{where}, {name}: expected a finite number, got {field!r}")
