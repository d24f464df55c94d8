"""Appendix A: one pass over real data with equal tuning budgets; average loss, error and places.

oco sweep configs/paper/a9a.yaml      # and the other data sets of SWEEPS
python -m paper_figures.appendix_a
"""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figures.pieces import Places, data_of
from regret_experiments import load
from regret_experiments.figures.common import tidy_log
from regret_experiments.figures.style import base_style, learner_style

SWEEPS = ("a9a", "cifar10", "gisette_scale", "gisette_stand_in", "mnist", "mushrooms")
TITLES = {
    "cifar10_part": "part of CIFAR-10, class 0",
    "gisette_stand_in": "generated, of gisette's shape",
    "mnist": "MNIST, digit 0",
}
"""What data is called in figures, where not by its own name."""

PAPERS = ("fd_adagrad", "rfd_son", "diagonal_adagrad", "ogd", "ada_fd", "fd_son")
"""Learners that the paper compares, at sketch size 10, which keeps k = 9 directions."""
PAPERS_RANK = 9

FAR_OFF = 12.0
"""A loss this many times as far above the median as the best is below it is written at the panel's edge."""

CAPTION = """
Average logistic loss of one pass, without projection, intercept included: {names}. Filled: training rows in the order
of the file (mushrooms: in a random order, for the file has one class after the other), at the point of the grid with
the least loss there (49 learning rates in [1e-6, 1] with delta or ridge = 0; for Ada-FD and FD-SON 7 x 7 learning rates
and ridges). Hollow: the same point on the test rows. Line: range over {orders} random orders of the training rows, cut
off where it leaves the panel (seeds in results/reference/paper/appendix_a.json). k directions are kept, the paper's
sketch size less one. Losses far beyond the panel are written at its edge. FD-AdaGrad is the paper's S-AdaGrad; learners
below the thin line are not in its comparison.
"""


def table_of(places: Places) -> pd.DataFrame:
    """One row for every data set, learner and rank."""
    rows = []
    for path in filter(None, map(places.sweep, SWEEPS)):
        runs = load(path).runs
        runs = runs[runs["status"] == "finished"]
        for (learner, kind, rank), group in runs.groupby(["learner", "kind", "rank"], sort=False, dropna=False):
            stages = {stage: group[group["stage"] == stage] for stage in ("tune", "train", "test", "orders")}
            if len(stages["train"]):
                data = data_of(path, stages["train"]["id"].iloc[0])
                rows.append({"data": data, "learner": learner, "kind": kind, "rank": rank} | _row(stages))
    table = pd.DataFrame(rows)
    return table.sort_values(["data", "train_loss"], kind="stable", ignore_index=True)


def _row(stages: dict[str, pd.DataFrame]) -> dict[str, Any]:
    train, test, orders = stages["train"].iloc[0], stages["test"], stages["orders"]
    shuffled = orders["cumulative_loss"] / orders["rounds"]
    rates = stages["tune"]["learning_rate"]
    return {
        "dimension": train["dimension"],
        "rounds": train["rounds"],
        "learning_rate": train["learning_rate"],
        "delta": train.get("delta", np.nan),
        "ridge": train.get("ridge", np.nan),
        "at_edge": train["learning_rate"] in (rates.min(), rates.max()),
        "points": len(stages["tune"]),
        "train_loss": train["cumulative_loss"] / train["rounds"],
        "train_error": train["mistakes"] / train["rounds"],
        "test_rounds": test["rounds"].mean(),
        "test_loss": (test["cumulative_loss"] / test["rounds"]).mean(),
        "test_error": (test["mistakes"] / test["rounds"]).mean(),
        "orders": len(orders),
        "orders_loss": shuffled.mean(),
        "orders_loss_low": shuffled.min(),
        "orders_loss_high": shuffled.max(),
        "orders_error": (orders["mistakes"] / orders["rounds"]).mean(),
        "regret_lower": train["regret_lower"],
        "regret_upper": train["regret_upper"],
        "state_floats": train["peak_state_floats"],
        "memory_formula": train["memory_formula"],
        "escaped_mass": train["escaped_mass"],
        "tail_mass": train["tail_mass"],
        "seconds": stages["tune"]["seconds_play"].median(),
        "run": train["id"],
    }


def places_of(table: pd.DataFrame) -> pd.DataFrame:
    """Places 1 to 6 by average loss among the paper's learners at the paper's sketch size."""
    chosen = table[table["learner"].isin(PAPERS) & table["rank"].fillna(PAPERS_RANK).eq(PAPERS_RANK)]
    columns = {}
    for measure in ("train_loss", "test_loss"):
        places = chosen[chosen[measure].notna()]
        places = places.assign(place=places.groupby("data")[measure].rank(method="min"))
        wide = places.pivot(index="learner", columns="data", values="place")
        columns |= {f"{data} ({measure.partition('_')[0]})": wide[data] for data in wide}
    frame = pd.DataFrame(columns)
    frame.insert(0, "mean_place", frame.mean(axis=1))
    return frame.sort_values("mean_place", kind="stable").reset_index()


