"""Stored sweeps for tests of figures and of the page: one that was really played, hostile ones and large ones."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from regret_experiments.config import load_config
from regret_experiments.execution import Backend, run_sweep
from regret_experiments.plan import content_hash, make_plan
from regret_experiments.store import Store
from regret_experiments.store.arrays import pack
from regret_experiments.store.sealed import seal

CONFIG = """
name: small sweep
description: two games, five learners
orders: 2
checkpoints: 12
environments:
  - {name: power_law, kind: spectrum_linear, dimension: 10, horizon: 300, domain: {kind: ball, radius: 1.0}}
  - {name: ill, kind: ill_conditioned_regression, dimension: 8, horizon: 250, domain: {kind: ball, radius: 1.0}}
learners:
  - kind: ogd
    environments: [power_law]
    learning_rate: &rates [theorem, {log_grid: {low: 0.1, high: 10, points: 3}}]
  - kind: adagrad_norm
    learning_rate: *rates
  - kind: diagonal_adagrad
    learning_rate: *rates
  - kind: full_matrix_adagrad
    learning_rate: *rates
  - kind: fd_adagrad
    rank: [1, 2, 4, 7]
    learning_rate: *rates
"""
"""120 runs of a few milliseconds."""

PLANE = """
name: plane
orders: 1
checkpoints: 8
path_budgets: [0, 1, 4, inf]
shortest_interval: 30
environments:
  - kind: drifting_regression
    dimension: 2
    horizon: 120
    motion: {name: switches, period: 40}
    domain: {kind: ball, radius: 1.0}
learners:
  - {kind: adagrad_norm, learning_rate: [theorem]}
  - {kind: fd_adagrad, rank: [1], learning_rate: [theorem, 0.5]}
"""
"""Two dimensions, an optimum that moves, and every kind of regret against what moves."""

HELD_OUT = """
name: held out
orders: 2
checkpoints: 8
environments:
  - {name: cancer, kind: logistic_regression, data: breast_cancer, scaling: unit-rows, held_out: 0.25,
     domain: {kind: ball, radius: 5.0}}
learners:
  - {kind: ogd, learning_rate: [0.5, 2.0]}
  - {kind: fd_adagrad, rank: [2, 8], learning_rate: 1.0}
"""
"""A quarter of the rows are kept from all learners."""

FAILURES = ("NumericsError", "round 17: the loss is inf at the point that OGD() played")


class Silent:
    """A progress that says nothing."""

    def start(self, what: str, total: int, done: int) -> None:
        """Nothing."""

    def tell(self, outcome: Any, labels: dict[str, Any]) -> None:
        """Nothing."""

    def elsewhere(self, count: int) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def play(config: str, directory: Path) -> Path:
    """Play a config into ``directory / "results"`` and return that."""
    path = directory / "config.yaml"
    path.write_text(config)
    results = directory / "results"
    run_sweep(make_plan(load_config(path, ())), Store(results), backend=Backend("threads", 1), progress=Silent())
    return results


def plan_of(store: Store) -> dict[str, Any]:
    """The plan that a store must hold."""
    plan = store.plan()
    assert plan is not None
    return plan


def fail(results: Path, count: int, error: str = FAILURES[0], message: str = FAILURES[1]) -> list[str]:
    """Turn the last runs of a directory into failed ones; returns their ids."""
    store = Store(results)
    ids = [row["id"] for row in plan_of(store)["runs"][-count:]]
    for identifier in ids:
        stored = store.read("runs", identifier)
        assert stored is not None
        kept = ("id", "content", "provenance", "ended_at", "seconds")
        metadata = {name: stored.metadata[name] for name in kept}
        store.write("runs", metadata | {"status": "failed", "error": error, "message": message}, {})
    return ids


def many(template: Path, target: Path, count: int) -> Path:
    """A directory of ``count`` finished runs, made from the runs of another, that is hard to make small.

    Hundreds of learners and ranks, each with a curve of its own of 30 rounds, and spectra of 256 eigenvalues.
    """
    source = Store(template)
    originals = [run for run in source.runs() if run.finished]
    plan = plan_of(source)
    labels = {row["id"]: row for row in plan["runs"]}
    generator = np.random.default_rng(0)
    rows = []
    for i in range(count):
        original = originals[i % len(originals)]
        metadata = copy.deepcopy(original.metadata)
        metadata["content"]["repetition"] = 1 + i
        metadata["id"] = identifier = content_hash(metadata["content"])
        factor = float(generator.uniform(0.5, 2.0))
        for name in ("regret_lower", "regret_upper", "bound", "cumulative_loss", "tail_mass", "escaped_mass"):
            value = metadata["scalars"].get(name)
            metadata["scalars"][name] = value * factor if isinstance(value, float) else value
        metadata["seeds"] = {"order": int(generator.integers(2**53)), "learner": int(generator.integers(2**53))}
        metadata["ended_at"] = f"2026-01-{i % 28 + 1:02d}T{i % 24:02d}:{i % 60:02d}:{i * 7 % 60:02d}+00:00"
        rounds = np.unique(np.rint(np.geomspace(1, 100_000, 30)))
        arrays = {
            name: rounds if name == "round" else np.sort(generator.lognormal(3.0, 2.0, rounds.size))
            for name, array in original.arrays.items()
            if array.ndim == 1 and name != "spectrum_rounds"
        }
        arrays["spectrum_rounds"] = rounds[[0, 7, 15, 22, -1]]
        arrays["spectra"] = np.sort(generator.lognormal(0.0, 3.0, (5, 256)), axis=1)[:, ::-1]
        data, description = pack(arrays)
        home = target / "runs" / identifier[:2] / identifier
        home.parent.mkdir(parents=True, exist_ok=True)
        home.with_suffix(".npy").write_bytes(data)
        home.with_suffix(".json").write_bytes(seal(metadata | {"arrays": description}))
        row = dict(labels[original.id]) | {"id": identifier, "order": i % 3, "environment": f"game {i // 250}"}
        row["learner"] = f"{row['learner']} {i % 40}"
        if row["rank"] is not None:
            row["rank"] = 2 ** (i % 6)
        if row["point"].get("learning_rate") is not None:
            row["point"] = {"learning_rate": float(f"{10 ** generator.uniform(-2, 1):.6g}")}
        rows.append(row)
    kinds = {row["learner"]: plan["kinds"][row["learner"].partition(" ")[0]] for row in rows}
    Store(target).write_plan(plan | {"name": "many runs", "runs": rows, "kinds": kinds})
    for path in (template / "provenance").glob("*.json"):
        (target / "provenance").mkdir(exist_ok=True)
        (target / "provenance" / path.name).write_bytes(path.read_bytes())
    return target
