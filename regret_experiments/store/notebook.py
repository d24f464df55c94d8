"""The results of a sweep as HTML for notebooks: what is there, and the best of every environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco import html
from oco.learners import LEARNERS
from regret_experiments.tables import best_runs, rank_table
from regret_experiments.tables.columns import interval_text
from regret_experiments.tables.rank_table import measured

if TYPE_CHECKING:
    from regret_experiments.store.results import Results

MOST = 8
"""Most environments, and most curves of one, that are shown; the table and the figures have all."""
_HEIGHT = 90.0


def results_html(results: Results) -> str:
    """Counts of runs, what is missing, and for every environment the best learner and small curves of all."""
    return html.table(f"sweep {results.name}", _rows(results))


def _rows(results: Results) -> Iterator[tuple[str, str, str]]:
    runs = results.runs
    counts: dict[Any, int] = runs["status"].value_counts().to_dict() if len(runs) else {}
    yield "directory", str(results.path), ""
    yield "runs", ", ".join(f"{count:,} {status}" for status, count in counts.items()) or "none", ""
    if results.shortfalls:
        yield "incomplete", results.shortfalls[0], ""
    if not len(runs) or not (runs["status"] == "finished").any():
        return
    measure, table = measured(rank_table(runs))
    chosen = best_runs(runs)
    curves = results.curves.merge(chosen[["id", "kind"]], on="id")
    games = list(table.groupby(["stage", "environment"], sort=False))
    for (_, environment), rows in games[:MOST]:
        known = rows[rows["regret_best"].notna()]
        if known.empty:
            yield str(environment), "no run is finished", ""
            continue
        best = known.sort_values("regret_best").to_dict("records")[0]
        rank = "" if pd.isna(best["rank"]) else f", k = {int(best['rank'])}"
        text = f"{best['learner']}{rank}: {measure} {interval_text(best, 'best')} at rate {best['best_point'] or '-'}"
        yield str(environment), text, _curves(curves[curves["environment"] == environment])
    if len(games) > MOST:
        yield "more", f"{len(games) - MOST} environments, see rank_table(results.runs)", ""


def _curves(curves: pd.DataFrame) -> str:
    """The mean regret, or loss, of up to `MOST` learners and ranks over log-spaced rounds, and their names."""
    regret = "regret_upper" in curves and curves["regret_upper"].notna().any()
    column = "regret_upper" if regret else "cumulative_loss"
    if column not in curves:
        return ""
    by: Any = curves.groupby(["learner", "rank", "kind"], sort=False, dropna=False, observed=True)
    lines = [(key, each.groupby("round")[column].mean().dropna()) for key, each in by]
    lines = [(key, line) for key, line in lines if len(line) > 1][:MOST]
    if not lines:
        return ""
    rounds = np.concatenate([line.index.to_numpy(float) for _, line in lines])
    values = np.concatenate([line.to_numpy(float) for _, line in lines])
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    across = (html.WIDTH - 8.0) / max(np.log(rounds.max() / rounds.min()), 1e-12)
    up = (_HEIGHT - 8.0) / (high - low) if high > low else 0.0
    parts, names = [], []
    for (learner, rank, kind), line in lines:
        look = LEARNERS[kind].look if kind in LEARNERS else None
        color = html.COLOR if look is None else look.color
        x = 4.0 + across * np.log(line.index.to_numpy(float) / rounds.min())
        y = _HEIGHT - 4.0 - up * (line.to_numpy(float) - low)
        parts.append(f'<polyline points="{html.points(x, y)}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        names.append(f"{learner}{'' if pd.isna(rank) else f' k={int(rank)}'}")
    about = f"{'regret' if regret else 'loss'} after t rounds, up to {high:.4g}: {', '.join(dict.fromkeys(names))}"
    return html.svg(_HEIGHT, about, parts) + html.small(about)
