"""Worker processes: how one is set up before its first task, and the error where some have died."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_DEATHS = ("TerminatedWorkerError", "BrokenProcessPool", "KilledWorker", "ShutdownExecutorError")


class WorkersLost(Exception):
    """Worker processes died while they performed tasks."""


@contextmanager
def raised_loss() -> Iterator[None]:
    """Raise `WorkersLost` for the errors by which pools and clusters say so."""
    try:
        yield
    except Exception as error:
        if type(error).__name__ in _DEATHS:
            raise WorkersLost(str(error)) from error
        raise


def pin_inner_threads() -> Any:
    """Limit BLAS and OpenMP to one thread in this process.

    Only whole runs are played in parallel, because a reduction over several threads adds in another order and results
    would depend on the number of cores. Returns the limiter, a context manager that restores the former limits.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)


@cache
def pin_process() -> None:
    """Limit this process for as long as it lives; a cluster's worker plays several runs at once."""
    pin_inner_threads()


def prepare_process(parent: int) -> None:
    """Prepare a worker process at its start; ``parent`` is the process that it must not outlive."""
    pin_process()
    # Modules and kernels stay, and looking through all of them for garbage after every few runs takes a tenth.
    gc.set_threshold(20_000, 20, 20)
    # A worker that is started in the place of another does not inherit this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, args=(parent,), daemon=True).start()


def _leave_with_parent(parent: int) -> None:
    # A killed parent cannot tell its workers; being handed to another parent does, even before this thread starts.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
