"""The compact form of a parsed file: .npy files in a directory, written in blocks and memory-mapped when read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oco.datasets.fingerprint import ContentHash, combine, file_sha256
from oco.types import Array

if TYPE_CHECKING:
    from oco.datasets.dataset import Rows

DENSE_FROM = 0.5
"""Share of stored entries above which sparse input is stored dense, since CSR would be no smaller and slower."""

_BLOCK_BYTES = 16 << 20


@dataclass(frozen=True)
class Compact:
    """Rows, targets and the hash of both, as parsed, before any option is applied."""

    rows: Rows
    targets: Array
    content: str


class _NpyFile:
    """A .npy file that grows along its first axis."""

    def __init__(self, path: Path, kind: str, row_shape: tuple[int, ...] = ()) -> None:
        self.path = path
        self.length = 0
        self._dtype = np.dtype(kind)
        self._row_shape = row_shape
        self._stream = path.open("wb")
        self._header()

    def append(self, values: np.ndarray[Any, Any]) -> None:
        np.ascontiguousarray(values, dtype=self._dtype).tofile(self._stream)
        self.length += len(values)

    def close(self) -> None:
        if not self._stream.closed:
            self._stream.seek(0)
            self._header()
            self._stream.close()

    def _header(self) -> None:
        # NumPy pads this header so that the first axis can grow in place without moving the data.
        shape = (self.length, *self._row_shape)
        facts = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._stream, facts)


class CompactWriter:
    """Writes blocks of rows and targets into a directory; nothing larger than a block is ever in memory.

    Parameters
    ----------
    directory : Path
        An empty directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.n_rows = 0
        self._hash = ContentHash()
        self._files: dict[str, _NpyFile] = {}
        self._dimension = 0
        self._stored = 0

    def append(self, rows: Rows, targets: Array) -> None:
        """Write the next block; all blocks must have the same kind, dense (with equal widths) or CSR."""
        first = not self._files
        self._dimension = max(self._dimension, int(rows.shape[1]))
        if isinstance(rows, np.ndarray):
            if first:
                self._open("rows", "<f8", (rows.shape[1],))
            self._files["rows"].append(rows)
        else:
            if first:
                self._open("data", "<f8")
                self._open("indices", "<i4")
                self._open("indptr", "<i8")
                self._files["indptr"].append(np.zeros(1))
            self._files["data"].append(rows.data)
            self._files["indices"].append(rows.indices)
            self._files["indptr"].append(rows.indptr[1:].astype(np.int64) + self._stored)
            self._stored += int(rows.nnz)
        if first:
            self._open("targets", "<f8")
        self._files["targets"].append(targets)
        self._hash.add(rows, targets)
        self.n_rows += int(rows.shape[0])

    def finish(self, n_features: int | None = None) -> None:
        """Complete the files; CSR rows get ``n_features`` columns, or by default the number seen."""
        self.close()
        dimension = max(self._dimension, n_features or 0)
        if "data" in self._files:
            if self._stored > DENSE_FROM * self.n_rows * dimension:
                self._make_dense(dimension)
            elif self._stored > np.iinfo(np.int32).max:
                _convert(self.directory / "indices.npy", "<i8")
            else:
                _convert(self.directory / "indptr.npy", "<i4")
        files = {path.name: file_sha256(path) for path in self.directory.glob("*.npy")}
        facts = {"dimension": dimension, "content": self._hash.hexdigest(dimension), "files": files}
        (self.directory / "facts.json").write_text(json.dumps(facts | {"sha256": combine(facts)}), encoding="utf-8")

    def close(self) -> None:
        """Close the files, complete or not."""
        for file in self._files.values():
            file.close()

    def _open(self, name: str, kind: str, row_shape: tuple[int, ...] = ()) -> None:
        self._files[name] = _NpyFile(self.directory / f"{name}.npy", kind, row_shape)

    def _make_dense(self, dimension: int) -> None:
        rows = _open_sparse(self.directory, dimension, "c")
        dense = _NpyFile(self.directory / "rows.npy", "<f8", (dimension,))
        step = max(1, _BLOCK_BYTES // (8 * dimension))
        for start in range(0, self.n_rows, step):
            dense.append(rows[start : start + step].toarray())
        dense.close()
        for name in ("data", "indices", "indptr"):
            (self.directory / f"{name}.npy").unlink()


def is_intact(directory: Path) -> bool:
    """Whether ``directory`` holds a finished compact form with correct checksums."""
    try:
        facts = json.loads((directory / "facts.json").read_text(encoding="utf-8"))
        checksum = facts.pop("sha256")
        found = {path.name: file_sha256(path) for path in directory.glob("*.npy")}
        return bool(checksum == combine(facts) and found == facts["files"])
    except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return False  # the facts are missing, changed, or of an older version


def open_compact(directory: Path, *, in_memory: bool = False) -> Compact:
    """Open the files of a `CompactWriter`, memory-mapped unless ``in_memory``."""
    facts = json.loads((directory / "facts.json").read_text(encoding="utf-8"))
    mode = None if in_memory else "c"
    dense = directory / "rows.npy"
    rows = _load(dense, mode) if dense.exists() else _open_sparse(directory, facts["dimension"], mode)
    return Compact(rows, _load(directory / "targets.npy", mode), facts["content"])


def make_csr(
    data: Array, indices: np.ndarray[Any, Any], indptr: np.ndarray[Any, Any], dimension: int
) -> Any:  # a csr_array; SciPy is imported only for sparse rows
    """Wrap CSR arrays that are known to be sorted and free of duplicates, without copying or checking them again."""
    import scipy.sparse

    rows = scipy.sparse.csr_array((data, indices, indptr), shape=(len(indptr) - 1, dimension))
    rows.has_sorted_indices = True
    rows.has_canonical_format = True
    return rows


def _open_sparse(directory: Path, dimension: int, mode: Any) -> Any:
    data, indices, indptr = (_load(directory / f"{name}.npy", mode) for name in ("data", "indices", "indptr"))
    return make_csr(data, indices, indptr, dimension)


def _load(path: Path, mode: Any) -> np.ndarray[Any, Any]:
    # Copy-on-write, so that compiled kernels see an ordinary array and nobody can write into the cache.
    return np.asarray(np.load(path, mmap_mode=mode, allow_pickle=False))


def _convert(path: Path, kind: str) -> None:
    # SciPy requires indices and indptr of the same type, which is known only after the last row.
    old = np.load(path, mmap_mode="r", allow_pickle=False)
    new = _NpyFile(path.with_suffix(".new"), kind)
    for start in range(0, len(old), 1 << 20):
        new.append(old[start : start + (1 << 20)])
    new.close()
    del old
    new.path.replace(path)
