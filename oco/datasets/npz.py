"""Read .npz archives of rows (dense, or the parts of a CSR matrix) and targets, streaming and without pickle."""

from __future__ import annotations

import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from oco.datasets.compact import CompactWriter, make_csr
from oco.datasets.decompress import FREE_BYTES, LARGEST_RATIO
from oco.datasets.matrices import check_csr, check_finite, check_numbers
from oco.errors import DataError

_BLOCK_BYTES = 16 << 20
_EXPECTED = "expected 'rows' and 'targets', or 'data', 'indices', 'indptr', 'shape' and 'targets'"


def read_npz(path: Path, writer: CompactWriter, *, max_bytes: int | None = None) -> None:
    """Parse an archive made by ``numpy.savez`` into ``writer``.

    Parameters
    ----------
    path : Path
        Arrays ``rows`` (n, d) and ``targets`` (n,); or, for sparse rows, the ``data``, ``indices``, ``indptr`` and
        ``shape`` of a CSR matrix (named as by `scipy.sparse.save_npz`) and ``targets``. If the archive has a ``format``
        and it is "csc", the parts are those of a CSC matrix.
    writer : CompactWriter
        Receives the rows; dense rows are streamed in blocks, CSR parts are held in memory once.
    max_bytes : int, optional
        Most bytes that the archive may expand to.

    Raises
    ------
    DataError
        If the archive is damaged or too large, if an array is missing, or if it has the wrong kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(path, archive, max_bytes)
            _read(path, archive, writer)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, struct.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: is damaged, cut short or not an .npz archive ({error})") from error
    except RuntimeError as error:  # encrypted members, and compression methods that zipfile does not support
        raise DataError(f"{path}: cannot be unpacked ({error}); expected an archive made by numpy.savez") from error


def _read(path: Path, archive: zipfile.ZipFile, writer: CompactWriter) -> None:
    names = [entry.filename for entry in archive.infolist()]
    members = {name.removesuffix(".npy") for name in names if name.endswith(".npy")}
    if len(set(names)) < len(names):
        raise DataError(f"{path}: holds two arrays of one name")
    if not ({"rows", "targets"} <= members or {"data", "indices", "indptr", "shape", "targets"} <= members):
        raise DataError(f"{path}: holds the arrays {', '.join(sorted(members)[:20]) or 'none'}; {_EXPECTED}")
    targets = _whole(path, archive, "targets", "biuf")
    if targets.ndim != 1:
        raise DataError(f"{path}: targets must have shape (n,), got {targets.shape}")
    targets = check_numbers(targets, f"{path}: targets")
    check_finite(targets, f"{path}: targets")
    if "rows" in members:
        _read_dense(path, archive, targets, writer)
    else:
        kind = str(_whole(path, archive, "format", "SU").astype(str).item()) if "format" in members else "csr"
        _read_sparse(path, archive, kind, targets, writer)


def _check_size(path: Path, archive: zipfile.ZipFile, max_bytes: int | None) -> None:
    limit = max_bytes if max_bytes is not None else max(FREE_BYTES, LARGEST_RATIO * path.stat().st_size)
    total = sum(entry.file_size for entry in archive.infolist())
    if total > limit:
        raise DataError(f"{path}: expands to {total:,} bytes, more than {limit:,}; pass max_bytes= if this is meant")


def _read_dense(path: Path, archive: zipfile.ZipFile, targets: Any, writer: CompactWriter) -> None:
    with _open_array(path, archive, "rows", "biuf") as (stream, shape, fortran_order, dtype):
        if len(shape) != 2 or 0 in shape:
            raise DataError(f"{path}: rows must have shape (n, d) with n and d at least 1, got {shape}")
        if shape[0] != len(targets):
            raise DataError(f"{path}: rows and targets must have one length, got {shape[0]} and {len(targets)}")
        if fortran_order:
            raise DataError(f"{path}: rows are stored column by column; save numpy.ascontiguousarray(rows) instead")
        step = max(1, _BLOCK_BYTES // (dtype.itemsize * shape[1]))
        for start in range(0, shape[0], step):
            count = min(step, shape[0] - start)
            block = stream.read(count * shape[1] * dtype.itemsize)
            rows = check_numbers(np.frombuffer(block, dtype).reshape(count, shape[1]), f"{path}: rows")
            check_finite(rows, f"{path}: rows", first_row=start)
            writer.append(rows, targets[start : start + count])


def _read_sparse(path: Path, archive: zipfile.ZipFile, kind: str, targets: Any, writer: CompactWriter) -> None:
    if kind not in ("csr", "csc"):
        raise DataError(f"{path}: holds a sparse matrix of format {kind!r}; save matrix.tocsr() instead")
    data = _whole(path, archive, "data", "biuf")
    indices = _whole(path, archive, "indices", "iu")
    indptr = _whole(path, archive, "indptr", "iu")
    shape = tuple(_whole(path, archive, "shape", "iu").reshape(-1).tolist())
    if len(shape) == 2 and len(targets) != shape[0]:
        raise DataError(f"{path}: rows and targets must have one length, got {shape[0]} and {len(targets)}")
    data = check_numbers(data, f"{path}: data")
    rows = check_csr(data, indices, indptr, shape, str(path), by_columns=kind == "csc")
    check_finite(rows.data, f"{path}: data")
    writer.append(make_csr(rows.data, rows.indices.astype(np.int32), rows.indptr, shape[1]), targets)


def _whole(path: Path, archive: zipfile.ZipFile, name: str, kinds: str) -> np.ndarray[Any, Any]:
    with _open_array(path, archive, name, kinds) as (stream, shape, fortran_order, dtype):
        values = np.frombuffer(stream.read(math.prod(shape) * dtype.itemsize), dtype)
        return values.reshape(shape, order="F" if fortran_order else "C")


@contextmanager
def _open_array(
    path: Path, archive: zipfile.ZipFile, name: str, kinds: str
) -> Iterator[tuple[IO[bytes], tuple[int, ...], bool, np.dtype[Any]]]:
    """Open an array after its header, which must have the wanted kind and match the number of bytes."""
    with archive.open(f"{name}.npy") as stream:
        try:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran_order, dtype = read(stream)
        except Exception as error:  # the header is Python source, and malformed source can fail in many ways
            raise DataError(f"{path}: the header of {name} is damaged ({type(error).__name__})") from error
        if dtype.kind not in kinds:
            wanted = {"iu": "integers", "SU": "a word"}.get(kinds, "real numbers")
            why = "; Python objects are never unpickled" if dtype.hasobject else ""
            raise DataError(f"{path}: {name} must hold {wanted}, got dtype {dtype}{why}")
        held = archive.getinfo(f"{name}.npy").file_size - stream.tell()
        if min(shape, default=1) < 0 or math.prod(map(int, shape)) * dtype.itemsize != held:
            raise DataError(
                f"{path}: {name} states the shape {shape} of {dtype} but holds {held:,} bytes; it is damaged"
            )
        yield stream, shape, bool(fortran_order), dtype
