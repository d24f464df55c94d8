"""The memory of this process: how much it may use, and pauses of the garbage collector."""

from __future__ import annotations

import gc
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def process_memory() -> float:
    """Bytes that this process may use: the machine's memory, or less under a resource limit; infinite if unknown."""
    if sys.platform == "win32" or not hasattr(os, "sysconf"):
        return math.inf
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        import resource
    except ImportError:
        return float(machine)
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return float(min([machine, *(limit for limit in limits if limit != resource.RLIM_INFINITY)]))


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without garbage collection: for work that makes many objects of which none is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
