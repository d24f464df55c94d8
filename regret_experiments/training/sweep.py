"""A whole experiment: equal grids tuned on one seed, fresh seeds at the best rate, results that are reused."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from oco.torch import SpectrumProbe, spectrum_figure
from regret_experiments.training.config import OptimizerConfig, TrainingConfig, parse_config
from regret_experiments.training.loop import train_once
from regret_experiments.training.outputs import learning_figure, read_jsonl, summarize, write_csv, write_jsonl
from regret_experiments.training.tasks import Task, make_task


def run_sweep(config: Mapping[str, Any], output: Path, echo: Callable[[str], None]) -> dict[str, Any]:
    """Run what is missing of an experiment and return its summary rows and the paths it wrote.

    Every optimizer gets the same learning rates on ``tuning_seed``; the best final training loss decides; the seeds
    of the comparison are disjoint from tuning. Diverged and failed runs are kept with their status. ``output/name/``
    receives ``runs.jsonl`` (one run a line, rewritten atomically after each), ``summary.csv``, ``curves.png`` and, with
    a probe, ``spectra.jsonl`` and ``spectra.png``.
    """
    parsed = parse_config(config)
    folder = output / parsed.name
    folder.mkdir(parents=True, exist_ok=True)
    task, runs = make_task(parsed.task, parsed.data), _Runs(folder / "runs.jsonl", parsed, echo)
    best: dict[str, float] = {}
    for optimizer in parsed.optimizers:
        tuned = {lr: runs.get(task, optimizer, lr, parsed.tuning_seed)["final_loss"] for lr in parsed.learning_rates}
        best[optimizer.name] = min(tuned, key=lambda lr: tuned[lr] if math.isfinite(tuned[lr]) else math.inf)
    fresh = [runs.get(task, o, best[o.name], seed) for o in parsed.optimizers for seed in parsed.seeds]
    rows = summarize(fresh, best, parsed.learning_rates)
    write_csv(folder / "summary.csv", rows)
    learning_figure(fresh).savefig(folder / "curves.png", dpi=120)
    paths = [folder / name for name in ("runs.jsonl", "summary.csv", "curves.png")]
    if parsed.probe is not None:
        probe = follow_spectra(task, parsed, best[parsed.optimizers[0].name])
        probe.to_jsonl(folder / "spectra.jsonl")
        spectrum_figure(probe.rows).savefig(folder / "spectra.png", dpi=120)
        paths += [folder / "spectra.jsonl", folder / "spectra.png"]
    return {"rows": rows, "paths": paths}


def follow_spectra(task: Task, config: TrainingConfig, lr: float) -> SpectrumProbe:
    """Train the first optimizer on the first fresh seed with a probe attached."""
    assert config.probe is not None
    probe: SpectrumProbe | None = None
    options, count = config.probe.options, config.probe.snapshots
    marks = {round(config.steps * (i + 1) / count) for i in range(count)}

    def follow(step: int, model: torch.nn.Module) -> None:
        nonlocal probe
        if probe is None:
            probe = SpectrumProbe(model, **options)
        probe.update()
        if step in marks:
            probe.snapshot(step)

    first = config.optimizers[0]
    train_once(
        task,
        first.kind,
        first.options,
        lr=lr,
        seed=config.seeds[0],
        steps=config.steps,
        evaluations=1,
        after_backward=follow,
    )
    assert probe is not None
    return probe


class _Runs:
    """The runs of one experiment, keyed by everything that decides their numbers."""

    def __init__(self, path: Path, config: TrainingConfig, echo: Callable[[str], None]) -> None:
        self.path, self.config, self.echo = path, config, echo
        self.found = {record["key"]: record for record in read_jsonl(path)}

    def get(self, task: Task, optimizer: OptimizerConfig, lr: float, seed: int) -> dict[str, Any]:
        config = self.config
        identity = {"task": config.task, "data": config.data, "steps": config.steps, "evaluations": config.evaluations}
        identity |= {"kind": optimizer.kind, "options": optimizer.options, "lr": lr, "seed": seed}
        key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
        if key not in self.found:
            record = train_once(
                task,
                optimizer.kind,
                dict(optimizer.options),
                lr=lr,
                seed=seed,
                steps=config.steps,
                evaluations=config.evaluations,
            )
            versions = {"torch": torch.__version__, "python": platform.python_version()}
            self.found[key] = {"key": key, **identity, **record, "versions": versions}
            write_jsonl(self.path, list(self.found.values()))
            self.echo(
                f"{optimizer.name:24s} lr {lr:<8g} seed {seed}  loss {record['final_loss']:.4f}  {record['status']}"
            )
        return {**self.found[key], "optimizer": optimizer.name}
