"""Many rounds over rows that are known ahead, wholly in small coordinates.

Every gradient of a generalized linear loss is a multiple of its row. So for the next n rows A the Gram matrix of
``[Q; A]`` is formed once, with Q the sketch's eigenvectors, and its Cholesky factor ::

    [ I  0 ]      row i of [C R] holds the coordinates of row i of A in the orthonormal basis
    [ C  R ]      E = [Q; R^{-1} (A - C Q)], which is never formed

gives coordinates for everything: margins, gradients, the sketch and the point. After n rounds the sketch and the point
are written back with one matrix product, ``E' w = Q' (w_Q - C' v) + A' v`` with ``R' v = w_A``. Passes over the basis
become matrix products; with CSR rows only their nonzeros are touched.

Forming a Gram matrix squares the condition number: a row whose pivot is too small is played by `play_round` instead,
and so is every row while the preconditioner is a pseudo-inverse, or nearly one: there a residual of rounding size
decides whether a direction is new, and a step along it is long.
"""

from __future__ import annotations

import numpy as np

from oco.compile import FLAG, INDICES, MATRIX, NONE, REAL, VECTOR, WHOLE, kernel, separate_kernel, several
from oco.learners._preconditioner import (
    AVERAGING,
    COMPENSATION,
    DECAY,
    INNER,
    OUTER,
    absorb_by,
    step_in_coordinates,
    weight_of_round,
)
from oco.learners._sketched_rounds import play_rounds
from oco.losses.scalar import evaluate
from oco.sketching.kernels import compress, fade, lines_of, scale_into, set_identity, set_unit
from oco.sketching.numerics import OUTGROWN, PIVOT, POLISH_EVERY, VANISHING
from oco.sketching.passes import CHUNK, add_multiple, clear, combine, dot, move, project, square_norm
from oco.sketching.products import inner_products, polish, weighted_sums
from oco.sketching.sparse_rows import sparse_gram, sparse_products
from oco.sketching.state import (
    ANCHOR_SQUARE,
    COMPRESSIONS,
    COORDINATES,
    ESCAPED,
    HEADER,
    RANK,
    ROUNDS,
    SIZE,
    STEP,
    UNIT,
)
from oco.types import Array

LARGEST_SQUARE = 1e100
"""Rows whose square is above this, or below its inverse, are left to `play_round`, which scales them."""

PANEL = 12
"""Rows of a Cholesky factor that are found together, from those before them in one product."""

SINGULAR = 1e-10
"""A multiple alpha of I that is below this part of the largest eigenvalue does not bound the inverse: see above."""


def scratch_floats(rank: int, length: int, dimension: int) -> int:
    """Floats of scratch for blocks of ``length`` rows: matrices of coordinates, vectors, a chunk to write back."""
    size = rank + length
    matrices = length * (rank + 2 * length + size) + (rank + 2) * size + rank * rank
    return 4 * size + matrices + (rank + 2) * min(CHUNK, dimension)


@separate_kernel(NONE(WHOLE, WHOLE, MATRIX, VECTOR, INDICES, INDICES, VECTOR, MATRIX, WHOLE, MATRIX, MATRIX))
def gram(
    begin: int, count: int, dense: Array, data: Array, indices: Array, indptr: Array, row: Array, basis: Array,
    rank: int, cross: Array, inner: Array,
) -> None:  # fmt: skip
    """``cross = A Q'`` and the upper triangle of ``inner = A A'`` for ``count`` rows from ``begin`` on."""
    if dense.shape[0] > 0:
        rows = dense[begin : begin + count]
        inner_products(rows, basis[:rank], False, cross)
        inner_products(rows, rows, True, inner)
        return
    for i in range(count):
        sparse_products(begin + i, data, indices, indptr, basis, rank, cross[i])
    sparse_gram(begin, count, data, indices, indptr, row, inner)


