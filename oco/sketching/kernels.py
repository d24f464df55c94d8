"""One round of Frequent Directions, compiled: in coordinates, and for vectors over a lazily rotated basis.

The eigenvectors of the sketch are kept as combinations (``directions``) of an orthonormal basis. A new vector g is
written in that basis, its residual extending the basis by one row; the rank-one eigen-update then happens in
coordinates, in O(m k) for the products and O(m k^2) for the rotation with m = k + b basis rows, whatever d is. Every b
rounds the basis is compressed to the k eigenvectors with one matrix product. The result is that of an
eigen-decomposition every round; the cost is two passes over the basis.
"""

from __future__ import annotations

import numpy as np

from oco.compile import REAL, WHOLE, kernel, part_of_kernel, separate_kernel
from oco.lanes import WIDTH, load, store
from oco.sketching.basis import make_room, write_in_basis
from oco.sketching.numerics import INSIDE_SPAN, NEGLIGIBLE, REORTHOGONALIZE, TIED, ZERO_EIGENVALUE
from oco.sketching.passes import clear, combine, project, square_norm
from oco.sketching.products import weighted_sums
from oco.sketching.records import (
    COORDINATES,
    POLES,
    PRODUCTS,
    ROOTS,
    SCRATCH,
    SKETCH,
    WEIGHTS,
    Scratch,
    Sketch,
    matrix_in,
)
from oco.sketching.secular import rank_one_eigen
from oco.sketching.units import fade, take_in_units
from oco.types import Array


@part_of_kernel
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


@part_of_kernel
def span(sketch: Sketch, lines: Array, square: float) -> int:
    """Write the vector of squared norm ``square`` along the directions (line ``WEIGHTS``); how many there are then.

    What the vector has beyond the first ``rank`` directions becomes the next one, unless it is round-off.
    """
    vector, weights, directions = lines[COORDINATES], lines[WEIGHTS], sketch.directions
    rank = int(sketch.header[0].rank)
    project(directions, rank, vector, weights)
    if rank == directions.shape[0]:
        return rank
    residual = directions[rank]
    for j in range(vector.size):
        residual[j] = vector[j]
    combine(directions, rank, weights, -1.0, residual)
    remaining = square_norm(residual)
    if remaining < REORTHOGONALIZE * square:
        again = lines[PRODUCTS]
        project(directions, rank, residual, again)
        combine(directions, rank, again, -1.0, residual)
        for i in range(rank):
            weights[i] += again[i]
        remaining = square_norm(residual)
    length = np.sqrt(remaining)
    if not length > INSIDE_SPAN * np.sqrt(square):
        return rank
    for j in range(vector.size):
        residual[j] /= length
    weights[rank] = length
    return rank + 1


@separate_kernel(WHOLE(WHOLE, SKETCH, SCRATCH, REAL, WHOLE, REAL))
def absorb(active: int, sketch: Sketch, scratch: Scratch, decay: float, keep: int, tolerance: float) -> int:
    """Frequent Directions with a vector c given by its coordinates (line ``COORDINATES``, zero from ``active`` on).

    1. eigenpairs of ``decay Gbar + c c'``;  2. when there are more than k, the one after the first ``keep``
    is subtracted from those, added to the escaped mass, and the rest are dropped;  3. eigenvalues that are zero by the
    rules are dropped. Where step 2 would break `exceeds` with a tolerance >= 0, -1 is returned and nothing has changed.

    Returns n, the number of directions that span c and the old sketch: rows 0..n-1 of ``directions``, of which the
    first ``rank`` are kept; line ``WEIGHTS`` has c's coordinates along them.
    """
    head, values, directions, lines = sketch.header[0], sketch.values, sketch.directions, scratch.lines
    rank, capacity = int(head.rank), values.size
    weights = lines[WEIGHTS]
    fade(sketch, decay)
    square = square_norm(lines[COORDINATES])
    if square == 0.0:
        return rank
    count = span(sketch, lines, square)
    if rank > 0 and square < NEGLIGIBLE * NEGLIGIBLE * values[0]:
        return count

    poles, roots = lines[POLES], lines[ROOTS]
    for i in range(rank):
        poles[i] = values[i]
    if count > rank:
        poles[rank] = 0.0
    vectors = matrix_in(scratch.square, count, count)
    rank_one_eigen(count, poles, weights, roots, vectors, weights, scratch.secular)

    threshold = ZERO_EIGENVALUE * roots[0]
    escaping = 0.0
    kept = count
    if count > capacity:
        kept = keep
        escaping = roots[keep] if roots[keep] > threshold else 0.0
        if tolerance >= 0.0 and exceeds(roots, keep, escaping, head.escaped, tolerance, sketch.basis.shape[1]):
            return -1
        head.escaped += escaping
        head.escaped_roots += np.sqrt(escaping)
    for i in range(kept):
        left = roots[i] - escaping
        values[i] = left if left > TIED * roots[i] else 0.0
    for i in range(kept, rank):
        values[i] = 0.0
    while kept > 0 and values[kept - 1] <= threshold:
        values[kept - 1] = 0.0
        kept -= 1
    head.rank = kept
    rotate(count, active, vectors, weights, directions, scratch.buffer)
    return count


@part_of_kernel
def rotate(count: int, active: int, vectors: Array, weights: Array, directions: Array, buffer: Array) -> None:
    """``directions <- diag(weights) vectors' directions`` for ``count`` rows of which ``active`` columns are in use."""
    rotated = matrix_in(buffer, count, active)
    weighted_sums(vectors, directions[:count], directions[:0], 0, rotated)
    for i in range(count):
        for j in range(0, active, WIDTH):
            store(directions[i], j, weights[i] * load(rotated[i], j))


@kernel
def sketch_round(vector: Array, sketch: Sketch, scratch: Scratch, decay: float) -> bool:
    """One vector into the sketch; False, with nothing changed, where it is not finite."""
    lines = scratch.lines
    identity = sketch.basis.shape[0] == 0
    residual = lines[COORDINATES] if identity else scratch.vector
    square = take_in_units(residual, vector, 1.0, 1.0, sketch)
    if np.isnan(square):
        return False
    make_room(sketch, scratch)
    if square == 0.0:
        clear(lines[COORDINATES])
    elif not identity:
        write_in_basis(sketch, lines, residual, square)
    head = sketch.header[0]
    absorb(int(head.used), sketch, scratch, decay, sketch.values.size, -1.0)
    head.rounds += 1.0
    return True


@kernel
def sketch_rows(rows: Array, sketch: Sketch, scratch: Scratch, decay: float) -> int:
    """All rows into the sketch, one after the other; the first that was not finite, else -1."""
    for i in range(rows.shape[0]):
        if not sketch_round(rows[i], sketch, scratch, decay):
            return i
    return -1
