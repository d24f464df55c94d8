"""Inner products of the rows of a CSR matrix, with dense rows and with each other: four sums at a time."""

from __future__ import annotations

from oco.compile import kernel
from oco.lanes import load, spread, store
from oco.types import Array

ROWS_AT_ONCE = 4
"""Rows of a CSR matrix that are written out beside each other, so that one load has an entry of each."""


@kernel
def sparse_products(
    index: int, data: Array, indices: Array, indptr: Array, basis: Array, rank: int, out: Array
) -> None:  # fmt: skip
    """Inner products of row ``index`` with the first ``rank`` rows of the basis."""
    last = rank - 1
    for m in range(0, rank, 4):
        second, third, fourth = min(m + 1, last), min(m + 2, last), min(m + 3, last)
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for place in range(indptr[index], indptr[index + 1]):
            value, column = data[place], indices[place]
            a += value * basis[m, column]
            b += value * basis[second, column]
            c += value * basis[third, column]
            d += value * basis[fourth, column]
        out[m] = a
        out[second] = b
        out[third] = c
        out[fourth] = d


@kernel
def sparse_gram(
    begin: int, count: int, data: Array, indices: Array, indptr: Array, beside: Array, inner: Array
) -> None:
    """``inner = A A'`` for ``count`` rows from ``begin`` on, written out one four after the other.

    Entry j of the four is at ``4 j`` in ``beside``, ``(4 d,)``, which is zero before and afterwards.
    """
    for i in range(0, count, ROWS_AT_ONCE):
        few = min(ROWS_AT_ONCE, count - i)
        for which in range(few):
            for place in range(indptr[begin + i + which], indptr[begin + i + which + 1]):
                beside[ROWS_AT_ONCE * indices[place] + which] = data[place]
        for other in range(i, count):
            sums = spread(0.0)
            for place in range(indptr[begin + other], indptr[begin + other + 1]):
                sums += data[place] * load(beside, ROWS_AT_ONCE * indices[place])
            store(inner[other], i, sums)  # what is beyond the four is overwritten by those after them
        for which in range(few):
            for place in range(indptr[begin + i + which], indptr[begin + i + which + 1]):
                beside[ROWS_AT_ONCE * indices[place] + which] = 0.0
    for i in range(count):
        for j in range(i):
            inner[j, i] = inner[i, j]
