"""The figures that every sweep draws, as PDF and PNG."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from regret_experiments.figures.regret_curves import regret_curves
from regret_experiments.figures.regret_vs_memory import signature_figure
from regret_experiments.figures.style import base_style


def draw_all(path: str | Path) -> Iterator[Path]:
    """Draw what the results at ``path`` can show into ``path/figures``, and yield each file.

    ``regret_vs_memory``: a column for every environment; ``regret_curves``: one figure with a panel for every
    environment. A sweep without regrets (no comparator) draws nothing.
    """
    import matplotlib

    from regret_experiments.store.results import load
    from regret_experiments.tables import best_runs, rank_table

    results = load(path)
    runs = results.runs
    if "regret_upper" not in runs or runs["regret_upper"].isna().all():
        return
    table = rank_table(runs)
    if "regret_best" not in table:
        return
    dimensions = runs.groupby("environment")["dimension"].max()
    table = table[table["regret_best"].notna()].assign(dimension=lambda rows: rows["environment"].map(dimensions))
    stage = table["stage"].iloc[-1]
    table = table[table["stage"] == stage]
    with matplotlib.rc_context(base_style()):
        tables = {str(name): rows for name, rows in table.groupby("environment", sort=False)}
        yield from _save(signature_figure(tables), Path(path) / "figures" / "regret_vs_memory")
        best = best_runs(runs[runs["stage"] == stage])
        curves = results.curves.merge(best[["id", "kind"]], on="id")
        yield from _save(_curve_panels(curves), Path(path) / "figures" / "regret_curves")


def _curve_panels(curves: pd.DataFrame) -> Any:
    from matplotlib.figure import Figure

    environments = list(dict.fromkeys(curves["environment"].astype(str)))
    figure = Figure(figsize=(4.2 * len(environments) + 0.6, 3.6), layout="constrained")
    grid = figure.subplots(1, len(environments), squeeze=False)[0]
    for axes, environment in zip(grid, environments, strict=True):
        regret_curves(curves[curves["environment"] == environment], axes)
        axes.set_title(environment.replace("_", " "))
        axes.margins(x=0.02)
    return figure


def _save(figure: Any, stem: Path) -> Iterator[Path]:
    stem.parent.mkdir(parents=True, exist_ok=True)
    for ending in ("pdf", "png"):
        target = stem.with_suffix(f".{ending}")
        temporary = target.with_name(f".{target.name}")
        figure.savefig(temporary, format=ending)
        temporary.replace(target)
        yield target
