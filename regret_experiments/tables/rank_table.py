"""The table of a sweep: a row for every learner and rank on every environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

KEYS = ["stage", "environment", "learner", "kind", "rank"]
THEOREM = "theorem"


def best_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return, of every stage, environment, learner and rank, the finished runs at its best point."""
    points = _points(runs)
    parts = [
        _best_of(group, points)
        for _, group in runs[runs["status"] == "finished"].groupby(KEYS, sort=False, dropna=False)
    ]
    return pd.concat(parts) if parts else runs.iloc[:0]


_COLUMNS = ("state_floats", "memory_formula", "regret_best", "regret_theorem", "bound", "tail_mass", "escaped_mass")


def rank_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Summarise runs, one row for every stage, environment, learner and rank.

    Parameters
    ----------
    runs
        As `regret_experiments.load` gives them.

    Returns
    -------
    DataFrame
        ``dimension``; ``state_floats`` (the most that a run held) and ``memory_formula``; ``regret_best``: mean over
        orders of the regret (certified upper end) at the learning rate, or point of the grid, where that mean is
        lowest, with ``regret_best_low`` and ``regret_best_high``, the least lower and the largest upper end over the
        orders, and ``regret_best_within``, the least radius within which these were certified (infinite: everywhere,
        missing: not known); ``best_point`` and whether it lies ``at_edge`` of the grid; the same for the theorem's step
        size;
        ``bound`` and ``bound_holds`` at that step size, means over orders of ``tail_mass`` and ``escaped_mass``,
        numbers of ``runs`` and of ``failed`` ones, and ``seconds`` a run. ``loss_best`` and so on: the cumulative loss,
        or of a network the final training loss.
    """
    point_columns = _points(runs)
    rows = [
        dict(zip(KEYS, key, strict=True)) | _summary(group, point_columns)
        for key, group in runs.groupby(KEYS, sort=False, dropna=False)
    ]
    return pd.DataFrame(rows)


def loss_column(runs: pd.DataFrame) -> str:
    """Name of the loss that runs without a regret are compared by: of networks the final training loss."""
    return "final_loss" if "final_loss" in runs else "cumulative_loss"


def _points(runs: pd.DataFrame) -> list[str]:
    """Columns of tuned hyper-parameters: those between the labels and the final numbers."""
    columns = list(runs.columns)
    stop = columns.index("rounds") if "rounds" in columns else columns.index("message")
    return columns[columns.index("status") + 1 : stop]


def _summary(group: pd.DataFrame, point_columns: list[str]) -> dict[str, Any]:
    finished = group[group["status"] == "finished"]
    counts = {"runs": len(group), "failed": int((group["status"] == "failed").sum())}
    if finished.empty:
        return dict.fromkeys(_COLUMNS, None) | counts
    mine = [name for name in point_columns if group[name].notna().any()]
    theorem = _theorem_runs(finished)
    tuned = finished.drop(theorem.index)
    best = _best_of(finished, point_columns)
    shown = theorem if not theorem.empty else best
    return {
        "dimension": int(finished["dimension"].max()) if "dimension" in finished else None,
        "state_floats": int(finished["peak_state_floats"].max()),
        "memory_formula": finished["memory_formula"].iloc[0],
        **_regret("best", best),
        "best_point": _point_text(best, mine),
        "at_edge": _at_edge(tuned, best),
        **_regret("theorem", theorem),
        "bound": shown["bound"].astype(float).mean(),
        "bound_holds": _bound_holds(shown),
        "tail_mass": shown["tail_mass"].astype(float).mean(),
        "escaped_mass": shown["escaped_mass"].astype(float).mean(),
        **counts,
        "seconds": finished["seconds"].astype(float).mean(),
    }


def _theorem_runs(finished: pd.DataFrame) -> pd.DataFrame:
    """Runs whose learning rate was left to the theorem."""
    if "learning_rate" not in finished or finished["learning_rate"].notna().all():
        return finished.iloc[:0]
    return finished[finished["learning_rate"].isna()]


def _best_of(finished: pd.DataFrame, point_columns: list[str]) -> pd.DataFrame:
    """Runs at the point with the lowest mean, among the points that finished on most orders; the theorem's if alone."""
    tuned = finished.drop(_theorem_runs(finished).index)
    finished = finished if tuned.empty else tuned
    mine = [name for name in point_columns if finished[name].notna().any()]
    measure = "regret_upper" if finished["regret_upper"].notna().any() else loss_column(finished)
    if not mine:
        return finished
    points = finished[mine].astype(object).where(finished[mine].notna(), THEOREM).apply(tuple, axis=1)
    scores = finished[measure].astype(float).groupby(points, sort=False).agg(["mean", "count"])
    whole = scores[scores["count"] == scores["count"].max()]
    return finished[points == whole["mean"].idxmin()] if whole["mean"].notna().any() else finished.iloc[:0]


def _regret(name: str, runs: pd.DataFrame) -> dict[str, float]:
    columns = ("regret_lower", "regret_upper", loss_column(runs))
    lower, upper, loss = (runs[column].astype(float) for column in columns)
    within = runs["comparator_within"].astype(float) if "comparator_within" in runs else upper * np.nan
    return {
        f"loss_{name}": loss.mean() if len(runs) else np.nan,
        f"loss_{name}_low": loss.min() if len(runs) else np.nan,
        f"loss_{name}_high": loss.max() if len(runs) else np.nan,
        f"regret_{name}": upper.mean() if len(runs) else np.nan,
        f"regret_{name}_low": lower.min() if len(runs) else np.nan,
        f"regret_{name}_high": upper.max() if len(runs) else np.nan,
        f"regret_{name}_within": within.min(skipna=False) if len(runs) else np.nan,
    }


def _point_text(best: pd.DataFrame, mine: list[str]) -> str:
    if best.empty:
        return ""
    parts = []
    for name in mine:
        value = best[name].iloc[0]
        text = THEOREM if pd.isna(value) else (f"{value:.6g}" if isinstance(value, float) else str(value))
        parts.append(text if mine == ["learning_rate"] else f"{name}={text}")
    return " ".join(parts)


def _at_edge(tuned: pd.DataFrame, best: pd.DataFrame) -> bool:
    """Whether the best learning rate is the least or the largest of several that were tried."""
    if "learning_rate" not in tuned or best.empty:
        return False
    tried = tuned["learning_rate"].astype(float).dropna().unique()
    return len(tried) > 1 and float(best["learning_rate"].iloc[0]) in (min(tried), max(tried))


def _bound_holds(shown: pd.DataFrame) -> bool | None:
    """Whether every certified regret is below its bound; None where there is no bound whose assumptions hold."""
    valid = shown[shown["bound"].notna() & (shown["bound_valid"] == True)]  # noqa: E712 (a column of objects)
    if valid.empty or valid["regret_lower"].isna().all():
        return None
    return bool((valid["regret_lower"].astype(float) <= valid["bound"].astype(float)).all())
