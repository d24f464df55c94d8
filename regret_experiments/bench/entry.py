"""An entry: what a learner did on the suite, in one file with a checksum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oco.errors import StoreError
from oco.learners import LEARNERS
from oco.needs import feedback_of
from regret_experiments.bench.contestant import Contestant
from regret_experiments.bench.playing import ROW, Played
from regret_experiments.bench.suite import Suite
from regret_experiments.plan.building import build_learner, learner_content
from regret_experiments.store.files import read_file, write_atomic
from regret_experiments.store.provenance import machine, session
from regret_experiments.store.sealed import Damaged, seal, unseal

FORMAT = 1
"""Version of the layout of an entry."""
FILE = "entry.json"
Entry = dict[str, Any]


def make_entry(suite: Suite, learner: Contestant, played: Played, audit: dict[str, Any] | None) -> Entry:
    """The entry of a learner that has played the suite."""
    point = learner.points(64)[0]
    content = learner_content(learner.kind, build_learner(learner.kind, point))
    maker = LEARNERS[learner.kind]
    return {
        "format": FORMAT,
        "suite": {"version": suite.version, "sha256": suite.sha256},
        "learner": {
            "name": learner.label,
            "kind": learner.kind,
            "entry": learner.entry,
            "feedback": feedback_of(maker.needs),
            "source": maker.source,
            "guarantee": maker.guarantee,
            "plugin": content.get("plugin"),
            "class": learner.class_name,
            "file": None if learner.source is None else learner.source.name,
            "file_sha256": learner.source_sha256,
        },
        "columns": list(ROW),
        "streams": played.streams,
        "gaps": played.gaps,
        "absent": played.absent,
        "audit": audit,
        "provenance": {"machine": machine()} | session(),
    }


def write_entry(path: Path, entry: Entry) -> None:
    """Write an entry, whole or not at all."""
    write_atomic((path, seal(entry)))


def read_entry(path: Path) -> Entry:
    """Read an entry.

    Raises
    ------
    StoreError
        If there is none, it is damaged or altered, or of another format.
    """
    try:
        entry = unseal(read_file(path))
    except FileNotFoundError:
        raise StoreError(f"{path}: there is no such file") from None
    except Damaged as error:
        raise StoreError(f"{path} is not an entry as it was written: {error}") from None
    if entry.get("format") != FORMAT:
        raise StoreError(f"{path} is not an entry of OCO-Bench in format {FORMAT}")
    return entry
