"""Read Parquet files in blocks with pyarrow, an optional extra."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oco.datasets.compact import CompactWriter
from oco.datasets.csv_table import target_column
from oco.datasets.decompress import FREE_BYTES, LARGEST_RATIO
from oco.datasets.labels import map_labels
from oco.datasets.matrices import check_numbers
from oco.datasets.options import WORDS_HINT, check_column_names
from oco.errors import DataError
from oco.types import Array

_BLOCK_CELLS = 1 << 20


def read_parquet(
    path: Path,
    writer: CompactWriter,
    *,
    target: str | int = -1,
    text_labels: Mapping[str, float] | None = None,
    max_bytes: int | None = None,
) -> None:
    """Parse a Parquet file of numeric columns into ``writer``.

    Parameters
    ----------
    path : Path
        The file.
    writer : CompactWriter
        Receives the rows, block by block.
    target : str or int, default=-1
        Name or position of the column of targets.
    text_labels : mapping of str to float, optional
        Numbers for the words in the target column, if it holds words.
    max_bytes : int, optional
        Most bytes that the rows may take up; by default 64 MiB or 200 times the size of the file.

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
            _check_size(path, file.metadata.num_rows * len(names) * 8, max_bytes)
            check_column_names(names, str(path))
            _refuse_index(path, file.schema_arrow)
            column = target_column(target, names, len(names), path)
            for position, field in enumerate(file.schema_arrow):
                _check_type(path, field, is_target=position == column, has_words=text_labels is not None)
            for batch in file.iter_batches(batch_size=max(1, _BLOCK_CELLS // len(names))):
                arrays = [
                    _column(
                        path, name, batch.column(position), writer.n_rows, text_labels if position == column else None
                    )
                    for position, name in enumerate(names)
                ]
                targets = arrays.pop(column)
                writer.append(np.ascontiguousarray(np.column_stack(arrays)), targets)
    except (arrow.ArrowException, OSError, UnicodeError, MemoryError) as error:
        why = " ".join(str(error).split())  # Arrow's reasons may take several lines
        raise DataError(f"{path}: is damaged or not a Parquet file ({why})") from error
    if writer.n_rows == 0:
        raise DataError(f"{path}: holds no rows")


def _check_size(path: Path, total: int, max_bytes: int | None) -> None:
    # The page sizes in the file do not help, because a constant column takes a few bytes for any number of rows.
    limit = max_bytes if max_bytes is not None else max(FREE_BYTES, LARGEST_RATIO * path.stat().st_size)
    if total > limit:
        raise DataError(f"{path}: expands to {total:,} bytes, more than {limit:,}; pass max_bytes= if this is meant")


def _refuse_index(path: Path, schema: Any) -> None:
    columns = (schema.pandas_metadata or {}).get("index_columns", [])
    index = next((name for name in columns if isinstance(name, str) and name in schema.names), None)
    if index is not None:
        raise DataError(
            f"{path}: column {index!r} is the index of the frame that was written; write it with index=False"
        )


def _check_type(path: Path, field: Any, *, is_target: bool, has_words: bool) -> None:
    import pyarrow.types as kinds

    kind = field.type.value_type if kinds.is_dictionary(field.type) else field.type
    if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind):
        return
    if is_target and has_words and (kinds.is_string(kind) or kinds.is_large_string(kind)):
        return
    hint = f"; {WORDS_HINT}" if is_target else ""
    raise DataError(f"{path}, column {field.name!r}: expected numbers, got Arrow type {field.type}{hint}")


def _column(path: Path, name: str, cells: Any, start: int, text_labels: Mapping[str, float] | None) -> Array:
    values = cells.to_numpy(zero_copy_only=False)
    if text_labels is not None and values.dtype == object:
        unknown = [value for value in values if value not in text_labels]
        if unknown:
            known = ", ".join(map(repr, text_labels))
            raise DataError(f"{path}, column {name!r}: expected one of the labels {known}, got {unknown[0]!r}")
        return np.array([text_labels[value] for value in values], dtype=np.float64)
    if values.dtype == object and cells.null_count:  # true and false with some missing
        values = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    numbers = check_numbers(values, f"{path}, column {name!r}:")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        raise DataError(
            f"{path}, row {start + int(bad[0])}, column {name!r}: expected a finite number, got {numbers[bad[0]]}"
        )
    return numbers if text_labels is None else map_labels(numbers, text_labels, f"{path}, column {name!r}")
