"""The bounds of the learners between diagonal and full matrix, worked out anew: `test_bound_formulas` uses them.

``f`` is the `Facts` there. Where a bound depends on the points, the definition is played in dense algebra.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from oco.domains import Ball, Box, Dense
from oco.domains.base import Domain
from oco.learners import plain
from oco.types import Array


def domain_of(f: Any) -> Domain:
    """The ball of radius 1.5 around the origin, or the box from 1 to 3, that the lengths are those of."""
    d = f.rows.shape[1]
    return Ball(1.5, dimension=d) if f.reach == 1.5 else Box(1.0, 3.0, dimension=d)


def parameter_free(f: Any) -> dict[str, float]:
    """The definition is played in dense algebra for V; the farthest point of the domain counts."""
    d, scale = f.rows.shape[1], f.keywords.get("scale", 0.25 * f.reach)
    domain = domain_of(f)
    rows, outcomes, root = f.rows / f.longest, np.zeros(d), np.eye(d)
    squares, bet, point = 0.0, domain.start, domain.start
    sketch = plain.FrequentDirections(d, f.keywords.get("rank", d))
    fractions = 2.0 ** (-1.0 - 0.5 * np.arange(40))
    shares = scale * np.log(2.0) / (2.0 * fractions)

    def weights(total: float) -> Array:
        return shares * np.exp((fractions + np.log1p(-fractions)) * total)

    def conjugate(total: float) -> float:
        distance = f.reach * float(np.sqrt(np.linalg.eigvalsh(root)[-1]))
        loss = lambda z: float(np.sum(weights(total) * np.cosh(fractions * z) - shares)) - distance * z  # noqa: E731
        return -float(minimize_scalar(loss, bounds=(0.0, 100.0), method="bounded", options={"xatol": 1e-9}).fun)

    for row in rows:
        outcome, outward = row, bet - point
        length = float(np.sqrt(outward @ root @ outward))
        if length > 1e-8:
            outcome = row + max(0.0, -float(row @ outward) / length) * root @ outward / length
        outcomes, squares = outcomes + outcome, squares + float(outcome @ np.linalg.solve(root, outcome))
        if row.any():
            sketch.update(row)
        values, vectors = np.linalg.eigh(sketch.covariance() + (1.0 + sketch.escaped_mass) * np.eye(d))
        root = (vectors * np.sqrt(values)) @ vectors.T
        direction = np.linalg.solve(root, outcomes)
        z = float(np.sqrt(outcomes @ direction))
        steps = fractions * weights(squares) * np.sinh(fractions * z)
        bet = domain.start - (float(np.sum(steps)) / z if z > 0.0 else 0.0) * direction
        point = bet if domain.contains(bet, tolerance=0.0) else domain.project_in(bet, Dense.from_matrix(root))
    return {
        "": f.longest * conjugate(squares),
        "with 2 tr G^(1/2) for the squares": f.longest * conjugate(2.0 * f.trace / f.longest),
    }


def reduced(row: Array, average: Array, point: Array) -> Array:
    """The gradient less what pushes a point that was projected further out."""
    outward = average - point
    length = float(np.linalg.norm(outward))
    return row if length == 0.0 else row - min(0.0, float(row @ outward) / length) * outward / length


def grid(f: Any) -> tuple[list[float], list[float]]:
    """Rates for gradients over ``D Gamma``, and prior weights: 24 rounds have ``ceil(log2(24) / 2) + 1 = 4``."""
    return [0.2, 0.1, 0.05, 0.025], [5.0 / 8.0, 5.0 / 24.0, 5.0 / 48.0, 5.0 / 80.0]


def metagrad(f: Any) -> dict[str, float]:
    d, rank = f.rows.shape[1], f.keywords.get("rank", f.rows.shape[1])
    sketch = plain.FrequentDirections(d, rank)
    for row in f.rows[f.rows.any(axis=1)] / f.longest:
        sketch.update(row)
    values = []
    for rate, share in zip(*grid(f), strict=True):
        determinant = np.linalg.slogdet(np.eye(d) + 2.0 * rate**2 * sketch.covariance())[1]
        complexity = 0.5 + math.log(1.0 / share) + 0.5 * determinant
        complexity += min(rank + 1, d) * rate**2 * sketch.escaped_mass
        values.append(rate * f.squares / f.longest**2 + complexity / rate)
    return {"": f.diameter * f.longest * min(values)}


def lipschitz_adaptive_metagrad(f: Any) -> dict[str, float]:
    """The grid follows from the lengths alone; the definition is not played."""
    d, rank = f.rows.shape[1], f.keywords.get("rank", f.rows.shape[1])
    sketch = plain.FrequentDirections(d, rank)
    largest = total = 0.0
    woken: set[int] = set()
    awake: list[int] = []
    for row in f.rows:
        before, b = largest, f.diameter * float(np.linalg.norm(row))
        largest = max(largest, b)
        total += min(b, before)
        if before * b > 0.0:
            sketch.update(row * before / largest)
        if largest > 0.0:
            awake = [i for i in range(-60, 60) if 0.5 / (total + largest) <= 2.0**i <= 0.5 / largest]
            woken.update(awake)
    values = [total]
    for rate in (2.0**i for i in awake):
        scaled = 2.0 * (rate * f.diameter) ** 2
        determinant = np.linalg.slogdet(np.eye(d) + scaled * sketch.covariance())[1]
        complexity = 1.25 + math.log(len(woken)) + determinant + min(rank + 1, d) * scaled * sketch.escaped_mass
        values.append(rate * f.diameter**2 * f.squares + complexity / rate)
    return {"": largest + min(values)}


def coordinate_metagrad(f: Any) -> dict[str, float]:
    """Every coordinate and every rate by itself, in scalars."""
    domain, d, width = domain_of(f), f.rows.shape[1], 2.0 * f.max_reach
    rates, shares = grid(f)
    experts, losses, squares = np.zeros((4, d)), np.zeros((4, d)), np.zeros(d)
    average, point = domain.start, domain.start
    for row in f.rows / f.longest:
        row = reduced(row, average, point)
        squares = squares + row**2
        for j in range(d):
            for i in range(4):
                gain = rates[i] * (average[j] - domain.start[j] - experts[i, j]) * row[j] / width
                losses[i, j] += gain**2 - gain
                step = rates[i] * (1.0 - 2.0 * gain) * row[j] * width / (1.0 + 2.0 * rates[i] ** 2 * squares[j])
                experts[i, j] = min(f.max_reach, max(-f.max_reach, experts[i, j] - step))
        weights = np.array(shares)[:, None] * np.array(rates)[:, None] * np.exp(-losses)
        average = domain.start + (weights * experts).sum(axis=0) / weights.sum(axis=0)
        point = domain.project(average)
    total = 0.0
    for square in squares:
        total += min(
            rate * square + (math.log(1.0 / share) + 0.125 + 0.5 * math.log(1.0 + 2.0 * rate**2 * square)) / rate
            for rate, share in zip(rates, shares, strict=True)
        )
    return {"": width * f.longest * total}


def matrix_free(f: Any) -> dict[str, float]:
    """Both layers in scalars; the bound minimized on the grids of lambda and beta in loops."""
    domain, d = domain_of(f), f.rows.shape[1]
    slope, wealth = math.sqrt(d) * f.longest, f.keywords.get("initial_wealth", 1.0)
    inner = f.keywords.get("inner_wealth", 1.0 / d)
    start, newton = wealth, 2.0 / (2.0 - math.log(3.0))
    fractions, wealths, curvatures, bets = [0.0] * d, [inner] * d, [1.0] * d, [0.0] * d
    average, point = domain.start, domain.start
    for row in f.rows:
        outcome = reduced(row, average, point) / slope
        lost = sum(float(outcome[i]) * bets[i] for i in range(d))
        wealth -= lost * wealth
        for i in range(d):
            z, raw = 0.5 * float(outcome[i]) / (1.0 - lost), fractions[i] * wealths[i]
            z = 0.0 if (raw > 0.5 and z < 0.0) or (raw < -0.5 and z > 0.0) else z
            wealths[i] -= z * raw
            step = z / (1.0 - z * fractions[i])
            curvatures[i] += step**2
            fractions[i] = min(0.5, max(-0.5, fractions[i] - newton * step / curvatures[i]))
            bets[i] = min(0.5, max(-0.5, fractions[i] * wealths[i]))
        average = domain.start + wealth * np.array(bets)
        point = domain.project(average)

    def inner_regret(target: float, curvature: float) -> float:
        costs = [
            (math.log(1.0 + target / (beta * inner)) + 2.25 * beta**2 * (curvature - 1.0) + beta**2 / (2.0 * newton)
             + 0.5 * newton * math.log(curvature)) / beta
            for beta in (0.5**power for power in range(1, 31))
        ]  # fmt: skip
        return inner + target * min(costs)

    values = []
    for rate in (2.0**power / start for power in range(-60, 11) if 2.0**power / start * f.max_reach <= 0.5):
        regrets = sum(inner_regret(rate * f.max_reach, curvature) for curvature in curvatures)
        growth = math.log(1.0 + 1.0 / (rate * start)) + rate**2 * f.reach**2 * f.squares / slope**2 + 2.0 * regrets
        values.append(slope * (start + growth / rate))
    return {"": min(values)}


def diagonal_fd_adagrad(f: Any) -> dict[str, float]:
    """What every shrink subtracts is found in dense algebra, and its majorant by trying all sizes of S."""
    d = f.rows.shape[1]
    sketch, tail = plain.FrequentDirections(d, f.keywords["rank"]), np.zeros(d)
    for row in f.rows[f.rows.any(axis=1)]:
        before, mass = sketch.covariance(), sketch.escaped_mass
        sketch.update(row)
        if sketch.escaped_mass - mass > 1e-12:
            lost = np.diag(before + np.outer(row, row) - sketch.covariance()) / (sketch.escaped_mass - mass)
            falling = np.argsort(-lost)
            traces, candidates = [], []
            for size in range(1, d + 1):
                rest = float(lost[falling[size:]].sum())
                tau = math.sqrt(max(rest, 0.0) * (d - size) / size)
                candidate = np.full(d, (1.0 + 1.0 / tau) * rest if tau > 0.0 else 0.0)
                candidate[falling[:size]] = 1.0 + tau
                traces.append(candidate.sum())
                candidates.append(candidate)
            tail += (sketch.escaped_mass - mass) * candidates[int(np.argmin(traces))]
    trace = float(np.sum(np.sqrt(np.maximum(np.linalg.eigvalsh(sketch.covariance() + np.diag(tail)), 0.0))))
    weight = f.diameter / math.sqrt(2.0)
    return {
        "": weight * (trace + f.trace),
        "with the roots of the tail": weight * (2.0 * f.trace + float(np.sum(np.sqrt(tail)))),
    }


def dyadic_fd_adagrad(f: Any) -> dict[str, float]:
    """Blocks one by one, each a sketch of its own, whose shrinks are tried before they are made."""
    d, error, first = f.rows.shape[1], f.keywords["error"], f.keywords.get("rank", 1)
    block, sketch, covariance, escaped = 0, plain.FrequentDirections(d, first), np.zeros((d, d)), 0.0
    for row in f.rows[f.rows.any(axis=1)]:
        before = sketch.covariance(), sketch.escaped_mass
        sketch.update(row)
        if sketch.escaped_mass > max(before[1], error * 0.5 ** (block + 1)):
            covariance, escaped, block = covariance + before[0], escaped + before[1], block + 1
            sketch = plain.FrequentDirections(d, first * 2**block)
            sketch.update(row)
    covariance, escaped = covariance + sketch.covariance(), escaped + sketch.escaped_mass
    assert block >= 1
    trace = float(np.sum(np.sqrt(np.maximum(np.linalg.eigvalsh(covariance), 0.0) + escaped)))
    weight = f.diameter / math.sqrt(2.0)
    return {
        "": weight * (2.0 * f.trace + d * math.sqrt(error)),
        "with the escaped mass": weight * (2.0 * f.trace + d * math.sqrt(escaped)),
        "a posteriori": weight * (trace + f.trace),
    }


def ftsl_shampoo(f: Any) -> dict[str, float]:
    """Both sides in dense algebra; a gradient of rank 2 has ``eta = R / 2``."""
    gradients, rate, squares = f.gradients / f.longest, f.reach / 2.0, 0.0
    rows, columns = gradients.shape[1:]
    rank = f.keywords["rank"]
    left, right = Increments(rows, rank), Increments(columns, rank)
    for gradient in gradients:
        whitened = left.root(-0.125) @ gradient @ right.root(-0.125)
        squares += float(np.sum(whitened**2))
        left.add(gradient @ gradient.T)
        right.add(gradient.T @ gradient)
    quarters = np.linalg.eigvalsh(left.root(0.25)), np.linalg.eigvalsh(right.root(0.25))
    first = f.reach**2 / (2.0 * rate) * quarters[0][-1] * quarters[1][-1]
    return {
        "": f.longest * (first + 0.5 * rate * squares),
        "from the traces": f.longest * (first + rate * 2.0 * quarters[0].sum() * quarters[1].sum()),
    }


def faml(f: Any) -> dict[str, float]:
    """On the Frobenius ball of radius 1.5, whose reach in spectral norm is that too."""
    gradients = f.gradients / f.longest
    rows, columns = gradients.shape[1:]
    total, left, squares = np.zeros((rows, columns)), np.zeros((rows, rows)), 0.0
    average = point = np.zeros((rows, columns))
    for gradient in gradients:
        outcome = reduced(gradient.ravel(), average.ravel(), point.ravel()).reshape(rows, columns)
        values, vectors = np.linalg.eigh(total @ total.T + left + np.eye(rows))
        squares += float(np.trace((vectors / np.sqrt(values)) @ vectors.T @ outcome @ outcome.T))
        total, left = total + outcome, left + outcome @ outcome.T
        values, vectors = np.linalg.eigh(total @ total.T + left + np.eye(rows))
        average = -1.5 * (vectors / np.sqrt(values)) @ vectors.T @ total
        length = float(np.linalg.norm(average))
        point = average * 1.5 / length if length > 1.5 else average
    trace = float(np.sum(np.sqrt(np.maximum(np.linalg.eigvalsh(left), 0.0))))
    return {"": 1.5 * f.longest * (rows + squares), "from the trace": 1.5 * f.longest * (rows + 2.0 * trace)}


class Increments:
    """Frequent Directions of positive semidefinite increments in dense algebra, with ``(1 + rho) I`` put back."""

    def __init__(self, dimension: int, rank: int) -> None:
        self.sketch, self.rank, self.escaped = np.zeros((dimension, dimension)), rank, 0.0

    def add(self, increment: Array) -> None:
        values, vectors = np.linalg.eigh(self.sketch + increment)
        values = values[::-1]
        cut = max(float(values[self.rank]), 0.0) if values.size > self.rank else 0.0
        kept = np.where(np.arange(values.size) < self.rank, np.maximum(values - cut, 0.0), 0.0)
        self.sketch, self.escaped = (vectors[:, ::-1] * kept) @ vectors[:, ::-1].T, self.escaped + cut

    def root(self, exponent: float) -> Array:
        values, vectors = np.linalg.eigh(self.sketch)
        result: Array = (vectors * (values + 1.0 + self.escaped) ** exponent) @ vectors.T
        return result


FORMULAS: dict[str, Callable[[Any], dict[str, float]]] = {
    "parameter_free_fd": parameter_free,
    "parameter_free_full_matrix": parameter_free,
    "metagrad": metagrad,
    "lipschitz_adaptive_metagrad": lipschitz_adaptive_metagrad,
    "coordinate_metagrad": coordinate_metagrad,
    "matrix_free": matrix_free,
    "diagonal_fd_adagrad": diagonal_fd_adagrad,
    "dyadic_fd_adagrad": dyadic_fd_adagrad,
    "ftsl_shampoo": ftsl_shampoo,
    "faml": faml,
}
