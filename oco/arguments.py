"""The arguments of `oco.play`: what it accepts, and the copies on which the game runs."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from oco.errors import ConfigError
from oco.learners.base import Learner

if TYPE_CHECKING:
    from oco.comparators import PathCurve


def check_players(environment: Any, learner: Any) -> None:
    """Raise `ConfigError` unless `play` gets an environment and then a learner that has not played."""
    if isinstance(environment, Learner) and hasattr(learner, "reveal"):
        raise ConfigError("play takes the environment first and the learner second, got them the other way round")
    for what, given in (("environment", environment), ("learner", learner)):
        if isinstance(given, type):
            raise ConfigError(
                f"play takes an object as the {what}, got the class {given.__name__}; call it to make one"
            )
    missing = [name for name in ("domain", "horizon", "reveal") if not hasattr(environment, name)]
    if missing:
        raise ConfigError(
            f"an environment has domain, horizon and reveal(point), {type(environment).__name__} has no "
            f"{' and no '.join(missing)}"
        )
    if not isinstance(learner, Learner):
        raise ConfigError(f"a learner is an oco.Learner or of a subclass of it, got {type(learner).__name__}")
    if "state" in vars(learner):
        raise ConfigError(
            f"play starts every learner afresh, and this {type(learner).__name__} has a state already; give "
            "learner.fresh() to begin anew, or start=record to continue a game that was stopped with until"
        )


def shortest_length(given: int | None, old: int | None, horizon: int) -> int | None:
    """The given shortest interval, under its present or its old name."""
    if old is not None:
        warnings.warn(
            "play(intervals=...) is now play(shortest_interval=...): a length, not a count",
            DeprecationWarning,
            stacklevel=3,
        )
        if given is not None:
            raise ConfigError("shortest_interval and intervals, its old name, were both given; leave intervals out")
        given = old
    if given is not None and not 1 <= given <= horizon:
        raise ConfigError(f"shortest_interval must be a length in 1..{horizon}, got {given!r}")
    return given


def budgets_of(given: Sequence[float] | PathCurve | None) -> list[float] | None:
    """The budgets for paths as numbers; `ConfigError` unless they are at least 0 and rise."""
    if given is None:
        return None
    from oco.comparators.paths.budgets import checked_budgets

    budgets: Any = getattr(given, "budgets", given)
    return checked_budgets(budgets)


def fresh_stream(environment: Any, seed: int) -> Any:
    """The stream of ``seed``; a copy of an environment that has no method ``fresh``."""
    if hasattr(environment, "fresh"):
        return environment.fresh(seed)
    try:
        return copy.deepcopy(environment)
    except TypeError as error:
        raise ConfigError(
            f"{type(environment).__name__} cannot be copied for the game ({error}); give it a method fresh(seed)"
        ) from None


def description(stream: Any) -> dict[str, Any]:
    """The environment's own description; of one that has none, kind, horizon and domain."""
    if hasattr(stream, "describe"):
        described: dict[str, Any] = stream.describe()
        return described
    return {"kind": type(stream).__name__, "horizon": int(stream.horizon), "domain": stream.domain.describe()}
