"""Every run of a sweep as columns: what it was, how it ended, and what is needed to play it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco.regret.interval import radius_text
from regret_experiments.report.encoding import column
from regret_experiments.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regret_experiments.store.results import Results
    from regret_experiments.store.store import StoredRun

_PLAIN = (
    "id", "rank", "order", "repetition", "status", "regret_lower", "regret_upper", "cumulative_loss",
    "regret_linearised", "regret_dynamic",
    "final_loss", "test", "ended", "bound",
    "bound_valid", "bound_theorem", "violations", "comparator_certificate", "comparator_gap", "comparator_tight",
    "tail_mass", "escaped_mass", "peak_state_floats", "seconds", "message",
)  # fmt: skip


def run_columns(
    results: Results,
    stored: Mapping[str, StoredRun],
    learners: Sequence[str],
    games: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Columns of `Results.runs`, and of the metadata: configs are stored once and named by their places.

    Returns
    -------
    dict
        ``runs``: columns by name, see `regret_experiments.report.encoding.column`; ``environments``: contents that
        runs refer to; ``provenance``: facts that runs refer to; ``tuned``: names of the tuned hyper-parameters.
    """
    runs = results.runs
    listed = [stored.get(identifier) for identifier in runs["id"]]
    tuned = _tuned(runs)
    columns = {name: column(runs[name]) for name in _PLAIN if name in runs}
    columns["learner"] = column([learners.index(name) for name in runs["learner"]])
    pairs = zip(runs["stage"], runs["environment"], strict=True)
    columns["game"] = column([games.index(pair) for pair in pairs])
    columns["microseconds"] = column(_microseconds(runs))
    columns["within"] = column(_within(runs))
    columns["point"] = column([_point(row, tuned) for row in runs[tuned].to_dict("records")])
    columns["learner_config"] = column([_content(run, "learner") for run in listed])
    columns["environment_config"] = column([_content(run, "environment") for run in listed])
    columns["checkpoints"] = column([_content(run, "checkpoints") for run in listed])
    columns["seed_order"] = column([_seed(run, "order") for run in listed])
    columns["seed_learner"] = column([_seed(run, "learner") for run in listed])
    for name in ("provenance", "ended_at", "error"):
        columns[name] = column([None if run is None else run.metadata.get(name) for run in listed])
    names = {run.metadata["provenance"] for run in listed if run is not None and "provenance" in run.metadata}
    facts = {name: Store(results.path).read_json(f"provenance/{name}.json") for name in sorted(names)}
    return {"runs": columns, "provenance": facts, "tuned": tuned}


def _tuned(runs: pd.DataFrame) -> list[str]:
    """Columns of tuned hyper-parameters: those between the labels and the final numbers."""
    columns = list(runs.columns)
    stop = columns.index("rounds") if "rounds" in columns else columns.index("message")
    return columns[columns.index("status") + 1 : stop]


def _within(runs: pd.DataFrame) -> list[str | None]:
    """The radius within which a regret is certified, in words; empty where it is everywhere."""
    known = runs["regret_upper"].notna() if "regret_upper" in runs else pd.Series(False, index=runs.index)
    radii = runs["comparator_within"] if "comparator_within" in runs else pd.Series(np.nan, index=runs.index)
    return [radius_text(float(radius)) if shown else None for radius, shown in zip(radii, known, strict=True)]


def _microseconds(runs: pd.DataFrame) -> list[Any]:
    if "seconds_play" not in runs:
        return [None] * len(runs)
    return list(1e6 * runs["seconds_play"].astype(float) / runs["rounds"].astype(float))


def _point(row: dict[Any, Any], tuned: list[str]) -> str:
    """Tuned hyper-parameters as the reader would say them; the theorem's learning rate is what is missing."""
    parts = []
    for name in tuned:
        value = row[name]
        if pd.isna(value):
            parts += ["theorem"] if name == "learning_rate" else []
        else:
            text = f"{value:.6g}" if isinstance(value, float) else str(value)
            parts.append(text if name == "learning_rate" else f"{name}={text}")
    return " ".join(parts)


def _content(run: StoredRun | None, name: str) -> Any:
    """A part of the content of a run, without what was computed from the rest of it."""
    if run is None:
        return None
    value = run.metadata["content"].get(name)
    return {key: part for key, part in value.items() if key != "described"} if isinstance(value, dict) else value


def _seed(run: StoredRun | None, name: str) -> Any:
    return None if run is None else run.metadata.get("seeds", {}).get(name)
