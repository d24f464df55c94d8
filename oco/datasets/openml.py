"""Fetch a set of images from OpenML through scikit-learn and cache each split in compact form."""

from __future__ import annotations

from collections.abc import Callable
from urllib.error import URLError

import numpy as np

from oco.datasets.cache import cache_directory, is_parsed, parse_once
from oco.datasets.compact import Compact, CompactWriter
from oco.datasets.fingerprint import combine
from oco.datasets.packages import needs_package
from oco.datasets.registry import DatasetInfo
from oco.errors import DataError


def read_openml(info: DatasetInfo, split: str, check: Callable[[Compact], None]) -> Compact:
    """Return one split of a set that OpenML stores as one table, training rows first.

    scikit-learn verifies OpenML's own checksum of the table. Then ``check`` compares shape and label counts of the
    split with the published ones, which also detects a different order of the rows.

    Raises
    ------
    DataError
        If OpenML cannot be reached, or serves different data.
    """
    assert info.openml is not None
    table = dict(info.openml)
    total = table.pop("total")
    start, stop = _range(info, split)

    def parse(writer: CompactWriter) -> int:
        with needs_package("scikit-learn"):
            from sklearn.datasets import fetch_openml

        home = cache_directory() / "openml"
        try:
            rows, targets = fetch_openml(**table, data_home=home, as_frame=False, return_X_y=True, parser="auto")
        except (URLError, OSError, ValueError) as error:
            names = " and ".join(file.download_name for file in info.splits[split].files)
            raise DataError(
                f"{info.name} could not be fetched from {info.url} ({error}); check the network, or put {names} into a "
                "directory and name it by OCO_DATA_DIR or data_dir"
            ) from error
        if len(rows) != total:
            raise DataError(f"{info.url} is published with {total:,} rows; it served {len(rows):,}")
        for first in range(start, stop, 2048):
            last = min(first + 2048, stop)
            writer.append(np.ascontiguousarray(rows[first:last], np.float64), targets[first:last].astype(np.float64))
        return info.features

    return parse_once(_key(info, split), parse, check)


def in_cache(info: DatasetInfo) -> bool:
    """Whether every split of the set was fetched and parsed before."""
    return all(is_parsed(_key(info, split)) for split in info.splits)


def _range(info: DatasetInfo, split: str) -> tuple[int, int]:
    train = info.splits["train"].rows
    return (0, train) if split == "train" else (train, train + info.splits["test"].rows)


def _key(info: DatasetInfo, split: str) -> str:
    return combine({"openml": dict(info.openml or {}), "rows": _range(info, split)})
