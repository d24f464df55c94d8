"""Archives and idx files as given, or refused: sparse formats, indices, headers, encryption, dimensions."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from oco.datasets import load
from oco.errors import DataError

ROWS = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0], [0.0, 1.0, 0.0]])
TARGETS = np.array([1.0, -1.0, 1.0])


def dense(rows) -> np.ndarray:
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


def write(directory: Path, name: str, content: bytes | str) -> Path:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("kind", ["csr", "csc"])
def test_sparse_archives_are_read_by_their_format(tmp_path: Path, kind: str) -> None:
    matrix = getattr(scipy.sparse, f"{kind}_array")(ROWS)
    scipy.sparse.save_npz(tmp_path / "parts.npz", matrix)
    np.savez(tmp_path / "x.npz", **dict(np.load(tmp_path / "parts.npz")), targets=TARGETS)
    np.testing.assert_array_equal(dense(load(tmp_path / "x.npz").rows), ROWS)


def test_archives_add_up_repeats_and_refuse_other_formats(tmp_path: Path) -> None:
    parts = {"data": [1.0, 2.0, 4.0], "indices": [0, 0, 1], "indptr": [0, 2, 3], "shape": [2, 4], "targets": [1.0, 2.0]}
    np.savez(tmp_path / "x.npz", **parts)
    np.testing.assert_array_equal(load(tmp_path / "x.npz").rows.toarray(), [[3.0, 0, 0, 0], [0, 4.0, 0, 0]])
    changes = {
        "holds a sparse matrix of format 'bsr'; save matrix.tocsr": {"format": b"bsr"},
        "indices must be in 0..3, got 0..4294967297": {"indices": [0, 2**32 + 1, 1]},
        "indices must be in 0..3, got -1..1": {"indices": [0, -1, 1]},
        "shape must be at most 2,147,483,647": {"shape": [2, 2**33]},
        "indptr must ascend from 0 to 3": {"indptr": [0, 2, 2]},
        "indptr must have 3 entries, got 2": {"indptr": [0, 3]},
        "data and indices must have one length, got 3 and 2": {"indices": [0, 1]},
    }
    for message, change in changes.items():
        np.savez(tmp_path / "x.npz", **(parts | change))
        with pytest.raises(DataError, match=message):
            load(tmp_path / "x.npz")


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "."), content)
    return stream.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def described(shape: str, body: bytes = b"", kind: str = "<f8") -> bytes:
    return npy(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}", body)


SOUND = described("(3,)", np.ones(3).tobytes())
HOSTILE = {
    "no extension": (archive(rows=SOUND, targets=SOUND), "holds the arrays none"),
    "huge": (
        archive(targets__npy=described("(4611686018427387904,)"), rows__npy=SOUND),
        "holds 0 bytes; it is damaged",
    ),
    "larger than memory": (archive(targets__npy=described("(1000000000,)"), rows__npy=SOUND), "holds 0 bytes"),
    "negative": (archive(targets__npy=SOUND, rows__npy=described("(3, -2)", bytes(48))), "it is damaged"),
    "not a header": (archive(targets__npy=npy("(" * 9000), rows__npy=SOUND), "the header of targets is damaged"),
    "deep": (archive(targets__npy=described(f"({'-' * 8000}3,)"), rows__npy=SOUND), "the header of targets is damaged"),
    "longer than stated": (archive(targets__npy=SOUND + b"1", rows__npy=SOUND), "it is damaged"),
    "objects": (archive(targets__npy=described("(3,)", b"cos\nsystem\n", "|O"), rows__npy=SOUND), "never unpickled"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused(tmp_path: Path, kind: str) -> None:
    content, message = HOSTILE[kind]
    with pytest.raises(DataError, match=message):
        load(write(tmp_path, "x.npz", content))


def test_encrypted_archives_and_unknown_compressions_are_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, rows=ROWS, targets=TARGETS)
    entry = stream.getvalue().index(b"PK\x01\x02")
    for place, value, message in ((8, 1, "is encrypted"), (10, 99, "compression method is not supported")):
        content = bytearray(stream.getvalue())
        while entry >= 0:
            content[entry + place] = value
            entry = content.find(b"PK\x01\x02", entry + 4)
        entry = content.index(b"PK\x01\x02")
        with pytest.raises(DataError, match=f"cannot be unpacked .*{message}"):
            load(write(tmp_path, "x.npz", bytes(content)))


def test_idx_files_with_huge_dimensions_are_refused(tmp_path: Path) -> None:
    from oco.datasets.readers import ReadOptions, read_file

    labels = write(tmp_path, "labels", bytes([0, 0, 8, 1, 0, 0, 0, 2, 1, 0]))
    header = bytes([0, 0, 8, 3, 0, 0, 0, 2])
    for sizes, message in ((b"\xff" * 8, "4294967295 x 4294967295 pixels"), (bytes(8), "0 x 0 pixels")):
        images = write(tmp_path, "images", header + sizes)
        with pytest.raises(DataError, match=message):
            read_file((images, labels), ReadOptions(), format="idx")
    images = write(tmp_path, "images", header + bytes([0, 0, 0, 1, 0, 0, 0, 1]) + b"abc")
    with pytest.raises(DataError, match="goes on after the 2 images"):
        read_file((images, labels), ReadOptions(), format="idx")