@separate_kernel(WHOLE(WHOLE, VECTOR, MATRIX, MATRIX, MATRIX, MATRIX))
def factorise(count: int, norms: Array, cross: Array, inner: Array, written: Array, spare: Array) -> int:
    """R with ``R R' = inner - cross cross'``: its transpose into the upper triangle of ``inner``, ``[C R]`` written.

    ``norms`` has the squared norms of the rows, the diagonal of ``inner``. Returns the number of rows before the first
    whose pivot is too small. A zero row is none: its pivot is set to 1.
    """
    rank = cross.shape[1]
    if rank > 0:
        inner_products(cross, cross, True, spare)
        for i in range(count):
            add_multiple(spare[i, i:], -1.0, inner[i, i:])
    usable = count
    start = 0
    while start < usable:
        stop = min(start + PANEL, count)
        wide = count - start
        explained = spare.reshape(spare.size)[: (stop - start) * wide].reshape((stop - start, wide))
        weighted_sums(inner[:start, start:stop], inner[:start], inner[:0], start, explained)
        for i in range(start, stop):
            add_multiple(explained[i - start, i - start :], -1.0, inner[i, i:])
        for i in range(start, stop):
            if norms[i] == 0.0:
                inner[i, i] = 1.0
                continue
            pivot = inner[i, i]
            if not (1.0 / LARGEST_SQUARE < norms[i] < LARGEST_SQUARE and pivot > PIVOT * norms[i]):
                usable = i
                break
            inner[i, i] = np.sqrt(pivot)
            for j in range(i + 1, count):
                inner[i, j] /= inner[i, i]
            for m in range(i + 1, stop):
                add_multiple(inner[i, m:], -inner[i, m], inner[m, m:])
        start = stop
    for i in range(usable):
        move(cross[i], written[i, :rank])
        for j in range(i + 1):
            written[i, rank + j] = inner[j, i]
        clear(written[i], rank + i + 1)
    return usable


@separate_kernel(NONE(WHOLE, WHOLE, MATRIX, VECTOR, INDICES, INDICES, VECTOR, MATRIX, WHOLE, MATRIX, VECTOR))
def coordinates_of(
    begin: int, count: int, dense: Array, data: Array, indices: Array, indptr: Array, vector: Array, basis: Array,
    rank: int, written: Array, out: Array,
) -> None:  # fmt: skip
    """Coordinates of ``vector`` in E, by forward substitution."""
    clear(out)
    project(basis, rank, vector, out)
    beyond = out[rank:]
    if dense.shape[0] > 0:
        project(dense[begin : begin + count], count, vector, beyond)
    else:
        for i in range(count):
            for place in range(indptr[begin + i], indptr[begin + i + 1]):
                beyond[i] += data[place] * vector[indices[place]]
    for i in range(count):
        place = rank + i
        out[place] = (out[place] - dot(written[i, :place], out[:place])) / written[i, place]


@separate_kernel(NONE(WHOLE, WHOLE, MATRIX, MATRIX, MATRIX, VECTOR))
def in_rows(rank: int, count: int, cross: Array, inner: Array, weights: Array, spare: Array) -> None:
    """From weights on E to weights on ``[Q; A]``, one combination a column, by back substitution."""
    beyond = weights[rank : rank + count]
    for i in range(count - 1, -1, -1):
        combine(beyond[i + 1 :], count - 1 - i, inner[i, i + 1 :], -1.0, beyond[i])
        for j in range(weights.shape[1]):
            beyond[i, j] /= inner[i, i]
    if rank > 0:
        product = spare[: rank * weights.shape[1]].reshape((rank, weights.shape[1]))
        weighted_sums(cross[:count], beyond, beyond[:0], 0, product)
        for i in range(rank):
            for j in range(weights.shape[1]):
                weights[i, j] -= product[i, j]


@separate_kernel(
    NONE(
        WHOLE, WHOLE, MATRIX, VECTOR, INDICES, INDICES, VECTOR, VECTOR, REAL, FLAG, MATRIX, WHOLE, WHOLE, MATRIX,
        VECTOR,
    )
)  # fmt: skip
def write_back(
    begin: int, count: int, dense: Array, data: Array, indices: Array, indptr: Array, point: Array, anchor: Array,
    scale: float, averaging: bool, basis: Array, rank: int, made: int, weights: Array, buffer: Array,
) -> None:  # fmt: skip
    """New rows of the basis, the point and the anchor as combinations (``weights``) of ``[Q; A]``, in place.

    Columns of ``weights``: ``made`` directions, the point (on top of ``scale`` times the old anchor), the anchor.
    """
    outputs = weights.shape[1]
    sparse = dense.shape[0] == 0
    dimension = basis.shape[1]
    for start in range(0, dimension, CHUNK):
        wide = min(CHUNK, dimension - start)
        new = buffer[: outputs * wide].reshape((outputs, wide))
        weighted_sums(weights, basis[:rank], dense[begin : begin + count], start, new)
        for i in range(made):
            move(new[i], basis[i, start : start + wide])
        before, moved = anchor[start : start + wide], new[made]
        after = point[start : start + wide]
        for j in range(wide):
            after[j] = scale * before[j] + moved[j]
        if averaging:
            summed = new[made + 1]
            for j in range(wide):
                before[j] += summed[j]
    if not sparse:
        return
    for i in range(count):
        for place in range(indptr[begin + i], indptr[begin + i + 1]):
            value = data[place]
            j = indices[place]
            for m in range(made):
                basis[m, j] += weights[rank + i, m] * value
            point[j] += weights[rank + i, made] * value
            if averaging:
                anchor[j] += weights[rank + i, made + 1] * value


