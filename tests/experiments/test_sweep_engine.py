"""The engine, with workers that die as told; the progress that it tells."""

from __future__ import annotations

import io
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stored_runs import a_run, curves, finished

from oco.errors import StoreError
from regret_experiments.execution.engine import Counts, Engine, Job
from regret_experiments.execution.games import Play
from regret_experiments.execution.interrupts import Interrupts
from regret_experiments.execution.progress import Bar, JsonLines
from regret_experiments.execution.work import Outcome, Work
from regret_experiments.execution.workers import WorkersLost
from regret_experiments.store import Store

RUNS = {run.id: run for run in map(a_run, range(8))}
NAMES = list(RUNS)


class Dying:
    """A backend of two workers, both of which die whenever the task ``killer`` is with them."""

    def __init__(self, killer: str, mended_after: int = 99) -> None:
        self.killer, self.mended_after, self.deaths = killer, mended_after, 0
        self.played: Counter[str] = Counter()
        self.company: list[list[str]] = []

    def outcomes(self, tasks: Iterable[Work]) -> Iterator[Outcome]:
        tasks = iter(tasks)
        while held := list(itertools.islice(tasks, 2)):
            self.company.append([task.id for task in held])
            if self.killer in self.company[-1] and self.deaths < self.mended_after:
                self.deaths += 1
                raise WorkersLost("killed by signal 9")
            for task in held:
                self.played[task.id] += 1
                yield Outcome(task.id, finished(RUNS[task.id]), curves())


def perform(tmp_path: Path, backend: Any, progress: Any = None, names: list[str] = NAMES) -> Counts:
    store = Store(tmp_path / "r")
    with store.opened(), Interrupts() as interrupts:
        engine = Engine(store, backend, progress or JsonLines(io.StringIO()), interrupts)
        return engine.perform(Job("runs", names, lambda name: Play(RUNS[name])))


def test_a_run_that_kills_its_workers_fails_and_the_others_finish(tmp_path: Path) -> None:
    backend = Dying(NAMES[3])
    assert perform(tmp_path, backend) == Counts(finished=7, failed=1)
    assert backend.deaths == 3
    assert backend.company.count([NAMES[3]]) == 1, "the last time alone"
    assert set(backend.played) == set(NAMES) - {NAMES[3]}
    assert set(backend.played.values()) == {1}
    stored = Store(tmp_path / "r").read("runs", NAMES[3])
    assert stored is not None
    assert stored.metadata["error"] == "MemoryError"
    assert "died 3 times while at it, at last alone: killed by signal 9" in stored.metadata["message"]


def test_workers_that_die_once_cost_nothing_but_time(tmp_path: Path) -> None:
    backend = Dying(NAMES[3], mended_after=1)
    assert perform(tmp_path, backend) == Counts(finished=8)
    assert set(backend.played.values()) == {1}


def test_a_disk_that_fills_up_ends_the_sweep_and_gives_claims_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("results cannot be written")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", full)
        with pytest.raises(StoreError):
            perform(tmp_path, Dying("none"))
    assert perform(tmp_path, Dying("none")) == Counts(finished=8)


def test_an_interrupt_leaves_the_rest(tmp_path: Path) -> None:
    store = Store(tmp_path / "r")
    with store.opened(), Interrupts() as interrupts:

        class Asking(Dying):
            def outcomes(self, tasks: Iterable[Work]) -> Iterator[Outcome]:
                for outcome in super().outcomes(tasks):
                    interrupts.asked = True
                    yield outcome

        engine = Engine(store, Asking("none"), JsonLines(io.StringIO()), interrupts)  # type: ignore[arg-type]
        counts = engine.perform(Job("runs", NAMES, lambda name: Play(RUNS[name])))
    assert counts == Counts(finished=2, left=6)


def test_what_is_told_to_be_finished_is_stored(tmp_path: Path) -> None:
    """Several results are written at once, and none is told before its files are in place and its claim is back."""
    store = Store(tmp_path / "r")
    told: list[str] = []
    with store.opened(), Interrupts() as interrupts:

        class Watching(JsonLines):
            def tell(self, outcome: Outcome, labels: dict[str, Any]) -> None:
                assert store.status(outcome.id) == "finished"
                assert Store(store.path).claims.take(outcome.id)
                told.append(outcome.id)

        engine = Engine(store, Dying("none"), Watching(io.StringIO()), interrupts)  # type: ignore[arg-type]
        assert engine.perform(Job("runs", NAMES, lambda name: Play(RUNS[name]))) == Counts(finished=8)
    assert told == NAMES


def test_what_is_known_to_have_ended_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    perform(tmp_path, Dying("none"))
    store = Store(tmp_path / "r")
    read: list[str] = []
    monkeypatch.setattr(Store, "read", lambda _, kind, name: read.append(name))
    with store.opened(), Interrupts() as interrupts:
        engine = Engine(store, Dying("none"), JsonLines(io.StringIO()), interrupts)  # type: ignore[arg-type]
        job = Job("runs", NAMES, lambda name: Play(RUNS[name]), ended=frozenset(NAMES))
        assert engine.perform(job) == Counts(before=8)
    assert read == []


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_bar_shows_done_failed_and_time_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    stream = Terminal()
    perform(tmp_path, Dying(NAMES[3]), Bar(stream))
    assert "runs: 8/8 |" in stream.getvalue()
    assert "to go" in stream.getvalue()
    assert "1 failed" in stream.getvalue()


@pytest.mark.parametrize("ci", ["", "true"])
def test_the_bar_is_quiet_in_pipes_and_in_ci(ci: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", ci)
    stream = Terminal() if ci else io.StringIO()
    perform(tmp_path, Dying("none"), Bar(stream))
    assert stream.getvalue() == ""


def test_lines_of_json_count(tmp_path: Path) -> None:
    stream = io.StringIO()
    perform(tmp_path, Dying(NAMES[0]), JsonLines(stream))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines].count("finished") == 7
    (failed,) = [line for line in lines if line["event"] == "failed"]
    assert failed["error"] == "MemoryError"
    assert (lines[-1]["done"], lines[-1]["failed"], lines[-1]["total"]) == (8, 1, 8)
