"""Read CSV files in blocks with pandas, and locate format errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oco.datasets.compact import CompactWriter
from oco.datasets.csv_header import read_header
from oco.datasets.csv_rows import CsvLayout, raise_first_fault, read_rows
from oco.datasets.decompress import open_guarded
from oco.datasets.packages import needs_package
from oco.errors import DataError
from oco.types import Array

_BLOCK_CELLS = 1 << 20
_WIDE = 4000
"""Number of columns above which pandas, which keeps a record of each column, is slower than Python's own reader."""


def read_csv(
    path: Path,
    writer: CompactWriter,
    *,
    separator: str = ",",
    header: bool | None = None,
    target: str | int = -1,
    text_labels: Mapping[str, float] | None = None,
    max_bytes: int | None = None,
) -> None:
    """Parse a CSV file (plain, .gz, .bz2 or .xz) into ``writer``.

    Parameters
    ----------
    path : Path
        Rows of numbers in UTF-8, after an optional first line of names.
    writer : CompactWriter
        Receives the rows, block by block.
    separator : str, default=","
        Separator of the fields.
    header : bool, optional
        Whether the first line names the columns; detected by default.
    target : str or int, default=-1
        Name or position of the column of targets.
    text_labels : mapping of str to float, optional
        Numbers for the words in the target column, if it holds words.
    max_bytes : int, optional
        Most bytes that a compressed file may expand to.

    Raises
    ------
    DataError
        At the first fault, with its line, its column and the expected content.
    """
    names, width = read_header(
        path, separator, header=header, target=target, text_labels=text_labels, max_bytes=max_bytes
    )
    column = target_column(target, names, width, path)
    layout = CsvLayout(path, separator, names, width, column, text_labels, max_bytes)
    if width > _WIDE:
        _read_wide(layout, writer)
    else:
        _read_narrow(layout, writer)
    if writer.n_rows == 0:
        raise DataError(f"{path}: holds no rows; expected comma-separated numbers, one row per line")


def _read_wide(layout: CsvLayout, writer: CompactWriter) -> None:
    rows: Array = np.empty((max(1, _BLOCK_CELLS // layout.width), layout.width))
    count = 0
    for numbers in read_rows(layout):
        rows[count] = numbers
        count += 1
        if count == len(rows):
            _append(layout, rows, writer)
            count = 0
    if count:
        _append(layout, rows[:count], writer)


def _append(layout: CsvLayout, rows: Array, writer: CompactWriter) -> None:
    writer.append(np.delete(rows, layout.column, axis=1), rows[:, layout.column].copy())


def _read_narrow(layout: CsvLayout, writer: CompactWriter) -> None:
    with needs_package("pandas"):
        import pandas as pd

    width, column = layout.width, layout.column
    names: list[Any] = list(range(width))
    kinds: Any = dict.fromkeys(range(width), np.float64)
    if layout.text_labels is not None:
        kinds[column] = str
    # Later versions of pandas read numbers exactly by default.
    precision: Any = {"float_precision": "round_trip"} if int(pd.__version__.split(".")[0]) < 3 else {}
    with open_guarded(layout.path, layout.max_bytes) as stream:
        try:
            blocks = pd.read_csv(
                stream,  # type: ignore[call-overload, unused-ignore]
                sep=layout.separator,
                header=None,
                names=names,
                skiprows=1 if layout.header else 0,
                dtype=kinds,
                chunksize=max(1, _BLOCK_CELLS // width),
                skip_blank_lines=False,
                **precision,
                keep_default_na=False,
                na_values={name: ["", "nan", "NaN"] for name in names if name != column},
                encoding="utf-8-sig",
            )
            block: Any
            for block in blocks:
                labels = block.pop(column)
                if layout.text_labels is not None:
                    labels = labels.map(dict(layout.text_labels))
                targets = labels.to_numpy(np.float64)
                rows = np.ascontiguousarray(block.to_numpy(np.float64))
                ordinary = isinstance(block.index, pd.RangeIndex)  # pandas makes an index of surplus fields
                if not (ordinary and np.isfinite(rows).all() and np.isfinite(targets).all()):
                    raise_first_fault(layout, "a value that is missing or not finite")
                writer.append(rows, targets)
        except (ValueError, OverflowError, UnicodeError) as error:
            if isinstance(error, DataError):
                raise
            raise_first_fault(layout, str(error))


def target_column(target: str | int, header: list[str] | None, width: int, path: Path) -> int:
    """Return the position of the target column, or raise an error that lists the columns."""
    if isinstance(target, str):
        if header is None:
            raise DataError(f"{path}: has no header, so target must be a position in 0..{width - 1}, got {target!r}")
        if target not in header:
            raise DataError(f"{path}: target must be one of its columns {', '.join(header[:20])}; got {target!r}")
        return header.index(target)
    if isinstance(target, bool) or not isinstance(target, int):
        raise DataError(f"{path}: target must be the name or the position of a column, got {target!r}")
    if not -width <= target < width:
        raise DataError(f"{path}: target must be a position in {-width}..{width - 1}, got {target}")
    return target % width
