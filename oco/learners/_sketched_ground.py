"""Rounds of a learner that is preconditioned by a sketch, on the domains of `oco.learners._ground`.

A round is `play_round` without a ball, and the projection in the norm of H. What the kernels cannot certify (H singular
or nearly so, extreme scales) is left to the domain: they return in between, with the round's step taken.
"""

from __future__ import annotations

import numpy as np

from oco.compile import FLAG, VECTOR, WHOLE, kernel, separate_kernel, several
from oco.domains._coupled_algebra import FACE
from oco.domains._polyhedra import NEWTON_FLOOR
from oco.domains._region import BAND, face_of, inside
from oco.learners._ground import GROUND, Ground, settle_on, slide
from oco.learners._preconditioner import preconditioner
from oco.learners._records import MOVING, RECIPE, STREAM, Moving, Packed, Stream
from oco.learners._settled import PLAYED, REFUSED, SETTLED
from oco.learners._sketched_rounds import play_round, write_row
from oco.losses.scalar import evaluate
from oco.sketching.passes import add_multiple, clear, combine, dot, move, project
from oco.sketching.products import weighted_sums
from oco.sketching.records import COORDINATES, METRIC, PRODUCTS, SCRATCH, SKETCH, STEP, Scratch, Sketch, matrix_in
from oco.types import Array


@kernel
def norm_of_projection(sketch: Sketch, recipe: Packed, metric: Array) -> tuple[float, float]:
    """Eigenvalues of the projection's norm along the sketch; the one on the complement, the least, and the largest."""
    rank, d = int(sketch.header[0].rank), sketch.basis.shape[1]
    least = preconditioner(sketch, recipe, metric)
    if recipe[0].projection > 0.0:
        least = np.sqrt(least * least + recipe[0].projection)
        for i in range(rank):
            metric[i] = np.sqrt(metric[i] * metric[i] + recipe[0].projection)
    if rank == d:
        least = np.inf
    largest = 0.0 if rank == d else least
    for i in range(rank):
        largest = max(largest, metric[i])
        least = min(least, metric[i]) if rank == d else least
    return least, largest


@kernel
def weigh_directions(sketch: Sketch, metric: Array, least: float, largest: float, weights: Array) -> None:
    """The rows W of ``H / largest = shift I + W'W``."""
    rank = weights.shape[0]
    if sketch.basis.shape[0] == 0:
        for i in range(rank):
            move(sketch.directions[i], weights[i])
    else:
        used = int(sketch.header[0].used)
        weighted_sums(sketch.directions[:rank, :used].T, sketch.basis[:used], sketch.basis[:0], 0, weights)
    for i in range(rank):
        factor = np.sqrt(max(metric[i] - least, 0.0) / largest)
        for j in range(weights.shape[1]):
            weights[i, j] *= factor


@kernel
def divide_rows(rows: Array, sketch: Sketch, least: float, lines: Array, along: Array) -> None:
    """``along = least H^{-1} rows``, row by row."""
    rank, identity = int(sketch.header[0].rank), sketch.basis.shape[0] == 0
    used = int(sketch.header[0].used)
    metric, part, spread = lines[METRIC], lines[PRODUCTS], lines[STEP]
    for m in range(rows.shape[0]):
        move(rows[m], along[m])
        known = rows[m]
        if not identity:
            known = lines[COORDINATES]
            clear(known)
            project(sketch.basis, used, rows[m], known)
        project(sketch.directions, rank, known, part)
        for i in range(rank):
            part[i] *= least / metric[i] - 1.0
        if identity:
            combine(sketch.directions, rank, part, 1.0, along[m])
        else:
            clear(spread)
            combine(sketch.directions, rank, part, 1.0, spread)
            combine(sketch.basis, used, spread, 1.0, along[m])


@separate_kernel(WHOLE(MOVING, SKETCH, RECIPE, SCRATCH, FLAG, GROUND))
def settle(moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch, guessed: bool, ground: Ground) -> int:
    """Project the point that a round led to; `PLAYED`, with the point as it was, where that is left to the domain."""
    point, region = moving.point, ground.region
    rank = int(sketch.header[0].rank)
    if recipe[0].averaging:
        add_multiple(ground.start, 1.0, point)
    if inside(region, point):
        return SETTLED
    metric = scratch.lines[METRIC]
    least, largest = norm_of_projection(sketch, recipe, metric)
    if rank == 0 or not (NEWTON_FLOOR * largest <= least and 0.0 < largest < np.inf):
        return PLAYED
    if region.kind >= BAND:
        along = matrix_in(ground.rows, region.rows.shape[0], point.size)
        divide_rows(region.rows, sketch, least, scratch.lines, along)
        return slide(point, region, along, ground.work)
    weights = matrix_in(ground.rows, rank, point.size)
    weigh_directions(sketch, metric, least, largest, weights)
    return settle_on(point, guessed, least / largest, weights, ground)


@kernel
def round_on(
    gradient: Array, slope: float, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch, ground: Ground
) -> int:
    """One round with the gradient ``slope * gradient``: what became of it."""
    # The face of the last point, a function of the state alone, is where Newton's method starts.
    guessed = ground.region.kind < BAND and face_of(ground.region, moving.point, ground.work.points[FACE])
    played = play_round(gradient, slope, moving, sketch, recipe, scratch)
    return settle(moving, sketch, recipe, scratch, guessed, ground) if played == PLAYED else played


@separate_kernel(WHOLE(VECTOR, MOVING, SKETCH, RECIPE, SCRATCH, GROUND), from_python=True)
def play_online_on(
    gradient: Array, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch, ground: Ground
) -> int:
    """`round_on` for Python."""
    return round_on(gradient, 1.0, moving, sketch, recipe, scratch, ground)


@separate_kernel(several(WHOLE, WHOLE)(WHOLE, STREAM, MOVING, SKETCH, RECIPE, SCRATCH, GROUND), from_python=True)
def play_stream_on(
    begin: int, stream: Stream, moving: Moving, sketch: Sketch, recipe: Packed, scratch: Scratch, ground: Ground
) -> tuple[int, int]:
    """The rounds of a stream of rows from ``begin`` on.

    Returns -1 and `SETTLED`; or the first round that was refused, or whose projection is left to the domain, and which
    of the two it was.
    """
    outcome = stream.outcome
    for i in range(begin, stream.targets.size):
        row = ground.row
        if stream.dense.shape[0] > 0:
            row = stream.dense[i]
        else:
            write_row(i, stream, row)
        margin = dot(row, moving.point) + stream.offsets[i]
        loss, slope = evaluate(stream.code, stream.parameter, margin, stream.targets[i])
        outcome[0, i] = margin
        outcome[1, i] = loss
        outcome[2, i] = slope
        if not np.isfinite(margin + loss + slope):
            return i, REFUSED
        played = round_on(row, slope, moving, sketch, recipe, scratch, ground)
        if played != SETTLED:
            return i, played
    return -1, SETTLED
