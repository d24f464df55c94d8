"""Check the keywords of a config entry against the signature of what they build."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from regret_experiments.config.near import did_you_mean, listed

_NOT_IN_CONFIGS = ("self", "rows", "targets", "description", "data_dir", "state")


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
    """Refuse a keyword that ``what`` does not know, with the nearest that it does."""
    for key in given:
        if key not in allowed:
            takes = f"takes {listed(allowed)}" if allowed else "takes no keywords"
            raise KeywordError(key, f"unknown key, {what} {takes}{did_you_mean(key, allowed)}")


def check_types(given: dict[str, Any], *functions: Callable[..., Any]) -> None:
    """Refuse a value that is not of the type that a signature states, where it states a plain one."""
    hints: dict[str, Any] = {}
    for function in reversed(functions):
        hints |= _hints(function)
    for key, value in given.items():
        problem = _mismatch(value, hints[key]) if key in hints else None
        if problem:
            raise KeywordError(key, f"must be {problem}, got {_short(value)}")


def check_required(what: str, given: dict[str, Any], function: Callable[..., Any]) -> None:
    """Refuse to go on without a keyword that has no default."""
    for name, parameter in _parameters(function).items():
        required = parameter.default is parameter.empty and parameter.kind in (
            parameter.KEYWORD_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        )
        if required and name not in _NOT_IN_CONFIGS and name not in given:
            raise KeywordError(None, f"{what} needs {name}")


def defaults(function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """``given`` with the defaults of ``function`` for the rest."""
    filled = {
        name: parameter.default
        for name, parameter in _parameters(function).items()
        if parameter.default is not parameter.empty and name not in _NOT_IN_CONFIGS
    }
    return filled | given


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


def _hints(function: Any) -> dict[str, Any]:
    target = function.__init__ if inspect.isclass(function) else function
    try:
        return typing.get_type_hints(target)
    except Exception:  # a name that is imported for type checkers only: then the constructor alone decides
        return {}


def _mismatch(value: Any, hint: Any) -> str | None:
    """What ``value`` should have been, or None where it is fine or the hint is not about plain values."""
    allowed = typing.get_args(hint) if typing.get_origin(hint) not in (None, typing.Literal) else (hint,)
    words: list[str] = []
    for kind in allowed:
        if typing.get_origin(kind) is typing.Literal:
            if value in typing.get_args(kind) and isinstance(value, str):
                return None
            words.append("one of " + listed(map(repr, typing.get_args(kind))))
        elif kind in _PLAIN:
            types, word = _PLAIN[kind]
            if isinstance(value, types) and (isinstance(value, bool) <= (kind is bool)):
                return None
            words.append(word)
        else:
            return None
    return " or ".join(words)


_PLAIN: dict[Any, tuple[tuple[type, ...], str]] = {
    int: ((int,), "an integer"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
    str: ((str,), "a string"),
    type(None): ((type(None),), "nothing"),
}


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else text[:57] + "..."
