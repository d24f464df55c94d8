"""Kernels that a wheel carries, compiled ahead for two levels of x86-64, so that the first use compiles less.

They lie in the package, a directory for each level, in the files of the kernel cache, and are read where the user's
cache has nothing. `benchmarks.compile_ahead` puts them there when a wheel is built; a checkout has none. The name of
their directory has the versions of Python and Numba and a checksum of the sources. Where that is another one, or the
processor has neither level, or Numba was told to compile for another one, kernels are compiled as without them.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba

PACKAGE = Path(__file__).parent

_V3 = ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
LEVELS = {
    "x86-64-v4": (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
    "x86-64-v3": _V3,
}
"""Levels of the x86-64 psABI, and what a processor must have for them beyond what every one of these has."""

FEATURES = {"x86-64-v4": "-prefer-256-bit", "x86-64-v3": ""}
"""What LLVM is told besides the level: `oco.lanes` fills registers of 512 bits where there are any."""


def carried_kernels(version: str) -> Path | None:
    """The directory of the kernels for this processor and this ``version`` of the sources; None where there is none."""
    level = processor_level()
    directory = PACKAGE / "_kernels" / version / str(level)
    return directory if level is not None and directory.is_dir() else None


def processor_level() -> str | None:
    """The level whose kernels run here; None on other processors and systems, and where Numba was told what to use."""
    config: Any = numba.config
    if sysconfig.get_platform() != "linux-x86_64" or config.CPU_NAME is not None or config.CPU_FEATURES is not None:
        return None
    features = llvmlite.binding.get_host_cpu_features()
    # Lanes are as wide as a processor with any part of AVX-512 allows, so half of it is neither level.
    fitting = [level for level, needed in LEVELS.items() if all(features.get(name) for name in needed)]
    wide = bool(features.get("avx512f"))
    return next((level for level in fitting if ("avx512f" in LEVELS[level]) == wide), None)


def folder_in(directory: Path, source: str) -> Path | None:
    """Where the kernels of a ``source`` file of this package lie in ``directory``; None for files of others."""
    folder = Path(source).parent
    return directory / folder.relative_to(PACKAGE) if folder.is_relative_to(PACKAGE) else None


def portable(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key of a kernel without the processor, which the directory tells: signature, code, and kind of wrapper."""
    signature, _processor, *rest = key
    return (signature, *rest)
