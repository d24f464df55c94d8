"""Online convex optimization with certified regret, theorem bounds and measured memory.

Every registered learner, domain and loss is a name of this module, in addition to the few names listed here. Names are
imported when they are first used, so ``import oco`` is fast.
"""

from __future__ import annotations

import importlib
from typing import Any

from oco._version import __version__ as __version__

_HOME = {
    "Domain": "domains",
    "Environment": "environments",
    "FrequentDirections": "sketching",
    "Interval": "regret",
    "Learner": "learners",
    "Loss": "losses",
    "Memory": "learners",
    "Problem": "learners",
    "Record": "record",
    "play": "game",
    "self_play": "matrix_game",
    "show": "showing",
}
"""Further public names besides those of the registries, and the modules that define them."""

_REGISTRIES = {"domains": "DOMAINS", "losses": "SCALAR_LOSSES", "learners": "LEARNERS"}
"""Packages whose registered classes are public names here; each comes after the packages that it imports."""

_SUBPACKAGES = (
    "checks",
    "comparators",
    "datasets",
    "domains",
    "environments",
    "errors",
    "learners",
    "losses",
    "regret",
    "sketching",
    "spec",
)

_WITH_OTHER_PACKAGES = ("estimators",)
"""Subpackages that need packages which this one does not: imported when they are named, not by ``import *``."""


def _part(name: str) -> Any:
    return importlib.import_module(f"oco.{name}")


def _registered(part: str) -> dict[str, Any]:
    """The built-in classes of a package's registry, by class name."""
    registry = getattr(_part(part), _REGISTRIES[part])
    return {found.__name__: found for found in registry.built_in.values()}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return ["__version__", *_HOME, *(found for part in _REGISTRIES for found in _registered(part)), *_SUBPACKAGES]
    if name in _SUBPACKAGES or name in _WITH_OTHER_PACKAGES:
        return _part(name)
    if name in _HOME:
        return getattr(_part(_HOME[name]), name)
    if not name.startswith("_"):
        for part in _REGISTRIES:
            if name in _registered(part):
                return _registered(part)[name]
    raise AttributeError(f"module 'oco' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__getattr__("__all__"))
