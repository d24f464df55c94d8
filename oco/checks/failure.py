"""What a failed check is, and how checks are collected and run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any


class CheckFailed(AssertionError):
    """A contract is broken; the message is one sentence that names the fault and its likely cause."""


Check = Callable[[], None]


def bind(checks: list[Callable[..., None]], *arguments: Any, **keywords: Any) -> Iterator[tuple[str, Check]]:
    """Each check with its name and its arguments filled in, ready for ``pytest.mark.parametrize``."""
    for check in checks:
        yield check.__name__.removeprefix("check_"), partial(check, *arguments, **keywords)


def require(condition: Any, message: str) -> None:
    """Raise `CheckFailed` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise CheckFailed(message)
