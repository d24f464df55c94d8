"""Canonical content, and the hash that names it."""

from __future__ import annotations

import hashlib
import json
import math
from functools import lru_cache
from typing import Any, Literal

RESULT_SCHEMA = 1
"""Version of the meaning of a stored run; changing it gives every run a new id."""


WorkType = Literal["game", "run", "training"]


def work_type(content: dict[str, Any]) -> WorkType:
    """The kind of stored content, from its keys; the content has no field for it, and adding one would change ids."""
    if "steps" in content:
        return "training"
    return "run" if "learner" in content else "game"


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
    return _canonical_json(plain(value))


def content_hash(value: Any) -> str:
    """Twenty hexadecimal digits (80 bits) that name ``value``.

    Examples
    --------
    >>> content_hash({"a": 1, "b": 2.0}) == content_hash({"b": 2, "a": 1.0})
    True
    """
    return _digest(canonical(value))


def content_hash_of_json(value: Any) -> str:
    """`content_hash` of what was decoded from JSON, which is plain already; readers hash every stored run again."""
    return _digest(_canonical_json(value))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _canonical_json(value: Any) -> str:
    if type(value) is not dict or any(type(key) is not str for key in value):
        return _canonical_part(value)
    return "{" + ",".join([f"{_quoted(key)}:{_canonical_part(value[key])}" for key in sorted(value)]) + "}"


def _canonical_part(value: Any) -> str:
    if type(value) is int:
        return str(value)
    text = _ENCODER.encode(value)
    # Every whole float below 2**53 ends in .0 in JSON; most contents have none.
    return _canonical_text(text) if ".0" in text else text


_quoted = lru_cache(maxsize=256)(json.encoder.encode_basestring_ascii)


@lru_cache(maxsize=4096)
def _canonical_text(text: str) -> str:
    """The canonical text of what ``text`` says; the runs of a sweep share most parts of their contents."""
    return _ENCODER.encode(_numbers(json.loads(text)))


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _numbers(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: _numbers(item) for key, item in value.items()}
    if kind is list:
        return [_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
