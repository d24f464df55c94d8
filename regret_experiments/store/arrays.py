"""Named float64 arrays as one ``.npy`` vector, with their names and shapes beside it in the metadata."""

from __future__ import annotations

import io
import math
import zlib
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, np.dtype[np.float64]]]


def pack(arrays: Arrays) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of a ``.npy`` file that holds all entries in order, and the description that `unpack` needs."""
    flat = [np.ascontiguousarray(array, dtype=np.float64).ravel() for array in arrays.values()]
    stream = io.BytesIO()
    np.save(stream, np.concatenate(flat) if flat else np.empty(0), allow_pickle=False)
    data = stream.getvalue()
    shapes = {name: list(np.shape(array)) for name, array in arrays.items()}
    return data, {"bytes": len(data), "crc32": zlib.crc32(data), "shapes": shapes}


def unpack(data: bytes, description: dict[str, Any]) -> Arrays | None:
    """Return the arrays, or None where the bytes are not the ones that were described."""
    if len(data) != description["bytes"] or zlib.crc32(data) != description["crc32"]:
        return None
    shapes = description["shapes"]
    counts = [math.prod(shape) for shape in shapes.values()]
    flat = np.frombuffer(data, dtype="<f8", offset=len(data) - 8 * sum(counts))
    arrays: Arrays = {}
    at = 0
    for (name, shape), count in zip(shapes.items(), counts, strict=True):
        arrays[name] = flat[at : at + count].reshape(shape)
        at += count
    return arrays
