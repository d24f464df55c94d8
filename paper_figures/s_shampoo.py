"""S-Shampoo against Shampoo and Adam on small networks: final loss against optimizer state, and learning curves.

oco train configs/paper/training_autoencoder.yaml      # and the other networks of NETWORKS
python -m paper_figures.s_shampoo
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figures.pieces import Places
from regret_experiments.figures.common import tidy_log
from regret_experiments.figures.style import base_style
from regret_experiments.store import Store
from regret_experiments.training.outputs import stored_grid, stored_records, summarize

NETWORKS = {
    "training_autoencoder": "autoencoder (digits)",
    "training_characters": "transformer (characters)",
    "training_convolutional": "convolutional (digits)",
    "training_classifier": "classifier (digits)",
}
"""Configs and what they are called."""

MARKERS = {"Adam": "s", "NAdam": "D", "Shampoo": "*"}
SKETCHED = "o"
CURVES = {"Adam": ":", "Shampoo": "--"}
"""Line styles of the learning curves; the sketches are solid, the larger the rank the darker."""

CAPTION = """
Training loss after all steps (mean over seeds {seeds}; whiskers: their range) against all numbers that the optimizer
holds per parameter of the network. Each optimizer at the learning rate that was best from seed 0 on one grid for all;
5 % warm-up, then cosine decay. S-Shampoo k keeps k directions of each Kronecker factor, grafts a factored second moment
and refreshes every 10 steps, as Shampoo here does. Below: the loss during training, mean over the seeds; dotted Adam,
dashed Shampoo, solid S-Shampoo, darker where the rank is larger. Training losses only: held-out figures are in the
table.
"""


def table_of(stores: Mapping[str, Store]) -> pd.DataFrame:
    """One row for every network and optimizer: tuned rate, losses, ratio to Adam, steps to Adam's loss, state."""
    parts = []
    for network, store in stores.items():
        rows = pd.DataFrame(summarize(stored_records(store), stored_grid(store))).drop(columns="optimizer_ms")
        rows.insert(0, "network", network)
        parts.append(rows.assign(gap_closed=_gap_closed(rows)))
    return pd.concat(parts, ignore_index=True)


def _gap_closed(rows: pd.DataFrame) -> pd.Series[float]:
    """Share of the way from Adam's mean loss to Shampoo's; missing where Shampoo's is no better."""
    loss = rows.set_index("optimizer")["mean_loss"]
    gap = loss["Adam"] - loss["Shampoo"]
    return (loss["Adam"] - rows["mean_loss"]) / (gap if gap > 0.0 else np.nan)


def figure_of(table: pd.DataFrame, curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """A column for every network: loss against state, and below it the learning curves."""
    names = list(dict.fromkeys(table["network"]))
    with matplotlib.rc_context(base_style()):
        figure = Figure(figsize=(1.9 * max(2, len(names)), 3.9), layout="constrained")
        grid = figure.subplots(2, len(names), squeeze=False)
        for column, name in enumerate(names):
            _losses(grid[0, column], table[table["network"] == name])
            _curves(grid[1, column], curves[name])
            grid[0, column].set_title(name)
        grid[0, 0].set_ylabel("final training loss")
        grid[1, 0].set_ylabel("training loss")
    return figure


def _losses(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set_xscale("log")
    sketched = rows[rows["optimizer"].str.contains(" k=")].sort_values("state_floats_per_parameter")
    axes.plot(sketched["state_floats_per_parameter"], sketched["mean_loss"], color="black", lw=1.0)
    for row in rows.to_dict("records"):
        name, x, y = row["optimizer"], row["state_floats_per_parameter"], row["mean_loss"]
        spread = [[y - row["min_loss"]], [row["max_loss"] - y]]
        marker = MARKERS.get(name, SKETCHED)
        axes.errorbar(x, y, spread, marker=marker, color="black", mfc="white" if name in MARKERS else "black", lw=0.8)
        label = name if name in MARKERS else name.partition(" k=")[2]
        if name == sketched["optimizer"].iloc[0]:
            label = f"k = {label}"
        place: dict[str, Any] = {"xytext": (4, 4)} if name in MARKERS else {"xytext": (-5, -3), "ha": "right"}
        axes.annotate(label, (x, y), textcoords="offset points", fontsize=6.5, **place)
    low, high = axes.get_xlim()
    axes.set_xlim(0.3 * low, 2.5 * high)
    axes.set_xlabel("state / parameters")
    tidy_log(axes)


def _curves(axes: Axes, records: Sequence[Mapping[str, Any]]) -> None:
    labels = list(dict.fromkeys(record["optimizer"] for record in records))
    sketched = [label for label in labels if " k=" in label]
    for label in labels:
        if label not in CURVES and label not in sketched:
            continue
        curves = [record["curve"] for record in records if record["optimizer"] == label and record["status"] == "ok"]
        steps = [step for step, _ in curves[0]]
        losses = np.array([[loss for _, loss in curve] for curve in curves]).mean(axis=0)
        grey = "black"
        if label in sketched:
            grey = str(0.65 * (1.0 - (sketched.index(label) + 1) / len(sketched)))
        axes.plot(steps, losses, CURVES.get(label, "-"), color=grey, lw=1.0)
    axes.set_yscale("log")
    axes.set_xlabel("step")
    tidy_log(axes)


def main(arguments: list[str] | None = None) -> None:
    """Write the table and the figure."""
    places = Places.from_arguments(__doc__, arguments)
    paths = {network: path for name, network in NETWORKS.items() if (path := places.sweep(name)) is not None}
    stores = {network: Store(path) for network, path in paths.items()}
    table = table_of(stores)
    curves = {network: stored_records(store) for network, store in stores.items()}
    places.write_table("s_shampoo", table, paths.values(), command="python -m paper_figures.s_shampoo")
    seeds = sorted({record["seed"] for records in curves.values() for record in records})
    caption = CAPTION.format(seeds=", ".join(map(str, seeds)))
    places.write_figure("s_shampoo", figure_of(table, curves), caption)


if __name__ == "__main__":
    main()
