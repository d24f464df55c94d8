"""What a sketch holds, and how its arrays are laid out for the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from oco.sketching.records import HEADER, HEADER_SIZE, Header, Scratch, Sketch
from oco.types import Array

_PLACES = {name: place for place, name in enumerate(HEADER.names or ())}

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
        known = size if coordinates and not identity else 0
        state = cls(
            basis=np.zeros((0 if identity else size, dimension)),
            directions=np.zeros((min(rank + 1, dimension), size)),
            numbers=np.zeros(HEADER_SIZE + rank + known),
            capacity=rank,
        )
        state.header["used"] = dimension if identity else 0
        return state

    @staticmethod
    def floats(dimension: int, rank: int, buffer: int, coordinates: bool = False) -> int:
        """Numbers that `empty` allocates, without allocating them."""
        rank = min(rank, dimension)
        identity = rotates_every_round(dimension, rank, buffer)
        size = dimension if identity else rank + buffer
        basis = 0 if identity else size * dimension
        known = size if coordinates and not identity else 0
        return basis + min(rank + 1, dimension) * size + HEADER_SIZE + rank + known + 1

    @property
    def header(self) -> Header:
        """The first numbers, to be read and set by name: ``header[0].rank`` and so on."""
        return self.numbers[:HEADER_SIZE].view(HEADER)

    def number(self, name: str) -> float:
        """One number of the header; as `header` reads it, in a tenth of the time."""
        return float(self.numbers[_PLACES[name]])

    def arrays(self) -> Sketch:
        """Views of the state as kernels take them."""
        values, known = np.split(self.numbers[HEADER_SIZE:], [self.capacity])
        return Sketch(self.basis, self.directions, self.header, values, known)

    @property
    def dimension(self) -> int:
        """The length of a vector, d."""
        return int(self.basis.shape[1])

    @property
    def rank(self) -> int:
        """Directions that are kept now, at most k."""
        return int(self.number("rank"))

    @property
    def rounds(self) -> int:
        """Vectors that it has taken."""
        return int(self.number("rounds"))

    @property
    def unit(self) -> float:
        """The power of two in which vectors are measured; 1 before the first."""
        return self.number("unit") or 1.0

    @property
    def escaped_mass(self) -> float:
        """Sum of the eigenvalues that were subtracted, rho."""
        return self.number("escaped") * self.unit**2

    @property
    def escaped_roots(self) -> float:
        """``sum_t sqrt(rho_t)`` over the shrinks so far (not decayed)."""
        return self.number("escaped_roots") * self.unit

    @property
    def eigenvalues(self) -> Array:
        """``(rank,)``, falling."""
        values: Array = self.numbers[HEADER_SIZE : HEADER_SIZE + self.rank] * self.unit**2
        return values

    @property
    def eigenvectors(self) -> Array:
        """``(rank, d)``, one a row, in the order of `eigenvalues`."""
        size = int(self.number("used"))
        rows = self.directions[: self.rank, :size]
        return rows.copy() if self.basis.shape[0] == 0 else rows @ self.basis[:size]

    def replace(self, eigenvalues: Array, eigenvectors: Array) -> None:
        """Hold these eigenpairs (in units squared, one vector a row, at most k of them) instead."""
        rank = eigenvalues.size
        values = self.arrays().values
        values[:] = 0.0
        values[:rank] = eigenvalues
        self.header[0].rank = rank
        if self.basis.shape[0] == 0:
            self.directions[:rank] = eigenvectors
            return
        self.basis[:rank] = eigenvectors
        self.directions[:] = 0.0
        self.directions[:rank, :rank] = np.eye(rank)
        self.header[0].used = rank

    def scratch(self) -> Scratch:
        """Scratch memory for the kernels."""
        rows, size = self.directions.shape
        return Scratch.empty(rows, size, self.dimension)
