"""The suite: streams in groups, orders and tuning budget, as a YAML file states them, and what of it can be played."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from oco.errors import ConfigError
from regret_experiments.config.document import Document, parse
from regret_experiments.config.loading import LoadedConfig, validate
from regret_experiments.plan.building import BuiltEnvironment, build_environment
from regret_experiments.plan.content import canonical
from regret_experiments.plan.keywords import KeywordError

_KEYS = ("version", "tuning", "tuning_order", "orders", "limit_seconds", "rates", "groups", "streams")
TUNE, SCORE, THEOREM = "tune", "score", "theorem"
"""Stages of the sweeps that a learner plays; the last one is a sweep of its own, at the theorem's learning rate."""


@dataclass(frozen=True)
class Stream:
    """One environment of the suite.

    Attributes
    ----------
    name, group
        Its names in tables.
    entry
        Its entry in the config of a sweep.
    """

    name: str
    group: str
    entry: dict[str, Any]

    @cached_property
    def absent(self) -> str:
        """Why the data of the stream is not on this machine; empty where it is."""
        from oco.datasets import info
        from oco.datasets.named import where_is

        data = self.entry.get("data")
        if data is None:
            return ""
        where = where_is(info(data))
        here = where in ("in scikit-learn", "offline copy", "in the cache")
        return "" if here else f"the data set {data} is not on this machine ({where})"

    @cached_property
    def built(self) -> BuiltEnvironment:
        """The environment."""
        keywords = {key: value for key, value in self.entry.items() if key not in ("name", "kind")}
        try:
            return build_environment(self.entry["kind"], keywords)
        except KeywordError as error:
            raise ConfigError(f"stream {self.name!r}: {error}") from error


@dataclass(frozen=True)
class Suite:
    """A version of the suite.

    Attributes
    ----------
    version
        Results of one version can be compared.
    sha256
        Of what the file that defines it says.
    tuning, tuning_order
        Points that a learner may try, and the order of the data on which it tries them.
    orders
        On which the best point is scored.
    limit_seconds
        Of one core, that a learner may take for the whole suite.
    rates
        Learning rates of learners whose theorem sets one (``with_theorem``), and of the others.
    groups
        Titles by name.
    streams
        In the order of the table.
    """

    version: int
    sha256: str
    tuning: int
    tuning_order: int
    orders: tuple[int, ...]
    limit_seconds: int
    rates: dict[str, Any]
    groups: dict[str, str]
    streams: tuple[Stream, ...]

    @property
    def games(self) -> int:
        """Most games that a learner plays on a stream."""
        return self.tuning + len(self.orders) + 1

    def stream(self, name: str) -> Stream:
        """The stream called ``name``."""
        return next(stream for stream in self.streams if stream.name == name)

    def config(self, learner: dict[str, Any], streams: list[str], stages: tuple[str, ...]) -> LoadedConfig:
        """The config of the sweep in which ``learner``, an entry of a config, plays ``streams``."""
        parts = {
            TUNE: {
                "name": TUNE, "orders": [self.tuning_order], "comparator": False, "spectrum": False,
                "environments": streams,
            },
            SCORE: {
                "name": SCORE, "orders": list(self.orders), "best_of": {"stage": TUNE, "by": "cumulative_loss"},
                "environments": {name: name for name in streams},
            },
            THEOREM: {"name": THEOREM, "orders": list(self.orders[:1]), "environments": streams},
        }  # fmt: skip
        value = {
            "name": learner["name"],
            "description": f"OCO-Bench {self.version}",
            "checkpoints": 5,
            "environments": [self.stream(name).entry for name in streams],
            "learners": [learner],
            "stages": [parts[stage] for stage in stages],
        }
        return validate(Document(f"OCO-Bench {self.version}", value, {}, _as_yaml(value)))


def load_suite(path: Path | None = None) -> Suite:
    """The suite of this version of the package, or the one in a file of the same form.

    Raises
    ------
    ConfigError
        If the file is not a suite.

    Examples
    --------
    >>> suite = load_suite()
    >>> len(suite.groups), len(suite.streams) >= 24
    (6, True)
    """
    try:
        source = resources.files("regret_experiments.bench").joinpath("suite.yaml") if path is None else path
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{path}: the suite cannot be read: {error}") from error
    name = "suite.yaml" if path is None else str(path)
    given = parse(text, name).value
    if not isinstance(given, dict) or sorted(given) != sorted(_KEYS):
        raise ConfigError(f"{name}: a suite has the keys {', '.join(_KEYS)}")
    streams = []
    for entry in given["streams"]:
        if not isinstance(entry, dict) or entry.get("group") not in given["groups"] or "name" not in entry:
            raise ConfigError(f"{name}: every stream needs a name and one of the groups, got {entry!r:.120}")
        own = {key: value for key, value in entry.items() if key != "group"}
        streams.append(Stream(str(entry["name"]), entry["group"], own))
    facts = {key: given[key] for key in ("version", "tuning", "tuning_order", "limit_seconds", "rates", "groups")}
    digest = hashlib.sha256(canonical(given).encode()).hexdigest()
    return Suite(sha256=digest, orders=tuple(given["orders"]), streams=tuple(streams), **facts)


def _as_yaml(value: dict[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(value, sort_keys=False)
    return text
