"""Regret against memory on real data: k = 1, 2, 4, ... and d - 1, with bound, escaped mass and tail mass."""

from __future__ import annotations

import matplotlib

from paper_figures.pieces import Places
from regret_experiments import load
from regret_experiments.figures import signature_figure
from regret_experiments.figures.style import base_style
from regret_experiments.tables import rank_table

CAPTION = """
Regret of one pass against the floats of the state, logistic loss on the Euclidean ball of radius 5: {games}. Top: at
the best of {points} learning rates in [0.03, 3], with the range over data orders of the certified regret interval; the
numbers are k, the directions that FD-AdaGrad (the paper's S-AdaGrad) keeps. Middle: bound of each learner's theorem
(filled) and regret (hollow) at the theorem's learning rate. Bottom: eigenvalue mass outside the top k of the gradient
covariance (filled) and mass that escaped from the sketch (hollow). Seeds: results/reference/paper/rank_sweep.json.
"""


def main(arguments: list[str] | None = None) -> None:
    """Write the table and the figure."""
    places = Places.from_arguments(__doc__, arguments)
    path = places.require("rank_sweep")
    runs = load(path).runs
    table = rank_table(runs)
    places.write_table("rank_sweep", table, [path], command="python -m paper_figures.rank_sweep")
    tables = {str(name): rows for name, rows in table.groupby("environment", sort=False)}
    games = "; ".join(
        f"{name} ({int(rows['rounds'].max()):,} rounds, d = {int(rows['dimension'].max()):,}, "
        f"{rows['order'].nunique()} order{'s' if rows['order'].nunique() > 1 else ''})"
        for name, rows in runs.groupby("environment", sort=False)
    )
    with matplotlib.rc_context(base_style()):
        figure = signature_figure(tables)
    points = runs["learning_rate"].nunique()
    places.write_figure("rank_sweep", figure, CAPTION.format(games=games, points=points))


if __name__ == "__main__":
    main()
