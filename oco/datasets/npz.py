"""Read .npz archives of rows (dense, or the parts of a CSR matrix) and targets, streaming and without pickle."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from oco.datasets.compact import CompactWriter, make_csr
from oco.datasets.decompress import FREE_BYTES, LARGEST_RATIO
from oco.datasets.matrices import check_csr, check_finite
from oco.errors import DataError

_BLOCK_BYTES = 16 << 20
_EXPECTED = "expected 'rows' and 'targets', or 'data', 'indices', 'indptr', 'shape' and 'targets'"


def read_npz(path: Path, writer: CompactWriter, *, max_bytes: int | None = None) -> None:
    """Parse an archive made by ``numpy.savez`` into ``writer``.

    Parameters
    ----------
    path : Path
        Arrays ``rows`` (n, d) and ``targets`` (n,); or, for sparse rows, the ``data``, ``indices``, ``indptr`` and
        ``shape`` of a CSR matrix (as `scipy.sparse.save_npz` names them) and ``targets``.
    writer : CompactWriter
        Where the rows go; dense rows are streamed in blocks, CSR parts are held once.
    max_bytes : int, optional
        Most bytes that the archive may expand to.

    Raises
    ------
    DataError
        If the archive is damaged, too large, lacks an array, or an array is of the wrong kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(path, archive, max_bytes)
            members = {entry.filename.removesuffix(".npy") for entry in archive.infolist()}
            if not ({"rows", "targets"} <= members or {"data", "indices", "indptr", "shape", "targets"} <= members):
                raise DataError(f"{path}: holds the arrays {', '.join(sorted(members)) or 'none'}; {_EXPECTED}")
            targets = _whole(path, archive, "targets", "biuf").astype(np.float64)
            if targets.ndim != 1:
                raise DataError(f"{path}: targets must have shape (n,), got {targets.shape}")
            check_finite(targets, f"{path}: targets")
            if "rows" in members:
                _read_dense(path, archive, targets, writer)
            else:
                _read_sparse(path, archive, targets, writer)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: is damaged, cut short or not an .npz archive ({error})") from error


def _check_size(path: Path, archive: zipfile.ZipFile, max_bytes: int | None) -> None:
    limit = max_bytes if max_bytes is not None else max(FREE_BYTES, LARGEST_RATIO * path.stat().st_size)
    total = sum(entry.file_size for entry in archive.infolist())
    if total > limit:
        raise DataError(f"{path}: expands to {total:,} bytes, more than {limit:,}; pass max_bytes= if this is meant")


def _read_dense(path: Path, archive: zipfile.ZipFile, targets: Any, writer: CompactWriter) -> None:
    with archive.open("rows.npy") as stream:
        for rows in _dense_blocks(path, stream, len(targets)):
            start = writer.n_rows
            check_finite(rows, f"{path}: rows", first_row=start)
            writer.append(np.ascontiguousarray(rows, dtype=np.float64), targets[start : start + len(rows)])


def _dense_blocks(path: Path, stream: IO[bytes], n_targets: int) -> Iterator[np.ndarray[Any, Any]]:
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read_header(stream)
    if dtype.kind not in "biuf":
        raise DataError(f"{path}: rows must hold real numbers, got dtype {dtype}")
    if len(shape) != 2 or 0 in shape:
        raise DataError(f"{path}: rows must have shape (n, d) with n and d at least 1, got {shape}")
    if shape[0] != n_targets:
        raise DataError(f"{path}: rows and targets must have one length, got {shape[0]} and {n_targets}")
    if fortran_order:
        raise DataError(f"{path}: rows are stored column by column; save numpy.ascontiguousarray(rows) instead")
    n_rows, width = shape
    step = max(1, _BLOCK_BYTES // (dtype.itemsize * width))
    for start in range(0, n_rows, step):
        count = min(step, n_rows - start)
        block = stream.read(count * width * dtype.itemsize)
        if len(block) < count * width * dtype.itemsize:
            raise DataError(f"{path}: rows are cut short at row {start}; expected {n_rows} rows")
        yield np.frombuffer(block, dtype).reshape(count, width)


def _read_sparse(path: Path, archive: zipfile.ZipFile, targets: Any, writer: CompactWriter) -> None:
    data = _whole(path, archive, "data", "biuf").astype(np.float64)
    indices = _whole(path, archive, "indices", "iu")
    indptr = _whole(path, archive, "indptr", "iu")
    shape = tuple(_whole(path, archive, "shape", "iu").tolist())
    rows = check_csr(data, indices, indptr, shape, str(path))
    if len(targets) != shape[0]:
        raise DataError(f"{path}: rows and targets must have one length, got {shape[0]} and {len(targets)}")
    check_finite(rows.data, f"{path}: data")
    writer.append(make_csr(rows.data, rows.indices.astype(np.int32), rows.indptr, shape[1]), targets)


def _whole(path: Path, archive: zipfile.ZipFile, name: str, kinds: str) -> np.ndarray[Any, Any]:
    with archive.open(f"{name}.npy") as stream:
        values: np.ndarray[Any, Any] = np.lib.format.read_array(stream, allow_pickle=False)
    if values.dtype.kind not in kinds:
        raise DataError(f"{path}: {name} must hold {'integers' if kinds == 'iu' else 'numbers'}, got {values.dtype}")
    return values
