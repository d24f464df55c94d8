"""Choose the reader of a file by its name and parse it, once, into the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from oco.datasets.cache import parse_once
from oco.datasets.compact import Compact, CompactWriter
from oco.datasets.csv_table import read_csv
from oco.datasets.decompress import compression, plain_suffix
from oco.datasets.fingerprint import combine, file_sha256
from oco.datasets.images import read_cifar, read_idx
from oco.datasets.npz import read_npz
from oco.datasets.parquet_table import read_parquet
from oco.datasets.svmlight import read_svmlight
from oco.errors import DataError

_FORMAT_VERSION = 2
"""Part of every cache key: raise it when the compact form or a reader's meaning changes."""

_FORMATS = {".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".pq": "parquet", ".npz": "npz", ".npy": "npy"}

Format: TypeAlias = Literal["svmlight", "csv", "tsv", "parquet", "npz"]
"""Formats of users' files, whatever their names."""

TABLES = ("csv", "tsv", "parquet")
"""Formats whose columns have names, one of them the target."""


@dataclass(frozen=True)
class ReadOptions:
    """Options that change the result of a reader.

    Attributes
    ----------
    n_features : int or None
        Number of columns; svmlight files may need it, in other formats it must match the file.
    target : str or int
        Column of targets in CSV and Parquet files.
    header : bool or None
        Whether the first line of a CSV file names the columns; detected if None.
    zero_based : bool
        Whether svmlight indices count from 0.
    text_labels : mapping of str to float, or None
        Numbers for the words in that column.
    max_bytes : int or None
        Most bytes that a compressed file may expand to.
    """

    n_features: int | None = None
    target: str | int = -1
    header: bool | None = None
    zero_based: bool = False
    text_labels: Mapping[str, float] | None = None
    max_bytes: int | None = None


def format_of(path: Path) -> str:
    """Format of a file by its suffix; svmlight for any unknown suffix."""
    return _FORMATS.get(plain_suffix(path), "svmlight")


def read_file(
    paths: tuple[Path, ...],
    options: ReadOptions,
    *,
    format: str | None = None,
    check: Callable[[Compact], None] | None = None,
    checked_as: str = "",
) -> Compact:
    """Parse a file, or the pair of files that makes up an idx set, into its cached compact form.

    Parameters
    ----------
    paths : tuple of Path
        One file; images and labels for the format "idx".
    options : ReadOptions
        The reader's options.
    format : {"svmlight", "csv", "tsv", "parquet", "npz", "idx", "cifar"}, optional
        By default the suffix decides, and a file with any other suffix is read as svmlight.
    check : callable, optional
        Raises an error if the parsed form is not the expected one, in which case nothing is cached.
    checked_as : str, optional
        Identifies the check, so that a form which passed another check is checked again.

    Raises
    ------
    DataError
        If a file is missing, damaged or malformed.
    """
    for path in paths:
        if not path.is_file():
            what = " (it is a directory; name the file in it)" if path.is_dir() else ""
            raise DataError(f"{path}: no such file{what}")
    path = paths[0]
    chosen = format or format_of(path)
    # The key holds everything that affects the result, so that a warm cache behaves like an empty one.
    facts = asdict(options) | {"compression": [compression(file) for file in paths], "checked_as": checked_as}
    facts["text_labels"] = None if options.text_labels is None else sorted(options.text_labels.items())
    try:
        sums = [file_sha256(file) for file in paths]
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror})") from error
    key = combine({"version": _FORMAT_VERSION, "format": chosen, "sums": sums, **facts})

    def parse(writer: CompactWriter) -> int | None:
        match chosen:
            case "svmlight":
                read_svmlight(
                    path,
                    writer,
                    n_features=options.n_features,
                    zero_based=options.zero_based,
                    max_bytes=options.max_bytes,
                )
                return options.n_features
            case "csv" | "tsv":
                read_csv(
                    path,
                    writer,
                    separator="," if chosen == "csv" else "\t",
                    header=options.header,
                    target=options.target,
                    text_labels=options.text_labels,
                    max_bytes=options.max_bytes,
                )
            case "parquet":
                read_parquet(
                    path,
                    writer,
                    target=options.target,
                    text_labels=options.text_labels,
                    max_bytes=options.max_bytes,
                )
            case "npz":
                read_npz(path, writer, max_bytes=options.max_bytes)
            case "idx":
                read_idx(paths[0], paths[1], writer)
            case "cifar":
                read_cifar(path, writer)
            case _:
                raise DataError(f"{path}: a .npy file holds rows without targets; save both with numpy.savez")
        return None

    def check_all(compact: Compact) -> None:
        width = int(compact.rows.shape[1])
        if options.n_features is not None and width != options.n_features:
            raise DataError(f"{path}: has {width} feature columns; n_features={options.n_features} was given")
        if check is not None:
            check(compact)

    return parse_once(key, parse, check_all)
