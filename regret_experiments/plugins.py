"""The user's modules: ``--plugin package.module`` registers the classes that they define, here and in workers."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oco.errors import ConfigError
from oco.plugins import Registry, registered_name


@dataclass(frozen=True)
class PluginModule:
    """A module that was given on the command line, and the directory from which it was.

    Workers look for the module there too, so that a module that is not installed works wherever the directory is.
    """

    name: str
    directory: str


_GIVEN: dict[str, PluginModule] = {}


def given() -> tuple[PluginModule, ...]:
    """The modules that were loaded so far, in order; tasks carry them to workers."""
    return tuple(_GIVEN.values())


def registries() -> tuple[Registry[Any], ...]:
    """Everything that a config names."""
    from oco.domains import DOMAINS
    from oco.environments import ENVIRONMENTS
    from oco.learners import LEARNERS
    from oco.losses import SCALAR_LOSSES

    return LEARNERS, ENVIRONMENTS, SCALAR_LOSSES, DOMAINS


def load_module(name: str, directory: str | None = None) -> None:
    """Import the module ``name`` and add the learners, environments, losses and domains that it defines.

    A class is added under its ``name``, or its own name in snake case. The module is looked for as Python would from
    ``directory``, the current one by default.

    Raises
    ------
    ConfigError
        If it cannot be imported, defines nothing, or takes a name that is taken.
    """
    if name in _GIVEN:
        return
    directory = directory or os.getcwd()
    if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
        hint = f"; is it {name.removesuffix('.py').replace(os.sep, '.')!r}?" if name.endswith(".py") else ""
        raise ConfigError(
            f"--plugin takes the dotted name of a module, such as my_package.learners, got {name!r}{hint}"
        )
    if directory not in sys.path:
        sys.path.append(directory)
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:  # the user's module may raise anything
        text = " ".join(str(error).split())
        raise ConfigError(f"--plugin {name}: cannot be imported: {type(error).__name__}: {text}") from error
    found = [(registry, kind) for registry in registries() for kind in _defined(module, registry.base)]
    if not found:
        raise ConfigError(
            f"--plugin {name}: it defines no learner, environment, loss or domain (a subclass of oco.Learner, "
            "oco.Environment, oco.losses.ScalarLoss or oco.Domain that leaves no method abstract)"
        )
    for registry, kind in found:
        registry.add(registered_name(kind), kind)
    _GIVEN[name] = PluginModule(name, directory)


def origins(named: dict[str, list[str]]) -> dict[str, Any]:
    """Where the classes that a config names come from, by ``"kind name"``, built-in ones left out.

    Parameters
    ----------
    named
        Names by the registries' words: ``{"learner": ["mine"]}``.
    """
    found = {}
    for registry in registries():
        for name in named.get(registry.kind, ()):
            origin = registry.origin(name)
            if origin is not None:
                found[f"{registry.kind} {name}"] = origin.describe()
    return found


def _defined(module: Any, base: type) -> Iterator[type]:
    """Concrete public subclasses that the module, or for a package a part of it, defines."""
    for name, value in vars(module).items():
        if inspect.isclass(value) and issubclass(value, base) and not name.startswith("_"):
            at_home = value.__module__ == module.__name__ or value.__module__.startswith(module.__name__ + ".")
            if at_home and not inspect.isabstract(value) and value is not base:
                yield value
