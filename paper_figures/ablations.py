"""The effect of the parts of FD-AdaGrad: compensation, exponential weights, batched shrinks, order of the steps."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import oco
from paper_figures.pieces import Places
from paper_figures.stepping import RANK, play_variants
from regret_experiments import load
from regret_experiments.figures.common import tidy_log
from regret_experiments.figures.style import base_style
from regret_experiments.tables import rank_table

NAMES = {
    "full": "full compensation (FD-AdaGrad)",
    "half": "half (as in RFD)",
    "none": "none (plain FD)",
    "none delta": "none, and a tuned constant",
    "decay 0.9999": "full, decay 0.9999",
    "decay 0.999": "full, decay 0.999",
    "decay 0.99": "full, decay 0.99",
    "ftsl": "FTSL: a shrink a round",
    "ftfsl": "FTFSL: a shrink a full buffer",
    "ada_fd": "Ada-FD: a shrink a round",
    "ada_ffd": "Ada-FFD: a shrink a full buffer",
}
"""Learners of configs/paper/ablations.yaml in words, in the order of the figure."""
FILLS = ("white", "#999999", "black")
COLUMNS = ["regret_best", "regret_best_low", "regret_best_high"]

CAPTION = """
Top: regret at the best learning rate of {points} (for "tuned constant" also the best of three constants under the
root, for Ada-FD and Ada-FFD of two ridges), for {ranks} directions kept; the range over {orders} data orders of the
certified interval. {games}. Bottom: average loss, k = {rank}, without projection, of variants in which the step comes
before the sketch, or one shrink takes in several gradients; means over {seeds} orders, at the best of {rates} rates.
"""


def variants_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Each variant at its best rate on every game: mean over orders, with the range."""
    rows = []
    for (game, variant), group in runs.groupby(["game", "variant"], sort=False):
        means = group.groupby("learning_rate")["loss"].mean()
        best = group[group["learning_rate"] == means.idxmin()]["loss"]
        facts = {"game": game, "variant": variant, "k": RANK, "learning_rate": means.idxmin(), "orders": len(best)}
        rows.append(facts | {"loss": best.mean(), "loss_low": best.min(), "loss_high": best.max()})
    return pd.DataFrame(rows)


def figure_of(table: pd.DataFrame, variants: pd.DataFrame) -> Figure:
    """A panel for every game of the sweep, a row for every variant; and one for every game of the NumPy variants."""
    games = list(dict.fromkeys(table["environment"]))
    others = list(dict.fromkeys(variants["game"]))
    names = [name for name in NAMES if name in set(table["learner"])]
    ranks = sorted(table["rank"].dropna().unique())
    with matplotlib.rc_context(base_style()):
        figure = Figure(figsize=(7.0, 5.0), layout="constrained")
        top, bottom = figure.subfigures(2, 1, height_ratios=[0.25 * len(names) + 0.9, 2.2])
        for axes, game in zip(top.subplots(1, len(games), sharey=True, squeeze=False)[0], games, strict=True):
            rows = table[table["environment"] == game].set_index(["learner", "rank"])
            for height, name in enumerate(names):
                for shift, (rank, fill) in enumerate(zip(ranks, FILLS, strict=False)):
                    if (name, rank) in rows.index and np.isfinite(rows.loc[(name, rank), "regret_best"]):
                        middle, low, high = (float(rows.loc[(name, rank), column]) for column in COLUMNS)
                        y = -height - 0.22 * (shift - 1)
                        axes.plot([low, high], [y, y], color="black", lw=0.8)
                        axes.plot(middle, y, marker="o", mfc=fill, mec="black", ms=4)
            axes.set(xscale="log", title=game, xlabel="regret, best rate")
            axes.set_yticks([-height for height in range(len(names))], [NAMES[name] for name in names])
            tidy_log(axes)
        handles = [
            Line2D([], [], ls="none", marker="o", mfc=fill, mec="black", ms=4, label=f"k = {rank}")
            for rank, fill in zip(ranks, FILLS, strict=False)
        ]
        top.legend(handles=handles, loc="outside upper right", ncols=len(handles))
        labels = list(dict.fromkeys(variants["variant"]))
        for axes, game in zip(bottom.subplots(1, len(others), sharey=True, squeeze=False)[0], others, strict=True):
            for row in variants[variants["game"] == game].itertuples():
                y = -labels.index(row.variant)
                axes.plot([row.loss_low, row.loss_high], [y, y], color="black", lw=0.8)
                axes.plot(row.loss, y, marker="o", color="#999999", mec="black", ms=4)
            axes.set(title=f"{game}, k = {RANK}", xlabel="average loss, best rate")
            axes.set_yticks([-height for height in range(len(labels))], labels)
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Write the tables and the figure."""
    places = Places.from_arguments(__doc__, arguments)
    path = places.require("ablations")
    runs = load(path).runs
    table = rank_table(runs)
    played = play_variants()
    variants = variants_table(played)
    command = "python -m paper_figures.ablations"
    places.write_table("ablations", table, [path], command=command)
    seeds = sorted(int(seed) for seed in played["seed"].unique())
    places.write_table("ablations_stepping", variants, command=command, package=oco.__version__, seeds=seeds)
    games = "; ".join(
        f"{name}: {int(rows['rounds'].max()):,} rounds, d = {int(rows['dimension'].max())}"
        for name, rows in runs.groupby("environment", sort=False)
    )
    caption = CAPTION.format(
        points=runs["learning_rate"].nunique(),
        ranks=", ".join(str(rank) for rank in sorted(table["rank"].unique())),
        orders=runs["order"].nunique(),
        games=games,
        rank=RANK,
        seeds=len(seeds),
        rates=played["learning_rate"].nunique(),
    )
    places.write_figure("ablations", figure_of(table, variants), caption)


if __name__ == "__main__":
    main()
