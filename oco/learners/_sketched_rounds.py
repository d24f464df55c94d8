"""Rounds of a learner that is preconditioned by a sketch: one gradient at a time, or a stream of rows in one call."""

from __future__ import annotations

import numpy as np

from oco.compile import REAL, VECTOR, WHOLE, part_of_kernel, separate_kernel
from oco.learners._preconditioner import absorb_by, step_in_coordinates, weight_of_round
from oco.learners._records import MOVING, RECIPE, STREAM, Moving, Packed, Stream
from oco.learners._settled import PLAYED, REFUSED, SETTLED, outcome_of
from oco.losses.scalar import evaluate
from oco.sketching.basis import append, make_room, write_in_basis
from oco.sketching.numerics import PYTHAGORAS
from oco.sketching.passes import add_multiple, clear, combine, combine_and_remove, dot, project, square_norm
from oco.sketching.records import COORDINATES, SCRATCH, SKETCH, STEP, Scratch, Sketch
from oco.sketching.units import fade, take_in_units
from oco.types import Array


@separate_kernel(WHOLE(VECTOR, MOVING, SKETCH, RECIPE, SCRATCH), from_python=True)
def play_online(gradient: Array, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch) -> int:
    """`play_round` for Python, which learns what became of it."""
    if play_round(gradient, 1.0, moving, sketch, recipe, scratch) == REFUSED:
        return REFUSED
    return outcome_of(moving.point, recipe[0].radius)


@separate_kernel(WHOLE(VECTOR, REAL, MOVING, SKETCH, RECIPE, SCRATCH))
def play_round(gradient: Array, slope: float, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch) -> int:
    """One round with the gradient ``slope * gradient``; `REFUSED`, with nothing changed, where it is not finite.

    `REFUSED` too, with nothing changed but the representation, where a shrink would exceed the learner's tolerance.
    `SETTLED` where the gradient is zero and the point stays, else `PLAYED`.

    1. the gradient's coordinates in the basis;  2. Frequent Directions on them;  3. the step, and the projection on a
    ball, in coordinates;  4. one pass over the basis that moves the point and makes the residual a new basis row.
    """
    head = sketch.header[0]
    identity = sketch.basis.shape[0] == 0
    residual = scratch.lines[COORDINATES] if identity else scratch.vector
    weight = weight_of_round(recipe, head.rounds + 1.0)
    square = take_in_units(residual, gradient, slope, weight, sketch)
    if np.isnan(square):
        return REFUSED
    head.rounds += 1.0
    if square == 0.0:
        fade(sketch, recipe[0].decay)
        return SETTLED
    if make_room(sketch, scratch) and sketch.known.size > 0:
        project(sketch.basis, int(head.used), moving.anchor, sketch.known)
        head.anchor_square = square_norm(moving.anchor)
    if identity:
        played = step_in_space(weight, moving, sketch, recipe, scratch)
    else:
        played = step_over_basis(gradient, slope, weight, square, moving, sketch, recipe, scratch)
    if not played:
        head.rounds -= 1.0
        return REFUSED
    return PLAYED


@part_of_kernel
def step_in_space(weight: float, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch) -> bool:
    """Steps 2 to 4 where the basis is that of the space; False where a shrink would exceed the tolerance."""
    point, anchor, step = moving.point, moving.anchor, scratch.lines[STEP]
    count = absorb_by(recipe, point.size, sketch, scratch)
    if count < 0:
        return False
    scale = step_in_coordinates(count, weight, anchor, sketch, recipe, scratch.lines, True)
    for j in range(point.size):
        point[j] = scale * anchor[j] + step[j]
    return True


@part_of_kernel
def step_over_basis(
    gradient: Array, slope: float, weight: float, square: float, moving: Moving, sketch: Sketch, recipe: Packed,
    scratch: Scratch,
) -> bool:  # fmt: skip
    """Steps 1 to 4 for a basis with room for one row more; False where a shrink would exceed the tolerance."""
    head, basis, known = sketch.header[0], sketch.basis, sketch.known
    point, anchor, residual = moving.point, moving.anchor, scratch.vector
    coordinates, step = scratch.lines[COORDINATES], scratch.lines[STEP]
    tracked = known.size > 0
    size = int(head.used)
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
        write_in_basis(sketch, scratch.lines, residual, square)
        if tracked and int(head.used) > size:
            known[size] = dot(basis[size], anchor)
    count = absorb_by(recipe, max(size + 1, int(head.used)), sketch, scratch)
    if count < 0:
        return False
    scale = step_in_coordinates(count, weight, known, sketch, recipe, scratch.lines, False)
    if recipe[0].averaging:
        for j in range(point.size):
            anchor[j] += slope * gradient[j]
            point[j] = scale * anchor[j]
    else:
        if scale != 1.0:
            for j in range(point.size):
                point[j] *= scale
        for j in range(known.size):
            known[j] = scale * known[j] + step[j]
    if by_pythagoras:
        combine_and_remove(basis, size, step, point, coordinates, residual)
        append(sketch, residual, 1.0 / np.sqrt(square_norm(residual)))
        add_multiple(basis[size], step[size], point)
    else:
        combine(basis, int(head.used), step, 1.0, point)
    return True


@part_of_kernel
def write_row(index: int, stream: Stream, row: Array) -> None:
    """Row ``index`` of a CSR matrix, written out."""
    clear(row)
    for place in range(stream.indptr[index], stream.indptr[index + 1]):
        row[stream.indices[place]] = stream.data[place]


@separate_kernel(WHOLE(WHOLE, WHOLE, STREAM, VECTOR, MOVING, SKETCH, RECIPE, SCRATCH))
def play_rounds(
    begin: int, end: int, stream: Stream, room: Array, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch
) -> int:
    """Rounds ``begin`` to ``end - 1`` of a stream of rows, each as `play_round`; ``room`` is for one row, ``(d,)``.

    Returns the first round that was not finite, else -1.
    """
    outcome = stream.outcome
    for i in range(begin, end):
        row = room
        if stream.dense.shape[0] > 0:
            row = stream.dense[i]
        else:
            write_row(i, stream, room)
        margin = dot(row, moving.point) + stream.offsets[i]
        loss, slope = evaluate(stream.code, stream.parameter, margin, stream.targets[i])
        outcome[0, i] = margin
        outcome[1, i] = loss
        outcome[2, i] = slope
        if not np.isfinite(margin + loss + slope):
            return i
        if play_round(row, slope, moving, sketch, recipe, scratch) == REFUSED:
            return i
    return -1
