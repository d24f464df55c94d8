"""``--set learners.fd_adagrad.rank=8``: change a config from the command line, before it is validated."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

from oco.errors import ConfigError
from oco.keywords import did_you_mean
from regret_experiments.config.document import Document, Location, parse_value, path_text

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def override(document: Document, settings: Iterable[str], flag: str = "--set") -> Document:
    """Return the document with every ``key=value`` of ``settings`` put in.

    A key is a path of keys and positions (``learners[0].rank``); an entry of a list may also be called by its ``name``
    or ``kind`` (``learners.fd_adagrad.rank``). The value is YAML. ``flag`` is the option, for messages.
    """
    value, lines = copy.deepcopy(document.value), dict(document.lines)
    for setting in settings:
        key, separator, text = setting.partition("=")
        option = f"{flag} {setting}"
        if not separator or not _is_path(key.strip()):
            raise ConfigError(f"{option}: a setting reads key=value, for example orders=3 or learners[0].rank=8")
        location = _put(value, key.strip(), parse_value(text, option), option)
        for known in [known for known in lines if known[: len(location)] == location]:
            del lines[known]
        lines[location] = option
    return Document(document.name, value, lines, document.text)


def _is_path(key: str) -> bool:
    return bool(re.fullmatch(r"[^.\[\]]+(\.[^.\[\]]+|\[\d+\])*", key))


def _put(value: Any, key: str, new: Any, option: str) -> Location:
    steps: list[str | int] = [name or int(number) for name, number in _STEP.findall(key)]
    at = value
    location: Location = ()
    for depth, step in enumerate(steps):
        step = _resolve(at, step, location, option)
        location = (*location, step)
        if depth == len(steps) - 1:
            at[step] = new
        elif isinstance(at, dict) and step not in at:
            raise ConfigError(f"{option}: there is no {path_text(location)} in the config{did_you_mean(step, at)}")
        else:
            at = at[step]
    return location


def _resolve(at: Any, step: str | int, location: Location, option: str) -> Any:
    where = path_text(location) or "the config"
    if isinstance(at, list):
        if isinstance(step, str):
            named = [i for i, entry in enumerate(at) if isinstance(entry, dict) and _called(entry) == step]
            if len(named) != 1:
                names = [_called(entry) for entry in at if isinstance(entry, dict)]
                which = "no entry" if not named else f"{len(named)} entries"
                raise ConfigError(f"{option}: {where} has {which} called {step!r}{did_you_mean(step, names)}")
            return named[0]
        if step >= len(at):
            raise ConfigError(f"{option}: {where} has {len(at)} entries, counted from 0")
        return step
    if not isinstance(at, dict) or isinstance(step, int):
        raise ConfigError(f"{option}: {where} is not a {'list' if isinstance(step, int) else 'mapping'}")
    return step


def _called(entry: dict[str, Any]) -> Any:
    return entry.get("name", entry.get("kind"))
