"""Which names of a config are recorded with their origin, those inside wrappers and learners of learners included."""

from __future__ import annotations

from typing import Any

from regret_experiments.plugins import origins


def names_in(kind: str, keywords: dict[str, Any]) -> dict[str, list[str]]:
    """The names in the config of an environment, those inside a wrapper included, by the registries' words."""
    found: dict[str, list[str]] = {"environment": [kind]}
    for keyword, what in (("loss", "loss"), ("domain", "domain"), ("feasible", "domain")):
        given = keywords.get(keyword)
        name = given.get("kind") if isinstance(given, dict) else given
        if isinstance(name, str) and (keyword, name) != ("feasible", "sum"):
            found.setdefault(what, []).append(name)
    for part in ("environment", "constraint"):
        inside = keywords.get(part)
        if isinstance(inside, dict) and isinstance(inside.get("kind"), str):
            for what, names in names_in(inside["kind"], inside).items():
                found.setdefault(what, []).extend(names)
    return found


def bases_in(parts: dict[str, Any]) -> list[str]:
    """The kinds of the learners inside a learner, and of those inside them."""
    found = []
    for part in parts.values():
        if isinstance(part, dict) and isinstance(part.get("kind"), str):
            found += [part["kind"], *bases_in(part)]
    return found


def plugin_of(named: dict[str, list[str]]) -> dict[str, Any]:
    """The entry of a run's content for those of the names that are not built in; empty if all are."""
    found = origins(named)
    return {"plugin": found} if found else {}