@separate_kernel(
    several(WHOLE, FLAG)(
        WHOLE, WHOLE, MATRIX, VECTOR, INDICES, INDICES, VECTOR, VECTOR, VECTOR, WHOLE, REAL, MATRIX, VECTOR, VECTOR,
        MATRIX, VECTOR, VECTOR, WHOLE, MATRIX, VECTOR, VECTOR,
    )
)  # fmt: skip
def play_block(
    begin: int, count: int, dense: Array, data: Array, indices: Array, indptr: Array, row: Array, targets: Array,
    offsets: Array, code: int, loss_parameter: float, outcome: Array, point: Array, anchor: Array, basis: Array,
    numbers: Array, parameters: Array, capacity: int, small: Array, small_work: Array, scratch: Array,
) -> tuple[int, bool]:  # fmt: skip
    """Up to ``count`` rounds in small coordinates, for a basis that is the eigenvectors.

    Returns how many were played, and whether the next one cannot be: it is not finite, or a shrink would exceed the
    learner's tolerance. Where fewer than ``count`` were played without that, the next one's pivot was too small.
    """
    rank = int(numbers[RANK])
    size = small.shape[1]
    averaging = parameters[AVERAGING] != 0.0
    coordinates = scratch[: 4 * size].reshape((4, size))
    norms = coordinates[3]
    rest = scratch[4 * size :]
    inner = rest[: count * count].reshape((count, count))
    spare = rest[count * count : 2 * count * count].reshape((count, count))
    rest = rest[2 * count * count :]
    written = rest[: count * size].reshape((count, size))
    rest = rest[count * size :]
    cross = rest[: count * rank].reshape((count, rank))
    rest = rest[count * rank :]
    gram(begin, count, dense, data, indices, indptr, row, basis, rank, cross, inner)
    for i in range(count):
        norms[i] = inner[i, i]
    count = factorise(count, norms, cross, inner, written, spare)
    if count == 0:
        return 0, False
    first, now = coordinates[0], coordinates[1]  # of the anchor, at the start and now
    at = coordinates[2] if averaging else now  # of the point
    coordinates_of(begin, count, dense, data, indices, indptr, anchor, basis, rank, written, first)
    numbers[ANCHOR_SQUARE] = square_norm(anchor)
    move(first, now)
    if averaging:
        coordinates_of(begin, count, dense, data, indices, indptr, point, basis, rank, written, at)
    set_identity(small, rank)
    lines = lines_of(small_work, small)
    vector = lines[COORDINATES]
    scale = 1.0
    played = 0
    halted = False
    moved = False
    for i in range(count):
        margin = dot(written[i], at) + offsets[begin + i]
        loss, slope = evaluate(code, loss_parameter, margin, targets[begin + i])
        outcome[0, begin + i] = margin
        outcome[1, begin + i] = loss
        outcome[2, begin + i] = slope
        length = abs(slope) * np.sqrt(norms[i])
        if not np.isfinite(margin + loss + slope + length):
            halted = True
            break
        played += 1
        numbers[ROUNDS] += 1.0
        weight = weight_of_round(parameters, numbers[ROUNDS])
        if weight * length <= VANISHING * numbers[UNIT]:
            fade(numbers, parameters[DECAY], capacity)
            continue
        if not weight * length <= OUTGROWN * numbers[UNIT]:
            set_unit(weight * length, numbers, capacity)
        scale_into(vector, written[i], slope * weight / numbers[UNIT])
        spanned = absorb_by(parameters, rank + i + 1, small, numbers, lines, small_work, capacity, basis.shape[1])
        if spanned < 0:
            numbers[ROUNDS] -= 1.0
            played -= 1
            halted = True
            break
        shrunk = step_in_coordinates(spanned, weight, small, now, numbers, parameters, lines, capacity, False)
        step = lines[STEP]
        for j in range(size):
            at[j] = shrunk * now[j] + step[j]
        scale = shrunk if averaging else scale * shrunk
        moved = True
    if not moved:
        return played, halted

    made = int(numbers[RANK])
    known = numbers[HEADER + capacity :]
    if known.size > 0:
        clear(known)
        project(small, made, now, known)
    outputs = made + (2 if averaging else 1)
    weights = rest[: (rank + count) * outputs].reshape((rank + count, outputs))
    rest = rest[(rank + count) * outputs :]
    for j in range(rank + count):
        for i in range(made):
            weights[j, i] = small[i, j]
        weights[j, made] = at[j] - scale * first[j]
        if averaging:
            weights[j, made + 1] = now[j] - first[j]
    in_rows(rank, count, cross, inner, weights, rest)
    write_back(
        begin, count, dense, data, indices, indptr, point, anchor, scale, averaging, basis, rank, made, weights, rest
    )
    numbers[SIZE] = made
    numbers[COMPRESSIONS] += 1
    if numbers[COMPRESSIONS] % POLISH_EVERY == 0:
        polish(basis, made, rest[: made * made].reshape((made, made)), rest[made * made :])
    return played, halted


