"""Build the environments and learners that a config names, or raise an error that says why they cannot be built."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from oco.errors import ConfigError, DataError, OcoError
from oco.keywords import did_you_mean, listed, spec
from oco.learners.requirements import current_names, former_names
from regret_experiments.plan.content import plain
from regret_experiments.plan.keywords import (
    KeywordError,
    accepted,
    check_names,
    check_required,
    check_types,
    open_ended,
)
from regret_experiments.plan.origin import bases_in, names_in, plugin_of

if TYPE_CHECKING:
    from oco.learners.base import Problem
    from oco.plugins import Registry


@dataclass(frozen=True)
class BuiltEnvironment:
    """An environment, and the plain content that defines it.

    Attributes
    ----------
    kind, keywords
        As in the config.
    environment
        The object that is played against.
    held_out
        The game on the rows that are kept from it; None if all are played.
    """

    kind: str
    keywords: dict[str, Any]
    environment: Any
    held_out: Any = None

    @cached_property
    def content(self) -> dict[str, Any]:
        """The content that a run's hash covers: config, facts of the environment, and the data's checksum."""
        described = self.environment.describe() if hasattr(self.environment, "describe") else {}
        content = {"kind": self.kind, "keywords": plain(self.keywords), "described": plain(described)}
        return content | plugin_of(names_in(self.kind, self.keywords))

    @property
    def dimension(self) -> int:
        """Coordinates of a decision."""
        return int(self.environment.domain.dimension)

    @property
    def horizon(self) -> int:
        """Number of rounds."""
        return int(self.environment.horizon)

    @cached_property
    def problem(self) -> Problem:
        """What a learner may know before the first round."""
        from oco.learners.base import Problem

        return Problem.of(self.environment)


def build_environment(kind: str, keywords: dict[str, Any]) -> BuiltEnvironment:
    """Build the environment called ``kind``.

    Raises
    ------
    KeywordError
        If the kind or a keyword is not known, or a value is refused; ``key`` says where.
    """
    from oco.environments import ENVIRONMENTS

    maker = _found(kind, ENVIRONMENTS)
    given = {key: value for key, value in keywords.items() if key != "held_out"}
    check_names(kind, given, [*environment_keywords(kind), *_loss_keywords(keywords.get("loss"))])
    if keywords.get("domain") is not None:
        _check_domain(keywords["domain"])
    check_types(keywords, *_makers(kind))
    check_required(kind, keywords, maker.from_config)
    for part in getattr(maker, "parts", ()):
        if part not in keywords:
            raise KeywordError(None, f"{kind} needs {part}")
        given[part] = _build_part(part, keywords[part], "an environment", _bare_environment)
    if isinstance(given.get("labels"), list):
        # YAML has no tuples; a pair such as [one-vs-rest, 0] is written as a list.
        given["labels"] = tuple(given["labels"])
    if isinstance(given.get("labels"), dict):
        given["labels"] = _number_keys(given["labels"])
    environment, held_out = _call(maker.from_config, given), None
    if keywords.get("held_out") is not None:
        environment, held_out = _split(kind, environment, keywords)
    return BuiltEnvironment(kind, keywords, environment, held_out)


def _split(kind: str, environment: Any, keywords: dict[str, Any]) -> tuple[Any, Any]:
    """The game on the rows that are played, and that on the rows that are held out: the same for every order."""
    if not hasattr(environment, "split"):
        raise KeywordError("held_out", f"needs the rows of a data set, which environment {kind!r} does not have")
    share = keywords["held_out"]
    try:
        played, held_out = environment.split(share)
    except ConfigError as error:
        raise KeywordError("held_out", str(error).replace("test_fraction", "held_out")) from error
    horizon = keywords.get("horizon")
    if horizon is not None:
        if horizon > played.horizon:
            raise KeywordError("horizon", f"must be at most {played.horizon} with held_out: {share}, got {horizon}")
        played = played.shortened(horizon)
    return played, held_out


def _bare_environment(kind: str, keywords: dict[str, Any]) -> Any:
    return build_environment(kind, keywords).environment


def _build_part(part: str, given: Any, what: str, build: Callable[[str, dict[str, Any]], Any]) -> Any:
    """The environment inside a wrapper, or the learner inside another, from its mapping."""
    if not isinstance(given, dict) or not isinstance(given.get("kind"), str):
        raise KeywordError(part, f"must be a mapping with the kind of {what}, got {given!r}")
    try:
        return build(given["kind"], {key: value for key, value in given.items() if key != "kind"})
    except KeywordError as error:
        raise KeywordError(part, str(error) if error.key is None else f"{error.key} {error}") from error


def _number_keys(labels: dict[str, Any]) -> dict[Any, Any]:
    """Labels by number, where all of them are numbers: keys of a config, and of what is stored, are text."""
    try:
        return {float(label): target for label, target in labels.items()}
    except ValueError:
        return labels


def environment_keywords(kind: str) -> list[str]:
    """Keys that a config may give to an environment of this kind."""
    from oco.environments import ENVIRONMENTS

    names = accepted(ENVIRONMENTS[kind].from_config)
    return names + [name for name in accepted(*_makers(kind)) if name not in names]


def _makers(kind: str) -> list[Callable[..., Any]]:
    """What the keywords of an environment may go to; where two name the same, the last one decides its type."""
    from oco import datasets
    from oco.environments import ENVIRONMENTS

    maker = ENVIRONMENTS[kind]
    if not open_ended(maker.from_config):
        return [maker, maker.from_config]
    loads_data = "data" in accepted(maker.from_config)
    return [*([datasets.load] if loads_data else []), maker, maker.from_config]


def _check_domain(given: Any) -> None:
    from oco.domains import DOMAINS, from_config

    if not isinstance(given, dict):
        raise KeywordError("domain", f"must be a mapping like {{kind: ball, radius: 1.0}}, got {given!r}")
    kind = given.get("kind")
    try:
        if isinstance(kind, str) and kind in DOMAINS:
            check_types({key: value for key, value in given.items() if key != "kind"}, DOMAINS[kind])
        from_config(given | {"kind": kind if isinstance(kind, str) else repr(kind)})
    except KeywordError as error:
        raise KeywordError("domain", f"{error.key} {error}") from None
    except Exception as error:
        raise KeywordError("domain", _sentence(error)) from error


def build_learner(kind: str, hyperparameters: dict[str, Any]) -> Any:
    """Build the learner called ``kind``; errors as in `build_environment`."""
    from oco.learners import LEARNERS

    maker = _found(kind, LEARNERS)
    known = current_names(maker, hyperparameters)
    if not open_ended(maker):
        check_names(kind, known, accepted(maker))
    check_types(known, maker)
    check_required(kind, known, maker)
    inside = {part: known[part] for part in getattr(maker, "parts", ()) if known.get(part) is not None}
    built = {part: _build_part(part, given, "a learner", build_learner) for part, given in inside.items()}
    return _call(maker, hyperparameters | built)


def stored_learner(content: dict[str, Any]) -> Any:
    """The learner of a stored run, whose hyper-parameters keep the names that they had first."""
    from oco.learners import LEARNERS

    kind = content["kind"]
    return build_learner(kind, current_names(_found(kind, LEARNERS), content["hyperparameters"]))


def check_suits(learner: Any, built: BuiltEnvironment) -> None:
    """Raise an error if the learner cannot start: its state is too large, or its theorem lacks a constant."""
    from oco.learners.base import require_feedback, require_memory

    problem = built.problem

    def start(**_: Any) -> None:
        player = learner.fresh()
        require_memory(player, problem)
        require_feedback(player, problem)
        player.start(problem)

    _call(start, learner.hyperparameters())


def _call(maker: Any, keywords: dict[str, Any]) -> Any:
    try:
        return maker(**keywords)
    except MemoryError:
        raise KeywordError(None, "does not fit into memory") from None
    except Exception as error:  # a plug-in's class may raise anything
        about_data = isinstance(error, DataError) and "data" in keywords
        raise KeywordError(
            _named(keywords, str(error)) or ("data" if about_data else None), _sentence(error)
        ) from error


def _named(keywords: dict[str, Any], message: str) -> str | None:
    """The keyword that a message is about: the first that it has as a word."""
    words = re.findall(r"\w+", message)
    return next((word for word in words if word in keywords), None)


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, OcoError) else f"{type(error).__name__}: {text}"


def _found(kind: str, registry: Registry[Any]) -> Any:
    """The class called ``kind``; raises an error if it cannot be found or loaded."""
    if ":" in kind or "." in kind:
        raise KeywordError(
            "kind",
            f"a config names a {registry.kind} and never code, got {kind!r}; give the module on the command line with "
            f"--plugin, and here the name of the {registry.kind}",
        )
    if kind not in registry:
        raise KeywordError(
            "kind",
            f"there is no {registry.kind} {kind!r}, known are {listed(sorted(registry))}{did_you_mean(kind, registry)}",
        )
    try:
        return registry[kind]
    except ConfigError as error:
        raise KeywordError("kind", str(error)) from error


FORMER_DEFAULTS: dict[str, dict[str, Any]] = {
    "fd_adagrad": {"tolerance": 1.0, "max_rank": None, "compensation": "full", "decay": 1.0},
}
"""Hyper-parameters that a learner had when its runs were first hashed, with their defaults; some are another's now."""


def learner_content(kind: str, learner: Any, point: dict[str, Any] | None = None) -> dict[str, Any]:
    """The part of a run's content that is the learner's: name, hyper-parameters, and its origin if not built in.

    A hyper-parameter that was renamed keeps its former name here, and one that moved to another learner its default, so
    that a run keeps its id.
    """
    given = FORMER_DEFAULTS.get(kind, {}) | (point or {}) | learner.hyperparameters()
    inside = {part: spec(given[part]) for part in getattr(type(learner), "parts", ())}
    hyperparameters = plain(former_names(type(learner), given | inside))
    return {"kind": kind, "hyperparameters": hyperparameters} | plugin_of({"learner": [kind, *bases_in(inside)]})


def _loss_keywords(name: Any) -> list[str]:
    """Hyper-parameters of the scalar loss that an environment names, which stand beside it."""
    from oco.losses import SCALAR_LOSSES

    try:
        return accepted(SCALAR_LOSSES[name]) if isinstance(name, str) and name in SCALAR_LOSSES else []
    except ConfigError as error:
        raise KeywordError("loss", str(error)) from error
