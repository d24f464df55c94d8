"""A whole experiment: equal grids tuned on one seed, fresh seeds at the best rate, stored as convex sweeps are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from regret_experiments.execution.backends import Backend
from regret_experiments.execution.engine import Engine, Job
from regret_experiments.execution.interrupts import Interrupts
from regret_experiments.execution.progress import Bar, Progress
from regret_experiments.execution.sweep import Summary
from regret_experiments.store import Store, StoredRun
from regret_experiments.training.config import OptimizerConfig, TrainingConfig
from regret_experiments.training.runs import TrainingRun, check_options

TUNING, FRESH = "tuning", "fresh"
Planned = tuple[OptimizerConfig, TrainingRun]


def run_training(
    config: TrainingConfig,
    store: Store,
    *,
    text: str = "",
    backend: Backend | None = None,
    progress: Progress | None = None,
    retry_failed: bool = False,
) -> Summary:
    """Train the missing runs of an experiment and store them.

    Every optimizer gets the same learning rates on ``tuning_seed``; the least final training loss decides; the seeds of
    the comparison are disjoint from tuning. The store holds the stages ``tuning`` and ``fresh`` of one environment, and
    is read, drawn and reported like that of a convex sweep. May be stopped and called again at any time.
    """
    optimizers = ((optimizer.kind, optimizer.options, optimizer.rest) for optimizer in config.optimizers)
    probe = None if config.probe is None else config.probe.options
    check_options(config.task, config.data, config.sizes, optimizers, probe)
    summary = Summary()
    with store.opened(), Interrupts() as interrupts:
        store.write_text("config.yaml", text)
        engine = Engine(store, backend or Backend(), progress or Bar(), interrupts)
        stages: dict[str, list[Planned]] = {TUNING: tuning_runs(config)}
        for stage in (TUNING, FRESH):
            if stage == FRESH:
                stages[FRESH] = fresh_runs(config, store)
            store.write_plan(_listing(config, stages))
            work = {run.id: run for _, run in stages[stage]}
            labels = {run.id: _labels(config, stage, optimizer, run) for optimizer, run in stages[stage]}
            job = Job(stage, list(work), work.__getitem__, labels=labels.__getitem__, retry_failed=retry_failed)
            summary.runs += engine.perform(job)
            if interrupts.asked:
                summary.interrupted = True
                break
    return summary


def tuning_runs(config: TrainingConfig) -> list[Planned]:
    """Every optimizer at every learning rate, from the tuning seed."""
    return [
        (optimizer, _run(config, optimizer, rate, config.tuning_seed))
        for optimizer in config.optimizers
        for rate in config.learning_rates
    ]


def fresh_runs(config: TrainingConfig, store: Store) -> list[Planned]:
    """Every optimizer at its best learning rate, from every other seed; the first run of one with the probe, if any."""
    best = best_rates(config, store)
    probe = None if config.probe is None else config.probe.model_dump(exclude={"optimizer"})
    recorded = None if config.update_regret is None else config.update_regret.model_dump()
    followed = (config.probe and config.probe.optimizer) or config.optimizers[0].label
    return [
        (
            optimizer,
            _run(
                config,
                optimizer,
                best[optimizer.label],
                seed,
                probe if (optimizer.label, seed) == (followed, config.seeds[0]) else None,
                recorded if seed == config.seeds[0] else None,
            ),
        )
        for optimizer in config.optimizers
        for seed in config.seeds
    ]


def best_rates(config: TrainingConfig, store: Store) -> dict[str, float]:
    """The learning rate of the least final loss of every optimizer, by label; the least where none is finite."""
    losses: dict[str, dict[float, float]] = {}
    for optimizer, run in tuning_runs(config):
        losses.setdefault(optimizer.label, {})[run.learning_rate] = final_loss(store.read("runs", run.id))
    return {label: min(rates, key=rates.__getitem__) for label, rates in losses.items()}


def final_loss(stored: StoredRun | None) -> float:
    """Loss over the training set at the end; infinite for a run that diverged, failed or is missing."""
    value = stored.metadata["scalars"]["final_loss"] if stored is not None and stored.finished else math.inf
    return float(value)


def _run(
    config: TrainingConfig,
    optimizer: OptimizerConfig,
    rate: float,
    seed: int,
    probe: dict[str, Any] | None = None,
    update_regret: dict[str, Any] | None = None,
) -> TrainingRun:
    return TrainingRun(
        task=config.task,
        data=config.data,
        kind=optimizer.kind,
        learning_rate=rate,
        seed=seed,
        steps=config.steps,
        evaluations=config.evaluations,
        options=optimizer.options,
        probe=probe,
        update_regret=update_regret,
        sizes=config.sizes,
        rest=optimizer.rest,
    )


def _labels(config: TrainingConfig, stage: str, optimizer: OptimizerConfig, run: TrainingRun) -> dict[str, Any]:
    return {
        "stage": stage,
        "environment": config.task,
        "learner": optimizer.name,
        "order": run.seed,
        "repetition": 0,
        "rank": optimizer.rank,
        "point": {"learning_rate": run.learning_rate},
    }


def _listing(config: TrainingConfig, stages: Mapping[str, list[Planned]]) -> dict[str, Any]:
    runs = [
        {"id": run.id} | _labels(config, stage, optimizer, run)
        for stage, planned in stages.items()
        for optimizer, run in planned
    ]
    kinds = {optimizer.name: optimizer.kind for optimizer in config.optimizers}
    tuned = {optimizer.name: ["learning_rate"] for optimizer in config.optimizers}
    facts = {"name": config.name, "description": config.description, "kinds": kinds}
    return facts | {"tuned": tuned, "stages": [TUNING, FRESH], "runs": runs}
