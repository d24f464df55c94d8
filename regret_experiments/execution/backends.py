"""Where tasks run: in this process, in threads or processes through joblib, or on a Dask cluster."""

from __future__ import annotations

import importlib
import itertools
import os
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from oco.errors import ConfigError
from regret_experiments.execution.work import Outcome, Work, perform
from regret_experiments.execution.workers import pin_inner_threads, pin_process, prepare_process
from regret_experiments.plugins import PluginModule, given

BackendName = Literal["processes", "threads", "dask"]
BACKENDS: tuple[BackendName, ...] = ("processes", "threads", "dask")


class WorkersLost(Exception):
    """Worker processes died while they performed tasks."""


@dataclass(frozen=True)
class Backend:
    """How tasks are run.

    Attributes
    ----------
    name
        ``"processes"``, ``"threads"`` or ``"dask"``.
    jobs
        Tasks that run at once; with one, and no cluster, they run in this process.
    scheduler
        Address of the Dask scheduler.
    """

    name: BackendName = "processes"
    jobs: int = 1
    scheduler: str | None = None

    def outcomes(self, tasks: Iterable[Work]) -> Iterator[Outcome]:
        """Perform ``tasks``, taking one whenever a worker is free, and yield outcomes as they come.

        Raises
        ------
        WorkersLost
            If worker processes died; outcomes that were not yielded are lost.
        """
        if self.name == "dask":
            yield from self._on_cluster(tasks)
        elif self.jobs == 1:
            with pin_inner_threads():
                yield from map(perform, tasks)
        elif self.name == "threads":
            with pin_inner_threads():
                yield from self._through_joblib(tasks, {"backend": "threading"})
        else:
            # Workers get the parent at their start, not with the first task, because it may be killed in between.
            importlib.import_module("oco.dispatcher")  # opens the directory of kernels, which workers then find
            start = {"initializer": prepare_process, "initargs": (os.getpid(),)}
            yield from self._through_joblib(tasks, {"backend": "loky", "inner_max_num_threads": 1} | start)

    def _through_joblib(self, tasks: Iterable[Work], settings: dict[str, Any]) -> Iterator[Outcome]:
        import joblib

        plugins = given()
        work = joblib.delayed(perform)
        with joblib.parallel_config(n_jobs=self.jobs, **settings):
            parallel = joblib.Parallel(return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
            with _deaf_children():
                results = parallel(work(task, plugins) for task in tasks)
            try:
                yield from results
            except Exception as error:
                if type(error).__name__ in _DEATHS:
                    raise WorkersLost(str(error)) from error
                raise

    def _on_cluster(self, tasks: Iterable[Work]) -> Iterator[Outcome]:
        try:
            from distributed import Client, as_completed
        except ImportError:
            raise ConfigError("--backend dask needs the extra: pip install 'oco-regret[cluster]'") from None
        if self.scheduler is None:
            raise ConfigError("--backend dask needs the scheduler's address: --scheduler tcp://host:8786")
        _check_answers(self.scheduler)
        client: Any = Client(self.scheduler, timeout=30, set_as_default=False)  # type: ignore[no-untyped-call]
        with client:
            try:
                client.wait_for_workers(1, timeout=WAIT_FOR_WORKERS)
            except TimeoutError:
                raise ConfigError(
                    f"the Dask scheduler at {self.scheduler} had no worker in {WAIT_FOR_WORKERS} seconds"
                ) from None
            waiting, room, plugins = iter(tasks), _Room(client), given()
            running: Any = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
            while True:
                for task in itertools.islice(waiting, max(0, room.tasks() - running.count())):
                    running.add(client.submit(_perform_pinned, task, plugins, pure=False))
                if running.is_empty():
                    return
                try:
                    outcome = next(running).result()
                except Exception as error:
                    if type(error).__name__ in _DEATHS:
                        raise WorkersLost(str(error)) from error
                    raise
                yield outcome


WAIT_FOR_WORKERS = 60
"""Seconds in which a cluster must have its first worker."""


class _Room:
    """How many tasks a cluster should have at once: two for each thread, while workers come and go."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._tasks, self._looked = 0, -float("inf")

    def tasks(self) -> int:
        """Tasks for the workers that were there at most a second ago."""
        now = time.monotonic()
        if now - self._looked > 1.0:
            self._tasks, self._looked = 2 * max(1, sum(self._client.nthreads().values())), now
        return self._tasks


_DEATHS = ("TerminatedWorkerError", "BrokenProcessPool", "KilledWorker", "ShutdownExecutorError")


def _perform_pinned(work: Work, plugins: Sequence[PluginModule]) -> Outcome:
    pin_process()
    return perform(work, plugins)


def _check_answers(address: str) -> None:
    """Check that something listens at the address; Dask's own error would come late and be long."""
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("tcp", "tls") or parts.port is None:
            raise ValueError("an address reads tcp://host:port")
        socket.create_connection((parts.hostname or "", parts.port), timeout=10).close()
    except (OSError, ValueError) as error:
        raise ConfigError(f"no Dask scheduler answers at {address}: {error}") from None


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Ignore Ctrl-C while worker processes start: workers inherit the setting and finish the run in progress."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
