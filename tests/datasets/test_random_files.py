"""Files made at random: readers either give what is written or a `DataError`, and the two svmlight parsers agree."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.datasets import load
from oco.datasets.svmlight_faults import find_fault
from oco.errors import DataError

PIECES = st.sampled_from(
    [b"1", b"-1", b"0", b"2", b"17", b":", b":", b" ", b" ", b"\t", b"\n", b"\n", b"\r\n", b".", b"e", b"-", b"+"]
    + [b"_", b"#", b"nan", b"inf", b"x", b"\xff", b"\x00", b",", b'"', b"3:0.5", b" 2:1", b"1 1:1\n", b"1,2,3\n"]
)


def outcome(name: str, content: bytes):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / name
        path.write_bytes(content)
        try:
            data = load(path)
        except DataError:
            return None
        assert data.n_rows == len(data.targets) > 0
        return data


@given(st.lists(PIECES, max_size=30).map(b"".join))
@settings(max_examples=400, deadline=None)
def test_fast_and_slow_svmlight_parsers_agree(content: bytes) -> None:
    data = outcome("x", content)
    body = content.rstrip(b" \t\r\n")
    lines = [line.split(b"#")[0] for line in body.split(b"\n")]
    holds_rows = any(line.strip() for line in lines)
    assert (data is not None) == (holds_rows and find_fault(body, 1, None) is None)
    if data is not None:
        assert data.n_rows == sum(bool(line.strip()) for line in lines)


@given(st.lists(PIECES, max_size=30).map(b"".join))
@settings(max_examples=200, deadline=None)
def test_csv_reader_gives_rows_or_a_data_error(content: bytes) -> None:
    outcome("x.csv", content)


@given(st.lists(PIECES, max_size=20).map(b"".join), st.sampled_from(["x.gz", "x.bz2", "x.xz", "x.npz", "x.parquet"]))
@settings(max_examples=60, deadline=None)
def test_what_is_not_a_container_is_refused(content: bytes, name: str) -> None:
    assert outcome(name, content) is None


@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False),
            st.dictionaries(st.integers(1, 40), st.floats(allow_nan=False, allow_infinity=False), max_size=5),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=100, deadline=None)
def test_every_float_survives_the_journey(rows) -> None:
    lines = []
    for label, entries in rows:
        lines.append(" ".join([repr(label), *(f"{index}:{entries[index]!r}" for index in sorted(entries))]))
    data = outcome("x", "\n".join(lines).encode())
    assert data is not None
    expected = np.zeros((len(rows), data.dimension))
    for place, (_, entries) in enumerate(rows):
        for index, value in entries.items():
            expected[place, index - 1] = value
    found = data.rows if isinstance(data.rows, np.ndarray) else data.rows.toarray()
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(data.targets, [label for label, _ in rows])
