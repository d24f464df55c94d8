"""Everything about running many games: configs, sweeps, the store, tables, figures and the command line."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Results": "regret_experiments.store.results",
    "Store": "regret_experiments.store",
    "curves_dataset": "regret_experiments.store.export",
    "load": "regret_experiments.store.results",
    "load_config": "regret_experiments.config",
    "make_plan": "regret_experiments.plan",
    "rank_table": "regret_experiments.tables",
    "read_parquet": "regret_experiments.store.export",
    "run_sweep": "regret_experiments.execution",
    "show_page": "regret_experiments.report.page",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'regret_experiments' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
