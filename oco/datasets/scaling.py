"""Scale rows: largest entry 1, unit length, or mean zero and variance one per column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from oco.datasets.compact import make_csr
from oco.datasets.dataset import Rows
from oco.datasets.fingerprint import combine
from oco.errors import DataError
from oco.types import Array

ScalingKind: TypeAlias = Literal["none", "max-abs", "unit-rows", "standard"]


@dataclass(frozen=True, eq=False)
class Scaling:
    """A scaling fitted to some rows, which can be applied to others, such as a test set.

    Attributes
    ----------
    kind : {"none", "max-abs", "unit-rows", "standard"}
        "max-abs" divides each column by its largest absolute value, "unit-rows" divides each row by its Euclidean norm,
        and "standard" subtracts each column's mean and divides by its (population) standard deviation. Columns and rows
        of zeros and constant columns are divided by 1.
    shift, factor : ndarray, shape (d,), or None
        Columns are mapped to ``(column - shift) * factor``; None if nothing is subtracted or multiplied.

    Examples
    --------
    >>> train = np.array([[1.0, -4.0], [2.0, 2.0]])
    >>> scaling = Scaling.fit([train], "max-abs")
    >>> scaling.apply(np.array([[1.0, 1.0]]))
    array([[0.5 , 0.25]])
    """

    kind: ScalingKind
    shift: Array | None = None
    factor: Array | None = None

    @classmethod
    def fit(cls, blocks: Iterable[Rows], kind: ScalingKind) -> Scaling:
        """Fit to rows in blocks, each of which is read once.

        Raises
        ------
        DataError
            If ``kind`` is unknown, if it is "standard" and the rows are sparse (subtracting the mean would fill them),
            or if a scaling factor overflows or underflows.
        """
        if not isinstance(kind, str) or kind not in get_args(ScalingKind):
            raise DataError(f"scaling must be one of {', '.join(get_args(ScalingKind))}; got {kind!r}")
        with _finite(kind):
            return cls._fit(blocks, kind)

    @classmethod
    def _fit(cls, blocks: Iterable[Rows], kind: ScalingKind) -> Scaling:
        if kind == "max-abs":
            largest: Array | None = None
            for rows in blocks:
                here = _largest(rows)
                largest = here if largest is None else np.maximum(largest, here)
            assert largest is not None
            return cls(kind, factor=_reciprocal(largest))
        if kind == "standard":
            mean, deviation = _moments(blocks)
            return cls(kind, shift=mean, factor=_reciprocal(deviation))
        return cls(kind)

    def apply(self, rows: Rows) -> Rows:
        """Return the scaled rows, a new matrix of the same kind (the same one for "none").

        Raises
        ------
        DataError
            If the scaling was fitted to another number of columns, or a scaled number is not finite.
        """
        if self.factor is not None and len(self.factor) != rows.shape[1]:
            raise DataError(f"the scaling was fitted to {len(self.factor)} columns, these rows have {rows.shape[1]}")
        if self.kind == "none":
            return rows
        with _finite(self.kind):
            return self._apply(rows)

    def _apply(self, rows: Rows) -> Rows:
        if isinstance(rows, np.ndarray):
            if self.kind == "unit-rows":
                return rows * _reciprocal(_norms(rows))[:, None]
            assert self.factor is not None
            return rows * self.factor if self.shift is None else (rows - self.shift) * self.factor
        if self.kind == "unit-rows":
            data = rows.data * np.repeat(_reciprocal(_sparse_norms(rows)), np.diff(rows.indptr))
        else:
            _refuse_sparse(self.kind)
            assert self.factor is not None
            data = rows.data * self.factor[rows.indices]
        return make_csr(data, rows.indices, rows.indptr, rows.shape[1])  # type: ignore[no-any-return]

    @property
    def checksum(self) -> str:
        """Hash of the kind and the fitted numbers."""
        arrays = [None if array is None else array.tobytes().hex() for array in (self.shift, self.factor)]
        return combine({"kind": self.kind, "arrays": arrays})


@contextmanager
def _finite(kind: str) -> Iterator[None]:
    """Convert a floating-point error into a `DataError`."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            yield
    except FloatingPointError as error:
        raise DataError(
            f"scaling={kind!r} leaves the range of float64: a column or row has entries too large or small to divide"
        ) from error


def _refuse_sparse(kind: str) -> None:
    if kind == "standard":
        raise DataError(
            "scaling='standard' subtracts the mean, which would fill the zeros of sparse rows; "
            "use 'max-abs' or 'unit-rows', or make the rows dense and hand them to from_arrays"
        )


def _largest(rows: Rows) -> Array:
    if isinstance(rows, np.ndarray):
        dense: Array = np.maximum(rows.max(axis=0), -rows.min(axis=0))
        return dense
    largest = np.zeros(rows.shape[1])
    np.maximum.at(largest, rows.indices, np.abs(rows.data))
    return largest


def _moments(blocks: Iterable[Rows]) -> tuple[Array, Array]:
    # Chan, Golub and LeVeque's update of mean and sum of squared deviations, exact to rounding for any block size.
    # Each column is divided by a power of two above its entries, which causes no rounding and keeps squares in range.
    count = 0
    size: Array | float = 0.0
    mean: Array | float = 0.0
    squares: Array | float = 0.0
    for rows in blocks:
        if not isinstance(rows, np.ndarray):
            _refuse_sparse("standard")
            continue
        larger = np.maximum(size, _power_of_two_above(_largest(rows)))
        mean, squares = mean * (size / larger), squares * (size / larger) ** 2
        size = larger
        scaled = rows / size
        here = scaled.mean(axis=0)
        deviation = ((scaled - here) ** 2).sum(axis=0)
        total = count + len(rows)
        step = here - mean
        squares = squares + deviation + step**2 * (count * len(rows) / total)
        mean = mean + step * (len(rows) / total)
        count = total
    mean = np.asarray(mean * size)
    deviation = np.asarray(np.sqrt(squares / count) * size)
    if ((deviation == 0.0) & (np.asarray(squares) > 0.0)).any():
        raise FloatingPointError("underflow")
    # Rounding gives a constant column a deviation near eps times its mean, by which it must not be divided.
    deviation[deviation <= 1e-12 * np.abs(mean)] = 0.0
    return mean, deviation


def _power_of_two_above(values: Array) -> Array:
    powers: Array = np.ldexp(1.0, np.frexp(values)[1])
    return powers


def _norms(rows: Array) -> Array:
    # Scaled by the largest entry, so that the norms of tiny or huge rows neither underflow nor overflow.
    largest = np.abs(rows).max(axis=1)
    norms: Array = largest * np.sqrt(((rows * _reciprocal(largest)[:, None]) ** 2).sum(axis=1))
    return norms


def _sparse_norms(rows: Rows) -> Array:
    assert not isinstance(rows, np.ndarray)
    lengths = np.diff(rows.indptr)
    largest = np.zeros(rows.shape[0])
    row_of = np.repeat(np.arange(rows.shape[0]), lengths)
    np.maximum.at(largest, row_of, np.abs(rows.data))
    scaled = rows.data * _reciprocal(largest)[row_of]
    norms: Array = largest * np.sqrt(np.bincount(row_of, weights=scaled**2, minlength=rows.shape[0]))
    return norms


def _reciprocal(values: Array) -> Array:
    return np.divide(1.0, values, out=np.ones_like(values), where=values > 0)
