"""One round of Frequent Directions, compiled: in coordinates, and for vectors over a lazily rotated basis.

The eigenvectors of the sketch are kept as combinations (``directions``) of an orthonormal basis. A new vector g is
written in that basis, its residual extending the basis by one row; the rank-one eigen-update then happens in
coordinates, in O(m k) for the products and O(m k^2) for the rotation with m = k + b basis rows, whatever d is. Every b
rounds the basis is compressed to the k eigenvectors with one matrix product. The result is that of an
eigen-decomposition every round; the cost is two passes over the basis.
"""

from __future__ import annotations

import math

import numpy as np

from oco.compile import FLAG, MATRIX, NONE, REAL, VECTOR, WHOLE, kernel, separate_kernel, view_kernel
from oco.lanes import WIDTH, load, spread, store, total
from oco.sketching.numerics import (
    INSIDE_SPAN,
    LEAST,
    NEGLIGIBLE,
    OUTGROWN,
    POLISH_EVERY,
    REORTHOGONALISE,
    TIED,
    VANISHING,
    ZERO_EIGENVALUE,
    power_of_two,
)
from oco.sketching.passes import clear, combine, project, square_norm
from oco.sketching.products import polish, replace_rows, weighted_sums
from oco.sketching.secular import FOURS, rank_one_eigen
from oco.sketching.secular import ROWS as SECULAR_ROWS
from oco.sketching.state import (
    COMPRESSIONS,
    COORDINATES,
    ESCAPED,
    ESCAPED_ROOTS,
    HEADER,
    LINES,
    POLES,
    PRODUCTS,
    RANK,
    ROOTS,
    ROUNDS,
    SIZE,
    UNIT,
    WEIGHTS,
)
from oco.types import Array


@view_kernel
def lines_of(work: Array, directions: Array) -> Array:
    """The lines of the work array, ``(LINES, m)``."""
    size = directions.shape[1]
    return work[: LINES * size].reshape((LINES, size))


@view_kernel
def secular_of(work: Array, directions: Array) -> Array:
    """Room for the secular equation."""
    rows, size = directions.shape
    wide = rows + FOURS
    return work[LINES * size : LINES * size + SECULAR_ROWS * wide].reshape((SECULAR_ROWS, wide))


@view_kernel
def matrix_of(work: Array, directions: Array, count: int) -> Array:
    """Room for a ``(count, count)`` matrix."""
    rows, size = directions.shape
    start = LINES * size + SECULAR_ROWS * (rows + FOURS)
    return work[start : start + count * count].reshape((count, count))


@view_kernel
def buffer_of(work: Array, directions: Array) -> Array:
    """Room for the outcome of a matrix product, flat."""
    rows, size = directions.shape
    return work[LINES * size + SECULAR_ROWS * (rows + FOURS) + rows * rows :]


@view_kernel
def residual_of(work: Array, dimension: int) -> Array:
    """Room for a vector of length d."""
    return work[work.size - dimension :]


@kernel
def scale_into(out: Array, gradient: Array, factor: float) -> float:
    """``out = factor gradient``; its squared norm."""
    square = spread(0.0)
    for j in range(0, gradient.size, WIDTH):
        scaled = factor * load(gradient, j)
        store(out, j, scaled)
        square += scaled * scaled
    return total(square)


@kernel
def set_unit(size: float, numbers: Array, capacity: int) -> None:
    """Measure in the power of two just below ``size`` from now on; eigenvalues that vanish in it are dropped."""
    unit = power_of_two(size)
    shrunk = (numbers[UNIT] / unit) ** 2
    for i in range(capacity):
        numbers[HEADER + i] *= shrunk
    while numbers[RANK] > 0.0 and numbers[HEADER + int(numbers[RANK]) - 1] < LEAST:
        numbers[RANK] -= 1.0
        numbers[HEADER + int(numbers[RANK])] = 0.0
    numbers[ESCAPED] *= shrunk
    numbers[ESCAPED_ROOTS] *= numbers[UNIT] / unit
    numbers[UNIT] = unit


@kernel
def take_in_units(out: Array, gradient: Array, slope: float, weight: float, numbers: Array, capacity: int) -> float:
    """``out = slope weight gradient`` in the sketch's unit; its squared norm, NaN where not finite.

    Where the gradient has outgrown the unit, or is the first one, the unit and all that is measured in it change.
    """
    unit = numbers[UNIT]
    if unit > 0.0:
        square = scale_into(out, gradient, slope * weight / unit)
        if square <= OUTGROWN * OUTGROWN:
            return square if square > VANISHING * VANISHING else 0.0
    largest = 0.0
    for j in range(gradient.size):
        size = abs(slope * gradient[j])
        if not size <= largest:
            largest = size
            if not np.isfinite(size):
                return np.nan
    largest *= weight
    if largest == 0.0:
        return 0.0
    if not np.isfinite(largest):
        return np.nan
    set_unit(largest, numbers, capacity)
    return scale_into(out, gradient, slope * (weight / numbers[UNIT]))


