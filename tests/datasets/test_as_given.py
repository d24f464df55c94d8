"""Data as given, or refused: containers, masks, buffers, headers, indices, formats, caches, scalings."""

from __future__ import annotations

import decimal
import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import oco
from oco.datasets import from_arrays, from_frame, from_iterator, load
from oco.errors import DataError

ROWS = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0], [0.0, 1.0, 0.0]])
TARGETS = np.array([1.0, -1.0, 1.0])


def dense(rows) -> np.ndarray:
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


def write(directory: Path, name: str, content: bytes | str) -> Path:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


SAME_ROWS = {
    "list": ROWS.tolist(),
    "float16": ROWS.astype("f2"),
    "float32": ROWS.astype("f4"),
    "long double": ROWS.astype(np.longdouble),
    "int8": ROWS.astype("i1"),
    "uint64": ROWS.astype("u8"),
    "big-endian": ROWS.astype(">f8"),
    "big-endian integers": ROWS.astype(">i4"),
    "column order": np.asfortranarray(ROWS),
    "strided": np.repeat(ROWS, 2, axis=1)[:, ::2],
    "masked nowhere": np.ma.array(ROWS),
    "memoryview": memoryview(ROWS),
    "rows of bytes": [bytearray(row.astype(np.uint8).tobytes()) for row in ROWS],
    "frame": pd.DataFrame(ROWS),
    "nullable integers": pd.DataFrame(ROWS).astype("Int64"),
    "nullable floats beside integers": pd.DataFrame(ROWS).astype({0: "Float64", 1: "int8"}),
    "sparse frame": pd.DataFrame(ROWS).astype(pd.SparseDtype("float64", 0.0)),
    "CSR": scipy.sparse.csr_array(ROWS),
    "CSC": scipy.sparse.csc_array(ROWS),
    "COO": scipy.sparse.coo_array(ROWS),
    "LIL": scipy.sparse.lil_array(ROWS),
    "DOK": scipy.sparse.dok_array(ROWS),
    "BSR": scipy.sparse.bsr_array(ROWS),
    "DIA": scipy.sparse.dia_array(ROWS),
    "CSR of integers": scipy.sparse.csr_array(ROWS.astype("i8")),
    "CSR matrix": scipy.sparse.csr_matrix(ROWS),
    "unsorted CSR": scipy.sparse.csr_array(([2.0, 1.0, 3.0, 1.0], [2, 0, 2, 1], [0, 2, 3, 4]), shape=(3, 3)),
    "zeros stored": scipy.sparse.csr_array(([1.0, 0.0, 2.0, 3.0, 1.0], [0, 1, 2, 2, 1], [0, 3, 4, 5]), shape=(3, 3)),
    "repeats": scipy.sparse.coo_array(([1.0, 1.5, 0.5, 3.0, 1.0], ([0, 0, 0, 1, 2], [0, 2, 2, 2, 1])), shape=(3, 3)),
}


@pytest.mark.parametrize("kind", SAME_ROWS)
def test_every_container_gives_the_rows_that_it_holds(kind: str) -> None:
    rows = SAME_ROWS[kind]
    np.testing.assert_array_equal(dense(from_arrays(rows, TARGETS).rows), ROWS)
    game = oco.environments.LeastSquares(rows, TARGETS, order="file")
    np.testing.assert_array_equal(dense(game.block(0, 3).rows), ROWS)


def test_read_only_rows_are_read_and_torch_and_arrow_too() -> None:
    rows = ROWS.copy()
    rows.flags.writeable = False
    np.testing.assert_array_equal(from_arrays(rows, TARGETS).rows, ROWS)
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"a": ROWS[:, 0], "b": ROWS[:, 1], "c": ROWS[:, 2]})
    np.testing.assert_array_equal(from_arrays(table, arrow.chunked_array([[1, -1], [1]])).rows, ROWS)
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(from_arrays(torch.tensor(ROWS), torch.tensor(TARGETS)).rows, ROWS)
    with pytest.raises(DataError, match="rows must be an array of real numbers, got Tensor"):
        from_arrays(torch.tensor(ROWS, requires_grad=True), TARGETS)


