"""Named float64 arrays as one ``.npy`` vector, with their names and shapes beside it in the metadata."""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from regret_experiments.store.sealed import Damaged

Array = np.ndarray[Any, np.dtype[np.float64]]
Arrays = Mapping[str, Array]
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


def unpack(data: bytes, description: dict[str, Any]) -> PackedArrays:
    """Return the arrays.

    Raises
    ------
    Damaged
        If the bytes are not the ones that were described.
    """
    layout = _layout(tuple([(name, tuple(shape)) for name, shape in description["shapes"].items()]))
    if len(data) != description["bytes"]:
        raise Damaged(f"it has {len(data)} bytes where {description['bytes']} were written")
    if zlib.crc32(data) != description["crc32"]:
        raise Damaged("its bytes do not have the checksum of what was written")
    start = _HEADER_LENGTH.stop + int.from_bytes(data[_HEADER_LENGTH], "little")
    if len(data) - start != 8 * layout.total:
        raise Damaged("it does not hold as many numbers as the shapes of its arrays")
    return PackedArrays(data, start, layout)


class Layout(NamedTuple):
    """Shapes of arrays by name, where each begins, and the count of all numbers. Most runs of a sweep share one."""

    shapes: dict[str, tuple[int, ...]]
    places: dict[str, int]
    total: int


class PackedArrays(Mapping[str, Array]):
    """Arrays by name that stay the bytes that were read until they are asked for; they cannot be written to."""

    __slots__ = ("_data", "_layout", "_start")

    def __init__(self, data: bytes, start: int, layout: Layout) -> None:
        self._data, self._start, self._layout = data, start, layout

    def __getitem__(self, name: str) -> Array:
        """One of the arrays."""
        shape = self._layout.shapes[name]
        offset = self._start + 8 * self._layout.places[name]
        return np.frombuffer(self._data, "<f8", math.prod(shape), offset).reshape(shape)

    def __iter__(self) -> Iterator[str]:
        """The names, in order."""
        return iter(self._layout.shapes)

    def __len__(self) -> int:
        """Number of arrays."""
        return len(self._layout.shapes)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes by name."""
        return self._layout.shapes


@lru_cache(maxsize=1024)
def _layout(shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> Layout:
    places, count = {}, 0
    for name, shape in shapes:
        places[name] = count
        count += math.prod(shape)
    return Layout(dict(shapes), places, count)
