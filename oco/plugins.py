"""Registries: the built-in learners, environments, losses and domains by name, and those of other packages.

A package offers a class as an entry point of the group of its kind (``oco.learners``, ``oco.environments``,
``oco.losses``, ``oco.domains``). A class in your own module is added by `Registry.add`. Names of entry points are known
without importing anything; a package is imported when its class is first used.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from oco.errors import ConfigError
from oco.keywords import check_names, did_you_mean, listed, parameters, registered_name

__all__ = ["Origin", "Registry", "registered_name"]

T = TypeVar("T")


@dataclass(frozen=True)
class Origin:
    """Where a class that is not built in comes from.

    Attributes
    ----------
    location
        ``module:Class``.
    distribution, version
        The installed package that it belongs to, or None.
    sha256
        First digits of the checksum of the class's source file, so that an edited learner counts as a new one. None if
        it has not been imported, or has no file.
    """

    location: str
    distribution: str | None = None
    version: str | None = None
    sha256: str | None = None

    def describe(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """``package 1.0 (module:Class)``."""
        return f"{self.distribution} {self.version} ({self.location})" if self.distribution else self.location


class Registry(Mapping[str, type[T]], Generic[T]):
    """Classes of one kind by name: the built-in ones, those of installed packages and those that were added.

    Looking up a name imports its package; iterating, counting and ``in`` import nothing.

    Parameters
    ----------
    kind
        Word for messages: ``"learner"``.
    group
        Group of the entry points: ``"oco.learners"``.
    base
        Base class of every registered class.
    built_in
        The classes of this library.

    Raises
    ------
    ConfigError
        On looking up a name that two packages offer, or whose class cannot be loaded or has another base class.

    Examples
    --------
    >>> import oco
    >>> oco.learners.LEARNERS["ogd"]
    <class 'oco.learners.ogd.OGD'>
    >>> "no_such_learner" in oco.learners.LEARNERS
    False
    """

    def __init__(self, kind: str, group: str, base: type, built_in: dict[str, type[T]]) -> None:
        self.kind = kind
        self.group = group
        self.base = base
        self.built_in = built_in
        self._added: dict[str, type[T]] = {}
        self._loaded: dict[str, type[T]] = {}

    @cached_property
    def _offered(self) -> dict[str, list[metadata.EntryPoint]]:
        offered: dict[str, list[metadata.EntryPoint]] = {}
        for point in metadata.entry_points(group=self.group):
            offered.setdefault(point.name, []).append(point)
        return offered

    def __iter__(self) -> Iterator[str]:
        """Every name, the built-in ones first."""
        return iter(dict.fromkeys([*self.built_in, *self._added, *self._offered]))

    def __len__(self) -> int:
        """Number of names."""
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        """Whether the name is registered."""
        return name in self.built_in or name in self._added or name in self._offered

    def __getitem__(self, name: str) -> type[T]:
        """Return the class called ``name``, importing its package if necessary."""
        self._refuse_conflict(name)
        if name in self.built_in:
            return self.built_in[name]
        if name in self._added:
            return self._added[name]
        if name not in self._loaded:
            self._loaded[name] = self._load(name, self._offered[name][0])
        return self._loaded[name]

    def build(self, given: Mapping[str, Any]) -> T:
        """Make the object with this ``kind`` and keywords, by the class's ``from_config`` if it has one.

        Examples
        --------
        >>> import oco
        >>> oco.domains.DOMAINS.build({"kind": "ball", "radius": 2.0})
        Ball(radius=2.0)
        """
        keywords = dict(given)
        kind = keywords.pop("kind", None)
        if kind not in self:
            known = sorted(self)
            raise ConfigError(
                f"{self.kind} kind must be one of {listed(known)}, got {kind!r}{did_you_mean(kind, known)}"
            )
        made: Any = self[kind]
        for part in getattr(made, "parts", ()):
            if isinstance(keywords.get(part), Mapping):
                keywords[part] = self.build(keywords[part])
        if hasattr(made, "from_config"):
            return cast("T", made.from_config(**keywords))
        check_names(f"{self.kind} {kind}", keywords, parameters(made))
        return cast("T", made(**keywords))

    def add(self, name: str, found: type[T]) -> None:
        """Add a class under ``name``; `ConfigError` if another class has that name."""
        given = self._added.get(name)
        if given is not None and _location(given) != _location(found):
            raise ConfigError(
                f"{self.kind} {name!r} is given twice, by {_location(given)} and {_location(found)}; rename one"
            )
        self._added[name] = found
        try:
            self._refuse_conflict(name)
        except ConfigError:
            del self._added[name]
            raise

    def origin(self, name: str) -> Origin | None:
        """Where ``name`` comes from; None for a built-in. Imports nothing."""
        if name in self.built_in or name not in self:
            return None
        found = self._added.get(name) or self._loaded.get(name)
        if name in self._offered:
            point = self._offered[name][0]
            package = None if point.dist is None else (point.dist.name, point.dist.version)
            location = point.value
        else:
            assert found is not None
            location = _location(found)
            package = _package_of(found.__module__)
        distribution, version = package or (None, None)
        return Origin(location, distribution, version, None if found is None else _checksum(found))

    def _refuse_conflict(self, name: str) -> None:
        sources = [f"the built-in {_location(self.built_in[name])}"] if name in self.built_in else []
        added = _location(self._added[name]) if name in self._added else None
        sources += [added] if added is not None else []
        for point in self._offered.get(name, ()):
            if point.value != added:
                dist = point.dist
                package = f"package {dist.name} {dist.version}" if dist is not None else "a package"
                sources.append(f"{package} ({point.value})")
        if len(sources) > 1:
            raise ConfigError(f"{self.kind} {name!r} is offered by both {' and '.join(sources)}; rename or remove one")

    def _load(self, name: str, point: metadata.EntryPoint) -> type[T]:
        what = f"{self.kind} {name!r} of {self.origin(name)}"
        try:
            found = point.load()
        except (Exception, SystemExit) as error:  # a third-party module may raise anything
            text = " ".join(str(error).split())
            raise ConfigError(f"{what} cannot be loaded: {type(error).__name__}: {text}") from error
        if not (isinstance(found, type) and issubclass(found, self.base)):
            raise ConfigError(f"{what} is not a subclass of {_location(self.base)}")
        return cast("type[T]", found)

    def __repr__(self) -> str:
        """Kind and names."""
        return f"Registry({self.kind!r}, {list(self)})"


def _location(found: type) -> str:
    return f"{found.__module__}:{found.__qualname__}"


def _package_of(module: str) -> tuple[str, str] | None:
    names = metadata.packages_distributions().get(module.partition(".")[0], [])
    return (names[0], metadata.version(names[0])) if names else None


def _checksum(found: type) -> str | None:
    path = getattr(sys.modules.get(found.__module__), "__file__", None)
    return None if path is None else hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
