"""Outputs of a training experiment beyond those of every sweep: ratios to the baseline, steps, state, spectra."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regret_experiments.store import Store, StoredRun
from regret_experiments.store.export import csv_text
from regret_experiments.training.config import label_of
from regret_experiments.training.sweep import FRESH, TUNING

Row = dict[str, Any]


def stored_records(store: Store) -> list[Row]:
    """Records of the finished fresh runs, as `summarize` takes them."""
    records = []
    for listed, stored in _stage(store, FRESH):
        scalars, steps = stored.metadata["scalars"], stored.metadata["content"]["steps"]
        records.append(
            {
                "optimizer": label_of(listed["learner"], listed["rank"]),
                "learning_rate": listed["point"]["learning_rate"],
                "seed": listed["order"],
                "steps": steps,
                "status": scalars["ended"],
                "final_loss": float(scalars["final_loss"]),
                "test": scalars["test"],
                "parameters": scalars["dimension"],
                "state_bytes": {"total": 4 * scalars["state_floats"]},
                "optimizer_ms": 1e3 * stored.metadata["timings"]["play"] / steps,
                "curve": list(zip(stored.arrays["round"], stored.arrays["training_loss"], strict=True)),
            }
        )
    return records


def stored_grid(store: Store) -> list[float]:
    """The learning rates that were tried, rising."""
    return sorted({listed["point"]["learning_rate"] for listed, _ in _stage(store, TUNING)})


def stored_spectra(store: Store) -> list[Row]:
    """Rows of the spectra that were followed, as `oco.torch.SpectrumProbe.snapshot` made them."""
    return [row for _, stored in _stage(store, FRESH) for row in stored.metadata.get("spectra", ())]


def stored_update_regret(store: Store) -> list[Row]:
    """Rows of `oco.torch.UpdateRegret.rows`, with the optimizer of each."""
    return [
        {"optimizer": label_of(listed["learner"], listed["rank"]), **row}
        for listed, stored in _stage(store, FRESH)
        for row in stored.metadata.get("update_regret", ())
    ]


def _stage(store: Store, stage: str) -> Iterator[tuple[Row, StoredRun]]:
    plan = store.plan() or {"runs": []}
    for listed in plan["runs"]:
        stored = store.read("runs", listed["id"]) if listed["stage"] == stage else None
        if stored is not None and stored.finished:
            yield listed, stored


def write_outputs(store: Store) -> tuple[list[Row], list[Path]]:
    """Write ``summary.csv``, spectra, the regret of updates and their figures; return the rows and the paths."""
    import pandas as pd

    records, spectra = stored_records(store), stored_spectra(store)
    if not records:
        return [], []
    rows = summarize(records, stored_grid(store))
    store.write_text("summary.csv", csv_text(pd.DataFrame(rows)))
    paths = [store.path / "summary.csv"]
    if updates := stored_update_regret(store):
        from regret_experiments.training.update_regret_figure import update_regret_figure

        store.write_text("update_regret.csv", csv_text(pd.DataFrame(updates)))
        drawn = store.path / "figures" / "update_regret.png"
        drawn.parent.mkdir(parents=True, exist_ok=True)
        update_regret_figure(updates).savefig(drawn, dpi=120)
        paths += [store.path / "update_regret.csv", drawn]
    if spectra:
        from oco.torch import spectrum_figure

        store.write_text("spectra.jsonl", "".join(json.dumps(row) + "\n" for row in spectra))
        figure = store.path / "figures" / "spectra.png"
        figure.parent.mkdir(parents=True, exist_ok=True)
        spectrum_figure(spectra).savefig(figure, dpi=120)
        paths += [store.path / "spectra.jsonl", figure]
    return rows, paths


def summarize(runs: Sequence[Mapping[str, Any]], grid: Sequence[float]) -> list[Row]:
    """One row per optimizer: tuned rate (and whether it lies on the edge), losses, ratios to the first, state.

    ``steps_to_baseline`` is the mean over seeds of the first evaluated step at or under the baseline's mean loss, as
    a fraction of all steps; a run that never gets there counts as 1. ``standard_error`` is that of ``mean_loss``.
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
        first, rate = own[0], own[0]["learning_rate"]
        spread = float(np.std(losses[name], ddof=1)) if len(own) > 1 else math.nan
        rows.append(
            {
                "optimizer": name,
                "learning_rate": rate,
                "on_edge": len(grid) > 1 and rate in (min(grid), max(grid)),
                "mean_loss": float(np.mean(losses[name])),
                "standard_error": spread / math.sqrt(len(own)),
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
