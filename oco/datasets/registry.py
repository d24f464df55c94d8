"""Facts on each named data set: its source, its published shape, its checksums and its citation."""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from oco.errors import DataError
from oco.keywords import did_you_mean, listed


@dataclass(frozen=True)
class FileInfo:
    """One file of a split.

    Attributes
    ----------
    names : mapping of str to str
        Recognized file names, the download's own first, with their sha256 ("" where it could not be verified).
    url : str or None
        Download address of the first name.
    uncompressed : str
        sha256 of the bytes inside, whatever the compression; "" where it could not be verified.
    """

    names: Mapping[str, str]
    url: str | None = None
    uncompressed: str = ""

    @property
    def download_name(self) -> str:
        """Name of the file that ``url`` serves."""
        return next(iter(self.names))

    @property
    def sha256(self) -> str:
        """Verified sum of the file that ``url`` serves, or "" if there is none."""
        name = self.download_name
        compressed = name.endswith((".bz2", ".gz", ".xz"))
        return self.names[name] or ("" if compressed else self.uncompressed)

    @property
    def verified(self) -> bool:
        """Whether the registry has a checksum for this file."""
        return bool(self.uncompressed or any(self.names.values()))


@dataclass(frozen=True)
class SplitInfo:
    """Published facts of one split; ``labels`` (label to count) and ``nonzeros`` are None if not published."""

    rows: int
    nonzeros: int | None = None
    classes: int | None = None
    labels: Mapping[float, int] | None = None
    files: tuple[FileInfo, ...] = ()


@dataclass(frozen=True)
class DatasetInfo:
    """Facts on a data set: description, source, citation and license.

    Attributes
    ----------
    name, title : str
        Name in `load`, and a one-line description.
    task : {"binary", "multiclass", "regression", "unknown"}
        Kind of targets.
    citation, license, url : str
        As the source states them; ``url`` is the page that describes the set.
    features : int
        Published number of features.
    format : {"svmlight", "cifar", "idx", "scikit-learn"}
        Format of the source.
    splits : mapping of str to SplitInfo
        "train" and, where published, "test".
    partial : bool
        Whether this is only a part of the published set.
    openml : mapping or None
        Name and version on OpenML, for sets that are fetched through scikit-learn.
    """

    name: str
    title: str
    task: str
    citation: str
    license: str
    url: str
    features: int = 0
    format: str = ""
    splits: Mapping[str, SplitInfo] = field(default_factory=dict)
    partial: bool = False
    openml: Mapping[str, Any] | None = None

    @property
    def licence(self) -> str:
        """The former name of `license`, which warns."""
        warnings.warn("licence of DatasetInfo is now called license", DeprecationWarning, stacklevel=2)
        return self.license

    @property
    def bundled(self) -> bool:
        """Whether the set comes inside scikit-learn, hence needs no file and no network."""
        return self.format == "scikit-learn"

    @property
    def verified(self) -> bool:
        """Whether the registry has a checksum for every file of every split."""
        return self.bundled or all(file.verified for split in self.splits.values() for file in split.files)


def names() -> tuple[str, ...]:
    """Return the names that `load` knows, in the registry's order.

    Examples
    --------
    >>> "a9a" in names() and "breast_cancer" in names()
    True
    """
    return tuple(_table())


def info(name: str) -> DatasetInfo:
    """Return the facts on the named set.

    Raises
    ------
    DataError
        If the name is unknown; the message suggests similar ones.

    Examples
    --------
    >>> info("a9a").splits["train"].rows
    32561
    """
    if name in _table():
        return _table()[name]
    near = did_you_mean(name, names(), most=3).removeprefix("; ")
    hint = near or f"the known names are {listed(names())}"
    raise DataError(f"{name!r} is neither a known data set nor a file that exists: {hint}")


@cache
def _table() -> dict[str, DatasetInfo]:
    raw = tomllib.loads(files("oco.datasets").joinpath("registry.toml").read_text(encoding="utf-8"))
    return {name: _dataset(name, entry) for name, entry in raw.items()}


def _dataset(name: str, entry: dict[str, Any]) -> DatasetInfo:
    splits: dict[str, SplitInfo] = {split: _split(entry.pop(split)) for split in ("train", "test") if split in entry}
    return DatasetInfo(name=name, url=entry.pop("page"), splits=splits, **entry)


def _split(entry: dict[str, Any]) -> SplitInfo:
    labels = entry.pop("labels", None)
    counts = None if labels is None else {float(label): count for label, count in labels.items()}
    return SplitInfo(labels=counts, files=tuple(FileInfo(**file) for file in entry.pop("files", ())), **entry)
