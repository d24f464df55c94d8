"""Check the keywords of a config entry against the signature of what they build."""

from __future__ import annotations

import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from oco.keywords import did_you_mean, listed
from regret_experiments.config.messages import shortened

_NOT_IN_CONFIGS = ("self", "rows", "targets", "description", "name_or_path", "data_dir", "max_bytes")


class KeywordError(ValueError):
    """A keyword is unknown, missing or of the wrong type; ``key`` is where, None for the entry itself."""

    def __init__(self, key: str | None, message: str) -> None:
        super().__init__(message)
        self.key = key


def accepted(*functions: Callable[..., Any]) -> list[str]:
    """Names that the functions take as keywords."""
    names: dict[str, None] = {}
    for function in functions:
        for name, parameter in _parameters(function).items():
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
                names[name] = None
    return [name for name in names if name not in _NOT_IN_CONFIGS]


def open_ended(function: Callable[..., Any]) -> bool:
    """Whether ``function`` takes any keyword."""
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in _parameters(function).values())


def check_names(what: str, given: dict[str, Any], allowed: list[str]) -> None:
    """Raise an error for a keyword that ``what`` does not know, and suggest the nearest known one."""
    for key in given:
        if key not in allowed:
            takes = f"takes {listed(allowed)}" if allowed else "takes no keywords"
            raise KeywordError(key, f"unknown key, {what} {takes}{did_you_mean(key, allowed)}")


def check_types(given: dict[str, Any], *functions: Callable[..., Any]) -> None:
    """Raise an error for a value whose type is not the plain one that a signature states."""
    hints: dict[str, Any] = {}
    for function in functions:
        hints |= _hints(function)
    for key, value in given.items():
        problem = _mismatch(value, hints[key]) if key in hints else None
        if problem:
            raise KeywordError(key, f"must be {problem}, got {shortened(value)}")


def check_required(what: str, given: dict[str, Any], function: Callable[..., Any]) -> None:
    """Raise an error if a keyword without a default is missing."""
    for name, parameter in _parameters(function).items():
        required = parameter.default is parameter.empty and parameter.kind in (
            parameter.KEYWORD_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        )
        if required and name not in _NOT_IN_CONFIGS and name not in given:
            raise KeywordError(None, f"{what} needs {name}")


@lru_cache(maxsize=256)
def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


@lru_cache(maxsize=256)
def _hints(function: Any) -> dict[str, Any]:
    target = inspect.unwrap(function.__init__ if inspect.isclass(function) else function)
    scope = getattr(target, "__globals__", {})
    hints: dict[str, Any] = {}
    for name, annotation in getattr(target, "__annotations__", {}).items():
        # One by one: a name that is imported for type checkers only must not hide the others.
        with contextlib.suppress(Exception):
            hints |= typing.get_type_hints(types.SimpleNamespace(__annotations__={name: annotation}), scope)
    return hints


def _mismatch(value: Any, hint: Any) -> str | None:
    """The expected type in words, or None if ``value`` has it or the hint cannot be checked."""
    words: list[str] = []
    for kind in _alternatives(hint):
        origin = typing.get_origin(kind)
        if origin is typing.Literal:
            if isinstance(value, str) and value in typing.get_args(kind):
                return None
            words.append("one of " + listed(map(repr, typing.get_args(kind))))
        elif kind in _PLAIN:
            classes, word = _PLAIN[kind]
            if isinstance(value, classes) and (isinstance(value, bool) <= (kind is bool)):
                return None
            words.append(word)
        elif kind is type(None):
            if value is None:
                return None
        elif kind not in (Any, object) and isinstance(value, _SCALARS) and inspect.isclass(origin or kind):
            # A scalar of a config is never an object of a class; a list or a mapping may be turned into one.
            if getattr(kind, "_is_protocol", False) or isinstance(value, origin or kind):
                return None
            words += [word for made, word in _MADE_OF if issubclass(origin or kind, made) and word not in words]
        else:
            return None
    return " or ".join(words) or "something else"


def _alternatives(hint: Any) -> tuple[Any, ...]:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return tuple(part for kind in typing.get_args(hint) for part in _alternatives(kind))
    return (hint,)


_PLAIN: dict[Any, tuple[tuple[type, ...], str]] = {
    int: ((int,), "an integer"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
    str: ((str,), "a string"),
}
_SCALARS = (bool, int, float, str)
_MADE_OF = ((Mapping, "a mapping"), (Sequence, "a list"))