REFUSED = {
    "masked": (np.ma.masked_equal(ROWS, 3.0), "must not be masked; drop or fill the 1 masked entry first"),
    "masked rows in a list": ([np.ma.array([1.0, 2.0], mask=[0, 1]), [3.0, 4.0], [5.0, 6.0]], "must not be masked"),
    "masked in a list": ([[1.0], [np.ma.masked], [2.0]], "must not be masked"),
    "missing in a frame": (pd.DataFrame({"a": [1, None, 2]}, dtype="Int64"), "must be finite"),
    "dates": (pd.DataFrame({"a": pd.to_datetime(["2020", "2021", "2022"])}), "real numbers, got dtype datetime64.*'a'"),
    "periods of time": (np.zeros((3, 1), "m8[s]"), "real numbers, got dtype timedelta64"),
    "categories": (pd.DataFrame({"a": pd.Categorical([1, 2, 1])}), "real numbers, got dtype category in column 'a'"),
    "words": ([["1"], ["2"], ["3"]], "real numbers, got dtype <U1; map words to numbers first"),
    "complex": (ROWS * 1j, "real numbers, got dtype complex128"),
    "complex CSR": (scipy.sparse.csr_array(ROWS * 1j), "real numbers, got dtype complex128"),
    "records": (np.zeros(3, dtype=[("a", "f8")]), "real numbers, got dtype"),
    "decimals": ([[decimal.Decimal("1.5")]] * 3, "real numbers, got dtype object of Decimal"),
    "None": ([[1.0], [None], [2.0]], "real numbers, got dtype object"),
    "an integer that would be rounded": ([[2**53 + 1], [0], [1]], "float64 holds exactly, got the integer 9007199254740993"),
    "integers in CSR": (scipy.sparse.csr_array([[2**53 + 1], [0], [1]]), "float64 holds exactly"),
    "past float64": (ROWS.astype(np.longdouble) * np.longdouble("1e4000"), "must be finite"),
    "a set": ({1.0, 2.0}, "real numbers, got dtype object of set"),
    "too many columns": (scipy.sparse.csr_array((3, 2**33)), "must have at most 2,147,483,647 columns"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_float64_cannot_hold_is_refused_by_data_sets_and_games(kind: str) -> None:
    rows, message = REFUSED[kind]
    with pytest.raises(DataError, match=f"rows.* {message}"):
        from_arrays(rows, TARGETS)
    with pytest.raises(DataError, match=message):
        oco.environments.LeastSquares(rows, TARGETS)


def test_masked_targets_are_refused_everywhere() -> None:
    masked = np.ma.array(TARGETS, mask=[False, True, False])
    for make in (from_arrays, oco.environments.LogisticRegression, oco.environments.MultinomialRegression):
        with pytest.raises(DataError, match="must not be masked"):
            make(ROWS, masked)
    with pytest.raises(DataError, match="must not be masked"):
        oco.environments.multinomial.one_vs_rest(ROWS, masked)
    with pytest.raises(DataError, match="target 1 must not be masked"):
        from_iterator(zip(ROWS, masked, strict=True))


def test_repeated_small_integers_are_summed_as_numbers() -> None:
    repeated = scipy.sparse.coo_array((np.array([200, 100], np.uint8), ([0, 0], [0, 0])), shape=(1, 1))
    assert from_arrays(repeated, [1.0]).rows.toarray() == 300.0
    assert dense(oco.environments.LeastSquares(repeated, [1.0]).block(0, 1).rows) == 300.0


def test_an_iterator_may_refill_its_buffers() -> None:
    def stream():
        row, target = np.empty(3), np.empty(())
        for values, label in zip(ROWS, TARGETS, strict=True):
            row[:], target[...] = values, label
            yield row, target

    def maps():
        row: dict[int, float] = {}
        for values in ROWS:
            row.clear()
            row |= {place: value for place, value in enumerate(values.tolist()) if value}
            yield row, 1.0

    data = from_iterator(stream())
    np.testing.assert_array_equal(data.rows, ROWS)
    np.testing.assert_array_equal(data.targets, TARGETS)
    np.testing.assert_array_equal(from_iterator(maps(), n_features=3).rows.toarray(), ROWS)


def test_a_source_of_rows_may_refill_its_buffer() -> None:
    class Refilled:
        n_rows, dimension = 3, 3

        def __init__(self) -> None:
            self.rows, self.targets = np.empty((3, 3)), np.empty(3)

        def block(self, start: int, stop: int):
            count = stop - start
            self.rows[:count], self.targets[:count] = ROWS[start:stop], TARGETS[start:stop]
            return self.rows[:count], self.targets[:count]

    game = oco.environments.LeastSquares(Refilled(), order="file", passes=2)
    wrapped, later = game.block(2, 5), game.block(0, 1)
    np.testing.assert_array_equal(wrapped.rows, ROWS[[2, 0, 1]])
    np.testing.assert_array_equal(wrapped.targets, TARGETS[[2, 0, 1]])
    np.testing.assert_array_equal(later.rows, ROWS[:1])


def test_iterators_refuse_columns_past_32_bits_and_targets_that_are_vectors() -> None:
    with pytest.raises(DataError, match="integer columns in 0..2147483646, got 2147483648"):
        from_iterator([({2**31: 1.0}, 1.0)])
    with pytest.raises(DataError, match="integer columns in 0..2147483646, got 'a'"):
        from_iterator([({"a": 1.0, 2: 1.0}, 1.0)])
    with pytest.raises(DataError, match=r"target 0 must be one number, got shape \(2,\)"):
        from_iterator([([1.0], [1.0, 2.0])])


@pytest.mark.parametrize("kind", ["csr", "csc"])
def test_sparse_archives_are_read_by_their_format(tmp_path: Path, kind: str) -> None:
    matrix = getattr(scipy.sparse, f"{kind}_array")(ROWS)
    scipy.sparse.save_npz(tmp_path / "parts.npz", matrix)
    np.savez(tmp_path / "x.npz", **dict(np.load(tmp_path / "parts.npz")), targets=TARGETS)
    np.testing.assert_array_equal(dense(load(tmp_path / "x.npz").rows), ROWS)


def test_archives_add_up_repeats_and_refuse_other_formats(tmp_path: Path) -> None:
    parts = {"data": [1.0, 2.0, 4.0], "indices": [0, 0, 1], "indptr": [0, 2, 3], "shape": [2, 4], "targets": [1.0, 2.0]}
    np.savez(tmp_path / "x.npz", **parts)
    np.testing.assert_array_equal(load(tmp_path / "x.npz").rows.toarray(), [[3.0, 0, 0, 0], [0, 4.0, 0, 0]])
    changes = {
        "holds a sparse matrix of format 'bsr'; save matrix.tocsr": {"format": b"bsr"},
        "indices must be in 0..3, got 0..4294967297": {"indices": [0, 2**32 + 1, 1]},
        "indices must be in 0..3, got -1..1": {"indices": [0, -1, 1]},
        "shape must be at most 2,147,483,647": {"shape": [2, 2**33]},
        "indptr must ascend from 0 to 3": {"indptr": [0, 2, 2]},
        "indptr must have 3 entries, got 2": {"indptr": [0, 3]},
        "data and indices must have one length, got 3 and 2": {"indices": [0, 1]},
    }
    for message, change in changes.items():
        np.savez(tmp_path / "x.npz", **(parts | change))
        with pytest.raises(DataError, match=message):
            load(tmp_path / "x.npz")


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "."), content)
    return stream.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def described(shape: str, body: bytes = b"", kind: str = "<f8") -> bytes:
    return npy(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}", body)


