"""Whole commands that `benchmarks.against` measures in one tree, each in processes of its own."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import oco

Work = Callable[[], float]
"""Does something and returns the figure: microseconds a round, seconds, a ratio, MB."""

TREE = Path(oco.__file__).parents[1]
DEFAULT_SWEEP = Path("configs", "rank_sweep.yaml")
STORED, MANY, CLUSTER_RUNS = 10_000, 100_000, 1_000


def sweep() -> dict[str, Work]:
    """The default sweep in processes of its own: first use, stored kernels, nothing left to play; s and MB."""
    home, other = home_of_process(), Path("other", DEFAULT_SWEEP).resolve()
    kernels = {"OCO_CACHE_DIR": str(home / "cold")}
    first, warm = [math.nan], [math.nan]

    def play(config: Path, results: str, largest: list[float] | None) -> float:
        return _seconds([*_OCO, "sweep", str(config), "--results", str(home / results)], largest=largest, **kernels)

    return {
        "default sweep, first use: s": partial(play, TREE / DEFAULT_SWEEP, "results", first),
        "default sweep, first use, a worker at its peak: MB": lambda: first[0],
        "nothing left to play: s": partial(play, TREE / DEFAULT_SWEEP, "results", None),
        "default sweep of the other commit, stored kernels: s": partial(play, other, "results of the other's", warm),
        "the same, a worker at its peak: MB": lambda: warm[0],
    }


def compiling() -> dict[str, Work]:
    """Seconds of CPU for the kernels of the default sweep, compiled by one process."""
    script = str(TREE / "benchmarks" / "first_use.py")

    def compile_all() -> float:
        with tempfile.TemporaryDirectory() as kernels:
            return _printed(r"compiling ([\d.]+) s", [script], OCO_CACHE_DIR=kernels)

    return {"compiling for the default sweep: s": compile_all}


def wide() -> dict[str, Work]:
    """The peak of memory of a game of 1,000,000 coordinates, k = 64, in units of the state."""
    return {"d = 1,000,000, k = 64: states": lambda: _printed(r"([\d.]+) states", ["-m", "benchmarks.wide_memory"])}


def stored() -> dict[str, Work]:
    """Commands on 10,000 stored runs, and a figure of the 120 that they were made from."""
    sys.path.insert(0, str(TREE / "tests"))
    import small_sweeps  # type: ignore[import-not-found]

    home = home_of_process()
    few = small_sweeps.play(small_sweeps.CONFIG, home)
    many = str(small_sweeps.many(few, home / "many", STORED))
    page, figure = str(home / "page.html"), str(home / "figure.pdf")
    return {
        "table: s": lambda: _seconds([*_OCO, "table", many]),
        "report: s": lambda: _seconds([*_OCO, "report", many, "-o", page]),
        "check: s": lambda: _seconds([*_OCO, "check", many], expected=1),  # curves made at random exceed their bounds
        "plot curves, 120 runs: s": lambda: _seconds([*_OCO, "plot", str(few), "curves", "-o", figure]),
    }


def many() -> dict[str, Work]:
    """Commands on 100,000 stored runs of 12 checkpoints: MB of memory at the peak, and seconds of CPU."""
    from benchmarks.stored import Cost, cost, repetitions

    sys.path.insert(0, str(TREE / "tests"))
    import small_sweeps

    home = home_of_process()
    few = small_sweeps.play(small_sweeps.CONFIG, home)
    runs = str(repetitions(few, home / "repetitions", MANY))
    time.sleep(3.0)  # what changed a moment ago is not indexed
    found: dict[str, Cost] = {}

    def memory(command: str, which: str) -> float:
        found[which] = cost([command, runs])
        return found[which].memory

    return {
        "table, the first time: MB": lambda: memory("table", "first"),
        "table, the first time: s": lambda: found["first"].seconds,
        "table: MB": lambda: memory("table", "again"),
        "table: s": lambda: found["again"].seconds,
        "check: MB": lambda: memory("check", "check"),
        "check: s": lambda: found["check"].seconds,
    }


def cluster() -> dict[str, Work]:
    """Efficiency in % of two workers of a Dask scheduler for 1,000 runs of 1 s, in which they wait."""
    command = ["-m", "benchmarks.cluster", "--runs", str(CLUSTER_RUNS)]
    return {"two workers of a Dask scheduler: %": lambda: _printed(r"efficiency ([\d.]+)%", command)}


def site() -> dict[str, Work]:
    """Seconds for the site, by the command of the tree's Makefile, in a copy of its files."""
    copy = home_of_process() / "site"
    listed = subprocess.run(["git", "-C", str(TREE), "ls-files", "-z"], check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TREE / name, copy / name)  # with its time, so that its stored kernels are found

    def build() -> float:
        return _seconds(_of_makefile("sphinx"), copy, PYTHONPATH=str(copy))

    def new() -> float:
        for made in ("_build", "lessons", "api"):
            shutil.rmtree(copy / "docs" / made, ignore_errors=True)
        return build()

    return {"first site: s": new, "new site, stored kernels: s": new, "site, nothing changed: s": build}


def tests() -> dict[str, Work]:
    """Seconds of `make tests`; they must pass."""
    return {"make tests: s": lambda: _seconds(_of_makefile("pytest"), TREE, PYTHONPATH=str(TREE))}


_OCO = ["-m", "regret_experiments"]


@cache
def home_of_process() -> Path:
    """A directory of this process, in the one that `benchmarks.against` removes at the end."""
    return Path(tempfile.mkdtemp(dir=os.getcwd()))


def _of_makefile(module: str) -> list[str]:
    """Arguments of the first command of the tree's Makefile that runs a module."""
    found = re.search(rf"\$\(BIN\)/python (-m {module} .*)", (TREE / "Makefile").read_text())
    if found is None:
        raise LookupError(f"the Makefile runs no {module}")
    return shlex.split(found[1])


def _seconds(
    arguments: list[str],
    directory: Path | None = None,
    *,
    largest: list[float] | None = None,
    expected: int = 0,
    **environment: str,
) -> float:
    """Wall time of Python with ``arguments``; the most memory of a child of it, MB, goes into ``largest``."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=directory, env=os.environ | environment, stdout=said, stderr=said
        )
        if largest is not None:
            largest[0] = 0.0
            while process.poll() is None:
                largest[0] = max(largest[0], _largest_child(process.pid))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
        code = process.wait()
        said.seek(0)
        _require(code, expected, said.read())
    return time.perf_counter() - began


def _printed(pattern: str, arguments: list[str], **environment: str) -> float:
    """The number that ``pattern`` finds in what Python with ``arguments`` prints."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    _require(done.returncode, 0, done.stderr)
    found = re.search(pattern, done.stdout)
    if found is None:
        raise LookupError(f"{pattern!r} is not in what {shlex.join(arguments)} printed")
    return float(found[1])


def _require(code: int, expected: int, said: str) -> None:
    if code != expected:
        raise RuntimeError(f"exit code {code} after: {' / '.join(said.strip().splitlines()[-3:])}")


def _largest_child(pid: int) -> float:
    """The most memory that a child of a process has held, MB."""
    peaks = [0.0]
    for listed in Path("/proc", str(pid), "task").glob("*/children"):
        try:
            for child in listed.read_text().split():
                status = Path("/proc", child, "status").read_text()
                peaks += [int(kilobytes) / 1024.0 for kilobytes in re.findall(r"VmHWM:\s+(\d+)", status)]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
    return max(peaks)
