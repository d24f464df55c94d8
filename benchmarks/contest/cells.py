"""One optimizer on one task: its runs, each done once, in a file of lines."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.contest.search import Point, best_point, hyperparameters, inside, next_point
from regret_experiments.training import TrainingRun

Row = dict[str, Any]


class Cell:
    """The runs of one optimizer on one task. The file is written anew after every run, so it may be stopped any time.

    A run's name is the hash of its content. Runs whose content is no longer asked for stay in the file and are not
    read; delete the file to repeat the runs of an optimizer whose code has changed.
    """

    def __init__(self, settings: Mapping[str, Any], task: str, optimizer: str, folder: Path) -> None:
        self.settings, self.task, self.name = settings, task, optimizer
        self.optimizer = settings["optimizers"][optimizer]
        self.path = folder / task / f"{optimizer}.jsonl"
        self.stored: dict[str, Row] = {}
        if self.path.exists():
            rows = [json.loads(line) for line in self.path.read_text().splitlines()]
            self.stored = {row["id"]: row for row in rows}

    def run(self, point: Point, seed: int) -> TrainingRun:
        """The training run at a point."""
        task = self.settings["tasks"][self.task]
        given = hyperparameters(self.optimizer, point)
        common = {"data": task.get("data", "digits"), "sizes": task.get("sizes", {}), "evaluations": 1}
        return TrainingRun(
            task=task["task"], kind=self.optimizer["kind"], seed=seed, steps=task["steps"], **common, **given
        )

    def loss(self, point: Point, seed: int) -> float | None:
        """The final training loss of a run, infinite if it failed or diverged; None if it was not done."""
        row = self.stored.get(self.run(point, seed).id)
        return None if row is None else math.inf if row["loss"] is None else float(row["loss"])

    def tuning(self) -> tuple[dict[Point, float], list[tuple[Point, int]]]:
        """The mean losses of the points that were tried, and the missing runs of the next one."""
        start = Point(0, self.optimizer["second"].get("start", 0), 0)
        values, trials = len(self.optimizer["second"]["values"]), self.settings["trials"]
        losses: dict[Point, float] = {}
        while (point := next_point(losses, start, values, trials)) is not None:
            found = {seed: self.loss(point, seed) for seed in self.settings["tuning_seeds"]}
            if missing := [seed for seed, loss in found.items() if loss is None]:
                return losses, [(point, seed) for seed in missing]
            losses[point] = sum(loss for loss in found.values() if loss is not None) / len(found)
        return losses, []

    def missing(self) -> list[tuple[Point, int]]:
        """The runs that come next; none when the cell is complete."""
        losses, runs = self.tuning()
        if runs:
            return runs
        best = best_point(losses)
        return [(best, seed) for seed in self.settings["seeds"] if self.loss(best, seed) is None]

    def complete(self) -> None:
        """Do what is missing."""
        while runs := self.missing():
            for point, seed in runs:
                self.perform(point, seed)

    def perform(self, point: Point, seed: int) -> None:
        """Do one run and store it."""
        run = self.run(point, seed)
        began = time.process_time()
        metadata = run.perform().metadata
        scalars = metadata.get("scalars", {})
        loss = float(scalars.get("final_loss", math.inf))
        row = {
            "id": run.id,
            "point": list(point),
            "seed": seed,
            "loss": loss if math.isfinite(loss) else None,
            "ended": scalars.get("ended", metadata.get("message", "failed")),
            "state_floats": scalars.get("state_floats"),
            "parameters": scalars.get("dimension"),
            "cpu_seconds": round(time.process_time() - began, 2),
            "versions": versions(),
        }
        self.stored[run.id] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text("".join(json.dumps(row) + "\n" for row in self.stored.values()))
        os.replace(new, self.path)

    def result(self) -> Row | None:
        """What a table needs, None where a run is missing."""
        if self.missing():
            return None
        losses, _ = self.tuning()
        best = best_point(losses)
        rows = [self.stored[self.run(best, seed).id] for seed in self.settings["seeds"]]
        given = hyperparameters(self.optimizer, best)
        return {
            "task": self.task,
            "optimizer": self.name,
            "losses": [math.inf if row["loss"] is None else row["loss"] for row in rows],
            "state_floats": max(row["state_floats"] or 0 for row in rows),
            "parameters": max(row["parameters"] or 0 for row in rows),
            "rate": given["learning_rate"],
            "second": given["options"][self.optimizer["second"]["option"]],
            "factor": given["rest"]["factor"],
            "trials": len(losses),
            "inside": inside(losses),
            "best": best,
        }


def cells(settings: Mapping[str, Any], tasks: list[str], optimizers: list[str], folder: Path) -> Iterator[Cell]:
    """All cells, task by task, so that a comparison on a task is complete before the next begins."""
    for task in tasks:
        for optimizer in optimizers:
            yield Cell(settings, task, optimizer, folder)


def versions() -> str:
    """PyTorch, Python and the commit."""
    import torch

    git = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(git, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return f"torch {torch.__version__}, Python {platform.python_version()}, {found.stdout.strip() or 'no commit'}"
