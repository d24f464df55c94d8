"""Interleaved medians of the CPU time of one thread, and streams of rows to spend it on."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from scipy import sparse

from oco.losses.rows import Rows
from oco.types import Array

Work = Callable[[], int]
"""Does some rounds and returns how many."""


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, the last that it may use."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def microseconds(works: dict[str, Work], repetitions: int = 7) -> dict[str, float]:
    """Median microseconds of CPU a round of each, taken in turns so that all see the same machine."""
    samples: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repetitions):
        for name, work in works.items():
            began = time.thread_time()
            rounds = work()
            samples[name].append(1e6 * (time.thread_time() - began) / rounds)
    return {name: statistics.median(times) for name, times in samples.items()}


def in_turns(works: dict[str, Callable[[], object]], repetitions: int) -> dict[str, tuple[float, float]]:
    """Median wall-clock and CPU seconds (all threads) of each."""
    wall: dict[str, list[float]] = {name: [] for name in works}
    processor: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repetitions):
        for name, work in works.items():
            began, worked = time.perf_counter(), time.process_time()
            work()
            wall[name].append(time.perf_counter() - began)
            processor[name].append(time.process_time() - worked)
    return {name: (statistics.median(wall[name]), statistics.median(processor[name])) for name in works}


def adult(rounds: int | None = None) -> tuple[str, sparse.csr_array, Array]:
    """Rows of a9a with an intercept in a fixed random order, d = 124; generated ones without ``OCO_DATA_DIR``."""
    directory = os.environ.get("OCO_DATA_DIR")
    generator = np.random.default_rng(0)
    if directory:
        from sklearn.datasets import load_svmlight_file

        features, labels = load_svmlight_file(str(Path(directory) / "a9a.bz2"), n_features=123)
        name, targets = "a9a", np.where(labels > 0.0, 1.0, -1.0)
    else:
        columns = np.minimum(generator.zipf(1.3, (32_561, 14)) - 1, 122)
        places = (np.repeat(np.arange(32_561), 14), columns.ravel())
        features = sparse.csr_array((np.ones(columns.size), places), shape=(32_561, 123))
        features.data[:] = 1.0
        name = "rows in the shape of a9a"
        margins = features @ generator.standard_normal(123)
        targets = np.where(margins + generator.standard_normal(32_561) > 0.0, 1.0, -1.0)
    rows = sparse.csr_array(sparse.hstack([features, np.ones((features.shape[0], 1))]))
    order = generator.permutation(targets.size)[:rounds]
    rows = sparse.csr_array(rows[order])
    rows.sort_indices()
    return name, rows, targets[order]


def dense_rows(dimension: int, rounds: int) -> tuple[str, Array, Array]:
    """Gaussian rows whose covariance has the spectrum 1/i, and noisy labels of a linear function."""
    generator = np.random.default_rng(dimension)
    rows = generator.standard_normal((rounds, dimension)) / np.sqrt(np.arange(1, dimension + 1))
    margins = rows @ generator.standard_normal(dimension)
    return "generated", rows, np.where(margins + generator.standard_normal(rounds) > 0.0, 1.0, -1.0)


def sparse_rows(dimension: int, rounds: int, nonzeros: int) -> tuple[sparse.csr_array, Array]:
    """``nonzeros`` entries a row, in columns of Zipf frequencies as words have; rows of length 1."""
    generator = np.random.default_rng(nonzeros)
    spread = np.exp(generator.random((rounds, nonzeros)) * np.log(dimension)).astype(np.int64) - 1
    columns = np.sort(np.clip(spread, 0, dimension - 1), axis=1)
    places = (np.repeat(np.arange(rounds), nonzeros), columns.ravel())
    rows = sparse.csr_array((generator.random(columns.size) + 0.5, places), shape=(rounds, dimension))
    rows.sum_duplicates()
    rows.sort_indices()
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.data /= np.repeat(lengths, np.diff(rows.indptr))
    return rows, np.where(generator.random(rounds) < 0.5, 1.0, -1.0)


def newsgroups(rounds: int) -> tuple[str, Rows, Array]:
    """First rows of news20 (d = 62,061; the first class against the rest), or generated ones of its size."""
    directory = os.environ.get("OCO_DATA_DIR")
    if not directory:
        return ("rows in the shape of news20", *sparse_rows(62_061, rounds, 80))
    from sklearn.datasets import load_svmlight_file

    rows, labels = load_svmlight_file(str(Path(directory) / "news20.bz2"))
    rows = sparse.csr_array(rows[:rounds])
    rows.sort_indices()
    return "news20", rows, np.where(labels[:rounds] == labels[0], 1.0, -1.0)
