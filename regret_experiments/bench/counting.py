"""A state as bytes that another process can be given, and the numbers that it takes."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import numpy as np

from oco.learners.base import state_floats
from oco.plain_file import with_arrays, without_arrays

MEMORY = "memory not counted"


def packed(tree: Any) -> bytes:
    """Plain values and arrays as bytes, without pickles."""
    arrays: dict[str, Any] = {}
    text = json.dumps(without_arrays(tree, arrays))
    stream = io.BytesIO()
    np.savez(stream, tree=np.array(text), **arrays)
    return stream.getvalue()


def unpacked(data: bytes) -> Any:
    """The inverse of `packed`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as members:
        return with_arrays(json.loads(str(members["tree"][()])), members)


def words(state: bytes) -> tuple[int, int]:
    """Numbers of 8 bytes that a packed state needs, and those that `oco.learners.base.state_floats` counts in it.

    Text and integers of many digits need more than is counted, and so they could hide memory.

    Examples
    --------
    >>> words(packed({"point": np.zeros(3), "round": 7}))
    (4, 4)
    >>> words(packed({"point": np.zeros(3), "hidden": 2**640, "text": "a" * 80}))
    (24, 4)
    """
    tree = unpacked(state)
    return _words(tree), state_floats(tree)


def _words(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_words, value.values()))
    if isinstance(value, list):
        return sum(map(_words, value))
    if isinstance(value, np.ndarray):
        return max(value.size, math.ceil(value.nbytes / 8))
    if isinstance(value, str):
        return math.ceil(len(value.encode()) / 8)
    if isinstance(value, int) and not isinstance(value, bool):
        return max(1, math.ceil(value.bit_length() / 64))
    return 0 if value is None else 1
