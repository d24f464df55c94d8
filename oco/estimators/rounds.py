"""Which row each round of a fit plays, and with what weight.

A sample of weight w is w rounds. The order of a fit is drawn from the contents of the rows, so it does not depend on
the order in which they are given, and a sample of weight 3 is played as the same sample given three times would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np

from oco.compile import kernel, part_of_kernel
from oco.losses.rows import Rows
from oco.types import Array

Bits: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
"""Unsigned 64-bit numbers: hashes, or the bits of floats."""

Indices: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
"""Numbers of rows."""

MOST_ROUNDS = 2**31 - 1
"""Most rounds of one fit: sample weights whose sum is larger were hardly meant as numbers of rounds."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_SIGN, _NOTHING = np.uint64(1), np.uint64(0)
"""The constants of the SplitMix64 finalizer, and what tells a zero of either sign."""


@dataclass(frozen=True)
class Rounds:
    """The rounds of a fit.

    Attributes
    ----------
    order
        ``(T,)``, the row of each round.
    weights
        ``(T,)``, the factor in (0, 1] of each round's loss; None if all are 1.
    """

    order: Indices
    weights: Array | None

    def __len__(self) -> int:
        """T."""
        return int(self.order.size)

    @classmethod
    def in_given_order(cls, n_rows: int, weights: Array | None, passes: int = 1) -> Self:
        """Every row as often as its weight says, one row after the other."""
        return cls._repeated(np.arange(n_rows), weights)._passes(passes)

    @classmethod
    def drawn(cls, rows: Rows, targets: Array, weights: Array | None, passes: int, seed: int) -> Self:
        """A random order, a new one for each pass, which depends on ``seed`` and on what is in the rows alone."""
        generator = np.random.default_rng([seed, 0x0DE2])
        hashes = _hashes(rows, targets, generator)
        once = cls._repeated(np.argsort(hashes), weights)
        hashes = hashes[once.order]
        # Equal rows are told apart by counting them, so that they are spread over the stream.
        first = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
        copies = np.arange(hashes.size) - np.repeat(first, np.diff(np.append(first, hashes.size)))
        keys = hashes + _GOLDEN * copies.astype(np.uint64)
        orders = []
        for salt in generator.integers(0, 2**64, size=passes, dtype=np.uint64):
            mixed = np.empty_like(keys)
            _mix(keys ^ salt, mixed)
            orders.append(np.argsort(mixed))
        return once._taken(np.concatenate(orders))

    @classmethod
    def _repeated(cls, order: Indices, weights: Array | None) -> Self:
        """As many rounds of each row, in this order, as its weight says; the last may have a fraction of the loss."""
        if weights is None:
            return cls(order, None)
        counts = np.ceil(weights[order])
        if counts.sum() > MOST_ROUNDS:
            raise ValueError(
                f"a sample of weight w is played in w rounds, and these weights make {counts.sum():.3g}, more than "
                f"{MOST_ROUNDS:,}; divide sample_weight by a constant"
            )
        counts = counts.astype(np.intp)
        repeated = np.repeat(order, counts)
        done = np.arange(repeated.size) - np.repeat(np.cumsum(counts) - counts, counts)
        shares = np.minimum(1.0, weights[repeated] - done)
        return cls(repeated, None if np.all(shares == 1.0) else shares)

    def _passes(self, passes: int) -> Self:
        return self if passes == 1 else self._taken(np.tile(np.arange(len(self)), passes))

    def _taken(self, chosen: Indices) -> Self:
        weights = None if self.weights is None else self.weights[chosen]
        return type(self)(self.order[chosen], weights)


def _hashes(rows: Rows, targets: Array, generator: np.random.Generator) -> Bits:
    """A hash of every row with its target; that of a sparse row is that of the same row with its zeros."""
    keys = generator.integers(0, 2**64, size=rows.shape[1] + 1, dtype=np.uint64)
    hashes = np.empty(rows.shape[0], dtype=np.uint64)
    bits = np.ascontiguousarray(targets + 0.0).view(np.uint64)
    if isinstance(rows, np.ndarray):
        _hash_dense(np.ascontiguousarray(rows).view(np.uint64), bits, keys, hashes)
    else:
        matrix: Any = rows
        _hash_sparse(matrix.data.view(np.uint64), matrix.indices, matrix.indptr, bits, keys, hashes)
    return hashes


@part_of_kernel
def _mixed(bits: np.uint64) -> np.uint64:
    """The SplitMix64 finalizer: every bit of the result depends on every bit of ``bits``."""
    bits = (bits ^ (bits >> _SHIFTS[0])) * _FIRST
    bits = (bits ^ (bits >> _SHIFTS[1])) * _SECOND
    return bits ^ (bits >> _SHIFTS[2])


@kernel
def _mix(bits: Bits, mixed: Bits) -> None:
    for i in range(bits.size):
        mixed[i] = _mixed(bits[i])


@kernel
def _hash_dense(bits: Bits, targets: Bits, keys: Bits, hashes: Bits) -> None:
    for i in range(hashes.size):
        total = _mixed(targets[i] ^ keys[keys.size - 1])
        for j in range(bits.shape[1]):
            if bits[i, j] << _SIGN != _NOTHING:
                total += _mixed(bits[i, j] ^ keys[j])
        hashes[i] = _mixed(total)


@kernel
def _hash_sparse(bits: Bits, indices: Indices, indptr: Indices, targets: Bits, keys: Bits, hashes: Bits) -> None:
    for i in range(hashes.size):
        total = _mixed(targets[i] ^ keys[keys.size - 1])
        for entry in range(indptr[i], indptr[i + 1]):
            if bits[entry] << _SIGN != _NOTHING:
                total += _mixed(bits[entry] ^ keys[indices[entry]])
        hashes[i] = _mixed(total)