@kernel
def nearly_singular(numbers: Array, parameters: Array) -> bool:
    """Whether next to nothing is added to the sketch before it is inverted."""
    if parameters[OUTER] > 0.0:
        return False
    square = numbers[UNIT] * numbers[UNIT]
    alpha = parameters[INNER] + square * parameters[COMPENSATION] * numbers[ESCAPED]
    return bool(alpha <= SINGULAR * square * numbers[HEADER])


@kernel
def play_stream(
    begin: int, length: int, dense: Array, data: Array, indices: Array, indptr: Array, row: Array, targets: Array,
    offsets: Array, code: int, loss_parameter: float, outcome: Array, small: Array, small_work: Array, scratch: Array,
    point: Array, anchor: Array, basis: Array, directions: Array, numbers: Array, parameters: Array, work: Array,
    capacity: int,
) -> tuple[int, int]:  # fmt: skip
    """The rounds of a stream of rows from ``begin`` on, in blocks; round by round where the basis is the identity.

    Returns the first round that could not be played (see `play_round`), else -1; and how many `play_round` played.
    """
    rounds = targets.size
    scratch_row = row[: basis.shape[1]]
    if basis.shape[0] == 0:
        stopped = play_rounds(
            begin, rounds, dense, data, indices, indptr, scratch_row, targets, offsets, code, loss_parameter, outcome,
            point, anchor, basis, directions, numbers, parameters, work, capacity,
        )  # fmt: skip
        return stopped, 0
    tracked = numbers.size > HEADER + capacity
    lines = lines_of(work, directions)
    compress(basis, directions, numbers, lines, work, capacity, tracked)
    online = 0
    patience = 1
    at = begin
    while at < rounds:
        if nearly_singular(numbers, parameters):
            until = min(at + capacity, rounds)
        else:
            count = min(length, rounds - at)
            played, halted = play_block(
                at, count, dense, data, indices, indptr, row, targets, offsets, code, loss_parameter, outcome, point,
                anchor, basis, numbers, parameters, capacity, small, small_work, scratch,
            )  # fmt: skip
            at += played
            set_identity(directions, int(numbers[RANK]))
            if halted:
                return at, online
            if played == count:
                continue
            patience = min(2 * patience, length) if played == 0 else 1
            until = min(at + patience, rounds)
        stopped = play_rounds(
            at, until, dense, data, indices, indptr, scratch_row, targets, offsets, code, loss_parameter, outcome,
            point, anchor, basis, directions, numbers, parameters, work, capacity,
        )  # fmt: skip
        if stopped >= 0:
            return stopped, online
        clear(scratch_row)
        online += until - at
        at = until
        compress(basis, directions, numbers, lines, work, capacity, tracked)
    return -1, online


def block_length(dimension: int, rank: int, nonzeros: float | None) -> int:
    """Rounds to play between two write-backs, about where their cost meets that of the rounds.

    Of dense rows (``nonzeros`` is None), a multiple of the four that `inner_products` takes together. A round among n
    CSR rows costs n times their ``nonzeros`` and n times a few k more, for the Gram matrix and what is n wide, and its
    share of a write-back is d k / n: the minimum is flat, and a power of two near it will do.
    """
    if nonzeros is None:
        return min((12 + rank // 2) // 4 * 4, 96)
    best = 2.0 * np.sqrt(dimension * rank / (nonzeros + 4.0 * rank))
    return int(2.0 ** np.clip(np.round(np.log2(best)), 4.0, 10.0))
