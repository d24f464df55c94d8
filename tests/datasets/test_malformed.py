"""Files that are wrong in one way each: every one is refused in one sentence that says where, and nothing is cached."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oco.datasets import load
from oco.errors import DataError


@dataclass(frozen=True)
class Bad:
    """A file's name and content, the options it is loaded with, and what the message must contain, in this order."""

    id: str
    file: str
    content: bytes | Callable[[], bytes]
    says: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


def npz(**arrays: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        return stream.getvalue()

    return make


def parquet(**columns: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        arrow = pytest.importorskip("pyarrow")
        import pyarrow.parquet

        sink = arrow.BufferOutputStream()
        pyarrow.parquet.write_table(arrow.table(columns), sink)
        return bytes(sink.getvalue())

    return make


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


GOOD = b"".join(b"%d 1:%d 3:0.25\n" % (1 - 2 * (row % 2), row + 1) for row in range(5000))
CSV = b"a,b,class\n" + b"1,2,0\n3,4,1\n" * 100
CSR = {"data": [1.0], "indices": [0], "indptr": [0, 1, 1], "shape": [2, 3], "targets": [0.0, 1.0]}
ROWS = np.ones((3, 2))

SVMLIGHT = [
    Bad("empty", "x", b"", ("holds no rows", "expected lines of '<label> <index>:<value>")),
    Bad("only blank lines", "x", b"\n\n \n", ("holds no rows",)),
    Bad("only comments", "x", b"# nothing\n# here\n", ("holds no rows",)),
    Bad("blank line inside", "x", b"1 1:1\n\n-1 2:1\n", ("line 2, column 1", "a blank line; expected")),
    Bad("leading blank line", "x", b"\n1 1:1\n", ("line 1, column 1", "a blank line")),
    Bad("index 0", "x", b"1 1:1\n1 0:1 2:1\n", ("line 2, column 3", "at least 1 (indices count from 1), got 0")),
    Bad("negative index", "x", b"1 -4:1\n", ("line 1, column 3", "at least 1", "got -4")),
    Bad("descending", "x", b"1 1:1\n1 5:1 3:1\n", ("line 2, column 7", "ascending order", "got 3 after 5")),
    Bad("repeated index", "x", b"1 5:1 5:2\n", ("line 1, column 7", "without repeats, got 5 after 5")),
    Bad(
        "beyond n_features",
        "x",
        b"1 1:1\n1 200:1\n",
        ("line 2, column 3", "at most n_features=123, got 200"),
        {"n_features": 123},
    ),
    Bad("index beyond 32 bits", "x", b"1 99999999999:1\n", ("line 1, column 3", "at most 2147483647, got 99999999999")),
    Bad("index of 5000 digits", "x", b"1 " + b"9" * 5000 + b":1\n", ("line 1, column 3", "at most 2147483647")),
    Bad("NaN value", "x", b"1 1:1\n1 2:nan\n", ("line 2, column 5", "finite number after ':', got 'nan'")),
    Bad("infinite value", "x", b"1 1:inf\n", ("line 1, column 5", "finite number after ':', got 'inf'")),
    Bad("overflowing value", "x", b"1 1:1e999\n", ("line 1, column 5", "finite number after ':', got '1e999'")),
    Bad("NaN label", "x", b"1 1:1\nnan 1:1\n", ("line 2, column 1", "label that is a finite number, got 'nan'")),
    Bad("word as label", "x", b"spam 1:1\n", ("line 1, column 1", "label that is a finite number, got 'spam'")),
    Bad("two labels", "x", b"1,2 1:1\n", ("line 1, column 1", "label", "got '1,2'")),
    Bad("no label", "x", b"1 1:1\n1:0.5 2:3\n", ("line 2, column 1", "label", "got '1:0.5'")),
    Bad("no colon", "x", b"1 1:1 7\n", ("line 1, column 7", "expected <index>:<value>, got '7'")),
    Bad("no value", "x", b"1 1:\n", ("line 1, column 5", "finite number after ':', got ''")),
    Bad("no index", "x", b"1 :2\n", ("line 1, column 3", "integer index before ':', got ''")),
    Bad("fractional index", "x", b"1 1.5:2\n", ("line 1, column 3", "integer index before ':', got '1.5'")),
    Bad("two colons", "x", b"1 1:2:3\n", ("line 1, column 5", "finite number after ':', got '2:3'")),
    Bad("word as value", "x", b"1 1:one\n", ("line 1, column 5", "finite number after ':', got 'one'")),
    Bad("decimal comma", "x", b"1 1:0,5\n", ("line 1, column 5", "got '0,5'")),
    Bad("underscore in number", "x", b"1 1:1_000\n", ("line 1, column 5", "got '1_000'")),
    Bad("not text", "x", bytes(range(128, 256)) * 4, ("line 1, column 1", "label")),
    Bad("byte order mark inside", "x", b"1 1:1\n\xef\xbb\xbf1 1:1\n", ("line 2, column 1", "label", "got '\\ufeff1'")),
    Bad("lone carriage returns", "x", b"1 2:1\r1 2:1\r", ("line 1, column 7", "expected <index>:<value>, got '1'")),
    Bad("far into the file", "x", GOOD * 150 + b"1 2:x\n", ("line 750001, column 5", "got 'x'")),
    Bad("fault in a .gz", "x.gz", gzip.compress(GOOD + b"1 4:\n"), ("x.gz, line 5001, column 5", "finite number")),
    Bad("csv without suffix", "x", b"1,2,3\n4,5,6\n", ("line 1, column 1", "label", "got '1,2,3'")),
]
COMPRESSED = [
    Bad(
        "truncated bz2",
        "x.bz2",
        cut(bz2.compress(GOOD)),
        ("x.bz2", "damaged or cut short", "expected a complete .bz2 file"),
    ),
    Bad(
        "truncated gz",
        "x.gz",
        cut(gzip.compress(GOOD)),
        ("x.gz", "damaged or cut short", "expected a complete .gz file"),
    ),
    Bad(
        "truncated xz",
        "x.xz",
        cut(lzma.compress(GOOD)),
        ("x.xz", "damaged or cut short", "expected a complete .xz file"),
    ),
    Bad("damaged bz2", "x.bz2", flipped(bz2.compress(GOOD)), ("x.bz2", "damaged or cut short")),
    Bad("damaged gz", "x.gz", flipped(gzip.compress(GOOD)), ("x.gz", "damaged or cut short")),
    Bad("damaged xz", "x.xz", flipped(lzma.compress(GOOD)), ("x.xz", "damaged or cut short")),
    Bad("bz2 that is plain", "x.bz2", GOOD, ("x.bz2", "damaged or cut short after 0 bytes")),
    Bad("empty bz2", "x.bz2", b"", ("x.bz2", "damaged or cut short after 0 bytes")),
    Bad("truncated csv.gz", "x.csv.gz", cut(gzip.compress(CSV * 50)), ("x.csv.gz", "damaged or cut short")),
    Bad(
        "gz bomb of zeros",
        "x.gz",
        lambda: gzip.compress(bytes(80 << 20), 1),
        ("x.gz", "expands to more than", "pass max_bytes="),
    ),
    Bad(
        "one endless line",
        "x",
        lambda: b"1" * (72 << 20),
        ("line 1", "longer than 67,108,864 bytes; expected one row per line"),
    ),
    Bad(
        "gz bomb of lines",
        "x.gz",
        lambda: gzip.compress((b"#" + b"." * 1000 + b"\n") * 75_000, 9),
        ("expands to more than 67,108,864 bytes", "pass max_bytes="),
    ),
    Bad("beyond max_bytes", "x.xz", lzma.compress(GOOD), ("expands to more than 1,000 bytes",), {"max_bytes": 1000}),
    Bad("npz bomb", "x.npz", lambda: zipped_zeros(), ("x.npz", "expands to", "more than 67,108,864")),
]
TABLES = [
    Bad("empty csv", "x.csv", b"", ("is empty; expected comma-separated numbers",)),
    Bad("header only", "x.csv", b"a,b,c\n", ("holds no rows",)),
    Bad("one column", "x.csv", b"1\n2\n", ("line 1", "at least two columns", "got 1")),
    Bad("short row", "x.csv", CSV + b"1,2\n", ("line 202", "has 2 fields; expected 3 as in line 1")),
    Bad("long row", "x.csv", CSV + b"1,2,3,4\n", ("line 202", "has 4 fields; expected 3")),
    Bad("all rows longer than the header", "x.csv", b"a,b\n1,2,3\n4,5,6\n", ("line 2", "has 3 fields; expected 2")),
    Bad("blank row", "x.csv", CSV + b"\n1,2,0\n", ("line 202", "a blank line; expected 3 fields")),
    Bad("missing field", "x.csv", CSV + b"1,,0\n", ("line 202, column 2 (b)", "expected a number, got ''")),
    Bad("word", "x.csv", CSV + b"1,two,0\n", ("line 202, column 2 (b)", "expected a number, got 'two'")),
    Bad("word as target", "x.csv", b"a,b\n1,yes\n2,no\n", ("line 2, column 2 (b)", "got 'yes'; pass labels={...}")),
    Bad("NaN", "x.csv", b"1,2,0\nnan,2,1\n", ("line 2, column 1", "finite number, got 'nan'")),
    Bad("infinity", "x.csv", b"1,2,0\n1,inf,1\n", ("line 2, column 2", "finite number, got 'inf'")),
    Bad("other separator", "x.csv", b"1;2;0\n", ("line 1", "at least two columns", "got 1")),
    Bad("not utf-8", "x.csv", b"a,b\n1,2\n\xff\xfe,3\n", ("x.csv", "not UTF-8 text")),
    Bad("open quote", "x.csv", b'a,b\n1,2\n"3,4\n', ("line 3", "has 1 fields; expected 2")),
    Bad("no such target", "x.csv", CSV, ("target must be one of its columns a, b, class; got 'y'",), {"target": "y"}),
    Bad(
        "target without header",
        "x.csv",
        b"1,2\n",
        ("has no header, so target must be a position in 0..1",),
        {"target": "y"},
    ),
    Bad("target position", "x.csv", CSV, ("target must be a position in -3..2, got 3",), {"target": 3}),
    Bad(
        "label not in map",
        "x.csv",
        b"1,yes\n2,maybe\n",
        ("line 2, column 2", "one of the labels 'yes', 'no', got 'maybe'"),
        {"labels": {"yes": 1, "no": -1}},
    ),
    Bad("n_features of csv", "x.csv", CSV, ("has 2 feature columns; n_features=5 was given",), {"n_features": 5}),
    Bad("parquet that is csv", "x.parquet", CSV, ("x.parquet", "damaged or not a Parquet file")),
    Bad("truncated parquet", "x.parquet", lambda: cut(parquet(a=[1.0], b=[0.0])()), ("damaged or not a Parquet file",)),
    Bad(
        "words in parquet",
        "x.parquet",
        parquet(a=["u", "v"], b=[0.0, 1.0]),
        ("column 'a'", "expected numbers, got Arrow type string"),
    ),
    Bad(
        "null in parquet",
        "x.parquet",
        parquet(a=[1.0, None], b=[0.0, 1.0]),
        ("row 1, column 'a'", "finite number, got nan"),
    ),
    Bad("one column of parquet", "x.parquet", parquet(a=[1.0]), ("at least two columns",)),
]
ARCHIVES = [
    Bad("npz that is text", "x.npz", b"1 1:1\n", ("x.npz", "not an .npz archive")),
    Bad(
        "truncated npz",
        "x.npz",
        lambda: cut(npz(rows=ROWS, targets=[0, 1, 0])()),
        ("x.npz", "cut short or not an .npz"),
    ),
    Bad("npz without targets", "x.npz", npz(rows=ROWS), ("holds the arrays rows; expected 'rows' and 'targets'",)),
    Bad(
        "objects in npz",
        "x.npz",
        npz(rows=np.array([[{}]], dtype=object), targets=[0]),
        ("x.npz", "rows must hold real numbers, got dtype object"),
    ),
    Bad(
        "objects as targets",
        "x.npz",
        npz(rows=ROWS, targets=np.array([{}] * 3)),
        ("x.npz", "targets must hold real numbers, got dtype object"),
    ),
    Bad("words in npz", "x.npz", npz(rows=[["a"]], targets=[0]), ("rows must hold real numbers, got dtype <U1",)),
    Bad(
        "complex rows",
        "x.npz",
        npz(rows=ROWS * 1j, targets=[0, 1, 0]),
        ("rows must hold real numbers, got dtype complex128",),
    ),
    Bad("vector as rows", "x.npz", npz(rows=[1.0, 2.0], targets=[0, 1]), ("rows must have shape (n, d)", "got (2,)")),
    Bad(
        "lengths differ",
        "x.npz",
        npz(rows=ROWS, targets=[0, 1]),
        ("rows and targets must have one length", "got 3 and 2"),
    ),
    Bad(
        "no rows in npz",
        "x.npz",
        npz(rows=np.ones((0, 2)), targets=[]),
        ("rows must have shape (n, d) with n and d at least 1, got (0, 2)",),
    ),
    Bad(
        "NaN in npz",
        "x.npz",
        npz(rows=[[1.0, 2.0], [3.0, np.nan]], targets=[0, 1]),
        ("rows must be finite, got nan in row 1, column 1",),
    ),
    Bad(
        "infinite target",
        "x.npz",
        npz(rows=ROWS, targets=[0, np.inf, 0]),
        ("targets must be finite, got inf in row 1",),
    ),
    Bad(
        "column order",
        "x.npz",
        npz(rows=np.asfortranarray(np.ones((3, 2))), targets=[0, 1, 0]),
        ("stored column by column",),
    ),
    Bad("csr index too large", "x.npz", npz(**{**CSR, "indices": [7]}), ("the parts do not form a CSR matrix",)),
    Bad(
        "csr parts of other lengths", "x.npz", npz(**{**CSR, "indptr": [0, 1]}), ("the parts do not form a CSR matrix",)
    ),
    Bad(
        "csr with fractions as indices",
        "x.npz",
        npz(**{**CSR, "indices": [0.5]}),
        ("indices must hold integers, got dtype float64",),
    ),
    Bad("infinite csr", "x.npz", npz(**{**CSR, "data": [np.inf]}), ("data must be finite, got inf",)),
    Bad("npy", "x.npy", b"", ("a .npy file holds rows without targets; save both with numpy.savez",)),
]
LABELS = [
    Bad(
        "one class only",
        "x",
        b"1 1:1\n1 2:1\n",
        ("labels='binary' needs two classes", "has 1 class (1)"),
        {"labels": "binary"},
    ),
    Bad(
        "three classes",
        "x",
        b"1 1:1\n2 1:1\n3 1:1\n",
        ("needs two classes", "has 3 classes (1, 2, 3)", "one-vs-rest"),
        {"labels": "binary"},
    ),
    Bad(
        "class that is not there",
        "x",
        b"1 1:1\n2 1:1\n",
        ("labels=('one-vs-rest', 7)", "has 2 classes (1, 2)"),
        {"labels": ("one-vs-rest", 7)},
    ),
    Bad(
        "one class against nothing",
        "x",
        b"1 1:1\n",
        ("labels=('one-vs-rest', 1) needs two classes",),
        {"labels": ("one-vs-rest", 1)},
    ),
    Bad("map that misses one", "x", b"1 1:1\n2 1:1\n", ("must map every class", "2 is missing"), {"labels": {1: 1.0}}),
    Bad(
        "unknown kind of labels",
        "x",
        b"1 1:1\n",
        ("labels must be None, 'binary', ('one-vs-rest', class) or a map, got 'multi'",),
        {"labels": "multi"},
    ),
]


def zipped_zeros() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("rows.npy", bytes(70 << 20))
        archive.writestr("targets.npy", b"")
    return stream.getvalue()


def refuse(directory: Path, bad: Bad) -> str:
    path = directory / bad.file
    path.write_bytes(bad.content if isinstance(bad.content, bytes) else bad.content())
    with pytest.raises(DataError) as caught:
        load(path, **bad.options)
    return str(caught.value)


CORPUS = [*SVMLIGHT, *COMPRESSED, *TABLES, *ARCHIVES]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad.id)
def test_refused_with_the_place_and_what_was_expected(tmp_path: Path, cache: Path, bad: Bad) -> None:
    message = refuse(tmp_path, bad)
    assert str(tmp_path / bad.file) in message
    position = 0
    for part in bad.says:
        assert part in message[position:], message
        position = message.index(part, position)
    assert "\n" not in message
    assert list(cache.glob("parsed/*")) == []


@pytest.mark.parametrize("bad", LABELS, ids=lambda bad: bad.id)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, bad: Bad) -> None:
    message = refuse(tmp_path, bad)
    for part in bad.says:
        assert part in message, message


def test_corpus_is_as_large_as_promised() -> None:
    assert len({bad.id for bad in CORPUS}) >= 50


def test_directory_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        load(tmp_path)
    with pytest.raises(DataError, match="gone.csv: no such file"):
        load(tmp_path / "gone.csv")
