"""The table of a sweep: a row for every learner and rank on every environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from oco.regret.verdict import Verdict, verdict, worst

KEYS = ["stage", "environment", "learner", "kind", "rank"]
THEOREM = "theorem"
_HOLDS = {Verdict.HOLDS: True, Verdict.BROKEN: False}


def best_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return, of every stage, environment, learner and rank, the finished runs at its best point."""
    parts = [_best_of(group) for _, group in runs.groupby(KEYS, sort=False, dropna=False)]
    return pd.concat(parts) if parts else runs.iloc[:0]


def theorem_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return, of every stage, environment, learner and rank, the finished runs at the theorem's learning rate."""
    left = _left_to_theorem(runs)
    return best_runs(left) if len(left) else left


_COLUMNS = ("state_floats", "memory_formula", "regret_best", "regret_theorem", "bound", "tail_mass", "escaped_mass")


def rank_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Summarise runs, one row for every stage, environment, learner and rank.

    Parameters
    ----------
    runs
        As `regret_experiments.load` gives them: ``point`` says which tuned hyper-parameters a run had. Where there is
        no such column the learning rate alone was tuned.

    Returns
    -------
    DataFrame
        ``dimension``; ``state_floats`` (the most that a run held) and ``memory_formula``; ``regret_best``: mean over
        orders of the regret (certified upper end) at the point where that mean is lowest, of all that were played, the
        theorem's learning rate included, with ``regret_best_low`` and ``regret_best_high``, the least lower and the
        largest upper end over the orders, and ``regret_best_within``, the least radius within which these were
        certified (infinite: everywhere, missing: not known); ``best_point`` and whether its rate lies ``at_edge`` of
        those that were tried; the same for the theorem's step size; ``bound`` and the ``verdict`` on it there, the
        worst of its runs (see `oco.regret.Verdict`; ``bound_holds`` is true, false or missing with it); means over
        orders of ``tail_mass`` and ``escaped_mass``; ``seconds`` a run. ``loss_best`` and so on: the cumulative loss,
        or of a network the final training loss.

        ``orders``: how many orders (and repetitions) the best point is a mean of, ``orders_planned``: how many were
        asked for; ``orders_theorem`` and ``orders_theorem_planned``: the same for the theorem's rate; numbers of
        ``runs``, and of them ``finished``, ``failed``, ``missing`` and ``damaged`` ones; ``complete``: whether all are
        finished.
    """
    rows = [
        dict(zip(KEYS, key, strict=True)) | _summary(group)
        for key, group in runs.groupby(KEYS, sort=False, dropna=False)
    ]
    return pd.DataFrame(rows)


def loss_column(runs: pd.DataFrame) -> str:
    """Name of the loss that runs without a regret are compared by: of networks the final training loss."""
    return "final_loss" if "final_loss" in runs else "cumulative_loss"


def _summary(group: pd.DataFrame) -> dict[str, Any]:
    finished = group[group["status"] == "finished"]
    states = ("finished", "failed", "missing", "damaged")
    counts = {"runs": len(group)} | {state: int((group["status"] == state).sum()) for state in states}
    counts |= {"complete": len(finished) == len(group)}
    left = _left_to_theorem(group)
    best, theorem = _best_of(group), _best_of(left)
    orders = _orders("orders", group, best) | _orders("orders_theorem", left, theorem)
    if finished.empty:
        return dict.fromkeys(_COLUMNS, None) | orders | counts
    shown = theorem if not theorem.empty else best
    return {
        "dimension": int(finished["dimension"].max()) if "dimension" in finished else None,
        "state_floats": int(finished["peak_state_floats"].max()),
        "memory_formula": finished["memory_formula"].iloc[0],
        **_regret("best", best),
        "best_point": "" if best.empty else _points(best).iloc[0],
        "at_edge": _at_edge(finished, best),
        **_regret("theorem", theorem),
        "bound": shown["bound"].astype(float).mean(),
        **_verdict(shown),
        "tail_mass": shown["tail_mass"].astype(float).mean(),
        "escaped_mass": shown["escaped_mass"].astype(float).mean(),
        **orders,
        **counts,
        "seconds": finished["seconds"].astype(float).mean(),
    }


def _points(runs: pd.DataFrame) -> pd.Series[Any]:
    """The tuned point of every run, as a text."""
    if "point" in runs:
        return runs["point"]
    if "learning_rate" not in runs:
        return pd.Series("", index=runs.index)
    return runs["learning_rate"].map(lambda rate: THEOREM if pd.isna(rate) else f"{rate:.6g}")


def _orders(name: str, asked: pd.DataFrame, best: pd.DataFrame) -> dict[str, int]:
    """How many orders a point is a mean of, and how many of it were asked for."""
    if best.empty:
        planned = int(_points(asked).value_counts().max()) if len(asked) else 0
    else:
        planned = int((_points(asked) == _points(best).iloc[0]).sum())
    return {name: len(best), f"{name}_planned": planned}


def _left_to_theorem(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs whose learning rate was left to the theorem."""
    return runs[runs["learning_rate"].isna()] if "learning_rate" in runs else runs.iloc[:0]


def _best_of(group: pd.DataFrame) -> pd.DataFrame:
    """Finished runs at the point with the lowest mean, among the points that finished on most orders."""
    finished = group[group["status"] == "finished"]
    if finished.empty:
        return finished
    points = _points(finished)
    measure = "regret_upper" if finished["regret_upper"].notna().any() else loss_column(finished)
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


def _at_edge(finished: pd.DataFrame, best: pd.DataFrame) -> bool:
    """Whether the best learning rate is the least or the largest of several that were tried."""
    if "learning_rate" not in finished or best.empty:
        return False
    tried = finished["learning_rate"].astype(float).dropna().unique()
    return len(tried) > 1 and float(best["learning_rate"].iloc[0]) in (min(tried), max(tried))


def _verdict(shown: pd.DataFrame) -> dict[str, Any]:
    numbers = shown[["regret_lower", "regret_upper", "bound"]].astype(float)
    valid = shown["bound_valid"] == True  # noqa: E712 (a column of objects)
    rows = zip(*(numbers[name] for name in numbers), valid, strict=True)
    found = worst(verdict(lower, upper, bound, holds) for lower, upper, bound, holds in rows)
    return {"verdict": str(found), "bound_holds": _HOLDS.get(found)}
