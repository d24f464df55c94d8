"""Everything that a learner's code can carry from round to round besides ``state``, as fingerprints by place."""

from __future__ import annotations

import builtins
import hashlib
import inspect
import os
import random
import sys
import types
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

GLOBALS, CLOSURES, CLASSES = "module globals", "closures", "class attributes"
ATTRIBUTES, RANDOM = "attributes outside state", "own random generator"
MOST_VALUES = 100_000
"""Values that are looked at; a learner of more keeps them in arrays."""
Found = dict[str, tuple[str, str]]
"""Kind and fingerprint of a value, by the place where it is."""
_RANDOM = (np.random.Generator, np.random.RandomState, random.Random)
_NUMBERS = (bool, int, float, complex, str, bytes, bytearray, np.generic, type(None))


def outside(player: Any, modules: list[types.ModuleType]) -> Found:
    """Fingerprints of all values outside ``player.state`` that its class, its instance and ``modules`` hold."""
    found: Found = {}
    seen: set[int] = set()
    for module in modules:
        for name, value in list(vars(module).items()):
            if not name.startswith("__"):
                _look(value, f"{module.__name__}.{name}", GLOBALS, found, seen)
    for kind in type(player).__mro__:
        if sys.modules.get(kind.__module__) in modules:
            _look_into_class(kind, found, seen)
    for name, value in list(vars(player).items()):
        if name != "state":
            _look(value, f"self.{name}", ATTRIBUTES, found, seen)
    found["random.random"] = RANDOM, _digest(random.getstate())
    found["numpy.random"] = RANDOM, _digest(np.random.get_state())  # noqa: NPY002
    for shared in (builtins, sys, np, sys.modules["oco"], sys.modules["oco.learners.base"]):
        found[shared.__name__] = GLOBALS, _digest(sorted(name for name in vars(shared) if not name.startswith("__")))
    found["os.environ"] = GLOBALS, _digest(sorted(os.environ.items()))
    return found


def changes(before: Found, after: Found) -> dict[str, list[str]]:
    """Places whose fingerprint is another one than before, by kind."""
    found: dict[str, list[str]] = {}
    for place, (kind, fingerprint) in after.items():
        if before.get(place, (kind, ""))[1] != fingerprint:
            found.setdefault(kind, []).append(place)
    return found


def _look_into_class(kind: type, found: Found, seen: set[int]) -> None:
    for name, value in list(vars(kind).items()):
        if not name.startswith("__") or isinstance(value, types.FunctionType):
            inner = getattr(value, "__func__", getattr(value, "fget", value))
            _look(inner, f"{kind.__name__}.{name}", CLASSES, found, seen)


def _look(value: Any, place: str, kind: str, found: Found, seen: set[int]) -> None:
    if isinstance(value, _NUMBERS):
        found[place] = kind, _digest(value)
    elif id(value) in seen or len(found) > MOST_VALUES:
        return
    else:
        seen.add(id(value))
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            found[place] = kind, _digest((value.dtype.str, value.shape)) + hashlib.sha256(value.tobytes()).hexdigest()
        elif isinstance(value, _RANDOM):
            found[place] = RANDOM, _digest(_random_state(value))
        else:
            for step, inner, its_kind in _parts(value, kind):
                _look(inner, place + step, its_kind, found, seen)
            if isinstance(value, (list, tuple, dict, set, deque)):
                found[f"{place} (size)"] = kind, str(len(value))
            elif type(value).__module__ == "itertools":
                found[place] = kind, repr(value)


def _parts(value: Any, kind: str) -> Iterator[tuple[str, Any, str]]:
    """What is inside a value: the step to it, the value, its kind."""
    if isinstance(value, (types.ModuleType, type)):
        return
    if isinstance(value, types.MethodType):
        yield "()", value.__func__, kind
    elif isinstance(value, types.FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, types.GeneratorType):
        frame = value.gi_frame
        yield from () if frame is None else ((f" {name}", item, CLOSURES) for name, item in frame.f_locals.items())
        yield " (line)", None if frame is None else frame.f_lasti, CLOSURES
    elif isinstance(value, dict):
        yield from ((f"[{key!r:.40}]", item, kind) for key, item in list(value.items()))
    elif isinstance(value, (list, tuple, deque)):
        yield from ((f"[{index}]", item, kind) for index, item in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from ((f"{{{index}}}", item, kind) for index, item in enumerate(sorted(value, key=repr)))
    else:
        slots = [name for owner in type(value).__mro__ for name in getattr(owner, "__slots__", ())]
        named = [(name, getattr(value, name, None)) for name in slots if not name.startswith("__")]
        named += list(getattr(value, "__dict__", {}).items())
        yield from ((f".{name}", item, kind) for name, item in named)


def _parts_of_function(function: types.FunctionType) -> Iterator[tuple[str, Any, str]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f" (variable {name})", cell.cell_contents, CLOSURES
        except ValueError:  # not assigned yet
            continue
    wrapped = inspect.getattr_static(function, "__wrapped__", None)
    for what, inner in (
        (" (default)", function.__defaults__), (" (keyword default)", function.__kwdefaults__),
        ("", {name: item for name, item in vars(function).items() if item is not wrapped}), (" (wrapped)", wrapped),
    ):  # fmt: skip
        if inner:
            yield what, inner, CLOSURES


def _random_state(value: Any) -> Any:
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    return value.get_state() if isinstance(value, np.random.RandomState) else value.getstate()


def _digest(value: Any) -> str:
    return hashlib.sha256(f"{type(value).__name__} {value!r}".encode()).hexdigest()
