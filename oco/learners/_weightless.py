"""Projections on bands and slices in a diagonal norm that gives some coordinates no weight.

Moving coordinates without weight is free, so they meet every equation that they can, and the others meet what is left.
Row operations separate the equations: some keep parts in free coordinates, orthogonal to each other, and the rest have
none there.
"""

from __future__ import annotations

import math

from oco.compile import VECTOR, WHOLE, kernel, separate_kernel
from oco.domains._coupled_algebra import X, solve_definite
from oco.learners._ground import GROUND, PASSES, Ground, arrived
from oco.learners._settled import PLAYED, SETTLED
from oco.sketching.passes import add_multiple, combine, dot, move
from oco.sketching.records import matrix_in
from oco.types import Array

NOTHING, CLEAR = 1e-24, 1e-10
"""Squares of parts of rows of length one, in free coordinates: rounding up to the first, not above the second."""


@kernel
def free_product(left: Array, right: Array, weights: Array) -> float:
    """The inner product over the coordinates without weight."""
    total = 0.0
    for i in range(weights.size):
        if weights[i] == 0.0:
            total += left[i] * right[i]
    return total


@kernel
def separate_equations(rows: Array, weights: Array, changed: Array, mix: Array, squares: Array) -> bool:
    """``changed = mix rows``, as above; ``squares`` are those of the parts in free coordinates, or zero.

    False where rounding decides whether there is one.
    """
    r = rows.shape[0]
    for a in range(r):
        move(rows[a], changed[a])
        squares[a] = 0.0
        for b in range(r):
            mix[a, b] = 1.0 if a == b else 0.0
    for _ in range(r):
        chosen, largest = -1, NOTHING
        for a in range(r):
            if squares[a] == 0.0:
                square = free_product(changed[a], changed[a], weights)
                if square > largest:
                    chosen, largest = a, square
        if chosen < 0:
            break
        if largest <= CLEAR:
            return False
        squares[chosen] = largest
        for a in range(r):
            if squares[a] == 0.0:
                share = free_product(changed[a], changed[chosen], weights) / largest
                add_multiple(changed[chosen], -share, changed[a])
                add_multiple(mix[chosen], -share, mix[a])
    return True


@kernel
def directions(weights: Array, changed: Array, mix: Array, squares: Array, along: Array) -> bool:
    """Along which each equation is met, in units in which those with weight have length one in the metric."""
    for a in range(changed.shape[0]):
        free = squares[a] > 0.0
        for i in range(weights.size):
            if weights[i] == 0.0:
                along[a, i] = changed[a, i] if free else 0.0
            else:
                along[a, i] = 0.0 if free else changed[a, i] / weights[i]
        if free:
            continue
        square = dot(changed[a], along[a])
        if not square > 0.0:
            return False
        unit = 1.0 / math.sqrt(square)
        for i in range(weights.size):
            changed[a, i] *= unit
            along[a, i] *= unit
        for b in range(mix.shape[0]):
            mix[a, b] *= unit
    return True


@separate_kernel(WHOLE(VECTOR, VECTOR, GROUND))
def slide_freely(point: Array, weights: Array, ground: Ground) -> int:
    """Move ``point`` onto a band or a slice; `PLAYED`, with the point as it was, where that is left to the domain."""
    region, work = ground.region, ground.work
    r, size = region.rows.shape[0], region.rows.size
    changed, along = matrix_in(ground.rows, r, point.size), matrix_in(ground.rows[size:], r, point.size)
    mix, squares = matrix_in(ground.rows[2 * size :], r, r), ground.rows[2 * size + r * r :]
    if not separate_equations(region.rows, weights, changed, mix, squares):
        return PLAYED
    if not directions(weights, changed, mix, squares, along):
        return PLAYED
    misses, right, moves = work.small[0], work.small[1], work.small[2]
    matrix, target = matrix_in(work.matrix, r, r), work.points[X]
    move(point, target)
    for done in range(PASSES):
        if arrived(region, target, misses, done):
            move(target, point)
            return SETTLED
        for a in range(r):
            right[a] = 0.0 if squares[a] > 0.0 else dot(mix[a], misses)
            for b in range(a + 1):
                matrix[a, b] = 1.0 if a == b else 0.0
                if squares[a] == 0.0 and squares[b] == 0.0:
                    matrix[a, b] = dot(changed[a], along[b])
        if not solve_definite(matrix, right, moves):
            return PLAYED
        for a in range(r):
            if squares[a] > 0.0:
                missed = dot(mix[a], misses)
                for b in range(r):
                    if squares[b] == 0.0:
                        missed -= moves[b] * dot(changed[a], along[b])
                moves[a] = missed / squares[a]
        combine(along, r, moves, -1.0, target)
    return PLAYED
