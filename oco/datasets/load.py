"""Load a data set by name or path: the whole of it, or as blocks of a file larger than memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oco.datasets import registry
from oco.datasets.chunks import ChunkedDataset
from oco.datasets.compact import Compact
from oco.datasets.dataset import Dataset, Rows
from oco.datasets.decompress import plain_suffix
from oco.datasets.labels import Labels, split_text_labels
from oco.datasets.named import read_named, split_info
from oco.datasets.preparation import Preparation
from oco.datasets.readers import ReadOptions, read_file
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
    max_bytes: int | None = None,
) -> Dataset:
    """Load a data set by its name in the registry, or a file of one's own by its path.

    A file is parsed once into a cache keyed by its content and memory-mapped from then on; sparse rows stay sparse.
    Without ``scaling`` and ``intercept`` the rows are that map, hence cost no memory until they are read.

    Parameters
    ----------
    name_or_path : str or path
        A name that `names` lists, or a svmlight (plain, .gz, .bz2, .xz), .csv, .tsv, .parquet or .npz file.
    split : {"train", "test"}, default="train"
        Which part of a named set.
    data_dir : path, optional
        Directory of offline copies of named sets; by default ``OCO_DATA_DIR``.  It is searched before the cache and the
        network.
    intercept : bool, default=False
        Append a last column of ones, after scaling.
    scaling : {"none", "max-abs", "unit-rows", "standard"} or Scaling, default="none"
        See `Scaling`.  A kind is fitted to all rows of the set, and for ``split="test"`` to the training rows.
    labels : None, "binary", ("one-vs-rest", c) or mapping, default=None
        None keeps the source's labels; "binary" maps two classes to -1.0 and 1.0 (the larger raw label);
        ``("one-vs-rest", c)`` maps class c to 1.0 and the rest to -1.0; a map covers every label, and may be from words
        where a CSV or Parquet file holds words.
    n_features : int, optional
        Number of columns of a svmlight file whose last features never occur.  Named sets know theirs.
    max_rows : int, optional
        Keep the first ``max_rows`` rows only.
    target : str or int, default=-1
        Name or position of the column of targets, in CSV and Parquet files.
    max_bytes : int, optional
        Most bytes that a compressed file may expand to; by default 64 MiB or 200 times its size.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        If the name is unknown, a file is missing, damaged, breaks its format or is not what is published, or an option
        does not fit the data.

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
        max_bytes=max_bytes,
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
    max_bytes: int | None = None,
) -> ChunkedDataset:
    """Open a data set that may be larger than memory, to be read in blocks.

    The file is parsed block by block into the cache if it was not before; options are applied to each block as it is
    read.  Parameters and errors are those of `load`.

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
    if max_rows is not None and (isinstance(max_rows, bool) or max_rows < 1):
        raise DataError(f"max_rows must be at least 1 or None, got {max_rows}")
    if n_features is not None and (isinstance(n_features, bool) or n_features < 1):
        raise DataError(f"n_features must be at least 1 or None, got {n_features}")
    given = _Source(name_or_path, data_dir, n_features, target, labels, max_bytes)
    name, compact, labels, info = given.read(split)
    if not isinstance(scaling, Scaling):
        fitted_on = compact if split == "train" or scaling in ("none", "unit-rows") else given.read("train")[1]
        scaling = Scaling.fit(_blocks(fitted_on.rows), scaling)
    classes = np.unique(compact.targets) if labels is not None else None
    preparation = Preparation(scaling, intercept, labels, classes, name)
    return ChunkedDataset(name, compact, preparation, info, max_rows)


@dataclass(frozen=True)
class _Source:
    """Where to read from, and the options of the reading itself."""

    name_or_path: str | os.PathLike[str]
    data_dir: str | os.PathLike[str] | None
    n_features: int | None
    target: str | int
    labels: Labels
    max_bytes: int | None

    def read(self, split: str) -> tuple[str, Compact, Labels, DatasetInfo | None]:
        """Return the name, the parsed form, the label map that is left to apply, and what is known of the source."""
        if isinstance(self.name_or_path, str) and self.name_or_path in registry.names():
            info = registry.info(self.name_or_path)
            split_info(info, split)
            if self.n_features not in (None, info.features):
                raise DataError(f"n_features of {info.name} is {info.features}, got {self.n_features}")
            compact = read_named(info, split, data_dir=self.data_dir, max_bytes=self.max_bytes)
            return info.name, compact, self.labels, info
        path = Path(self.name_or_path).expanduser()
        if not path.exists() and isinstance(self.name_or_path, str) and path.name == self.name_or_path:
            registry.info(self.name_or_path)  # raises, with names that are near
        if split != "train":
            raise DataError(f"split must be 'train' for a file ({path}); got {split!r}: load the test file by its path")
        text_labels, labels = None, self.labels
        if plain_suffix(path) in (".csv", ".tsv", ".parquet", ".pq"):
            text_labels, labels = split_text_labels(self.labels)
        options = ReadOptions(self.n_features, self.target, text_labels, self.max_bytes)
        return str(self.name_or_path), read_file((path,), options), labels, None


def _blocks(rows: Rows) -> Iterator[Rows]:
    for start in range(0, rows.shape[0], _SCAN_ROWS):
        yield rows[start : start + _SCAN_ROWS]
