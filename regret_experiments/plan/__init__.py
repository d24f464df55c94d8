"""Plans: the runs that a config asks for, named by their content.

Readers of results need the hash of contents alone, so that the planner is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from regret_experiments.plan.content import RESULT_SCHEMA, content_hash

if TYPE_CHECKING:
    from regret_experiments.plan.planner import Plan, Stage, make_plan
    from regret_experiments.plan.runs import Game, PlannedRun, Run

_HOME = {
    "Game": "runs",
    "Plan": "planner",
    "PlannedRun": "runs",
    "Run": "runs",
    "Stage": "planner",
    "make_plan": "planner",
}

__all__ = ["RESULT_SCHEMA", "Game", "Plan", "PlannedRun", "Run", "Stage", "content_hash", "make_plan"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
