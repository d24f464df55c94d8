"""Rounds of diagonal AdaGrad and of gradient descent on the domains of `oco.learners._ground`."""

from __future__ import annotations

import numpy as np

from oco.compile import MATRIX, REAL, VECTOR, WHOLE, kernel, rows_of, separate_kernel
from oco.domains._coupled_algebra import FACE, MOVED, TRIAL, X, Z
from oco.domains._region import BAND, BOX, L1_BALL, inside, project_coordinates, size_of, sum_threshold
from oco.learners._coordinatewise import RULE as DIAGONAL_RULE
from oco.learners._coordinatewise import UNIT, diagonal_round
from oco.learners._coordinatewise import Rule as DiagonalRule
from oco.learners._ground import GROUND, Ground, slide
from oco.learners._isotropic import RULE as ISOTROPIC_RULE
from oco.learners._isotropic import Rule as IsotropicRule
from oco.learners._isotropic import isotropic_round
from oco.learners._records import Stream
from oco.learners._settled import PLAYED, REFUSED, SETTLED
from oco.learners._sketched_rounds import write_row
from oco.learners._weightless import slide_freely
from oco.losses.scalar import evaluate
from oco.sketching.passes import dot, move
from oco.sketching.records import matrix_in
from oco.types import Array

FAR = 1e6
"""Points that are further away than this many times the size of a simplex are left to the domain."""
SUMS_UP = 1e-13
"""Largest relative error of a sum that is accepted."""


@kernel
def share_weightless(sizes: Array, weights: Array, total: float, x: Array, room: Array) -> bool:
    """Where coordinates without weight can take what the others leave of ``total``, the limit into ``x``."""
    held, count, largest = 0.0, 0, -np.inf
    for i in range(sizes.size):
        if weights[i] > 0.0:
            x[i] = max(sizes[i], 0.0)
            held += x[i]
        else:
            room[count] = sizes[i]
            largest = max(largest, sizes[i])
            count += 1
    if count == 0 or not held < total:
        return False
    shares = room[:count]
    for c in range(count):
        shares[c] -= largest
    threshold = sum_threshold(shares, total - held)
    for i in range(sizes.size):
        if weights[i] == 0.0:
            x[i] = max(sizes[i] - largest - threshold, 0.0)
    return True


@kernel
def shrink_weighted(sizes: Array, weights: Array, total: float, x: Array) -> bool:
    """``x_i = max(sizes_i - theta / weights_i, 0)`` with the sum ``total``, zero where there is no weight.

    Newton's method on this equation climbs from the left, and ends after finitely many steps. False where the digits do
    not suffice.
    """
    theta = -np.inf
    while True:
        excess, slope, count = 0.0, 0.0, 0.0
        for i in range(sizes.size):
            if weights[i] > 0.0 and sizes[i] * weights[i] > theta:
                excess += sizes[i]
                slope += 1.0 / weights[i]
                count += 1.0
        if count == 0.0:
            return False
        following = (excess - total) / slope
        if not following > theta:
            break
        theta = following
    reached = 0.0
    for i in range(sizes.size):
        x[i] = max(sizes[i] - theta / weights[i], 0.0) if weights[i] > 0.0 else 0.0
        reached += x[i]
    return abs(reached - total) <= SUMS_UP * total


@kernel
def settle_sum(point: Array, weights: Array, ground: Ground) -> int:
    """Project ``point`` on a simplex or an l1 ball in the norm of ``weights``."""
    sizes, x = ground.work.points[Z], ground.work.points[X]
    total, signed = ground.region.total, ground.region.kind == L1_BALL
    for i in range(point.size):
        sizes[i] = abs(point[i]) if signed else point[i]
    shared = share_weightless(sizes, weights, total, x, ground.work.points[TRIAL])
    if not (shared or shrink_weighted(sizes, weights, total, x)):
        return PLAYED
    for i in range(point.size):
        point[i] = -x[i] if signed and point[i] < 0.0 else x[i]
    return SETTLED


@kernel
def need_free(rows: Array, weights: Array) -> bool:
    """Whether some row has an entry where nothing is weighed."""
    needed = 0
    for m in range(rows.shape[0]):
        for i in range(weights.size):
            needed += weights[i] == 0.0 and rows[m, i] != 0.0
    return needed > 0


