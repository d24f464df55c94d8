"""Complete tasks: claim, perform, store; survive lost workers, and skip tasks that other processes perform."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from regret_experiments.execution.backends import Backend
from regret_experiments.execution.interrupts import Interrupts
from regret_experiments.execution.progress import Progress
from regret_experiments.execution.work import Outcome, Work, failure
from regret_experiments.execution.workers import WorkersLost
from regret_experiments.plan.content import canonical
from regret_experiments.store.provenance import machine, session
from regret_experiments.store.store import Store

MOST_DEATHS = 3
"""A task that has killed its worker this many times, the last time running alone, is marked as failed."""
MOST_WRITES = 8
"""Outcomes that are written at once."""
PATIENCE = 0.2
"""Seconds between looks at what other processes are doing."""


@dataclass
class Counts:
    """How many tasks were stored before, finished now, failed now, were completed by other processes, and are left."""

    before: int = 0
    finished: int = 0
    failed: int = 0
    elsewhere: int = 0
    left: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Sum of both."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass
class Job:
    """One kind of tasks to complete.

    Attributes
    ----------
    what
        Word for the progress bar.
    identifiers
        Content hashes, without repetition.
    make
        Makes a task when a worker is free for it, or an outcome at once if there is nothing to do.
    kind
        Where in the store results go.
    labels
        What to tell about a task besides its id.
    retry_failed
        Whether to try again what is stored as failed.
    ended
        Identifiers of which it is known that nothing is left to do, so that what is stored is not read again.
    """

    what: str
    identifiers: list[str]
    make: Callable[[str], Work | Outcome]
    kind: str = "runs"
    labels: Callable[[str], dict[str, Any]] = lambda _: {}
    retry_failed: bool = False
    ended: Set[str] = frozenset()


class Engine:
    """Performs jobs and stores their outcomes, every task once."""

    def __init__(self, store: Store, backend: Backend, progress: Progress, interrupts: Interrupts) -> None:
        self._store = store
        self._backend = backend
        self._progress = progress
        self._interrupts = interrupts
        self._session = session()
        self._provenance: dict[str, str] = {}

    def perform(self, job: Job) -> Counts:
        """Complete the tasks of ``job``, or as many as possible before an interrupt."""
        attempted_before = {
            name for name in job.identifiers if name in job.ended or self._ended(job, name, job.retry_failed)
        }
        counts = Counts(before=len(attempted_before))
        waiting = deque(name for name in job.identifiers if name not in attempted_before)
        elsewhere: deque[str] = deque()
        deaths: Counter[str] = Counter()
        if not waiting:
            return counts
        self._progress.start(job.what, len(job.identifiers), counts.before)
        writes = _Writes()
        try:
            while (waiting or elsewhere) and not self._interrupts.asked:
                if not waiting:
                    time.sleep(PATIENCE)
                    waiting, elsewhere = elsewhere, deque()
                # A task whose workers have died repeatedly is tried alone, so that no other task is lost with it.
                suspects = [name for name in waiting if deaths[name] >= MOST_DEATHS - 1]
                batch = deque(suspects[:1]) if suspects else waiting
                if suspects:
                    waiting.remove(suspects[0])
                running: dict[str, Work] = {}
                instant: list[Outcome] = []
                try:
                    for outcome in self._backend.outcomes(self._draw(job, batch, running, instant, elsewhere, counts)):
                        self._keep(job, outcome, writes)
                        del running[outcome.id]
                        self._count(job, writes.over(), counts)
                except WorkersLost as lost:
                    deaths.update(list(running))
                    given_up = [name for name in running if deaths[name] >= MOST_DEATHS]
                    for name in given_up:
                        message = f"the worker process died {deaths[name]} times while at it, at last alone: {lost}"
                        self._keep(job, failure(running.pop(name), MemoryError(message)), writes)
                    for name in running:
                        self._store.claims.release(name)
                    waiting.extendleft(running)
                for outcome in instant:
                    self._keep(job, outcome, writes)
                self._count(job, writes.all(), counts)
        finally:
            writes.close()
            self._progress.close()
        counts.left = len(job.identifiers) - counts.before - counts.finished - counts.failed - counts.elsewhere
        return counts

    def _draw(
        self,
        job: Job,
        batch: deque[str],
        running: dict[str, Work],
        instant: list[Outcome],
        elsewhere: deque[str],
        counts: Counts,
    ) -> Iterator[Work]:
        """Hand out tasks as workers become free, each under a claim."""
        while batch and not self._interrupts.asked:
            name = batch.popleft()
            if not self._store.claims.take(name):
                elsewhere.append(name)
            elif self._ended(job, name, job.retry_failed):
                # Another process brought it to an end between the first look and the claim.
                self._store.claims.release(name)
                counts.elsewhere += 1
                self._progress.elsewhere(1)
            else:
                task = job.make(name)
                if isinstance(task, Outcome):
                    instant.append(task)
                else:
                    running[name] = task
                    yield task

    def _keep(self, job: Job, outcome: Outcome, writes: _Writes) -> None:
        """Begin to store an outcome; its claim is released when it is stored."""
        facts = self._session | {"machine": outcome.metadata.pop("machine", machine())}
        key = canonical(facts)
        if key not in self._provenance:
            self._provenance[key] = self._store.write_provenance(facts)
        outcome.metadata["provenance"] = self._provenance[key]
        outcome.metadata["ended_at"] = datetime.now(UTC).isoformat(timespec="seconds")

        def write() -> None:
            self._store.write(job.kind, outcome.metadata, outcome.arrays)
            self._store.remove_snapshot(outcome.id)
            self._store.claims.release(outcome.id)

        writes.begin(outcome, write)

    def _count(self, job: Job, stored: Iterable[Outcome], counts: Counts) -> None:
        for outcome in stored:
            counts.failed += outcome.failed
            counts.finished += not outcome.failed
            self._progress.tell(outcome, job.labels(outcome.id))

    def _ended(self, job: Job, name: str, retry_failed: bool) -> bool:
        stored = self._store.read(job.kind, name)
        return stored is not None and (stored.finished or not retry_failed)


class _Writes:
    """Outcomes that are being written: several at once, because what a disk takes time for is to sync, not to write."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MOST_WRITES, thread_name_prefix="oco-writes")
        self._begun: deque[tuple[Outcome, Future[None]]] = deque()

    def begin(self, outcome: Outcome, write: Callable[[], None]) -> None:
        """Write an outcome soon."""
        self._begun.append((outcome, self._threads.submit(write)))

    def over(self) -> Iterator[Outcome]:
        """Outcomes that were stored since the last look, the oldest first; waits where too many are not."""
        while self._begun and (self._begun[0][1].done() or len(self._begun) >= MOST_WRITES):
            yield self._stored()

    def all(self) -> Iterator[Outcome]:
        """Wait for the rest."""
        while self._begun:
            yield self._stored()

    def close(self) -> None:
        """Wait for what is being written, and begin nothing more."""
        self._threads.shutdown(cancel_futures=True)

    def _stored(self) -> Outcome:
        outcome, written = self._begun.popleft()
        written.result()
        return outcome
