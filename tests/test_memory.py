"""Games in less memory than their rows: a mapped file under a limit, chunks, sparse rows in a million dimensions."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import oco
from oco.environments import LeastSquares, LogisticRegression
from oco.errors import DataError
from oco.losses import RowBlock
from oco.types import Array

LIMITED = """
import gc, json, re, resource, sys
from pathlib import Path
import numpy as np, oco

def game(rows, count):
    targets = np.where(np.arange(count) % 3 == 0, 1.0, -1.0)
    return oco.environments.LeastSquares(rows, targets, domain=oco.Ball(radius=2.0))

path, count, dimension, headroom = Path(sys.argv[1]), *map(int, sys.argv[2:])
rows = np.memmap(path, dtype=np.float32, mode="r", shape=(count, dimension))
small = np.random.default_rng(0).standard_normal((2500, dimension))
oco.play(game(small, 2500), oco.FDAdaGrad(rank=4), checkpoints=1)  # compiled before memory is limited
del small
gc.collect()
data = int(re.search(r"VmData:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1)) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (data + headroom, data + headroom))
record = oco.play(game(rows, count), oco.FDAdaGrad(rank=4), checkpoints=1)
try:
    np.ones(count * dimension)
    limited = False
except MemoryError:
    limited = True
print(json.dumps({
    "limited": limited,
    "rounds": record.scalars["rounds"],
    "form": record.scalars["form"],
    "gap": record.scalars["comparator_gap"] / record.curves["comparator_upper"][-1],
    "tail": record.scalars["tail_mass"],
    "within the bound": bool(record.regret.upper <= record.bound.value),
}))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is limited through Linux's resource limits")
def test_a_game_on_a_mapped_file_larger_than_the_memory_that_may_be_used(tmp_path: Path) -> None:
    """Play, spectrum (by operator: d > 1024), bound and comparator in less memory than the file or the rows take."""
    count, dimension, headroom = 31_000, 1_100, 110 << 20
    path = tmp_path / "rows.f4"
    generator = np.random.default_rng(1)
    with path.open("wb") as file:
        for first in range(0, count, 2_000):
            generator.standard_normal((min(2_000, count - first), dimension), dtype=np.float32).tofile(file)
    assert path.stat().st_size > headroom
    command = [sys.executable, "-c", LIMITED, str(path), str(count), str(dimension), str(headroom)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["limited"]
    assert found["rounds"] == count
    assert "block-ahead" in found["form"]
    assert found["gap"] <= 1e-6
    assert found["tail"] > 0.0
    assert found["within the bound"]


class Chunks:
    """Rows that are read in blocks; knows how many were asked for at once."""

    def __init__(self, rows: sparse.csr_array | Array, targets: Array) -> None:
        self.rows, self.targets = rows, targets
        self.n_rows, self.dimension = rows.shape
        self.largest = 0

    def block(self, start: int, stop: int) -> tuple[sparse.csr_array | Array, Array]:
        self.largest = max(self.largest, stop - start)
        return self.rows[start:stop], self.targets[start:stop]


def sparse_rows(count: int, dimension: int, nonzeros: int, seed: int = 0) -> tuple[sparse.csr_array, Array]:
    generator = np.random.default_rng(seed)
    columns = np.sort(generator.integers(0, dimension, (count, nonzeros)), axis=1)
    starts = np.arange(0, count * nonzeros + 1, nonzeros)
    rows = sparse.csr_array((generator.standard_normal(count * nonzeros), columns.ravel(), starts), (count, dimension))
    rows.sum_duplicates()
    return rows, np.where(rows @ generator.standard_normal(dimension) > 0.0, 1.0, -1.0)


@pytest.mark.parametrize("dimension", [40, 1100])
@pytest.mark.parametrize("dense", [False, True], ids=["CSR", "dense"])
def test_chunks_are_played_and_tracked_as_rows_in_memory_are(
    dimension: int, dense: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, targets = sparse_rows(5000, dimension, 8)
    given = rows.toarray() if dense else rows
    domain = oco.Ball(radius=3.0)
    learner, checkpoints = oco.FDAdaGrad(rank=5), [20, 5000]
    game = LogisticRegression(given, targets, domain=domain, order="file")
    expected = oco.play(game, learner, checkpoints=checkpoints)
    monkeypatch.setattr("oco.losses.rows.HELD_SHARE", 0.0)
    chunks = Chunks(given, targets)
    game = LogisticRegression(chunks, domain=domain, order="file")
    got = oco.play(game, learner, checkpoints=checkpoints)
    assert 0 < chunks.largest <= 4096
    assert got.cumulative_loss == pytest.approx(expected.cumulative_loss, rel=1e-12)
    assert got.curves["tail_mass"] == pytest.approx(expected.curves["tail_mass"], rel=1e-9, nan_ok=True)
    assert got.scalars["comparator_tight"]
    assert got.regret.lower <= expected.regret.upper
    assert expected.regret.lower <= got.regret.upper


def test_wide_dense_rows_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oco.losses.rows.PIECE_FLOATS", 3_000)
    monkeypatch.setattr("oco.losses.rows.HELD_SHARE", 0.0)
    generator = np.random.default_rng(0)
    chunks = Chunks(generator.standard_normal((400, 300)), generator.standard_normal(400))
    oco.play(LeastSquares(chunks, domain=oco.Ball(radius=1.0), order="file"), oco.FDAdaGrad(rank=3))
    assert chunks.largest == 10


def test_chunks_of_the_wrong_shape_are_refused() -> None:
    class Short(Chunks):
        def block(self, start: int, stop: int) -> tuple[sparse.csr_array | Array, Array]:
            return super().block(start, max(start + 1, stop - 1))

    rows, targets = sparse_rows(50, 5, 2)
    game = LogisticRegression(Short(rows, targets), order="file")
    with pytest.raises(DataError, match=r"block\(0, 50\) of the rows must have shape \(50, 5\), got \(49, 5\)"):
        game.block(0, 50)


LEARNERS = (
    oco.OGD(learning_rate=0.5),
    oco.DiagonalAdaGrad(learning_rate=0.3),
    oco.FDAdaGrad(rank=6, learning_rate=0.3),
)


@pytest.mark.parametrize("domain", [oco.Unbounded(), oco.Ball(radius=0.8)], ids=["unbounded", "ball"])
@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_sparse_rows_give_the_trajectory_of_dense_rows(learner: oco.Learner, domain: oco.Domain) -> None:
    """In thousands of dimensions, against the same learner on dense rows, and one gradient at a time."""
    rows, targets = sparse_rows(1200, 4000, 30)
    scalar = oco.losses.Logistic()
    dense, compressed, plain = learner.fresh(), learner.fresh(), learner.fresh()
    for player in (dense, compressed, plain):
        player.start(oco.Problem(domain.with_shape((4000,)), 1200))
    for first in range(0, 1200, 300):
        these, labels = rows[first : first + 300], targets[first : first + 300]
        dense.play_block(RowBlock(scalar, these.toarray(), labels))
        compressed.play_block(RowBlock(scalar, these, labels))
        for row, label in zip(these.toarray(), labels, strict=True):
            plain.update(scalar.at(float(row @ plain.prediction), label)[1] * row)
        size = np.linalg.norm(plain.prediction)
        assert np.linalg.norm(compressed.prediction - dense.prediction) <= 1e-10 * size
        assert np.linalg.norm(compressed.prediction - plain.prediction) <= 1e-10 * size


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_a_million_dimensions_take_a_few_vectors(learner: oco.Learner) -> None:
    """The peak of a whole game, tracker included: O(d k) for the state and the scratch of the learner, not T x d."""
    count, dimension = 600, 1_000_000
    rows, targets = sparse_rows(count, dimension, 20)
    game = LogisticRegression(rows, targets, domain=oco.Ball(radius=2.0))
    tracemalloc.start()
    try:
        record = oco.play(game, learner, comparator=False, spectrum=False, checkpoints=5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    rank = learner.rank or 0
    assert record.scalars["rounds"] == count
    assert peak <= 8 * dimension * (12 + 5 * rank)
    assert peak <= 0.1 * 8 * count * dimension
