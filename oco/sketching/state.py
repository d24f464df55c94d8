"""What a sketch holds, and how its arrays are laid out for the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from oco.sketching.passes import CHUNK
from oco.sketching.secular import FOURS
from oco.sketching.secular import ROWS as SECULAR_ROWS
from oco.types import Array

RANK, SIZE, ESCAPED, UNIT, ROUNDS, COMPRESSIONS, ANCHOR_SQUARE, ESCAPED_ROOTS = range(8)
"""Places in ``numbers``: directions kept now; rows of the basis in use; escaped mass in units squared; the unit
(a power of two, 0 before the first gradient); rounds; compressions; the squared norm of a learner's anchor; and the
sum of the square roots of what escaped, in units."""
HEADER = 8
"""Where the eigenvalues (in units squared) start in ``numbers``."""

(
    COORDINATES,
    STEP,
    PRODUCTS,
    POLES,
    ROOTS,
    WEIGHTS,
    METRIC,
    SQUARES,
    MADE,
    LINES,
) = range(10)
"""Lines of the work array; ``LINES`` is their number."""


Compensation = Literal["full", "half", "none"]
COMPENSATIONS: dict[str, float] = {"full": 1.0, "half": 0.5, "none": 0.0}
"""How much of the escaped mass is put back: all (Sketchy: dominates G), half (RFD: nearest to G), none (FD)."""


def default_buffer(rank: int) -> int:
    """Directions to hold between two compressions: as many as are kept for small ranks, a third of them for large."""
    return min(rank, 8 + rank // 4)


def rotates_every_round(dimension: int, rank: int, buffer: int) -> bool:
    """Whether the basis is the identity: the least memory, ``d (k + 1)``, for a rotation of O(d k^2) every round."""
    return buffer == 0 or rank + buffer >= dimension


@dataclass
class SketchState:
    """A rank-k sketch of a covariance: eigenvectors as combinations of an orthonormal basis, and eigenvalues.

    Attributes
    ----------
    basis
        ``(k + b, d)``, orthonormal rows, of which the first ``size`` are in use: the directions of the last compression
        and the residuals of the vectors since. ``(0, d)`` where the basis is the identity: ``b = 0`` or ``k + b >= d``.
    directions
        ``(min(k + 1, d), k + b)`` or ``(min(k + 1, d), d)``: the eigenvectors in that basis, one a row, and a row for
        the residual of the newest vector.
    numbers
        ``(8 + k + ...,)``: rank, size, escaped mass, unit, counters; the eigenvalues; room for a learner's coordinates.
    capacity
        k, the most directions that are kept.
    """

    basis: Array
    directions: Array
    numbers: Array
    capacity: int

    @classmethod
    def empty(cls, dimension: int, rank: int, buffer: int, coordinates: bool = False) -> SketchState:
        """A sketch of nothing; ``coordinates`` makes room for those of a point in the basis."""
        rank = min(rank, dimension)
        identity = rotates_every_round(dimension, rank, buffer)
        size = dimension if identity else rank + buffer
        numbers = np.zeros(HEADER + rank + (size if coordinates and not identity else 0))
        numbers[SIZE] = dimension if identity else 0
        return cls(
            basis=np.zeros((0 if identity else size, dimension)),
            directions=np.zeros((min(rank + 1, dimension), size)),
            numbers=numbers,
            capacity=rank,
        )

    @staticmethod
    def floats(dimension: int, rank: int, buffer: int, coordinates: bool = False) -> int:
        """Numbers that `empty` allocates, without allocating them."""
        rank = min(rank, dimension)
        identity = rotates_every_round(dimension, rank, buffer)
        size = dimension if identity else rank + buffer
        basis = 0 if identity else size * dimension
        return (
            basis + min(rank + 1, dimension) * size + HEADER + rank + (size if coordinates and not identity else 0) + 1
        )

    @property
    def dimension(self) -> int:
        """The length of a vector, d."""
        return int(self.basis.shape[1])

    @property
    def rank(self) -> int:
        """Directions that are kept now, at most k."""
        return int(self.numbers[RANK])

    @property
    def unit(self) -> float:
        """The power of two in which vectors are measured; 1 before the first."""
        return float(self.numbers[UNIT]) or 1.0

    @property
    def escaped_mass(self) -> float:
        """Sum of the eigenvalues that were subtracted, rho."""
        return float(self.numbers[ESCAPED]) * self.unit**2

    @property
    def escaped_roots(self) -> float:
        """``sum_t sqrt(rho_t)`` over the shrinks so far (not decayed)."""
        return float(self.numbers[ESCAPED_ROOTS]) * self.unit

    @property
    def eigenvalues(self) -> Array:
        """``(rank,)``, falling."""
        values: Array = self.numbers[HEADER : HEADER + self.rank] * self.unit**2
        return values

    @property
    def eigenvectors(self) -> Array:
        """``(rank, d)``, one a row, in the order of `eigenvalues`."""
        size = int(self.numbers[SIZE])
        rows = self.directions[: self.rank, :size]
        return rows.copy() if self.basis.shape[0] == 0 else rows @ self.basis[:size]

    def replace(self, eigenvalues: Array, eigenvectors: Array) -> None:
        """Hold these eigenpairs (in units squared, one vector a row, at most k of them) instead."""
        rank = eigenvalues.size
        values = self.numbers[HEADER : HEADER + self.capacity]
        values[:] = 0.0
        values[:rank] = eigenvalues
        self.numbers[RANK] = rank
        if self.basis.shape[0] == 0:
            self.directions[:rank] = eigenvectors
            return
        self.basis[:rank] = eigenvectors
        self.directions[:] = 0.0
        self.directions[:rank, :rank] = np.eye(rank)
        self.numbers[SIZE] = rank

    def workspace(self) -> Array:
        """Scratch memory for the kernels; nothing in it is carried from round to round."""
        return np.zeros(work_floats(self.directions.shape[0], self.directions.shape[1], self.dimension))


def work_floats(rows: int, size: int, dimension: int) -> int:
    """Floats of scratch that the kernels need for ``directions`` ``(rows, size)`` in dimension d."""
    chunk = min(CHUNK, dimension)
    secular = SECULAR_ROWS * (rows + FOURS)
    return LINES * size + secular + rows * rows + rows * max(size, chunk) + dimension
