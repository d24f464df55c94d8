"""The columns of a sweep's runs that are hyper-parameters, those that were tuned, and the names in tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from oco.errors import ConfigError
from regret_experiments.plan.content import canonical

if TYPE_CHECKING:
    from regret_experiments.store.store import Store

THEOREM = "theorem"
Labels = dict[str, Any]
"""A run's line in ``plan.json``."""


class Hyperparameters:
    """The hyper-parameters of a sweep, from the labels of its runs.

    Parameters
    ----------
    rows
        Labels of every run.
    tuned
        Names of the tuned hyper-parameters by the learner's name in the config; by default the learning rate.
    taken
        Names of other columns.

    Attributes
    ----------
    names
        Columns that hold hyper-parameters.
    tuned
        Those of them whose best value is looked for.
    """

    def __init__(self, rows: Iterable[Labels], tuned: Mapping[str, Iterable[str]], taken: Iterable[str]) -> None:
        self._tuned = {learner: set(names) for learner, names in tuned.items()}
        self._taken = set(taken)
        values: dict[str, dict[str, set[str]]] = {}
        points: dict[str, dict[str, set[str]]] = {}
        for row in {_key(row): row for row in rows}.values():
            learner = row["learner"]
            each = values.setdefault(learner, {})
            for name, value in row["point"].items():
                each.setdefault(name, set()).add(canonical(value))
            texts = points.setdefault(learner, {})
            texts.setdefault(self._point(row, 6), set()).add(canonical(self._tuned_part(row)))
        self._compared = {
            learner: [name for name, found in each.items() if len(found) > 1 and not self._is_tuned(learner, name)]
            for learner, each in values.items()
        }
        # Six digits are what a person reads; more where two points would read the same.
        self._digits = {
            learner: 17 if any(len(same) > 1 for same in texts.values()) else 6 for learner, texts in points.items()
        }
        given = dict.fromkeys((learner, name) for learner, each in values.items() for name in each)
        self.names = tuple(dict.fromkeys(self._column(name) for _, name in given))
        self.tuned = tuple(dict.fromkeys(self._column(name) for who, name in given if self._is_tuned(who, name)))
        self._described: dict[Any, dict[str, Any]] = {}

    def describe(self, row: Labels) -> dict[str, Any]:
        """``learner`` as tables name it, ``point`` and ``hyperparameters`` by their columns, of a run's labels."""
        key = _key(row)
        if key not in self._described:
            named = {"learner": self.learner(row), "point": self.point(row)}
            self._described[key] = named | {"hyperparameters": self.columns(row)}
        return self._described[key]

    def learner(self, row: Labels) -> str:
        """The learner's name in tables: with the hyper-parameters that are compared, not tuned."""
        shown = [f"{name}={_text(name, row['point'].get(name), 6)}" for name in self._compared[row["learner"]]]
        return " ".join([row["learner"], *shown])

    def point(self, row: Labels) -> str:
        """The tuned hyper-parameters as readable text; a learning rate alone is written without its name."""
        return self._point(row, self._digits[row["learner"]])

    def columns(self, row: Labels) -> dict[str, Any]:
        """Every hyper-parameter by its column."""
        return {
            self._column(name): value if not isinstance(value, (dict, list)) else str(value)
            for name, value in row["point"].items()
        }

    def _point(self, row: Labels, digits: int) -> str:
        part = self._tuned_part(row)
        texts = {name: _text(name, value, digits) for name, value in part.items()}
        if list(part) == ["learning_rate"]:
            return texts["learning_rate"]
        return " ".join(f"{name}={text}" for name, text in texts.items())

    def _tuned_part(self, row: Labels) -> dict[str, Any]:
        return {name: value for name, value in row["point"].items() if self._is_tuned(row["learner"], name)}

    def _is_tuned(self, learner: str, name: str) -> bool:
        return name in self._tuned.get(learner, {"learning_rate"})

    def _column(self, name: str) -> str:
        return f"hyperparameter {name}" if name in self._taken else name


def tuned_by_config(store: Store) -> dict[str, tuple[str, ...]]:
    """The tuned hyper-parameters by each learner's entry in the stored config, for plans that lack them."""
    from regret_experiments.config.document import parse
    from regret_experiments.config.values import tuned_names

    try:
        entries = parse((store.path / "config.yaml").read_text(encoding="utf-8"), "config.yaml").value["learners"]
        found = {}
        for entry in entries:
            given = {k: v for k, v in entry.items() if k not in ("kind", "name", "environments", "zip", "tune")}
            found[entry.get("name") or entry["kind"]] = tuned_names(given, entry.get("zip", {}), entry.get("tune", ()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ConfigError):
        return {}
    return found


def _key(row: Labels) -> Any:
    """The same for runs with one learner and point, of which there are many."""
    return row["learner"], repr(row["point"])


def _text(name: str, value: Any, digits: int) -> str:
    if value is None:
        return THEOREM if name == "learning_rate" else "none"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return value if isinstance(value, str) else json.dumps(value)
