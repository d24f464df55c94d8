"""Directories of stored runs to measure, and commands with what they take."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from regret_experiments.plan import content_hash
from regret_experiments.store import Store
from regret_experiments.store.arrays import pack
from regret_experiments.store.sealed import seal


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds of CPU, and MB of memory at its peak."""

    seconds: float
    memory: float


def cost(arguments: list[str]) -> Cost:
    """What a command of this tree takes, whatever its exit code."""
    command = [sys.executable, "-m", "regret_experiments", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024.0)


def repetitions(template: Path, target: Path, count: int) -> Path:
    """A directory with ``count`` repetitions of the finished runs of another, whose arrays are links to a few files."""
    source = Store(template)
    plan = source.plan()
    assert plan is not None
    labels = {row["id"]: row for row in plan["runs"]}
    rows, files = [], {}
    originals = [run for run in source.runs() if run.finished]
    target.mkdir()
    for original in originals:
        data, description = pack(original.arrays)
        files[original.id] = target / f"{original.id}.npy", description
        files[original.id][0].write_bytes(data)
    for number in range(count):
        original = originals[number % len(originals)]
        metadata = copy.deepcopy(original.metadata)
        metadata["content"]["repetition"] = number + 1
        metadata["id"] = identifier = content_hash(metadata["content"])
        arrays, description = files[original.id]
        home = target / "runs" / identifier[:2] / identifier
        home.parent.mkdir(parents=True, exist_ok=True)
        os.link(arrays, home.with_suffix(".npy"))
        home.with_suffix(".json").write_bytes(seal(metadata | {"arrays": description}))
        rows.append(labels[original.id] | {"id": identifier, "repetition": number + 1})
    Store(target).write_plan(plan | {"name": "repetitions", "runs": rows})
    return target
