"""Rounds of a learner that is preconditioned by a sketch: one gradient at a time, or a stream of rows in one call."""

from __future__ import annotations

import numpy as np

from oco.compile import FLAG, INDICES, MATRIX, REAL, VECTOR, WHOLE, kernel, separate_kernel
from oco.learners._preconditioner import AVERAGING, DECAY, RADIUS, absorb_by, step_in_coordinates, weight_of_round
from oco.losses.scalar import evaluate
from oco.sketching.kernels import append, fade, lines_of, make_room, residual_of, take_in_units, write_in_basis
from oco.sketching.numerics import PYTHAGORAS
from oco.sketching.passes import add_multiple, clear, combine, combine_and_remove, dot, project, square_norm
from oco.sketching.state import ANCHOR_SQUARE, COORDINATES, HEADER, ROUNDS, SIZE, STEP
from oco.types import Array


@separate_kernel(FLAG(VECTOR, REAL, VECTOR, VECTOR, MATRIX, MATRIX, VECTOR, VECTOR, VECTOR, WHOLE), from_python=True)
def play_round(
    gradient: Array, slope: float, point: Array, anchor: Array, basis: Array, directions: Array, numbers: Array,
    parameters: Array, work: Array, capacity: int,
) -> bool:  # fmt: skip
    """One round with the gradient ``slope * gradient``; False, with nothing changed, where it is not finite.

    False too, with nothing changed but the representation, where a shrink would exceed the learner's tolerance.

    1. the gradient's coordinates in the basis;  2. Frequent Directions on them;  3. the step, and the projection on a
    ball, in coordinates;  4. one pass over the basis that moves the point and makes the residual a new basis row.
    ``point`` and ``anchor`` are measured from the ball's centre; they are one array unless gradients are summed.
    """
    dimension = basis.shape[1]
    lines = lines_of(work, directions)
    coordinates = lines[COORDINATES]
    step = lines[STEP]
    identity = basis.shape[0] == 0
    averaging = parameters[AVERAGING] != 0.0
    tracked = not identity and (averaging or parameters[RADIUS] < np.inf)
    residual = coordinates if identity else residual_of(work, dimension)
    weight = weight_of_round(parameters, numbers[ROUNDS] + 1.0)
    square = take_in_units(residual, gradient, slope, weight, numbers, capacity)
    if np.isnan(square):
        return False
    numbers[ROUNDS] += 1.0
    if square == 0.0:
        fade(numbers, parameters[DECAY], capacity)
        return True
    known = numbers[HEADER + capacity :]
    if make_room(basis, directions, numbers, lines, work, capacity, tracked) and tracked:
        project(basis, int(numbers[SIZE]), anchor, known)
        numbers[ANCHOR_SQUARE] = square_norm(anchor)

    if identity:
        count = absorb_by(parameters, dimension, directions, numbers, lines, work, capacity, dimension)
        if count < 0:
            numbers[ROUNDS] -= 1.0
            return False
        scale = step_in_coordinates(count, weight, directions, anchor, numbers, parameters, lines, capacity, True)
        for j in range(dimension):
            point[j] = scale * anchor[j] + step[j]
        return True

    size = int(numbers[SIZE])
    project(basis, size, residual, coordinates)
    remaining = square - square_norm(coordinates[:size])
    by_pythagoras = remaining > PYTHAGORAS * square
    if by_pythagoras:
        length = np.sqrt(remaining)
        coordinates[size] = length
        clear(coordinates, size + 1)
        if tracked:
            known[size] = (dot(residual, anchor) - dot(coordinates[:size], known[:size])) / length
    else:
        write_in_basis(basis, numbers, lines, residual, square)
        if tracked and int(numbers[SIZE]) > size:
            known[size] = dot(basis[size], anchor)
    active = max(size + 1, int(numbers[SIZE]))
    count = absorb_by(parameters, active, directions, numbers, lines, work, capacity, dimension)
    if count < 0:
        numbers[ROUNDS] -= 1.0
        return False
    scale = step_in_coordinates(count, weight, directions, known, numbers, parameters, lines, capacity, False)
    if averaging:
        for j in range(dimension):
            anchor[j] += slope * gradient[j]
            point[j] = scale * anchor[j]
    else:
        if scale != 1.0:
            for j in range(dimension):
                point[j] *= scale
        for j in range(known.size):
            known[j] = scale * known[j] + step[j]
    if by_pythagoras:
        combine_and_remove(basis, size, step, point, coordinates, residual)
        append(basis, numbers, residual, 1.0 / np.sqrt(square_norm(residual)))
        add_multiple(basis[size], step[size], point)
    else:
        combine(basis, int(numbers[SIZE]), step, 1.0, point)
    return True


@kernel
def write_row(index: int, data: Array, indices: Array, indptr: Array, scratch: Array) -> None:
    """Row ``index`` of a CSR matrix, written out."""
    clear(scratch)
    for place in range(indptr[index], indptr[index + 1]):
        scratch[indices[place]] = data[place]


@separate_kernel(
    WHOLE(
        WHOLE, WHOLE, MATRIX, VECTOR, INDICES, INDICES, VECTOR, VECTOR, VECTOR, WHOLE, REAL, MATRIX, VECTOR, VECTOR,
        MATRIX, MATRIX, VECTOR, VECTOR, VECTOR, WHOLE,
    )
)  # fmt: skip
def play_rounds(
    begin: int, end: int, dense: Array, data: Array, indices: Array, indptr: Array, scratch: Array, targets: Array,
    offsets: Array, code: int, loss_parameter: float, outcome: Array, point: Array, anchor: Array, basis: Array,
    directions: Array, numbers: Array, parameters: Array, work: Array, capacity: int,
) -> int:  # fmt: skip
    """Rounds ``begin`` to ``end - 1`` of a stream of rows, each as `play_round`.

    ``outcome`` ``(3, n)`` takes margins, losses and slopes. Returns the first round that was not finite, else -1.
    """
    for i in range(begin, end):
        row = scratch
        if dense.shape[0] > 0:
            row = dense[i]
        else:
            write_row(i, data, indices, indptr, scratch)
        margin = dot(row, point) + offsets[i]
        loss, slope = evaluate(code, loss_parameter, margin, targets[i])
        outcome[0, i] = margin
        outcome[1, i] = loss
        outcome[2, i] = slope
        if not np.isfinite(margin + loss + slope):
            return i
        if not play_round(row, slope, point, anchor, basis, directions, numbers, parameters, work, capacity):
            return i
    return -1