@kernel
def fade(numbers: Array, decay: float, capacity: int) -> None:
    """Weigh the past: eigenvalues and escaped mass are multiplied by ``decay``."""
    if decay != 1.0:
        numbers[ESCAPED] *= decay
        for i in range(capacity):
            numbers[HEADER + i] *= decay


@kernel
def exceeds(roots: Array, count: int, escaping: float, escaped: float, tolerance: float, dimension: int) -> bool:
    """Whether ``tr(Gbar + rho I)^(1/2) > (1 + tolerance) tr Gbar^(1/2)`` once ``escaping`` is subtracted."""
    total = escaped + escaping
    sketched = 0.0
    compensated = (dimension - count) * np.sqrt(total)
    for i in range(count):
        value = max(roots[i] - escaping, 0.0)
        sketched += np.sqrt(value)
        compensated += np.sqrt(value + total)
    return bool(compensated > (1.0 + tolerance) * sketched)


@separate_kernel(WHOLE(WHOLE, MATRIX, VECTOR, MATRIX, VECTOR, WHOLE, REAL, WHOLE, REAL, WHOLE))
def absorb(
    active: int, directions: Array, numbers: Array, lines: Array, work: Array, capacity: int, decay: float, keep: int,
    tolerance: float, dimension: int,
) -> int:  # fmt: skip
    """Frequent Directions with a vector c given by its coordinates (line ``COORDINATES``, zero from ``active`` on).

    1. eigenpairs of ``decay Gbar + c c'``;  2. when there are more than ``capacity``, the one after the first ``keep``
    is subtracted from those, added to the escaped mass, and the rest are dropped;  3. eigenvalues that are zero by the
    rules are dropped. Where step 2 would break `exceeds` with a tolerance >= 0, -1 is returned and nothing has changed.

    Returns n, the number of directions that span c and the old sketch: rows 0..n-1 of ``directions``, of which the
    first ``numbers[RANK]`` are kept; line ``WEIGHTS`` has c's coordinates along them.
    """
    vector = lines[COORDINATES]
    z = lines[WEIGHTS]
    rank = int(numbers[RANK])
    values = numbers[HEADER : HEADER + capacity]
    fade(numbers, decay, capacity)
    square = square_norm(vector)
    if square == 0.0:
        return rank
    project(directions, rank, vector, z)
    count = rank
    if rank < directions.shape[0]:
        residual = directions[rank]
        for j in range(vector.size):
            residual[j] = vector[j]
        combine(directions, rank, z, -1.0, residual)
        remaining = square_norm(residual)
        if remaining < REORTHOGONALISE * square:
            again = lines[PRODUCTS]
            project(directions, rank, residual, again)
            combine(directions, rank, again, -1.0, residual)
            for i in range(rank):
                z[i] += again[i]
            remaining = square_norm(residual)
        length = np.sqrt(remaining)
        if length > INSIDE_SPAN * np.sqrt(square):
            for j in range(vector.size):
                residual[j] /= length
            z[rank] = length
            count += 1
    if rank > 0 and square < NEGLIGIBLE * NEGLIGIBLE * values[0]:
        return count

    poles = lines[POLES]
    roots = lines[ROOTS]
    for i in range(rank):
        poles[i] = values[i]
    if count > rank:
        poles[rank] = 0.0
    vectors = matrix_of(work, directions, count)
    rank_one_eigen(count, poles, z, roots, vectors, z, secular_of(work, directions))

    threshold = ZERO_EIGENVALUE * roots[0]
    escaping = 0.0
    kept = count
    if count > capacity:
        kept = keep
        escaping = roots[keep] if roots[keep] > threshold else 0.0
        if tolerance >= 0.0 and exceeds(roots, keep, escaping, numbers[ESCAPED], tolerance, dimension):
            return -1
        numbers[ESCAPED] += escaping
        numbers[ESCAPED_ROOTS] += np.sqrt(escaping)
    for i in range(kept):
        left = roots[i] - escaping
        values[i] = left if left > TIED * roots[i] else 0.0
    for i in range(kept, rank):
        values[i] = 0.0
    while kept > 0 and values[kept - 1] <= threshold:
        values[kept - 1] = 0.0
        kept -= 1
    numbers[RANK] = kept

    rotate(count, active, vectors, z, directions, buffer_of(work, directions))
    return count


