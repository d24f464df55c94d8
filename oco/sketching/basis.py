"""The orthonormal basis in which a sketch keeps its eigenvectors: how it grows, and how it is compressed."""

from __future__ import annotations

import math

import numpy as np

from oco.compile import MATRIX, NONE, REAL, VECTOR, WHOLE, kernel, part_of_kernel, separate_kernel
from oco.sketching.numerics import INSIDE_SPAN, POLISH_EVERY
from oco.sketching.passes import clear, combine, project, square_norm
from oco.sketching.products import polish, replace_rows
from oco.sketching.records import COORDINATES, PRODUCTS, SCRATCH, SKETCH, Scratch, Sketch, matrix_in
from oco.types import Array


@kernel
def orthogonalize(basis: Array, size: int, vector: Array, coordinates: Array, spare: Array) -> float:
    """Coordinates of ``vector`` in the first ``size`` basis rows; the vector becomes its residual, whose norm returns.

    Projected out twice, so that the residual is orthogonal however short it is.
    """
    project(basis, size, vector, coordinates)
    combine(basis, size, coordinates, -1.0, vector)
    project(basis, size, vector, spare)
    combine(basis, size, spare, -1.0, vector)
    for i in range(size):
        coordinates[i] += spare[i]
    return math.sqrt(square_norm(vector))


@separate_kernel(WHOLE(SKETCH, MATRIX, VECTOR, REAL))
def write_in_basis(sketch: Sketch, lines: Array, vector: Array, square: float) -> int:
    """Fill line ``COORDINATES`` with ``vector``'s, appending its residual to the basis; the vector is used up."""
    coordinates = lines[COORDINATES]
    size = int(sketch.header[0].used)
    clear(coordinates, size)
    length = orthogonalize(sketch.basis, size, vector, coordinates, lines[PRODUCTS])
    if length > INSIDE_SPAN * np.sqrt(square):
        append(sketch, vector, 1.0 / length)
        coordinates[size] = length
    return size


@part_of_kernel
def append(sketch: Sketch, vector: Array, factor: float) -> None:
    """Add ``factor vector`` to the basis as its last row."""
    head, basis = sketch.header[0], sketch.basis
    size = int(head.used)
    for j in range(vector.size):
        basis[size, j] = factor * vector[j]
    head.used = size + 1


@part_of_kernel
def make_room(sketch: Sketch, scratch: Scratch) -> bool:
    """Compress the basis to the eigenvectors if it is full, and correct what round-off did to orthonormality.

    Returns whether the basis changed.
    """
    head = sketch.header[0]
    identity = sketch.basis.shape[0] == 0
    if not identity and int(head.used) < sketch.basis.shape[0]:
        return False
    head.compressions += 1.0
    if identity:
        if head.compressions % POLISH_EVERY == 0:
            rank = int(head.rank)
            polish(sketch.directions, rank, matrix_in(scratch.square, rank, rank), scratch.buffer)
        return False
    compress(sketch, scratch)
    return True


@kernel
def set_identity(directions: Array, rank: int) -> None:
    """The eigenvectors are the first ``rank`` rows of the basis."""
    for i in range(directions.shape[0]):
        clear(directions[i])
    for i in range(rank):
        directions[i, i] = 1.0


@separate_kernel(NONE(SKETCH, SCRATCH))
def compress(sketch: Sketch, scratch: Scratch) -> None:
    """Make the eigenvectors the basis, with one matrix product, and carry the known coordinates over."""
    head, basis, directions, known = sketch.header[0], sketch.basis, sketch.directions, sketch.known
    rank = int(head.rank)
    if known.size > 0:
        carried = scratch.lines[PRODUCTS]
        project(directions, rank, known, carried)
        for i in range(known.size):
            known[i] = carried[i] if i < rank else 0.0
    replace_rows(directions[:rank].T, basis, scratch.buffer)
    set_identity(directions, rank)
    head.used = rank
    if head.compressions % POLISH_EVERY == 0:
        polish(basis, rank, matrix_in(scratch.square, rank, rank), scratch.buffer)
