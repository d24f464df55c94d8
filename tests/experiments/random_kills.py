"""Kill sweeps at random moments, one to three on one directory, and hold what comes out against a sweep left alone.

    python tests/experiments/random_kills.py --kills 1000 --seed 0

A kill is a SIGKILL of a sweep, of its workers and then of it, or of the whole group, at a random moment of its first
three seconds, or of the first second in which runs are stored. After each, no process of that sweep may be left 5 s
later, and no finished run may have been written again. Every 25 kills the sweep is run to its end: its tables must
equal, byte for byte, those of the one left alone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from regret_experiments.cli import main
from regret_experiments.store import Store

CONFIG = """
name: killed
orders: 30
checkpoints: 4
environments:
  - {name: power_law, kind: spectrum_linear, dimension: 12, horizon: 2000}
  - {name: ill, kind: ill_conditioned_regression, dimension: 12, draws: signs, horizon: 2000}
learners:
  - kind: ogd
    learning_rate: [theorem, {log_grid: {low: 0.01, high: 10, points: 9}}]
"""
"""600 runs of some milliseconds."""
MARK = "OCO_KILLED_SWEEP"
PATIENCE = 5.0
"""Seconds after which no process of a killed sweep may be left."""
KILLS_BEFORE_THE_END = 25


@dataclass
class Tally:
    """What was done, and what was found wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    at_work: int = 0
    ends: int = 0
    longest: float = 0.0
    faults: list[str] = field(default_factory=list)


@dataclass
class Sweep:
    """A sweep that was started, the mark that all its processes bear, and how it is to be killed, and when."""

    process: subprocess.Popen[bytes]
    mark: str
    how: str = ""
    when: float = 0.0


def start(config: Path, results: Path, jobs: int) -> Sweep:
    mark = uuid.uuid4().hex
    command = [sys.executable, "-m", "regret_experiments", "sweep", str(config), "--results", str(results)]
    process = subprocess.Popen(
        [*command, "--jobs", str(jobs), "--no-figures"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {MARK: mark},
    )
    return Sweep(process, mark)


def processes_of(mark: str) -> list[int]:
    """Living processes that a sweep started, directly or not, whoever their parent is now."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
    return found


def kill(sweep: Sweep, generator: random.Random) -> None:
    parent = sweep.process.pid
    with contextlib.suppress(ProcessLookupError):
        if sweep.how == "group":
            os.killpg(parent, signal.SIGKILL)
        if sweep.how == "workers":
            others = [pid for pid in processes_of(sweep.mark) if pid != parent]
            for pid in generator.sample(others, k=min(len(others), 2)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(generator.uniform(0.0, 0.2))
        os.kill(parent, signal.SIGKILL)
    sweep.process.wait()


def left_after(mark: str) -> float:
    """Seconds until no process of a sweep is left; infinity where some are left after the patience."""
    began = time.monotonic()
    while processes_of(mark):
        if time.monotonic() - began > PATIENCE:
            return float("inf")
        time.sleep(0.05)
    return time.monotonic() - began


def stored(results: Path) -> dict[str, int]:
    """When each run and each game was put in place."""
    return {
        path.name: path.stat().st_mtime_ns for kind in ("runs", "games") for path in (results / kind).glob("??/*.json")
    }


def tables(results: Path) -> bytes:
    """The tables without their timings."""
    table = pd.read_csv(results / "table.csv").drop(columns="seconds")
    return table.to_csv(index=False).encode() + (results / "curves.csv").read_bytes()


def one_round(config: Path, results: Path, generator: random.Random, most: int, tally: Tally) -> bool:
    """Start one to three sweeps and kill each; False where one came to its end first."""
    before = stored(results)
    count = min(generator.choice((1, 1, 2, 3)), most)
    sweeps = [start(config, results, generator.choice((1, 2))) for _ in range(count)]
    at_work = generator.random() < 0.5
    for sweep in sweeps:
        sweep.how = generator.choice(("sweep", "workers", "group"))
        sweep.when = generator.uniform(0.0, 1.0 if at_work else 3.0)
    while at_work and len(stored(results)) == len(before) and all(sweep.process.poll() is None for sweep in sweeps):
        time.sleep(0.02)
    began = time.monotonic()
    ended = False
    for sweep in sorted(sweeps, key=lambda sweep: sweep.when):
        with contextlib.suppress(subprocess.TimeoutExpired):
            sweep.process.wait(max(0.0, began + sweep.when - time.monotonic()))
        if sweep.process.poll() is not None:
            ended = True
            if sweep.process.returncode != 0:
                tally.faults.append(f"a sweep beside killed ones ended with code {sweep.process.returncode}")
            continue
        kill(sweep, generator)
        tally.kills[f"{sweep.how}, {count} at once"] += 1
        tally.at_work += len(stored(results)) > len(before)
    for sweep in sweeps:
        seconds = left_after(sweep.mark)
        tally.longest = max(tally.longest, seconds)
        if seconds > PATIENCE:
            tally.faults.append(f"processes {processes_of(sweep.mark)} outlived their sweep ({sweep.how})")
    after = stored(results)
    if {name: after.get(name) for name in before} != before:
        tally.faults.append("a finished run was written again")
    return not ended


def run_to_the_end(config: Path, results: Path, whole: bytes, tally: Tally) -> None:
    before = stored(results)
    code = start(config, results, 2).process.wait()
    after = stored(results)
    tally.ends += 1
    if code != 0 or {name: after.get(name) for name in before} != before:
        tally.faults.append(f"the sweep that goes on ended with code {code}, or wrote a finished run again")
    if faults := Store(results).faults():
        tally.faults.append(f"damaged after kills: {faults[0]}")
    if list(results.rglob("*.tmp")):
        tally.faults.append("temporary files are left")
    if tables(results) != whole:
        tally.faults.append("the tables differ from those of a sweep left alone")


def kill_at_random(folder: Path, kills: int, seed: int) -> Tally:
    """Kill ``kills`` sweeps in ``folder``; every moment and victim comes from ``seed``."""
    tally, generator = Tally(), random.Random(seed)
    config, alone = folder / "killed.yaml", folder / "alone"
    config.write_text(CONFIG)
    with contextlib.suppress(SystemExit):  # in this process, which has all imports behind it
        main(["sweep", str(config), "--results", str(alone), "--jobs", "1", "--no-figures"])
    whole = tables(alone)
    while tally.kills.total() < kills:
        results = folder / f"killed_{tally.ends}"
        stop = min(kills, tally.kills.total() + KILLS_BEFORE_THE_END)
        while (left := stop - tally.kills.total()) > 0 and one_round(config, results, generator, left, tally):
            pass
        run_to_the_end(config, results, whole, tally)
    return tally


def from_the_command_line() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        tally = kill_at_random(Path(folder), arguments.kills, arguments.seed)
        seconds = time.monotonic() - began
    for what, count in sorted(tally.kills.items()):
        print(f"{count:5d} kills of: {what}")
    print(f"{tally.kills.total()} kills, {tally.ends} sweeps to the end, in {seconds:.0f} s; seed {arguments.seed}")
    print(f"{tally.at_work} of the kills came after runs had been stored in their round")
    print(f"the last process was gone {tally.longest:.2f} s after its sweep")
    print("\n".join(tally.faults) or "nothing is wrong")
    sys.exit(bool(tally.faults))


if __name__ == "__main__":
    from_the_command_line()
