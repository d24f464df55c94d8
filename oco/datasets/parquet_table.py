"""Read Parquet files in blocks with pyarrow, an optional extra."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oco.datasets.compact import CompactWriter
from oco.datasets.csv_table import target_column
from oco.errors import DataError
from oco.types import Array

_BLOCK_CELLS = 1 << 20


def read_parquet(
    path: Path, writer: CompactWriter, *, target: str | int = -1, text_labels: Mapping[str, float] | None = None
) -> None:
    """Parse a Parquet file of numeric columns into ``writer``.

    Parameters
    ----------
    path : Path
        The file.
    writer : CompactWriter
        Where the rows go, block by block.
    target : str or int, default=-1
        Name or position of the column of targets.
    text_labels : mapping of str to float, optional
        What the words in the target column stand for, where it holds words.

    Raises
    ------
    DataError
        If pyarrow is not installed, or at the first fault, with its row and column.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise DataError(f"{path}: reading Parquet needs pyarrow; install the 'parquet' extra") from error
    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            if len(names) < 2:
                raise DataError(f"{path}: expected at least two columns (features and a target), got {len(names)}")
            column = target_column(target, names, len(names), path)
            for batch in file.iter_batches(batch_size=max(1, _BLOCK_CELLS // len(names))):
                arrays = [
                    _column(
                        path, name, batch.column(position), writer.n_rows, text_labels if position == column else None
                    )
                    for position, name in enumerate(names)
                ]
                targets = arrays.pop(column)
                writer.append(np.ascontiguousarray(np.column_stack(arrays)), targets)
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{path}: is damaged or not a Parquet file ({error})") from error
    if writer.n_rows == 0:
        raise DataError(f"{path}: holds no rows")


def _column(path: Path, name: str, cells: Any, start: int, text_labels: Mapping[str, float] | None) -> Array:
    values = cells.to_numpy(zero_copy_only=False)
    if text_labels is not None and values.dtype == object:
        unknown = [value for value in values if value not in text_labels]
        if unknown:
            known = ", ".join(map(repr, text_labels))
            raise DataError(f"{path}, column {name!r}: expected one of the labels {known}, got {unknown[0]!r}")
        return np.array([text_labels[value] for value in values], dtype=np.float64)
    if values.dtype.kind not in "biuf":
        hint = "; pass labels={...} if the targets are words"
        raise DataError(f"{path}, column {name!r}: expected numbers, got Arrow type {cells.type}{hint}")
    numbers: Array = values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        raise DataError(
            f"{path}, row {start + int(bad[0])}, column {name!r}: expected a finite number, got {numbers[bad[0]]}"
        )
    return numbers
