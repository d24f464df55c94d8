"""A record as plain values, and back."""

from __future__ import annotations

from typing import Any

from oco.keywords import plain
from oco.regret.bounds import Assumption, Bound, Constant
from oco.regret.interval import Interval
from oco.regret.quantities import IntervalRegret, PathRegret
from oco.snapshot import SnapshotError, capture, restore

VERSION = 1
"""Version of the layout of a record's file."""


def to_plain(fields: dict[str, Any]) -> dict[str, Any]:
    """The record's ``fields`` as mappings, lists, arrays, numbers and strings; any other object as its ``repr``."""
    described = {name: plain(fields[name]) for name in ("environment", "learner")}
    return {name: _storable(value) for name, value in (fields | described).items()}


def from_plain(tree: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record, from what `to_plain` returned."""
    snapshot = tree.pop("snapshot")  # keeps its own spelling of keys that are numbers
    fields: dict[str, Any] = restore(None, tree)
    if fields["bound"] is not None:
        stated = fields["bound"]
        stated["constants"] = tuple(Constant(**constant) for constant in stated["constants"])
        stated["assumptions"] = tuple(Assumption(**assumption) for assumption in stated["assumptions"])
        fields["bound"] = Bound(**stated)
    fields["intervals"] = tuple(_interval_regret(**one) for one in fields["intervals"])
    paths = fields.get("path_regret", ())  # absent from older files
    fields["path_regret"] = tuple(PathRegret(one["budget"], Interval(**one["regret"])) for one in paths)
    return fields | {"violations": tuple(fields["violations"]), "snapshot": snapshot}


def _interval_regret(regret: dict[str, Any], **rounds: Any) -> IntervalRegret:
    return IntervalRegret(regret=Interval(**regret), **rounds)


def _storable(value: Any) -> Any:
    try:
        return capture(value)
    except SnapshotError:
        if isinstance(value, dict):
            return {str(key): _storable(item) for key, item in value.items()}
        return [_storable(item) for item in value] if isinstance(value, (list, tuple)) else repr(value)
