"""The figure that makes the case: regret against memory, and why."""

from __future__ import annotations

from typing import Any

import pandas as pd

from regret_experiments.figures.bounds import bound_vs_memory
from regret_experiments.figures.common import Styles, mark_incomplete, styles_of
from regret_experiments.figures.masses import tail_mass_vs_memory
from regret_experiments.figures.memory import regret_vs_memory
from regret_experiments.figures.style import WIDTHS


def signature_figure(
    tables: dict[str, pd.DataFrame], title: str = "", *, size: str = "two-column", styles: Styles | None = None
) -> Any:
    """Regret, bound and tail mass against memory, a column for every environment; returns the Matplotlib figure.

    The top row shows the best learning rate alone, the second the theorem's beneath its bound.
    """
    from matplotlib.figure import Figure

    width = WIDTHS[size] * max(1.0, len(tables) / (1 if size == "one-column" else 2.4))
    figure = Figure(figsize=(width, 0.62 * min(width, 14.0) + 1.2), layout="constrained")
    grid = figure.subplots(3, len(tables), sharex="col", squeeze=False, height_ratios=[3.0, 1.6, 1.3])
    for column, (environment, table) in enumerate(tables.items()):
        marked = mark_incomplete(styles_of(table) if styles is None else styles, table)
        for row, draw in enumerate((regret_vs_memory, bound_vs_memory, tail_mass_vs_memory)):
            axes = draw(table, grid[row, column], styles=marked, **({"theorem": False} if row == 0 else {}))
            if column:
                axes.set_ylabel("")
            if row < 2:
                axes.set_xlabel("")
        heading = environment.replace("_", " ")
        if "dimension" in table and table["dimension"].notna().any():
            heading += f"  (d = {int(table['dimension'].max())})"
        grid[0, column].set_title(heading, parse_math=False)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure
