"""Tasks on a Dask cluster: several short ones in one message, and their outcomes in another."""

from __future__ import annotations

import itertools
import math
import pickle
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from oco.errors import ConfigError
from regret_experiments.execution.work import Outcome, Work, perform
from regret_experiments.execution.workers import pin_process, raised_loss
from regret_experiments.plugins import PluginModule, given

WAIT_FOR_WORKERS = 60
"""Seconds in which a cluster must have its first worker."""
SECONDS_OF_MESSAGE = 0.006
"""What the main process needs for a message and its answer, however many tasks are in it."""
SHARE_OF_MESSAGES = 0.2
"""The part of its time that the main process may spend on messages."""
SHARE_OF_FILES = 0.8
"""The part of the files that the main process may have open which claims of tasks in hand may be."""
MOST_FILES = 1 << 20
"""Open files where the system sets no limit."""
MOST_TASKS = 32
"""Tasks in a message: as many are played again where a worker dies."""


def outcomes_on_cluster(scheduler: str | None, tasks: Iterable[Work]) -> Iterator[Outcome]:
    """Perform ``tasks`` on the cluster of ``scheduler``, taking some whenever a worker is free.

    Raises
    ------
    ConfigError
        If there is no such cluster, or it has no worker.
    WorkersLost
        If worker processes died; outcomes that were not yielded are lost.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ConfigError("--backend dask needs the extra: pip install 'oco-regret[cluster]'") from None
    if scheduler is None:
        raise ConfigError("--backend dask needs the scheduler's address: --scheduler tcp://host:8786")
    _check_answers(scheduler)
    files = _open_many_files()
    client: Any = Client(scheduler, timeout=30, set_as_default=False)  # type: ignore[no-untyped-call]
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT_FOR_WORKERS)
        except TimeoutError:
            raise ConfigError(
                f"the Dask scheduler at {scheduler} had no worker in {WAIT_FOR_WORKERS} seconds"
            ) from None
        pace, plugins = Pace(client, files), given()
        messages = in_messages(tasks, pace)
        running: Any = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
        while True:
            while running.count() < pace.messages():
                several = next(messages, None)
                if several is None:
                    break
                running.add(client.submit(perform_several, several, plugins, pure=False))
            if running.is_empty():
                return
            with raised_loss():
                outcomes: list[Outcome] = pickle.loads(next(running).result())
            pace.learn(outcomes)
            yield from outcomes


def in_messages(tasks: Iterable[Work], pace: Pace) -> Iterator[list[Work]]:
    """Tasks of one stream together, whose rows and best fixed points a worker has or is sent once."""
    for stream, its_tasks in itertools.groupby(tasks, lambda task: task.content.get("environment")):
        pace.begin(stream)
        while several := list(itertools.islice(its_tasks, pace.tasks())):
            yield several


def perform_several(tasks: Sequence[Work], plugins: Sequence[PluginModule]) -> bytes:
    """Outcomes of ``tasks``, as one string of bytes: Dask would send each of their arrays on its own."""
    pin_process()
    return pickle.dumps([perform(work, plugins) for work in tasks], pickle.HIGHEST_PROTOCOL)


class Pace:
    """How many messages a cluster should have at once, two for each thread, and how many tasks in each.

    One task a message is best for the workers. The main process handles a message in `SECONDS_OF_MESSAGE`, so that
    many workers that perform short tasks would wait for it. ``files`` is how many it may have open.
    """

    def __init__(self, client: Any, files: int) -> None:
        self._client = client
        self._files = files
        self._threads, self._looked = 1, -math.inf
        self._stream: Any = None
        self._seconds: float | None = None  # of the longest tasks of this stream, the latest ones above all

    def begin(self, stream: Any) -> None:
        """The next tasks are of another stream: nobody knows how long they take."""
        self._stream, self._seconds = stream, None

    def messages(self) -> int:
        """Messages for the workers that were there at most a second ago."""
        now = time.monotonic()
        if now - self._looked > 1.0:
            self._threads, self._looked = max(1, sum(self._client.nthreads().values())), now
        return 2 * self._threads

    def tasks(self) -> int:
        """Tasks for the next message; one until it is known how long they take."""
        if self._seconds is None:
            return 1
        every = SECONDS_OF_MESSAGE / SHARE_OF_MESSAGES  # seconds in which the main process should get one message
        claimed = int(SHARE_OF_FILES * self._files) // (2 * self._threads)
        return max(1, min(MOST_TASKS, claimed, math.ceil(self._threads * every / max(self._seconds, 1e-6))))

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of how long tasks took."""
        for outcome in outcomes:
            if outcome.metadata["content"].get("environment") == self._stream:
                self._seconds = max(float(outcome.metadata["seconds"]), 0.9 * (self._seconds or 0.0))


def _check_answers(address: str) -> None:
    """Check that something listens at the address; Dask's own error would come late and be long."""
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("tcp", "tls") or parts.port is None:
            raise ValueError("an address reads tcp://host:port")
        socket.create_connection((parts.hostname or "", parts.port), timeout=10).close()
    except (OSError, ValueError) as error:
        raise ConfigError(f"no Dask scheduler answers at {address}: {error}") from None


def _open_many_files() -> int:
    """Allow this process as many open files as it may have, and return how many; claims of tasks in hand are files."""
    try:
        import resource
    except ImportError:
        return 1024  # Windows, where the claims say that there is no sweep
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return soft  # macOS allows less than it says
    return MOST_FILES if hard == resource.RLIM_INFINITY else hard