@separate_kernel(WHOLE(VECTOR, VECTOR, REAL, GROUND))
def settle_diagonal(point: Array, squares: Array, ridge: float, ground: Ground) -> int:
    """Project ``point`` in the norm of ``diag(sqrt(squares + ridge))``; `PLAYED` where that is left to the domain."""
    region, weights = ground.region, ground.work.points[MOVED]
    if inside(region, point):
        return SETTLED
    size = size_of(point)
    if not size < np.inf or (size > FAR * region.total and region.total > 0.0):
        return PLAYED
    if region.kind == BOX:
        for i in range(point.size):
            point[i] = min(max(point[i], region.lower[i]), region.upper[i])
        return SETTLED
    largest = 0.0
    for i in range(point.size):
        weights[i] = np.sqrt(squares[i] + ridge)
        largest = max(largest, weights[i])
    if not 0.0 < largest < np.inf:
        return PLAYED
    for i in range(point.size):
        weights[i] /= largest
    if region.kind < BAND:
        return settle_sum(point, weights, ground)
    if need_free(region.rows, weights):
        return slide_freely(point, weights, ground)
    along = matrix_in(ground.rows, region.rows.shape[0], point.size)
    for m in range(along.shape[0]):
        for i in range(weights.size):
            along[m, i] = region.rows[m, i] / weights[i] if weights[i] > 0.0 else 0.0
    return slide(point, region, along, ground.work)


@separate_kernel(WHOLE(VECTOR, GROUND))
def settle_euclidean(point: Array, ground: Ground) -> int:
    """Project ``point`` in the Euclidean norm; `PLAYED` where that is left to the domain."""
    region, points = ground.region, ground.work.points
    if inside(region, point):
        return SETTLED
    size = size_of(point)
    if not size < np.inf or (size > FAR * region.total and region.total > 0.0):
        return PLAYED
    if region.kind >= BAND:
        return slide(point, region, region.rows, ground.work)
    project_coordinates(region, point, points[X], points[FACE])
    move(points[X], point)
    return SETTLED


@separate_kernel(
    WHOLE(VECTOR, VECTOR, VECTOR, VECTOR, rows_of(DIAGONAL_RULE), MATRIX, GROUND),
    from_python=True,
)
def diagonal_on(
    gradient: Array, point: Array, squares: Array, numbers: Array, rule: DiagonalRule, work: Array, ground: Ground
) -> int:
    """One round of diagonal AdaGrad, and what became of it."""
    if not diagonal_round(gradient, 1.0, point, squares, numbers, rule, work):
        return REFUSED
    if numbers[UNIT] == 0.0:
        return SETTLED
    return settle_diagonal(point, squares, rule[0].delta / numbers[UNIT] ** 2, ground)


@separate_kernel(WHOLE(VECTOR, VECTOR, VECTOR, rows_of(ISOTROPIC_RULE), GROUND), from_python=True)
def isotropic_on(gradient: Array, point: Array, numbers: Array, rule: IsotropicRule, ground: Ground) -> int:
    """One round of gradient descent, and what became of it."""
    if not isotropic_round(gradient, 1.0, point, numbers, rule):
        return REFUSED
    return settle_euclidean(point, ground)


@kernel
def reveal(index: int, stream: Stream, point: Array, gradient: Array) -> bool:
    """Write margin, loss and slope of a round, and its gradient; whether all are finite."""
    outcome = stream.outcome
    if stream.dense.shape[0] > 0:
        move(stream.dense[index], gradient)
    else:
        write_row(index, stream, gradient)
    margin = dot(gradient, point) + stream.offsets[index]
    loss, slope = evaluate(stream.code, stream.parameter, margin, stream.targets[index])
    outcome[0, index] = margin
    outcome[1, index] = loss
    outcome[2, index] = slope
    for i in range(gradient.size):
        gradient[i] *= slope
    return bool(np.isfinite(margin + loss + slope))


@kernel
def diagonal_stream_on(
    begin: int, stream: Stream, point: Array, squares: Array, numbers: Array, rule: DiagonalRule, work: Array,
    ground: Ground,
) -> tuple[int, int]:  # fmt: skip
    """The rounds of a stream of rows from ``begin`` on, as `play_stream_on`."""
    for i in range(begin, stream.targets.size):
        played = REFUSED
        if reveal(i, stream, point, ground.row):
            played = diagonal_on(ground.row, point, squares, numbers, rule, work, ground)
        if played != SETTLED:
            return i, played
    return -1, SETTLED


@kernel
def isotropic_stream_on(
    begin: int, stream: Stream, point: Array, numbers: Array, rule: IsotropicRule, ground: Ground
) -> tuple[int, int]:
    """The rounds of a stream of rows from ``begin`` on, as `play_stream_on`."""
    for i in range(begin, stream.targets.size):
        played = REFUSED
        if reveal(i, stream, point, ground.row):
            played = isotropic_on(ground.row, point, numbers, rule, ground)
        if played != SETTLED:
            return i, played
    return -1, SETTLED
