"""Runs that nobody played, with the regrets that a test gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def rows(environment: str, learner: str, rank: int | None, regrets: Any, **more: Any) -> list[dict[str, Any]]:
    """Finished runs, one for every order."""
    return [
        {
            "id": f"{environment}-{learner}-{rank}-{order}", "stage": "sweep", "environment": environment,
            "learner": learner, "kind": learner, "rank": rank, "order": order, "repetition": 0, "status": "finished",
            "learning_rate": 0.1, "regret_lower": regret - 0.5, "regret_upper": regret, "comparator_within": np.inf,
            "cumulative_loss": regret + 100.0, "bound": 50.0, "bound_valid": True, "tail_mass": 2.0,
            "escaped_mass": 1.0, "peak_state_floats": 12, "memory_formula": "d + 2", "dimension": 5, "seconds": 0.25,
            "held_out_loss": regret / 10.0, "message": None,
        }
        | more
        for order, regret in enumerate(regrets)
    ]  # fmt: skip


def frame(*parts: list[dict[str, Any]]) -> pd.DataFrame:
    """As `Results.runs` has them."""
    runs = pd.DataFrame([row for part in parts for row in part])
    runs["rank"] = runs["rank"].astype("Int64")
    return runs
