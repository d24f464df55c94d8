"""Draw the main figure from the committed table: python paper_figures/regret_vs_memory.py.

`python -m paper_figures.reference_table` makes the table, from the results of configs/rank_sweep.yaml.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pandas as pd

from regret_experiments.figures import signature_figure
from regret_experiments.figures.style import base_style

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write regret_vs_memory.png and regret_vs_memory.pdf beside this file."""
    table = pd.read_csv(ROOT / "results" / "reference" / "rank_sweep" / "table.csv", dtype={"rank": "Int64"})
    tables = {str(name): rows for name, rows in table.groupby("environment", sort=False)}
    with matplotlib.rc_context(base_style()):
        figure = signature_figure(tables)
        for ending in ("png", "pdf"):
            figure.savefig(Path(__file__).with_name(f"regret_vs_memory.{ending}"))


if __name__ == "__main__":
    main()
