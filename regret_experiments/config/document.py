"""Read a YAML file into plain values, and remember on which line each of them stands."""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from oco.errors import ConfigError
from regret_experiments.printable import one_line

Location: TypeAlias = tuple["str | int", ...]
"""Keys and positions that lead to a value: ``("learners", 2, "rank")``."""

LARGEST_FILE = 64 * 1024
"""Bytes; a larger config must have been generated, and should use grids instead."""
MOST_VALUES = 10_000
MOST_CHARACTERS = 1_000_000
"""Values in a file, and their characters, with aliases expanded, so that a few lines cannot become gigabytes."""
DEEPEST = 40
"""Levels of nesting."""


@dataclass(frozen=True)
class Document:
    """Plain values of a config, and where they came from.

    Attributes
    ----------
    name
        Shown in messages: the file's path.
    value
        Mappings, lists, strings, numbers, booleans and None.
    lines
        Line of every value, counted from 1, by location.
    text
        The file as it was read.
    """

    name: str
    value: Any
    lines: dict[Location, int | str]
    text: str = ""

    def error(self, location: Location, message: str) -> ConfigError:
        """Make the error for the value at ``location``: file, line, path and one sentence."""
        place = self.line(location)
        where = f"{self.name}:{place}" if isinstance(place, int) else f"{self.name} with {place}"
        path = path_text(location)
        return ConfigError(f"{where}: {path}: {message}" if path else f"{where}: {message}")

    def line(self, location: Location) -> int | str:
        """Line of the value at ``location``, or of the closest thing around it that the file has."""
        for length in range(len(location), -1, -1):
            if location[:length] in self.lines:
                return self.lines[location[:length]]
        return 1


def path_text(location: Location) -> str:
    """``learners[2].rank`` for ``("learners", 2, "rank")``; long keys are cut short, and none ends a line."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{one_line(part[:60])}"
    return text


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML with the scalars of version 1.2: ``1e-3`` is a number, ``no`` is a string, dates are strings."""

    yaml_implicit_resolvers: dict[str, Any] = {}


_TAG = "tag:yaml.org,2002:"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
_SCALARS = {
    "bool": (re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"), "true or false"),
    "null": (re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""], "null"),
    "int": (re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"), "an integer"),
    "float": (re.compile(f"^(?:{_FLOAT})$"), list("-+.0123456789"), "a number"),
}
"""Kind -> what it looks like, its first characters, and a word for messages."""
for _kind, (_pattern, _first, _) in _SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _kind, _pattern, _first)


