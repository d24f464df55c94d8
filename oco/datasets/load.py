"""Load a data set by name or path, whole or in blocks of a file larger than memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from oco.datasets import registry
from oco.datasets.chunks import ChunkedDataset
from oco.datasets.compact import Compact
from oco.datasets.dataset import Dataset, Rows
from oco.datasets.labels import Labels, check_labels, split_text_labels
from oco.datasets.named import read_named, split_info
from oco.datasets.options import check_counts, check_switches
from oco.datasets.patches import Patches
from oco.datasets.preparation import Preparation
from oco.datasets.readers import TABLES, Format, ReadOptions, format_of, read_file
from oco.datasets.registry import DatasetInfo
from oco.datasets.scaling import Scaling, ScalingKind
from oco.errors import DataError

_SCAN_ROWS = 4096


def load(
    name_or_path: str | os.PathLike[str],
    *,
    split: str = "train",
    data_dir: str | os.PathLike[str] | None = None,
    intercept: bool = False,
    scaling: ScalingKind | Scaling = "none",
    labels: Labels = None,
    n_features: int | None = None,
    max_rows: int | None = None,
    target: str | int = -1,
    format: Format | None = None,
    header: bool | None = None,
    zero_based: bool = False,
    max_bytes: int | None = None,
    patches: Patches | Mapping[str, Any] | None = None,
) -> Dataset:
    """Load a data set by its name in the registry, or your own file by its path.

    A file is parsed once into a cache keyed by its content, and memory-mapped from then on; sparse rows stay sparse.
    Without ``scaling`` and ``intercept`` the rows are the memory map itself, so they use no memory until they are read.

    Parameters
    ----------
    name_or_path : str or path
        A name listed by `names`, or a svmlight (plain, .gz, .bz2, .xz), .csv, .tsv, .parquet or .npz file.
    split : {"train", "test"}, default="train"
        Split of a named set.
    data_dir : path, optional
        Directory of offline copies of named sets; by default ``OCO_DATA_DIR``.  It is searched before the cache and the
        network.
    intercept : bool, default=False
        Append a last column of ones, after scaling.
    scaling : {"none", "max-abs", "unit-rows", "standard"} or Scaling, default="none"
        See `Scaling`.  A kind is fitted to all rows of the set, and for ``split="test"`` to the training rows.
    labels : None, "binary", ("one-vs-rest", c) or mapping, default=None
        None keeps the source's labels; "binary" maps two classes to -1.0 and 1.0 (the larger raw label);
        ``("one-vs-rest", c)`` maps class c to 1.0 and the rest to -1.0; a map must cover every label, and its keys may
        be words if a CSV or Parquet file holds words.
    n_features : int, optional
        Number of columns of a svmlight file whose last features never occur. For named sets it is known.
    max_rows : int, optional
        Keep the first ``max_rows`` rows only.
    target : str or int, default=-1
        Name or position of the column of targets, in CSV and Parquet files.
    format : {"svmlight", "csv", "tsv", "parquet", "npz"}, optional
        Format of a file, whatever its name; by default its suffix decides.
    header : bool, optional
        Whether the first line of a CSV file names the columns. By default a line of words does and a line of numbers
        does not; a line that could be either raises `DataError`.
    zero_based : bool, default=False
        Whether svmlight indices count from 0 rather than from 1.
    max_bytes : int, optional
        Most bytes that a compressed file may expand to; by default 64 MiB or 200 times its size.
    patches : Patches or mapping, optional
        The patches of ``natural_images``: ``{"size": 9, "hole": 3, "stride": 4}``; see `Patches`.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        If the name is unknown, if a file is missing, damaged, malformed or different from the published one, or if an
        option does not fit the data.

    Examples
    --------
    >>> data = load("breast_cancer", labels="binary", scaling="standard", intercept=True)
    >>> data.rows.shape
    (569, 31)
    >>> sorted(set(data.targets.tolist()))
    [-1.0, 1.0]
    """
    chunks = open_chunks(
        name_or_path,
        split=split,
        data_dir=data_dir,
        intercept=intercept,
        scaling=scaling,
        labels=labels,
        n_features=n_features,
        max_rows=max_rows,
        target=target,
        format=format,
        header=header,
        zero_based=zero_based,
        max_bytes=max_bytes,
        patches=patches,
    )
    rows, targets = chunks.block(0, chunks.n_rows)
    return Dataset(chunks.name, rows, targets, chunks.checksum, chunks.source)


def open_chunks(
    name_or_path: str | os.PathLike[str],
    *,
    split: str = "train",
    data_dir: str | os.PathLike[str] | None = None,
    intercept: bool = False,
    scaling: ScalingKind | Scaling = "none",
    labels: Labels = None,
    n_features: int | None = None,
    max_rows: int | None = None,
    target: str | int = -1,
    format: Format | None = None,
    header: bool | None = None,
    zero_based: bool = False,
    max_bytes: int | None = None,
    patches: Patches | Mapping[str, Any] | None = None,
) -> ChunkedDataset:
    """Open a data set that may be larger than memory, to be read in blocks.

    The file is parsed block by block into the cache if it is not there yet; options are applied to each block as it is
    read. Parameters and errors are those of `load`.

    Returns
    -------
    ChunkedDataset
        With ``n_rows``, ``dimension`` and ``block(start, stop) -> (rows, targets)``.

    Examples
    --------
    >>> chunks = open_chunks("iris", scaling="max-abs")
    >>> rows, targets = chunks.block(100, 150)
    >>> rows.shape, chunks.dimension
    ((50, 4), 4)
    """
    check_counts(max_rows=max_rows, n_features=n_features, max_bytes=max_bytes)
    check_switches(intercept=intercept, zero_based=zero_based, header=False if header is None else header)
    check_labels(labels)
    options = ReadOptions(n_features, target, header, zero_based, max_bytes=max_bytes)
    given = _Source(name_or_path, data_dir, labels, format, options, patches)
    name, compact, labels, info = given.read(split)
    if not isinstance(scaling, Scaling):
        fitted_on = compact if split == "train" or scaling in ("none", "unit-rows") else given.read("train")[1]
        scaling = Scaling.fit(_blocks(fitted_on.rows), scaling)
    classes = np.unique(compact.targets) if labels is not None else None
    preparation = Preparation(scaling, intercept, labels, classes, name)
    return ChunkedDataset(name, compact, preparation, info, max_rows)


@dataclass(frozen=True)
class _Source:
    """The source of the data, and the reader's options."""

    name_or_path: str | os.PathLike[str]
    data_dir: str | os.PathLike[str] | None
    labels: Labels
    format: Format | None
    options: ReadOptions
    patches: Patches | Mapping[str, Any] | None

    def read(self, split: str) -> tuple[str, Compact, Labels, DatasetInfo | None]:
        """Return the name, the parsed form, the label map still to be applied, and the facts on the source."""
        if self.patches is not None and self.name_or_path != "natural_images":
            raise DataError(f"patches are an option of natural_images; got data {str(self.name_or_path)!r}")
        if isinstance(self.name_or_path, str) and self.name_or_path in registry.names():
            return self._read_named(registry.info(self.name_or_path), split)
        path = self._path()
        if split != "train":
            raise DataError(f"split must be 'train' for a file ({path}); got {split!r}: load the test file by its path")
        chosen = self.format or format_of(path)
        self._check_options(path, chosen)
        text_labels, labels = None, self.labels
        if chosen in TABLES:
            text_labels, labels = split_text_labels(self.labels, digits_are_words=chosen == "parquet")
        options = replace(self.options, text_labels=text_labels)
        return str(self.name_or_path), read_file((path,), options, format=chosen), labels, None

    def _read_named(self, info: DatasetInfo, split: str) -> tuple[str, Compact, Labels, DatasetInfo]:
        split_info(info, split)
        if self.options.n_features not in (None, info.features):
            raise DataError(f"n_features of {info.name} is {info.features}, got {self.options.n_features}")
        plain = ReadOptions(self.options.n_features, max_bytes=self.options.max_bytes)
        if self.format is not None or self.options != plain:
            raise DataError(f"{info.name} is a known data set; target, format, header and zero_based are for files")
        compact = read_named(
            info, split, data_dir=self.data_dir, max_bytes=self.options.max_bytes, patches=self.patches
        )
        return info.name, compact, self.labels, info

    def _path(self) -> Path:
        try:
            path = Path(self.name_or_path).expanduser()
            exists = path.exists()
        except (TypeError, ValueError, RuntimeError, OSError) as error:
            raise DataError(
                f"data must be a name that oco.datasets.names() lists or a path, got {self.name_or_path!r} ({error})"
            ) from error
        if not exists and isinstance(self.name_or_path, str) and path.name == self.name_or_path:
            registry.info(self.name_or_path)  # raises an error that suggests similar names
        return path

    def _check_options(self, path: Path, chosen: str) -> None:
        if self.format is not None and self.format not in get_args(Format):
            raise DataError(f"format must be one of {', '.join(get_args(Format))}; got {self.format!r}")
        options = self.options
        for name, is_given, formats in (
            ("target", options.target != -1, TABLES),
            ("header", options.header is not None, ("csv", "tsv")),
            ("zero_based", options.zero_based, ("svmlight",)),
        ):
            if is_given and chosen not in formats:
                raise DataError(f"{path}: {name} applies to {' and '.join(formats)}; this file is read as {chosen}")


def _blocks(rows: Rows) -> Iterator[Rows]:
    for start in range(0, rows.shape[0], _SCAN_ROWS):
        yield rows[start : start + _SCAN_ROWS]
