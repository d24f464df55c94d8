"""Where tasks run: in this process, in threads or processes through joblib, or on a Dask cluster."""

from __future__ import annotations

import importlib
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from regret_experiments.execution.cluster import outcomes_on_cluster
from regret_experiments.execution.work import Outcome, Work, perform
from regret_experiments.execution.workers import pin_inner_threads, prepare_process, raised_loss
from regret_experiments.plugins import given

BackendName = Literal["processes", "threads", "dask"]
BACKENDS: tuple[BackendName, ...] = ("processes", "threads", "dask")


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
            yield from outcomes_on_cluster(self.scheduler, tasks)
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
            with raised_loss():
                yield from results


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
