"""Compile the kernels of the default sweep ahead, for the wheel that `make dist` builds.

Plays one run of every kind of the sweep for each level of x86-64, in processes of their own and at once, and puts what
was compiled into ``oco/_kernels``. The processor must have the highest level, because the kernels are run.

    python -m benchmarks.compile_ahead
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from oco.carried_kernels import FEATURES, LEVELS, PACKAGE, processor_level
from oco.kernel_cache import carry, version_of_sources


def main() -> None:
    if processor_level() != next(iter(LEVELS)):
        sys.exit(f"kernels are compiled ahead on Linux and a processor of level {next(iter(LEVELS))} only")
    shutil.rmtree(PACKAGE / "_kernels", ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        caches = {level: Path(temporary) / level for level in LEVELS}
        playing = {
            level: subprocess.Popen(
                [sys.executable, "-m", "benchmarks.first_use"],
                env=os.environ | {"NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": FEATURES[level]}
                | {"OCO_CACHE_DIR": str(directory)},
                stdout=subprocess.DEVNULL,
            )
            for level, directory in caches.items()
        }  # fmt: skip
        for level, process in playing.items():
            if process.wait():
                sys.exit(f"the kernels of level {level} could not be compiled")
        version = version_of_sources()
        for level, directory in caches.items():
            count = carry(directory / "kernels" / version, PACKAGE / "_kernels" / version / level)
            files = (PACKAGE / "_kernels" / version / level).rglob("*.nbc")
            print(f"{level}: {count} kernels, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
