"""How kernels are compiled: once, without the interpreter lock, into a cache that notices edits.

Numba's own cache checks the file that a kernel stands in but not the files that it imports, so the cache lives in a
directory named after a hash of every kernel source of this package. The directory is in the user's cache
(``OCO_CACHE_DIR`` overrides it), hence a read-only installation works.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import platformdirs

from oco._version import __version__

Function = TypeVar("Function", bound=Callable[..., Any])


def cache_directory() -> Path:
    """Directory of this package's caches: ``OCO_CACHE_DIR``, else the user's cache directory."""
    return Path(os.environ.get("OCO_CACHE_DIR") or platformdirs.user_cache_dir("oco"))


def _kernel_cache() -> Path:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        text = source.read_bytes()
        if b"kernel" in text:  # defines kernels, or constants that they are compiled with
            digest.update(text)
    version = f"{__version__}-py{sys.version_info.major}.{sys.version_info.minor}-numba{numba.__version__}"
    return cache_directory() / "kernels" / f"{version}-{digest.hexdigest()[:16]}"


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_kernel_cache())  # type: ignore[attr-defined]


def kernel(function: Function) -> Function:
    """Compile ``function`` with Numba: nogil, cached, NumPy's division semantics, no reassociation of sums."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})(function)
    return cast(Function, compiled)


def fast_kernel(function: Function) -> Function:
    """Compile ``function`` as `kernel` does, and let sums be reassociated: for dot products and passes over a basis."""
    flags = {"contract", "reassoc", "nsz", "arcp"}
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=flags)(function))