def read_document(path: str | Path) -> Document:
    """Read a YAML file that holds a mapping.

    Only plain values are made. A tag that would construct anything else, a duplicate key, a number that is not finite
    or a file larger than `LARGEST_FILE` is an error.

    Raises
    ------
    ConfigError
        With file and line.
    """
    path = Path(path)
    name = str(path)
    try:
        mode = path.stat().st_mode
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise ConfigError(f"{name}: no such config file") from None
        raise _unreadable(name, error) from None
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "a device, pipe or socket"
        raise ConfigError(f"{name}: a config must be a regular file, this is {kind}")
    if size > LARGEST_FILE:
        raise ConfigError(f"{name}: a config may have at most {LARGEST_FILE:,} bytes, this file has {size:,}")
    try:
        return parse(path.read_bytes().decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: a config must be UTF-8 text, byte {error.start} is not") from None
    except OSError as error:
        raise _unreadable(name, error) from None


def parse(text: str, name: str) -> Document:
    """Parse YAML text as `read_document` does; ``name`` stands for the file in messages."""
    node = _compose(text, name)
    if node is None:
        raise ConfigError(f"{name}:1: a config must be a mapping of keys to values, this file is empty")
    reader = _Reader(name)
    value = reader.read(node, (), 0)
    if not isinstance(value, dict):
        what = "a list" if isinstance(value, list) else f"the value {str(value)[:40]!r}"
        raise ConfigError(f"{name}:{_line(node)}: a config must be a mapping of keys to values, this is {what}")
    return Document(name, value, reader.lines, text)


def parse_value(text: str, name: str) -> Any:
    """Parse one value, as it would stand after a colon in a config."""
    node = _compose(text, name)
    return None if node is None else _Reader(name).read(node, (), 0)


def _compose(text: str, name: str) -> Any:
    try:
        _refuse_deep(text, name)
        loader = _Loader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except ConfigError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        problem = " ".join(str(error.problem or error.context or "it cannot be parsed").split())
        raise ConfigError(f"{name}:{line}: not valid YAML: {problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None
    except (RecursionError, ValueError, OverflowError):
        raise ConfigError(f"{name}: not valid YAML: it is nested too deeply or holds an impossible character") from None


def _refuse_deep(text: str, name: str) -> None:
    """Reject deep nesting before nodes are made, because making them takes a stack frame of C for every level."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST + 1:
                raise ConfigError(f"{name}:{_line(event)}: a config may be nested {DEEPEST} levels deep at most")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns YAML nodes into plain values, within limits."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Location, int | str] = {}
        self.values = 0
        self.characters = 0

    def read(self, node: Any, location: Location, depth: int) -> Any:
        self.lines[location] = _line(node)
        self.count(node, location, depth)
        if node.tag.startswith(_TAG):
            kind = node.tag.rpartition(":")[2]
            if isinstance(node, yaml.MappingNode) and kind == "map":
                return dict(self.items(node, location, depth))
            if isinstance(node, yaml.SequenceNode) and kind == "seq":
                return [self.read(child, (*location, i), depth + 1) for i, child in enumerate(node.value)]
            if isinstance(node, yaml.ScalarNode) and kind in ("str", "int", "float", "bool", "null"):
                return self.scalar(node, location, kind)
        tag = node.tag.replace(_TAG, "!!")[:60]
        raise self.error(node, location, f"a config holds plain values only, the tag {tag} is not allowed")

    def count(self, node: Any, location: Location, depth: int) -> None:
        self.values += 1
        if isinstance(node, yaml.ScalarNode):
            self.characters += len(node.value)
        if self.values > MOST_VALUES:
            raise self.error(node, location, f"a config may hold at most {MOST_VALUES:,} values, aliases unfolded")
        if self.characters > MOST_CHARACTERS:
            message = f"the values of a config may have at most {MOST_CHARACTERS:,} characters, aliases unfolded"
            raise self.error(node, location, message)
        if depth > DEEPEST:
            raise self.error(node, location, f"a config may be nested {DEEPEST} levels deep at most")

    def items(self, node: Any, location: Location, depth: int) -> Iterator[tuple[str, Any]]:
        for key, (key_node, value_node) in self.pairs(node, location, depth).items():
            value = self.read(value_node, (*location, key), depth + 1)
            self.lines[(*location, key)] = _line(key_node)
            yield key, value

    def pairs(self, node: Any, location: Location, depth: int) -> dict[str, tuple[Any, Any]]:
        """Key and value nodes by key; the mapping's own keys override those of a merge (``<<: *alias``)."""
        own: dict[str, tuple[Any, Any]] = {}
        merged: dict[str, tuple[Any, Any]] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node, location)
            if key in own:
                line = _line(own[key][0])
                raise self.error(key_node, (*location, key), f"the key is given twice, first on line {line}")
            own[key] = key_node, value_node
        if "<<" in own and not own["<<"][0].style:
            _, sources = own.pop("<<")
            for source in sources.value if isinstance(sources, yaml.SequenceNode) else [sources]:
                self.count(source, location, depth + 1)
                if not isinstance(source, yaml.MappingNode):
                    raise self.error(source, (*location, "<<"), "must be a mapping or a list of mappings to merge")
                merged = self.pairs(source, location, depth + 1) | merged
        return {key: merged[key] for key in merged if key not in own} | own

    def key(self, node: Any, location: Location) -> str:
        """A string or a number, as its text: labels of data are numbers."""
        if isinstance(node, yaml.ScalarNode) and node.tag in (_TAG + "str", _TAG + "int", _TAG + "float"):
            self.characters += len(node.value)
            return str(node.value)
        shown = node.value[:40] if isinstance(node, yaml.ScalarNode) else "a list or a mapping"
        raise self.error(node, location, f"keys must be strings or numbers, got {shown}")

    def scalar(self, node: Any, location: Location, kind: str) -> Any:
        text = node.value
        if kind == "str":
            return text
        pattern, _, word = _SCALARS[kind]
        if not pattern.fullmatch(text) and not (kind == "float" and _SCALARS["int"][0].fullmatch(text)):
            raise self.error(node, location, f"{text[:40]!r} is not {word}, as its tag !!{kind} says")
        if kind == "int":
            if len(text) > 19:
                raise self.error(node, location, f"integers may have at most 18 digits, got {len(text)} characters")
            return int(text)
        if kind == "float":
            number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            if not math.isfinite(number):
                raise self.error(node, location, f"numbers must be finite, got {text[:40]}")
            return number
        return text.lower() == "true" if kind == "bool" else None

    def error(self, node: Any, location: Location, message: str) -> ConfigError:
        path = path_text(location)
        return ConfigError(f"{self.name}:{_line(node)}: {path + ': ' if path else ''}{message}")


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _unreadable(name: str, error: Exception) -> ConfigError:
    return ConfigError(f"{name!r} cannot be read: {getattr(error, 'strerror', None) or error}")
