"""Small JSON: few digits, columns whose values repeat as codes, and curves thinned to some of their rounds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_quoted = json.encoder.encode_basestring
_UNSAFE = re.compile("[<\u2028\u2029]")


def rounded(value: Any, digits: int = 5) -> Any:
    """A number at ``digits`` significant digits; None where it is missing or not finite; anything else as it is."""
    if type(value) is float:  # nearly all values
        return _shortened(value, digits)
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return _shortened(float(value), digits)
    return None if _missing(value) else value


def _shortened(value: float, digits: int) -> Any:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() and -1e15 < short < 1e15 else short


def rounded_list(values: Iterable[Any], digits: int = 4) -> list[Any]:
    """Each of the numbers at ``digits`` significant digits."""
    return [_shortened(value, digits) for value in np.asarray(values, dtype=np.float64).tolist()]


def column(values: Iterable[Any]) -> Any:
    """A column for JSON: the list, or ``{"values", "codes"}`` where that is shorter. Equal texts are one value."""
    plain = [rounded(value) for value in values]
    texts = _texts(plain)
    codes = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    if 4 * len(plain) + sum(map(len, codes)) >= sum(map(len, texts)):
        return plain
    return {"values": [json.loads(text) for text in codes], "codes": [codes[text] for text in texts]}


def _texts(values: list[Any]) -> list[str]:
    """`dumps` of each value; numbers are written by themselves, and an object or a text that occurs again only once."""
    known: dict[Any, str] = {}
    texts = []
    for value in values:
        if type(value) in (int, float):
            texts.append(repr(value))
            continue
        key = value if type(value) is str else id(value)
        if key not in known:
            known[key] = _safe(_quoted(value)) if type(value) is str else dumps(value)
        texts.append(known[key])
    return texts


def dumps(value: Any) -> str:
    """JSON without blanks, safe inside a script element: no ``<``, and no separators that end a line of script."""
    return _safe(_encode(value))


def _safe(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def thinned(count: int, most: int, needed: Iterable[int] = ()) -> list[int]:
    """At most about ``most`` positions of ``count``, evenly spaced, with the first, the last and those needed."""
    if count <= most:
        return list(range(count))
    even = np.rint(np.linspace(0, count - 1, max(2, most))).astype(int)
    return sorted({*map(int, even), *(i for i in needed if 0 <= i < count)})


def _missing(value: Any) -> bool:
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        # pandas.NA refuses to be true or false.
        return True
