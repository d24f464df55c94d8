"""What a cluster adds to the time of runs: two workers of a Dask scheduler on this machine.

    python -m benchmarks.cluster                        # 1,000 tasks of 1 s, which wait and use no processor
    python -m benchmarks.cluster --runs 200
    python -m benchmarks.cluster --seconds 0            # what the main process needs for a run
    python -m benchmarks.cluster --parts                # what planning takes, by run

Tasks wait instead of playing, so that workers and main process do not compete for the cores of one machine, as they do
not on a cluster; everything else is the sweep's: claims, tasks, outcomes as large as those of the default sweep, files.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from regret_experiments.config.loading import load_config
from regret_experiments.execution.backends import Backend
from regret_experiments.execution.engine import Engine, Job
from regret_experiments.execution.interrupts import Interrupts
from regret_experiments.execution.progress import Bar
from regret_experiments.execution.work import Outcome, finished
from regret_experiments.plan import make_plan
from regret_experiments.plan.content import WorkType, content_hash
from regret_experiments.store import Store

CONFIG = Path(__file__).parents[1] / "configs" / "rank_sweep.yaml"
WORKERS = 2


@dataclass(frozen=True)
class Waiting:
    """A task of a given length; ``comparator`` is what a run carries to its worker."""

    number: int
    seconds: float
    comparator: Any
    type: ClassVar[WorkType] = "run"

    @property
    def content(self) -> dict[str, Any]:
        return {"learner": {"kind": "waiting"}, "number": self.number}

    @property
    def id(self) -> str:
        return content_hash(self.content)

    def perform(self) -> Outcome:
        time.sleep(self.seconds)
        curves = {f"curve {number}": np.zeros(30) for number in range(25)}
        return Outcome(self.id, finished(self), curves | {"spectra": np.zeros((5, 120))})


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A scheduler and two workers, each a process; yields the scheduler's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address, module = f"tcp://127.0.0.1:{port}", [sys.executable, "-m"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    worker = ["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    processes = [subprocess.Popen([*module, *command], **quiet) for command in (scheduler, *[worker] * WORKERS)]
    try:
        time.sleep(20.0)  # they import
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def play(runs: int, seconds: float) -> None:
    """The tasks on a cluster of two workers; prints seconds, efficiency, and CPU of the main process."""
    comparator = np.zeros((30, 120))
    works = {work.id: work for work in (Waiting(number, seconds, comparator) for number in range(runs))}
    with (
        cluster() as address,
        tempfile.TemporaryDirectory() as directory,
        Store(directory).opened() as store,
        Interrupts() as interrupts,
    ):
        engine = Engine(store, Backend("dask", WORKERS, address), Bar(), interrupts)
        engine.perform(Job("warm", [key := next(iter(works))], works.__getitem__))
        rest = [name for name in works if name != key]
        began, worked = time.perf_counter(), time.process_time()
        counts = engine.perform(Job("runs", rest, works.__getitem__))
        wall, cpu = time.perf_counter() - began, time.process_time() - worked
        assert counts.finished == len(rest)
    print(f"{len(rest)} tasks of {seconds:g} s on {WORKERS} workers: {wall:.1f} s")
    print(f"main process {1e3 * cpu / len(rest):.1f} ms of CPU each")
    if seconds:
        print(f"efficiency {len(rest) * seconds / WORKERS / wall:.1%}")


def parts() -> None:
    """Time and memory of a plan, by run, and the size of its list."""
    make_plan(load_config(CONFIG, ("orders=1",)))  # imports, and opens the data
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    plan = make_plan(load_config(CONFIG, ("orders=20",)))
    runs = [each for stage in plan.stages for each in stage.runs]
    listed = [{"id": each.run.id} | each.labels for each in runs]
    spent = time.process_time() - began
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    size = len(json.dumps(listed))
    print(
        f"a plan of {len(runs)} runs: {1e6 * spent / len(runs):.0f} microseconds, {held / len(runs):.1f} KB of memory "
        f"and {size / len(runs):.0f} bytes of plan.json a run"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--parts", action="store_true", help="measure the plan instead")
    arguments = parser.parse_args()
    if arguments.parts:
        parts()
    else:
        play(arguments.runs, arguments.seconds)


if __name__ == "__main__":
    main()
