"""Regret against memory on real data: k = 1, 2, 4, ... and d - 1, over the spectra of the gradients."""

from __future__ import annotations

from paper_figures.pieces import Places
from regret_experiments import load
from regret_experiments.figures.drawing import drawn
from regret_experiments.tables import rank_table

SEEDS = "Seeds: results/reference/paper/rank_sweep.json."


def main(arguments: list[str] | None = None) -> None:
    """Write the table and the figure."""
    places = Places.from_arguments(__doc__, arguments)
    path = places.require("rank_sweep")
    results = load(path)
    places.write_table("rank_sweep", rank_table(results.runs), [path], command="python -m paper_figures.rank_sweep")
    figure, caption = drawn(results, "signature")
    places.write_figure("rank_sweep", figure, f"{caption.strip()} {SEEDS}")


if __name__ == "__main__":
    main()