SOUND = described("(3,)", np.ones(3).tobytes())
HOSTILE = {
    "no extension": (archive(rows=SOUND, targets=SOUND), "holds the arrays none"),
    "huge": (archive(targets__npy=described("(4611686018427387904,)"), rows__npy=SOUND), "holds 0 bytes; it is damaged"),
    "larger than memory": (archive(targets__npy=described("(1000000000,)"), rows__npy=SOUND), "holds 0 bytes"),
    "negative": (archive(targets__npy=SOUND, rows__npy=described("(3, -2)", bytes(48))), "it is damaged"),
    "not a header": (archive(targets__npy=npy("(" * 9000), rows__npy=SOUND), "the header of targets is damaged"),
    "deep": (archive(targets__npy=described(f"({'-' * 8000}3,)"), rows__npy=SOUND), "the header of targets is damaged"),
    "longer than stated": (archive(targets__npy=SOUND + b"1", rows__npy=SOUND), "it is damaged"),
    "objects": (archive(targets__npy=described("(3,)", b"cos\nsystem\n", "|O"), rows__npy=SOUND), "never unpickled"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused(tmp_path: Path, kind: str) -> None:
    content, message = HOSTILE[kind]
    with pytest.raises(DataError, match=message):
        load(write(tmp_path, "x.npz", content))


def test_encrypted_archives_and_unknown_compressions_are_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, rows=ROWS, targets=TARGETS)
    entry = stream.getvalue().index(b"PK\x01\x02")
    for place, value, message in ((8, 1, "is encrypted"), (10, 99, "compression method is not supported")):
        content = bytearray(stream.getvalue())
        while entry >= 0:
            content[entry + place] = value
            entry = content.find(b"PK\x01\x02", entry + 4)
        entry = content.index(b"PK\x01\x02")
        with pytest.raises(DataError, match=f"cannot be unpacked .*{message}"):
            load(write(tmp_path, "x.npz", bytes(content)))


def test_idx_files_with_huge_dimensions_are_refused(tmp_path: Path) -> None:
    from oco.datasets.readers import ReadOptions, read_file

    labels = write(tmp_path, "labels", bytes([0, 0, 8, 1, 0, 0, 0, 2, 1, 0]))
    header = bytes([0, 0, 8, 3, 0, 0, 0, 2])
    for sizes, message in ((b"\xff" * 8, "4294967295 x 4294967295 pixels"), (bytes(8), "0 x 0 pixels")):
        images = write(tmp_path, "images", header + sizes)
        with pytest.raises(DataError, match=message):
            read_file((images, labels), ReadOptions(), format="idx")
    images = write(tmp_path, "images", header + bytes([0, 0, 0, 1, 0, 0, 0, 1]) + b"abc")
    with pytest.raises(DataError, match="goes on after the 2 images"):
        read_file((images, labels), ReadOptions(), format="idx")


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
    ("0,1,y\n4,5,6\n", {}, r"line 1, column 3: expected a number, got 'y'; pass header=True .*labels: \{cat: -1, dog: 1\}"),
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
    np.testing.assert_array_equal(dense(load(counted, zero_based=True, n_features=4).rows), [[5, 0, 7, 0], [0, 2, 0, 0]])
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
    with pytest.raises(DataError, match="digits is a known data set: target, format, header and zero_based do not apply"):
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
    np.testing.assert_array_equal(from_frame(frame.astype("category").astype({"a": float}), labels={"0": 5, "1": 7}).targets, [5.0, 7.0])  # fmt: skip
    np.testing.assert_array_equal(from_frame(pd.DataFrame({"a": [1.0, 2.0], "y": pd.Categorical([4, 3])})).targets, [4.0, 3.0])  # fmt: skip
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


def test_frames_with_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="frame: columns 1 and 3 are both called 'a'"):
        from_frame(pd.DataFrame(ROWS, columns=["a", "b", "a"]))


