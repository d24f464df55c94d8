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
from benchmarks.measure import adult
from oco.losses import Logistic, RowBlock
from oco.types import Array

ROOT = Path(__file__).parents[1]
TURNS = 60
ROUNDS = 1_000
GAME_ROUNDS, GAME_TURNS = 4_000, 6
"""Rounds of a whole game off balls, and its turns: there a round takes long in older commits."""

LEARNERS: dict[str, tuple[int, Callable[[], oco.Learner]]] = {
    "OGD": (124, lambda: oco.OGD(0.1)),
    "AdaGradNorm": (124, lambda: oco.AdaGradNorm(0.1)),
    "DiagonalAdaGrad": (124, lambda: oco.DiagonalAdaGrad(0.1)),
    "FDAdaGrad(10)": (124, lambda: oco.FDAdaGrad(10, 0.1)),
    "FDAdaGrad(5, buffer=0)": (20, lambda: oco.FDAdaGrad(5, 0.1, buffer=0)),
    "FTSL(10)": (124, lambda: oco.learners.FTSL(10, 0.1, 1.0)),
}
"""Dimension and learner of every row of the table."""


def grounds() -> dict[str, oco.Domain]:
    """Domains other than balls, by name, for d = 124."""
    generator = np.random.default_rng(1)
    normal, equations = generator.standard_normal(124), generator.standard_normal((3, 124))
    return {
        "box": oco.domains.Box(-0.3, 0.3, dimension=124),
        "simplex": oco.domains.Simplex(1.0, 124),
        "l1 ball": oco.domains.L1Ball(5.0, 124),
        "half-space": oco.domains.HalfSpace(normal, -1.0),
        "slice": oco.domains.AffineSlice(equations, np.ones(3)),
    }


def games() -> dict[str, Callable[[], object]]:
    """By name what plays a game of `GAME_ROUNDS` rounds off balls, with nothing tracked but the losses."""
    _, rows, targets = adult(GAME_ROUNDS)
    made: dict[str, Callable[[], object]] = {}
    for name, domain in grounds().items():
        game = oco.environments.LogisticRegression(rows, targets, domain=domain, order="file")
        for learner in (oco.FDAdaGrad(10, 0.1), oco.DiagonalAdaGrad(0.1)):
            play = partial(oco.play, game, learner, comparator=False, spectrum=False, checkpoints=1)
            made[f"game on a {name}: {type(learner).__name__}, d = 124"] = play
    return made


def works() -> dict[str, Callable[[], object]]:
    """By name what plays rounds: one gradient at a time, as a stream of rows, and games off balls."""
    made: dict[str, Callable[[], object]] = {}
    for name, (dimension, make) in LEARNERS.items():
        rows = np.random.default_rng(0).standard_normal((ROUNDS, dimension))
        learner = make()
        learner.start(oco.Problem(oco.Ball(1.0, dimension=dimension), ROUNDS))
        made[f"{name}, d = {dimension}, online"] = partial(play_online, learner, list(rows))
        made[f"{name}, d = {dimension}, stream"] = partial(
            learner.play_block, RowBlock(Logistic(), rows, np.ones(ROUNDS))
        )
    return made | games()


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
        rounds = GAME_ROUNDS if line.startswith("game") else ROUNDS
        print(1e6 * (time.thread_time() - began) / rounds, file=answers, flush=True)


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
            if name.startswith("game") and turn > GAME_TURNS:
                continue
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
