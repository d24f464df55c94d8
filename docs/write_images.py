"""Write the data of the picture of natural images: ``python docs/write_images.py``, from stored results and the stream.

The regrets are those of ``results/reference/rank_sweep/orders.csv``, first order; everything else is computed on the
stream of that order.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

import oco

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "reference" / "rank_sweep"
TARGET = ROOT / "regret_experiments" / "lessons" / "assets" / "images.json"
SHOWN = 32
"""Directions that are shown as patches."""


def regrets() -> dict[tuple[str, str], float]:
    """Regret by learner and rank."""
    with (RESULTS / "orders.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["environment"] == "natural_images" and row["order"] == "0"]
    return {(row["learner"], row["rank"]): float(row["regret_upper"]) for row in rows}


def data() -> dict[str, Any]:
    """Everything that the page is given."""
    seed = json.loads((RESULTS / "orders.json").read_text())["sweeps"]["rank_sweep"]["seeds"]["natural_images"]["0"]
    game = oco.environments.NaturalImages(11, 6000, domain=oco.Ball(radius=3.0))
    rows = np.asarray(game.fresh(seed).block(0, 6000).rows)
    values, vectors = np.linalg.eigh(rows.T @ rows)
    found = regrets()
    ranks = sorted(int(rank) for learner, rank in found if learner == "fd_adagrad")
    problem = oco.Problem(game.domain, 6000)
    escaped = []
    for rank in ranks:
        sketch = oco.FrequentDirections(rows.shape[1], rank)
        sketch.update(rows)
        escaped.append(float(f"{sketch.escaped_mass:.8g}"))
    leading = vectors[:, ::-1][:, :SHOWN].T
    patches = np.rint(127 * leading / np.abs(leading).max(axis=1, keepdims=True)).astype(int)
    return {
        "size": 11,
        "hole": 1,
        "ranks": ranks,
        "regrets": [found["fd_adagrad", str(rank)] for rank in ranks],
        "floats": [oco.FDAdaGrad(rank=rank).memory(problem).floats for rank in ranks],
        "escaped": escaped,
        "ogd": found["ogd", ""],
        "full": found["full_matrix_adagrad", ""],
        "full_floats": oco.FullMatrixAdaGrad().memory(problem).floats,
        "eigenvalues": [float(f"{value:.8g}") for value in values[::-1]],
        "directions": patches.tolist(),
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(data()) + "\n")
