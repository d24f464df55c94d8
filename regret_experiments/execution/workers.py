"""What a worker process does before its first task: one inner thread, and gone with its parent."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import cache
from typing import Any


def pin_inner_threads() -> Any:
    """Limit BLAS and OpenMP to one thread in this process.

    Parallel work is across runs; and a reduction over several threads adds in another order, so that results would
    depend on the number of cores. Returns the limiter, a context manager that restores what was before.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)


@cache
def prepare_process(parent: int | None) -> None:
    """Prepare a worker process, once; ``parent`` is the process that it must not outlive, None where nobody's."""
    pin_inner_threads()
    if parent is None or parent == os.getpid():
        return
    if threading.current_thread() is threading.main_thread():
        # A worker that was started in another's place was not told at its start.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()


def _leave_with_parent(parent: int) -> None:
    # A killed parent cannot tell its workers; being handed to another parent does.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
