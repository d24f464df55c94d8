"""Arrays, frames and iterators as given, or refused: containers, masks, buffers, types, scalings."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import oco
from oco.datasets import from_arrays, from_frame, from_iterator
from oco.errors import DataError

ROWS = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0], [0.0, 1.0, 0.0]])
TARGETS = np.array([1.0, -1.0, 1.0])


def dense(rows) -> np.ndarray:
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


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
    "an integer that would be rounded": ([[2**53 + 1], [0], [1]], "got the integer 9007199254740993"),
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


def test_frames_with_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="frame: columns 1 and 3 are both called 'a'"):
        from_frame(pd.DataFrame(ROWS, columns=["a", "b", "a"]))


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
