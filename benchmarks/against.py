"""What rounds cost here, against another commit, side by side.

    python -m benchmarks.against COMMIT

Makes a worktree of COMMIT in a temporary directory and runs the rounds below with both trees in turns, each in a
process of its own. Prints the least microseconds of CPU a round of each, over many short turns, and their ratio.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

import oco
from oco.losses import Logistic, RowBlock
from oco.types import Array

ROOT = Path(__file__).parents[1]
TURNS = 60
ROUNDS = 1_000

LEARNERS: dict[str, tuple[int, Callable[[], oco.Learner]]] = {
    "OGD": (124, lambda: oco.OGD(0.1)),
    "AdaGradNorm": (124, lambda: oco.AdaGradNorm(0.1)),
    "DiagonalAdaGrad": (124, lambda: oco.DiagonalAdaGrad(0.1)),
    "FDAdaGrad(10)": (124, lambda: oco.FDAdaGrad(10, 0.1)),
    "FDAdaGrad(5, buffer=0)": (20, lambda: oco.FDAdaGrad(5, 0.1, buffer=0)),
    "FTSL(10)": (124, lambda: oco.learners.FTSL(10, 0.1, 1.0)),
}
"""Dimension and learner of every row of the table."""


def works() -> dict[str, Callable[[], object]]:
    """By name what plays `ROUNDS` rounds: one gradient at a time, and as a stream of rows."""
    made: dict[str, Callable[[], object]] = {}
    for name, (dimension, make) in LEARNERS.items():
        rows = np.random.default_rng(0).standard_normal((ROUNDS, dimension))
        learner = make()
        learner.start(oco.Problem(oco.Ball(1.0, dimension=dimension), ROUNDS))
        made[f"{name}, d = {dimension}, online"] = partial(play_online, learner, list(rows))
        made[f"{name}, d = {dimension}, stream"] = partial(
            learner.play_block, RowBlock(Logistic(), rows, np.ones(ROUNDS))
        )
    return made


def play_online(learner: oco.Learner, gradients: list[Array]) -> None:
    """One gradient at a time."""
    update = learner.update
    for gradient in gradients:
        update(gradient)


def serve(requests: IO[str], answers: IO[str]) -> None:
    """For every name of `works` that is asked for, the microseconds of CPU a round."""
    made = works()
    for line in requests:
        work = made[line.rstrip()]
        began = time.thread_time()
        work()
        print(1e6 * (time.thread_time() - began) / ROUNDS, file=answers, flush=True)


def compare(trees: list[Path]) -> dict[str, list[float]]:
    """The least microseconds a round in each of ``trees``, by name."""
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            env=os.environ | {"PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for tree in trees
    ]
    least = {name: [np.inf] * len(trees) for name in works()}
    for turn in range(TURNS + 1):
        for name, times in least.items():
            for place, worker in enumerate(workers):
                assert worker.stdin is not None
                assert worker.stdout is not None
                print(name, file=worker.stdin, flush=True)
                taken = float(worker.stdout.readline())
                if turn > 0:  # the first compiles
                    times[place] = min(times[place], taken)
    for worker in workers:
        worker.communicate()
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="?", help="what Git calls the other commit")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(sys.stdin, sys.stdout)
        return
    if arguments.commit is None:
        parser.error("which commit?")
    with tempfile.TemporaryDirectory() as directory:
        other = Path(directory) / "other"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(other), arguments.commit], check=True)
        try:
            least = compare([other, ROOT])
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)
    print(f"{'':56} {arguments.commit:>9} {'here':>6} ratio")
    for name, (before, now) in least.items():
        print(f"{name:56} {before:9.3f} {now:6.3f} {now / before:5.2f}")


if __name__ == "__main__":
    main()
