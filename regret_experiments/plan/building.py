"""Build the environments and learners that a config names, or say in one sentence why they cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from oco.errors import ConfigError, DataError
from regret_experiments.config.near import did_you_mean, listed
from regret_experiments.plan.content import plain
from regret_experiments.plan.keywords import (
    KeywordError,
    accepted,
    check_names,
    check_required,
    check_types,
    open_ended,
)


@dataclass(frozen=True)
class BuiltEnvironment:
    """An environment, and the plain content that makes it what it is.

    Attributes
    ----------
    kind, keywords
        As in the config.
    environment
        The object that is played against.
    """

    kind: str
    keywords: dict[str, Any]
    environment: Any

    @cached_property
    def content(self) -> dict[str, Any]:
        """What a run's hash covers: the config, and what the environment says of itself (the data's checksum too)."""
        described = self.environment.describe() if hasattr(self.environment, "describe") else {}
        return {"kind": self.kind, "keywords": plain(self.keywords), "described": plain(described)}

    @property
    def dimension(self) -> int:
        """Coordinates of a decision."""
        return int(self.environment.domain.dimension)

    @property
    def horizon(self) -> int:
        """Number of rounds."""
        return int(self.environment.horizon)

    def problem(self, seed: int = 0) -> Any:
        """What a learner may know before the first round."""
        from oco.learners.base import Problem

        game = self.environment
        return Problem(
            domain=game.domain,
            horizon=self.horizon,
            gradient_bound=getattr(game, "gradient_bound", None),
            exp_concavity=getattr(game, "exp_concavity", None),
            strong_convexity=getattr(game, "strong_convexity", None),
            seed=seed,
        )


def build_environment(kind: str, keywords: dict[str, Any]) -> BuiltEnvironment:
    """Build the environment called ``kind``.

    Raises
    ------
    KeywordError
        If the kind or a keyword is not known, or a value is refused; ``key`` says where.
    """
    from oco.environments import ENVIRONMENTS

    if kind not in ENVIRONMENTS:
        raise KeywordError("kind", _unknown("environment", kind, ENVIRONMENTS))
    maker = ENVIRONMENTS[kind]
    check_names(kind, keywords, environment_keywords(kind))
    check_types(keywords, maker, maker.from_config)
    check_required(kind, keywords, maker.from_config)
    if "domain" in keywords and not isinstance(keywords["domain"], dict):
        raise KeywordError("domain", f"must be a mapping like {{kind: ball, radius: 1.0}}, got {keywords['domain']!r}")
    return BuiltEnvironment(kind, keywords, _call(maker.from_config, keywords))


def environment_keywords(kind: str) -> list[str]:
    """Keys that a config may give to an environment of this kind."""
    from oco import datasets
    from oco.environments import ENVIRONMENTS

    maker = ENVIRONMENTS[kind]
    names = accepted(maker.from_config)
    if open_ended(maker.from_config):
        functions = [maker, datasets.load] if "data" in names else [maker]
        names += [name for name in accepted(*functions) if name not in names and name != "name"]
    return names


def build_learner(kind: str, hyperparameters: dict[str, Any]) -> Any:
    """Build the learner called ``kind``; errors as in `build_environment`."""
    from oco.learners import LEARNERS

    if kind not in LEARNERS:
        raise KeywordError("kind", _unknown("learner", kind, LEARNERS))
    maker = LEARNERS[kind]
    if not open_ended(maker):
        check_names(kind, hyperparameters, accepted(maker))
    check_types(hyperparameters, maker)
    check_required(kind, hyperparameters, maker)
    return _call(maker, hyperparameters)


def check_suits(learner: Any, built: BuiltEnvironment) -> None:
    """Refuse a learner that cannot start on the environment: a rank beyond the dimension, a theorem without its needs."""
    problem = built.problem()
    memory = learner.memory(problem)
    if memory is not None and memory.floats > _MOST_FLOATS:
        raise KeywordError(None, f"its state of {memory.formula} = {memory.floats:.3g} floats does not fit into memory")
    _call(lambda **_: learner.fresh().start(problem), learner.hyperparameters())


_MOST_FLOATS = 2e10
"""160 GB: a plan that asks for more than this is a mistake on any machine that it would be made on."""


def _call(maker: Any, keywords: dict[str, Any]) -> Any:
    try:
        return maker(**keywords)
    except (ConfigError, DataError) as error:
        raise KeywordError(_named(keywords, str(error)), str(error)) from None
    except MemoryError:
        raise KeywordError(None, "does not fit into memory") from None
    except Exception as error:  # a class of somebody else's may raise anything
        raise KeywordError(_named(keywords, str(error)), f"{type(error).__name__}: {_one_line(error)}") from error


def _named(keywords: dict[str, Any], message: str) -> str | None:
    """The keyword that a message is about: the first that it names."""
    found = [(message.index(key), key) for key in keywords if key in message]
    return min(found)[1] if found else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _unknown(what: str, kind: str, registry: Any) -> str:
    return f"there is no {what} {kind!r}, known are {listed(sorted(registry))}{did_you_mean(kind, registry)}"