@kernel
def rotate(count: int, active: int, vectors: Array, weights: Array, directions: Array, buffer: Array) -> None:
    """``directions <- diag(weights) vectors' directions`` for ``count`` rows of which ``active`` columns are in use."""
    rotated = buffer[: count * active].reshape((count, active))
    weighted_sums(vectors, directions[:count], directions[:0], 0, rotated)
    for i in range(count):
        for j in range(0, active, WIDTH):
            store(directions[i], j, weights[i] * load(rotated[i], j))


@kernel
def orthogonalise(basis: Array, size: int, vector: Array, coordinates: Array, spare: Array) -> float:
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


@separate_kernel(WHOLE(MATRIX, VECTOR, MATRIX, VECTOR, REAL))
def write_in_basis(basis: Array, numbers: Array, lines: Array, vector: Array, square: float) -> int:
    """Fill line ``COORDINATES`` with ``vector``'s, appending its residual to the basis; the vector is used up."""
    coordinates = lines[COORDINATES]
    size = int(numbers[SIZE])
    clear(coordinates, size)
    length = orthogonalise(basis, size, vector, coordinates, lines[PRODUCTS])
    if length > INSIDE_SPAN * np.sqrt(square):
        append(basis, numbers, vector, 1.0 / length)
        coordinates[size] = length
    return size


@kernel
def append(basis: Array, numbers: Array, vector: Array, factor: float) -> None:
    """Add ``factor vector`` to the basis as its last row."""
    size = int(numbers[SIZE])
    for j in range(vector.size):
        basis[size, j] = factor * vector[j]
    numbers[SIZE] = size + 1


@kernel
def make_room(
    basis: Array, directions: Array, numbers: Array, lines: Array, work: Array, capacity: int, tracked: bool
) -> bool:
    """Compress the basis to the eigenvectors if it is full, and correct what round-off did to orthonormality.

    ``tracked`` says that ``numbers`` ends with a point's coordinates, which are carried over. Returns whether the basis
    changed.
    """
    size = int(numbers[SIZE])
    identity = basis.shape[0] == 0
    if not identity and size < basis.shape[0]:
        return False
    numbers[COMPRESSIONS] += 1
    rank = int(numbers[RANK])
    if identity:
        if numbers[COMPRESSIONS] % POLISH_EVERY == 0:
            polish(directions, rank, matrix_of(work, directions, rank), buffer_of(work, directions))
        return False
    compress(basis, directions, numbers, lines, work, capacity, tracked)
    return True


@kernel
def set_identity(directions: Array, rank: int) -> None:
    """The eigenvectors are the first ``rank`` rows of the basis."""
    for i in range(directions.shape[0]):
        clear(directions[i])
    for i in range(rank):
        directions[i, i] = 1.0


@separate_kernel(NONE(MATRIX, MATRIX, VECTOR, MATRIX, VECTOR, WHOLE, FLAG))
def compress(
    basis: Array, directions: Array, numbers: Array, lines: Array, work: Array, capacity: int, tracked: bool
) -> None:
    """Make the eigenvectors the basis: one matrix product."""
    rank = int(numbers[RANK])
    buffer = buffer_of(work, directions)
    if tracked:
        point = numbers[HEADER + capacity :]
        carried = lines[PRODUCTS]
        project(directions, rank, point, carried)
        for i in range(point.size):
            point[i] = carried[i] if i < rank else 0.0
    replace_rows(directions[:rank].T, basis, buffer)
    set_identity(directions, rank)
    numbers[SIZE] = rank
    if numbers[COMPRESSIONS] % POLISH_EVERY == 0:
        polish(basis, rank, matrix_of(work, directions, rank), buffer)


@kernel
def sketch_round(
    vector: Array, basis: Array, directions: Array, numbers: Array, work: Array, capacity: int, decay: float
) -> bool:
    """One vector into the sketch; False, with nothing changed, where it is not finite."""
    dimension = basis.shape[1]
    lines = lines_of(work, directions)
    identity = basis.shape[0] == 0
    residual = lines[COORDINATES] if identity else residual_of(work, dimension)
    square = take_in_units(residual, vector, 1.0, 1.0, numbers, capacity)
    if np.isnan(square):
        return False
    make_room(basis, directions, numbers, lines, work, capacity, False)
    if square == 0.0:
        clear(lines[COORDINATES])
    elif not identity:
        write_in_basis(basis, numbers, lines, residual, square)
    absorb(int(numbers[SIZE]), directions, numbers, lines, work, capacity, decay, capacity, -1.0, dimension)
    numbers[ROUNDS] += 1
    return True
