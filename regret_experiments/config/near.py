"""The nearest known name to a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


def did_you_mean(given: Any, known: Iterable[Any]) -> str:
    """``"; did you mean 'rank'?"``, or nothing where no known name is near."""
    near = difflib.get_close_matches(str(given), [str(name) for name in known], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def listed(known: Iterable[Any]) -> str:
    """Names in a sentence."""
    return ", ".join(str(name) for name in known)
