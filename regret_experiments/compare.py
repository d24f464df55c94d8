"""Compare runs: a stored one with itself played again, and two directories with each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from oco.errors import ConfigError, StoreError
from regret_experiments.execution.comparators import from_arrays
from regret_experiments.execution.games import FindComparators, Play
from regret_experiments.execution.work import perform
from regret_experiments.execution.workers import pin_inner_threads
from regret_experiments.plan.runs import Run, point_words
from regret_experiments.store import Store, StoredRun
from regret_experiments.training.runs import TrainingRun


def reproduce(directory: Path, beginning: str) -> list[str]:
    """Play the stored run whose id begins so again, best fixed points included; return what differs, one line each."""
    store = Store(directory)
    stored = _find(store, directory, beginning)
    content = stored.metadata["content"]
    with pin_inner_threads():
        if stored.type == "training":
            again = perform(TrainingRun.from_content(content))
            return list(differences(stored, StoredRun(again.metadata, again.arrays)))
        run = Run.from_content(content)
        comparator = None
        if run.comparator:
            game = perform(FindComparators(run.game))
            if not game.failed and game.metadata["known"]:
                comparator = from_arrays(StoredRun(game.metadata, game.arrays))
        again = perform(Play(run, comparator))
    return list(differences(stored, StoredRun(again.metadata, again.arrays)))


def compare(first: Path, second: Path, relative: float = 0.0) -> list[str]:
    """Return the runs that only one directory has, and those whose numbers differ, one line each."""
    stores = [Store(_existing(path)) for path in (first, second)]
    runs: list[dict[str, StoredRun]] = [{run.id: run for run in store.runs()} for store in stores]
    names = _names(stores[1]) | _names(stores[0])
    lines = []
    for mine, theirs, here, there in ((runs[0], runs[1], first, second), (runs[1], runs[0], second, first)):
        lines += [
            f"{_called(run, names)}: in {here}, not in {there}" for name, run in mine.items() if name not in theirs
        ]
    for name in runs[0].keys() & runs[1].keys():
        lines += [
            f"{_called(runs[0][name], names)}: {line}" for line in differences(runs[0][name], runs[1][name], relative)
        ]
    return sorted(lines)


def differences(first: StoredRun, second: StoredRun, relative: float = 0.0) -> Iterator[str]:
    """What differs between two runs, timings aside, one line each."""
    for key in ("status", "message", "violations"):
        if first.metadata.get(key) != second.metadata.get(key):
            yield f"{key} {first.metadata.get(key)!r} against {second.metadata.get(key)!r}"
    scalars = first.metadata.get("scalars", {}), second.metadata.get("scalars", {})
    for name in dict.fromkeys([*scalars[0], *scalars[1]]):
        one, other = (numbers.get(name) for numbers in scalars)
        if one != other and not _close(one, other, relative):
            yield f"{name} {one!r} against {other!r}{_relative(one, other)}"
    for name in dict.fromkeys([*first.arrays, *second.arrays]):
        if name not in first.arrays or name not in second.arrays:
            yield f"{name} is in one of them only"
            continue
        mine, theirs = first.arrays[name], second.arrays[name]
        if mine.shape != theirs.shape:
            yield f"{name} has shape {mine.shape} against {theirs.shape}"
        elif not np.array_equal(mine, theirs, equal_nan=True) and not np.allclose(mine, theirs, relative, 0.0, True):
            largest, places = np.nanmax(np.abs(mine - theirs), initial=0.0), int(np.sum(mine != theirs))
            yield f"{name} differs by up to {largest:.3g} at {places} places"


def _close(one: Any, other: Any, relative: float) -> bool:
    numbers = isinstance(one, (int, float)) and isinstance(other, (int, float))
    return numbers and abs(one - other) <= relative * max(abs(one), abs(other))


def _relative(one: Any, other: Any) -> str:
    if not (isinstance(one, (int, float)) and isinstance(other, (int, float))):
        return ""
    size = max(abs(one), abs(other))
    return f" (relative difference {abs(one - other) / size:.3g})" if size else ""


def _find(store: Store, directory: Path, beginning: str) -> StoredRun:
    _existing(directory)
    names = sorted(path.stem for path in (directory / "runs").glob(f"??/{_safe(beginning)}*.json"))
    if len(names) != 1:
        found = "no run" if not names else f"{len(names)} runs"
        raise ConfigError(f"{found} in {directory} with an id that begins with {beginning!r}")
    stored = store.read("runs", names[0])
    if stored is None:
        raise StoreError(f"run {names[0]} in {directory} is damaged; the sweep plays it again")
    return stored


def _safe(beginning: str) -> str:
    if not beginning or not beginning.isalnum():
        raise ConfigError(f"an id is made of hexadecimal digits, got {beginning!r}")
    return beginning


def _existing(path: Path) -> Path:
    if not path.is_dir():
        raise ConfigError(f"there are no results at {path}: no such directory")
    return path


def _names(store: Store) -> dict[str, dict[str, Any]]:
    """What the plan of a directory calls its runs, by their ids."""
    plan = store.plan() or {"runs": []}
    return {row["id"]: row for row in plan["runs"]}


def _called(run: StoredRun, names: dict[str, dict[str, Any]]) -> str:
    """A run by the names of its config; by the kinds of its parts where no plan lists it."""
    content = run.metadata["content"]
    hyperparameters = content["learner"]["hyperparameters"]
    by_kind = {"learner": content["learner"]["kind"], "environment": content["environment"]["kind"]}
    row = by_kind | {"rank": hyperparameters.get("rank"), "point": {}} | names.get(run.id, {})
    parts = [row["learner"], *point_words(row["rank"], row["point"])]
    return f"run {run.id} ({', '.join(parts)} on {row['environment']}, order {content['order']})"
