"""The error of a failed check, and how checks are collected and run."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from oco.errors import OcoError


class CheckFailed(AssertionError):
    """A contract is violated; the message is one sentence that names the fault and its likely cause."""


Check = Callable[[], None]


def bind(checks: list[Callable[..., None]], *arguments: Any, **keywords: Any) -> Iterator[tuple[str, Check]]:
    """Each check with its name and its arguments filled in, ready for ``pytest.mark.parametrize``."""
    for check in checks:
        yield check.__name__.removeprefix("check_"), partial(_run, check, *arguments, **keywords)


def _run(check: Callable[..., None], *arguments: Any, **keywords: Any) -> None:
    """Run a check; an exception of the checked object is a failure too, and the message says where."""
    try:
        check(*arguments, **keywords)
    except (CheckFailed, OcoError):
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        message = (
            f"{type(error).__name__} in {last.name} ({last.filename}:{last.lineno}): {' '.join(str(error).split())}"
        )
        raise CheckFailed(message) from error


def require(condition: Any, message: str) -> None:
    """Raise `CheckFailed` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise CheckFailed(message)
