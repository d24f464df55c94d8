"""Text and tables as given, or refused: headers, indices of frames, widths, formats, labels, a warm cache."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import oco
from oco.datasets import from_frame, load
from oco.errors import DataError

ROWS = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0], [0.0, 1.0, 0.0]])


def dense(rows) -> np.ndarray:
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


def write(directory: Path, name: str, content: bytes | str) -> Path:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


HEADERS = [
    ("a,b,y\n1,2,3\n", {}, [[1.0, 2.0]]),
    ("1,2,3\n4,5,6\n", {}, [[1.0, 2.0], [4.0, 5.0]]),
    ("0,1,2\n4.0,5.5,6.0\n1e-5,1.0,2.0\n", {}, [[4.0, 5.5], [1e-5, 1.0]]),
    ("0,1,2\n4,5,6\n", {"header": True}, [[4.0, 5.0]]),
    ("0,1,2\n4,5,6\n", {"header": False}, [[0.0, 1.0], [4.0, 5.0]]),
    ("0,1,y\n4,5,6\n", {"target": "y"}, [[4.0, 5.0]]),
    ("0,1,y\n4,5,6\n", {"header": True}, [[4.0, 5.0]]),
    ("2019_2020,age,y\n4,5,6\n", {}, [[4.0, 5.0]]),
    ("nan,inf,y\n4,5,6\n", {"header": True}, [[4.0, 5.0]]),
    ("1,2,cat\n4,5,dog\n", {"labels": {"cat": 1, "dog": 2}}, [[1.0, 2.0], [4.0, 5.0]]),
    ("\ufeffa,b,y\n1,2,3\n", {"target": "a"}, [[2.0, 3.0]]),
    ("\ufeff1,2,3\n", {}, [[1.0, 2.0]]),
    ("a,b,y\r1,2,3\r4,5,6\r", {}, [[1.0, 2.0], [4.0, 5.0]]),
    ("a,b,y\r\n1,2,3\r\n", {}, [[1.0, 2.0]]),
    ('"a","b","y"\n"1","2","3"\n', {}, [[1.0, 2.0]]),
]


@pytest.mark.parametrize(("text", "options", "rows"), HEADERS)
def test_first_lines_are_read_as_what_they_are(tmp_path: Path, text: str, options, rows) -> None:
    np.testing.assert_array_equal(dense(load(write(tmp_path, "x.csv", text), **options).rows), rows)


NOT_HEADERS = [
    ("0,1,2\n4,5,6\n", {}, "line 1: 0,1,2,... may number the columns or be a row; pass header=True or header=False"),
    ("0,1\n1.5,0\n", {}, "may number the columns or be a row"),
    ("0,1,y\n4,5,6\n", {}, r"line 1, column 3: expected a number, got 'y'; .*labels: \{cat: -1, dog: 1\}"),
    ("?,1,2\n4,5,6\n", {}, "line 1, column 1: expected a number, got '\\?'; pass header=True"),
    ("a,a,y\n4,5,6\n", {}, "line 1: columns 1 and 2 are both called 'a'"),
    (",a,y\n0,5,6\n1,7,8\n", {}, "column 1 has no name .it looks like the index that DataFrame.to_csv.. writes"),
    (",0,1\n0,5,6\n1,7,8\n", {}, "column 1 has no name .it looks like the index"),
    ("Unnamed: 0,a,y\n0,5,6\n", {}, "column 1 has no name .it looks like the index"),
    ("a,,y\n0,5,6\n", {}, "column 2 has no name; expected a name for every column"),
    ("a,b,y\n1,2,3\n", {"header": False}, "line 1, column 1: expected a number, got 'a'"),
    ("a,b,y\n1_000,2,3\n", {}, "line 2, column 1 .a.: expected a number, got '1_000'"),
    ("a,b,y\n\u0661,2,3\n", {}, "line 2, column 1 .a.: expected a number"),
    ('"' + "x" * 200_000 + '",b,y\n1,2,3\n', {}, "line 1: field larger than field limit"),
    ("1" + "," * 1_000_000, {}, "line 1: has 1,000,001 columns; at most 1,000,000 are read"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "message"), NOT_HEADERS)
def test_first_lines_that_could_be_either_are_refused(tmp_path: Path, text: str, options, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(write(tmp_path, "x.csv", text), **options)


def test_what_pandas_writes_is_what_is_read_or_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=["a", "b", "y"])
    frame.to_csv(tmp_path / "x.csv", index=False)
    np.testing.assert_array_equal(load(tmp_path / "x.csv").targets, ROWS[:, 2])
    frame.to_csv(tmp_path / "indexed.csv")
    with pytest.raises(DataError, match="index that DataFrame.to_csv"):
        load(tmp_path / "indexed.csv")
    with pytest.raises(DataError, match="frame: column 1 has no name"):
        from_frame(pd.read_csv(tmp_path / "indexed.csv"))
    pytest.importorskip("pyarrow")
    frame.iloc[[2, 0, 1]].to_parquet(tmp_path / "shuffled.parquet")  # its index would be the last column, the target
    with pytest.raises(DataError, match="column '__index_level_0__' is the index of the frame"):
        load(tmp_path / "shuffled.parquet")


@pytest.mark.parametrize("width", [3999, 4000, 4001, 4002, 60_000])
def test_wide_tables_are_read_like_narrow_ones(tmp_path: Path, width: int) -> None:
    numbers = np.random.default_rng(width).normal(size=(3, width))
    lines = [",".join(f"c{place}" for place in range(width)), *(",".join(map(repr, row)) for row in numbers.tolist())]
    data = load(write(tmp_path, "x.csv", "\n".join(lines)), target=1)
    np.testing.assert_array_equal(data.rows, np.delete(numbers, 1, axis=1))
    np.testing.assert_array_equal(data.targets, numbers[:, 1])
    with pytest.raises(DataError, match=f"line 5: has 2 fields; expected {width} as in line 1"):
        load(write(tmp_path, "y.csv", "\n".join([*lines, "1,2"])))


def test_a_header_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    names = [f"{'n' * 30}{place}" for place in range(40_000)]
    path = write(tmp_path, "x.csv", ",".join(names) + "\n" + ",".join(["1"] * 40_000) + "\n")
    assert load(path, target=names[-1]).dimension == 39_999


def test_a_warm_cache_answers_as_an_empty_one(tmp_path: Path) -> None:
    write(tmp_path, "x.csv", "1\t2,3\n4\t5,6\n")
    write(tmp_path, "x.tsv", "1\t2\n4\t5\n")
    np.testing.assert_array_equal(load(tmp_path / "x.tsv").rows, [[1.0], [4.0]])
    with pytest.raises(DataError):  # the bytes of x.tsv, read with commas
        load(write(tmp_path, "y.csv", "1\t2\n4\t5\n"))
    plain = b"1 1:1\n-1 2:1\n"
    load(write(tmp_path, "x.svm", plain))
    with pytest.raises(DataError, match="damaged or cut short"):  # the same bytes under a name that says compressed
        load(write(tmp_path, "x.svm.gz", plain))
    packed = write(tmp_path, "x.gz", gzip.compress(plain * 1000))
    load(packed)
    with pytest.raises(DataError, match="expands to more than 100 bytes"):
        load(packed, max_bytes=100)
    assert load(packed).n_rows == 2000


def test_a_named_set_is_checked_though_its_bytes_are_in_the_cache(tmp_path: Path) -> None:
    path = write(tmp_path, "mushrooms", "1 1:1\n2 2:1\n")
    load(path, n_features=oco.datasets.info("mushrooms").features)
    with pytest.raises(DataError, match="sha256|published"):
        load("mushrooms", data_dir=tmp_path)


def test_formats_by_option_and_zero_based_indices(tmp_path: Path) -> None:
    uci = write(tmp_path, "iris.data", "5.1,3.5,a\n4.9,3.0,b\n")
    data = load(uci, format="csv", labels={"a": 1, "b": 2})
    np.testing.assert_array_equal(data.targets, [1.0, 2.0])
    assert load(write(tmp_path, "x.txt", "1\t2\n3\t4\n"), format="tsv").rows.tolist() == [[1.0], [3.0]]
    counted = write(tmp_path, "x.svm", "\ufeff1 0:5 2:7\n-1 1:2\n")
    np.testing.assert_array_equal(dense(load(counted, zero_based=True).rows), [[5, 0, 7], [0, 2, 0]])
    np.testing.assert_array_equal(
        dense(load(counted, zero_based=True, n_features=4).rows), [[5, 0, 7, 0], [0, 2, 0, 0]]
    )
    with pytest.raises(DataError, match="got 0; pass zero_based=True if they count from 0"):
        load(counted)
    with pytest.raises(DataError, match="line 1, column 7: expected an index of at most 1, got 2"):
        load(counted, zero_based=True, n_features=2)
    for options, message in [
        ({"format": "excel"}, "format must be one of svmlight, csv, tsv, parquet, npz; got 'excel'"),
        ({"header": True}, "header applies to csv and tsv; this file is read as svmlight"),
        ({"target": 0}, "target applies to csv and tsv and parquet; this file is read as svmlight"),
        ({"zero_based": "no"}, "zero_based must be true or false, got 'no'"),
        ({"intercept": "yes"}, "intercept must be true or false, got 'yes'"),
        ({"n_features": "3"}, "n_features must be at least 1 or None, got '3'"),
        ({"format": "csv", "zero_based": True}, "zero_based applies to svmlight; this file is read as csv"),
        ({"format": "csv", "header": True, "target": True}, "must be the name or the position of a column, got True"),
    ]:
        with pytest.raises(DataError, match=message):
            load(write(tmp_path, "plain", "1,2\n3,4\n"), **options)
    with pytest.raises(DataError, match="digits is a known data set; target, format"):
        load("digits", format="csv")
    for name in (5, None, "a\0b", "~nobody-of-this-name/x"):
        with pytest.raises(DataError, match="data must be a name .* or a path|neither a known data set|no such file"):
            load(name)


def test_a_config_may_name_the_format(tmp_path: Path) -> None:
    path = write(tmp_path, "x.data", "0,1,2\n0,1,1\n1,0,2\n")
    game = oco.environments.LogisticRegression.from_config(data=str(path), format="csv", header=False)
    assert game.n_rows == 3
    assert game.describe()["header"] is False


def test_label_maps_are_to_finite_numbers_and_by_number_or_word(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "a,y\n1,0\n2,1.0\n")
    for labels in ({0: 5, 1: 7}, {"0": 5, "1": 7}):  # keys of a config are text
        np.testing.assert_array_equal(load(path, labels=labels).targets, [5.0, 7.0])
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": ["0", "1"]})
    np.testing.assert_array_equal(from_frame(frame, labels={"0": 5, "1": 7}).targets, [5.0, 7.0])
    np.testing.assert_array_equal(from_frame(frame.astype({"y": int}), labels={"0": 5, "1": 7}).targets, [5.0, 7.0])
    categories = frame.assign(y=pd.Categorical(frame["y"]))
    np.testing.assert_array_equal(from_frame(categories, labels={"0": 5, "1": 7}).targets, [5.0, 7.0])
    numbered = frame.assign(y=pd.Categorical([4, 3]))
    np.testing.assert_array_equal(from_frame(numbered).targets, [4.0, 3.0])
    pytest.importorskip("pyarrow")
    for number, column in enumerate((["0", "1"], [0, 1], pd.Categorical(["0", "1"]))):
        file = tmp_path / f"{number}.parquet"
        frame.assign(y=column).to_parquet(file)
        np.testing.assert_array_equal(load(file, labels={"0": 5, "1": 7}).targets, [5.0, 7.0])
    for value in (float("nan"), float("inf"), "word", None, [1]):
        with pytest.raises(DataError, match="labels must map to finite numbers"):
            load(path, labels={0: 1, 1: value})
        with pytest.raises(DataError, match="labels must map to finite numbers"):
            from_frame(frame, labels={"0": 1, "1": value})
    with pytest.raises(DataError, match="labels must map every number once"):
        load(path, labels={"0": 5, "0.0": 6, "1": 7})


def test_parquet_that_expands_without_measure_is_refused(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    column = arrow.array(np.zeros(3_000_000))
    pyarrow.parquet.write_table(arrow.table({"a": column, "b": column, "y": column}), tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size < 100_000
    with pytest.raises(DataError, match="expands to 72,000,000 bytes, more than 67,108,864; pass max_bytes="):
        load(tmp_path / "x.parquet")
    assert load(tmp_path / "x.parquet", max_bytes=72_000_000).n_rows == 3_000_000
