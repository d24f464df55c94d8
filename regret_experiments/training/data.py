"""Data that is always present (digits, the standard library's text) and MNIST where OCO_DATA_DIR holds it."""

from __future__ import annotations

import gzip
import os
import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oco.errors import DataError

# A fixed list: the losses depend on the Python version, not on what else an installation holds.
# fmt: off
TEXT_MODULES = (
    "argparse", "ast", "calendar", "codecs", "collections/__init__", "configparser", "csv", "datetime", "decimal",
    "difflib", "dis", "doctest", "email/message", "enum", "fractions", "functools", "heapq", "inspect",
    "json/decoder", "logging/__init__", "mailbox", "os", "pathlib", "pickle", "pydoc", "random", "shutil", "socket",
    "statistics", "subprocess", "tarfile", "textwrap", "threading", "typing", "zipfile",
)
# fmt: on
PRINTABLE = "\n" + "".join(chr(code) for code in range(32, 127))


class Images(NamedTuple):
    """Rows of pixels in [0, 1] and their labels, for training and for testing."""

    train: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test: NDArray[np.float32]
    test_labels: NDArray[np.int64]


@lru_cache(maxsize=2)
def load_images(name: str) -> Images:
    """Load ``digits`` (1,400 + 397 images of 8 x 8, inside scikit-learn) or ``mnist`` (60,000 + 10,000 of 28 x 28).

    Raises
    ------
    DataError
        If MNIST is asked for and its idx files are not in the folder that OCO_DATA_DIR names.
    """
    if name == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        order = np.random.default_rng(0).permutation(len(digits.target))
        pixels, labels = (digits.data[order] / 16.0).astype(np.float32), digits.target[order].astype(np.int64)
        return Images(pixels[:1400], labels[:1400], pixels[1400:], labels[1400:])
    root = os.environ.get("OCO_DATA_DIR")
    if not root or not (Path(root) / "train-images-idx3-ubyte.gz").exists():
        raise DataError(
            f"data: mnist needs train-images-idx3-ubyte.gz in the folder OCO_DATA_DIR names, which is {root!r}"
        )
    parts = [_read_idx(Path(root) / f"{part}-ubyte.gz") for part in ("train-images-idx3", "train-labels-idx1")]
    parts += [_read_idx(Path(root) / f"{part}-ubyte.gz") for part in ("t10k-images-idx3", "t10k-labels-idx1")]
    train, train_labels, test, test_labels = parts
    return Images(
        train.reshape(len(train), -1).astype(np.float32) / 255.0,
        train_labels.astype(np.int64),
        test.reshape(len(test), -1).astype(np.float32) / 255.0,
        test_labels.astype(np.int64),
    )


@lru_cache(maxsize=1)
def load_text() -> NDArray[np.int64]:
    """Return sources of the Python standard library as character indices, newline and printable ASCII only."""
    folder = Path(sysconfig.get_path("stdlib"))
    paths = [folder / f"{module}.py" for module in TEXT_MODULES]
    text = "".join(path.read_text(encoding="utf-8") for path in paths if path.exists())
    table = np.full(128, -1, dtype=np.int64)
    table[[ord(c) for c in PRINTABLE]] = np.arange(len(PRINTABLE))
    codes = table[np.frombuffer(text.encode("ascii", "ignore"), dtype=np.uint8)]
    if len(codes) < 100_000:
        raise DataError(f"the standard library's sources in {folder} hold {len(codes)} characters, 100000 are needed")
    return codes[codes >= 0]


def _read_idx(path: Path) -> NDArray[np.uint8]:
    raw = gzip.decompress(path.read_bytes())
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise DataError(f"{path.name} is not an idx file of bytes")
    shape = np.frombuffer(raw, dtype=">i4", count=raw[3], offset=4)
    values = np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * raw[3])
    if values.size != np.prod(shape):
        raise DataError(f"{path.name} holds {values.size} bytes, its header says {np.prod(shape)}")
    return values.reshape(shape)
