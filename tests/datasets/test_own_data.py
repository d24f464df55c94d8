"""One's own data: the same rows by every road, and options that do what they say."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.datasets import Scaling, from_arrays, from_frame, from_iterator, load, open_chunks
from oco.errors import DataError

ROWS = np.array([[1.0, 0.0, -2.5], [0.0, 0.0, 1e-3], [3.0, 1 / 3, 0.0], [0.0, -1e10, 0.0]])
TARGETS = np.array([1.0, 2.0, 2.0, 1.0])


def svmlight(rows: np.ndarray, targets: np.ndarray) -> bytes:
    lines = []
    for row, target in zip(rows, targets, strict=True):
        entries = [f"{column + 1}:{value!r}" for column, value in enumerate(row.tolist()) if value]
        lines.append(" ".join([repr(float(target)), *entries]) + "\n")
    return "".join(lines).encode()


def table(rows: np.ndarray, targets: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    frame.insert(1, "y", targets)
    return frame


def write_csv(path: Path) -> None:
    lines = ["a,y,b,c"]
    for row, target in zip(ROWS.tolist(), TARGETS.tolist(), strict=True):
        lines.append(",".join(map(repr, [row[0], target, row[1], row[2]])))
    text = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def dense(rows) -> np.ndarray:
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


def make(tmp_path: Path, kind: str):
    path = tmp_path / kind
    options = {}
    if kind.startswith("x.svm"):
        compress = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
        path.write_bytes(compress[kind.removeprefix("x.svm")](svmlight(ROWS, TARGETS)))
    elif kind.startswith("x.csv"):
        write_csv(path)
        options = {"target": "y"}
    elif kind == "x.parquet":
        pytest.importorskip("pyarrow")
        table(ROWS, TARGETS).to_parquet(path)
        options = {"target": 1}
    elif kind == "dense.npz":
        np.savez(path, rows=ROWS, targets=TARGETS)
    else:
        csr = scipy.sparse.csr_array(ROWS)
        np.savez_compressed(
            path, data=csr.data, indices=csr.indices, indptr=csr.indptr, shape=csr.shape, targets=TARGETS
        )
    return path, options


KINDS = [
    "x.svm", "x.svm.gz", "x.svm.bz2", "x.svm.xz", "x.csv", "x.csv.gz", "x.parquet", "dense.npz", "sparse.npz",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_the_same_numbers(tmp_path: Path, kind: str) -> None:
    path, options = make(tmp_path, kind)
    data = load(path, **options)
    np.testing.assert_array_equal(dense(data.rows), ROWS)
    np.testing.assert_array_equal(data.targets, TARGETS)
    assert data.rows.dtype == data.targets.dtype == np.float64
    assert load(str(path), **options).checksum == data.checksum


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_slices_of_the_whole_under_every_option(tmp_path: Path, kind: str) -> None:
    path, options = make(tmp_path, kind)
    options |= {"intercept": True, "labels": "binary", "scaling": "max-abs"}
    whole, chunks = load(path, **options), open_chunks(path, **options)
    assert (chunks.n_rows, chunks.dimension) == (whole.n_rows, whole.dimension) == (4, 4)
    assert chunks.checksum == whole.checksum
    for start in range(5):
        for stop in range(start, 5):
            rows, targets = chunks.block(start, stop)
            expected, expected_targets = whole.block(start, stop)
            np.testing.assert_array_equal(dense(rows), dense(expected))
            np.testing.assert_array_equal(targets, expected_targets)
    with pytest.raises(DataError, match=r"block\(2, 5\) of .* must satisfy 0 <= start <= stop <= 4"):
        chunks.block(2, 5)


def test_arrays_frames_and_iterators_agree() -> None:
    expected = from_arrays(ROWS, TARGETS)
    frame = table(ROWS, TARGETS)
    assert from_frame(frame, "y").checksum == expected.checksum
    assert from_frame(frame, 1).checksum == expected.checksum
    assert from_iterator(zip(ROWS.tolist(), TARGETS, strict=True)).checksum == expected.checksum
    sparse = from_arrays(scipy.sparse.coo_array(ROWS), TARGETS)
    maps = [({c: v for c, v in enumerate(row.tolist()) if v}, t) for row, t in zip(ROWS, TARGETS, strict=True)]
    assert from_iterator(iter(maps), n_features=3).checksum == sparse.checksum
    assert isinstance(sparse.rows, scipy.sparse.csr_array)
    assert sparse.rows.has_canonical_format


def test_arrays_are_not_copied_and_the_callers_are_not_changed() -> None:
    rows, targets = ROWS.copy(), TARGETS.copy()
    assert np.shares_memory(from_arrays(rows, targets).rows, rows)
    messy = scipy.sparse.csr_array((np.ones(3), np.array([2, 0, 0]), np.array([0, 3])), shape=(1, 3))
    data = from_arrays(messy, [1.0])
    np.testing.assert_array_equal(data.rows.toarray(), [[2.0, 0.0, 1.0]])
    assert messy.nnz == 3


def test_words_as_labels(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("size,kind\n1.5,cat\n2.5,dog\n")
    data = load(tmp_path / "x.csv", labels={"cat": -1, "dog": 1})
    np.testing.assert_array_equal(data.targets, [-1.0, 1.0])
    pytest.importorskip("pyarrow")
    pd.read_csv(tmp_path / "x.csv").to_parquet(tmp_path / "x.parquet")
    assert load(tmp_path / "x.parquet", labels={"cat": -1, "dog": 1}).checksum == data.checksum


def test_iterator_stops_at_max_rows() -> None:
    def endless():
        while True:
            yield [1.0, 2.0], 0.0

    assert from_iterator(endless(), max_rows=7).rows.shape == (7, 2)


def test_n_features_adds_columns_that_never_occur(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1 2:1\n-1\n")  # a row of zeros is a row
    data = load(tmp_path / "x", n_features=5)
    np.testing.assert_array_equal(dense(data.rows), [[0, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
    assert load(tmp_path / "x").dimension == 2


def test_sparse_stays_sparse_and_full_becomes_dense(tmp_path: Path) -> None:
    (tmp_path / "sparse").write_text("1 1:1\n" * 10)
    assert isinstance(load(tmp_path / "sparse", n_features=4).rows, scipy.sparse.csr_array)
    (tmp_path / "full").write_text("1 1:1 2:3\n" * 10)
    rows = load(tmp_path / "full").rows
    assert isinstance(rows, np.ndarray)
    assert rows.flags.c_contiguous
    np.testing.assert_array_equal(rows, [[1.0, 3.0]] * 10)


def test_comments_query_ids_and_line_ends_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(
        b"# head_er\r\n1 qid:3 1:2 2:1 # note\r\n\t-1  2:.5 \r\n# tail\r\n+1e0 1:-1E-2 2:7\r\n\r\n \n"
    )
    data = load(tmp_path / "x")
    np.testing.assert_array_equal(dense(data.rows), [[2, 1], [0, 0.5], [-0.01, 7]])
    np.testing.assert_array_equal(data.targets, [1, -1, 1])


def test_what_is_in_the_cache_cannot_be_written_through_the_rows(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1 1:1 2:3\n" * 10)
    load(tmp_path / "x").rows[:] = 7.0
    np.testing.assert_array_equal(load(tmp_path / "x").rows, [[1.0, 3.0]] * 10)


def test_changed_file_is_parsed_again(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1 1:1\n")
    first = load(tmp_path / "x")
    (tmp_path / "x").write_text("1 1:2\n")
    second = load(tmp_path / "x")
    assert second.rows[0, 0] == 2.0
    assert second.checksum != first.checksum


def test_cache_that_cannot_be_written_is_done_without(open_directory: Path, read_only, monkeypatch) -> None:
    monkeypatch.setenv("OCO_CACHE_DIR", str(open_directory / "cache"))
    (open_directory / "x").write_text("1 1:1\n-1 2:3\n")
    with read_only(open_directory):
        data = load(open_directory / "x")
        np.testing.assert_array_equal(dense(data.rows), [[1, 0], [0, 3]])
    assert [path.name for path in open_directory.iterdir()] == ["x"]


def test_read_only_cache_that_has_the_parsed_form_is_enough(open_directory: Path, read_only, monkeypatch) -> None:
    monkeypatch.setenv("OCO_CACHE_DIR", str(open_directory / "cache"))
    (open_directory / "x").write_text("1 1:1\n-1 2:3\n")
    first = load(open_directory / "x")
    monkeypatch.setattr("oco.datasets.readers.read_svmlight", None)  # parsing again would fail
    with read_only(open_directory):
        assert load(open_directory / "x").checksum == first.checksum


def test_checksum_tells_every_option_apart() -> None:
    options = [
        {},
        {"intercept": True},
        {"scaling": "max-abs"},
        {"scaling": "unit-rows"},
        {"scaling": "standard"},
        {"labels": "binary"},
        {"labels": ("one-vs-rest", 1)},
        {"labels": {1: 0.5, 2: 0.25}},
        {"labels": {1: 0.25, 2: 0.5}},
    ]
    assert len({from_arrays(ROWS, TARGETS, **option).checksum for option in options}) == len(options)
    assert from_arrays(ROWS[:3], TARGETS[:3]).checksum != from_arrays(ROWS, TARGETS).checksum


def test_label_maps() -> None:
    np.testing.assert_array_equal(from_arrays(ROWS, TARGETS, labels="binary").targets, [-1, 1, 1, -1])
    np.testing.assert_array_equal(from_arrays(ROWS, TARGETS, labels=("one-vs-rest", 1)).targets, [1, -1, -1, 1])
    np.testing.assert_array_equal(from_arrays(ROWS, TARGETS, labels={1: 5, 2: 7}).targets, [5, 7, 7, 5])


@pytest.mark.parametrize("as_sparse", [False, True])
def test_scalings_by_their_definition(as_sparse: bool) -> None:
    rows = scipy.sparse.csr_array(ROWS) if as_sparse else ROWS
    largest = from_arrays(rows, TARGETS, scaling="max-abs")
    np.testing.assert_allclose(dense(largest.rows), ROWS / np.abs(ROWS).max(axis=0), rtol=1e-15)
    unit = from_arrays(rows, TARGETS, scaling="unit-rows")
    np.testing.assert_allclose(dense(unit.rows), ROWS / np.linalg.norm(ROWS, axis=1)[:, None], rtol=1e-14)
    assert isinstance(unit.rows, scipy.sparse.csr_array) == as_sparse
    with_ones = from_arrays(rows, TARGETS, scaling="max-abs", intercept=True)
    np.testing.assert_array_equal(dense(with_ones.rows)[:, -1], np.ones(4))
    np.testing.assert_array_equal(dense(with_ones.rows)[:, :-1], dense(largest.rows))


def test_standard_scaling_and_its_refusal_of_sparse_rows() -> None:
    rows = np.column_stack([ROWS, np.full(4, 0.1)])  # a constant column must not be blown up
    scaled = from_arrays(rows, TARGETS, scaling="standard").rows
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-15)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 1, 1, 0], atol=1e-12)
    with pytest.raises(DataError, match="would fill the zeros of sparse rows; use 'max-abs'"):
        from_arrays(scipy.sparse.csr_array(ROWS), TARGETS, scaling="standard")


def test_zero_rows_and_columns_survive_scaling() -> None:
    rows = np.array([[0.0, 0.0], [0.0, 5.0]])
    for kind in ("max-abs", "unit-rows", "standard"):
        assert np.isfinite(from_arrays(rows, [0, 1], scaling=kind).rows).all()


@given(st.integers(-150, 150), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_unit_rows_are_of_unit_length_at_any_scale(exponent: int, width: int) -> None:
    rows = np.arange(1.0, 2 * width + 1).reshape(2, width) * 10.0**exponent
    for matrix in (rows, scipy.sparse.csr_array(rows)):
        scaled = dense(from_arrays(matrix, [0, 1], scaling="unit-rows").rows)
        np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 1.0, rtol=1e-14)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_moments_do_not_depend_on_the_blocks(sizes: list[int]) -> None:
    rows = np.random.default_rng(sum(sizes)).normal(1e3, 1.0, (sum(sizes), 3))
    blocks = np.split(rows, np.cumsum(sizes)[:-1])
    fitted = Scaling.fit(blocks, "standard")
    np.testing.assert_allclose(fitted.shift, rows.mean(axis=0), rtol=1e-14)
    spread = rows.std(axis=0)
    if len(rows) > 1:
        np.testing.assert_allclose(fitted.factor, 1 / spread, rtol=1e-9)


def test_scaling_fitted_to_training_rows_is_applied_to_test_rows() -> None:
    fitted = Scaling.fit([ROWS], "max-abs")
    test = from_arrays([[6.0, 1.0, 1.0]], [1.0], scaling=fitted)
    np.testing.assert_allclose(test.rows, [[2.0, 1e-10, 0.4]])
    with pytest.raises(DataError, match="fitted to 3 columns, these rows have 2"):
        from_arrays([[1.0, 2.0]], [0.0], scaling=fitted)


@pytest.mark.data
def test_named_test_split_is_scaled_by_the_training_split(data_directory: Path) -> None:
    raw, train = load("cifar10_part", split="test"), load("cifar10_part")
    scaled = load("cifar10_part", split="test", scaling="max-abs", max_rows=50)
    np.testing.assert_allclose(scaled.rows, raw.rows[:50] / np.abs(train.rows).max(axis=0), rtol=1e-15)


BAD_ARRAYS = [
    ([1.0, 2.0], [0, 1], r"rows must have shape \(n, d\) with n and d at least 1, got \(2,\)"),
    (np.ones((0, 3)), [], r"rows must have shape \(n, d\)"),
    ([[1.0, 2.0], [3.0]], [0, 1], "rows must all have one length"),
    ([["a", "b"]], [0], "rows must hold real numbers, got dtype <U1"),
    ([[1j]], [0], "rows must hold real numbers, got dtype complex128"),
    ([[1.0, np.nan]], [0], "rows must be finite, got nan in row 0, column 1"),
    ([[1.0]], [0, 1], r"targets must have shape \(1,\), one per row, got \(2,\)"),
    ([[1.0]], [np.inf], "targets must be finite, got inf in row 0"),
    (scipy.sparse.csr_array([[0.0, 0.0], [0.0, np.inf]]), [0, 1], "rows must be finite, got inf in row 1, column 1"),
    (scipy.sparse.csr_array((0, 3)), [], r"rows must have shape \(n, d\)"),
]


@pytest.mark.parametrize(("rows", "targets", "message"), BAD_ARRAYS)
def test_bad_arrays_are_refused(rows, targets, message: str) -> None:
    with pytest.raises(DataError, match=f"^mine: {message}"):
        from_arrays(rows, targets, name="mine")


def test_bad_frames_and_iterators_are_refused() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "word": ["x", "y"]})
    with pytest.raises(DataError, match="target must be one of the columns a, word; got 'y'"):
        from_frame(frame, "y")
    with pytest.raises(DataError, match="column 'word' must hold real numbers.*pass labels="):
        from_frame(frame, "word")
    with pytest.raises(DataError, match="labels must map every class; 'y' is missing"):
        from_frame(frame, "word", labels={"x": 1.0})
    with pytest.raises(DataError, match="yielded no rows"):
        from_iterator([])
    with pytest.raises(DataError, match=r"row 1 must have shape \(2,\), got \(3,\)"):
        from_iterator([([1, 2], 0), ([1, 2, 3], 0)])
    with pytest.raises(DataError, match="row 1 must be of the same kind as row 0, got list"):
        from_iterator([({0: 1.0}, 0), ([1.0], 0)])
    with pytest.raises(DataError, match="row 0 must have integer columns in 0..2, got 3"):
        from_iterator([({3: 1.0}, 0)], n_features=3)
    with pytest.raises(DataError, match=r"item 0 must be a pair \(row, target\), got int"):
        from_iterator([1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_rows": 0}, "max_rows must be at least 1 or None, got 0"),
        ({"n_features": 0}, "n_features must be at least 1 or None, got 0"),
        ({"scaling": "log"}, "scaling must be one of none, max-abs, unit-rows, standard; got 'log'"),
    ],
)
def test_bad_options_are_refused(options, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load("iris", **options)


def test_file_larger_than_a_block_and_than_the_memory_it_may_use(tmp_path: Path) -> None:
    # 12 MB of text in two parser blocks; the parse and the reads below hold only blocks of it.
    rows = 400_000
    with (tmp_path / "big").open("w") as stream:
        for row in range(rows):
            stream.write(f"{row % 2} {row % 50 + 1}:{row} 90:2\n")
    chunks = open_chunks(tmp_path / "big", n_features=100)
    assert (chunks.n_rows, chunks.dimension) == (rows, 100)
    total = 0.0
    for start in range(0, rows, 10_000):
        block, targets = chunks.block(start, start + 10_000)
        assert block.nnz == 20_000
        assert targets.sum() == 5_000
        total += block.data.sum()
    assert total == rows * (rows - 1) / 2 + 2.0 * rows
    last, _ = chunks.block(rows - 1, rows)
    assert last[0, (rows - 1) % 50] == rows - 1


def test_full_disk_is_reported_and_leaves_nothing(tmp_path: Path, cache: Path, monkeypatch) -> None:
    def full(self, values) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("oco.datasets.compact._NpyFile.append", full)
    (tmp_path / "x").write_text("1 1:1\n")
    with pytest.raises(DataError, match=r"parsed cannot be written \(No space left on device\); set OCO_CACHE_DIR"):
        load(tmp_path / "x")
    assert list(cache.glob("parsed/*")) == []


def test_two_processes_may_parse_one_file_at_once(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "x").write_text("1 1:1 2:3\n" * 20_000)
    script = "import sys, oco.datasets as d; print(d.load(sys.argv[1]).checksum)"
    command = [sys.executable, "-c", script, str(tmp_path / "x")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = {process.communicate(timeout=60)[0].strip() for process in running}
    assert results == {load(tmp_path / "x").checksum}
    assert len(list(cache.glob("parsed/*"))) == 1
