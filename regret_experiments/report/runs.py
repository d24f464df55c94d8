"""Every run of a sweep as columns: its content, its outcome, and the command to play it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from oco.memory import collector_paused
from oco.regret.interval import radius_text
from regret_experiments.figures.style import LearnerStyle
from regret_experiments.report.encoding import column
from regret_experiments.report.games import Game
from regret_experiments.store import Store
from regret_experiments.tables import RUN_COLUMNS
from regret_experiments.tables.group import feedback_shown
from regret_experiments.tables.run_columns import floats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regret_experiments.store.results import Results

Metadata = dict[str, Any]
_PLAIN = (
    "id", "rank", "order", "repetition", "status", "point", "verdict", "regret_lower", "regret_upper",
    "cumulative_loss", "regret_linearised", "regret_dynamic",
    "final_loss", "test", "ended", "bound",
    "bound_valid", "bound_theorem", "violations", "comparator_certificate", "comparator_gap", "comparator_tight",
    "tail_mass", "escaped_mass", "peak_state_floats", "seconds", "message",
)  # fmt: skip


@dataclass
class Listed:
    """What the page says of every run that was asked for, without holding its arrays.

    Attributes
    ----------
    metadata
        Of each run of `Results.runs`; None where nothing is stored.
    names
        Of the arrays that finished runs have.
    rounds
        The most checkpoints of any.
    """

    metadata: list[Metadata | None] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    rounds: int = 0


def listed(results: Results) -> Listed:
    """Read every run once."""
    found = Listed()
    with collector_paused():
        for identifier in results.runs["id"].tolist():
            run = results.stored.get(identifier)
            found.metadata.append(None if run is None else run.metadata)
            if run is not None and run.finished:
                found.names.update(run.arrays)
                found.rounds = max(found.rounds, len(run.arrays["round"]))
    return found


def run_columns(
    results: Results,
    metadata: Sequence[Metadata | None],
    styles: Mapping[str, LearnerStyle],
    games: Sequence[Game],
    measure: tuple[str, str],
) -> dict[str, Any]:
    """Columns of `Results.runs`, and of the metadata: configs are stored once and named by their places.

    Parameters
    ----------
    results, metadata
        The sweep, and the metadata of each of its runs.
    styles
        Of the learners, by name.
    games
        In the order of the page.
    measure
        What runs are compared by: the heading of that column, and the name of its numbers.

    Returns
    -------
    dict
        ``runs``: columns by name, see `regret_experiments.report.encoding.column`; ``environments``: contents that
        runs refer to; ``provenance``: facts that runs refer to; ``table``: the page's table as it reads.
    """
    runs = results.runs
    columns = {name: column(runs[name].tolist()) for name in _PLAIN if name in runs}
    columns["learner"] = column([list(styles).index(name) for name in runs["learner"].tolist()])
    columns["game"] = column(_games(runs, games))
    columns["microseconds"] = column(_microseconds(runs))
    columns["within"] = column(_within(runs))
    for part, name in (("learner", "learner_config"), ("environment", "environment_config"), ("checkpoints",) * 2):
        columns[name] = column(_contents(metadata, part))
    columns["seed_order"] = column([_seed(each, "order") for each in metadata])
    columns["seed_learner"] = column([_seed(each, "learner") for each in metadata])
    for name in ("provenance", "ended_at", "error"):
        columns[name] = column([None if each is None else each.get(name) for each in metadata])
    names = {each["provenance"] for each in metadata if each is not None and "provenance" in each}
    facts = {name: Store(results.path).provenance(name) for name in sorted(names)}
    table = _table(runs, styles, games, measure, columns)
    return {"runs": columns, "provenance": facts, "table": table}


def _table(
    runs: pd.DataFrame,
    styles: Mapping[str, LearnerStyle],
    games: Sequence[Game],
    measure: tuple[str, str],
    columns: dict[str, Any],
) -> list[dict[str, Any]]:
    """`RUN_COLUMNS` as they read, and what they are sorted by: a column that is there already goes by its name."""
    heading, source = measure
    frame = runs.assign(
        label=[styles[str(name)].label for name in runs["learner"].tolist()],
        game=[games[place].title for place in _games(runs, games)],
        feedback=runs["kind"].map({kind: feedback_shown(str(kind)) or "" for kind in runs["kind"].unique()}),
        measured=runs.get(source),
        microseconds=_microseconds(runs),
        within=pd.Series(_within(runs), index=runs.index, dtype=object),
    )
    names = list(frame)  # iterating over the frame makes the names anew for every row
    lists = [frame[name].tolist() for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]
    table = []
    for each in RUN_COLUMNS:
        facts: dict[str, Any] = {"name": each.name, "title": each.heading(heading), "align": each.align}
        assert each.format is not None
        facts |= {"alarm": list(each.alarm), "text": column([each.format(row) for row in rows])}
        key = column([each.value(row) for row in rows])
        if key != facts["text"]:
            facts["key"] = next((name for name, known in columns.items() if known == key), key)
        table.append(facts)
    return table


def _games(runs: pd.DataFrame, games: Sequence[Game]) -> list[int]:
    """The place of every run's game."""
    places = {(game.stage, game.environment): place for place, game in enumerate(games)}
    return [places[pair] for pair in zip(runs["stage"].tolist(), runs["environment"].tolist(), strict=True)]


def _within(runs: pd.DataFrame) -> list[str | None]:
    """The radius within which a regret is certified, in words; empty where it is everywhere."""
    known, radii = floats(runs, "regret_upper").notna(), floats(runs, "comparator_within")
    return [radius_text(float(radius)) if shown else None for radius, shown in zip(radii, known, strict=True)]


def _microseconds(runs: pd.DataFrame) -> list[Any]:
    if "seconds_play" not in runs:
        return [None] * len(runs)
    return list(1e6 * runs["seconds_play"].astype(float) / runs["rounds"].astype(float))


def _contents(metadata: Sequence[Metadata | None], name: str) -> list[Any]:
    """A part of the content of each run, without what was computed from the rest of it; runs may share one."""
    shown: dict[int, Any] = {}
    values = [None if each is None else each["content"].get(name) for each in metadata]
    for value in values:
        if isinstance(value, dict) and id(value) not in shown:
            shown[id(value)] = {key: part for key, part in value.items() if key != "described"}
    return [shown.get(id(value), value) for value in values]


def _seed(metadata: Metadata | None, name: str) -> Any:
    return None if metadata is None else metadata.get("seeds", {}).get(name)
