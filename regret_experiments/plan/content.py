"""Canonical content, and the hash that names it."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

RESULT_SCHEMA = 1
"""Version of what a stored run means; a change of it makes every run a new one."""


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: mappings with string keys, lists, strings, numbers, booleans, None.

    NumPy numbers and arrays become Python's, tuples become lists; numbers that JSON has no word for become strings.
    """
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in (sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "describe"):
        return plain(value.describe())
    return repr(value)


def canonical(value: Any) -> str:
    """The one text of ``value``: sorted keys, no spaces, and a number is its value whether written 5 or 5.0."""
    return _ENCODER.encode(_numbers(plain(value)))


def content_hash(value: Any) -> str:
    """Twenty hexadecimal digits (80 bits) that name ``value``.

    Examples
    --------
    >>> content_hash({"a": 1, "b": 2.0}) == content_hash({"b": 2, "a": 1.0})
    True
    """
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:20]


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return value
