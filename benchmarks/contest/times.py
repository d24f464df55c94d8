"""Times of steps, apart from the runs: all optimizers take turns in one process, each on a network of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch

from benchmarks.contest.cells import Cell, versions
from benchmarks.contest.collect import TIMES
from benchmarks.contest.search import Point, best_point, hyperparameters
from regret_experiments.store.provenance import machine
from regret_experiments.training.optimizers import make_optimizer
from regret_experiments.training.tasks import Task, make_task

PERIOD = 10
"""Steps between two refreshes of the optimizers that have them; a time is the mean over so many steps."""


def measure(settings: Mapping[str, Any], tasks: list[str], optimizers: list[str], folder: Path) -> None:
    """Write the median over three periods of every optimizer on every task."""
    torch.set_num_threads(1)
    ms = {task: _on_task(settings, task, optimizers, folder) for task in tasks}
    path = folder / TIMES
    before = json.loads(path.read_text())["ms"] if path.exists() else {}
    merged = {task: before.get(task, {}) | ms.get(task, {}) for task in before | ms}
    facts = {"versions": versions(), "machine": machine(), "day": str(date.today()), "load": os.getloadavg()[0]}
    path.write_text(json.dumps({**facts, "ms": merged}, indent=1) + "\n")


def _on_task(settings: Mapping[str, Any], name: str, optimizers: list[str], folder: Path) -> dict[str, float]:
    given = settings["tasks"][name]
    task = make_task(given["task"], given.get("data", "digits"), **given.get("sizes", {}))
    contenders = {}
    for optimizer in optimizers:
        torch.manual_seed(0)
        model = task.model()
        contenders[optimizer] = model, _made(settings, task, model, Cell(settings, name, optimizer, folder))
    batches = task.batches(0)
    spent: dict[str, list[float]] = {optimizer: [] for optimizer in optimizers}
    for _ in range(5 * PERIOD):  # the first two periods settle
        batch = next(batches)
        for optimizer, (model, made) in contenders.items():
            made.zero_grad()
            task.loss(model, batch).backward()  # type: ignore[no-untyped-call]
            began = time.perf_counter()
            made.step()
            spent[optimizer].append(1e3 * (time.perf_counter() - began))
    periods = range(2 * PERIOD, 5 * PERIOD, PERIOD)
    return {key: round(median(fmean(own[i : i + PERIOD]) for i in periods), 3) for key, own in spent.items()}


def _made(settings: Mapping[str, Any], task: Task, model: torch.nn.Module, cell: Cell) -> torch.optim.Optimizer:
    losses, _ = cell.tuning()
    point = best_point(losses) if losses else Point(0, cell.optimizer["second"].get("start", 0), 0)
    options = hyperparameters(cell.optimizer, point)
    rate = 1e-6 * options["learning_rate"]  # the weights stay where the gradients are ordinary
    return make_optimizer(cell.optimizer["kind"], model, rate, options["options"], options["rest"], task.rest)
