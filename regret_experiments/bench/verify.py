"""Check an entry that was sent in: its checksum, what follows from its numbers, and some of its games played again."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oco.errors import ConfigError, OcoError
from regret_experiments.bench.apart import Stopped
from regret_experiments.bench.audit import replay_apart
from regret_experiments.bench.contestant import Contestant, contestant
from regret_experiments.bench.entry import Entry
from regret_experiments.bench.playing import ROW
from regret_experiments.bench.suite import SCORE, TUNE, Suite
from regret_experiments.execution.games import Play
from regret_experiments.execution.workers import pin_inner_threads
from regret_experiments.plan import PlannedRun, make_plan
from regret_experiments.store.hyperparameters import Hyperparameters

RELATIVE = 1e-6
"""Relative difference of a number that counts as none: another processor rounds otherwise."""
_PLAYED = {
    "loss": "cumulative_loss", "regret_lower": "regret_lower", "regret_upper": "regret_upper",
    "regret_dynamic": "regret_dynamic", "bound": "bound", "peak_floats": "peak_state_floats",
}  # fmt: skip
"""Columns of an entry that are compared, and the final numbers of a run that they are."""


def contestant_of(entry: Entry, suite: Suite, source: Path | None) -> Contestant:
    """The contestant of an entry.

    Raises
    ------
    ConfigError
        If the entry is of another suite, or needs a file and ``source`` is not that file.
    """
    if entry["suite"]["sha256"] != suite.sha256:
        raise ConfigError(f"the entry is of another suite (version {entry['suite']['version']})")
    facts = entry["learner"]
    given = {key: value for key, value in facts["entry"].items() if key not in ("kind", "name", "tune")}
    if facts["file"] is None:
        return contestant(facts["kind"], suite, given, facts["name"])
    if source is None:
        raise ConfigError(f"the entry is of a learner in {facts['file']}; give that file too, it will be run")
    found = contestant(f"{source}:{facts['class']}", suite, given, facts["name"])
    if found.source_sha256 != facts["file_sha256"]:
        raise ConfigError(f"{source} is not the file that played: its checksum is another one")
    return found


def contradictions(entry: Entry, suite: Suite) -> Iterator[str]:
    """Sentences on numbers of an entry that contradict each other or the suite; no game is played."""
    if tuple(entry["columns"]) != ROW:
        yield f"its columns are {', '.join(entry['columns'])}"
        return
    listed = sorted([*entry["streams"], *entry["gaps"], *entry["absent"]])
    if listed != sorted(stream.name for stream in suite.streams):
        yield "its streams are not those of the suite, each once"
    for name, found in entry["streams"].items():
        if tuple(row[0] for row in found["rows"]) != suite.orders:
            yield f"{name}: its orders are not those of the suite"
        if len(found["tuning"]) > suite.tuning:
            yield f"{name}: {len(found['tuning'])} points were tried, {suite.tuning} are allowed"
        losses = {point: math.inf if loss is None else loss for point, loss in found["tuning"]}
        if found["point"] not in losses or losses[found["point"]] > min(losses.values()):
            yield f"{name}: the point {found['point']} is not the best of those that were tried"


Drawn = list[tuple[str, int]]
"""Streams and orders."""


def draw(entry: Entry, suite: Suite, games: int | None) -> Drawn:
    """Scored games of an entry: that many, drawn at random, or all."""
    every = [(name, order) for name in entry["streams"] for order in suite.orders]
    return every if games is None else secrets.SystemRandom().sample(every, min(games, len(every)))


def replay(entry: Entry, suite: Suite, player: Contestant, drawn: Drawn) -> Iterator[tuple[str, list[str]]]:
    """Play scored games of an entry again, and for each a point of its stream on the tuning order.

    Yields the name of each game, and sentences on numbers that differ. The game of a learner in a file is also played
    with the learner in other processes, stopped at hidden rounds.
    """
    for name, order in drawn:
        with pin_inner_threads():
            yield f"{name}, order {order}", _replay(entry, suite, player, name, order)


def _replay(entry: Entry, suite: Suite, player: Contestant, name: str, order: int) -> list[str]:
    """What differs in one scored game, and at one point on the tuning order."""
    found = entry["streams"][name]
    runs = _runs(suite, player, name)
    row = dict(zip(entry["columns"], found["rows"][suite.orders.index(order)], strict=True))
    scored = runs[SCORE, order, found["point"]]
    differences = list(_differences(row, scored))
    point, stated = secrets.choice(found["tuning"])
    tuned = _loss(runs[TUNE, suite.tuning_order, point])
    if not same(stated, tuned, tuned):
        differences.append(f"on the tuning order at {point} the loss is {tuned}, not {stated}")
    if player.source is not None:
        differences += _apart(suite, player, name, scored, row["loss"])
    return differences


def _loss(planned: PlannedRun) -> float | None:
    """The cumulative loss of a run; None if it fails."""
    try:
        return float(Play(planned.run).perform().metadata["scalars"]["cumulative_loss"])
    except OcoError:
        return None


def same(stated: float | None, found: Any, scale: float | None) -> bool:
    """Whether two numbers are equal up to `RELATIVE` of the larger of themselves, ``scale`` and 1."""
    if stated is None or found is None or isinstance(found, str):
        return stated is None and (found is None or isinstance(found, str))
    return bool(abs(stated - found) <= RELATIVE * max(1.0, abs(scale or 0.0), abs(stated)))


def _differences(row: dict[str, Any], planned: PlannedRun) -> Iterator[str]:
    scalars = Play(planned.run).perform().metadata["scalars"]
    for column, name in _PLAYED.items():
        if not same(row[column], scalars.get(name), scalars["cumulative_loss"]):
            yield f"{column} is {scalars.get(name)}, not {row[column]}"


def _apart(suite: Suite, player: Contestant, name: str, scored: PlannedRun, stated: float) -> list[str]:
    """What differs if the learner is stopped at hidden rounds, and goes on from its state in another process."""
    rank = {} if scored.rank is None else {"rank": scored.rank}
    try:
        loss = replay_apart(suite.stream(name), player, scored.run, scored.point | rank)
    except Stopped as stopped:
        return [f"with the learner in a process of its own: {stopped}"]
    return [] if same(stated, loss, loss) else [
        f"with the learner in a process of its own the loss is {loss:.9g}, not {stated}"
    ]  # fmt: skip


def _runs(suite: Suite, player: Contestant, name: str) -> dict[tuple[str, int, str], PlannedRun]:
    """Planned runs of one stream by stage, order and point, as entries write it."""
    plan = make_plan(suite.config(player.entry, [name], (TUNE, SCORE)))
    runs = [run for stage in plan.stages for run in stage.runs]
    texts = Hyperparameters([run.labels for run in runs], {player.label: runs[0].tuned}, ())
    return {(run.stage, run.run.game.order, texts.point(run.labels)): run for run in runs}
