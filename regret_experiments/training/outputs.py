"""What a training experiment leaves behind: runs, a summary table, a figure of learning curves."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Any]


def summarize(runs: Sequence[Mapping[str, Any]], best: Mapping[str, float], grid: Sequence[float]) -> list[Row]:
    """One row per optimizer: tuned rate (and whether it lies on the edge), losses, ratios to the first, state.

    ``steps_to_baseline`` is the mean over seeds of the first evaluated step at or under the baseline's mean loss, as
    a fraction of all steps; a run that never gets there counts as 1.
    """
    names = list(dict.fromkeys(run["optimizer"] for run in runs))
    losses = {name: [run["final_loss"] for run in runs if run["optimizer"] == name] for name in names}
    target = float(np.mean(losses[names[0]]))
    rows = []
    for name in names:
        own = [run for run in runs if run["optimizer"] == name]
        reached = [
            next((step for step, loss in run["curve"] if loss <= target), run["steps"]) / run["steps"] for run in own
        ]
        tests = [run["test"] for run in own if run["test"] is not None]
        first = own[0]
        rows.append(
            {
                "optimizer": name,
                "learning_rate": best[name],
                "on_edge": len(grid) > 1 and best[name] in (min(grid), max(grid)),
                "mean_loss": float(np.mean(losses[name])),
                "min_loss": min(losses[name]),
                "max_loss": max(losses[name]),
                "ratio": float(np.mean(losses[name])) / target if target else math.nan,
                "steps_to_baseline": float(np.mean(reached)),
                "mean_test": float(np.mean(tests)) if tests else None,
                "optimizer_ms": float(np.median([run["optimizer_ms"] for run in own])),
                "state_bytes": first["state_bytes"]["total"],
                "state_floats_per_parameter": first["state_bytes"]["total"] / 4 / first["parameters"],
                "seeds": len(own),
                "not_ok": sum(run["status"] != "ok" for run in own),
            }
        )
    return rows


def _first_step(run: Mapping[str, Any], target: float) -> int:
    return int(next((step for step, loss in run["curve"] if loss <= target), run["steps"]))


def format_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay the summary out for a terminal."""
    head = f"{'optimizer':24s} {'lr':>7s} {'train loss mean (min..max)':>30s} "
    head += f"{'ratio':>6s} {'steps':>6s} {'ms':>7s} {'state/n':>8s}"
    lines = [head]
    for row in rows:
        spread = f"{row['mean_loss']:.4g} ({row['min_loss']:.4g}..{row['max_loss']:.4g})"
        edge = "*" if row["on_edge"] else ""
        lines.append(
            f"{row['optimizer']:24s} {row['learning_rate']:>6g}{edge:1s} {spread:>30s} {row['ratio']:6.3f} "
            f"{row['steps_to_baseline']:6.2f} {row['optimizer_ms']:7.2f} {row['state_floats_per_parameter']:8.3f}"
        )
    if any(row["on_edge"] for row in rows):
        lines.append("* best learning rate on the edge of the grid")
    return "\n".join(lines)


def learning_figure(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Training loss against steps: the mean over seeds, and their range as a band."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.subplots()
    for index, name in enumerate(dict.fromkeys(run["optimizer"] for run in runs)):
        curves = [run["curve"] for run in runs if run["optimizer"] == name and run["status"] == "ok"]
        if curves:
            steps = [step for step, _ in curves[0]]
            losses = np.array([[loss for _, loss in curve] for curve in curves])
            axes.plot(steps, losses.mean(0), color=f"C{index}", label=name)
            axes.fill_between(steps, losses.min(0), losses.max(0), color=f"C{index}", alpha=0.2, linewidth=0)
    axes.set(xlabel="step", ylabel="training loss", yscale="log")
    axes.legend(frameon=False)
    return figure


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the file in one move, infinite losses as null: a stopped run leaves the last whole version."""
    strict = [{k: None if v == math.inf else v for k, v in row.items()} for row in rows]
    _replace(path, "".join(json.dumps(row, allow_nan=False) + "\n" for row in strict))


def read_jsonl(path: Path) -> list[Row]:
    """Read what :func:`write_jsonl` wrote; no file is no runs."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [{**row, "final_loss": math.inf if row["final_loss"] is None else row["final_loss"]} for row in rows]


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of equal keys, replacing the file in one move."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _replace(path, text.getvalue())


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)
