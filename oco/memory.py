"""The memory available to this process."""

from __future__ import annotations

import math
import os
import sys


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