def test_parquet_that_expands_without_measure_is_refused(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    column = arrow.array(np.zeros(3_000_000))
    pyarrow.parquet.write_table(arrow.table({"a": column, "b": column, "y": column}), tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size < 100_000
    with pytest.raises(DataError, match="expands to 72,000,000 bytes, more than 67,108,864; pass max_bytes="):
        load(tmp_path / "x.parquet")
    assert load(tmp_path / "x.parquet", max_bytes=72_000_000).n_rows == 3_000_000


@pytest.mark.parametrize("size", [1e-200, 1e-100, 1.0, 1e100, 1e200])
def test_standard_scaling_does_not_depend_on_the_unit(size: float) -> None:
    rows = size * np.array([[1.0, 4.0], [-1.0, 0.0]])
    np.testing.assert_allclose(from_arrays(rows, [0, 1], scaling="standard").rows, [[1, 1], [-1, -1]], rtol=1e-15)


@pytest.mark.parametrize(
    ("kind", "as_sparse"),
    [("max-abs", False), ("max-abs", True), ("unit-rows", False), ("unit-rows", True), ("standard", False)],
)
def test_scalings_that_leave_the_range_of_floats_are_refused(kind, as_sparse: bool) -> None:
    rows = np.array([[5e-324], [0.0]])
    with pytest.raises(DataError, match=f"scaling='{kind}' leaves the range of float64"):
        from_arrays(scipy.sparse.csr_array(rows) if as_sparse else rows, [0, 1], scaling=kind)
