"""Time comparator curves: 30 log-spaced checkpoints of a9a for each loss, on a ball and on a box.

    OCO_DATA_DIR=... python benchmarks/comparators.py [loss ...]

Without OCO_DATA_DIR a generated stream of the same shape is used, and named as such.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
from scipy import sparse

from oco.comparators import anytime
from oco.domains import Ball, Box, Domain
from oco.losses import RowBlock, scalar_loss

GOAL_SECONDS = 10.0


def load() -> tuple[str, sparse.csr_array, np.ndarray]:
    directory = os.environ.get("OCO_DATA_DIR")
    generator = np.random.default_rng(0)
    if directory:
        from sklearn.datasets import load_svmlight_file

        rows, targets = load_svmlight_file(str(Path(directory) / "a9a.bz2"))
        order = generator.permutation(targets.size)
        rows = sparse.csr_array(rows[order])
        rows.sort_indices()
        return "a9a", rows, targets[order]
    rows = sparse.random_array((32561, 123), density=0.11, rng=generator, format="csr", data_sampler=np.ones)
    margins = rows @ generator.standard_normal(123)
    return "generated in the shape of a9a", rows, np.where(margins + generator.standard_normal(32561) > 0, 1.0, -1.0)


def main() -> None:
    name, rows, targets = load()
    checkpoints = np.unique(np.geomspace(1, targets.size, 30).astype(int))
    names = sys.argv[1:] or ["logistic", "squared", "squared_hinge", "absolute", "hinge", "quantile"]
    domains: list[Domain] = [Ball(10.0, dimension=rows.shape[1]), Box(-1.0, 1.0, dimension=rows.shape[1])]
    warm = RowBlock(scalar_loss("logistic"), rows[:100], targets[:100])
    anytime(warm, domains[0], [100])
    print(f"{name}: {targets.size} x {rows.shape[1]}, {checkpoints.size} checkpoints, goal {GOAL_SECONDS:g} s")
    print(f"{'loss':14s} {'domain':6s} {'seconds':>8s} {'cpu':>8s} {'final relative gap':>19s}  all tight")
    for loss in names:
        for domain in domains:
            began, worked = time.perf_counter(), time.process_time()
            curve = anytime(RowBlock(scalar_loss(loss), rows, targets), domain, checkpoints)
            seconds, cpu = time.perf_counter() - began, time.process_time() - worked
            last = curve[-1]
            gap = last.gap / abs(last.value.upper)
            print(f"{loss:14s} {domain.name:6s} {seconds:8.2f} {cpu:8.2f} {gap:19.1e}  {curve.tight}")


if __name__ == "__main__":
    main()
