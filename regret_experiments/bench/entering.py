"""A learner enters: audit, games, entry, profile page and score sheet."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oco.errors import ProtocolError
from regret_experiments.bench.audit import audit
from regret_experiments.bench.collection import collect
from regret_experiments.bench.contestant import Contestant
from regret_experiments.bench.entry import FILE, Entry, make_entry, write_entry
from regret_experiments.bench.playing import fit_of, play_suite, start_here
from regret_experiments.bench.scores import Scores
from regret_experiments.bench.suite import Suite
from regret_experiments.bench.text import aligned, ranking, sheet
from regret_experiments.bench.verify import draw, replay
from regret_experiments.bench.watch import ENVIRONMENT
from regret_experiments.execution import Backend
from regret_experiments.execution.progress import Progress
from regret_experiments.report import write_report
from regret_experiments.store.files import write_atomic
from regret_experiments.store.results import load

SHEET, PAGE = "sheet.md", "page.html"
AGAIN = 2
"""Games that are played again, whole, with the learner in processes of its own."""
NEIGHBORS = 3
"""Rows above and below its own that a learner is shown with."""


def enter(
    suite: Suite,
    contestant: Contestant,
    results: Path,
    *,
    backend: Backend,
    progress: Progress,
    say: Callable[[str], Any],
) -> Entry | None:
    """Let a contestant play the suite and write its files to a directory of ``results``; None if it was interrupted.

    Raises
    ------
    ProtocolError
        If the audit found that it breaks the rules. Learners of the library are not audited here but in its tests.
    """
    began = time.perf_counter()
    audited = None
    if contestant.source is not None:
        say(f"{contestant.label}: audit")
        found, fit = audit(suite, contestant)
        if found.faults:
            raise ProtocolError(f"{contestant.label} does not enter. " + " ".join(found.faults.values()))
        audited = found.facts()
    else:
        fit = fit_of(suite, contestant, start_here(contestant))
    played = play_suite(suite, contestant, fit, results, backend=backend, progress=progress)
    if played.interrupted:
        return None
    entry = make_entry(suite, contestant, played, audited)
    if contestant.source is not None:
        _play_again(suite, contestant, entry)
    home = results / contestant.label
    write_entry(home / FILE, entry)
    scores, _ = collect(suite, results)
    write_atomic((home / SHEET, sheet(scores, contestant.label).encode()))
    if played.streams:
        write_report(load(home), home / PAGE)
    if contestant.label in scores.unplayed:
        say(f"{contestant.label} plays no stream of the suite: {scores.unplayed[contestant.label]}")
    else:
        _say_place(scores, contestant.label, time.perf_counter() - began, say)
    say(f"wrote {home / FILE} (to send in), {SHEET} (score sheet)" + (f" and {PAGE}" if played.streams else ""))
    return entry


def _say_place(scores: Scores, name: str, seconds: float, say: Callable[[str], None]) -> None:
    """Print the row of ``name`` among its neighbors."""
    headings, *lines = ranking(scores)
    at = next(index for index, line in enumerate(lines) if line[0] == name)
    lines[at][0] += " <"
    say(aligned([headings, *lines[max(0, at - NEIGHBORS) : at + NEIGHBORS + 1]]))
    say(f"place {at + 1} of {len(lines)}; oco bench table shows all. {seconds:.0f} s")


def _play_again(suite: Suite, contestant: Contestant, entry: Entry) -> None:
    """Refuse a learner that was another one in the games of the suite than it is in a process of its own."""
    for game, differences in replay(entry, suite, contestant, draw(entry, suite, AGAIN)):
        if differences:
            raise ProtocolError(f"{contestant.label} does not enter. {ENVIRONMENT}: {game}: {'; '.join(differences)}")
