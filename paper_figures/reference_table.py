"""Make the reference table of the rank sweep: python -m paper_figures.reference_table.

Plays what is missing of configs/rank_sweep.yaml and writes, to results/reference/rank_sweep/, the table (table.csv) and
the regrets of every order at the best rates (orders.csv), with their provenance beside them (.json).
"""

from __future__ import annotations

import subprocess
import sys

from paper_figures.pieces import ROOT, Places
from regret_experiments import load
from regret_experiments.tables import best_runs, rank_table

CONFIG = ROOT / "configs" / "rank_sweep.yaml"
KEPT = ["environment", "learner", "rank", "order", "learning_rate", "cumulative_loss", "regret_lower", "regret_upper"]


def main(arguments: list[str] | None = None) -> None:
    """Run the sweep and write both tables."""
    given = Places.from_arguments(__doc__, arguments)
    places = given if arguments else Places(tables=ROOT / "results" / "reference" / "rank_sweep")
    path = places.results / "rank_sweep"
    sweep = ["sweep", str(CONFIG.relative_to(ROOT)), "--results", str(path), "--no-figures"]
    subprocess.run([sys.executable, "-m", "regret_experiments", *sweep], cwd=ROOT, check=True)
    runs = load(path).runs
    command = "python -m paper_figures.reference_table"
    places.write_table("table", rank_table(runs), [path], command=command)
    places.write_table("orders", best_runs(runs)[KEPT], [path], command=command)


if __name__ == "__main__":
    main()
