"""Memory of FD-AdaGrad with k = 64 on d = 1,000,000 coordinates: the peak of this process, in units of the state.

Run by ``python -m benchmarks.wide_memory``, in a process of its own, because a peak never falls.
"""

from __future__ import annotations

import resource

import oco
from benchmarks.measure import sparse_rows
from oco.losses import Logistic, RowBlock

DIMENSION, RANK, ROUNDS, NONZEROS = 1_000_000, 64, 2_048, 100


def peak() -> float:
    """Most memory that this process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> None:
    """Play, and print the state's size, the peak before the learner is started, and the peak after the rounds."""
    rows, targets = sparse_rows(DIMENSION, ROUNDS, NONZEROS)
    problem = oco.Problem(oco.Unbounded(DIMENSION), 10**6)
    learner = oco.FDAdaGrad(rank=RANK, learning_rate=0.3)
    claimed = learner.memory(problem)
    assert claimed is not None
    state, before = claimed.floats * 8 / 2**20, peak()
    learner.start(problem)
    learner.play_block(RowBlock(Logistic(), rows, targets))
    print(f"state {claimed.formula}: {state:.0f} MB")
    print(f"peak before the start {before:.0f} MB, after {ROUNDS} rounds {peak():.0f} MB")
    print(f"{peak() / state:.2f} states, {(peak() - before) / state:.2f} without what was there before")


if __name__ == "__main__":
    main()
