"""What the runs say: a row for each cell, who is better than whom, and the fronts of loss against cost."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks.contest.cells import cells
from regret_experiments.statistics import paired_p_value

Row = dict[str, Any]
LEVEL = 0.05
TIMES = "times.json"


def rows(settings: Mapping[str, Any], folder: Path) -> list[Row]:
    """A row for every complete cell: losses over the fresh seeds, floats per parameter, milliseconds a step or None."""
    path = folder / TIMES
    times = json.loads(path.read_text())["ms"] if path.exists() else {}
    found = []
    for cell in cells(settings, list(settings["tasks"]), list(settings["optimizers"]), folder):
        row = cell.result()
        if row is None:
            continue
        losses = row["losses"]
        row["mean"] = fmean(losses)
        row["error"] = stdev(losses) / math.sqrt(len(losses)) if math.isfinite(row["mean"]) else math.inf
        row["floats"] = row["state_floats"] / max(1, row["parameters"])
        row["ms"] = times.get(cell.task, {}).get(cell.name)
        found.append(row)
    return found


def duel(found: Iterable[Row], first: str, second: str) -> Row:
    """On how many of the tasks that both have done the mean loss of ``first`` is lower, and higher.

    ``surely`` counts those where a paired t-test over the seeds has p < 0.05.
    """
    losses = {(row["task"], row["optimizer"]): row["losses"] for row in found}
    tasks = [task for task, name in losses if name == first and (task, second) in losses]
    counts = {"tasks": len(tasks), "lower": 0, "surely_lower": 0, "higher": 0, "surely_higher": 0}
    for task in tasks:
        mine, other = losses[task, first], losses[task, second]
        way = "lower" if fmean(mine) < fmean(other) else "higher"
        counts[way] += 1
        finite = all(map(math.isfinite, [*mine, *other]))
        if not finite or paired_p_value(mine, other) < LEVEL:
            counts[f"surely_{way}"] += 1
    return counts


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points (cost, loss) that no other beats in both, by rising cost."""
    kept: list[tuple[float, float]] = []
    for cost, loss in sorted(points):
        if not kept or loss < kept[-1][1]:
            kept.append((cost, loss))
    return kept
