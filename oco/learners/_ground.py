"""Domains other than balls as kernels play on them: projections on boxes, simplices, l1 balls, bands and slices."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from oco.compile import FLAG, MATRIX, REAL, VECTOR, WHOLE, kernel, record, separate_kernel
from oco.domains import Domain
from oco.domains._coupled import newton_at, newton_from_afar
from oco.domains._coupled_algebra import WORK, Work, X, solve_definite
from oco.domains._coupled_residual import coupled_residual
from oco.domains._region import BAND, REGION, Region
from oco.learners._settled import PLAYED, SETTLED
from oco.sketching.passes import combine, dot, move, square_norm
from oco.types import Array

STEPS = 30
"""Most Newton steps; a game needs one to four."""
CERTIFIED = 1e-12
"""Residual up to which a projection is accepted; beyond it, the domain's own method takes over."""
CLOSE, PASSES = 1e-12, 12
"""Distance from a band or a slice, relative to the point, at which corrections stop, and their number."""


class Ground(NamedTuple):
    """A domain for kernels: its region, its start, and scratch memory.

    ``rows`` has room for the metric's k weighted directions, or for two copies of the region's r rows, a matrix
    ``(r, r)`` and a vector ``(r,)``, flat, and ``row`` for a row of a CSR matrix.
    """

    region: Region
    start: Array
    work: Work
    rows: Array
    row: Array

    @classmethod
    def of(cls, domain: Domain, region: Region, rank: int) -> Ground:
        """Memory for projections in metrics of ``rank`` directions beside a multiple of the identity."""
        d, equations = domain.dimension, region.rows.shape[0]
        if region.kind >= BAND:
            work, size = Work.empty(equations, d), equations * (2 * d + equations + 1)
        else:
            work, size = Work.empty(rank, d), rank * d
        return cls(region, np.ascontiguousarray(domain.start).ravel(), work, np.zeros(size), np.zeros(d))


GROUND = record(Ground, REGION, VECTOR, WORK, VECTOR, VECTOR)


@kernel
def arrived(region: Region, point: Array, misses: Array, done: int) -> bool:
    """Whether ``done`` corrections have moved the point into a band or a slice.

    ``misses`` becomes by how much its products with the region's rows pass their bounds.
    """
    size = 0.0
    for m in range(misses.size):
        product = dot(region.rows[m], point)
        bound = min(max(product, region.lows[m]), region.highs[m])
        misses[m] = product - bound
        size += bound * bound
    largest = max(math.sqrt(square_norm(point)), math.sqrt(size))
    return done > 1 and math.sqrt(square_norm(misses)) <= CLOSE * largest


@separate_kernel(WHOLE(VECTOR, REGION, MATRIX, WORK))
def slide(point: Array, region: Region, along: Array, work: Work) -> int:
    """Move ``point`` onto a band or a slice along ``along``, the rows times the inverse of the metric, ``(r, d)``.

    Whatever the multipliers of the move, a point of the region that it reaches is the projection.
    """
    r = along.shape[0]
    misses, scaled, moves = work.small[0], work.small[1], work.small[2]
    target = work.points[X]
    move(point, target)
    for done in range(PASSES):
        if arrived(region, target, misses, done):
            move(target, point)
            return SETTLED
        matrix = work.matrix.reshape((r, r))
        for a in range(r):
            for b in range(a + 1):
                matrix[a, b] = dot(region.rows[a], along[b])
        for a in range(r):
            if not matrix[a, a] > 0.0:
                return PLAYED
            scaled[a] = 1.0 / math.sqrt(matrix[a, a])
        for a in range(r):
            for b in range(a + 1):
                matrix[a, b] *= scaled[a] * scaled[b]
            misses[a] *= scaled[a]
        if not solve_definite(matrix, misses, moves):
            return PLAYED
        for a in range(r):
            moves[a] *= scaled[a]
        combine(along, r, moves, -1.0, target)
    return PLAYED


@separate_kernel(WHOLE(VECTOR, FLAG, REAL, MATRIX, GROUND))
def settle_on(point: Array, guessed: bool, shift: float, weights: Array, ground: Ground) -> int:
    """Project ``point`` on a box, a simplex or an l1 ball in ``shift I + W'W``, and certify it.

    Where ``guessed``, Newton's method starts from the face in the scratch memory. `PLAYED`, with the point as it was,
    where the projection is not certified.
    """
    region, work = ground.region, ground.work
    certified = False
    if guessed:
        _, exact = newton_at(region, point, shift, weights, STEPS, True, work)
        certified = exact and coupled_residual(region, point, shift, weights, work) <= CERTIFIED
    if not certified:
        newton_from_afar(region, point, shift, weights, STEPS, work)
        certified = coupled_residual(region, point, shift, weights, work) <= CERTIFIED
    if not certified:
        return PLAYED
    move(work.points[X], point)
    return SETTLED
