"""Find the files of a named set, offline copies first, parse them, and check them against the published facts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oco.datasets.bundled import load_bundled
from oco.datasets.cache import CacheError
from oco.datasets.compact import Compact
from oco.datasets.decompress import open_guarded
from oco.datasets.download import discard, download, download_directory, record_sum
from oco.datasets.fingerprint import file_sha256
from oco.datasets.openml import in_cache, read_openml
from oco.datasets.patches import Patches
from oco.datasets.readers import ReadOptions, read_file
from oco.datasets.registry import DatasetInfo, FileInfo, SplitInfo
from oco.errors import DataError


def read_named(
    info: DatasetInfo,
    split: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    max_bytes: int | None = None,
    patches: Patches | Mapping[str, Any] | None = None,
) -> Compact:
    """Return the parsed rows and targets of one split of a known set.

    Parameters
    ----------
    info : DatasetInfo
        From the registry.
    split : {"train", "test"}
        The split to read.
    data_dir : path, optional
        Directory of offline copies; by default ``OCO_DATA_DIR``.
    max_bytes : int, optional
        Most bytes that a compressed file may expand to.
    patches : Patches or mapping, optional
        Other patches of ``natural_images`` than the published ones.

    Raises
    ------
    DataError
        If the set has no such split, if a file can be neither found nor fetched, or if it is not the published one.
    """
    facts = split_info(info, split)

    def check(compact: Compact) -> None:
        _check_published(compact, info, split, facts)

    if info.bundled:
        compact = load_bundled(info.name, patches)
        if patches is None:
            check(compact)
        return compact
    found = tuple(find_file(file, data_dir) for file in facts.files)
    if None in found and info.openml is not None:
        return read_openml(info, split, check)
    paths = tuple(path or _fetch(info, file) for path, file in zip(found, facts.files, strict=True))

    def check_files(compact: Compact) -> None:
        for path, file in zip(paths, facts.files, strict=True):
            check_sum(path, file)
        check(compact)

    options = ReadOptions(n_features=info.features, max_bytes=max_bytes)
    try:
        compact = read_file(paths, options, format=info.format, check=check_files, checked_as=f"{info.name}, {split}")
    except CacheError:
        raise
    except DataError:  # for instance, a network's login page was downloaded instead of the file
        for path, file in zip(paths, facts.files, strict=True):
            discard(file, path)
        raise
    for path, file in zip(paths, facts.files, strict=True):
        record_sum(file, path)
    return compact


def split_info(info: DatasetInfo, split: str) -> SplitInfo:
    """Return the facts of a split, or raise an error that lists the splits."""
    if split not in info.splits:
        raise DataError(f"split of {info.name} must be one of {', '.join(info.splits)}; got {split!r}")
    return info.splits[split]


def find_file(file: FileInfo, data_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the first copy of a registry file: in ``data_dir`` (or ``OCO_DATA_DIR``), then in the cache."""
    offline = data_dir or os.environ.get("OCO_DATA_DIR")
    directories = [download_directory()]
    if offline:
        directory = Path(offline).expanduser()
        if not directory.is_dir():
            raise DataError(f"{'data_dir' if data_dir else 'OCO_DATA_DIR'} must be a directory, got {directory}")
        directories.insert(0, directory)
    candidates = [directory / name for directory in directories for name in file.names]
    return next((path for path in candidates if path.is_file()), None)


def where_is(info: DatasetInfo, data_dir: str | os.PathLike[str] | None = None) -> str:
    """Return in a few words which files `read_named` would use, or how the missing ones are obtained."""
    if info.bundled:
        return "in scikit-learn"
    files = [file for split in info.splits.values() for file in split.files]
    found = [find_file(file, data_dir) for file in files]
    if all(found):
        return "in the cache" if all(download_directory() in path.parents for path in found if path) else "offline copy"
    if info.openml is not None and in_cache(info):
        return "in the cache"
    missing = "to be fetched" if info.openml or any(file.url for file in files) else "put there by hand"
    return f"in part, rest {missing}" if any(found) else missing


def check_sum(path: Path, file: FileInfo) -> None:
    """Raise `DataError` unless a file is a known compressed copy or, uncompressed, the published bytes."""
    known = {sum for sum in file.names.values() if sum}
    if not file.verified or file_sha256(path) in known:
        return
    if file.uncompressed:
        import hashlib

        digest = hashlib.sha256()
        with open_guarded(path) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() == file.uncompressed:
            return
    raise DataError(f"{path}: its sha256 is not that of {file.download_name}: it is damaged, or another file")


def _fetch(info: DatasetInfo, file: FileInfo) -> Path:
    if file.url is None:
        raise DataError(
            f"{info.name} cannot be downloaded: put {file.download_name} into a directory and name it by OCO_DATA_DIR "
            "or data_dir"
        )
    return download(file)


def _check_published(compact: Compact, info: DatasetInfo, split: str, facts: SplitInfo) -> None:
    where = f"the {split} split of {info.name}"
    shape = tuple(compact.rows.shape)
    if shape != (facts.rows, info.features):
        raise DataError(f"{where} is published with {facts.rows:,} x {info.features:,} entries; the file has {shape}")
    if facts.nonzeros is not None:
        rows = compact.rows
        nonzeros = np.count_nonzero(rows) if isinstance(rows, np.ndarray) else rows.nnz
        if nonzeros != facts.nonzeros:
            raise DataError(f"{where} is published with {facts.nonzeros:,} nonzeros; the file has {nonzeros:,}")
    if facts.labels is None and facts.classes is None:
        return
    labels, counts = np.unique(compact.targets, return_counts=True)
    found = dict(zip(labels.tolist(), counts.tolist(), strict=True))
    if facts.classes is not None and len(found) != facts.classes:
        raise DataError(f"{where} is published with {facts.classes} classes; the file has {len(found)}")
    if facts.labels is not None and found != facts.labels:
        raise DataError(f"{where} is published with label counts {dict(facts.labels)}; the file has {found}")