def figure_of(table: pd.DataFrame) -> Figure:
    """A panel for every data set, a row for every learner and rank."""
    kinds = list(dict.fromkeys([*PAPERS, *table["learner"]]))
    styles = dict(zip(table["learner"], table["kind"], strict=True))
    keys = sorted(
        {(str(row.learner), 0 if pd.isna(row.rank) else int(row.rank)) for row in table.itertuples()},
        key=lambda key: (key[0] not in PAPERS, kinds.index(key[0]), key[1]),
    )
    heights = {key: -position for position, key in enumerate(keys)}
    last = -max(position for position, key in enumerate(keys) if key[0] in PAPERS)
    names = list(dict.fromkeys(table["data"]))
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    with matplotlib.rc_context(base_style()):
        figure = Figure(figsize=(7.0, lines * (0.17 * len(keys) + 0.75)), layout="constrained")
        grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
        for axes, name in zip(grid.ravel(), names, strict=False):
            rows = table[table["data"] == name]
            at = [heights[str(row.learner), 0 if pd.isna(row.rank) else int(row.rank)] for row in rows.itertuples()]
            for row, height in zip(rows.itertuples(), at, strict=True):
                style = learner_style(str(row.kind))
                axes.plot([row.orders_loss_low, row.orders_loss_high], [height, height], color="black", lw=1.0)
                axes.plot(row.train_loss, height, marker="o", color=style.color, mec="black", mew=0.5)
                axes.plot(row.test_loss, height, marker="o", mfc="none", mec="black", mew=0.8, ms=6.5)
            axes.axhline(last - 0.5, color="black", lw=0.5)
            _scale(axes, rows, at)
            axes.set_title(TITLES.get(name, name))
            axes.set_yticks(list(heights.values()), [_label(styles, *key) for key in heights])
        for axes in grid.ravel()[len(names) :]:
            axes.set_axis_off()
        for axes in grid[-1]:
            axes.set_xlabel("average logistic loss")
        handles = [
            Line2D([], [], marker="o", ls="none", color="#888888", mec="black", label="training rows, tuned here"),
            Line2D([], [], marker="o", ls="none", mfc="none", mec="black", ms=6.5, label="test rows"),
            Line2D([], [], color="black", lw=1.0, label="range over orders of the training rows"),
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=3)
    return figure


def _scale(axes: Axes, rows: pd.DataFrame, heights: list[int]) -> None:
    """Scale the axis to the tuned losses: logarithmic if they are far apart, otherwise without the few outliers."""
    losses = rows[["train_loss", "test_loss"]].to_numpy(float)
    least, middle = np.nanmin(losses), np.nanmedian(losses)
    largest = np.nanmax(losses[losses <= middle + FAR_OFF * (middle - least)])
    if largest > 3.0 * least:
        axes.set_xscale("log")
        axes.set_xlim(0.8 * least, 2.0 * largest)
        tidy_log(axes)
    else:
        margin = 0.06 * (largest - least)
        axes.set_xlim(least - margin, largest + 2.0 * margin)
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
    for loss, height in zip(rows["train_loss"], heights, strict=True):
        if loss > largest:
            axes.text(0.99, height, f"{loss:.3g} →", transform=axes.get_yaxis_transform(), ha="right", va="center")


def _label(kinds: dict[str, str], learner: str, rank: int) -> str:
    name = learner_style(learner).label if kinds[learner] == learner else learner
    return name + (f", k = {rank}" if rank else "")


def main(arguments: list[str] | None = None) -> None:
    """Write the tables and the figure."""
    places = Places.from_arguments(__doc__, arguments)
    table = table_of(places)
    sources = [path for name in SWEEPS if (path := places.sweep(name)) is not None]
    places.write_table("appendix_a", table, sources, command="python -m paper_figures.appendix_a")
    places.write_table("appendix_a_places", places_of(table), sources, command="python -m paper_figures.appendix_a")
    sets = "; ".join(
        f"{TITLES.get(str(name), name)} ({int(rows['rounds'].iloc[0]):,} x {int(rows['dimension'].iloc[0]):,})"
        for name, rows in table.groupby("data", sort=False)
    )
    caption = CAPTION.format(names=sets, orders=int(table["orders"].max()))
    places.write_figure("appendix_a", figure_of(table), caption)


if __name__ == "__main__":
    main()
