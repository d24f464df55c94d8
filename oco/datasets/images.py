"""Read the binary formats of MNIST (idx) and CIFAR-10 (a label byte and 3,072 pixels per row)."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np

from oco.datasets.compact import CompactWriter
from oco.datasets.decompress import open_guarded
from oco.errors import DataError
from oco.types import Array

_BLOCK_ROWS, _BLOCK_BYTES = 2048, 16 << 20
_MOST_PIXELS = 1 << 20
_CIFAR_ROW = 3073


def read_idx(images: Path, labels: Path, writer: CompactWriter) -> None:
    """Parse a pair of idx files, images (n, height, width) and labels (n,), into rows of pixels 0 to 255.

    Raises
    ------
    DataError
        If a file is damaged, of another kind, or the two differ in length.
    """
    with open_guarded(labels) as stream:
        (count,) = _idx_shape(labels, stream.read(8), 1)
        targets = np.frombuffer(stream.read(), np.uint8).astype(np.float64)
    if len(targets) != count:
        raise DataError(f"{labels}: states {count} labels but holds {len(targets)}")
    with open_guarded(images) as stream:
        rows, height, width = _idx_shape(images, stream.read(16), 3)
        if rows != count:
            raise DataError(f"{images}: states {rows} images but {labels.name} has {count} labels")
        if not 1 <= height * width <= _MOST_PIXELS:
            raise DataError(f"{images}: states {height} x {width} pixels; expected 1 to {_MOST_PIXELS:,} an image")
        _read_pixels(images, stream, height * width, targets, writer)
        if stream.read(1):
            raise DataError(f"{images}: goes on after the {rows} images that it states")
    if rows == 0:
        raise DataError(f"{images}: holds no images")


def read_cifar(path: Path, writer: CompactWriter) -> None:
    """Parse CIFAR-10's binary layout into rows of pixels 0 to 255 (1,024 red, then green, then blue).

    Raises
    ------
    DataError
        If the file is damaged or not a whole number of rows.
    """
    with open_guarded(path) as stream:
        while block := stream.read(_BLOCK_ROWS * _CIFAR_ROW):
            if len(block) % _CIFAR_ROW:
                raise DataError(f"{path}: ends inside row {writer.n_rows + len(block) // _CIFAR_ROW}")
            table = np.frombuffer(block, np.uint8).reshape(-1, _CIFAR_ROW).astype(np.float64)
            writer.append(np.ascontiguousarray(table[:, 1:]), table[:, 0])
    if writer.n_rows == 0:
        raise DataError(f"{path}: is empty; expected rows of {_CIFAR_ROW} bytes")


def _idx_shape(path: Path, header: bytes, axes: int) -> tuple[int, ...]:
    if len(header) < 4 + 4 * axes or header[:4] != bytes([0, 0, 8, axes]):
        raise DataError(f"{path}: is not an idx file of unsigned bytes with {axes} axes")
    return tuple(np.frombuffer(header, ">u4", offset=4).astype(int).tolist())


def _read_pixels(path: Path, stream: IO[bytes], pixels: int, targets: Array, writer: CompactWriter) -> None:
    step = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // pixels))
    for start in range(0, len(targets), step):
        count = min(step, len(targets) - start)
        block = stream.read(count * pixels)
        if len(block) != count * pixels:
            raise DataError(f"{path}: ends inside row {start + len(block) // pixels}; expected {len(targets)} rows")
        writer.append(
            np.frombuffer(block, np.uint8).reshape(count, pixels).astype(np.float64), targets[start : start + count]
        )
