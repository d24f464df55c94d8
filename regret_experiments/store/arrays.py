"""Named float64 arrays as one ``.npy`` vector, with their names and shapes beside it in the metadata."""

from __future__ import annotations

import io
import math
import zlib
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from regret_experiments.store.sealed import Damaged

Arrays = dict[str, np.ndarray[Any, np.dtype[np.float64]]]
Count = Annotated[int, Field(ge=0, lt=2**48)]

_HEADER_LENGTH = slice(8, 10)
"""Where a ``.npy`` file of version 1 holds the length of the header that follows."""


class Description(BaseModel):
    """The metadata of the file: its size, its checksum, and the shapes of its arrays by name."""

    model_config = ConfigDict(strict=True)

    bytes: Count
    crc32: Count
    shapes: dict[str, list[Count]]


def pack(arrays: Arrays) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of a ``.npy`` file that holds all entries in order, and the description that `unpack` needs."""
    flat = [np.ascontiguousarray(array, dtype=np.float64).ravel() for array in arrays.values()]
    stream = io.BytesIO()
    np.save(stream, np.concatenate(flat) if flat else np.empty(0), allow_pickle=False)
    data = stream.getvalue()
    shapes = {name: list(np.shape(array)) for name, array in arrays.items()}
    return data, {"bytes": len(data), "crc32": zlib.crc32(data), "shapes": shapes}


def unpack(data: bytes, description: dict[str, Any]) -> Arrays:
    """Return the arrays.

    Raises
    ------
    Damaged
        If the bytes are not the ones that were described.
    """
    shapes = description["shapes"]
    counts = [math.prod(shape) for shape in shapes.values()]
    if len(data) != description["bytes"]:
        raise Damaged(f"it has {len(data)} bytes where {description['bytes']} were written")
    if zlib.crc32(data) != description["crc32"]:
        raise Damaged("its bytes do not have the checksum of what was written")
    start = _HEADER_LENGTH.stop + int.from_bytes(data[_HEADER_LENGTH], "little")
    if len(data) - start != 8 * sum(counts):
        raise Damaged("it does not hold as many numbers as the shapes of its arrays")
    flat = np.frombuffer(data, dtype="<f8", offset=start)
    arrays: Arrays = {}
    at = 0
    for (name, shape), count in zip(shapes.items(), counts, strict=True):
        arrays[name] = flat[at : at + count].reshape(shape)
        at += count
    return arrays
